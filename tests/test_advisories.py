"""Statuses and advisories in words: complete, true to the flags, bounded and harmless wherever
they are shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner

from casnb.checks.result import AttestationResult, failed
from casnb.cli.main import casnb as casnb_command
from casnb.cli.scone.main import scone as scone_command
from casnb.evidence.cas_report import CasReport
from casnb.policy.advisories import ADVISORIES, lookup
from casnb.policy.appraise import appraise
from casnb.policy.flags import BY_NAME
from casnb.policy.policy import AttestationPolicy
from casnb.policy.words import explain
from casnb.simulator.intel import LEVELS
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import World
from casnb.verify.dispatch import verify
from casnb.verify.tcb import TcbStatus

BAD = [s for s in TcbStatus if s is not TcbStatus.UP_TO_DATE]
NASTY = "\x1b[2J<script>alert(1)</script>\u202e"


def proven(scenario: str):
    world = World("words", scenario)
    report = CasReport.from_json(world.attest(world.setup.evidence[0]))
    return world, verify(report, roots=world.roots, now=world.now)


def listed_in(folder) -> set[str]:
    """Every advisory that any file of the vectors names."""
    found = set[bytes]()
    for path in folder.rglob("*"):
        if path.is_file():
            found |= set(re.findall(rb"INTEL-SA-\d+", path.read_bytes()))
    return {id.decode() for id in found}


#: A made-up body of a project's own tests names it; no list and no report of Intel's does.
MADE_UP = {"INTEL-SA-00239"}


def test_every_advisory_of_the_vectors_is_on_record(vectors):
    """All 34 that genuine lists and reports name are on record, and no other."""
    genuine = listed_in(vectors) - MADE_UP
    assert len(genuine) == 34 and genuine == set(ADVISORIES)


def test_the_record_is_in_order():
    """Rows stand by number, each under its own id."""
    assert list(ADVISORIES) == sorted(ADVISORIES)
    assert all(id == a.id for id, a in ADVISORIES.items())


def test_one_cpu_can_have_what_the_simulated_one_has(vectors):
    """Some genuine level of one processor lists every advisory of the simulated levels."""
    ours = {a for level in LEVELS.values() for a in level.advisories}
    groups = [
        set(re.findall(r"INTEL-SA-\d+", members))
        for path in (vectors / "dcap").rglob("collateral.json")
        for members in re.findall(r"advisoryIDs[^\]]*", path.read_text())
    ]
    assert ours and any(ours <= group for group in groups)


@pytest.mark.parametrize("advisory", ADVISORIES.values(), ids=lambda a: a.id)
def test_every_advisory_is_complete(advisory):
    """Title, source and statuses are there; a date stands where a CVE record does, and nowhere
    else.
    """
    assert advisory.title and advisory.source
    assert advisory.statuses and all(TcbStatus.from_dcap(s).waivable for s in advisory.statuses)
    assert all(re.fullmatch(r"CVE-20\d\d-\d{4,5}", cve) for cve in advisory.cves)
    assert bool(advisory.date) == bool(advisory.cves) == bool(advisory.kind)
    if advisory.date:
        assert date(2017, 1, 1) < date.fromisoformat(advisory.date) < date(2026, 1, 1)
        assert advisory.date[:4] >= advisory.cves[0][4:8]
    assert advisory.url.endswith(f"/{advisory.id.lower()}.html") and advisory.url.startswith(
        "https://www.intel.com/"
    )


def test_lookup():
    """Known ones are told with kind, CVE and date; all unknown ones in one row, all text that is
    no id in another; a list is cut and counted.
    """
    asked = ["INTEL-SA-00334", "INTEL-SA-99999", "../../etc/passwd", "INTEL-SA-00334"]
    rows = dict(lookup([*asked, "INTEL-SA-99998"]))
    assert len(rows) == 3
    assert "LVI" in rows["INTEL-SA-00334"]
    assert "(information disclosure; CVE-2020-0551, 2020-03-12)" in rows["INTEL-SA-00334"]
    assert rows["not on record"].endswith("INTEL-SA-99999, INTEL-SA-99998")
    assert "../../etc/passwd" in rows["no advisory"]
    many = lookup(f"INTEL-SA-{n:05}" for n in range(50_000, 150_000))
    assert [name for name, _ in many] == ["not on record", "..."]
    assert many[-1] == ("...", "and 99960 more")


@pytest.mark.parametrize("status", BAD, ids=lambda s: s.name)
def test_every_status_is_explained(status):
    """Meaning, who must act, what is left to the reader, the flags that accept it and what each
    lets in.
    """
    words = explain(status, status.dcap_name)
    rows = dict(words.rows)
    assert (
        rows["means"] == status.meaning
        and rows["to act"] == status.who_acts
        and rows["you"] == status.you_act
    )
    gains = {name: text for name, text in rows.items() if name.endswith(" lets in")}
    assert gains == {f"{BY_NAME[f].option} lets in": BY_NAME[f].gains for f in status.needs}
    assert (
        set(rows["flag"].split()[0].strip("-")) == {BY_NAME[f].short for f in status.needs}
        if status.waivable
        else rows["flag"] == "none accepts it"
    )


def test_each_status_has_its_own_words():
    """No two statuses mean the same, and the three who can act are told apart."""
    assert len({s.meaning for s in TcbStatus}) == len(TcbStatus)
    for status, who in (
        (TcbStatus.OUT_OF_DATE, "firmware"),
        (TcbStatus.CONFIGURATION_NEEDED, "settings"),
        (TcbStatus.SW_HARDENING_NEEDED, "builds the enclave"),
    ):
        assert who in status.who_acts and all(
            who not in s.who_acts for s in (TcbStatus.UP_TO_DATE, TcbStatus.REVOKED)
        )


def test_nothing_to_say():
    """A platform that is up to date needs no words, unless advisories are listed for it; an
    unproven status neither.
    """
    assert explain(TcbStatus.UP_TO_DATE, "OK") is None and explain(None, "") is None
    assert (
        explain(TcbStatus.UP_TO_DATE, "OK", ("INTEL-SA-00615",)).advisories[0][0]
        == "INTEL-SA-00615"
    )
    assert dict(explain(None, "SIGNATURE_INVALID").rows)["flag"] == "none accepts it"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_shown_with_result(scenario):
    """A result carries the words in text and in the notebook, accepted or not."""
    world, proof = proven(scenario)
    result = appraise(proof, AttestationPolicy(expected_signer=world.vendor))
    for text in result._repr_mimebundle_().values():
        assert ("in words" in text) == (scenario != "production")
        if scenario != "production":
            assert proof.tcb_status.you_act in text and all(a in text for a in proof.advisories)


def test_text_from_outside_is_harmless_and_bounded():
    """A status or an advisory that an attacker wrote reaches neither terminal nor page as it is."""
    words = explain(None, NASTY * 50, [NASTY * 50, *map(str, range(1000))])
    result = AttestationResult((failed("tcb-status", "x", "y"),), words=words)
    for text in (str(words), words._html(), str(result), result._html()):
        assert "\x1b" not in text and "\u202e" not in text and len(text) < 9000
    assert "<script>" not in words._html() + result._html()


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A report with a combined status, roots to judge it by, and the time."""
    world = World("words", "both")
    (tmp_path / "report.json").write_bytes(world.attest())
    (tmp_path / "roots.pem").write_bytes(world.roots_pem)
    monkeypatch.setenv("COLUMNS", "80")
    return str(tmp_path / "report.json"), "--simulated-roots", str(tmp_path / "roots.pem")


def test_shown_by_casnb_verify(saved):
    """`casnb verify` explains the status below the verdict."""
    shown = CliRunner().invoke(casnb_command, ["verify", *saved, "--at", "2026-09-02"]).stdout
    below = " ".join(shown[shown.index("is rejected") :].split())
    for words in (
        "CONFIGURATION_AND_SW_HARDENING_NEEDED in words",
        "whoever builds the enclave",
        "-CS (both)",
        "-S lets in",
        "INTEL-SA-00334 load value injection",
    ):
        assert words in below


def test_shown_by_scone_cas_attest(saved):
    """A rejection says briefly what is left to do and what the advisories are about; nothing
    goes to standard output.
    """
    words = [
        "cas",
        "attest",
        "cas",
        "--offline-report",
        *saved,
        "--verification-time",
        "2026-09-02",
    ]
    run = CliRunner().invoke(scone_command, words)
    assert run.exit_code == 1 and not run.stdout
    assert "note: what is left to you: read the advisories" in run.stderr
    assert "  INTEL-SA-00161: L1 terminal fault" in run.stderr


def test_an_accepted_attestation_does_not_dwell_on_it(saved):
    """Where the flags accept the status, the explanation is left to `casnb verify`."""
    world = World("words", "both")
    run = CliRunner().invoke(
        scone_command,
        [
            "cas",
            "attest",
            "cas",
            "--offline-report",
            *saved,
            "--verification-time",
            "2026-09-02",
            "-CS",
            "--mrenclave",
            world.mrenclave,
            "--only_for_testing-ignore-signer",
            "--only_for_testing-debug",
        ],
    )
    assert run.exit_code == 0 and "left to you" not in run.stderr


def test_words_change_no_verdict():
    """An explanation is none of the things a verdict hangs on."""
    world, proof = proven("public")
    result = appraise(proof, AttestationPolicy(expected_signer=world.vendor))
    assert (
        replace(result, words=None).verdict is result.verdict
        and replace(result, words=None).to_json() == result.to_json()
    )
