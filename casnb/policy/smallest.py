"""The smallest set of insecure flags with which a report is accepted: which, why each, and what
the others would buy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, html_table, html_verdict, text_table
from casnb.checks.view import describe
from casnb.policy.appraise import appraise
from casnb.policy.flags import BY_NAME, FLAGS, NEWER, find, options

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.evidence.cas_report import CasReport
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.proof import Proof

_EVERY = (*FLAGS, *NEWER)
_OTHER_CODE = "But this is other code than the one you named: find out why, and set no flag for it."
_NO_CODE = (
    "But no MRENCLAVE was given: name the code that you expect, from elsewhere than the report, and"
    " trust-any can be spared."
)


@dataclass(frozen=True)
class Need:
    """What one flag (long name) does for a report: waives `checks`, is needed by another
    flag, or buys nothing.
    """

    flag: str
    needed: bool
    checks: tuple[str, ...]
    why: str

    @property
    def word(self) -> str:
        """The word of the table's first column."""
        return "needed" if self.needed else "buys nothing"


@dataclass(frozen=True)
class MinimalSet(Shown):
    """The answer: `flags` (long names, catalogue order) are enough and none can be spared; or
    `stuck` says why no set is enough.

    `result` is what the report is with these flags; where no set is enough, without any. `needs`
    has a row for every flag. `warning` is there where something is wrong that no flag should be
    set for.
    """

    flags: tuple[str, ...]
    result: AttestationResult
    needs: tuple[Need, ...]
    stuck: tuple[str, ...] = ()
    warning: str = ""

    @property
    def enough(self) -> bool:
        """Whether there is a set of flags at all; the empty set is one."""
        return not self.stuck

    @property
    def options(self) -> str:
        """The set as a command writes it; empty where no flag is needed or none helps."""
        return options(self.flags)

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.stuck:
            return "No set of flags is enough: " + "; ".join(self.stuck) + "."
        spare = _join(
            BY_NAME[n.flag].option for n in self.needs if not n.needed and n.flag in BY_NAME
        )
        rest = f" {spare} would buy nothing." if spare else ""
        if not self.flags:
            return f"No flag is needed.{rest}"
        named = _join(find(name).option for name in self.flags)  # type: ignore[union-attr]
        return f"Exactly {named}: none of them can be spared.{rest}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "enough": self.enough,
            "flags": list(self.flags),
            "options": self.options,
            "sentence": neutral(self.sentence, 1200),
            "warning": self.warning,
            "needs": [
                {
                    "flag": n.flag,
                    "needed": n.needed,
                    "checks": list(n.checks),
                    "why": neutral(n.why, 600),
                }
                for n in self.needs
            ],
            "verdict": self.result.verdict.value,
        }

    HEADER = ("flag", "is", "because", "lets in")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return what the tables show: flag, whether it is needed, why, and whom it lets in."""
        rows = []
        for need in self.needs:
            flag = find(need.flag)
            assert flag is not None
            rows.append(
                (
                    flag.option,
                    need.word if self.enough else "no help",
                    need.why,
                    flag.who if need.needed else "",
                )
            )
        return rows

    def __str__(self) -> str:
        warning = f"{self.warning}\n" if self.warning else ""
        return f"{neutral(self.sentence, 1200)}\n{warning}\n{text_table(self.HEADER, self.rows())}"

    def _html(self) -> str:
        name = self.result.verdict.value if self.enough else "rejected"
        words = cell(self.sentence, 1200) + (
            f"<br>{cell(self.warning, 600)}" if self.warning else ""
        )
        return html_verdict(name, words) + html_table(self.HEADER, self.rows(), code=(0,))


def minimal_flags(
    proof: Proof,
    policy: AttestationPolicy,
    *,
    report: CasReport | None = None,
    subject: str = "CAS",
) -> MinimalSet:
    """Return the smallest set of insecure flags with which `policy` accepts this proof; flags
    that it has itself do not count.

    Found by following what each failed check says would waive it and what each flag needs beside
    it, in a few appraisals; every step is forced, so the set is the only one of its size. Raises
    UsageError for a policy that contradicts itself without flags.

    Example: `minimal_flags(verify(report, now=now), AttestationPolicy(mrenclaves=(mrenclave,)),
    report=report).options`
    """
    base = policy.with_flags()

    def judged(names: Iterable[str]) -> AttestationResult:
        return appraise(proof, base.with_flags(*names), report=report, subject=subject)

    strict = result = judged(())
    chosen: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    while not result.accepted:
        wanted = {name for c in result.failures for name in c.waivable_by} - set(chosen)
        more = closed({*chosen, *wanted}, base)
        if problems := base.with_flags(*more).problems():
            stuck = tuple(p.removesuffix(".") for p in problems)
        elif not wanted:
            stuck = _why(result)
        if stuck:
            return MinimalSet(
                (),
                strict,
                tuple(Need(f.name, False, (), "refused with it and without") for f in FLAGS),
                stuck,
            )
        chosen, result = more, judged(more)
    needs = []
    for flag in _EVERY:
        if flag.name in chosen:
            needs.append(_needed(flag.name, chosen, result))
        elif flag in FLAGS:
            needs.append(_spare(flag.name, chosen, base, judged))
    unmet = "mrenclave" in {c.id for c in result.waivers}
    return MinimalSet(
        chosen,
        result,
        tuple(needs),
        warning=(_OTHER_CODE if base.mrenclaves else _NO_CODE) if unmet else "",
    )


def closed(names: set[str], base: AttestationPolicy) -> tuple[str, ...]:
    """Add the flags that other flags require, unless an identity option of the policy already
    satisfies them.
    """
    given = set(base.arguments())
    while True:
        missing = set()
        for flag in _EVERY:
            instead = flag.needs.split(", or ") if flag.needs and flag.name in names else []
            if instead and not any(way in names or way in given for way in instead):
                missing.add(next(way for way in instead if find(way)))
        if not missing:
            return tuple(f.name for f in _EVERY if f.name in names)
        names = names | missing


def _why(result: AttestationResult) -> tuple[str, ...]:
    """Say what stands in the way whatever the flags."""
    bad = [
        f"{c.id} fails ({neutral(c.got, 120) or c.title}), and no flag waives it here"
        for c in result.failures
    ]
    return tuple(bad) or tuple(
        f"{c.id} could not be made: {neutral(c.reason, 200)}"
        for c in result.checks
        if c.status.value == "not-run" and not c.optional
    )


def _needed(name: str, chosen: tuple[str, ...], result: AttestationResult) -> Need:
    flag = find(name)
    assert flag is not None
    waived = [c for c in result.waivers if flag.option in (c.flag or "").split()]
    if waived:
        return Need(
            name,
            True,
            tuple(c.id for c in waived),
            "; ".join(
                f"{c.id}: {neutral(describe(c), 300).partition('; accepted by ')[0]}"
                for c in waived
            ),
        )
    users = [
        other for other in _EVERY if other.name in chosen and name in other.needs.split(", or ")
    ]
    return Need(
        name,
        True,
        (),
        f"waives nothing, and {_join(u.option for u in users)} is refused without it",
    )


def _spare(name: str, chosen: tuple[str, ...], base: AttestationPolicy, judged: Any) -> Need:
    """Add one flag to the set, and return what the appraisal says of it."""
    flag = BY_NAME[name]
    names = closed({*chosen, name}, base)
    if problems := base.with_flags(*names).problems():
        return Need(name, False, (), f"not allowed here: {problems[0]}")
    heard = [r for r in judged(names).remarks if r.startswith(flag.option + " ")]
    return Need(
        name,
        False,
        (),
        heard[0].partition("not needed: ")[2].removesuffix(".") if heard else "it changes no check",
    )


def _join(words: Iterable[str]) -> str:
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last
