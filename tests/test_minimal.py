"""The smallest set of flags: what trying them all finds, with a reason for each flag, and a
sentence where none is enough.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest

from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.flags import FLAGS, NEWER, find, options
from casnb.policy.policy import AttestationPolicy
from casnb.policy.smallest import MinimalSet, minimal_flags
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import World
from casnb.teach.facts import Cases
from casnb.verify.dcap import verify_quote
from casnb.verify.dispatch import verify

DEBUG, IGNORE, ANY = (
    "--only_for_testing-debug",
    "--only_for_testing-ignore-signer",
    "--only_for_testing-trust-any",
)
TEST = f"{DEBUG} {IGNORE}"
#: What each scenario takes when its MRENCLAVE is given; None: nothing is enough.
WANTED = {
    "public": f"-G {TEST}",
    "dcap-debug": f"-G {TEST}",
    "production": "",
    "hyperthreading": f"-C {TEST}",
    "hardening": f"-S {TEST}",
    "both": f"-CS {TEST}",
    "revoked": None,
    "current": f"-S {TEST}",
}
NAMES = [f.name for f in (*FLAGS, *NEWER)]
EVERY = [names for size in range(len(NAMES) + 1) for names in combinations(NAMES, size)]


@pytest.fixture(scope="module")
def cases() -> Cases:
    return Cases("minimal")


def smallest(proof, policy, report) -> list[tuple[str, ...]]:
    """Try all sets and return those of the least size that are accepted."""
    least: list[tuple[str, ...]] = []
    for names in EVERY:
        if least and len(names) > len(least[0]):
            break
        chosen = policy.with_flags(*names)
        if not chosen.problems() and appraise(proof, chosen, report=report).accepted:
            least.append(names)
    return least


def policies(facts) -> dict[str, AttestationPolicy]:
    """Ways to say which enclave is meant, right and wrong."""
    base = AttestationPolicy(expected_signer=facts.world.vendor)
    body = facts.body
    ours = {"mrsigner": body.mrsigner, "isvprodid": body.isv_prod_id, "isvsvn": body.isv_svn}
    return {
        "given": replace(base, mrenclaves=(body.mrenclave,)),
        "wrong": replace(base, mrenclaves=("ab" * 32,)),
        "none": base,
        "signer": replace(base, **ours),
        "signer and wrong": replace(base, mrenclaves=("ab" * 32,), **ours),
        "other signer": replace(base, **{**ours, "mrsigner": "cd" * 32}),
        "newer": replace(base, **{**ours, "isvsvn": 60000}),
        "advisories": replace(base, mrenclaves=(body.mrenclave,), fail_on_any_advisory=True),
    }


def test_every_scenario_is_listed():
    """The table of this test has a row for every scenario there is."""
    assert set(WANTED) == set(SCENARIOS)


@pytest.mark.parametrize("scenario", WANTED)
def test_minimal(cases, scenario):
    """With its MRENCLAVE given, a CAS takes exactly these flags."""
    facts = cases.get(scenario)
    found = facts.minimal
    wanted = WANTED[scenario]
    assert found.enough is (wanted is not None) and found.options == (wanted or "")
    assert found.result.accepted is found.enough
    assert [n.flag for n in found.needs] == [f.name for f in FLAGS]


@pytest.mark.parametrize("scenario", WANTED)
def test_brute_force_agrees(cases, scenario):
    """Whatever is expected of the enclave, no smaller set is accepted, and no other of the same
    size.
    """
    facts = cases.get(scenario)
    for name, policy in policies(facts).items():
        found = minimal_flags(facts.proof, policy, report=facts.report)
        assert ([found.flags] if found.enough else []) == smallest(
            facts.proof, policy, facts.report
        ), name


@pytest.mark.parametrize("change", ["revoked", "no list", "both"])
def test_brute_force_agrees_on_revocation(change):
    """The two flags of newer CLIs are found where a revocation list needs them, and only there."""
    world = World("minimal", "production")
    lists = world.endorsements(
        revoked=[] if change == "no list" else [world.platform.pck.cert.serial_number]
    )
    lists = lists if change == "revoked" else replace(lists, root_ca_crl="")
    report = CasReport.from_json(world.attest("DCAP"))
    proof = verify_quote(report.quote(), lists, roots=world.roots, now=world.now)
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    found = minimal_flags(proof, policy, report=report)
    assert [found.flags] == smallest(proof, policy, report) and set(found.flags) <= {
        f.name for f in NEWER
    }
    assert [n.checks for n in found.needs if n.needed] == [("pck-revocation",)] * len(found.flags)


def test_each_flag_says_why(cases):
    """A needed flag names the check and what was got, and whom it lets in; another says why it
    buys nothing.
    """
    rows = {row[0]: row[1:] for row in cases.get("public").minimal.rows()}
    assert rows["-G"] == ("needed", "tcb-status: got GROUP_OUT_OF_DATE, wanted OK", find("-G").who)
    assert rows[DEBUG][1].startswith("debug: got DEBUG is set") and rows[IGNORE][1].startswith(
        "mrsigner: got "
    )
    assert rows["-C"] == ("buys nothing", "the status is GROUP_OUT_OF_DATE", "")
    assert rows[ANY] == ("buys nothing", "MRENCLAVE is the one that was given", "")


def test_a_flag_for_another_flags_sake(cases):
    """A debug enclave of the expected signer: the signer need not be ignored, but the command
    insists.
    """
    facts = cases.get("public")
    signer = replace(
        facts.world.vendor, mrsigner=facts.body.mrsigner, isvprodid=facts.body.isv_prod_id
    )
    policy = AttestationPolicy(mrenclaves=(facts.world.mrenclave,), expected_signer=signer)
    need = {n.flag: n for n in minimal_flags(facts.proof, policy, report=facts.report).needs}[
        "only_for_testing-ignore-signer"
    ]
    assert (
        need.needed
        and not need.checks
        and need.why == f"waives nothing, and {DEBUG} is refused without it"
    )


def test_sentences(cases):
    """The answer in words: exactly these, nothing, or why no set is enough."""
    *spare, last = (f.option for f in FLAGS if f.option not in ("-G", DEBUG, IGNORE))
    assert (
        cases.get("public").minimal.sentence
        == f"Exactly -G, {DEBUG} and {IGNORE}: none of them can be spared. {', '.join(spare)} and"
        f" {last} would buy nothing."
    )
    assert cases.get("production").minimal.sentence.startswith("No flag is needed.")
    assert (
        cases.get("revoked").minimal.sentence
        == "No set of flags is enough: tcb-status fails (Revoked), and no flag waives it here."
    )


def test_other_code_is_no_reason_for_a_flag(cases):
    """Where the measurement differs, the set is told with a warning: no flag should be set for
    that.
    """
    facts = cases.get("public")
    found = minimal_flags(facts.proof, policies(facts)["wrong"], report=facts.report)
    assert (
        ANY in found.options
        and "find out why" in found.warning
        and found.warning in str(found)
        and not facts.minimal.warning
    )


def test_flags_of_the_policy_do_not_count(cases):
    """The answer is the same whatever flags the policy has already, and the policy is left
    alone.
    """
    facts = cases.get("public")
    bare = AttestationPolicy(
        mrenclaves=(facts.world.mrenclave,), expected_signer=facts.world.vendor
    )
    for names in ([], ["-G"], [f.option for f in FLAGS]):
        assert (
            minimal_flags(facts.proof, bare.with_flags(*names), report=facts.report).flags
            == facts.minimal.flags
        )


def test_a_forged_report_has_no_set(cases):
    """Evidence that is not genuine is refused whatever the flags, and the check is named."""
    facts = cases.get("public")
    under_intel = verify(facts.report, now=facts.world.now)
    found = minimal_flags(
        under_intel, AttestationPolicy(mrenclaves=(facts.world.mrenclave,)), report=facts.report
    )
    assert not found.enough and found.stuck[0].startswith("avr-chain fails") and found.flags == ()


def test_it_is_json_and_html(cases):
    """The same values, for a machine and for a notebook."""
    for scenario in SCENARIOS:
        found = cases.get(scenario).minimal
        assert isinstance(found, MinimalSet) and json.loads(json.dumps(found.to_json()))[
            "options"
        ] == options(found.flags)
        assert found._html().count("<tr>") == len(FLAGS) + 1
