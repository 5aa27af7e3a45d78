"""Revocation and the two flags of newer CLIs about it: what they accept is waived and said, and
what they do not stays refused.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

from casnb.checks.result import CheckStatus, Verdict
from casnb.cli.main import casnb as casnb_command
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.flags import FLAGS, NEWER, find
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import World
from casnb.verify.dcap import verify_quote
from casnb.verify.dispatch import verify
from casnb.verify.endorsements import verify_endorsements
from casnb.verify.pki import TrustAnchors

REVOKED, UNVERIFIABLE = (f.name for f in NEWER)
BOTH = {REVOKED, UNVERIFIABLE}
EVERY = [(), (REVOKED,), (UNVERIFIABLE,), (REVOKED, UNVERIFIABLE)]


@pytest.fixture(scope="module")
def world() -> World:
    return World("revocation", "production")


@pytest.fixture(scope="module")
def stranger() -> World:
    """Another world, whose lists are signed by keys that ours does not know."""
    return World("stranger", "production")


def serial(pair) -> int:
    return pair.cert.serial_number


def lists_of(world, stranger, change):
    """The endorsements with one thing about revocation changed."""
    intel, now = world.intel, world.now
    good, other = world.endorsements(), stranger.endorsements()
    long_ago = now - timedelta(days=400)
    made = {
        "nothing": lambda: good,
        "leaf revoked": lambda: world.endorsements(revoked=[serial(world.platform.pck)]),
        "authority revoked": lambda: world.endorsements(revoked_authorities=[serial(intel.pck_ca)]),
        "root revoked": lambda: world.endorsements(revoked_authorities=[serial(intel.root)]),
        "TCB signer revoked": lambda: world.endorsements(
            revoked_authorities=[serial(intel.tcb_signer)]
        ),
        "leaf and authority revoked": lambda: world.endorsements(
            revoked=[serial(world.platform.pck)], revoked_authorities=[serial(intel.pck_ca)]
        ),
        "no platform list": lambda: replace(good, pck_crl=""),
        "no root list": lambda: replace(good, root_ca_crl=""),
        "no list at all": lambda: replace(
            good, root_ca_crl="", pck_crl="", pck_crl_issuer_chain=""
        ),
        "platform list of another authority": lambda: replace(good, pck_crl=other.pck_crl),
        "platform list and chain of another world": lambda: replace(
            good, pck_crl=other.pck_crl, pck_crl_issuer_chain=other.pck_crl_issuer_chain
        ),
        "root list of another root": lambda: replace(good, root_ca_crl=other.root_ca_crl),
        "platform list out of date": lambda: replace(good, pck_crl=intel.pck_crl(long_ago).hex()),
        "root list out of date": lambda: replace(good, root_ca_crl=intel.root_crl(long_ago).hex()),
        "platform list of the future": lambda: replace(
            good, pck_crl=intel.pck_crl(now + timedelta(days=9)).hex()
        ),
        "leaf on a list out of date": lambda: replace(
            good, pck_crl=intel.pck_crl(long_ago, [serial(world.platform.pck)]).hex()
        ),
        "leaf revoked, no root list": lambda: replace(
            world.endorsements(revoked=[serial(world.platform.pck)]), root_ca_crl=""
        ),
        "leaf revoked, chain of its list left out, no root list": lambda: replace(
            world.endorsements(revoked=[serial(world.platform.pck)]),
            root_ca_crl="",
            pck_crl_issuer_chain="",
        ),
        "leaf revoked, chain of its list spoilt": lambda: replace(
            world.endorsements(revoked=[serial(world.platform.pck)]), pck_crl_issuer_chain="no PEM"
        ),
        "authority on a root list out of date": lambda: replace(
            good, root_ca_crl=intel.root_crl(long_ago, [serial(intel.pck_ca)]).hex()
        ),
    }
    return made[change]()


#: What was changed, the failing check, and the flags that together accept it; None where none does.
CASES = [
    ("nothing", None, set()),
    ("leaf revoked", "pck-revocation", {REVOKED}),
    ("authority revoked", "pck-revocation", None),
    ("root revoked", "pck-revocation", None),
    ("leaf and authority revoked", "pck-revocation", None),
    ("TCB signer revoked", "tcb-info-signature", None),
    ("no platform list", "pck-revocation", {UNVERIFIABLE}),
    ("no root list", "pck-revocation", {UNVERIFIABLE}),
    ("no list at all", "pck-revocation", {UNVERIFIABLE}),
    ("platform list of another authority", "pck-revocation", {UNVERIFIABLE}),
    ("platform list and chain of another world", "pck-revocation", {UNVERIFIABLE}),
    ("root list of another root", "pck-revocation", {UNVERIFIABLE}),
    ("platform list out of date", "pck-revocation", {UNVERIFIABLE}),
    ("root list out of date", "pck-revocation", {UNVERIFIABLE}),
    ("platform list of the future", "pck-revocation", {UNVERIFIABLE}),
    ("leaf on a list out of date", "pck-revocation", BOTH),
    ("leaf revoked, no root list", "pck-revocation", BOTH),
    ("leaf revoked, chain of its list left out, no root list", "pck-revocation", BOTH),
    ("leaf revoked, chain of its list spoilt", "pck-revocation", BOTH),
    ("authority on a root list out of date", "pck-revocation", None),
]


def judge(world, lists, flags=(), **members):
    proof = verify_quote(world.quote(bytes(64)), lists, roots=world.roots, now=world.now)
    return proof, appraise(
        proof, AttestationPolicy(expected_signer=world.vendor, **members).with_flags(*flags)
    )


@pytest.mark.parametrize(("change", "check", "needs"), CASES, ids=[c[0] for c in CASES])
@pytest.mark.parametrize("flags", EVERY, ids=[" ".join(f) or "no flag" for f in EVERY])
def test_what_each_flag_accepts(world, stranger, change, check, needs, flags):
    """Accepted exactly where the flags cover all that is wrong, as a waiver with its flags; the
    proof itself is never genuine.
    """
    proof, result = judge(world, lists_of(world, stranger, change), flags)
    assert proof.genuine is (check is None)
    if check is None:
        assert result.verdict is Verdict.TRUSTWORTHY and len(result.remarks) == len(flags)
        assert all("was set and not needed" in r for r in result.remarks)
        return
    assert check in {c.id for c in proof.failures}
    if check == "pck-revocation":
        assert set(proof.check(check).waivable_by) == (needs or set())
    covered = needs is not None and needs <= set(flags)
    assert result.accepted is covered
    if covered:
        assert result.verdict is Verdict.ACCEPTED_WITH_WAIVERS
        assert [(c.id, c.flag) for c in result.waivers] == [
            (check, " ".join(f.option for f in NEWER if f.name in needs))
        ]
        assert {
            c.status for c in result.checks if c.id in ("tcb-status", "mrsigner", "isvsvn")
        } == {CheckStatus.PASSED}
        assert sum(r.startswith("Not proven, for ") for r in result.remarks) == len(needs)
    else:
        assert not result.waivers and result.check("mrsigner").status is CheckStatus.NOT_RUN


def test_a_revoked_tcb_signer_is_out_of_reach(world, stranger):
    """A revoked TCB signer fails the lists it signed, so no flag about PCK certificates reaches
    it.
    """
    proof, _ = judge(world, lists_of(world, stranger, "TCB signer revoked"))
    assert {c.id for c in proof.failures} == {"tcb-info-signature", "qe-identity-signature"}
    assert not any(c.waivable_by for c in proof.failures)


def test_without_the_flags_nothing_follows(world, stranger):
    """The status stays untold, whatever the six documented flags say."""
    proof, result = judge(world, lists_of(world, stranger, "leaf revoked"), [f.name for f in FLAGS])
    assert proof.check("tcb-status").status is CheckStatus.NOT_RUN and proof.tcb_status is None
    assert result.verdict is Verdict.REJECTED and not result.waivers and result.tcb_status == ""


@pytest.mark.parametrize("spoil", ["quote", "tcb_info_signature", "qe_identity_signature"])
def test_the_flags_accept_nothing_else(world, stranger, spoil):
    """A forged quote or list stays refused when revocation is waived."""
    lists = lists_of(world, stranger, "leaf revoked")
    quote = bytearray(world.quote(bytes(64)))
    if spoil == "quote":
        quote[112] ^= 1
    else:
        text = getattr(lists, spoil)
        lists = replace(lists, **{spoil: ("0" if text[0] != "0" else "1") + text[1:]})
    proof = verify_quote(bytes(quote), lists, roots=world.roots, now=world.now)
    result = appraise(proof, AttestationPolicy(expected_signer=world.vendor).with_flags(*BOTH))
    assert result.verdict is Verdict.REJECTED and result.failures
    assert result.check("mrsigner").status is CheckStatus.NOT_RUN


def test_the_status_still_needs_its_own_flag():
    """An outdated platform behind a waived revocation list needs -G besides."""
    world = World("revocation", "dcap-debug")
    lists = replace(world.endorsements(), pck_crl="")
    debug = ("only_for_testing-debug", "only_for_testing-ignore-signer", UNVERIFIABLE)
    for more, accepted in (((), False), (("-G",), True)):
        _, result = judge(world, lists, (*debug, *more), mrenclaves=(world.mrenclave,))
        assert (
            result.accepted is accepted
            and result.check("pck-revocation").status is CheckStatus.WAIVED
        )
        assert result.check("tcb-status").status is (
            CheckStatus.WAIVED if accepted else CheckStatus.FAILED
        )


def test_a_flag_that_does_not_help_is_told(world, stranger):
    """The remark names what it would take."""
    for change, flag, told in (
        ("leaf revoked", UNVERIFIABLE, f"that takes --{REVOKED}."),
        ("no root list", REVOKED, f"that takes --{UNVERIFIABLE}."),
        (
            "leaf revoked, no root list",
            REVOKED,
            f"alone does not accept what pck-revocation found: that takes --{REVOKED} ",
        ),
        ("root revoked", REVOKED, "no flag does."),
    ):
        _, result = judge(world, lists_of(world, stranger, change), (flag,))
        assert any(told in r for r in result.remarks), result.remarks


def test_an_ias_report_needs_neither():
    """No PCK certificate is part of an IAS report: the flags are not needed, and that is said."""
    world = World("revocation", "public")
    proof = verify(CasReport.from_json(world.attest()), roots=world.roots, now=world.now)
    result = appraise(proof, AttestationPolicy(expected_signer=world.vendor).with_flags(*BOTH))
    assert sum("no PCK certificate is part of this evidence" in r for r in result.remarks) == 2


def test_verified_endorsements_say_the_same(world, stranger):
    """Lists that were checked once and for many quotes lead to the same waivers."""
    for change, _, needs in CASES:
        lists = lists_of(world, stranger, change)
        warm = verify_endorsements(lists, roots=world.roots, now=world.now)
        cold_proof, cold = judge(world, lists, BOTH)
        warm_proof, result = judge(world, warm, BOTH)
        assert (result.checks, warm_proof.checks) == (
            cold.checks,
            cold_proof.checks,
        ) and result.accepted is (needs is not None)


def test_another_root_is_not_revocations_business(world, stranger):
    """Under other roots the chain fails, revocation is not looked at, and no flag helps."""
    roots = TrustAnchors.from_pem(stranger.roots_pem)
    proof = verify_quote(world.quote(bytes(64)), world.endorsements(), roots=roots, now=world.now)
    result = appraise(proof, AttestationPolicy(expected_signer=world.vendor).with_flags(*BOTH))
    assert proof.beyond is None and result.verdict is Verdict.REJECTED
    assert result.check("pck-revocation").status is CheckStatus.NOT_RUN


# The flags themselves


@pytest.mark.parametrize("flag", NEWER, ids=lambda f: f.name)
def test_newer_flags(flag):
    """Off by default, printed and read by their long name, found by it, labelled, and apart from
    the six documented ones.
    """
    assert (
        flag not in FLAGS
        and flag.help.startswith("Newer CLI.")
        and find(flag.name) is find(flag.option) is flag
    )
    policy = AttestationPolicy().with_flags(flag.name)
    assert policy.flags() == (flag.name,) and AttestationPolicy().flags() == ()
    assert policy.command("cas") == f"scone cas attest --{flag.name} cas"
    assert AttestationPolicy.from_args(shlex.split(policy.command("cas"))) == policy
    assert policy.with_flags("-G").flags() == ("accept-group-out-of-date",)
    assert f"--{flag.name}" in str(policy)


def test_on_the_command_line(world, stranger, tmp_path, monkeypatch):
    """`casnb verify` waives by name and says what is not proven; help lists both under newer
    CLIs.
    """
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "quote.bin").write_bytes(world.quote(bytes(64)))
    (tmp_path / "roots.pem").write_bytes(world.roots_pem)
    (tmp_path / "lists.json").write_text(
        json.dumps(lists_of(world, stranger, "leaf revoked").to_json())
    )
    words = [
        "verify",
        str(tmp_path / "quote.bin"),
        "--endorsements",
        str(tmp_path / "lists.json"),
        "--simulated-roots",
        str(tmp_path / "roots.pem"),
        "--at",
        "2026-09-02",
    ]
    assert CliRunner().invoke(casnb_command, words).exit_code == 1
    run = CliRunner().invoke(casnb_command, [*words, f"--{REVOKED}"])
    shown = " ".join(run.stdout.split())
    assert (
        run.exit_code == 0
        and "WAIVED pck-revocation" in shown
        and "accepted with 1 waiver" in shown
    )
    assert (
        "Not proven, for --accept-revoked-pcs-certs was used: that a genuine platform made this."
        in shown
    )
    shown = CliRunner().invoke(casnb_command, ["verify", "--help"]).stdout
    assert shown.index("Newer CLI") < shown.index(f"--{REVOKED}") < shown.index(f"--{UNVERIFIABLE}")
