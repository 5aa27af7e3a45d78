"""Checks: the one ordered list that every table, panel, JSON and grade is a rendering of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

from casnb.base.errors import PolicyError, UsageError, VerificationError, neutral
from casnb.base.times import stamp
from casnb.base.view import Shown
from casnb.checks.catalogue import CATALOGUE as CATALOGUE
from casnb.checks.catalogue import CheckSpec as CheckSpec
from casnb.checks.catalogue import spec_of
from casnb.checks.status_words import StatusWords
from casnb.checks.unasked import NotAsked, not_asked_sentence
from casnb.checks.view import html_result, text_result


class CheckStatus(str, Enum):
    """What became of one check. WAIVED is a state of its own: never a kind of PASSED."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    NOT_RUN = "not-run"

    @property
    def label(self) -> str:
        """The word a reader sees."""
        return self.value.upper().replace("-", " ")


class Verdict(str, Enum):
    """The three outcomes of an appraisal."""

    TRUSTWORTHY = "trustworthy"
    ACCEPTED_WITH_WAIVERS = "accepted-with-waivers"
    REJECTED = "rejected"


@dataclass(frozen=True, init=False)
class Check(Shown):
    """One comparison: what was got, what was wanted, and what became of it.

    `flag` names the flag that waived it. `reason` says why it was not run, or what a failure
    means. `optional` marks a NOT_RUN check that nobody asked for: it does not stand in the way
    of acceptance. `waivable_by` lists the flags (long names) that together would have waived a
    FAILED check; empty where none can.
    """

    id: str
    status: CheckStatus
    got: str = ""
    wanted: str = ""
    flag: str | None = None
    reason: str = ""
    optional: bool = False
    waivable_by: tuple[str, ...] = ()

    def __init__(
        self,
        id: str,
        status: CheckStatus,
        got: str = "",
        wanted: str = "",
        flag: str | None = None,
        reason: str = "",
        optional: bool = False,
        waivable_by: tuple[str, ...] = (),
    ) -> None:
        spec_of(id)
        if optional and status is not CheckStatus.NOT_RUN:
            raise UsageError(
                "check " + id, got=f"an optional one that {status.label}", wanted="NOT RUN"
            )
        if (status is CheckStatus.WAIVED) != (flag is not None):
            raise UsageError(
                "check " + id, got="a waiver without its flag, or a flag without a waiver"
            )
        # All at once: a frozen class sets its members one by one, which takes four times as long.
        self.__dict__.update(
            id=id,
            status=status,
            got=got,
            wanted=wanted,
            flag=flag,
            reason=reason,
            optional=optional,
            waivable_by=waivable_by,
        )

    @property
    def spec(self) -> CheckSpec:
        """Title, source and attack of this check."""
        return spec_of(self.id)

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def source(self) -> str:
        return self.spec.source

    @property
    def attack(self) -> str:
        return self.spec.attack

    def waived_by(self, flag: str, reason: str = "") -> Check:
        """Return this check as WAIVED by `flag`, keeping what was got and wanted."""
        return replace(
            self, status=CheckStatus.WAIVED, flag=flag, reason=reason or self.reason, optional=False
        )

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form: id, status, title, got, wanted, source, attack; flag
        or reason where there is one.
        """
        row: dict[str, Any] = {
            "id": self.id,
            "status": self.status.value,
            "title": self.title,
            "got": neutral(self.got),
            "wanted": neutral(self.wanted),
            "source": self.source,
            "attack": self.attack,
        }
        if self.flag:
            row["flag"] = self.flag
        if self.reason:
            row["reason"] = neutral(self.reason, 600)
        return row

    def __str__(self) -> str:
        return text_result([self])

    def _html(self) -> str:
        return html_result([self])


def find(checks: Sequence[Check], id: str) -> Check:
    """Return the check with this id, or raise UsageError."""
    for c in checks:
        if c.id == id:
            return c
    raise UsageError("check", got=id, wanted="one of " + ", ".join(c.id for c in checks))


def passed(id: str, got: object = "", wanted: object = "") -> Check:
    """Return a PASSED check."""
    return Check(id, CheckStatus.PASSED, str(got), str(wanted if wanted != "" else got))


def failed(
    id: str, got: object, wanted: object, reason: str = "", waivable_by: tuple[str, ...] = ()
) -> Check:
    """Return a FAILED check."""
    return Check(
        id, CheckStatus.FAILED, str(got), str(wanted), reason=reason, waivable_by=waivable_by
    )


def not_run(
    id: str, reason: str, *, optional: bool = False, got: object = "", wanted: object = ""
) -> Check:
    """Return a NOT_RUN check; `optional` when nobody asked for it, so that it does not stand in
    the way.
    """
    return Check(id, CheckStatus.NOT_RUN, str(got), str(wanted), reason=reason, optional=optional)


@dataclass(frozen=True)
class Identity:
    """Who the evidence says is speaking: hex strings in memory order, integers as they are."""

    mrenclave: str
    mrsigner: str
    isvprodid: int
    isvsvn: int
    debug: bool
    attributes: str

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class AttestationResult(Shown):
    """The outcome of an appraisal: the ordered checks, and what follows from them.

    `tcb_status` is spelled as the evidence spells it (IAS: `GROUP_OUT_OF_DATE`; DCAP:
    `OutOfDate`); empty when the evidence never got that far. `at` is the verification time,
    `clock` what the clock said when it was judged, both UTC. `simulated`: the roots were not
    Intel's. `not_asked` is what the verdict leaves open. `remarks` are sentences that change
    nothing, such as a flag that was set and not needed. `words` explain the status, where there
    is anything to explain.

    >>> AttestationResult(checks=(passed("debug", "DEBUG=0"),)).verdict.value
    'trustworthy'
    """

    checks: tuple[Check, ...]
    tcb_status: str = ""
    advisories: tuple[str, ...] = ()
    identity: Identity | None = None
    evidence_sha256: str = ""
    at: datetime | None = None
    remarks: tuple[str, ...] = ()
    known_signer: str = ""
    subject: str = field(default="CAS")
    words: StatusWords | None = field(default=None, repr=False)
    not_asked: tuple[NotAsked, ...] = ()
    clock: datetime | None = None
    simulated: bool = False

    @cached_property
    def verdict(self) -> Verdict:
        """REJECTED on any failure or any required check that was not run; else by whether
        something was waived.
        """
        if not self.checks or any(
            c.status is CheckStatus.FAILED or (c.status is CheckStatus.NOT_RUN and not c.optional)
            for c in self.checks
        ):
            return Verdict.REJECTED
        return Verdict.ACCEPTED_WITH_WAIVERS if self.waivers else Verdict.TRUSTWORTHY

    @property
    def accepted(self) -> bool:
        """Whether the verdict is anything but REJECTED; look at `waivers` before you rely on it."""
        return self.verdict is not Verdict.REJECTED

    @property
    def waivers(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status is CheckStatus.WAIVED)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status is CheckStatus.FAILED)

    def check(self, id: str) -> Check:
        """Return the check with this id, or raise UsageError."""
        return find(self.checks, id)

    @property
    def sentence(self) -> str:
        """The verdict in words, with what it leaves open."""
        who = f"Simulated {self.subject}" if self.simulated else self.subject
        if self.verdict is Verdict.TRUSTWORTHY:
            return (
                f"{who} is trustworthy: every check that was asked for passed, and nothing was"
                f" waived.{self.left_open}"
            )
        if self.verdict is Verdict.ACCEPTED_WITH_WAIVERS:
            n = len(self.waivers)
            names = ", ".join(c.id for c in self.waivers)
            return (
                f"{who} is accepted with {n} waiver{'s' if n > 1 else ''} ({names}). It must not"
                " hold secrets: what a waived check would have stopped can"
                f" happen.{self.left_open}"
            )
        names = (
            ", ".join(c.id for c in self.failures)
            or ", ".join(
                c.id for c in self.checks if c.status is CheckStatus.NOT_RUN and not c.optional
            )
            or "nothing was checked"
        )
        return f"{who} is rejected: {names}."

    @property
    def left_open(self) -> str:
        """What was not asked, as sentences that follow the verdict; empty where all was."""
        return not_asked_sentence(tuple(n.id for n in self.not_asked), self.at)

    def require(self) -> AttestationResult:
        """Return self if accepted; else raise VerificationError (not genuine) or PolicyError
        (not wanted).
        """
        if self.accepted:
            return self
        first = next((c for c in self.checks if c.status is CheckStatus.FAILED), None)
        first = first or next(
            (c for c in self.checks if c.status is CheckStatus.NOT_RUN and not c.optional), None
        )
        kind = VerificationError if first is None or first.id in PROOF_IDS else PolicyError
        if first is None:
            raise kind(self.sentence)
        got = first.got or first.reason or "nothing"
        raise kind(
            f"{self.sentence} First: {first.id}", got=got, wanted=first.wanted or first.title
        )

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb verify --json`)."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "tcb_status": neutral(self.tcb_status),
            "advisories": [neutral(a, 80) for a in self.advisories],
            "identity": self.identity.to_json() if self.identity else {},
            "evidence_sha256": self.evidence_sha256,
            "simulated": self.simulated,
            "not_asked": [n.to_json() for n in self.not_asked],
            "verification_time": stamp(self.at) if self.at else None,
            "clock_time": stamp(self.clock) if self.clock else None,
            "remarks": [neutral(r, 600) for r in self.remarks],
            "checks": [c.to_json() for c in self.checks],
        }

    def __repr__(self) -> str:
        counts = (
            f"{len(self.checks)} checks, {len(self.failures)} failed, {len(self.waivers)} waived"
        )
        return f"<AttestationResult {self.verdict.value}: {counts}>"

    def __str__(self) -> str:
        return text_result(self.checks, self.sentence, self.remarks) + (
            f"\n\n{self.words}" if self.words else ""
        )

    def _html(self) -> str:
        open_ = [(n.id, n.words) for n in self.not_asked] if self.accepted else []
        shown = html_result(self.checks, self.sentence, self.remarks, self.verdict.value, open_)
        return shown + (self.words._html() if self.words else "")


#: The checks of the proof (is it genuine?); the others are policy (is it wanted?).
PROOF_IDS = frozenset(list(CATALOGUE)[: list(CATALOGUE).index("tcb-status")])


def ordered(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks in catalogue order, refusing two with the same id, and one of another
    catalogue.
    """
    by_id: dict[str, Check] = {}
    for c in checks:
        if c.id in by_id or c.id not in CATALOGUE:
            what = "twice" if c.id in by_id else "which is not a check of an appraisal"
            raise UsageError("checks", got=f"{c.id} {what}", wanted="each once")
        by_id[c.id] = c
    return tuple([by_id[id] for id in CATALOGUE if id in by_id])
