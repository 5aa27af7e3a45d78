"""Every set of flags, and what becomes of a report under each; sets of one outcome are one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from casnb.checks.result import Verdict
from casnb.policy.flags import BY_NAME, FLAGS

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.policy.policy import AttestationPolicy


NAMES = tuple(f.name for f in FLAGS)


#: Every set of flags, catalogue order, the small ones first.
COMBINATIONS = tuple(names for size in range(len(NAMES) + 1) for names in combinations(NAMES, size))


MISUSED = "usage-error"


PREFIX = "only_for_testing-"


@dataclass(frozen=True)
class Column:
    """One report to judge: `policy` says which enclave is meant, and the flags are laid over it."""

    name: str
    title: str
    policy: AttestationPolicy
    appraise: Callable[[AttestationPolicy], AttestationResult]


@dataclass(frozen=True)
class Cell:
    """What became of one report under one set of flags; `problem` is there where the set itself
    is wrong.
    """

    verdict: str
    waived: tuple[str, ...] = ()
    problem: str = ""

    @property
    def word(self) -> str:
        """The outcome in few letters, for narrow columns."""
        return {"trustworthy": "yes", "rejected": "no", MISUSED: "--"}.get(
            self.verdict, f"W{len(self.waived)}"
        )

    @property
    def words(self) -> str:
        """The outcome in full."""
        count = f"{len(self.waived)} waiver{'s' if len(self.waived) > 1 else ''}"
        return {"trustworthy": "trustworthy", "rejected": "rejected", MISUSED: "usage error"}.get(
            self.verdict, count
        )


@dataclass(frozen=True)
class Row:
    """Sets of flags with the same outcome everywhere: `always` with any of `either` added or not
    (long names).
    """

    always: tuple[str, ...]
    either: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def problem(self) -> str:
        """Why nothing was judged, where nothing was: the rule that is broken, without its
        reason.
        """
        return (
            self.cells[0].problem.partition(", because")[0].removesuffix(".")
            if all(c.problem for c in self.cells)
            else ""
        )

    @property
    def size(self) -> int:
        """How many sets of flags the row stands for."""
        return 1 << len(self.either)


def label(names: Sequence[str]) -> str:
    """Write a set of flags shortly: letters in one cluster, the testing flags without their
    prefix; `no flag` for none.
    """
    cluster = "".join(BY_NAME[n].short for n in NAMES if n in names and BY_NAME[n].short)
    long = [n.removeprefix(PREFIX) for n in NAMES if n in names and not BY_NAME[n].short]
    return " ".join([*([f"-{cluster}"] if cluster else []), *long]) or "no flag"


def judge(column: Column, names: Sequence[str]) -> Cell:
    policy = column.policy.with_flags(*names)
    if problems := policy.problems():
        return Cell(MISUSED, (), problems[0])
    result = column.appraise(policy)
    return Cell(
        result.verdict.value,
        tuple(c.id for c in result.waivers) if result.verdict is not Verdict.REJECTED else (),
    )


def collapse(cells: dict[tuple[str, ...], tuple[Cell, ...]]) -> Iterator[Row]:
    """Cover the sets of equal outcome with few rows: each time the largest `always` plus any of
    `either` that fits.
    """
    groups: dict[tuple[Cell, ...], set[frozenset[str]]] = {}
    for names, outcome in cells.items():
        groups.setdefault(outcome, set()).add(frozenset(names))
    rows = []
    for outcome, left in groups.items():
        while left:
            always, either = next((a, e) for a, e in _CUBES if _members(a, e) <= left)
            left -= _members(always, either)
            rows.append(Row(always, either, outcome))
    rank = {names: n for n, names in enumerate(COMBINATIONS)}
    yield from sorted(
        rows,
        key=lambda r: (
            bool(r.problem),
            sum(not BY_NAME[n].short for n in r.always),
            rank[r.always],
        ),
    )


def _members(always: Sequence[str], either: Sequence[str]) -> set[frozenset[str]]:
    return {
        frozenset((*always, *more))
        for size in range(len(either) + 1)
        for more in combinations(either, size)
    }


#: Every pair of `always` and `either` without a common flag, the largest first.
_CUBES = sorted(
    ((a, e) for a in COMBINATIONS for e in COMBINATIONS if not set(a) & set(e)),
    key=lambda p: (-len(p[1]), len(p[0])),
)
