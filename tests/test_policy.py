"""The policy: which combinations of flags there are, what they stand for, and what each does to
a proof.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import product

import pytest

from casnb.base.errors import UsageError, VerificationError
from casnb.checks.result import CATALOGUE, Check, CheckStatus, Verdict, failed, passed
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.flags import FLAGS
from casnb.policy.identities import KNOWN_SIGNERS, SCONTAIN_CAS
from casnb.policy.policy import NOT_GIVEN, AttestationPolicy, measurement_problem
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.verify.dispatch import verify
from casnb.verify.keyhash import base58check
from casnb.verify.proof import Proof, status_check
from casnb.verify.tcb import TcbStatus

M, N, S = "0a" * 32, "0b" * 32, "0c" * 32
NONCE = "5e" * 16
#: Key hashes of public examples.
KEY, SOFTWARE_KEY = (
    "4USPZDGq2FjrE2wh7FEErbrirCFZcu8nR7YaSjH3NjfJtEAfCc",
    "3oC3KEcwV1yoGig1KBDBj5wKetBWZZrV9Vso9vRUP7RZ9ZHAPm",
)
IGNORE, DEBUG, ANY = (
    "only_for_testing-ignore-signer",
    "only_for_testing-debug",
    "only_for_testing-trust-any",
)
G, C, H = "accept-group-out-of-date", "accept-configuration-needed", "accept-sw-hardening-needed"
POLICY_IDS = tuple(CATALOGUE)[tuple(CATALOGUE).index("tcb-status") + 1 :]
DAY = datetime(2026, 9, 2, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Case:
    """A CAS's report, what was proven about it, and a policy without identity options for its
    world.
    """

    world: World
    report: CasReport
    proof: Proof
    policy: AttestationPolicy

    def check(self, policy=None, *, body=None, report=True, **proof):
        """Appraise; `body` changes fields of the proven report body, `proof` members of the
        proof.
        """
        known = replace(self.proof, **proof)
        if body:
            known = replace(known, report=replace(known.report, **body))
        given = self.report if report is True else report
        return appraise(known, policy or self.policy, report=given)


def case(scenario: str) -> Case:
    world = World("policy", scenario)
    report = CasReport.from_json(world.attest(world.setup.evidence[0], NONCE))
    proof = verify(report, roots=world.roots, now=world.now)
    assert proof.genuine
    return Case(world, report, proof, AttestationPolicy(expected_signer=world.vendor))


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """Every scenario, proven."""
    return {name: case(name) for name in SCENARIOS}


@pytest.fixture(scope="module")
def public(cases) -> Case:
    return cases["public"]


@pytest.fixture(scope="module")
def production(cases) -> Case:
    return cases["production"]


def ids(result, status) -> list[str]:
    return [c.id for c in result.checks if c.status is status]


def waived(result) -> dict[str, str]:
    return {c.id: c.flag for c in result.waivers}


# Which combinations there are


@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param(
            {"mrsigner": S}, "--mrsigner: needs --isvprodid and --isvsvn", id="signer alone"
        ),
        pytest.param(
            {"mrsigner": S, "isvprodid": 1},
            "needs --isvprodid and --isvsvn",
            id="signer without version",
        ),
        pytest.param(
            {"mrsigner": S, "isvsvn": 1},
            "needs --isvprodid and --isvsvn",
            id="signer without product",
        ),
        pytest.param(
            {"isvprodid": 41316}, "--isvprodid: needs --mrsigner", id="product without signer"
        ),
        pytest.param(
            {"isvprodid": 41316, "isvsvn": 5},
            "--isvprodid: needs --mrsigner",
            id="product and version without signer",
        ),
        pytest.param(
            {"only_for_testing_debug": True},
            "needs --only_for_testing-ignore-signer or --mrsigner",
            id="debug alone",
        ),
        pytest.param(
            {"only_for_testing_debug": True, "mrenclaves": (M,)},
            "needs --only_for_testing-ignore-signer or --mrsigner",
            id="debug with MRENCLAVE",
        ),
        pytest.param(
            {"only_for_testing_ignore_signer": True},
            "needs --mrenclave",
            id="ignored signer without MRENCLAVE",
        ),
        pytest.param(
            {"only_for_testing_ignore_signer": True, "only_for_testing_debug": True},
            "needs --mrenclave",
            id="ignored signer and debug without MRENCLAVE",
        ),
        pytest.param(
            {"only_for_testing_ignore_signer": True, "only_for_testing_trust_any": True},
            "trust-any: needs --only_for_testing-debug",
            id="trust any without debug",
        ),
        pytest.param(
            {"only_for_testing_trust_any": True, "mrenclaves": (M,)},
            "needs --only_for_testing-debug",
            id="trust any alone",
        ),
        pytest.param(
            {
                "only_for_testing_ignore_signer": True,
                "mrenclaves": (M,),
                "mrsigner": S,
                "isvprodid": 1,
                "isvsvn": 1,
            },
            "contradicts --mrsigner",
            id="signer ignored and given",
        ),
        pytest.param(
            {"fail_on_any_advisory": True, "ignore_advisories": ("INTEL-SA-00161",)},
            "contradicts --ignore-advisories",
            id="advisories refused and ignored",
        ),
        pytest.param({"mrenclaves": (M, M.upper())}, "in lower case", id="upper case"),
        pytest.param({"mrenclaves": ("0x" + M,)}, "0x", id="0x"),
        pytest.param({"mrenclaves": (f" {M}\n",)}, "spaces", id="spaces"),
        pytest.param({"mrenclaves": ("",)}, "Did the scrape find nothing?", id="empty"),
        pytest.param({"mrenclaves": (M[1:],)}, "wanted 64", id="63 digits"),
        pytest.param({"mrenclaves": (M + "0",)}, "wanted 64", id="65"),
        pytest.param({"mrenclaves": ("-GCS",)}, "wanted 64", id="a flag"),
        pytest.param({"mrenclaves": (b"0a" * 32,)}, "wanted 64", id="bytes"),
        pytest.param({"mrenclaves": M}, "wanted a tuple", id="text for a tuple"),
        pytest.param(
            {"ignore_advisories": "INTEL-SA-00161"},
            "wanted a tuple",
            id="text for a tuple of advisories",
        ),
        pytest.param(
            {"mrsigner": S.upper(), "isvprodid": 1, "isvsvn": 1},
            "--mrsigner: got",
            id="signer in upper case",
        ),
        pytest.param({"isvsvn": -1}, "from 0 to 65535", id="negative"),
        pytest.param({"isvsvn": 65536}, "from 0 to 65535", id="17 bits"),
        pytest.param({"isvsvn": True}, "from 0 to 65535", id="truth for a number"),
        pytest.param({"isvsvn": "5"}, "from 0", id="text"),
        pytest.param({"nonce": "12"}, "32 hex digits", id="short nonce"),
        pytest.param({"nonce": "g" * 32}, "32 hex digits", id="nonce"),
        pytest.param({"cas_key_hash": KEY[:-1]}, "-c: got", id="cut key hash"),
        pytest.param(
            {"cas_key_hash": KEY[:9] + "0" + KEY[10:]}, "no 0, O, I and l", id="0 in a key hash"
        ),
        pytest.param(
            {"cas_software_key_hash": KEY[:9] + "Z" + KEY[10:]}, "-s: got", id="mistyped key hash"
        ),
        pytest.param({"cas_key_hash": "z" * 50}, "checksum", id="key hash out of range"),
        pytest.param(
            {"cas_key_hash": base58check(b"\x0a" + bytes(32))},
            "version 10, wanted 1",
            id="a session signer for a key hash",
        ),
        pytest.param({"cas_key_hash": 7}, "50 characters", id="number for a key hash"),
        pytest.param(
            {"verification_time": datetime(2026, 9, 1)}, "without a zone", id="time without a zone"
        ),
    ],
)
def test_refused_combination(public, members, told):
    """A combination that means nothing is refused by name, before any evidence is looked at."""
    policy = AttestationPolicy(**members)
    assert any(told in p for p in policy.problems()), policy.problems()
    with pytest.raises(UsageError):
        policy.require_valid()
    with pytest.raises(UsageError):
        appraise(public.proof, policy)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"mrenclaves": (M,)}, id="MRENCLAVE"),
        pytest.param({"mrenclaves": (M, N)}, id="two"),
        pytest.param({"isvsvn": 7}, id="version alone"),
        pytest.param({"isvsvn": 0}, id="version 0"),
        pytest.param(
            {"mrsigner": S, "isvprodid": 0, "isvsvn": 65535}, id="signer, product, version"
        ),
        pytest.param(
            {"mrsigner": S, "isvprodid": 1, "isvsvn": 1, "only_for_testing_debug": True},
            id="debug with a signer",
        ),
        pytest.param(
            {"mrenclaves": (M,), "only_for_testing_ignore_signer": True},
            id="ignored signer with MRENCLAVE",
        ),
        pytest.param(
            {
                "mrenclaves": (M,),
                "only_for_testing_ignore_signer": True,
                "only_for_testing_debug": True,
            },
            id="the assignment",
        ),
        pytest.param(
            {
                "only_for_testing_ignore_signer": True,
                "only_for_testing_debug": True,
                "only_for_testing_trust_any": True,
            },
            id="anything at all",
        ),
        pytest.param(
            {
                "accept_group_out_of_date": True,
                "accept_configuration_needed": True,
                "accept_sw_hardening_needed": True,
            },
            id="-GCS",
        ),
    ],
)
def test_allowed_combination(members):
    """A combination that the rules allow has no problem."""
    policy = AttestationPolicy(**members)
    assert policy.problems() == [] and policy.require_valid() is policy


def test_measurement_in_words():
    """What is wrong with a measurement is said with the cure; a right one gives no words."""
    assert measurement_problem(M, "x") == ""
    assert measurement_problem("\x1b]0;owned", "x").count("\x1b") == 0
    assert len(measurement_problem("a" * 10_000, "x")) < 200


# The command it stands for

POLICIES = [
    pytest.param(AttestationPolicy(), "scone cas attest cas", id="nothing"),
    pytest.param(
        AttestationPolicy(
            mrenclaves=(M,),
            accept_group_out_of_date=True,
            only_for_testing_debug=True,
            only_for_testing_ignore_signer=True,
        ),
        f"scone cas attest -G --mrenclave {M} --only_for_testing-ignore-signer"
        " --only_for_testing-debug cas",
        id="the assignment, as it writes it",
    ),
    pytest.param(
        AttestationPolicy().with_flags("-S", "-C", "-G"), "scone cas attest -GCS cas", id="cluster"
    ),
    pytest.param(
        AttestationPolicy(mrenclaves=(M, N)),
        f"scone cas attest --mrenclave {M} --mrenclave {N} cas",
        id="two",
    ),
    pytest.param(
        AttestationPolicy(mrsigner=S, isvprodid=0, isvsvn=7, only_for_testing_debug=True),
        f"scone cas attest --mrsigner {S} --isvprodid 0 --isvsvn 7 --only_for_testing-debug cas",
        id="signer",
    ),
    pytest.param(
        AttestationPolicy().with_flags(ANY, DEBUG, IGNORE),
        "scone cas attest --only_for_testing-ignore-signer --only_for_testing-debug"
        " --only_for_testing-trust-any cas",
        id="anything at all",
    ),
    pytest.param(
        AttestationPolicy(
            cas_key_hash=KEY, cas_software_key_hash=SOFTWARE_KEY, nonce=NONCE, verification_time=DAY
        ),
        f"scone cas attest -c {KEY} -s {SOFTWARE_KEY} --nonce {NONCE} --verification-time"
        " 2026-09-02 cas",
        id="instance, nonce, day",
    ),
    pytest.param(
        AttestationPolicy(verification_time=DAY + timedelta(hours=14, seconds=1)),
        "scone cas attest --verification-time 2026-09-02T14:00:01Z cas",
        id="time of day",
    ),
    pytest.param(
        AttestationPolicy(ignore_advisories=("INTEL-SA-00161", "INTEL-SA-00233")),
        "scone cas attest --ignore-advisories INTEL-SA-00161,INTEL-SA-00233 cas",
        id="ignored advisories",
    ),
    pytest.param(
        AttestationPolicy(fail_on_any_advisory=True),
        "scone cas attest --fail-on-any-advisory cas",
        id="no advisories",
    ),
]


@pytest.mark.parametrize(("policy", "line"), POLICIES)
def test_command(policy, line):
    """The printed line is exactly what stands for the policy, and reading it gives the policy
    back.
    """
    assert policy.command("cas") == line
    assert AttestationPolicy.from_args(shlex.split(line)) == policy


def test_every_flag_set_survives_the_command():
    """All sets of flags come back from their line as they were."""
    for chosen in product((False, True), repeat=len(FLAGS)):
        policy = AttestationPolicy(
            mrenclaves=(M,), **{f.attribute: on for f, on in zip(FLAGS, chosen, strict=True)}
        )
        assert AttestationPolicy.from_args(shlex.split(policy.command("cas"))) == policy
        assert AttestationPolicy(mrenclaves=(M,)).with_flags(*policy.flags()) == policy


def test_command_quotes_for_the_shell():
    """Blanks and metacharacters in an address or a file name stay one word."""
    line = AttestationPolicy().command("cas; rm -r x", "my report.json")
    assert shlex.split(line) == [
        "scone",
        "cas",
        "attest",
        "--offline-report",
        "my report.json",
        "cas; rm -r x",
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            f"scone cas attest scone-cas.cf -GCS --mrenclave {M}", id="flags behind the address"
        ),
        pytest.param(
            f"scone cas attest -G -C scone-cas.cf -S --mrenclave={M}",
            id="address between, equals sign",
        ),
        pytest.param(f"-SCG --mrenclave {M}", id="options alone"),
        pytest.param(
            f"scone cas attest scone-cas.cf {M} -GCS",
            id="MRENCLAVE after the address, as old pages write it",
        ),
        pytest.param(
            "scone cas attest --accept-group-out-of-date --accept-configuration-needed"
            f" --accept-sw-hardening-needed --mrenclave {M} --retries 0 --offline-report"
            " r.json cas",
            id="long names, options that are no policy",
        ),
    ],
)
def test_pasted_line(line):
    """A line from a page or a terminal is read whatever its order."""
    assert (
        AttestationPolicy.from_args(shlex.split(line)).command("cas")
        == f"scone cas attest -GCS --mrenclave {M} cas"
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019-07-20", "2019-07-20"),
        ("20.07.2019", "2019-07-20"),
        ("20-07-2019", "2019-07-20"),
    ],
)
def test_days_as_scone_writes_them(text, day):
    """All three forms of a day are read as 00:00 UTC."""
    found = AttestationPolicy.from_args(["--verification-time", text]).verification_time
    assert found == datetime.fromisoformat(day).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("offset", "written"),
    [(0, "2026-09-02T08:30:00Z"), (2, "2026-09-02T06:30:00Z"), (-11, "2026-09-02T19:30:00Z")],
)
def test_a_time_of_any_zone_is_written_in_utc(production, offset, written):
    """What a check says it wanted is that instant, whichever zone the policy named it in."""
    at = datetime(2026, 9, 2, 8, 30, tzinfo=timezone(timedelta(hours=offset)))
    check = production.check(replace(production.policy, verification_time=at)).check(
        "verification-time"
    )
    assert check.status is CheckStatus.FAILED and check.wanted == written


def test_a_time_that_utc_has_no_day_for_keeps_its_zone(production):
    """The first hours of year 1 east of Greenwich are written as they were given."""
    at = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    check = production.check(replace(production.policy, verification_time=at)).check(
        "verification-time"
    )
    assert check.status is CheckStatus.FAILED and check.wanted == "0001-01-01T00:00:00+02:00"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("--frobnicate", id="unknown option"),
        pytest.param("--mrenclave", id="no value"),
        pytest.param("--mrenclave -G", id="a flag for a value"),
        pytest.param("--only_for_testing", id="abbreviated"),
        pytest.param("--isvsvn five", id="no number"),
        pytest.param("--verification-time yesterday", id="no day"),
        pytest.param("--accept-revoked-certs", id="nearly one"),
        pytest.param(f"cas {M} more", id="three words"),
        pytest.param("-X", id="unknown short option"),
        pytest.param("-GX", id="unknown in a cluster"),
    ],
)
def test_unreadable_line(line):
    """A word that casnb does not know is refused, never left out in silence."""
    with pytest.raises(UsageError):
        AttestationPolicy.from_args(shlex.split(line))


def test_unknown_flag_name():
    """A flag that does not exist cannot be switched on by a typing error."""
    with pytest.raises(UsageError, match="wanted one of -G"):
        AttestationPolicy().with_flags("accept-anything")


def test_flags_by_option():
    """`-G` and the long name are the same flag; flags that are not named are off."""
    policy = AttestationPolicy(accept_configuration_needed=True).with_flags("-G", f"--{DEBUG}")
    assert policy.flags() == (G, DEBUG)


@pytest.mark.parametrize(
    ("policy", "rows"),
    [
        pytest.param(
            AttestationPolicy(), [SCONTAIN_CAS.mrsigner, "version 5 or later"], id="default"
        ),
        pytest.param(
            AttestationPolicy(isvsvn=7, cas_key_hash=KEY, nonce=NONCE),
            ["--isvsvn", "7", KEY, NONCE],
            id="others",
        ),
        pytest.param(
            AttestationPolicy(mrenclaves=(M,), fail_on_any_advisory=True),
            [M, "--fail-on-any-advisory"],
            id="advisories",
        ),
    ],
)
def test_policy_shows_all_of_itself(policy, rows):
    """Whatever is set is seen in text and in the notebook."""
    shown = policy._repr_mimebundle_()
    for row in rows:
        assert row in shown["text/plain"] and row in shown["text/html"]
    assert ("version 5 or later" in str(policy)) == (policy == AttestationPolicy())


# What it does to a proof


def test_production_needs_no_flag(production):
    """The vendor's CAS on a current machine is trustworthy, and nothing was waived."""
    result = production.check()
    assert result.verdict is Verdict.TRUSTWORTHY and not result.waivers and not result.remarks
    assert ids(result, CheckStatus.NOT_RUN) == [
        "mrenclave",
        "advisories",
        "nonce",
        "report-age",
        "verification-time",
        "tcb-evaluation",
        "tcb-grace",
        "platform-settings",
        "instance-key",
    ]
    assert [c.id for c in result.checks] == [
        i for i in CATALOGUE if i in {c.id for c in result.checks}
    ]


def test_the_assignment_without_flags(public):
    """Everything that is wrong with the public CAS is named at once, each with the flag that
    would accept it.
    """
    result = public.check(replace(public.policy, mrenclaves=(public.world.mrenclave,)))
    assert result.verdict is Verdict.REJECTED
    assert {c.id: c.waivable_by for c in result.failures} == {
        "tcb-status": (G,),
        "debug": (DEBUG,),
        "mrsigner": (IGNORE,),
    }


def test_the_assignments_flags_give_exactly_three_waivers(public):
    """-G, ignore-signer and debug waive status, signer and debug, and nothing else; MRENCLAVE is
    compared and passes.
    """
    policy = replace(public.policy, mrenclaves=(public.world.mrenclave,)).with_flags(
        "-G", IGNORE, DEBUG
    )
    result = public.check(policy)
    assert result.verdict is Verdict.ACCEPTED_WITH_WAIVERS
    assert waived(result) == {"tcb-status": "-G", "debug": f"--{DEBUG}", "mrsigner": f"--{IGNORE}"}
    assert result.check("mrenclave").status is CheckStatus.PASSED
    assert result.check("isvprodid").optional and result.check("isvsvn").optional
    assert [r for r in result.remarks if "not needed" in r] == []
    assert "must not hold secrets" in result.sentence and "trustworthy" not in result.sentence


@pytest.mark.parametrize("left_out", ["-G", IGNORE, DEBUG])
def test_none_of_the_three_can_be_left_out(public, left_out):
    """With any one flag missing the public CAS is rejected for that reason alone (debug needs a
    signer's flag anyway).
    """
    flags = [f for f in ("-G", IGNORE, DEBUG) if f != left_out]
    policy = replace(public.policy, mrenclaves=(public.world.mrenclave,)).with_flags(*flags)
    if left_out == IGNORE:
        with pytest.raises(UsageError):
            public.check(policy)
        return
    assert [c.id for c in public.check(policy).failures] == [
        "tcb-status" if left_out == "-G" else "debug"
    ]


NEEDS = {
    "public": {G},
    "dcap-debug": {G},
    "production": set(),
    "hyperthreading": {C},
    "hardening": {H},
    "both": {C, H},
    "revoked": None,
    "current": {H},
}


@pytest.mark.parametrize("scenario", NEEDS)
def test_every_flag_set_against(cases, scenario):
    """Every set of flags: accepted exactly where they cover all that is wrong, each failure waived
    by its own flag alone.
    """
    it = cases[scenario]
    needs, debug, vendor = NEEDS[scenario], it.world.setup.debug, it.world.setup.signer == "vendor"
    policy = replace(it.policy, mrenclaves=(it.world.mrenclave,))
    tried = 0
    for chosen in product((False, True), repeat=len(FLAGS)):
        names = {f.name for f, on in zip(FLAGS, chosen, strict=True) if on}
        flagged = policy.with_flags(*names)
        if flagged.problems():
            continue
        tried += 1
        result = it.check(flagged)
        wrong = {"tcb-status": needs} if needs or needs is None else {}
        wrong |= {"debug": {DEBUG}} if debug else {}
        wrong |= {} if vendor else {"mrsigner": {IGNORE}}
        covered = {i for i, flags in wrong.items() if flags is not None and flags <= names}
        assert set(waived(result)) == covered
        assert {c.id for c in result.failures} == set(wrong) - covered
        assert result.accepted == (covered == set(wrong))
        assert result.verdict is not Verdict.TRUSTWORTHY or not wrong
        assert all(c.status is not CheckStatus.PASSED for c in result.checks if c.id in wrong)
    assert tried >= 32


def test_every_scenario_is_tried():
    """No scenario is left out above."""
    assert set(NEEDS) == set(SCENARIOS)


@pytest.mark.parametrize(
    ("status", "flags", "accepted", "remark"),
    [
        pytest.param(
            TcbStatus.SW_HARDENING_NEEDED,
            "-G",
            False,
            "-G was set and does not accept SW_HARDENING_NEEDED: that takes -S.",
            id="-G for hardening",
        ),
        pytest.param(
            TcbStatus.SW_HARDENING_NEEDED,
            "-C",
            False,
            "-C was set and does not accept SW_HARDENING_NEEDED: that takes -S.",
            id="-C for hardening",
        ),
        pytest.param(
            TcbStatus.OUT_OF_DATE,
            "-C -S",
            False,
            "-C was set and does not accept GROUP_OUT_OF_DATE: that takes -G.",
            id="-CS for firmware",
        ),
        pytest.param(
            TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED,
            "-C",
            False,
            "-C was set and alone does not accept CONFIGURATION_AND_SW_HARDENING_NEEDED: that takes"
            " -CS.",
            id="half of both",
        ),
        pytest.param(
            TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED, "-C -S", True, None, id="both"
        ),
        pytest.param(
            TcbStatus.REVOKED,
            "-G -C -S",
            False,
            "-G was set and does not accept GROUP_REVOKED: no flag does.",
            id="revoked",
        ),
        pytest.param(
            TcbStatus.UP_TO_DATE,
            "-G",
            True,
            "-G was set and not needed: the status is OK.",
            id="not needed",
        ),
        pytest.param(
            TcbStatus.SW_HARDENING_NEEDED,
            "-G -S",
            True,
            "-G was set and not needed: the status is SW_HARDENING_NEEDED.",
            id="one of two not needed",
        ),
    ],
)
def test_status_flags(public, status, flags, accepted, remark):
    """A status is accepted by exactly its own flags, and a flag that does not help is told apart
    from one not needed.
    """
    text = status.ias_name
    checks = tuple(
        status_check(status, text, "OK") if c.id == "tcb-status" else c for c in public.proof.checks
    )
    policy = replace(public.policy, mrenclaves=(public.world.mrenclave,)).with_flags(
        *flags.split(), IGNORE, DEBUG
    )
    result = public.check(policy, checks=checks, tcb_status=status, status_text=text)
    assert result.accepted is accepted
    assert (
        (remark in result.remarks) if remark else not [r for r in result.remarks if "was set" in r]
    )
    if not accepted:
        assert not [r for r in result.remarks if "not needed" in r]


def test_revoked_is_never_waivable(cases):
    """All six flags together do not accept a revoked platform, and the check names none that
    would.
    """
    it = cases["revoked"]
    result = it.check(it.policy.with_flags(*(f.name for f in FLAGS)))
    assert result.verdict is Verdict.REJECTED
    assert (
        result.check("tcb-status").status is CheckStatus.FAILED
        and result.check("tcb-status").waivable_by == ()
    )


def test_unknown_status_is_never_waivable(public):
    """A status that nobody knows is accepted by no flag, and leaves the evidence unproven."""
    checks = tuple(
        status_check(None, "BRAND_NEW", "OK") if c.id == "tcb-status" else c
        for c in public.proof.checks
    )
    policy = public.policy.with_flags(*(f.name for f in FLAGS))
    result = public.check(policy, checks=checks, tcb_status=None, status_text="BRAND_NEW")
    assert (
        result.verdict is Verdict.REJECTED
        and result.check("mrenclave").status is CheckStatus.NOT_RUN
    )


STRICT = {
    "fail_on_any_advisory": True,
    "nonce": NONCE,
    "min_tcb_evaluation": 1,
    "tcb_grace": timedelta(days=1),
    "refuse_platform_settings": ("smt", "cached-keys"),
}


def strict(it: Case) -> AttestationPolicy:
    """Everything there is to ask for."""
    hashes = CasChain.from_pem(it.report.cert_chain_pem).key_hashes
    return replace(
        it.policy,
        mrenclaves=(it.world.mrenclave,),
        isvsvn=it.world.vendor.isvsvn,
        cas_key_hash=hashes[0],
        cas_software_key_hash=hashes[1],
        verification_time=it.world.now,
        **STRICT,
    )


def test_everything_asked_for_passes(production):
    """With every check asked for, none is left out and each passes; a quote alone cannot say how
    old it is.
    """
    result = production.check(strict(production))
    assert result.verdict is Verdict.TRUSTWORTHY
    assert {
        c.id for c in result.checks if c.id in POLICY_IDS and c.status is not CheckStatus.PASSED
    } == {"report-age"}


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_another_signer_makes_its_numbers_meaningless(production):
    """A wrong MRSIGNER fails alone: product and version are not compared, since whoever signed
    chose them.
    """
    result = production.check(
        body={"mr_signer": flip(production.proof.report.mr_signer), "isv_prod_id": 1, "isv_svn": 0}
    )
    assert [c.id for c in result.failures] == ["mrsigner"]
    assert result.check("isvprodid").status is result.check("isvsvn").status is CheckStatus.NOT_RUN


def test_version_is_a_minimum(production):
    """A later version than asked for passes."""
    assert production.check(body={"isv_svn": 99}).check("isvsvn").status is CheckStatus.PASSED


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({}, CheckStatus.NOT_RUN, id="MRENCLAVE alone: no default minimum"),
        pytest.param({"isvsvn": 5}, CheckStatus.FAILED, id="with --isvsvn"),
        pytest.param({"mrenclaves": NOT_GIVEN}, CheckStatus.FAILED, id="without MRENCLAVE"),
    ],
)
def test_default_version_and_mrenclave(production, more, status):
    """An MRENCLAVE switches the default minimum off, and nothing else; --isvsvn sets it again."""
    policy = replace(production.policy, **{"mrenclaves": (production.world.mrenclave,), **more})
    assert production.check(policy, body={"isv_svn": 4}).check("isvsvn").status is status


def test_any_of_several_measurements(production):
    """One of the given measurements is enough; the list is shown where none is."""
    it, own = production, production.world.mrenclave
    assert (
        it.check(replace(it.policy, mrenclaves=(M, own))).check("mrenclave").status
        is CheckStatus.PASSED
    )
    assert (
        it.check(replace(it.policy, mrenclaves=(M, N))).check("mrenclave").wanted == f"{M} or {N}"
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(
            lambda body: body.mrsigner,
            "the value given is the MRSIGNER",
            id="signer for measurement",
        ),
        pytest.param(lambda body: body.mr_enclave[::-1].hex(), "bytes reversed", id="byte order"),
        pytest.param(lambda body: M, "", id="simply another"),
    ],
)
def test_hint_for_a_wrong_measurement(production, value, told):
    """The two usual mix-ups are named; another build is left at that."""
    check = production.check(
        replace(production.policy, mrenclaves=(value(production.proof.report),))
    ).check("mrenclave")
    assert (
        check.status is CheckStatus.FAILED
        and told in check.reason
        and bool(told) == bool(check.reason)
    )


def test_explicit_signer(public):
    """--mrsigner with product and version replaces the expected signer, and debug may go with
    it.
    """
    own = {
        "mrsigner": public.world.mrsigner,
        "isvprodid": public.proof.report.isv_prod_id,
        "isvsvn": 0,
    }
    policy = replace(public.policy, **own).with_flags("-G", DEBUG)
    result = public.check(policy)
    assert set(waived(result)) == {"tcb-status", "debug"}
    assert [result.check(i).status for i in ("mrsigner", "isvprodid", "isvsvn")] == [
        CheckStatus.PASSED
    ] * 3
    for name, value in (("isvprodid", 7), ("isvsvn", 65535)):
        assert [c.id for c in public.check(replace(policy, **{name: value})).failures] == [name]


@pytest.mark.parametrize(
    ("body", "members", "id"),
    [
        pytest.param(
            {"mr_enclave": bytes(32)}, {"mrenclaves": ("00" * 32,)}, "mrenclave", id="MRENCLAVE"
        ),
        pytest.param(
            {"mr_signer": bytes(32)},
            {"mrsigner": "00" * 32, "isvprodid": 41316, "isvsvn": 5},
            "mrsigner",
            id="MRSIGNER",
        ),
    ],
)
def test_zeros_are_nobodys_identity(production, body, members, id):
    """A measurement of nothing but zeros is refused even where somebody expects it, such as a
    variable never filled.
    """
    result = production.check(replace(production.policy, **members), body=body)
    assert [c.id for c in result.failures] == [id] and "zeros are" in result.check(id).reason


# Trust any


def test_trust_any_waives_the_measurement_in_debug(public):
    """Any code passes in a debug enclave: nobody looked at MRENCLAVE, and it says so."""
    result = public.check(public.policy.with_flags("-G", IGNORE, DEBUG, ANY))
    assert waived(result)["mrenclave"] == f"--{ANY}" and len(result.waivers) == 4
    wrong = public.check(
        replace(public.policy, mrenclaves=(M,)).with_flags("-G", IGNORE, DEBUG, ANY)
    )
    assert waived(wrong)["mrenclave"] == f"--{ANY}" and wrong.check("mrenclave").wanted == M


def test_trust_any_is_for_debug_enclaves_only(production):
    """In a production enclave the flag has no power: a missing or a wrong measurement still
    fails.
    """
    other = {"mr_signer": bytes(32)}
    result = production.check(production.policy.with_flags(IGNORE, DEBUG, ANY), body=other)
    assert [c.id for c in result.failures] == [
        "mrenclave"
    ] and "debug enclaves only" in result.check("mrenclave").reason
    result = production.check(
        replace(production.policy, mrenclaves=(M,)).with_flags(IGNORE, DEBUG, ANY)
    )
    assert [c.id for c in result.failures] == ["mrenclave"]


def test_trust_any_is_not_needed_where_the_signer_stands_for_the_code(public):
    """With the right signer named, a missing MRENCLAVE is not a failure, so there is nothing to
    waive.
    """
    own = {
        "mrsigner": public.world.mrsigner,
        "isvprodid": public.proof.report.isv_prod_id,
        "isvsvn": 0,
    }
    result = public.check(replace(public.policy, **own).with_flags("-G", DEBUG, ANY))
    assert set(waived(result)) == {"tcb-status", "debug"}
    assert f"--{ANY} was set and not needed: the signer stands for the code." in result.remarks


@pytest.mark.parametrize("flag", [f.name for f in FLAGS])
def test_a_flag_that_is_not_needed_is_a_remark_only(production, flag):
    """On a CAS that needs no flag each one changes the remarks and nothing else."""
    names = (
        {flag} | ({IGNORE} if flag in (DEBUG, ANY) else set()) | ({DEBUG} if flag == ANY else set())
    )
    policy = replace(production.policy, mrenclaves=(production.world.mrenclave,))
    plain, flagged = production.check(policy), production.check(policy.with_flags(*names))
    assert flagged.checks == plain.checks and flagged.verdict is Verdict.TRUSTWORTHY
    option = next(f.option for f in FLAGS if f.name == flag)
    assert len(flagged.remarks) == len(names)
    assert any(r.startswith(f"{option} was set and not needed") for r in flagged.remarks)


def test_version_with_an_ignored_signer_is_said_not_to_count(public):
    """--isvsvn without a signer to give it meaning is not compared, and that is said."""
    policy = replace(public.policy, mrenclaves=(public.world.mrenclave,), isvsvn=99).with_flags(
        "-G", IGNORE, DEBUG
    )
    result = public.check(policy)
    assert result.accepted and any(
        r.startswith("--isvsvn was set and not compared") for r in result.remarks
    )


# Advisories


@pytest.mark.parametrize(
    ("found", "members", "status"),
    [
        pytest.param((), {}, CheckStatus.NOT_RUN, id="not asked, none"),
        pytest.param(("A",), {}, CheckStatus.NOT_RUN, id="not asked"),
        pytest.param(
            (), {"fail_on_any_advisory": True}, CheckStatus.PASSED, id="none wanted, none"
        ),
        pytest.param(
            ("A",), {"fail_on_any_advisory": True}, CheckStatus.FAILED, id="none wanted, one"
        ),
        pytest.param((), {"ignore_advisories": ("A",)}, CheckStatus.PASSED, id="ignored, none"),
        pytest.param(
            ("A",), {"ignore_advisories": ("A", "B")}, CheckStatus.WAIVED, id="all ignored"
        ),
        pytest.param(
            ("A", "C"), {"ignore_advisories": ("A", "B")}, CheckStatus.FAILED, id="one not ignored"
        ),
        pytest.param(
            ("AB",), {"ignore_advisories": ("A", "B")}, CheckStatus.FAILED, id="no prefix"
        ),
    ],
)
def test_advisories(production, found, members, status):
    """None asked for is said; a list accepts exactly what it names, as a waiver."""
    check = production.check(replace(production.policy, **members), advisories=found).check(
        "advisories"
    )
    assert check.status is status and (check.flag == "--ignore-advisories") == (
        status is CheckStatus.WAIVED
    )
    assert status is not CheckStatus.FAILED or check.got in ("A", "C", "AB")


# Without a CAS report, and without a proof


def test_without_a_report_nothing_is_said_about_certificate_and_nonce(production):
    """A bare quote is judged; what only a CAS report could show is not run, and stands in the
    way only where it was asked for.
    """
    result = production.check(report=None)
    assert result.accepted and result.check("certificate-binding").status is CheckStatus.NOT_RUN
    for members, id in (
        ({"nonce": NONCE}, "nonce"),
        ({"cas_key_hash": KEY}, "instance-key"),
        ({"cas_software_key_hash": KEY}, "instance-key"),
    ):
        result = production.check(replace(production.policy, **members), report=None)
        assert result.verdict is Verdict.REJECTED
        assert [
            c.id for c in result.checks if c.status is CheckStatus.NOT_RUN and not c.optional
        ] == [id]


def test_an_unproven_proof_leaves_the_policy_unjudged(production):
    """Where a proof check fails, no policy check is run, all flags or none, and the first
    failure is named.
    """
    checks = tuple(
        failed(c.id, "x", "y") if c.id == "quote-signature" else c for c in production.proof.checks
    )
    for flags in ((), (f.name for f in FLAGS)):
        result = production.check(production.policy.with_flags(*flags), checks=checks)
        assert result.verdict is Verdict.REJECTED and not result.waivers
        rest = [result.check(i) for i in POLICY_IDS]
        assert all(
            c.status is CheckStatus.NOT_RUN and not c.optional and "(quote-signature)" in c.reason
            for c in rest
        )
        with pytest.raises(VerificationError, match="quote-signature"):
            result.require()


def test_a_proof_without_checks_proves_nothing(production):
    """An empty proof is rejected, whatever the flags."""
    empty = Proof("dcap", (), production.world.now)
    assert (
        appraise(empty, AttestationPolicy().with_flags(*(f.name for f in FLAGS))).verdict
        is Verdict.REJECTED
    )


def test_a_failing_status_hides_nothing(public):
    """A status that nobody waived does not keep the rest from being compared: a reader sees
    every reason at once.
    """
    result = public.check(public.policy)
    assert [c.id for c in result.failures] == ["tcb-status", "debug", "mrsigner"]


@pytest.mark.parametrize(
    "pem",
    [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ids=["empty", "no PEM", "no DER"],
)
def test_a_mangled_chain_fails_the_binding_alone(production, pem):
    """Certificates that the evidence does not name fail the binding, and stop nothing but the
    comparison of their keys.
    """
    extra = {**production.report.additional_data, "cert_chain": pem.decode()}
    report = CasReport.build(production.report.proof_data, extra)
    result = production.check(replace(production.policy, cas_key_hash=KEY), report=report)
    assert [c.id for c in result.failures] == ["certificate-binding"]
    assert [c.id for c in result.checks if c.status is CheckStatus.NOT_RUN and not c.optional] == [
        "instance-key"
    ]


UNBOUND = {
    "the nonce that we sent, written in": ("nonce", lambda mine: {"nonce": NONCE}, {}),
    "a nonce where we sent none": ("nonce", lambda mine: {"nonce": NONCE}, {"nonce": None}),
    "our CAS's certificates, written in": (
        "instance-key",
        lambda mine: {"cert_chain": mine},
        {"cas_key_hash": 0, "cas_software_key_hash": 1},
    ),
}


@pytest.mark.parametrize("name", UNBOUND)
def test_what_the_evidence_does_not_name_is_not_compared(production, name):
    """Nonce and certificates that anybody can write beside genuine evidence never show as
    passed: the right ones in front of evidence that was made for others.
    """
    id, change, asked = UNBOUND[name]
    mine = production.report.additional_data["cert_chain"]
    hashes = CasChain.from_pem(mine).key_hashes
    data = CasReport.from_json(World("policy, another", "production").attest("DCAP", "77" * 16))
    report = CasReport.build(data.proof_data, {**data.additional_data, **change(mine)})
    members = {k: hashes[v] if isinstance(v, int) else v for k, v in asked.items()}
    policy = replace(production.policy, **{"nonce": NONCE, **members})
    result = production.check(policy, report=report)
    assert [c.id for c in result.failures] == ["certificate-binding"]
    check = result.check(id)
    assert check.status is CheckStatus.NOT_RUN and "anybody can write" in check.reason
    wanted = policy.nonce if id == "nonce" else policy.cas_key_hash
    assert check.optional is (wanted is None)


def test_a_policy_stays_as_it_was_judged():
    """A list that is changed afterwards changes nothing in the policy that was made of it."""
    names = [M]
    policy = AttestationPolicy(mrenclaves=names)
    policy.require_valid()
    names.append("no measurement")
    assert policy.mrenclaves == (M,) and not policy.problems()


def test_known_public_signers_are_named(public):
    """A signer whose key everybody has is named, in the check and in a remark."""
    signer = next(s for s in KNOWN_SIGNERS if s.anybody_can_sign)
    result = public.check(body={"mr_signer": bytes.fromhex(signer.mrsigner)})
    assert signer.name in result.check("mrsigner").reason and result.known_signer == signer.name
    assert any("says nothing about who built" in r for r in result.remarks)


@pytest.mark.parametrize(
    "signer", [s for s in KNOWN_SIGNERS if s.anybody_can_sign], ids=lambda s: s.name
)
def test_a_public_signer_that_is_expected_is_named_all_the_same(production, signer):
    """Whoever asks for a key that everybody has gets it, and is told so, with the result and in
    its JSON.
    """
    policy = replace(production.policy, mrsigner=signer.mrsigner, isvprodid=41316, isvsvn=0)
    result = production.check(policy, body={"mr_signer": bytes.fromhex(signer.mrsigner)})
    assert (
        result.check("mrsigner").status is CheckStatus.PASSED and result.known_signer == signer.name
    )
    assert any(signer.name in remark for remark in result.to_json()["remarks"])


def test_checks_come_in_catalogue_order_each_once(cases):
    """Whatever the scenario, the list is ordered, and no check is missing or doubled."""
    for it in cases.values():
        found = [c.id for c in it.check().checks]
        assert found == [i for i in CATALOGUE if i in set(found)] and len(found) == len(set(found))
        assert set(found) >= set(POLICY_IDS)


def test_a_waiver_is_never_a_pass():
    """The states are four, and a waived check keeps what was got and wanted."""
    check = failed("debug", "DEBUG is set", "DEBUG is not set").waived_by("--x")
    assert check.status is CheckStatus.WAIVED is not CheckStatus.PASSED
    assert (check.got, check.wanted) == ("DEBUG is set", "DEBUG is not set")
    with pytest.raises(UsageError):
        Check("debug", CheckStatus.WAIVED)
    assert passed("debug").flag is None
