"""Results on a terminal: calm tables of at most 80 columns, every signal a word, colour only
where a terminal wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from casnb.base.errors import neutral
from casnb.base.times import stamp
from casnb.checks.result import AttestationResult, Check, Verdict
from casnb.checks.view import describe
from casnb.policy.identities import known_signer

if TYPE_CHECKING:
    from casnb.cas.page import PageRow
    from casnb.checks.status_words import StatusWords
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.layout import FieldRow
    from casnb.evidence.report import ReportBody

WIDTH = 80
_STYLE = {"passed": "green", "failed": "bold red", "waived": "bold yellow", "not-run": "dim"}
_VERDICT = {
    Verdict.TRUSTWORTHY: "bold green",
    Verdict.ACCEPTED_WITH_WAIVERS: "bold yellow",
    Verdict.REJECTED: "bold red",
}


def console(file: IO[str] | None = None, *, stderr: bool = False) -> Console:
    """Return a console that interprets nothing in what it prints; NO_COLOR and redirection turn
    colour off.
    """
    made = Console(
        file=file, stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False
    )
    made.width = min(made.width, WIDTH)
    return made


def grid(*ratios: int | None, widths: Sequence[int | None] = ()) -> Table:
    """Return a borderless table; `widths` fixes columns, None takes what is left."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    for width in widths or [None] * len(ratios):
        table.add_column(width=width, overflow="fold", no_wrap=False)
    return table


def checks_table(checks: Iterable[Check]) -> Table:
    """Return one row a check: status in words, id, what it saw; neighbours not run for the same
    reason share a row.
    """
    table = grid(widths=(7, 21, None))
    for (status, reason), members in groupby(checks, key=_sameness):
        rows = list(members)
        if len(rows) > 2:
            ids = ", ".join(c.id for c in rows)
            table.add_row(
                Text("NOT RUN", _STYLE[status]),
                Text(f"{len(rows)} checks"),
                Text(f"{ids}: {neutral(reason, 400)}"),
            )
            continue
        for check in rows:
            table.add_row(
                Text(check.status.label, _STYLE[status]),
                Text(check.id),
                Text(neutral(describe(check), 400)),
            )
    return table


def _sameness(check: Check) -> tuple[str, str]:
    status = check.status.value
    return (status, check.reason) if status == "not-run" else (status, check.id)


def verdict_text(result: AttestationResult) -> Text:
    """Return the verdict sentence."""
    return Text(neutral(result.sentence, 600), _VERDICT[result.verdict])


def show_result(result: AttestationResult, out: Console) -> None:
    """Print check list, verdict and remarks."""
    out.print(checks_table(result.checks))
    out.print()
    out.print(verdict_text(result))
    open_ = result.not_asked if result.accepted else ()
    if result.at is not None and "time" not in {n.id for n in open_}:
        out.print(Text(f"note: judged as of {stamp(result.at)}."))
    for remark in result.remarks:
        out.print(Text(f"note: {neutral(remark, 600)}"))
    if open_:
        out.print()
        out.print(Text("Not asked", "bold"))
        out.print(rows_table((n.id, n.words) for n in open_))
    if result.words is not None:
        out.print()
        out.print(Text(f"{neutral(result.words.status, 60)} in words", "bold"))
        out.print(words_table(result.words))


def words_table(words: StatusWords) -> Table:
    """Return the rows of a status in words: heading and text."""
    return rows_table((*words.rows, *words.advisories))


def rows_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return rows of heading and text."""
    table = grid(widths=(14, None))
    for name, text in rows:
        table.add_row(Text(neutral(name, 40)), Text(neutral(text, 600)))
    return table


def _value(row: FieldRow) -> str:
    """Return a field's value, at most two lines of it, and in words where it is empty or nothing
    but zeros.
    """
    if row.size > 8 and row.value == "00" * row.size:
        return "zero in every byte"
    if not row.value:
        return "(empty)"
    value = neutral(row.value.replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}"), 4096)
    if len(value) <= 128 and row.size > 32:
        return "\n".join(value[n : n + 64] for n in range(0, len(value), 64))
    return (
        value
        if len(value) <= 128
        else (
            f"{value[:64]}\N{HORIZONTAL ELLIPSIS} ({len(row.value)} characters; --json has them"
            " all)"
        )
    )


def fields_table(rows: Sequence[FieldRow]) -> Table:
    """Return a block a field: where it stands, its name and value, and below that what it means.

    A value has 66 columns, so that a measurement stays on one line and can be copied.
    """
    placed = any(row.size for row in rows)
    table = grid(widths=(6, 4, 66) if placed else (78,))
    if placed:
        table.add_row(*(Text(word, "bold") for word in ("offset", "size", "field")))
    for row in rows:
        name, value = neutral(row.name, 60), _value(row)
        cell = Text(name, "bold")
        beside = len(value) <= 40 and "\n" not in value
        margin = "" if placed else "  "
        cell.append(
            f"{' ' * max(2, 24 - len(name))}{value}" if beside else f"\n{margin}{value}", "not bold"
        )
        if row.meaning and row.meaning != "zero":
            cell.append(f"\n{margin}{neutral(row.meaning)}", "not bold dim")
        where = (str(row.offset).rjust(6), str(row.size).rjust(4)) if placed else ()
        table.add_row(*where, cell)
    return table


def identity_table(body: ReportBody) -> Table:
    """Return who the evidence says is speaking, and what is publicly known about the signer."""
    signer = known_signer(body.mrsigner)
    flags = ", ".join(body.flag_names())
    table = grid(widths=(12, 66))
    table.add_row("MRENCLAVE", body.mrenclave)
    table.add_row(
        "MRSIGNER", Text(body.mrsigner + (f"\n{signer.name}: {signer.note}" if signer else ""))
    )
    table.add_row("ISVPRODID", str(body.isv_prod_id))
    table.add_row("ISVSVN", str(body.isv_svn))
    table.add_row(
        "flags",
        Text(
            flags
            + (". A debug enclave: the host can read and write its memory." if body.debug else "")
        ),
    )
    return table


def statement_table(report: CasReport) -> Table:
    """Return what is said of the platform: by the attestation service's report, or where that is
    still to be worked out.
    """
    table = grid(widths=(12, 66))
    if report.proof_type != "IASReport":
        lists = report.proof_type == "DCAPQuote"
        table.add_row(
            "TCB status",
            (
                "not said: a verifier works it out from Intel's lists, which came along (casnb"
                " verify)"
                if lists
                else "not said: Intel's service would have had to be asked, and it is gone"
            ),
        )
        return table
    said = report.signed_avr().avr
    table.add_row("TCB status", neutral(said.status, 60))
    table.add_row("made at", stamp(said.timestamp))
    table.add_row("advisories", neutral(", ".join(said.advisory_ids) or "none in the signed part"))
    return table


def indented(text: str | Text, by: int = 2) -> Padding:
    """Return a paragraph moved to the right."""
    return Padding(text if isinstance(text, Text) else Text(text), (0, 0, 0, by))


def page_table(rows: Iterable[PageRow]) -> Table:
    """Return one row of a public CAS page each, the measurement on a line of its own so that it
    can be copied.
    """
    table = grid(widths=(78,))
    for row in rows:
        head = Text(neutral(row.address, 120), "bold")
        head.append(f"  {neutral(row.version, 60)}" if row.version else "", "not bold")
        note = f"\n  instead: {neutral(row.note)}" if row.note else ""
        head.append("\n  " + (row.mrenclave or "no MRENCLAVE") + note, "not bold")
        table.add_row(head)
    return table
