"""What a switchboard shows, as pure functions of values: verdict, flags and what they need,
budget, checks, Mallory, snapshot.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from casnb.base.errors import neutral
from casnb.base.snapshot import Snapshot
from casnb.base.view import cell, html_table, html_verdict, scrolling
from casnb.checks.view import html_result, text_result
from casnb.mallory.attacks import ATTACKS, HABITS, REFUSALS, Attack
from casnb.policy.flags import BY_NAME, FLAGS, NEWER, options

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.mallory.attacks import Outcome
    from casnb.policy.smallest import MinimalSet

_HERS = (
    "She plays against your flags and MRENCLAVE on machines of her own, whatever the scenario is."
)
_HABITS = (
    "The lamps take it that every usual habit is kept. Leave one out below, and let an attack try"
    " that waits for it. <code>casnb attack --matrix --habits</code> runs all of them."
)
_IN, _OUT = "\N{BLACK CIRCLE}", "\N{WHITE CIRCLE}"


def render_verdict(name: str, words: str, problems: Sequence[str] = ()) -> str:
    """Return the verdict line, announced to screen readers, with the problem sentences as the
    command prints them.
    """
    lines = "".join(f"<br><code>Error: {cell(p, 400)}</code>" for p in problems)
    return html_verdict(name, cell(words, 700) + lines)


def render_checks(result: AttestationResult | None) -> str:
    """Return the check table of a result, with its remarks; checks that nobody asked for are
    folded.
    """
    if result is None:
        return "<p>No check was made.</p>"
    asked = [c for c in result.checks if not c.optional]
    rest = [c for c in result.checks if c.optional]
    folded = (
        f"<details><summary>Not asked for: {len(rest)}"
        f" checks</summary>{html_result(rest)}</details>"
        if rest
        else ""
    )
    return scrolling("Checks", html_result(asked, "", result.remarks) + folded)


def render_command(line: str) -> str:
    """Return the command line that stands for the switches; it breaks between words only, as
    long as one fits the window.
    """

    def kept(word: str) -> str:
        text = html.escape(word)
        return (
            f'<span style="display:inline-block;max-width:100%">{text}</span>'
            if len(word) > 8
            else text
        )

    words = " ".join(kept(word) for word in line.split(" "))
    return (
        '<p>The same in a terminal:</p><pre class="command"'
        ' style="white-space:pre-wrap;overflow-wrap:anywhere"><code'
        f' style="overflow-wrap:anywhere">{words}</code></pre>'
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

_INK = "fill:var(--jp-ui-font-color1,#1a1a1a)"
_TEXT = f"{_INK};font-family:var(--jp-ui-font-family,sans-serif);font-size:13px"
_CODE = f"{_INK};font-family:var(--jp-code-font-family,monospace);font-size:13px"
_LINE = "fill:none;stroke:var(--jp-ui-font-color1,#1a1a1a)"
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
        f'<svg role="img" aria-label="What needs what. {cell("; ".join(told), 900)}." viewBox="0 0'
        f' 560 {height}" xmlns="http://www.w3.org/2000/svg"'
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
    # No tab stop of its own: the picture is made again with each switch, and would take the focus
    # along.
    return (
        '<div role="group" aria-label="What needs what"'
        f' style="overflow-x:auto">{"".join([*out, "</svg>"])}</div>'
    )


def _set(option: str, on: bool) -> str:
    word = "given" if option == "--mrenclave" else "set"
    return word if on else f"not {word}"


# Mallory


def let_in(foreseen: Mapping[str, str]) -> tuple[str, ...]:
    """The attacks that get in."""
    return tuple(name for name, by in foreseen.items() if not by)


def tally(foreseen: Mapping[str, str], strict: Mapping[str, str]) -> str:
    """Say in one sentence how many attacks get in, and how many of them because of the flags;
    `strict` is the same without any.
    """
    if not foreseen:
        return "Nothing was sent, so there is nothing to attack."
    inside = let_in(foreseen)
    by_flags = [n for n in inside if strict.get(n)]
    return (
        f"{len(inside)} of {len(foreseen)} attacks get in: {len(by_flags)} because of the flags,"
        f" {len(inside) - len(by_flags)} without any."
    )


def stops(by: str) -> str:
    """Say what stopped an attack: a check by its id, anything else with what it is."""
    return (
        by
        if by not in REFUSALS
        else {"tls-chain": "TLS", "own-judgement": "not obeying it"}.get(by, by)
    )


def render_lamps(foreseen: Mapping[str, str], strict: Mapping[str, str]) -> str:
    """Return a lamp for each attack: lit where it gets in, else with what stops it."""
    lamps = []
    for name, by in foreseen.items():
        style = (
            "border:3px solid currentColor;font-weight:600"
            if not by
            else "border:1px dotted currentColor"
        )
        words = "gets in" if not by else f"stopped: {cell(stops(by))}"
        lamps.append(
            f'<li data-attack="{html.escape(name)}" data-lit="{"no" if by else "yes"}"'
            ' style="display:inline-block;padding:.1em'
            f' .5em;margin:.15em;border-radius:3px;{style}"><span'
            f' aria-hidden="true">{_OUT if by else _IN}</span> {cell(name)}: {words}</li>'
        )
    shown = (
        f'<ul style="list-style:none;padding:0;margin:.3em 0">{"".join(lamps)}</ul>'
        if lamps
        else ""
    )
    return f"<p><strong>Mallory.</strong> {cell(tally(foreseen, strict), 300)} {_HERS}</p>{shown}"


def render_ability(attack: Attack, by_flags: bool) -> str:
    """Return what stands beside the button of an attack that gets in."""
    why = (
        "Opened by a flag."
        if by_flags
        else f"Open without any flag; what keeps her out: {attack.defend}"
    )
    return f"{cell(attack.persona.title)}: {cell(attack.title)}. {cell(why, 400)}"


def render_habits() -> str:
    """Return, folded, what no switch shows: whom a usual habit lets in when it is left out, whom
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
    table = html_table(("habit or flag", "what one does", "Mallory"), rows, code=(0,))
    head = "What no switch shows: habits, and flags of newer versions"
    return (
        f"<details><summary>{head}</summary><p>{_HABITS}</p>{scrolling('Habits', table)}</details>"
    )


# The snapshot


def render_snapshot(
    head: str,
    command: str,
    verdict: tuple[str, str, Sequence[str]],
    result: AttestationResult | None,
    names: Sequence[str],
    given: bool,
    fewest: MinimalSet | None,
    foreseen: Mapping[str, str],
    strict: Mapping[str, str],
    outcome: Outcome | None,
) -> Snapshot:
    """Return all of it as text and static HTML; `verdict` is name, sentence and problems."""
    name, words, problems = verdict
    text = [head, f"$ {command}", "", words, *(f"Error: {p}" for p in problems)]
    body = [
        f"<p>{cell(head, 400)}</p>",
        render_command(command),
        render_verdict(name, words, problems),
        render_needs(names, given),
    ]
    if fewest is not None:
        text += ["", f"Flag budget: {budget(names, fewest)}"]
        body.append(render_budget(names, fewest))
    if result is not None:
        text += ["", text_result(result.checks, "", result.remarks)]
    body.append(render_checks(result))
    text += ["", f"Mallory: {tally(foreseen, strict)}", *_stories(let_in(foreseen), strict)]
    body += [
        render_lamps(foreseen, strict),
        *(
            f"<p><code>{cell(n)}</code> {render_ability(ATTACKS[n], bool(strict.get(n)))}</p>"
            for n in let_in(foreseen)
        ),
    ]
    if outcome is not None:
        text += ["", str(outcome)]
        body.append(outcome._html())
    return Snapshot("\n".join(neutral_lines(text)), "".join(body))


def _stories(inside: Iterable[str], strict: Mapping[str, str]) -> list[str]:
    return [
        f"  {name}: {ATTACKS[name].title}{'' if strict.get(name) else ' (without any flag)'}"
        for name in inside
    ]


def neutral_lines(lines: Iterable[str]) -> list[str]:
    """Take control characters out of each line, and leave the line breaks."""
    return [neutral(line, 1200) for text in lines for line in text.split("\n")]
