"""What the simulated world says holds under its own roots and under no others, and needs exactly its scenario's flags."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casnb.checks import CheckStatus, Verdict
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.policy import AttestationPolicy, appraise
from casnb.simulator.keys import Seed
from casnb.simulator.world import LESSON_TIME, SCENARIOS, World
from casnb.verify.dispatch import verify
from casnb.verify.pki import intel_roots

NONCE = "0123456789abcdef" * 2
PROVABLE = [(name, kind) for name, s in SCENARIOS.items() for kind in s.evidence if kind != "EPID"]
LATER = LESSON_TIME + timedelta(days=400)


def judged(world: World, kind: str, roots=None):
    return verify(CasReport.from_json(world.attest(kind, NONCE)), roots=roots or world.roots, now=world.now)


@pytest.mark.parametrize("scenario, kind", PROVABLE)
def test_evidence_is_genuine_under_the_worlds_roots(scenario, kind):
    """Every proof check passes but the status, which is the scenario's, with its advisories."""
    world = World("proof", scenario)
    proof = judged(world, kind)
    assert proof.genuine, proof
    assert proof.tcb_status is world.setup.status
    assert proof.status_text == world.setup.status_text
    assert tuple(proof.advisories) == world.platform.level.advisories


@pytest.mark.parametrize("scenario, kind", PROVABLE)
def test_evidence_is_nothing_under_intels_roots(scenario, kind):
    """The same report fails at its chain where only Intel's roots are pinned."""
    proof = judged(World("proof", scenario), kind, intel_roots())
    assert not proof.genuine
    assert proof.check("avr-chain" if kind == "IASReport" else "pck-chain").status is CheckStatus.FAILED


@pytest.mark.parametrize("scenario, kind", [
    pytest.param("production", "DCAP", id="dcap"), pytest.param("public", "IASReport", id="ias")])
def test_evidence_of_another_seed_is_refused(scenario, kind):
    """Each seed has its own roots, for IAS too."""
    assert not judged(World("one", scenario), kind, World("two", scenario).roots).genuine


def test_production_needs_no_flag():
    """With the vendor as expected signer and no flag the verdict is TRUSTWORTHY."""
    world = World("decide", "production")
    policy = AttestationPolicy(expected_signer=world.vendor)
    assert appraise(judged(world, "DCAP"), policy).verdict is Verdict.TRUSTWORTHY


TESTING = {"accept_group_out_of_date": True, "only_for_testing_ignore_signer": True, "only_for_testing_debug": True}


def test_public_needs_exactly_the_assignments_flags():
    """-G, ignore-signer and debug waive exactly three checks; without any one of them the CAS is rejected."""
    world = World("decide")
    report, proof = CasReport.from_json(world.attest(nonce=NONCE)), judged(world, "IASReport")
    for changes, verdict in [({}, Verdict.ACCEPTED_WITH_WAIVERS), ({"accept_group_out_of_date": False}, Verdict.REJECTED)]:
        policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor, **{**TESTING, **changes})
        result = appraise(proof, policy, report=report)
        assert result.verdict is verdict
        if not changes:
            assert [c.id for c in result.waivers] == ["tcb-status", "debug", "mrsigner"]
    strict = appraise(proof, AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor), report=report)
    assert {c.id for c in strict.failures} == {"tcb-status", "debug", "mrsigner"}


@pytest.mark.parametrize("scenario, flags", [
    pytest.param("hyperthreading", {"accept_configuration_needed"}, id="hyperthreading"),
    pytest.param("hardening", {"accept_sw_hardening_needed"}, id="hardening"),
    pytest.param("both", {"accept_configuration_needed", "accept_sw_hardening_needed"}, id="both"),
    pytest.param("dcap-debug", {"accept_group_out_of_date"}, id="dcap-debug"), pytest.param("revoked", None, id="revoked")])
def test_each_status_needs_its_own_flags(scenario, flags):
    """The status is waived by exactly its flags together, and a revoked one by none."""
    world = World("decide", scenario)
    proof = judged(world, world.setup.evidence[0])
    every = {"accept_group_out_of_date", "accept_configuration_needed", "accept_sw_hardening_needed"}

    def status(names: set[str]) -> CheckStatus:
        policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor,
                                   **{**TESTING, **dict.fromkeys(every, False), **dict.fromkeys(names, True)})
        return appraise(proof, policy).check("tcb-status").status

    assert status(every) is (CheckStatus.FAILED if flags is None else CheckStatus.WAIVED)
    for name in every:
        left = every - {name}
        wanted = CheckStatus.FAILED if flags is None or name in flags else CheckStatus.WAIVED
        assert status(left) is wanted


STRANGER = Seed("stranger").p256("any")


@pytest.mark.parametrize("quote, endorsements, check", [
    pytest.param({"sign_with": STRANGER}, {}, "quote-signature", id="signed-by-another-key"),
    pytest.param({"certify_with": STRANGER}, {}, "qe-report-signature", id="certified-by-another-key"),
    pytest.param({"qe_body": {"report_data": bytes(64)}}, {}, "qe-report-binding", id="attestation-key-not-named"),
    pytest.param({"qe_body": {"mr_signer": bytes(32)}}, {}, "qe-identity", id="another-quoting-enclave"),
    pytest.param({}, {"tcb_info": {"fmspc": "00000000BEEF"}}, "fmspc-match", id="another-platforms-list"),
    pytest.param({}, {"tcb_info": {"nextUpdate": "2026-08-31T12:00:01Z"}}, "tcb-info-current", id="tcb-info-too-old"),
    pytest.param({}, {"qe_identity": {"nextUpdate": "2026-08-31T12:00:01Z"}}, "qe-identity-current", id="qe-identity-too-old"),
    pytest.param({}, {"signer": World("bad", "production").platform.pck}, "tcb-info-signature", id="lists-signed-by-a-platform"),
    pytest.param({}, {"revoked": [World("bad", "production").platform.pck.cert.serial_number]}, "pck-revocation", id="revoked")])
def test_one_override_makes_one_bad_quote(quote, endorsements, check):
    """From a good quote or good lists one argument makes a bad one, and exactly the named check is the first to fail."""
    world = World("bad", "production")
    proof = verify(CasReport.from_json(world.attest("DCAP")).quote(), endorsements=world.endorsements(), roots=world.roots,
                   now=world.now)
    assert proof.genuine
    bad = verify(Quote.from_bytes(world.quote(bytes(64), **quote)), endorsements=world.endorsements(**endorsements),
                 roots=world.roots, now=world.now)
    assert not bad.genuine
    assert bad.failures[0].id == check


@pytest.mark.parametrize("override, check", [
    pytest.param({"sign_with": World("bad").site_ca}, "avr-chain", id="signed-by-another"),
    pytest.param({"members": {"isvEnclaveQuoteStatus": "SIGNATURE_INVALID"}}, "tcb-status", id="signature-invalid"),
    pytest.param({"members": {"timestamp": None}}, "avr-format", id="member-dropped"),
    pytest.param({"now": LATER}, "avr-current", id="from-the-future")])
def test_one_override_makes_one_bad_ias_report(override, check):
    """The same for IAS reports."""
    world = World("bad")
    proof = verify(world.avr(bytes(64), **override), roots=world.roots, now=world.now)
    assert proof.failures[0].id == check
