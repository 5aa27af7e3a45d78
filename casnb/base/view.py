"""Values to text and escaped HTML: pure functions on plain strings, and the mixin that shows a
value in a notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from casnb.base.errors import neutral

#: Works in JupyterLab's light and dark themes: only theme variables, with fallbacks, and borders
#: beside every colour. The class is named twice so that these rules win over JupyterLab's own for
#: tables and code.
_STYLE = (
    ".casnb{font-size:14px;line-height:1.45;color:var(--jp-ui-font-color1,#1a1a1a);max-width:72em}.casnb.casnb"
    " table{border-collapse:collapse;margin:.4em 0;text-align:left}.casnb.casnb"
    " caption{text-align:left;font-weight:600;padding:.2em 0;overflow-wrap:anywhere}.casnb.casnb"
    " th,.casnb.casnb td{padding:.22em .7em;border-bottom:1px solid"
    " var(--jp-border-color2,#ccc);text-align:left;vertical-align:top;overflow-wrap:break-word}.casnb.casnb"
    " code{font-family:var(--jp-code-font-family,monospace);font-size:13px;background:none;color:inherit;overflow-wrap:break-word}.casnb.casnb"
    " td.long,.casnb.casnb code.long{overflow-wrap:anywhere}.casnb.casnb"
    " dl{display:grid;grid-template-columns:fit-content(12em) 1fr;gap:0 .8em}.casnb.casnb"
    " dt{float:none;width:auto;overflow-wrap:normal}.casnb.casnb"
    " dd{margin:0;padding:0;min-width:0}.casnb.casnb"
    " .s{display:inline-block;min-width:5.4em;padding:0 .45em;border:2px solid"
    " currentColor;border-radius:3px;font-weight:600;font-size:12px;text-align:center;white-space:nowrap}.casnb.casnb"
    " .s-passed{border-style:solid;color:var(--jp-success-color0,#1b5e20)}.casnb.casnb"
    " .s-failed{border-style:double;border-width:4px;color:var(--jp-error-color0,#b71c1c)}.casnb.casnb"
    " .s-waived{border-style:dashed;color:var(--jp-warn-color0,#8a3c00);color:color-mix(in"
    " srgb,var(--jp-warn-color0,#8a3c00) 70%,var(--jp-ui-font-color1,#1a1a1a))}.casnb.casnb"
    " .s-not-run{border-style:dotted;color:var(--jp-ui-font-color2,#555)}.casnb.casnb"
    " .verdict{font-weight:600;padding:.5em .8em;margin:.4em 0;border-left:3px solid"
    " var(--jp-ui-font-color2,#555)}.casnb.casnb .verdict[data-verdict=trustworthy]{border-left:8px"
    " solid var(--jp-success-color0,#1b5e20)}.casnb.casnb"
    " .verdict[data-verdict=accepted-with-waivers]{border-left:8px dashed"
    " var(--jp-warn-color0,#8a3c00)}.casnb.casnb .verdict[data-verdict=rejected]{border-left:8px"
    " double var(--jp-error-color0,#b71c1c)}@media (forced-colors:active){.casnb.casnb svg"
    " :is(text,tspan){fill:CanvasText!important}.casnb.casnb svg"
    " :is(line,polyline,path,rect){stroke:CanvasText!important}.casnb.casnb svg"
    " rect{fill:Canvas!important}}"
)
#: For the controls of our panels, which stand beside such blocks: what is chosen has a border, in
#: forced colours every button has one, and in a narrow window nothing is cut off. A panel's boxes
#: have classes that begin with `t-`.
_CONTROLS = (
    '.widget-box[class*=" t-"] .widget-html-content{min-width:0}.widget-box[class*=" t-"]'
    " .jupyter-button.mod-active{border:2px solid currentColor;line-height:24px}@media"
    ' (forced-colors:active){.widget-box[class*=" t-"] .jupyter-button{border:1px solid'
    ' ButtonText;line-height:26px}.widget-box[class*=" t-"] .jupyter-button.mod-active{border:4px'
    ' double ButtonText;line-height:20px}}@media (max-width:40em){.widget-box[class*=" t-"]'
    " :is(.jupyter-button,.widget-checkbox,.widget-checkbox"
    ' label){height:auto;line-height:1.5;white-space:normal;overflow-wrap:anywhere}.widget-box[class*="'
    ' t-"] :is(.widget-text,.widget-text input,.widget-dropdown,.widget-checkbox,.widget-checkbox'
    " label){min-width:0!important;flex-shrink:1!important;max-width:100%}}"
)

#: More characters than this do not hold a column open.
_LONG = 24


class Shown:
    """Show a value in a notebook: HTML for the browser, `str` of it everywhere else.

    A subclass gives `_html()` (already escaped) and `__str__`.
    """

    def _html(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": page(self._html()), "text/plain": str(self)}


def page(body: str, style: bool = True) -> str:
    """Wrap escaped HTML in the block that carries casnb's style; nothing outside it and our
    panels is touched.

    Without `style` the block relies on another one of the same page: a part that changes often
    is then drawn quicker.
    """
    return (
        f'<div class="casnb">{f"<style>{_STYLE}{_CONTROLS}</style>" if style else ""}{body}</div>'
    )


def block(body: str) -> str:
    """Wrap escaped HTML in the same block without the style, for what stands beside a `page` and
    changes often: a style that comes anew makes a browser lay out everything again.
    """
    return f'<div class="casnb">{body}</div>'


def cell(value: object, limit: int = 300) -> str:
    """Return one table cell's content: neutralised, bounded, escaped."""
    return escape(neutral(value, limit))


def prose(value: object, limit: int = 300) -> str:
    """Return the same for a sentence of casnb's own, in which backticks enclose what is typed."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", cell(value, limit))


def td(text: str) -> str:
    """Return a cell around escaped text; a word too long for a column may break anywhere, or it
    would push others out of sight.
    """
    return (
        f'<td class="long">{text}</td>'
        if max(map(len, text.split()), default=0) > _LONG
        else f"<td>{text}</td>"
    )


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    code: Sequence[int] = (),
    limit: int = 300,
) -> str:
    """Return a table with a header row; columns listed in `code` are set in a fixed-width face.

    Everything is escaped, and no cell is longer than `limit` characters.
    """
    out = ["<table>"]
    if caption:
        out.append(f"<caption>{cell(caption)}</caption>")
    out.append(
        "<thead><tr>"
        + "".join(f'<th scope="col">{cell(h)}</th>' for h in header)
        + "</tr></thead><tbody>"
    )
    for row in rows:
        cells = []
        for n, value in enumerate(row):
            text = cell(value, limit)
            wide = ' class="long"' if len(text) > _LONG else ""
            cells.append(f"<td><code{wide}>{text}</code></td>" if n in code else td(text))
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


def html_verdict(name: str, words: str, live: bool = False) -> str:
    """Return the verdict line, told apart by its border too; `words` is HTML, `live` has its
    changes read aloud.
    """
    polite = ' aria-live="polite"' if live else ""
    return f'<div class="verdict" role="status"{polite} data-verdict="{escape(name)}">{words}</div>'
