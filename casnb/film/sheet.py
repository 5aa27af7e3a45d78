"""A contact sheet: one picture that shows a film at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from casnb.film.reel import Frame, clock, starts

if TYPE_CHECKING:
    from playwright.sync_api import Page

_MOST = 120
#: Columns, by how many pictures there are at most.
_COLUMNS = {12: 3, 32: 4, _MOST: 6}
_STYLE = """
body { margin: 0; padding: 18px; width: 1884px; background: #fff; color: #1f1f1f;
  font: 15px/1.3 "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 14px; }
ol { display: grid; grid-template-columns: repeat(var(--columns), 1fr); gap: 14px; margin: 0;
  padding: 0; list-style: none; }
img { width: 100%; display: block; outline: 1px solid #767676; }
span { display: block; margin-top: 4px; color: #575757; overflow-wrap: anywhere; }
"""


def picked(frames: Sequence[Frame]) -> list[tuple[float, Frame]]:
    """Return the frames of a sheet, each with its time: the last of each cell, and each click."""
    timed = list(zip(starts(frames), frames, strict=True))
    out = []
    for _, group in groupby(timed, key=lambda row: row[1].cell):
        *before, last = group
        out += [row for row in before if row[1].what.startswith("click")]
        out.append(last)
    step = -(-len(out) // _MOST)
    return out[::step]


def contact_sheet(
    page: Page, title: str, frames: Sequence[Frame], folder: Path, target: Path
) -> None:
    """Draw the sheet of frames that lie in `folder`, and write it as PNG."""
    chosen = picked(frames)
    columns = next(n for most, n in _COLUMNS.items() if len(chosen) <= most)
    rows = "".join(
        f'<li><img src="{escape((folder / frame.file).resolve().as_uri())}" alt="">'
        f"<span>{clock(at)} {escape(frame.cell)}</span></li>"
        for at, frame in chosen
    )
    source = folder / "sheet.html"
    source.write_text(
        f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>'
        f'<h1>{escape(title)}</h1><ol style="--columns:{columns}">{rows}</ol>',
        encoding="utf-8",
    )
    try:
        page.goto(source.resolve().as_uri())
        page.evaluate("() => Promise.all([...document.images].map((one) => one.decode()))")
        page.locator("body").screenshot(path=target, animations="disabled")
    finally:
        source.unlink()
