"""What each cell of a notebook is to an audience: an idea, something shown, or what a reader does
alone and a projector, a slide and a film leave out; and how large an audience needs its type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: Parts that are for a reader alone, by the tag that says so.
ALONE = frozenset({"setup", "exercise", "answer", "check", "question"})
#: Sizes in JupyterLab's names, in pixels of a picture of 1080 lines: the smallest words of a panel,
#: at 0.87 of the text's size, are read from the last row at 24. Pictures follow the text.
SIZES: Mapping[str, int] = {"code-font-size": 26, "content-font-size1": 28, "ui-font-size1": 20}
_HEADING = re.compile(r"#{1,3} ")
_DOTS = re.compile(r"^\w+ = \.\.\.$", re.MULTILINE)

Cell = Mapping[str, Any]


def source_of(cell: Cell) -> str:
    """Return a cell's text; the file format has it whole or in lines."""
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def parts(cells: Sequence[Cell]) -> list[str]:
    """Return for each cell a tag of `ALONE`, or `idea` for prose and `shown` for code that an
    audience sees.

    An exercise goes from its text to its check: the cells between are its own. A cell with three
    dots in place of a value waits for a reader, as an answer does, and so does the prose that
    asks for it.
    """
    out, inside = [], False
    for cell in cells:
        tags = ALONE.intersection(cell.get("metadata", {}).get("tags", ()))
        inside = inside or "exercise" in tags
        if tags or inside:
            out.append(min(tags, default="exercise"))
        elif cell.get("cell_type") == "code":
            out.append("answer" if _DOTS.search(source_of(cell)) else "shown")
            if out[-1] == "answer" and out[-2:-1] == ["idea"]:
                out[-2] = "answer"
        else:
            out.append("idea")
        if "check" in tags:
            inside = False
    return out


def slide_types(cells: Sequence[Cell]) -> list[str]:
    """Return for each cell its type in `slideshow.slide_type`: a heading begins a row of slides,
    each further idea and each thing shown is the next slide below it, and what a reader does
    alone is skipped. No cell shares a slide with another.
    """
    return [
        "skip"
        if part in ALONE
        else "slide"
        if part == "idea" and _HEADING.match(source_of(cell))
        else "subslide"
        for cell, part in zip(cells, parts(cells), strict=True)
    ]
