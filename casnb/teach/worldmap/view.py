"""The map as HTML and as text: pure functions of how the gates stand.

Two arrangements of one list, of which the width of the container shows one. `rows` has a row for
each gate: what Mallory gains, the wall, the check and its state, who comes or would come, and where
she stands. `walls` puts you between two walls, and under 27em beside one. Text keeps its size and
the rows their height, so nothing jumps when a switch moves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from casnb.base.view import style
from casnb.mallory.gates import GATES, WAYS
from casnb.teach.worldmap.glyphs import glyph
from casnb.teach.worldmap.standing import Standing

#: What the map needs beside the base style.
STYLE = style("worldmap", Path(__file__).parent)
#: The ways on the left wall; the others are on the right one.
_LEFT = ("page", "machine")
#: The persona who stands at a place, in the words of the picture.
_STANDS = {
    "page": "edits it",
    "host": "is root there",
    "cpu": "owns an unpatched CPU",
    "cas": "runs one of her own",
    "owner": "owns this very one",
    "net": "answers for the CAS",
}
#: Place, its title, a note, and the personas who stand there.
_PLACES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("page", "The page", "", ("page",)),
    ("intel", "Intel", "roots, lists, status of a machine", ()),
    ("host", "Host machine", "", ("host",)),
    ("cpu", "CPU", "", ("cpu",)),
    ("enclave", "Enclave: the CAS", "", ("cas", "owner")),
    ("network", "The network", "", ("net",)),
)
#: What a place encloses: its box reaches over their rows too.
_ENCLOSES = {"host": ("host", "cpu", "enclave"), "cpu": ("cpu", "enclave")}


def render_map(
    standing: Sequence[Standing],
    new: Collection[str] = (),
    *,
    compact: bool = False,
    lit: str = "",
) -> str:
    """Return the map; `new` are attacks that got in by the last click, `compact` keeps to the
    walls whatever the width, and `lit` is the gate at which an attack was decided.

    The caller brings `STYLE` along once.
    """
    kind = "compact" if compact else "auto"
    rows = "" if compact else _rows(standing, new, lit)
    walls = _walls(standing, new, lit)
    return f'<figure class="map {kind}" aria-label="World map">{rows}{walls}</figure>'


def render_map_text(standing: Sequence[Standing]) -> str:
    """Return the same as text, folded."""
    return (
        f"<details><summary>The same as text</summary><pre>{escape(map_text(standing))}</pre>"
        "</details>"
    )


def map_text(standing: Sequence[Standing]) -> str:
    """Return the gates as lines of text under the four questions: name, state, who comes through
    and what she gains.
    """
    wide, words = max(len(_name(s)) for s in standing), max(len(s.words) for s in standing)
    out = []
    for way, group in groupby(standing, lambda s: s.gate.way):
        title, question = WAYS[way]
        out.append(f"{title}. {question}")
        for s in group:
            line = f"  {_name(s):<{wide}}  {s.words:<{words}}  "
            line += "; ".join(f"{a.name} gets in: {a.gain}" for a in s.inside)
            if s.state == "no-gate":
                line += "an interposer on the memory bus is seen by no check"
            out.append(line.rstrip())
    return "\n".join(out)


def _name(s: Standing) -> str:
    return f"{s.gate.name} {s.gate.part}".strip()


def _code(s: Standing) -> str:
    """What stands on the gate: typed words in a fixed-width face."""
    name = escape(s.gate.name)
    name = f"<code>{name}</code>" if (s.gate.checks and not s.gate.title) or s.gate.habit else name
    return name + (f" <i>{escape(s.gate.part)}</i>" if s.gate.part else "")


def _marked(s: Standing, new: Collection[str], lit: str) -> str:
    """Attributes of a gate's row: its state, who comes through, whether that is new, and whether an
    attack was decided here.
    """
    fresh = any(a.name in new for a in s.inside)
    worn = " ".join(c for c, on in (("new", fresh), ("lit", s.gate.id == lit)) if on)
    return (
        f'role="listitem" data-gate="{escape(s.gate.id)}" data-s="{s.state}"'
        + (f' data-in="{" ".join(escape(a.name) for a in s.inside)}"' if s.inside else "")
        + (' aria-current="step"' if s.gate.id == lit else "")
        + (f' class="{worn}"' if worn else "")
    )


# Rows


def _rows(standing: Sequence[Standing], new: Collection[str], lit: str) -> str:
    out = ['<ol class="rows" role="list">']
    out += [
        f'<li class="hd" role="presentation" style="grid-column:{column}">{words}</li>'
        for column, words in (
            ("1", "You, and what Mallory gains"),
            ("3/5", "your checks: the gates"),
            ("5", "who comes through, or would"),
            ("6", "where she can stand"),
        )
    ]
    at: dict[str, int] = {}
    body: list[str] = []
    row = 2
    for way, group in groupby(standing, lambda s: s.gate.way):
        body.append(
            f'<li role="presentation"><span class="q" style="grid-row:{row}">'
            f"{escape(WAYS[way][1])}</span>"
            f'<span class="gate sp" style="grid-row:{row}"></span></li>'
        )
        row += 1
        for s in group:
            at[s.gate.id] = row
            body.append(_row(s, row, new, lit))
            row += 1
    out.append(f'<li class="youbox" role="presentation" style="grid-row:2/{row}"></li>')
    out += body
    out += [_box(place, standing, at) for place in _PLACES]
    return "".join([*out, "</ol>"])


def _row(s: Standing, row: int, new: Collection[str], lit: str) -> str:
    gains = "; ".join(dict.fromkeys(a.gain for a in s.inside))
    if s.state == "no-gate":
        gains, who = "nothing tells", _who("bus", "an interposer on the memory bus")
    elif s.inside:
        who = _who("on", ", ".join(a.name for a in s.inside))
    else:
        who = _who("", ", ".join(a.name for a in s.outside)) if s.outside else ""
    cells = (
        ("gain", escape(gains)),
        ("gate", glyph(s.state, bool(s.inside))),
        ("ln", ""),
        ("id", f"<span>{_code(s)}</span>"),
        ("stc", f'<span class="st">{escape(s.words)}</span>'),
        ("who", who),
    )
    inner = "".join(
        f'<span class="{name}" style="grid-row:{row}">{text}</span>' for name, text in cells
    )
    return f"<li {_marked(s, new, lit)}>{inner}</li>"


def _who(kind: str, names: str) -> str:
    told = '<span class="vh"> come through</span>' if kind == "on" else ""
    return f'<span><i class="dia {kind}"></i>{escape(names)}{told}</span>'


def _box(
    place: tuple[str, str, str, tuple[str, ...]], standing: Sequence[Standing], at: dict[str, int]
) -> str:
    name, title, note, personas = place
    within = _ENCLOSES.get(name, (name,))
    rows = [at[g.id] for g in GATES.values() if g.place in within and g.id in at]
    from_here = {a.persona.name for s in standing for a in s.inside}
    told = [f"<b>{escape(title)}</b>"]
    if note:
        told.append(f"<br>{escape(note)}")
    for persona in personas:
        on = " on" if persona in from_here else ""
        told.append(
            f'<br class="br"><span class="pl{on}"><i class="dia{on}"></i>'
            f"{escape(_STANDS[persona])}</span>"
        )
    return (
        f'<li class="box {name}" role="presentation" style="grid-row:{min(rows)}/{max(rows) + 1}">'
        f"{''.join(told)}</li>"
    )


# Walls


def _walls(standing: Sequence[Standing], new: Collection[str], lit: str) -> str:
    left = [s for s in standing if s.gate.way in _LEFT]
    right = [s for s in standing if s.gate.way not in _LEFT]
    return (
        f'<div class="walls">{_wall(left, "l", new, lit)}<div class="you"><span>You</span></div>'
        f"{_wall(right, 'r', new, lit)}</div>"
    )


def _wall(standing: Sequence[Standing], side: str, new: Collection[str], lit: str) -> str:
    out = [f'<ol class="{side}" role="list">']
    for way, group in groupby(standing, lambda s: s.gate.way):
        out.append(f'<li class="hd" role="listitem">{escape(WAYS[way][0])}</li>')
        for s in group:
            mark = glyph(s.state, bool(s.inside), mirrored=side == "l")
            told = f'<span class="cid">{_code(s)} </span>' if s.inside else _code(s)
            state = f'<span class="vh">, {escape(s.words)}</span>'
            who = ""
            if s.inside:
                names = escape(", ".join(a.name for a in s.inside))
                who = f'<b>{names}</b><span class="vh"> come through</span>'
            elif s.state == "no-gate":
                told, state = "memory bus: no gate", '<span class="vh"> can stand there</span>'
            out.append(
                f'<li {_marked(s, new, lit)}>{mark}<span class="t">{told}{state}'
                f"{' ' if who else ''}{who}</span></li>"
            )
    return "".join([*out, "</ol>"])
