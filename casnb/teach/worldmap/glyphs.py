"""The mark of one gate as a small SVG of fixed size in em: told apart by shape, not by colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

#: Width and height of a mark in its own units; the wall runs down the middle.
WIDE, HIGH = 44, 30
_MIDDLE = WIDE // 2


@lru_cache(maxsize=64)
def glyph(state: str, arrow: bool, mirrored: bool = False) -> str:
    """Return the mark of a state (a key of `standing.WORDS`), with Mallory's arrow where somebody
    comes through.

    You are on the left of the wall and she comes from the right; `mirrored` is the other way round.
    The opening is cut out in the colour of the paper, so a mark must stand on plain paper.
    """

    def x(at: float) -> float:
        return WIDE - at if mirrored else at

    parts: list[str] = []
    if state in ("passed", "failed", "closed", "kept"):
        if state == "failed":
            parts += [_line("bar", x(_MIDDLE - 3), 0, x(_MIDDLE - 3), HIGH)]
            parts += [_line("bar", x(_MIDDLE + 3), 0, x(_MIDDLE + 3), HIGH)]
        else:
            parts.append(_line("bar", x(_MIDDLE), 0, x(_MIDDLE), HIGH))
        parts.append(_line("strand", x(_MIDDLE + 8), 15, x(WIDE), 15))
        parts.append(f'<circle class="disc" cx="{x(_MIDDLE)}" cy="15" r="7.5"/>')
        parts.append(_sign(state))
    else:
        parts.append(_line("cut", x(_MIDDLE), 3, x(_MIDDLE), 27))
        if state in ("not-asked", "nothing", "no-gate"):
            parts.append(_line("gap", x(_MIDDLE), 4, x(_MIDDLE), 27))
        else:
            parts += [_line("jamb", x(_MIDDLE - 5), y, x(_MIDDLE + 5), y) for y in (3, 27)]
            end = (6, 5) if state == "skipped" else (5, 8)
            kind = "leaf off" if state == "skipped" else "leaf"
            start = (_MIDDLE - 3, 4) if state == "skipped" else (_MIDDLE, 3)
            parts.append(_line(kind, x(start[0]), start[1], x(end[0]), end[1]))
        if state == "no-gate":
            parts.append(_arrow(x, "m bus"))
        elif arrow:
            parts.append(_arrow(x, "m"))
        else:
            parts.append(_line("strand" if state == "closed" else "gap", x(27), 15, x(WIDE), 15))
    return (
        f'<svg class="g" data-s="{state}" viewBox="0 0 {WIDE} {HIGH}" aria-hidden="true"'
        f' focusable="false">{"".join(parts)}</svg>'
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="{kind}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def _arrow(x: Callable[[float], float], kind: str) -> str:
    head = f"M{x(0):g} 15L{x(11):g} 9.5L{x(11):g} 20.5Z"
    return (
        f'<path class="{kind}" d="M{x(WIDE):g} 15L{x(8):g} 15"/>'
        f'<path class="{kind.replace("m", "mh", 1)}" d="{head}"/>'
    )


def _sign(state: str) -> str:
    at = _MIDDLE
    path = {
        "passed": f"M{at - 3.6} 15.2L{at - 1} 18L{at + 4} 12",
        "failed": f"M{at - 3} 12L{at + 3} 18M{at + 3} 12L{at - 3} 18",
    }.get(state, f"M{at - 0.2} 15L{at + 0.2} 15")
    return f'<path class="sign" d="{path}"/>'
