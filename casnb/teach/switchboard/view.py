"""What the card of a switchboard shows, and its saved form, as pure functions of values."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casnb.base.errors import neutral
from casnb.base.snapshot import Snapshot
from casnb.base.view import cell, html_verdict, style
from casnb.checks.view import html_result, html_sentence, text_telling
from casnb.mallory.attacks import ATTACKS, REFUSALS
from casnb.policy.flags import BY_NAME
from casnb.teach.switchboard.needs import budget, render_budget
from casnb.teach.worldmap.changes import Change, let_in, tally
from casnb.teach.worldmap.standing import Standing
from casnb.teach.worldmap.view import STYLE as MAP_STYLE
from casnb.teach.worldmap.view import map_text, render_map

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.mallory.attacks import Outcome
    from casnb.policy.smallest import MinimalSet

#: What a switchboard needs beside the base style.
STYLE = MAP_STYLE + style("switchboard", Path(__file__).parent)
HERS = "She plays against your flags and MRENCLAVE on machines of her own, whatever CAS you judge."
_MARKS = {"opened": "\N{BLACK UP-POINTING TRIANGLE}", "closed": "\N{BLACK DOWN-POINTING TRIANGLE}"}


def render_verdict(name: str, words: str, problems: Sequence[str] = ()) -> str:
    """Return the verdict, with the problem sentences as the command prints them."""
    if not problems:
        return html_sentence(name, words)
    lines = "".join(f"<br><code>Error: {cell(p, 400)}</code>" for p in problems)
    return html_verdict(name, cell(words, 700) + lines)


def render_checks(result: AttestationResult | None) -> str:
    """Return the checks of a result, with its remarks."""
    if result is None:
        return "<p>No check was made.</p>"
    return html_result(result.checks, "", result.remarks)


def render_command(line: str) -> str:
    """Return the command line that stands for the switches; it breaks between words only, as
    long as one fits the window.
    """
    words = " ".join(
        f'<span class="word">{html.escape(word)}</span>' if len(word) > 8 else html.escape(word)
        for word in line.split(" ")
    )
    return (
        '<pre class="command"><span class="vh">The same in a terminal: </span>'
        f"<code>{words}</code></pre>"
    )


def render_tally(
    foreseen: Mapping[str, str],
    strict: Mapping[str, str],
    change: Change | None = None,
    *,
    accepted: bool = True,
) -> str:
    """Return how many doors are open and why, and what the last click did.

    Where this report is refused and a door is open all the same, the line says why that is not
    a fault: her report is another one.
    """
    doors, why = tally(foreseen, strict)
    point = ". " if why.startswith("so ") or not let_in(foreseen) else ", "
    if why.startswith("so "):
        point = ", "
    hers = " This report is refused; hers is not." if let_in(foreseen) and not accepted else ""
    out = [f'<p class="tally"><b>Mallory: {cell(doors)}</b>{point}{cell(why)}{hers}</p>']
    for how, words in change.sentences if change else (("none", ""),):
        mark = f'<span aria-hidden="true">{_MARKS[how]}</span> ' if how in _MARKS else ""
        out.append(f'<p class="change {how}">{mark}{cell(words, 400)}</p>')
    return "".join(out)


def why_open(name: str, strict: Mapping[str, str]) -> str:
    """Say by what an attack gets in, and where no flag is to blame, what would keep it out."""
    if strict.get(name):
        return "Opened by a flag."
    return f"Open without any flag. What keeps her out: {ATTACKS[name].defend}"


def stops(by: str) -> str:
    """Say what stopped an attack: a check by its id, anything else with what it is."""
    return (
        by
        if by not in REFUSALS
        else {"tls-chain": "TLS", "own-judgement": "not obeying it"}.get(by, by)
    )


def doors_of(
    foreseen: Mapping[str, str], strict: Mapping[str, str]
) -> dict[str, dict[str, object]]:
    """Return for each attack whether its door is open, and why: what the page's list needs."""
    return {
        name: {
            "open": not by,
            "why": why_open(name, strict) if not by else f"Stopped by {stops(by)}.",
        }
        for name, by in foreseen.items()
    }


# The saved form


def render_flags(names: Sequence[str]) -> str:
    """Return the switches without controls: which are set, and what each lets in."""
    rows = []
    for flag in BY_NAME.values():
        on = flag.name in names
        mark = "\N{WHITE SQUARE CONTAINING BLACK SMALL SQUARE} set" if on else "\N{WHITE SQUARE}"
        rows.append(
            f'<li class="{"on" if on else ""}"><span class="mark">{mark}</span>'
            f'<code>{cell(flag.option)}</code> <span class="small">lets in {cell(flag.who)}</span>'
            "</li>"
        )
    return f'<ul class="flags">{"".join(rows)}</ul>'


def render_snapshot(
    head: str,
    command: str,
    verdict: tuple[str, str, Sequence[str]],
    result: AttestationResult | None,
    names: Sequence[str],
    standing: Sequence[Standing],
    fewest: MinimalSet | None,
    foreseen: Mapping[str, str],
    strict: Mapping[str, str],
    outcome: Outcome | None,
) -> Snapshot:
    """Return all of it as text and static HTML; `verdict` is name, sentence and problems."""
    name, words, problems = verdict
    doors, why = tally(foreseen, strict)
    said = f"Mallory: {doors}, {why}"
    text = [head, f"$ {command}", "", words, *(f"Error: {p}" for p in problems)]
    left = [render_verdict(name, words, problems), render_flags(names)]
    if fewest is not None:
        text += ["", f"Flag budget: {budget(names, fewest)}"]
        left.append(render_budget(names, fewest))
    accepted = result is None or result.accepted
    right = [
        render_tally(foreseen, strict, accepted=accepted),
        render_map(standing, compact=True),
        render_command(command),
    ]
    if result is not None:
        text += ["", text_telling(result.checks, result.remarks)]
    text += ["", said, *_stories(let_in(foreseen), strict), "", map_text(standing)]
    body = [
        STYLE,
        f"<p>{cell(head, 400)}</p>",
        f'<div class="board"><div class="columns"><div>{"".join(left)}</div>'
        f'<div class="card">{"".join(right)}</div></div></div>',
        render_checks(result),
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
