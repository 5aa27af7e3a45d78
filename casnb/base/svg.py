"""The few shapes that our pictures are made of: inline SVG in the theme's colours.

Every word is neutralised and escaped here. Nothing is told by colour alone: what differs, differs
by its words, its frame or its dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from casnb.base.errors import neutral

INK, PAPER = "var(--jp-ui-font-color1,#1a1a1a)", "var(--jp-layout-color1,#fff)"
_FONT = {False: "var(--jp-ui-font-family,sans-serif)", True: "var(--jp-code-font-family,monospace)"}

#: Units of a picture that are one em where it is as wide as it gets.
_EM = 14

Point = tuple[float, float]


class Span(NamedTuple):
    """Words within a text: at an `x` of their own (None: after what came before), bold or in the
    font of code.
    """

    words: str
    x: float | None = None
    bold: bool = False
    mono: bool = False


def drawing(
    width: float,
    height: float,
    title: str,
    body: Iterable[str],
    *,
    told: str = "",
    label: str = "",
    least: str = "46em",
    most: str = "",
) -> str:
    """Return a picture with its title, and `told` as the same in words; it scales between two
    widths. `label` is what a screen reader says first, the title if left out; `most` left out, the
    picture grows until its words are as large as the text beside it.
    """
    most = most or f"{max(56.0, width / _EM):.4g}em"
    name, said = escape(title), escape(told)
    return (
        f'<svg role="img" aria-label="{escape(label or title)}" viewBox="0 0 {width:g} {height:g}"'
        ' xmlns="http://www.w3.org/2000/svg"'
        f' style="width:100%;min-width:{least};max-width:{most};height:auto;display:block">'
        f"<title>{name}</title><desc>{said}</desc>{''.join(body)}</svg>"
    )


def text(
    x: float,
    y: float,
    words: str | Sequence[Span],
    *,
    size: int = 13,
    anchor: str = "start",
    bold: bool = False,
    italic: bool = False,
    mono: bool = False,
    data: str = "",
) -> str:
    """Return words at a point: the left end of their line, or its `middle` or `end`. `data` are
    attributes for scripts and tests, already escaped.
    """
    style = f"fill:{INK};font-family:{_FONT[mono]};font-size:{size}px"
    style += ";font-weight:600" if bold else ""
    style += ";font-style:italic" if italic else ""
    at = f'x="{x:g}" y="{y:g}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    inner = _clean(words) if isinstance(words, str) else "".join(map(_span, words))
    return f'<text {at}{" " + data if data else ""} style="{style}">{inner}</text>'


def _span(span: Span) -> str:
    style = "font-weight:700;" if span.bold else ""
    style += f"font-family:{_FONT[True]};" if span.mono else ""
    at = f' x="{span.x:g}"' if span.x is not None else ""
    return f"<tspan{at}" + (f' style="{style}"' if style else "") + f">{_clean(span.words)}</tspan>"


def _clean(words: str) -> str:
    return escape(neutral(words, 400))


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    stroke: float = 1.5,
    dash: str = "",
    colour: str = INK,
) -> str:
    """Return a frame with paper inside; a `colour` repeats what a word or a dash says."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"'
        f' style="fill:{PAPER};{_stroke(stroke, dash, colour)}"/>'
    )


def path(*points: Point, stroke: float = 1.5, dash: str = "") -> str:
    """Return a line through points."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{joined}" style="fill:none;{_stroke(stroke, dash)}"/>'


def head(at: Point, *, down: bool = False, size: float = 9, stroke: float = 1.5) -> str:
    """Return the head of an arrow whose point is `at`: to the right, or downwards."""
    x, y = at
    half = size * 5 / 9
    if down:
        return path((x - half, y - size), at, (x + half, y - size), stroke=stroke)
    return path((x - size, y - half), at, (x - size, y + half), stroke=stroke)


def _stroke(width: float, dash: str, colour: str = INK) -> str:
    return f"stroke:{colour};stroke-width:{width:g}" + (f";stroke-dasharray:{dash}" if dash else "")
