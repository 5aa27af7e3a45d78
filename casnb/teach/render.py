"""Richer views, all pure: a ladder of flags, and the way from web page to public value as a
picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from casnb.base.errors import UsageError
from casnb.base.svg import box, drawing, head, path, text
from casnb.base.view import Shown, html_table, scrolling, text_table
from casnb.checks.result import AttestationResult, CheckStatus
from casnb.policy.flags import BY_NAME, options
from casnb.policy.policy import AttestationPolicy


class Table(Shown):
    """A small table that a lesson fills: header cells and rows of anything, escaped when shown."""

    def __init__(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        self.header, self.rows = tuple(header), [tuple(r) for r in rows]

    def __str__(self) -> str:
        return text_table(self.header, self.rows)

    __repr__ = __str__

    def _html(self) -> str:
        table = html_table(self.header, self.rows)
        return scrolling(", ".join(self.header), table) if len(self.header) > 3 else table


@dataclass(frozen=True)
class Step:
    """One rung of a ladder: the flags so far (long names), and the result, or why the
    combination is not a legal one.
    """

    flags: tuple[str, ...]
    result: AttestationResult | None
    problem: str = ""

    @property
    def line(self) -> str:
        return options(self.flags) or "no flag"

    @property
    def verdict(self) -> str:
        return self.result.verdict.value if self.result is not None else "usage error"

    def ids(self, status: CheckStatus) -> tuple[str, ...]:
        return (
            tuple(c.id for c in self.result.checks if c.status is status)
            if self.result is not None
            else ()
        )


class Ladder(Shown):
    """Which checks each further flag turned from failed to waived, and what was left."""

    HEADER = ("flags", "failed before, waived now", "still failed", "verdict")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        before: tuple[str, ...] = ()
        for step in self.steps:
            waived = step.ids(CheckStatus.WAIVED)
            new = [i for i in waived if i not in before]
            left = step.problem or ", ".join(step.ids(CheckStatus.FAILED)) or "nothing"
            rows.append((step.line, ", ".join(new) or "nothing", left, step.verdict))
            before = waived if step.result is not None else before
        return rows

    def __str__(self) -> str:
        return text_table(self.HEADER, self._rows())

    def _html(self) -> str:
        return html_table(self.HEADER, self._rows(), "One flag at a time", code=(0,))


def ladder(
    appraise: Callable[[AttestationPolicy], AttestationResult],
    policy: AttestationPolicy,
    flags: Sequence[str],
) -> Ladder:
    """Appraise with no flag, then with one more of `flags` each time (long names or options),
    and return the steps.

    `policy` brings the identity options. A combination that breaks a rule becomes a step with
    its problem.
    """
    names = [policy.with_flags(f).flags()[0] for f in flags]
    steps = []
    for n in range(len(names) + 1):
        chosen = policy.with_flags(*names[:n])
        problems = chosen.problems()
        so_far = tuple(f for f in BY_NAME if f in names[:n])
        steps.append(
            Step(so_far, None, problems[0]) if problems else Step(so_far, appraise(chosen))
        )
    return Ladder(steps)


@dataclass(frozen=True)
class Stage:
    """A box of the picture: where it stands (left, top, in user units), its two lines, and what
    the arrow from it carries.
    """

    name: str
    x: int
    y: int
    title: str
    line: str


_W, _H = 190, 62
#: The way, in the order in which notebooks 01 to 04 walk it.
STAGES: tuple[Stage, ...] = (
    Stage("page", 10, 16, "public CAS page", "over TLS: MRENCLAVE"),
    Stage("report", 10, 136, "CAS", "/v1/attest: report"),
    Stage("appraisal", 330, 76, "appraisal", "checks, then flags"),
    Stage("certificate", 650, 16, "attested certificate", "pinned, exported"),
    Stage("value", 650, 136, "public value", "example_value"),
)
_ARROWS = (
    ("page", "appraisal", "expected"),
    ("report", "appraisal", "evidence"),
    ("appraisal", "certificate", "if accepted"),
    ("certificate", "value", "TLS, verified by it"),
)


class Way(Shown):
    """The way from web page to public value; `here` marks one stage, by words and a thicker
    frame.
    """

    def __init__(self, here: str = "") -> None:
        names = [s.name for s in STAGES]
        if here and here not in names:
            raise UsageError("stage", got=here, wanted="one of " + ", ".join(names))
        self.here = here

    @property
    def description(self) -> str:
        """The picture in one sentence, for those who do not see it."""
        where = next((f" You are at: {s.title}." for s in STAGES if s.name == self.here), "")
        return (
            "The public CAS page gives the expected MRENCLAVE; the CAS gives a report; both go into"
            " the appraisal; only if it accepts, the certificate is pinned and exported; over TLS"
            " verified by that certificate the public value is read." + where
        )

    def __str__(self) -> str:
        mark = {s.name: f"[{s.title}]" if s.name == self.here else s.title for s in STAGES}
        return (
            f"{mark['page']} --MRENCLAVE--\\\n{' ' * (len(mark['page']) + 14)}>--"
            f" {mark['appraisal']} --only if accepted--> {mark['certificate']} --TLS-->"
            f" {mark['value']}\n{mark['report']} --report--/"
        )

    __repr__ = __str__

    def _html(self) -> str:
        return scrolling("The way of the data", svg_way(self.here, self.description))


def svg_way(here: str, description: str) -> str:
    """Return the picture as inline SVG with title and description; colours follow the notebook's
    theme.
    """
    by = {s.name: s for s in STAGES}
    out: list[str] = []
    for a, b, label in _ARROWS:
        out += _arrow(by[a], by[b], label)
    for s in STAGES:
        current, middle = s.name == here, s.x + _W // 2
        out += [
            box(s.x, s.y, _W, _H, stroke=4 if current else 1.5),
            text(middle, s.y + 26, s.title, size=15, anchor="middle", bold=True),
            text(middle, s.y + 46, s.line, anchor="middle"),
        ]
        if current:
            out.append(text(middle, s.y + _H + 17, "you are here", anchor="middle", italic=True))
    title = "From web page to public value"
    return drawing(890, 222, title, out, told=description, label=description)


def _arrow(a: Stage, b: Stage, label: str) -> list[str]:
    """A line with a head: to the right between columns, downwards inside one."""
    if a.x == b.x:
        start, end = (a.x + _W // 2, a.y + _H), (b.x + _W // 2, b.y)
        return [
            path(start, end),
            head(end, down=True),
            text(start[0] + 8, (start[1] + end[1]) // 2 + 4, label, size=12),
        ]
    middle = b.x - 30
    into = b.y + _H // 2 + (-12 if a.y < b.y else 12 if a.y > b.y and a.x < 100 else 0)
    start = (a.x + _W, a.y + _H // 2)
    return [
        path(start, (middle, start[1]), (middle, into), (b.x, into)),
        head((b.x, into)),
        text((start[0] + middle) // 2, start[1] - 8, label, size=12, anchor="middle"),
    ]
