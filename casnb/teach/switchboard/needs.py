"""What flags need, give away and leave open, as pure functions: the parts of a switchboard that are
folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from casnb.base.view import cell, html_table, scrolling
from casnb.mallory.attacks import ATTACKS, HABITS
from casnb.policy.flags import BY_NAME, FLAGS, NEWER, options

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.policy.smallest import MinimalSet

HABITS_TITLE = "What no switch shows: habits, and flags of newer versions"
_HABITS = (
    "The doors take it that every usual habit is kept. Leave one out here, and let an attack try"
    " that waits for it. <code>casnb attack --matrix --habits</code> runs all of them."
)


def render_gains(names: Sequence[str], result: AttestationResult | None = None) -> str:
    """Return what an attacker gains by each flag that is set, and whether this report needed it."""
    if not names:
        return "<p>No insecure flag is set: nobody gains anything by one.</p>"
    needed = " ".join(c.flag or "" for c in result.waivers) if result is not None else ""
    rows = []
    for name in names:
        flag = BY_NAME[name]
        used = (
            ""
            if result is None
            else (
                " (waives a check here)"
                if flag.option in needed.split()
                else " (waives nothing here)"
            )
        )
        rows.append(
            f"<li><strong><code>{cell(flag.option)}</code>{used}</strong>: {cell(flag.gains, 600)} "
            f"Least harmful: {cell(flag.mildest, 300)}</li>"
        )
    return f"<p>What each flag gives away:</p><ul>{''.join(rows)}</ul>"


# The budget


def budget(names: Sequence[str], fewest: MinimalSet) -> str:
    """Say how many flags are set, how many of them the report needs (its MRENCLAVE given), which
    are missing and which to spare.
    """
    count = f"{len(names)} set"
    if not fewest.enough:
        return (
            f"{count}. No set of flags is enough for this report: " + "; ".join(fewest.stuck) + "."
        )
    missing = options(tuple(n for n in fewest.flags if n not in names)) or "none"
    spare = options(tuple(n for n in names if n not in fewest.flags)) or "none"
    needed = f" ({fewest.options})" if fewest.flags else ""
    return (
        f"{count}; this report needs {len(fewest.flags)}{needed}. Missing: {missing}. To spare:"
        f" {spare}."
    )


def render_budget(names: Sequence[str], fewest: MinimalSet) -> str:
    """Return the flag budget as one line."""
    return f"<p><strong>Flag budget:</strong> {cell(budget(names, fewest), 900)}</p>"


# What needs what, drawn

_TEXT = "fill:var(--c-ink);font-family:inherit;font-size:13px"
_CODE = "fill:var(--c-ink);font-family:var(--c-mono);font-size:13px"
_LINE = "fill:none;stroke:var(--c-ink)"
_WIDE, _HIGH, _STEP = 320, 30, 58


def needs(names: Sequence[str], given: bool) -> list[tuple[str, bool, str, bool]]:
    """Return the chain of needs, the most demanding flag first: its name, whether it is set,
    what it needs, whether that is there.

    The last row is the MRENCLAVE, which needs nothing; `given` says whether there is one.
    """

    def depth(name: str) -> int:
        first = BY_NAME[name].needs.partition(", or ")[0]
        return depth(first) + 1 if first in BY_NAME else 0

    rows = []
    for flag in sorted((f for f in FLAGS if f.needs), key=lambda f: -depth(f.name)):
        ways = flag.needs.split(", or ")
        there = any(way in names or (way == "--mrenclave" and given) for way in ways)
        rows.append(
            (
                flag.option,
                flag.name in names,
                " or ".join(way if way[0] == "-" else f"--{way}" for way in ways),
                there,
            )
        )
    return [*rows, ("--mrenclave", given, "", True)]


def render_needs(names: Sequence[str], given: bool) -> str:
    """Return the chain of needs as inline SVG: a box that is set has a thick frame and says so,
    an unmet need is a dashed arrow.
    """
    rows = needs(names, given)
    told = [
        f"{option} is {_set(option, on)}"
        + (f" and needs {need}: {'there' if there else 'missing'}" if need else "")
        for option, on, need, there in rows
    ]
    height = _STEP * (len(rows) - 1) + _HIGH + 4
    out = [
        '<svg role="img" aria-label="What needs what.'
        f' {cell("; ".join(told), 900)}." viewBox="0 0 560 {height}"'
        ' xmlns="http://www.w3.org/2000/svg"'
        ' style="width:100%;min-width:36em;max-width:40em;height:auto;display:block"><title>What'
        " needs what</title>"
    ]
    for n, (option, on, need, there) in enumerate(rows):
        top, middle = 2 + n * _STEP, _WIDE // 2
        frame = "stroke-width:3" if on else "stroke-width:1"
        out.append(
            f'<rect x="2" y="{top}" width="{_WIDE}" height="{_HIGH}" rx="4"'
            f' style="{_LINE};{frame}"/><text x="12" y="{top + 20}"'
            f' style="{_CODE}">{cell(option)}</text><text x="{_WIDE + 14}" y="{top + 20}"'
            f' style="{_TEXT};font-weight:600">{_set(option, on)}</text>'
        )
        if need:
            foot, missing = top + _STEP - 3, on and not there
            dash = ";stroke-dasharray:4 4" if missing else ""
            words = (
                "needs"
                + (" (missing)" if missing else "")
                + (f": {need}" if " or " in need else "")
            )
            out.append(
                f'<line x1="{middle}" y1="{top + _HIGH}" x2="{middle}" y2="{foot}"'
                f' style="{_LINE}{dash}"/>'
                f'<polyline points="{middle - 5},{foot - 6} {middle},{foot}'
                f' {middle + 5},{foot - 6}" style="{_LINE}"/>'
                f'<text x="{middle + 12}" y="{top + _HIGH + 18}" style="{_TEXT}">'
                f"{cell(words.replace('--only_for_testing-', ''))}</text>"
            )
    return scrolling("What needs what", "".join([*out, "</svg>"]))


def _set(option: str, on: bool) -> str:
    word = "given" if option == "--mrenclave" else "set"
    return word if on else f"not {word}"


# Habits


def render_habits() -> str:
    """Return what no switch shows: whom a usual habit lets in when it is left out, whom
    a precaution keeps out, and whom the flags of newer versions let in.

    Read off the attacks' own descriptions: each names the habit that it waits for, or the
    precaution that stops it.
    """
    rows = []
    for habit in HABITS.values():
        if habit.usual:
            names = [a.name for a in ATTACKS.values() if habit.name not in a.let_in.habits]
            rows.append((f"without {habit.name}", habit.otherwise, "lets in: " + ", ".join(names)))
        elif names := [
            a.name
            for a in ATTACKS.values()
            if habit.name in {*a.stops, *(a.keep_out.habits - a.let_in.habits)}
        ]:
            rows.append((f"with {habit.name}", habit.does, "keeps out: " + ", ".join(names)))
    for flag in NEWER:
        names = [a.name for a in ATTACKS.values() if flag.name in a.let_in.policy.flags()]
        rows.append((f"with {flag.option}", flag.help, "lets in: " + ", ".join(names)))
    table = html_table(("habit or flag", "what one does", "Mallory"), rows, HABITS_TITLE, code=(0,))
    return f"<p>{_HABITS}</p>{scrolling('Habits', table)}"
