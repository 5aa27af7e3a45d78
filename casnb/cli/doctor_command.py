"""`casnb doctor`: what on this machine would get in the way, and what to do about it."""

from __future__ import annotations

import click

from casnb.base.way_back import report_text, report_to
from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json, note
from casnb.cli.examination import BROKEN, GOOD, WORTH_KNOWING, examine


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}" + ("s" if number != 1 else "")


@click.command(
    cls=Command,
    example="""\
  casnb doctor
  casnb doctor --json | jq '.[] | select(.status != "ok")'
  casnb doctor --report lessons/03-attest-and-flags
""",
    exits={
        0: "nothing that keeps casnb from working",
        1: "at least one problem",
        2: "called wrongly",
    },
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="A list of objects: id, status (ok, note, problem), saw, do.",
)
@click.option(
    "--report",
    "where",
    metavar="PAGE",
    help="A text that says what is wrong with a page or notebook, for you to fill in and send.",
)
def doctor(as_json: bool, where: str | None) -> int:
    """What on this machine would get in the way?

    Looks at Python, packages, programs, loopback addresses, clock, kernel, environment variables
    that capture TLS, and the file of attested CASes. Changes nothing, and sends nothing.
    """
    findings = list(examine())
    if where is not None:
        if as_json:
            raise click.UsageError("--report carries the JSON already: leave --json out.")
        click.echo(report_text(where, [f.__dict__ for f in findings]), nl=False)
        if to := report_to(where):
            note(f"To send it, fill it in and open: {to.partition('?')[0]}")
    elif as_json:
        emit_json([f.__dict__ for f in findings])
    else:
        from rich.text import Text

        from casnb.cli.terminal import console, grid

        table = grid(widths=(7, 21, None))
        style = {GOOD: "green", WORTH_KNOWING: "yellow", BROKEN: "bold red"}
        for f in findings:
            table.add_row(
                Text(f.status, style[f.status]),
                Text(f.id),
                Text(f.saw + (f"\n-> {f.do}" if f.do else "")),
            )
        out = console()
        out.print(table)
        count = {s: sum(f.status == s for f in findings) for s in (WORTH_KNOWING, BROKEN)}
        out.print(
            Text(
                f"\n{_count(count[BROKEN], 'problem')}, {_count(count[WORTH_KNOWING], 'thing')} to"
                " know. "
                + (
                    "Mend the problem first."
                    if count[BROKEN]
                    else "casnb can work here: casnb walkthrough"
                )
            )
        )
    return REJECTED if any(f.status == BROKEN for f in findings) else ACCEPTED
