"""A list of checks as plain text and as an HTML table: status by word, mark and border, never by
colour alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Protocol

from casnb.base.errors import neutral
from casnb.base.view import cell, html_verdict, short, td
from casnb.checks.unasked import NOT_ASKED


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
    @property
    def optional(self) -> bool: ...


#: From this many neighbours on, checks that were not run for the same reason share a row.
_FOLDED = 3
#: So many checks are named on the line that folds them away.
_NAMED = 5

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


def text_telling(checks: Sequence[Check], remarks: Sequence[str] = ()) -> str:
    """Return as plain text what failed, was waived or could not be run; the rest is counted."""
    telling, passed, unasked = _heaps(checks)
    rest = f"{len(passed)} passed, {len(unasked)} not asked"
    shown = text_result(telling, "", remarks)
    return f"{shown}\n{rest}" if shown else rest


def _heaps(checks: Sequence[Check]) -> tuple[list[Check], list[Check], list[Check]]:
    """Return what failed, was waived or could not be run; what passed; and what was not run because
    nobody asked for it.
    """
    telling: list[Check] = []
    passed: list[Check] = []
    unasked: list[Check] = []
    for check in checks:
        status = check.status.value
        heap = unasked if status == "not-run" and check.optional else telling
        (passed if status == "passed" else heap).append(check)
    return telling, passed, unasked


def _status(check: Check) -> str:
    s = check.status.value
    return f'<span class="s s-{s}">{_MARK[s]} {check.status.label}</span>'


def _saw(check: Check) -> str:
    """What a check saw, and on a second line what a failure means or which flag accepted it."""
    status = check.status.value
    if status not in ("failed", "waived"):
        return cell(describe(check), 400)
    saw = f"got {short(check.got)}" + (f", wanted {short(check.wanted)}" if check.wanted else "")
    if status == "waived":
        return f"{cell(saw, 400)}<br>accepted by <code>{cell(check.flag, 120)}</code>"
    why = f'<br><span class="small">{cell(check.reason, 400)}</span>' if check.reason else ""
    return cell(saw, 400) + why


def _row(c: Check) -> str:
    return (
        f'<tr data-check="{escape(c.id)}" data-status="{c.status.value}"><td>{_status(c)}</td>'
        f'<th scope="row"><code>{escape(c.id)}</code><br><span class="small">{cell(c.title)}'
        f"</span></th>{td(_saw(c))}"
        f'<td><span class="small">{cell(c.source)}</span></td></tr>'
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


def html_checks(checks: Sequence[Check], caption: str) -> str:
    """Return each of these checks as a row of a table; neighbours that were not run for one and
    the same reason share one.
    """
    out = [
        f'<table class="checks"><caption>{cell(caption)}</caption><thead><tr><th'
        ' scope="col">status</th><th scope="col">check</th><th scope="col">what it saw</th><th'
        ' scope="col">source</th></tr></thead><tbody>'
    ]
    for (status, _), group in groupby(
        checks, lambda c: (c.status.value, describe(c) if c.status.value == "not-run" else c.id)
    ):
        alike = list(group)
        if status == "not-run" and len(alike) >= _FOLDED:
            out.append(_folded(alike))
        else:
            out += [_row(c) for c in alike]
    return "".join([*out, "</tbody></table>"])


def _fold(checks: Sequence[Check], words: str) -> str:
    """These checks behind a line that counts them and names the first of them."""
    if not checks:
        return ""
    names = ", ".join(c.id for c in checks[:_NAMED]) + (", ..." if checks[_NAMED:] else "")
    return (
        f'<details class="fold"><summary><b>{len(checks)} {words}</b> <span'
        f' class="small">{cell(names, 400)}</span></summary>'
        f"{html_checks(checks, f'{len(checks)} {words}')}</details>"
    )


def html_sentence(verdict: str, sentence: str) -> str:
    """Return a verdict: its first sentence in bold, the others plain, and marked where they begin
    to say what nobody asked.
    """
    first, point, rest = sentence.partition(". ")
    more = cell(rest, 600).replace(NOT_ASKED, f"<b>{NOT_ASKED}</b>", 1)
    shown = f'<span class="more">{more}</span>' if more else ""
    return html_verdict(verdict, cell(first + (point and "."), 600) + (" " if more else "") + shown)


def html_result(
    checks: Sequence[Check],
    sentence: str = "",
    remarks: Sequence[str] = (),
    verdict: str = "",
    left_open: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the same as HTML: the verdict, a table of what failed, was waived or could not be
    run, and folded what passed, what nobody asked for, and what that leaves open (id and words).

    Status is told by word, mark and border, never by colour alone. The list of a single check is
    its row.
    """
    head = html_sentence(verdict, sentence) if sentence else ""
    notes = "".join(f"<p>note: {cell(r, 600)}</p>" for r in remarks)
    if len(checks) == 1:
        return head + html_checks(checks, checks[0].id) + notes
    telling, passed, unasked = _heaps(checks)
    folded = _fold(passed, "passed") + _fold(unasked, "not asked") + _left_open(left_open)
    return head + _telling(telling) + folded + notes


def _telling(checks: Sequence[Check]) -> str:
    """A table of these checks under a caption that counts them by status."""
    if not checks:
        return ""
    counts = Counter(c.status.label.lower() for c in checks)
    return html_checks(checks, ", ".join(f"{n} {word}" for word, n in counts.items()))


def _left_open(questions: Sequence[tuple[str, str]]) -> str:
    """What nobody asked, behind a line that counts and names it."""
    if not questions:
        return ""
    rows = "".join(f"<dt>{cell(id)}</dt><dd>{cell(words)}</dd>" for id, words in questions)
    return (
        f'<details class="fold"><summary><b>{len(questions)} left open</b> <span class="small">'
        f"{cell(', '.join(id for id, _ in questions), 400)}</span></summary><dl>{rows}</dl>"
        "</details>"
    )
