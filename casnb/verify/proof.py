"""Proof: what verification found, as checks and the values that they prove. It has no opinion on
debug or identity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.base.view import Shown
from casnb.checks.result import Check, CheckStatus, failed, find, not_run, passed
from casnb.checks.view import html_result, text_result
from casnb.evidence.report import ATTRIBUTE_BITS, KSS, REPORT_BODY, ReportBody
from casnb.verify.tcb import TcbStatus

if TYPE_CHECKING:
    from casnb.evidence.pck import PckExtension

_BLANK = bytes(384)


@dataclass(frozen=True)
class Proof(Shown):
    """The checks of one piece of evidence, and what they prove.

    `report` is set as soon as the evidence could be read; it may be believed only where
    `genuine`. `status_text` is spelled as the evidence spells it. `tcb_date` and `qe_tcb_date`
    are the days of the levels reached (ISO 8601). `advisories`: the platform's, then the quoting
    enclave's. `at` is the verification time, UTC; `made` is when the evidence says it was made,
    which a quote does not say. `platform` is what the PCK certificate says of the machine
    (DCAP), `evaluation_number` which edition of Intel's lists judged it (the older, where two
    did). `unlisted` says why this form of evidence cannot list advisories; empty where it can,
    and then none listed is none. `unsigned_advisories` came beside it and nobody vouches for
    them. `simulated`: it was judged under other roots than Intel's. `beyond` is set where
    revocation failed in a way that flags accept: the same proof with the status told all the
    same. It is not genuine either.
    """

    kind: str
    checks: tuple[Check, ...]
    at: datetime
    report: ReportBody | None = None
    tcb_status: TcbStatus | None = None
    status_text: str = ""
    platform_tcb_status: TcbStatus | None = None
    qe_tcb_status: TcbStatus | None = None
    advisories: tuple[str, ...] = ()
    tcb_date: str = ""
    qe_tcb_date: str = ""
    made: datetime | None = None
    evidence_sha256: str = ""
    platform: PckExtension | None = None
    evaluation_number: int | None = None
    unlisted: str = ""
    unsigned_advisories: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    simulated: bool = False
    beyond: Proof | None = field(default=None, repr=False)

    @cached_property
    def believable(self) -> bool:
        """Whether what `report` says may be believed: the one predicate that decides it.

        Every check but `tcb-status` passed, was waived by a flag that it names, or was asked for
        by nobody; and a status could be told.
        """
        return (
            bool(self.checks)
            and self.report is not None
            and self.tcb_status is not None
            and all(_stands(c) or c.id == "tcb-status" for c in self.checks)
        )

    @property
    def genuine(self) -> bool:
        """Whether it is believable and nothing was waived for it."""
        return self.believable and not any(c.status is CheckStatus.WAIVED for c in self.checks)

    @property
    def hindrance(self) -> str:
        """The first check that keeps the report from being believed; empty where none does."""
        if self.believable:
            return ""
        return next((c.id for c in self.checks if not _stands(c)), "tcb-status")

    def check(self, id: str) -> Check:
        """Return the check with this id, or raise UsageError."""
        return find(self.checks, id)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status is CheckStatus.FAILED)

    @property
    def sentence(self) -> str:
        """What was proven, in words."""
        if not self.genuine:
            bad = ", ".join(c.id for c in self.failures if c.id != "tcb-status")
            return f"Not proven genuine: {bad or 'a check could not be made'}."
        if self.tcb_status is TcbStatus.UP_TO_DATE:
            return "Proven genuine, on a platform that is up to date."
        return f"Proven genuine, on a platform whose status is {self.status_text}."

    def __repr__(self) -> str:
        return (
            f"<Proof {self.kind}: {'genuine' if self.genuine else 'not proven'},"
            f" {neutral(self.status_text, 60) or 'no status'}>"
        )

    def __str__(self) -> str:
        return text_result(self.checks, self.sentence)

    def _html(self) -> str:
        return html_result(self.checks, self.sentence, verdict="" if self.genuine else "rejected")


T = TypeVar("T")


def sure(value: T | None) -> T:
    """Return what an earlier check made. It is there, because the check that asks for it names that
    one among its needs; where it does not, that is our mistake and not a verdict.
    """
    if value is None:
        raise AssertionError("a check uses what it does not name among its needs")
    return value


def _stands(check: Check) -> bool:
    return check.status in (CheckStatus.PASSED, CheckStatus.WAIVED) or (
        check.status is CheckStatus.NOT_RUN and check.optional
    )


class Steps:
    """The checks of one verification, in the order in which they are made; one that failed keeps
    others from being made.
    """

    def __init__(self) -> None:
        self._rows: list[Check] = []
        self._cause: dict[str, str] = {}

    def run(self, id: str, action: Callable[[], tuple[T, str, str]], *needs: str) -> T | None:
        """Make the check and return the action's first value, or None where it failed or was not
        made.

        The action returns a value, what was got, and what was wanted (empty: the same); it
        raises EvidenceError or VerificationError to fail. A need that did not pass leaves the
        check NOT_RUN and is named.
        """
        if self._cause and not self.reached(id, *needs):
            return None
        try:
            value, got, wanted = action()
        except CasnbError as exc:
            self.fail(id, exc)
            return None
        self._rows.append(Check(id, CheckStatus.PASSED, got, wanted or got))
        return value

    def reached(self, id: str, *needs: str) -> bool:
        """Whether every need passed; else note `id` as NOT_RUN because of the first that failed."""
        for need in needs:
            if need in self._cause:
                self._cause[id] = self._cause[need]
                self._rows.append(not_run(id, f"not reached: {self._cause[need]} failed"))
                return False
        return True

    def fail(self, id: str, exc: CasnbError) -> None:
        """Note a failure with what the error says."""
        got = f"{exc.subject}: {exc.got}" if exc.got is not None else exc.subject
        self.add(failed(id, got, exc.wanted or "", exc.do, getattr(exc, "waivable_by", ())))

    def past(self, id: str) -> Steps | None:
        """Return a copy in which this failed check keeps no other from being made, or None where it
        passed or no flag accepts it.
        """
        if not any(
            row.id == id and row.status is CheckStatus.FAILED and row.waivable_by
            for row in self._rows
        ):
            return None
        other = Steps()
        other._rows, other._cause = (
            list(self._rows),
            {k: v for k, v in self._cause.items() if k != id},
        )
        return other

    def skip(self, id: str, reason: str) -> None:
        """Note a check that nobody asked for."""
        self._rows.append(not_run(id, reason, optional=True))

    def add(self, check: Check) -> None:
        """Note a check made elsewhere."""
        self._rows.append(check)
        if check.status is not CheckStatus.PASSED:
            self._cause[check.id] = check.id

    def checks(self) -> tuple[Check, ...]:
        return tuple(self._rows)


_RESERVED = tuple(f.name for f in REPORT_BODY.fields if f.kind == "reserved")
_KSS_BIT, _KSS_FIELDS = 1 << 7, tuple(f.name for f in REPORT_BODY.fields if f.source == KSS)
_UNUSED = (*_RESERVED, *_KSS_FIELDS)
#: By whether KSS is set: the fields that must be zeros, how to get them, and what is got then.
_ZEROS = {
    kss: (names, attrgetter(*names), attrgetter(*names)(ReportBody(*REPORT_BODY.unpack(_BLANK))))
    for kss, names in ((True, _RESERVED), (False, _UNUSED))
}
_KNOWN_BITS = sum(1 << bit for bit, _, _ in ATTRIBUTE_BITS)


def require_initialised(body: ReportBody) -> None:
    """Raise EvidenceError for a report that no processor makes: INIT clear, a reserved
    ATTRIBUTES bit, or reserved bytes set.

    A body of 384 zero bytes passes: it names no enclave, and Intel's own sample quote has one.
    """
    # A CPU reports an enclave only after EINIT: without the bit somebody else made these bytes.
    if not body.init and body.to_bytes() != _BLANK:
        raise EvidenceError(
            "report body: attributes", got=body.attributes, wanted="the INIT bit set"
        )
    if strange := body.attributes_flags & ~_KNOWN_BITS:
        raise EvidenceError(
            "report body: attributes", got=f"reserved bits {strange:#x}", wanted="none of them set"
        )
    require_unreserved(body, "report body")


def require_unreserved(body: ReportBody, what: str) -> None:
    """Raise EvidenceError where reserved bytes are used or, without the KSS bit, a field of key
    separation and sharing.
    """
    names, of, zeros = _ZEROS[bool(body.attributes_flags & _KSS_BIT)]
    # All at once, which is how nearly every report is; one by one to say which is not.
    if of(body) == zeros:
        return
    for name in names:
        value = getattr(body, name)
        if value and (isinstance(value, int) or any(value)):
            wanted = "zeros" if name in _RESERVED else "zeros, for KSS is not set"
            raise EvidenceError(
                f"{what}: {name}",
                got=value if isinstance(value, int) else value.hex(),
                wanted=wanted,
            )


def status_check(status: TcbStatus | None, text: str, wanted: str) -> Check:
    """Return `tcb-status`: PASSED for UP_TO_DATE, else FAILED with the flags that together would
    waive it, if any.
    """
    if status is TcbStatus.UP_TO_DATE:
        return passed("tcb-status", text, wanted)
    if status is None:
        return failed("tcb-status", text, wanted, "no flag accepts this status")
    reason = f"{status.meaning}; to act: {status.who_acts}"
    return failed("tcb-status", text, wanted, reason, tuple(sorted(status.needs)))


def utc(now: datetime) -> datetime:
    """Return an aware time in UTC; raise UsageError for a naive one, which could mean any zone."""
    if not isinstance(now, datetime) or now.tzinfo is None or now.utcoffset() is None:
        raise UsageError(
            "now",
            got=repr(now),
            wanted="a datetime with a time zone",
            do="Write datetime(..., tzinfo=timezone.utc).",
        )
    try:
        return now.astimezone(timezone.utc)
    except OverflowError:
        raise UsageError("now", got=repr(now), wanted="a time in UTC from year 1 to 9999") from None
