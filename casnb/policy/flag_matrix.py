"""The matrix: every combination of the six insecure flags against several reports, computed;
rows that say the same are one row.
"""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from casnb.base.errors import neutral
from casnb.base.svg import box, drawing, path, text
from casnb.base.view import Shown, cell, page, scrolling
from casnb.policy.flag_sets import (
    COMBINATIONS,
    NAMES,
    PREFIX,
    Cell,
    Column,
    Row,
    collapse,
    judge,
    label,
)

_LEGEND = (
    "yes = trustworthy; W3 = accepted with 3 waivers; no = rejected; usage error = refused before"
    " anything is sent. Rows that agree are one: adding what is named so changes nothing. Long"
    f" flags are short for --{PREFIX}..."
)


class Matrix(Shown):
    """Outcomes of every set of flags in each column: `outcome(flags)` the full table, `rows`
    the same with equal rows as one.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._cells = {
            names: tuple(judge(c, names) for c in self.columns) for names in COMBINATIONS
        }
        self.rows = tuple(collapse(self._cells))

    def outcome(self, names: Iterable[str], column: str) -> Cell:
        """Return the cell of a set of flags (long names, any order) in a column."""
        wanted = set(names)
        place = [c.name for c in self.columns].index(column)
        return self._cells[tuple(n for n in NAMES if n in wanted)][place]

    def to_json(self) -> dict[str, Any]:
        """Return all rows as plain data."""
        return {
            "columns": [
                {"name": neutral(c.name, 60), "title": neutral(c.title, 200)} for c in self.columns
            ],
            "rows": [
                {
                    "flags": list(names),
                    "problem": cells[0].problem if all(c.problem for c in cells) else "",
                    "cells": [
                        {
                            "column": neutral(column.name, 60),
                            "verdict": c.verdict,
                            "waived": list(c.waived),
                        }
                        for column, c in zip(self.columns, cells, strict=True)
                    ],
                }
                for names, cells in self._cells.items()
            ],
        }

    def to_csv(self) -> str:
        """Return all rows as CSV: the flags, then one verdict a column."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["flags", *(neutral(c.name, 60) for c in self.columns)])
        writer.writerows(
            [label(names), *(c.words for c in cells)] for names, cells in self._cells.items()
        )
        return out.getvalue()

    def text(self, width: int = 100) -> str:
        """Return the collapsed table as plain text; where it does not fit, columns are lettered
        and told below.
        """
        heads = [neutral(c.name, 40) for c in self.columns]
        first = max(len(label(r.always)) for r in self.rows)
        lettered = first + sum(2 + max(len(h), 3) for h in heads) > width
        shown = [chr(ord("a") + n % 26) for n in range(len(heads))] if lettered else heads
        sizes = [max(len(h), 3) for h in shown]
        lines = [
            "  ".join(
                ["flags".ljust(first), *(h.ljust(s) for h, s in zip(shown, sizes, strict=True))]
            ).rstrip()
        ]
        for row in self.rows:
            body = (
                [f"usage error: {row.problem}"]
                if row.problem
                else [c.word.ljust(s) for c, s in zip(row.cells, sizes, strict=True)]
            )
            lines += _hung(
                "  ".join([label(row.always).ljust(first), *body]).rstrip(), width, first + 2
            )
            lines += _hung(f"  or add: {label(row.either)}", width, 4) if row.either else []
        told = [
            f"{letter} {head}: {neutral(c.title, 80)}"
            for letter, head, c in zip(shown, heads, self.columns, strict=True)
        ]
        return "\n".join([*lines, "", *(told if lettered else []), *textwrap.wrap(_LEGEND, width)])

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _html(self) -> str:
        """Return picture and table: both say the same."""
        head = "".join(f'<th scope="col">{cell(c.name, 40)}</th>' for c in self.columns)
        out = [
            "<table><caption>Flags and reports</caption><thead><tr><th"
            f' scope="col">flags</th>{head}</tr></thead><tbody>'
        ]
        for row in self.rows:
            cells = "".join(
                f"<td>{c.word if c.verdict == 'rejected' else f'<strong>{c.word}</strong>'}</td>"
                for c in row.cells
            )
            if row.problem:
                cells = f'<td colspan="{len(self.columns)}">usage error: {cell(row.problem)}</td>'
            either = f"<br>or add: <code>{cell(label(row.either))}</code>" if row.either else ""
            out.append(
                "<tr><th"
                f' scope="row"><code>{cell(label(row.always))}</code>{either}</th>{cells}</tr>'
            )
        return (
            scrolling("Flags and reports", "".join([*out, "</tbody></table>"]))
            + f"<p>{cell(_LEGEND, 400)}</p>"
        )

    def html(self) -> str:
        """Return a page of its own, picture and table."""
        return (
            '<!doctype html><html lang="en"><head><meta'
            f' charset="utf-8"><title>{TITLE}</title></head><body>{self.svg()}'
            f"{page(self._html())}</body></html>\n"
        )

    def svg(self) -> str:
        """Return the collapsed table as a picture."""
        return svg_matrix(self)

    def picture(self) -> Picture:
        """Return the picture as something that a notebook shows."""
        return Picture(self)


class Picture(Shown):
    """The picture of a matrix, with its text for those who do not see it."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    def __str__(self) -> str:
        return str(self.matrix)

    __repr__ = __str__

    def _html(self) -> str:
        return scrolling(TITLE, self.matrix.svg())


def _hung(line: str, width: int, margin: int) -> list[str]:
    """Fold a line between words, further lines moved in."""
    if len(line) <= width:
        return [line]
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * margin,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


# The picture

TITLE = "Which flags accept which report"
_LABEL, _WIDE, _HIGH, _TOP = 260, 122, 44, 50
#: Frame of a cell by outcome, so that a picture without colour says as much.
_FRAME: dict[str, dict[str, Any]] = {
    "trustworthy": {"stroke": 2.5, "colour": "var(--jp-success-color0,#1b5e20)"},
    "accepted-with-waivers": {
        "stroke": 2.5,
        "dash": "6 4",
        "colour": "var(--jp-warn-color0,#8a3c00)",
    },
    "rejected": {"stroke": 0.6},
}


def description(matrix: Matrix) -> str:
    """Return the picture in sentences, one a row."""
    names = [neutral(c.name, 40) for c in matrix.columns]
    out = []
    for row in matrix.rows:
        if row.problem:
            out.append(f"{label(row.always)}: usage error.")
            continue
        said = [
            f"{name} {c.words}"
            for name, c in zip(names, row.cells, strict=True)
            if c.verdict != "rejected"
        ]
        rest = "every other rejected" if said else "every one rejected"
        more = f" Or add: {label(row.either)}." if row.either else ""
        out.append(f"{label(row.always)}: {', '.join([*said, rest])}.{more}")
    return " ".join(out)


def svg_matrix(matrix: Matrix) -> str:
    """Return a matrix as inline SVG with title and description; outcomes are told by word and
    frame, colours follow the theme.
    """
    width, height = _LABEL + _WIDE * len(matrix.columns) + 10, _TOP + _HIGH * len(matrix.rows) + 10
    told = description(matrix)
    out: list[str] = []
    for n, column in enumerate(matrix.columns):
        middle, name = _LABEL + _WIDE * n + _WIDE // 2, neutral(column.name, 15)
        out.append(text(middle, _TOP - 16, name, size=14, anchor="middle", bold=True))
    out.append(text(8, _TOP - 16, "flags", size=14, bold=True))
    for n, row in enumerate(matrix.rows):
        out += _row(row, _TOP + _HIGH * n)
    label = f"{TITLE}. {told}"
    most = f"{width // 16}em"
    return drawing(width, height, TITLE, out, told=told, label=label, least="60em", most=most)


def _row(row: Row, top: int) -> list[str]:
    """One row: its flags, what makes no difference in small letters below, and a framed word a
    column.
    """
    out = [
        path((0, top), (_LABEL + _WIDE * len(row.cells) + 10, top), stroke=0.5),
        text(8, top + (18 if row.either else 27), label(row.always), size=14, mono=True),
    ]
    if row.either:
        out.append(text(8, top + 35, "or add: " + label(row.either), size=13))
    if row.problem:
        words = neutral(f"usage error: {row.problem}", 130)
        return [*out, text(_LABEL + 8, top + 27, words, size=14, italic=True)]
    for n, found in enumerate(row.cells):
        left, bold = _LABEL + _WIDE * n, found.verdict != "rejected"
        if found.verdict in _FRAME:
            out.append(box(left + 5, top + 8, _WIDE - 10, _HIGH - 16, **_FRAME[found.verdict]))
        middle = left + _WIDE // 2
        out.append(text(middle, top + 27, found.words, size=14, anchor="middle", bold=bold))
    return out


def dumps(matrix: Matrix, form: str, width: int = 100) -> str:
    """Return a matrix in one of `FORMATS`, ending in a newline."""
    made = {
        "text": lambda: matrix.text(width) + "\n",
        "csv": matrix.to_csv,
        "svg": lambda: matrix.svg() + "\n",
        "json": lambda: json.dumps(matrix.to_json(), indent=2) + "\n",
        "html": matrix.html,
    }
    return made[form]()


FORMATS = ("text", "csv", "json", "svg", "html")
