"""Every real vector gets the verdict that its manifest expects, and a manifest that expects
otherwise is contradicted.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from casnb.base.errors import SourceError
from casnb.cli.main import casnb
from casnb.cli.many.cases import CaseResult
from casnb.cli.many.manifest import run_manifest

#: Cases in which casnb differs from the manifest on purpose.
EXPLAINED = [("gotdx-v5-tdx", "parse")]


@pytest.fixture(scope="module")
def manifest(vectors: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((vectors / "manifest.json").read_text())
    return value


@pytest.fixture(scope="module")
def results(vectors: Path) -> list[CaseResult]:
    return run_manifest(vectors / "manifest.json")


def test_every_case_agrees(results):
    """Verdict, status, advisories, dates and identities are the manifest's, and for a refusal
    the failed check is the named one.
    """
    assert [(r.id, r.case) for r in results if not r.agree] == EXPLAINED
    assert [(r.id, r.case) for r in results if r.explained] == EXPLAINED
    assert all(r.note for r in results if r.explained)


def test_lists_left_out(results):
    """Where a vector has no revocation lists, the rest is judged as expected once a flag gave
    them up, and not before.
    """
    left_out = [r for r in results if "--accept-unverifiable-pcs-certs" in r.note]
    assert len(left_out) == 2 and all(
        r.got == "reject: pck-revocation" and r.agree for r in left_out
    )


def test_one_table(vectors):
    """`casnb verify --manifest` prints a line for every case, says why one is explained, and
    succeeds; none differs.
    """
    result = CliRunner().invoke(
        casnb, ["verify", "--manifest", str(vectors / "manifest.json")], prog_name="casnb"
    )
    assert result.exit_code == 0 and "DIFFERS" not in result.stdout
    told = re.fullmatch(
        r"([0-9]+) cases: ([0-9]+) agree, ([0-9]+) explained, 0 differ\.", result.stderr.strip()
    )
    assert (
        told
        and int(told[1]) == int(told[2]) + int(told[3]) > 100
        and int(told[3]) == len(EXPLAINED)
    )
    assert len(re.findall(r"^(?:agrees|explained) ", result.stdout, re.MULTILINE)) == int(told[1])
    assert "what is not read cannot be misread" in " ".join(result.stdout.split())


def test_every_case_is_there(results, manifest):
    """No vector is passed over: each case of each vector has its row, once."""
    wanted = {(v["id"], c["id"]) for v in manifest["vectors"] for c in v.get("cases", [])}
    got = [(r.id, r.case) for r in results]
    assert wanted <= set(got)
    assert len(got) == len(set(got))
    assert {v["id"] for v in manifest["vectors"]} == {id for id, _ in got}


@pytest.mark.parametrize(
    "word",
    [
        "accept: UpToDate",
        "accept: SWHardeningNeeded",
        "accept: ConfigurationAndSWHardeningNeeded",
        "accept: OutOfDate",
        "accept: OutOfDateConfigurationNeeded",
        "accept: OK",
        "accept: GROUP_OUT_OF_DATE",
        "accept: CONFIGURATION_NEEDED",
        "accept: SW_HARDENING_NEEDED",
        "reject: tcb-status",
        "reject: pck-revocation",
        "reject: fmspc-match",
        "reject: qe-identity",
        "reject: tcb-info-signature",
        "reject: avr-signature",
        "reject: avr-chain",
    ],
)
def test_the_vectors_reach_every_outcome(results, word):
    """The real vectors are not all alike."""
    assert any(r.got == word for r in results)


def _expect(name: str, value: Any) -> Callable[[Any], None]:
    def change(vector: Any) -> None:
        vector["cases"][0]["expect"][name] = value

    return change


def _reject(vector: Any) -> None:
    vector["cases"][0]["expect"] = {"verdict": "reject", "reason": "pck-chain-invalid"}


def _without_lists(vector: Any) -> None:
    vector["cases"][0]["expect_if_crl_checks_disabled"]["tcb_status"] = "UpToDate"


def _accept(vector: Any) -> None:
    vector["cases"][0]["expect"] = {"verdict": "accept", "tcb_status": "UpToDate"}


def _time(vector: Any) -> None:
    vector["cases"][0]["time"] += 365 * 86400 * 20


def _report(name: str, value: Any) -> Callable[[Any], None]:
    def change(vector: Any) -> None:
        vector["quote"]["report"][name] = value

    return change


def _digest(vector: Any) -> None:
    next(iter(vector["files"].values()))["sha256"] = "0" * 64


def _escape(vector: Any) -> None:
    row = next(iter(vector["files"].values()))
    row["file"] = "dcap/../" + row["file"]


def _format(vector: Any) -> None:
    vector["format"] = "papyrus"


GOOD, BAD = "dcapqvl-sample-202506", "neg-fmspc-mismatch-platform"


@pytest.mark.parametrize(
    "name, change",
    [
        pytest.param(GOOD, _expect("tcb_status", "UpToDate"), id="another-status"),
        pytest.param(GOOD, _expect("advisories", ["INTEL-SA-00001"]), id="other-advisories"),
        pytest.param(GOOD, _expect("tcb_date", "1999-01-01T00:00:00Z"), id="another-date"),
        pytest.param(GOOD, _expect("qe_tcb_status", "OutOfDate"), id="another-qe-status"),
        pytest.param(
            "fortanix-unordered-chain-202006-nocrl",
            _without_lists,
            id="another-status-without-lists",
        ),
        pytest.param(GOOD, _reject, id="accepted-where-refusal-is-expected"),
        pytest.param(BAD, _accept, id="refused-where-acceptance-is-expected"),
        pytest.param(
            BAD, _expect("reason", "isv-signature-invalid"), id="refused-by-another-check"
        ),
        pytest.param(GOOD, _time, id="another-time"),
        pytest.param(GOOD, _report("mrenclave", "00" * 32), id="another-measurement"),
        pytest.param(GOOD, _report("isvsvn", 999), id="another-version"),
        pytest.param(GOOD, _digest, id="another-digest"),
        pytest.param(GOOD, _escape, id="a-file-outside-the-folder"),
        pytest.param(GOOD, _format, id="a-format-nobody-knows"),
        pytest.param("phala-2021", _expect("status", "OK"), id="another-ias-status"),
        pytest.param(
            "fortanix-v3-signature-invalid", _accept, id="ias-refused-where-acceptance-is-expected"
        ),
        pytest.param(
            "mobilecoin-ias-ok",
            _expect("status", "GROUP_OUT_OF_DATE"),
            id="another-unsigned-status",
        ),
        pytest.param(
            "fortanix-tcbinfo-select", _expect("tcb_status", "OutOfDate"), id="another-level"
        ),
        pytest.param("libsignal-pck-extension", _expect("pcesvn", 12), id="another-pce-svn"),
        pytest.param("gotdx-v5-tdx", _accept, id="tdx-expected-to-be-accepted"),
    ],
)
def test_a_wrong_expectation_is_contradicted(vectors, manifest, tmp_path, name, change):
    """One changed member of one vector makes its row disagree: the runner compares what it
    prints.
    """
    vector = json.loads(json.dumps(next(v for v in manifest["vectors"] if v["id"] == name)))
    for row in vector["files"].values():
        target = tmp_path / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(vectors / row["file"], target)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"vectors": [vector]}))
    assert all(r.agree or r.explained for r in run_manifest(path))
    change(vector)
    path.write_text(json.dumps({"vectors": [vector]}))
    assert not all(r.agree or r.explained for r in run_manifest(path))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a-list"),
        pytest.param("{}", id="no-vectors"),
        pytest.param('{"vectors":[1]}', id="a-vector-that-is-a-number"),
        pytest.param('{"vectors":{}}', id="vectors-that-are-an-object"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    """Nothing can be checked with a file that is something else, nor with one that is missing: a
    SourceError each.
    """
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(SourceError):
        run_manifest(path)
    with pytest.raises(SourceError):
        run_manifest(tmp_path / "missing.json")


def test_a_vector_that_cannot_be_read_is_a_row_of_its_own(tmp_path):
    """It disagrees, and the others are run all the same."""
    path = tmp_path / "manifest.json"
    vectors = [
        {"id": "a", "format": "dcap-quote-v3", "files": {}, "cases": 7},
        {"id": "b", "format": "sigstruct", "files": {}},
        {
            "id": "c",
            "format": "ias-avr-v3",
            "files": {"body": {"file": "missing", "sha256": ""}},
            "cases": [],
        },
    ]
    path.write_text(json.dumps({"vectors": vectors}))
    assert [(r.id, r.agree) for r in run_manifest(path)] == [
        ("a", False),
        ("b", False),
        ("c", False),
    ]
