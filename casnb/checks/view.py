"""A list of checks as plain text and as an HTML table: status by word, mark and border, never by
colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Protocol

from casnb.base.errors import neutral
from casnb.base.view import cell, html_verdict, short, td


class Status(Protocol):
    """How a check ended, as `CheckStatus` says it."""

    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...


class Check(Protocol):
    """What a table of checks needs of each."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def got(self) -> str: ...
    @property
    def wanted(self) -> str: ...
    @property
    def flag(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...


#: From this many neighbours on, checks that were not run for the same reason share a row.
_FOLDED = 3

_MARK = {
    "passed": "\N{CHECK MARK}",
    "failed": "\N{MULTIPLICATION X}",
    "waived": "\N{TILDE OPERATOR}",
    "not-run": "\N{EN DASH}",
}


def describe(check: Check) -> str:
    """Say in one line what a check saw."""
    status = check.status.value
    if status == "passed":
        return short(check.got) or check.title
    if status == "not-run":
        return check.reason
    saw = f"got {short(check.got)}" + (f", wanted {short(check.wanted)}" if check.wanted else "")
    if status == "waived":
        return f"{saw}; accepted by {check.flag}"
    return saw + (f": {check.reason}" if check.reason else "")


def text_result(checks: Sequence[Check], sentence: str = "", remarks: Sequence[str] = ()) -> str:
    """Return check list, verdict sentence and remarks as plain text."""
    lines = [f"{c.status.label:<8} {c.id:<22} {neutral(describe(c), 400)}" for c in checks]
    if sentence:
        lines += ["", neutral(sentence, 600)]
    lines += [f"note: {neutral(r, 600)}" for r in remarks]
    return "\n".join(lines)


def _status(check: Check) -> str:
    s = check.status.value
    return f'<span class="s s-{s}">{_MARK[s]} {check.status.label}</span>'


def _row(c: Check) -> str:
    return (
        f'<tr data-check="{escape(c.id)}" data-status="{c.status.value}"><td>{_status(c)}</td>'
        f"<td><code>{escape(c.id)}</code><br>{cell(c.title)}</td>{td(cell(describe(c), 400))}"
        f"<td>{cell(c.source)}</td></tr>"
    )


def _folded(checks: Sequence[Check]) -> str:
    """One row for neighbours that were not run for one and the same reason; their titles and
    sources open on demand.
    """
    rows = "".join(
        f"<li><code>{escape(c.id)}</code> {cell(c.title)} ({cell(c.source)})</li>" for c in checks
    )
    names = ", ".join(f"<code>{escape(c.id)}</code>" for c in checks)
    return (
        f'<tr data-checks="{" ".join(escape(c.id) for c in checks)}"'
        f' data-status="not-run"><td>{_status(checks[0])}</td><td'
        f' colspan="3">{cell(describe(checks[0]), 400)}: {names}<details><summary>what these'
        f" {len(checks)} would have compared</summary><ul>{rows}</ul></details></td></tr>"
    )


def html_result(
    checks: Sequence[Check], sentence: str = "", remarks: Sequence[str] = (), verdict: str = ""
) -> str:
    """Return the same as an HTML table; status is told by word, mark and border, never by colour
    alone.
    """
    out = []
    if sentence:
        out.append(html_verdict(verdict, cell(sentence, 600)))
    out.append(
        '<table><thead><tr><th scope="col">status</th><th scope="col">check</th><th'
        ' scope="col">what it saw</th><th scope="col">source</th></tr></thead><tbody>'
    )
    for (status, _), group in groupby(
        checks, lambda c: (c.status.value, describe(c) if c.status.value == "not-run" else c.id)
    ):
        alike = list(group)
        if status == "not-run" and len(alike) >= _FOLDED:
            out.append(_folded(alike))
        else:
            out += [_row(c) for c in alike]
    out.append("</tbody></table>")
    out += [f"<p>note: {cell(r, 600)}</p>" for r in remarks]
    return "".join(out)
