"""What a session asks of its services' enclaves: judged by the usual checks, explained in the
session's own words.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from casnb.base.errors import EvidenceError, UsageError
from casnb.checks.binding import Binding
from casnb.checks.result import CheckStatus, Verdict
from casnb.evidence.cas_report import CasReport
from casnb.session.service_policy import service_policy
from casnb.session.session import Session
from casnb.simulator.world import World
from casnb.verify.dispatch import verify

OTHER = "0a" * 32
EVERY = "tolerate: [outdated-tcb, debug-mode], ignore_advisories: [INTEL-SA-00320, INTEL-SA-00329]"


def proof_of(scenario: str):
    world = World("service policy", scenario)
    report = CasReport.from_json(world.attest(world.setup.evidence[0], "5e" * 16))
    return verify(report, roots=world.roots, now=world.now)


@pytest.fixture(scope="module")
def debug():
    """A genuine debug enclave on an outdated machine with two advisories."""
    return proof_of("public")


@pytest.fixture(scope="module")
def sound():
    """A genuine production enclave on a machine that is up to date."""
    return proof_of("production")


def judge(proof, attestation: str, security: str = "", **more):
    services = (
        f"services: [{{name: web, attestation: {attestation}}}]\nsecurity: {{attestation:"
        f" {{{security}}}}}"
    )
    return service_policy(Session.from_yaml(f"name: s\nversion: 0.3\n{services}"), "web").appraise(
        proof, **more
    )


def measured(proof) -> str:
    return f"{{mrenclave: {proof.report.mrenclave}}}"


def signed(proof, **change) -> str:
    wanted = {"mrsigner": proof.report.mrsigner, "isvprodid": proof.report.isv_prod_id, **change}
    return "{signer: {" + ", ".join(f"{k}: {v}" for k, v in wanted.items()) + "}}"


def test_a_measurement_alone_is_an_identity(sound):
    """A session that names the measurement asks for no signer, and nothing counts as waived."""
    result = judge(sound, measured(sound))
    assert result.verdict is Verdict.TRUSTWORTHY and result.subject == "service web"
    assert result.check("mrenclave").status is CheckStatus.PASSED
    assert (
        result.check("mrsigner").optional and "names no signer" in result.check("mrsigner").reason
    )


@pytest.mark.parametrize(
    "change, accepted",
    [
        ({"isvsvn": 5}, True),
        ({"isvsvn": 4}, False),
        ({"isvsvn_min": 5}, True),
        ({"isvsvn_min": 6}, False),
        ({"isvsvn_max": 5}, True),
        ({"isvsvn_max": 4}, False),
        ({"isvsvn_min": 1, "isvsvn_max": 9}, True),
        ({"isvsvn": 5, "isvprodid": 7}, False),
        ({"isvsvn": 5, "mrsigner": OTHER}, False),
    ],
    ids=str,
)
def test_a_signer_with_product_and_version(sound, change, accepted):
    """Product equal, version equal or within bounds that are inclusive."""
    assert judge(sound, signed(sound, **change)).accepted is accepted


def test_within_an_entry_all_of_it_and_of_the_entries_one(sound):
    """Measurement and signer of one entry must both hold; of several entries one is enough, and
    the result says which.
    """
    both = f"{{mrenclave: {OTHER}, signer: {signed(sound, isvsvn=5)[len('{signer: ') : -1]}}}"
    assert [c.id for c in judge(sound, both).failures] == ["mrenclave"]
    one_of = judge(
        sound,
        f"[{{mrenclave: {OTHER}}}, {both}, {{mrenclave: [{OTHER}, {sound.report.mrenclave}]}}]",
    )
    assert one_of.verdict is Verdict.TRUSTWORTHY and "Alternative 3 of 3 is met." in one_of.remarks
    assert (
        "Alternative 1 of 2 comes nearest."
        in judge(sound, f"[{{mrenclave: {OTHER}}}, {both}]").remarks
    )


def test_the_older_list_of_measurements(sound):
    """`mrenclaves` means what `attestation: mrenclave` does."""
    text = (
        f"name: s\nversion: 0.3\nservices: [{{name: web, mrenclaves: [{OTHER},"
        f" {sound.report.mrenclave}]}}]"
    )
    assert (
        service_policy(Session.from_yaml(text), "web").appraise(sound).verdict
        is Verdict.TRUSTWORTHY
    )


def test_tolerated_weaknesses_are_waivers_in_the_sessions_words(debug):
    """What `tolerate` accepts is WAIVED by its word, not by a flag that no session has."""
    result = judge(debug, measured(debug), EVERY)
    assert result.verdict is Verdict.ACCEPTED_WITH_WAIVERS
    assert {c.id: c.flag for c in result.waivers} == {
        "tcb-status": "tolerate: outdated-tcb",
        "debug": "tolerate: debug-mode",
        "advisories": "ignore_advisories",
    }


@pytest.mark.parametrize(
    "word, check",
    [
        ("outdated-tcb, ", "tcb-status"),
        (", debug-mode", "debug"),
        (", INTEL-SA-00329", "advisories"),
        (", ignore_advisories: [INTEL-SA-00320, INTEL-SA-00329]", "advisories"),
    ],
)
def test_each_of_them_is_needed(debug, word, check):
    """Without one of them, the check that it would waive rejects: advisories too, other than at
    `cas attest`.
    """
    result = judge(debug, measured(debug), EVERY.replace(word, ""))
    assert [c.id for c in result.failures] == [check]


def test_words_that_were_not_needed_or_mean_nothing_here_are_named(sound):
    """A word that changes nothing is remarked on, and waives nothing."""
    result = judge(sound, measured(sound), "tolerate: [hyperthreading, aepic-leak, debug-mode]")
    assert result.verdict is Verdict.TRUSTWORTHY
    for start in (
        "hyperthreading was set and not needed",
        "debug-mode was set and not needed",
        "aepic-leak changes nothing",
    ):
        assert any(r.startswith("tolerate: " + start) for r in result.remarks), result.remarks


def test_every_advisory_may_be_ignored_in_debug_mode(debug):
    """The star stands for all that are listed, and is shown as a waiver."""
    result = judge(
        debug, measured(debug), 'tolerate: [outdated-tcb, debug-mode], ignore_advisories: "*"'
    )
    assert result.check("advisories").status is CheckStatus.WAIVED and result.accepted


def bound(proof, wanted: bytes) -> Binding:
    """What evidence must say to be this service's."""
    said = proof.report.report_data
    return Binding("SHA-512 of nonce and key", said.hex(), wanted.hex(), said, fresh=True)


def test_report_data_must_be_what_was_asked_for(sound):
    """Evidence of a good enclave that was made for another key is refused."""
    result = judge(sound, measured(sound), binding=bound(sound, sound.report.report_data))
    assert result.accepted and "channel" not in {n.id for n in result.not_asked}
    for other in (bound(sound, bytes(64)), Binding("", "00" * 64, "00" * 64, bytes(64))):
        failures = judge(sound, measured(sound), binding=other).failures
        assert [c.id for c in failures] == ["certificate-binding"]


def test_what_is_not_genuine_is_not_compared(sound):
    """A forged quote with the right measurement is rejected, whatever the session tolerates."""
    checks = tuple(
        replace(c, status=CheckStatus.FAILED) if c.id == "quote-signature" else c
        for c in sound.checks
    )
    result = judge(
        replace(sound, checks=checks),
        measured(sound),
        EVERY,
        binding=bound(sound, sound.report.report_data),
    )
    assert not result.accepted and result.check("mrenclave").status is CheckStatus.NOT_RUN


def test_mode_none_is_accepted_with_everything_waived(sound):
    """No evidence: whoever asks is accepted, and the result says what that gives up."""
    result = judge(None, "[]", "mode: none")
    assert result.verdict is Verdict.ACCEPTED_WITH_WAIVERS and len(result.waivers) == 6
    with pytest.raises(UsageError, match="no evidence"):
        judge(None, measured(sound))


@pytest.mark.parametrize(
    "security, named",
    [
        (
            "mode: maa, url: 'https://a.b.attest.azure.net', tolerate: [maa-managed-tcb]",
            "maa",
        ),
        ("must_be_sgx_local: true", "must_be_sgx_local"),
        (f"trusted_scone_qe_pubkeys: [{OTHER}]", "trusted_scone_qe_pubkeys"),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(sound, security, named):
    """A rule that makes a session stricter is never passed over."""
    with pytest.raises(UsageError, match=named):
        judge(sound, measured(sound), security)


def test_it_shows_what_it_asks_for(sound):
    """One row each, and a service that is not there is named."""
    session = Session.from_yaml(
        "name: s\nversion: 0.3\nservices: [{name: web, attestation: "
        f"[{{mrenclave: {OTHER}}}, {signed(sound, isvsvn_min=3)}]}}]"
    )
    shown = str(service_policy(session, "web"))
    assert OTHER in shown and "version 3 or later" in shown and "alternative 2" in shown
    assert "<table>" in service_policy(session, "web")._html()
    with pytest.raises(UsageError, match="one of web"):
        service_policy(session, "db")


def test_an_old_session_names_its_enclaves(sound):
    """Language 0.2 wants measurements for every service, and they are judged like others."""
    text = "name: s\nversion: 0.2\nservices: [{name: web, mrenclaves: [%s]}]"
    assert (
        service_policy(Session.from_yaml(text % sound.report.mrenclave), "web")
        .appraise(sound)
        .accepted
    )
    assert not service_policy(Session.from_yaml(text % OTHER), "web").appraise(sound).accepted
    with pytest.raises(EvidenceError, match="each service says which enclave"):
        Session.from_yaml("name: s\nversion: 0.2\nservices: [{name: web}]")


def test_a_signer_without_a_version_asks_for_none(sound):
    """Without bounds every version will do, and the check says that nobody asked."""
    signer = signed(sound, isvsvn_min=1).replace(", isvsvn_min: 1", "")
    result = judge(sound, f"[{signer}]")
    check = next(c for c in result.checks if c.id == "isvsvn")
    assert check.status.name == "NOT_RUN" and check.optional and result.accepted
