"""The steps of a run as a sequence picture: who, to whom, what, in the order in which it happened.

Lifelines are drawn for the parties that take part, you first. It is an ordered list: a reader with
a screen reader hears "Mallory to CAS: ..." line by line, and in a narrow place, where no lifelines
fit, the same list is what is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from casnb.base.errors import neutral
from casnb.base.view import style
from casnb.mallory.steps import Step

#: Every party there is, in the order of the lifelines: name to title and note.
PARTIES: Mapping[str, tuple[str, str]] = {
    "page": ("The page", "over TLS"),
    "you": ("You", "the relying party"),
    "mallory": ("Mallory", ""),
    "cas": ("CAS", "in its enclave"),
    "intel": ("Intel", "lists and roots"),
}
#: What the picture needs beside the base style.
STYLE = style("sequence", Path(__file__).parent)


def lifelines(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the parties that take part, in the order of `PARTIES`; one that has no row there
    comes last.
    """
    there = {who for s in steps for who in (s.who, s.to) if who}
    return (*(p for p in PARTIES if p in there), *sorted(there - PARTIES.keys()))


def html_sequence(steps: Sequence[Step], note: str = "", lit: int = -1) -> str:
    """Return the picture; `note` says where Mallory stands, `lit` is the number of the step (from
    0) that decided.
    """
    lines = lifelines(steps)
    heads = "".join(
        f'<li class="party {escape(p)}" style="--at:{n}"><b>{escape(_title(p))}</b>'
        f"<span>{escape(note if p == 'mallory' else PARTIES.get(p, ('', ''))[1])}</span></li>"
        for n, p in enumerate(lines)
    )
    rows = "".join(_row(n, step, lines, n == lit) for n, step in enumerate(steps))
    rails = "".join(f'<i class="rail" style="--at:{n}"></i>' for n in range(len(lines)))
    return (
        f'<div class="sequence" style="--n:{len(lines)}"><ul class="parties">{heads}</ul>'
        f'<div class="rails" aria-hidden="true">{rails}</div><ol class="steps">{rows}</ol></div>'
    )


def _title(party: str) -> str:
    return PARTIES.get(party, (neutral(party, 40), ""))[0]


def _row(number: int, step: Step, lines: Sequence[str], lit: bool) -> str:
    """One step: an arrow with its words above, a note on a lifeline, or both for a verdict."""
    said, found = step.did, ""
    if step.kind == "verdict" and ": " in step.did:
        said, _, found = step.did.partition(": ")
    who = lines.index(step.who)
    mark = " lit" if lit else ""
    kind = mark + (" hers" if "mallory" in (step.who, step.to) else "")
    if not step.to:
        place = f"--at:{who}"
        told = f"{_title(step.who)}: "
        return _item(f"note{kind}", place, told, number, said)
    to = lines.index(step.to)
    start, end = (to, who) if step.kind == "answer" else (who, to)
    way = "right" if end > start else "left"
    place = f"--from:{min(start, end)};--span:{abs(end - start)}"
    told = f"{_title(lines[start])} to {_title(lines[end])}: "
    if step.kind == "answer":
        told = f"{_title(step.who)}, from {_title(step.to)}: "
    out = _item(f"message {way}{kind}", place, told, number, said)
    if found:
        state = "waived" if "waived:" in found else found.partition(":")[0].partition(",")[0]
        state = state if state in ("waived", "rejected", "trustworthy") else "stopped"
        out += (
            f'<li class="note verdict-{state}{mark}" style="--at:{who}" value="{number + 1}">'
            f'<span class="vh">{escape(_title(step.who))}: </span>{_flags(found)}</li>'
        )
    return out


def _item(kind: str, place: str, told: str, number: int, said: str) -> str:
    return (
        f'<li class="{kind}" style="{place}" value="{number + 1}"><span class="number"'
        f' aria-hidden="true">{number + 1}</span><span class="told">{escape(told)}</span>'
        f"{_flags(said)}</li>"
    )


def _flags(words: str) -> str:
    """Escape words, and keep a long option from breaking at its hyphens."""
    return re.sub(r"--[\w-]+", r'<span class="flag">\g<0></span>', escape(neutral(words, 600)))
