"""Cases to judge: the scenarios, and a report out of a file in their place."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.facts import Cases, LoadedReport

REAL = "v1-attest-iasreport-2019.json"
TEST = "--only_for_testing-debug --only_for_testing-ignore-signer"


@pytest.fixture(scope="module")
def real(vectors) -> LoadedReport:
    """The public CAS report of 2019, as its documentation printed it."""
    return LoadedReport.from_file(vectors / "cas-attest" / REAL)


def test_real_report_is_genuine_at_its_own_time(real):
    """Under Intel's root, in July 2019, the report is proven genuine; no clock of today is
    asked.
    """
    assert real.proof.genuine and real.proof.status_text == "GROUP_OUT_OF_DATE"
    assert (real.now.year, real.now.month) == (2019, 7) and "Intel's own roots" in real.story


def test_real_report_takes_the_flags_of_the_assignment(real):
    """The real debug CAS is refused strictly and needs exactly the three flags that the course
    was given.
    """
    strict = real.appraise(AttestationPolicy(mrenclaves=(real.mrenclave,)))
    assert {c.id for c in strict.failures} == {"tcb-status", "debug", "mrsigner"}
    assert real.minimal.options == f"-G {TEST}"


def test_compared_with_itself_is_said(vectors, real):
    """Without an expected MRENCLAVE the story says that the report is compared with itself; with
    one it does not.
    """
    assert "compared with itself" in real.story
    told = LoadedReport.from_file(vectors / "cas-attest" / REAL, mrenclave="ab" * 32)
    assert "itself" not in told.story and told.minimal.warning


def test_simulated_report_fails_under_intels_roots(cases):
    """A report of the lab, loaded without its roots, is not genuine and has no set of flags."""
    facts = cases.get("public")
    loaded = LoadedReport(facts.report_bytes)
    assert not loaded.proof.genuine and not loaded.minimal.enough
    assert LoadedReport(facts.report_bytes, roots=facts.world.roots).proof.genuine


def test_loaded_beside_the_scenarios(tmp_path):
    """A loaded report is one more case under the file's name; a scenario's name is told apart,
    an unknown one lists all.
    """
    mine = Cases("loaded")
    world = mine.get("dcap-debug").world
    (tmp_path / "mine.json").write_bytes(mine.get("dcap-debug").report_bytes)
    loaded = mine.load(
        LoadedReport.from_file(
            tmp_path / "mine.json", roots=world.roots, now=world.now, signer=world.vendor
        )
    )
    assert mine.names == (*SCENARIOS, "mine.json") and mine.case("mine.json") is loaded
    assert (
        mine.case("dcap-debug").minimal.flags == loaded.minimal.flags
        and "simulated roots" in loaded.story
    )
    with pytest.raises(UsageError, match=r"mine\.json"):
        mine.case("nothing")
    other = mine.load(
        LoadedReport(loaded.report_bytes, roots=world.roots, now=world.now, name="public")
    )
    assert mine.case("public (file)") is other and mine.case("public") is mine.get("public")


def test_lab_loads_a_report(vectors):
    """The lab of a notebook takes a file and keeps it for its panels."""
    from casnb.teach.lab import start

    lab = start("03", seed="loads")
    try:
        found = lab.load_report(vectors / "cas-attest" / REAL)
        assert lab.cases.case(REAL) is found and found.proof.genuine
    finally:
        lab.close()


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"{}", EvidenceError), (b"\xff\xfe", EvidenceError), (b"[" * 90000, EvidenceError)],
)
def test_not_a_report(data, error):
    """Bytes that are no CAS report are refused as such."""
    with pytest.raises(error):
        LoadedReport(data)


def test_not_there(tmp_path, vectors):
    """A missing file could not be checked, and so an EPID quote, which only a retired service
    could judge.
    """
    for path in (tmp_path / "none.json", vectors / "cas-attest" / "v1-attest-epid-2019.json"):
        with pytest.raises(SourceError):
            LoadedReport.from_file(path, now=datetime(2019, 8, 1, tzinfo=timezone.utc))


def test_hostile_name(cases):
    """A file's name is neutralised: it stands in menus and verdicts."""
    facts = cases.get("public")
    assert (
        "\x1b"
        not in LoadedReport(facts.report_bytes, roots=facts.world.roots, name="\x1b[2Jx").name
    )
