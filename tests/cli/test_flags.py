"""`casnb flags`: the flags listed, the fewest for a report, the matrix and the crosswalk."""

from __future__ import annotations

import json

import pytest

from casnb.evidence.cas_report import CasReport
from casnb.policy.flags import FLAGS, NEWER
from casnb.policy.translation import crosswalk
from casnb.simulator.world import World

TEST = "--only_for_testing-debug --only_for_testing-ignore-signer"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a report of three scenarios, roots, and a bare quote with its endorsements."""
    folder = tmp_path_factory.mktemp("flags")
    for scenario in ("public", "production", "revoked"):
        world = World("flags", scenario)
        (folder / scenario).write_bytes(
            world.attest("IASReport" if scenario == "public" else "DCAP")
        )
    (folder / "roots.pem").write_bytes(world.roots_pem)
    report = CasReport.from_json((folder / "production").read_bytes())
    (folder / "quote").write_bytes(report.quote().to_bytes())
    (folder / "endorsements").write_text(json.dumps(report.endorsements_json()))
    return folder


@pytest.fixture
def about(casnb, made):
    """Run `casnb flags FILE` under the simulated roots at the world's time."""
    at = World("flags", "public").now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return lambda name, *words: casnb(
        "flags", made / name, "--simulated-roots", made / "roots.pem", "--at", at, *words
    )


def test_listed(casnb):
    """Without a report every flag is listed with what it waives and whom it lets in; JSON says
    the same.
    """
    shown = " ".join(casnb("flags").stdout.split())
    assert all(f.option in shown and f.who in shown for f in (*FLAGS, *NEWER))
    rows = json.loads(casnb("flags", "--json").stdout)
    assert [r["name"] for r in rows] == [f.name for f in (*FLAGS, *NEWER)]


def test_fewest_for_a_report(about):
    """The assignment's CAS takes three flags; each says why, the others that they buy nothing."""
    done = about("public", "--mrenclave", World("flags", "public").mrenclave)
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0 and said.startswith(
        "Exactly -G, --only_for_testing-debug and --only_for_testing-ignore-signer"
    )
    assert (
        "needed -G tcb-status: got GROUP_OUT_OF_DATE, wanted OK lets in" in said
        and "accepted with 3 waivers" in said
    )
    assert "buys nothing -C the status is GROUP_OUT_OF_DATE" in said
    found = json.loads(
        about("public", "--mrenclave", World("flags", "public").mrenclave, "--json").stdout
    )
    assert (
        found["options"] == f"-G {TEST}"
        and found["enough"]
        and found["verdict"] == "accepted-with-waivers"
    )


def test_other_code_is_warned_of(about):
    """A report of other code than expected is told with a warning, not as something to mend by a
    flag.
    """
    assert "find out why" in " ".join(about("public", "--mrenclave", "ab" * 32).stdout.split())


def test_none_needed_and_none_enough(about):
    """A production CAS needs none (exit 0); for a revoked platform none is enough (exit 1), and
    the check is named.
    """
    good, bad = (
        about("production"),
        about("revoked", "--mrenclave", World("flags", "revoked").mrenclave),
    )
    assert (good.exit_code, good.stdout[:18]) == (0, "No flag is needed.")
    assert bad.exit_code == 1 and "tcb-status fails (Revoked)" in " ".join(bad.stdout.split())


def test_a_bare_quote(about, made):
    """A quote without a CAS report is judged with its endorsements, and refused without them."""
    assert about("quote", "--endorsements", made / "endorsements").exit_code == 0
    assert about("quote").exit_code == 2


def test_what_was_not_given_is_said(casnb, vectors):
    """Without a time an old report is judged today, and --at is named; without an MRENCLAVE
    trust-any is not an advice.
    """
    path = vectors / "cas-attest" / "v1-attest-iasreport-2019.json"
    late = casnb("flags", path)
    assert late.exit_code == 1 and "--at judges it as of another time" in late.stderr
    unnamed = casnb("flags", path, "--at", "2019-07-20", "--json")
    assert "--at judges" not in unnamed.stderr
    found = json.loads(unnamed.stdout)
    assert (
        "only_for_testing-trust-any" in found["flags"]
        and "trust-any can be spared" in found["warning"]
    )


def test_real_report(casnb, vectors):
    """The public CAS of 2019, under Intel's root at its own time, takes the flags of the
    assignment.
    """
    path = vectors / "cas-attest" / "v1-attest-iasreport-2019.json"
    done = casnb(
        "flags",
        path,
        "--at",
        "2019-07-20",
        "--mrenclave",
        "756aefddc7a37d6d9806a06fa110dc7ccc5c9a33f722acb551eed0c78fd2ab03",
        "--json",
    )
    assert json.loads(done.stdout)["options"] == f"-G {TEST}"


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "flags "),
        ("csv", "flags,public"),
        ("json", "{"),
        ("svg", "<svg "),
        ("html", "<!doctype html>"),
    ],
)
def test_matrix(casnb, tmp_path, form, start):
    """The matrix in every form, on standard output or in a file, the same bytes."""
    shown = casnb("flags", "--matrix", "--format", form)
    assert shown.exit_code == 0 and shown.stdout.startswith(start)
    casnb("flags", "--matrix", "--format", form, "-o", tmp_path / "out")
    assert (tmp_path / "out").read_text() == shown.stdout


def test_matrix_of_other_code(casnb):
    """With a wrong MRENCLAVE nothing is accepted until trust-any is there."""
    rows = json.loads(casnb("flags", "--matrix", "--expected", "wrong", "--json").stdout)["rows"]
    opened = [r for r in rows if any(c["verdict"] == "accepted-with-waivers" for c in r["cells"])]
    assert opened and all("only_for_testing-trust-any" in r["flags"] for r in opened)


def test_matrix_with_a_report(casnb, made):
    """A report from a file is one more column, and what it is compared with is said."""
    done = casnb(
        "flags",
        made / "public",
        "--matrix",
        "--format",
        "csv",
        "--simulated-roots",
        made / "roots.pem",
    )
    assert (
        done.stdout.splitlines()[0].endswith(",current,public (file)")
        and "compared with itself" in done.stderr
    )


def test_crosswalk(casnb):
    """Every idea is told with what each tool calls it."""
    assert [r["name"] for r in json.loads(casnb("flags", "--crosswalk", "--json").stdout)] == [
        i.name for i in crosswalk()
    ]
    assert "RA_TLS_ALLOW_OUTDATED_TCB_INSECURE=1" in casnb("flags", "--crosswalk").stdout


MISUSES = [
    ["--matrix", "--crosswalk"],
    ["--format", "csv"],
    ["--expected", "none"],
    ["--crosswalk", "x"],
    ["--matrix", "--format", "x"],
]


@pytest.mark.parametrize("words", MISUSES, ids=" ".join)
def test_wrong_use(casnb, words):
    """Options that contradict each other are misuse."""
    assert casnb("flags", *words).exit_code == 2


@pytest.mark.parametrize(("name", "code"), [("junk", 1), ("missing", 3)])
def test_bad_file(casnb, tmp_path, name, code):
    """Junk is malformed, a missing file could not be checked; both in one sentence."""
    (tmp_path / "junk").write_bytes(b"junk")
    for more in ([], ["--matrix"]):
        done = casnb("flags", tmp_path / name, *more)
        assert done.exit_code == code and done.stderr.splitlines()[-1].startswith("Error: ")
