"""`casnb class release`."""

from __future__ import annotations

from pathlib import Path

import click

from casnb.base.errors import UsageError
from casnb.classroom.exporters import EXPORTERS
from casnb.cli.base import Command, note
from casnb.cli.class_command.options import COURSE, there

PLAIN = "plain"


@click.command(
    cls=Command,
    example="""\
  casnb class release hw1 --out release
  casnb class release hw1 --out release --each
  casnb class release hw1 --format github --out starter
""",
    exits={0: "done", 2: "called wrongly", 3: "a file could not be read or written"},
)
@click.argument("name")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the notebooks go.",
)
@click.option("--each", is_flag=True, help="Only one for each student, none for all.")
@click.option(
    "--format",
    "form",
    type=click.Choice([PLAIN, *EXPORTERS]),
    default=PLAIN,
    help="What it is for.  [default: plain]",
)
@COURSE
def release(name: str, out: Path, each: bool, form: str, folder: Path) -> int:
    """What do students get?

    Writes NAME.ipynb for all, with tickets.csv: each student pastes a ticket. And, under students/,
    one notebook for each with the ticket in it. There are no solutions in either. With --format one
    notebook for all, in the form of another grading system; whom its own marks trust is said.
    """
    from casnb.classroom.course import found
    from casnb.classroom.release import write_release

    course = found(folder)
    task = course.assignment(name)
    if task.sealed and form != PLAIN:
        raise UsageError(
            "--format",
            got=f"{form}, and {name} is sealed",
            wanted=PLAIN,
            do="The class server judges it, and nothing is handed in.",
        )
    if form == PLAIN:
        written = write_release(course, task, out, each=each)
        private = "tickets.csv and students/ are"
    else:
        if each:
            raise UsageError("--each", got=f"--format {form}", wanted="--format plain")
        written = EXPORTERS[form].write(course, task, out)
        private = "tickets.csv is"
    note(f"{len(written)} files in {out}. {private} not for everybody's eyes.")
    if not len(course.roster):
        note("The roster is empty, so nobody has a ticket yet.")
    if task.sealed:
        note(f"Next: casnb class serve {name}" + there(folder))
    if form == PLAIN and not task.sealed:
        note(f"Later: casnb class grade {name} SUBMISSIONS > marks.csv" + there(folder))
    if system := EXPORTERS.get(form):
        note(f"Next: {system.run.format(name=name)}")
        note(f"Its own marks: {system.trusts}")
        note(
            f"For marks from data: casnb class grade {name} {system.collects.format(name=name)}"
            + there(folder)
        )
    return 0
