"""What the simulated world says holds under its own roots and under no others, and needs exactly
its scenario's flags.
"""

from __future__ import annotations

import pytest

from casnb.checks.result import CheckStatus, Verdict
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import SCENARIOS, World
from casnb.verify.dispatch import verify
from casnb.verify.pki import intel_roots

NONCE = "0123456789abcdef" * 2
PROVABLE = [(name, kind) for name, s in SCENARIOS.items() for kind in s.evidence if kind != "EPID"]


def judged(world: World, kind: str, roots=None):
    return verify(
        CasReport.from_json(world.attest(kind, NONCE)), roots=roots or world.roots, now=world.now
    )


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
    assert (
        proof.check("avr-chain" if kind == "IASReport" else "pck-chain").status
        is CheckStatus.FAILED
    )


@pytest.mark.parametrize(
    "scenario, kind",
    [pytest.param("production", "DCAP", id="dcap"), pytest.param("public", "IASReport", id="ias")],
)
def test_evidence_of_another_seed_is_refused(scenario, kind):
    """Each seed has its own roots, for IAS too."""
    assert not judged(World("one", scenario), kind, World("two", scenario).roots).genuine


def test_production_needs_no_flag():
    """With the vendor as expected signer and no flag the verdict is TRUSTWORTHY."""
    world = World("decide", "production")
    policy = AttestationPolicy(expected_signer=world.vendor)
    assert appraise(judged(world, "DCAP"), policy).verdict is Verdict.TRUSTWORTHY


TESTING = {
    "accept_group_out_of_date": True,
    "only_for_testing_ignore_signer": True,
    "only_for_testing_debug": True,
}


def test_public_needs_exactly_the_assignments_flags():
    """-G, ignore-signer and debug waive exactly three checks; without any one of them the CAS is
    rejected.
    """
    world = World("decide")
    report, proof = CasReport.from_json(world.attest(nonce=NONCE)), judged(world, "IASReport")
    for changes, verdict in [
        ({}, Verdict.ACCEPTED_WITH_WAIVERS),
        ({"accept_group_out_of_date": False}, Verdict.REJECTED),
    ]:
        policy = AttestationPolicy(
            mrenclaves=(world.mrenclave,), expected_signer=world.vendor, **{**TESTING, **changes}
        )
        result = appraise(proof, policy, report=report)
        assert result.verdict is verdict
        if not changes:
            assert [c.id for c in result.waivers] == ["tcb-status", "debug", "mrsigner"]
    strict = appraise(
        proof,
        AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor),
        report=report,
    )
    assert {c.id for c in strict.failures} == {"tcb-status", "debug", "mrsigner"}


@pytest.mark.parametrize(
    "scenario, flags",
    [
        pytest.param("hyperthreading", {"accept_configuration_needed"}, id="hyperthreading"),
        pytest.param("hardening", {"accept_sw_hardening_needed"}, id="hardening"),
        pytest.param(
            "both", {"accept_configuration_needed", "accept_sw_hardening_needed"}, id="both"
        ),
        pytest.param("dcap-debug", {"accept_group_out_of_date"}, id="dcap-debug"),
        pytest.param("revoked", None, id="revoked"),
    ],
)
def test_each_status_needs_its_own_flags(scenario, flags):
    """The status is waived by exactly its flags together, and a revoked one by none."""
    world = World("decide", scenario)
    proof = judged(world, world.setup.evidence[0])
    every = {
        "accept_group_out_of_date",
        "accept_configuration_needed",
        "accept_sw_hardening_needed",
    }

    def status(names: set[str]) -> CheckStatus:
        policy = AttestationPolicy(
            mrenclaves=(world.mrenclave,),
            expected_signer=world.vendor,
            **{**TESTING, **dict.fromkeys(every, False), **dict.fromkeys(names, True)},
        )
        return appraise(proof, policy).check("tcb-status").status

    assert status(every) is (CheckStatus.FAILED if flags is None else CheckStatus.WAIVED)
    for name in every:
        left = every - {name}
        wanted = CheckStatus.FAILED if flags is None or name in flags else CheckStatus.WAIVED
        assert status(left) is wanted
