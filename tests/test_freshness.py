"""Freshness: how old evidence, lists and patch levels may be, each a check of its own, and none
of it silent.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from casnb.base.errors import UsageError
from casnb.base.spans import read_span, span
from casnb.checks.result import CheckStatus, Verdict
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import World
from casnb.verify.dispatch import verify
from casnb.verify.tcb import TcbStatus

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OURS = ("report-age", "verification-time", "tcb-evaluation", "tcb-grace")
PASSED, FAILED, WAIVED, NOT_RUN = (
    CheckStatus.PASSED,
    CheckStatus.FAILED,
    CheckStatus.WAIVED,
    CheckStatus.NOT_RUN,
)
C = "accept-configuration-needed"


class Case:
    """What was proven in one scenario, `later` than the evidence was made."""

    def __init__(self, scenario: str, later: timedelta = timedelta(0)) -> None:
        self.world = World("fresh", scenario)
        report = CasReport.from_json(self.world.attest(self.world.setup.evidence[0]))
        self.proof = verify(report, roots=self.world.roots, now=self.world.now + later)
        assert self.proof.genuine
        debug = (
            ("only_for_testing-ignore-signer", "only_for_testing-debug")
            if self.world.setup.debug
            else ()
        )
        self.policy = AttestationPolicy(
            mrenclaves=(self.world.mrenclave,), expected_signer=self.world.vendor
        ).with_flags(*debug)

    def check(self, *flags: str, proof=None, **members):
        policy = replace(self.policy, **members)
        policy = policy.with_flags(*policy.flags(), *flags)
        return appraise(proof or self.proof, policy)

    def at(
        self, status: TcbStatus, qe: TcbStatus, date: str, qe_date: str = "2025-08-13T00:00:00Z"
    ):
        """The proof, had platform and quoting enclave reached these levels."""
        from casnb.verify.proof import status_check
        from casnb.verify.tcb import converge

        merged = converge(status, qe)
        checks = tuple(
            status_check(merged, merged.dcap_name, "UpToDate") if c.id == "tcb-status" else c
            for c in self.proof.checks
        )
        return replace(
            self.proof,
            checks=checks,
            tcb_status=merged,
            status_text=merged.dcap_name,
            platform_tcb_status=status,
            qe_tcb_status=qe,
            tcb_date=date,
            qe_tcb_date=qe_date,
        )


@pytest.fixture(scope="module")
def dcap() -> Case:
    return Case("production")


@pytest.fixture(scope="module")
def old() -> Case:
    return Case("dcap-debug")


@pytest.mark.parametrize("scenario", ["public", "production", "dcap-debug"])
def test_what_nobody_asked_for_stands_in_nobodys_way(scenario):
    """Each of the four is listed, not run, and optional."""
    result = Case(scenario).check()
    assert all(result.check(i).status is NOT_RUN and result.check(i).optional for i in OURS)


@pytest.mark.parametrize(
    ("later", "limit", "status"),
    [
        pytest.param(timedelta(0), SECOND, PASSED, id="just made"),
        pytest.param(DAY, DAY, PASSED, id="to the second"),
        pytest.param(DAY + SECOND, DAY, FAILED, id="one second too old"),
        pytest.param(300 * DAY, 30 * DAY, FAILED, id="months"),
    ],
)
def test_report_age(later, limit, status):
    """An IAS report may be exactly as old as the policy says, counted to the verification time."""
    result = Case("hyperthreading", later).check("-C", max_age=limit)
    assert result.check("report-age").status is status and result.accepted is (status is PASSED)
    assert status is PASSED or [c.id for c in result.failures] == ["report-age"]


def test_a_quote_does_not_say_how_old_it_is(dcap):
    """Where an age was asked for and the evidence has none, nothing is assumed: the check could
    not be made, and that rejects.
    """
    result = dcap.check(max_age=365 * DAY)
    assert result.verdict is Verdict.REJECTED and not result.failures
    assert "nonce" in result.check("report-age").reason and not result.check("report-age").optional


@pytest.mark.parametrize(
    ("shift", "status"),
    [
        pytest.param(timedelta(0), PASSED, id="the same"),
        pytest.param(SECOND, FAILED, id="later"),
        pytest.param(-DAY, FAILED, id="earlier"),
    ],
)
def test_verification_time(dcap, shift, status):
    """A proof made for another time than the policy's is not taken for one made for it; zones do
    not matter.
    """
    zone = timezone(timedelta(hours=5))
    result = dcap.check(verification_time=(dcap.world.now + shift).astimezone(zone))
    assert result.check("verification-time").status is status and result.accepted is (
        status is PASSED
    )


@pytest.mark.parametrize(
    ("have", "least", "status"),
    [
        pytest.param(20, 20, PASSED, id="equal"),
        pytest.param(20, 19, PASSED, id="later"),
        pytest.param(20, 21, FAILED, id="earlier"),
        pytest.param(None, 0, NOT_RUN, id="not said"),
    ],
)
def test_edition_of_intels_lists(dcap, have, least, status):
    """The edition is a minimum; evidence that names none cannot pass, not even with 0."""
    result = dcap.check(proof=replace(dcap.proof, evaluation_number=have), min_tcb_evaluation=least)
    check = result.check("tcb-evaluation")
    assert check.status is status and not check.optional and result.accepted is (status is PASSED)


def test_the_older_of_two_editions_counts():
    """One list of an old edition beside a new one is an old edition."""
    world = World("fresh", "production")
    for name in ("tcb_info", "qe_identity"):
        lists = world.endorsements(**{name: {"tcbEvaluationDataNumber": 17}})
        proof = verify(
            CasReport.from_json(world.attest("DCAP")),
            roots=world.roots,
            now=world.now,
            endorsements=lists,
        )
        assert proof.genuine and proof.evaluation_number == 17


# The grace period


@pytest.mark.parametrize(
    ("status", "flags", "flag"),
    [
        pytest.param(TcbStatus.OUT_OF_DATE, (), "--tcb-grace", id="outdated"),
        pytest.param(
            TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
            ("-C",),
            "--tcb-grace -C",
            id="outdated, and a setting",
        ),
    ],
)
def test_grace_is_a_waiver(dcap, status, flags, flag):
    """A young enough level is accepted as a waiver of the status that names the option, and
    never as a pass.
    """
    now = dcap.world.now
    proof = dcap.at(status, TcbStatus.UP_TO_DATE, f"{now - 10 * DAY:%Y-%m-%dT%H:%M:%SZ}")
    result = dcap.check(*flags, proof=proof, tcb_grace=10 * DAY)
    assert (
        result.verdict is Verdict.ACCEPTED_WITH_WAIVERS
        and "must not hold secrets" in result.sentence
    )
    assert [(c.id, c.flag) for c in result.waivers] == [("tcb-status", flag)]
    assert result.check("tcb-status").got == status.dcap_name
    late = dcap.check(*flags, proof=proof, tcb_grace=10 * DAY - SECOND)
    assert [c.id for c in late.failures] == ["tcb-status", "tcb-grace"] and not late.waivers


UP, OUT, CONF, CONF_OUT = (
    TcbStatus.UP_TO_DATE,
    TcbStatus.OUT_OF_DATE,
    TcbStatus.CONFIGURATION_NEEDED,
    TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
)


@pytest.mark.parametrize(
    ("platform", "qe", "date", "qe_date", "accepted"),
    [
        pytest.param(
            OUT,
            UP,
            "2026-08-30T00:00:00Z",
            "2019-01-01T00:00:00Z",
            True,
            id="the platform's level alone",
        ),
        pytest.param(
            UP,
            OUT,
            "2019-01-01T00:00:00Z",
            "2026-08-30T00:00:00Z",
            True,
            id="the quoting enclave's alone",
        ),
        pytest.param(
            UP,
            OUT,
            "2026-08-30T00:00:00Z",
            "2019-01-01T00:00:00Z",
            False,
            id="an old quoting enclave on a young platform",
        ),
        pytest.param(
            OUT,
            OUT,
            "2026-08-30T00:00:00Z",
            "2019-01-01T00:00:00Z",
            False,
            id="both: the older counts",
        ),
        pytest.param(
            OUT,
            OUT,
            "2019-01-01T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="both, the other way round",
        ),
        pytest.param(
            OUT,
            UP,
            "2026-09-02T00:00:00Z",
            "2026-09-02T00:00:00Z",
            False,
            id="a level dated after the verification time",
        ),
        pytest.param(
            CONF_OUT,
            UP,
            "2026-08-30T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="a setting, and no flag for it",
        ),
        pytest.param(
            CONF,
            UP,
            "2026-08-30T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="no firmware matter at all",
        ),
        pytest.param(
            TcbStatus.SW_HARDENING_NEEDED,
            UP,
            "2026-08-30T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="hardening",
        ),
        pytest.param(
            TcbStatus.REVOKED,
            UP,
            "2026-08-30T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="revoked",
        ),
        pytest.param(
            OUT,
            TcbStatus.REVOKED,
            "2026-08-30T00:00:00Z",
            "2026-08-30T00:00:00Z",
            False,
            id="revoked quoting enclave",
        ),
    ],
)
def test_which_date_counts(dcap, platform, qe, date, qe_date, accepted):
    """Counted from the day of the level that is outdated; what is wrong besides stays wrong."""
    result = dcap.check(proof=dcap.at(platform, qe, date, qe_date), tcb_grace=30 * DAY)
    assert result.accepted is accepted
    assert result.check("tcb-status").status is (WAIVED if accepted else FAILED)


def test_grace_over_the_whole_way(old):
    """The simulated platform's level is of November 2019: the day before its age is too little,
    the day after is enough.
    """
    for days, accepted in ((2483, False), (2485, True)):
        result = old.check(tcb_grace=days * DAY)
        assert result.accepted is accepted
        assert "level of 2019-11-13" in result.check("tcb-grace").got


def test_grace_that_is_not_needed_is_a_remark(dcap):
    """On a current platform nothing is waived."""
    result = dcap.check(tcb_grace=DAY)
    assert result.verdict is Verdict.TRUSTWORTHY and result.check("tcb-grace").status is PASSED
    assert "--tcb-grace was set and not needed: the status is UpToDate." in result.remarks


def test_no_grace_without_a_date():
    """An IAS report does not date its level, so no grace can be granted, and the status stays as
    it is.
    """
    result = Case("public").check(tcb_grace=9999 * DAY)
    assert [c.id for c in result.failures] == ["tcb-status"] and result.check(
        "tcb-grace"
    ).status is NOT_RUN
    assert not result.check("tcb-grace").optional


# The policy itself


@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param({"max_age": timedelta(0)}, "--max-age", id="no time at all"),
        pytest.param({"max_age": -DAY}, "--max-age", id="less"),
        pytest.param({"max_age": 30}, "--max-age", id="a number"),
        pytest.param({"tcb_grace": -DAY}, "--tcb-grace", id="negative grace"),
        pytest.param({"min_tcb_evaluation": -1}, "--min-tcb-evaluation", id="negative edition"),
        pytest.param({"min_tcb_evaluation": True}, "--min-tcb-evaluation", id="truth for a number"),
        pytest.param({"min_tcb_evaluation": 1 << 31}, "--min-tcb-evaluation", id="32 bits"),
        pytest.param(
            {"tcb_grace": DAY, "accept_group_out_of_date": True},
            "contradicts -G",
            id="grace for a time and for ever",
        ),
    ],
)
def test_refused(members, told):
    """A value that means nothing is refused by name."""
    assert any(told in p for p in AttestationPolicy(**members).problems())


@pytest.mark.parametrize(
    ("text", "value"),
    [("30d", 30 * DAY), ("36h", 1.5 * DAY), ("15m", 900 * SECOND), ("90s", 90 * SECOND)],
)
def test_spans(text, value):
    """A length of time is read with its unit and written as it was."""
    assert read_span(text) == value and span(value) == text


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("30 days", 30),
        ("1 year", 365),
        ("2w", 14),
        ("6 months", 180),
        ("1 day", 1),
        ("48 hours", 2),
    ],
)
def test_spans_of_the_session_language(text, days):
    """Options and sessions share one grammar: units may be written out, with one space before."""
    assert read_span(text) == days * DAY


@pytest.mark.parametrize(
    "text",
    [
        "30",
        "d",
        "-1d",
        "1.5d",
        "30  d",
        "1 fortnight",
        "0d",
        "",
        "30D",
        "1d2h",
        "9999999d",
        "\N{ARABIC-INDIC DIGIT ONE}d",
    ],
)
def test_no_span(text):
    """A number without a unit, a fraction or another unit is not guessed at."""
    with pytest.raises(UsageError):
        read_span(text)


def test_command_line_and_back():
    """The printed line carries all of it, and reading it gives the policy back."""
    policy = AttestationPolicy(
        max_age=36 * timedelta(hours=1), min_tcb_evaluation=17, tcb_grace=90 * DAY
    )
    line = policy.command("cas")
    assert line == "scone cas attest --max-age 36h --min-tcb-evaluation 17 --tcb-grace 90d cas"
    assert AttestationPolicy.from_args(shlex.split(line)) == policy
    assert all(word in str(policy) for word in ("36h", "17", "90d"))


def test_proof_says_when_it_was_made():
    """An IAS report carries its time, in UTC; a quote carries none."""
    case = Case("public")
    assert case.proof.made == case.world.now and isinstance(case.proof.made, datetime)
    assert Case("production").proof.made is None
