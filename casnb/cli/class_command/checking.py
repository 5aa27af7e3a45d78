"""`casnb class check`: a look at one's own hand-in."""

from __future__ import annotations

import os

import click

from casnb.base.view import text_table
from casnb.cli.base import ACCEPTED, REJECTED, Command, note
from casnb.cli.class_command.options import split


@click.command(
    cls=Command,
    example="""\
  casnb class check hw1.ipynb
  casnb class check hw1.ipynb --only 03.command
""",
    exits={
        0: "all that was asked for is right",
        1: "something is wrong or open",
        2: "called wrongly",
        3: "the file could not be read",
    },
)
@click.argument("file")
@click.option("--only", multiple=True, metavar="ID", help="Look at these exercises only.")
def check(file: str, only: tuple[str, ...]) -> int:
    """What is in my hand-in?

    For students: reads a saved notebook or receipt as your teacher will, and judges its answers in
    the world of your ticket. Runs nothing of it, and marks nothing.
    """
    from casnb.classroom.own_check import PURPOSE, own_check
    from casnb.teach.course.feedback import NOT_YET, RIGHT
    from casnb.teach.course.ticket import VARIABLE

    ticket, mark = own_check(file, os.environ.get(VARIABLE, ""), tuple(split(only)))
    rows = [
        (id, "open" if r.status == NOT_YET else r.status, r.message) for id, r in mark.rows.items()
    ]
    right = sum(r.status == RIGHT for r in mark.rows.values())
    click.echo(text_table(("exercise", "answer", "what casnb says"), rows))
    asked = len(mark.rows)
    note(f"{ticket.assignment}, {ticket.student}: {right} of {asked} right. {PURPOSE}")
    for remark in mark.notes:
        if not remark.startswith("not part of"):
            note(f"  {remark}")
    return ACCEPTED if asked and right == asked else REJECTED
