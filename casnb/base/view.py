"""Values to text and escaped HTML: pure functions on plain strings, and the mixin that shows a
value in a notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from casnb.base.errors import neutral

#: More characters than this do not hold a column open.
_LONG = 24


@lru_cache(maxsize=16)
def style(name: str = "look", folder: Path = Path(__file__).parent) -> str:
    """Return one of our style sheets (a file beside a module) as a `<style>` element, without
    comments and line breaks.

    `look` is the base: tokens of colour and size for light, dark and forced colours, tables,
    verdicts, controls.
    """
    text = (folder / f"{name}.css").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    return f"<style>{text}</style>"


class Shown:
    """Show a value in a notebook: HTML for the browser, `str` of it everywhere else.

    A subclass gives `_html()` (already escaped) and `__str__`.
    """

    def _html(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": page(self._html()), "text/plain": str(self)}


def page(body: str) -> str:
    """Wrap escaped HTML in the block that carries casnb's style; nothing outside it and our
    panels is touched.
    """
    return f'<div class="casnb">{style()}{body}</div>'


def block(body: str) -> str:
    """Wrap escaped HTML in the same block without the style, for what stands beside a `page` and
    changes often: a style that comes again makes a browser lay out everything again.
    """
    return f'<div class="casnb">{body}</div>'


#: Between the parts of a long name: behind a mark, and before a capital.
_PARTS = re.compile(r"(?<=[\w][_./:=-])(?=\w)|(?<=[a-z])(?=[A-Z])")


def cell(value: object, limit: int = 300) -> str:
    """Return one table cell's content: neutralised, bounded, escaped."""
    return escape(neutral(value, limit))


def prose(value: object, limit: int = 300) -> str:
    """Return the same for a sentence of casnb's own, in which backticks enclose what is typed."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", cell(value, limit))


def td(text: str) -> str:
    """Return a cell around escaped text. A word too long for a column, such as a name of a flag,
    may break behind a mark between its parts; one without parts, such as a hash, anywhere, or it
    would push others out of sight.
    """
    if max(map(len, text.split()), default=0) <= _LONG:
        return f"<td>{text}</td>"
    parts = _PARTS.sub("<wbr>", text)
    longest = max(map(len, re.split(r"\s|<wbr>", parts)), default=0)
    return f"<td>{parts}</td>" if longest <= _LONG else f'<td class="long">{text}</td>'


def row_header(made: str) -> str:
    """Turn a cell as `td` makes it into the header of its row; an empty one stays a cell."""
    if made == "<td></td>":
        return made
    return '<th scope="row"' + made.removeprefix("<td").removesuffix("</td>") + "</th>"


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    code: Sequence[int] = (),
    limit: int = 300,
) -> str:
    """Return a table with a header row, and the first cell of each row as its header; columns
    listed in `code` are set in a fixed-width face.

    Everything is escaped, and no cell is longer than `limit` characters. Without a caption a
    screen reader is told the columns, so that no table goes without a name. A column without a
    name has a plain cell above it: an empty header would be read out as one. A table of three
    columns or more is stacked in a narrow window, each cell below the name of its column.
    """
    named = ", ".join(h for h in header if h)
    stacks = len(header) > 2
    out = ['<table class="stacks">' if stacks else "<table>"]
    out.append(
        f"<caption>{cell(caption)}</caption>"
        if caption
        else f'<caption class="vh">{cell(named)}</caption>'
    )
    out.append(
        "<thead><tr>"
        + "".join(f'<th scope="col">{cell(h)}</th>' if h else "<td></td>" for h in header)
        + "</tr></thead><tbody>"
    )
    for row in rows:
        cells = []
        for n, value in enumerate(row):
            text = cell(value, limit)
            wide = ' class="long"' if len(text) > _LONG else ""
            made = f"<td><code{wide}>{text}</code></td>" if n in code else td(text)
            if stacks and n and n < len(header) and header[n] and text:
                made = f'<td data-label="{cell(header[n])}"{made.removeprefix("<td")}'
            cells.append(made if n else row_header(made))
        out.append("<tr>" + "".join(cells) + "</tr>")
    out.append("</tbody></table>")
    return "".join(out)


def scrolling(label: str, body: str) -> str:
    """Let something wide scroll by itself in a narrow window, with the keyboard too."""
    return (
        f'<div role="group" tabindex="0" aria-label="{escape(label)}"'
        f' style="overflow-x:auto">{body}</div>'
    )


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the same table as aligned plain text, one row a line."""
    body = [[neutral(v) for v in row] for row in rows]
    widths = [max([len(header[n]), *(len(r[n]) for r in body)]) for n in range(len(header))]
    lines = ["  ".join(h.ljust(w) for h, w in zip(header, widths, strict=True)).rstrip()]
    lines += ["  ".join(v.ljust(w) for v, w in zip(r, widths, strict=True)).rstrip() for r in body]
    return "\n".join(lines)


def short(value: str, keep: int = 12) -> str:
    """Shorten a long hex string for a narrow column, keeping both ends; other text is left
    alone.
    """
    if len(value) > 2 * keep + 3 and all(c in "0123456789abcdefABCDEF" for c in value):
        return f"{value[:keep]}\N{HORIZONTAL ELLIPSIS}{value[-4:]}"
    return value


def html_verdict(name: str, words: str) -> str:
    """Return the verdict line, told apart by its border too; `words` is HTML.

    It is not a live region: what is drawn again is not read aloud reliably. A panel has one `Live`
    that stays, and says what changed.
    """
    return f'<div class="verdict" data-verdict="{escape(name)}">{words}</div>'
