"""`casnb class grade` and `report`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from casnb.cli.base import UNCHECKED, Command, emit_json, note
from casnb.cli.class_command.options import COURSE, JSON


@click.command(
    cls=Command,
    example="""\
  casnb class grade hw1 submissions/ > marks.csv
  casnb class grade hw1 moodle.zip --csv moodle --feedback feedback
""",
    exits={
        0: "every hand-in was judged",
        2: "called wrongly",
        3: "some could not be judged; their rows say why",
    },
)
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--csv",
    "kind",
    type=click.Choice(["plain", "moodle", "canvas"]),
    default="plain",
    help="Whose form of CSV.  [default: plain]",
)
@click.option(
    "--feedback",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a page for each student.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes.  [default: one for each core]",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="A Dask scheduler instead.")
@JSON
@COURSE
def grade(
    name: str,
    paths: tuple[str, ...],
    kind: str,
    feedback: Path | None,
    jobs: int | None,
    scheduler: str,
    as_json: bool,
    folder: Path,
) -> int:
    """Which marks have they earned?

    Reads saved notebooks, receipts, folders of them, and zip files of Moodle or Canvas, and judges
    every answer again in its student's world. Runs nothing of what was handed in. Marks go to
    standard output, one row a student and one for each hand-in of nobody.

    Of a sealed assignment the class server's own record is judged, and no PATH is read.
    """
    from casnb.classroom.collected import pieces
    from casnb.classroom.course import found
    from casnb.classroom.grade import Tickets, finish, plan, plan_record
    from casnb.classroom.marks import WRITERS, to_json
    from casnb.classroom.record import events
    from casnb.classroom.results import keep
    from casnb.cli.class_command.spread import spread

    course = found(folder)
    task = course.assignment(name)
    if task.sealed:
        tasks, nobody = plan_record(course, task, events(course, task))
        if paths:
            note(f"{name} is sealed: the class server's record is judged, and no file is read.")
    elif paths:
        tasks, nobody = plan(course, task, pieces(paths))
    else:
        raise click.UsageError("Missing argument 'PATH...'.")
    graded = spread(tasks, jobs or os.cpu_count() or 1, scheduler)
    marks = [*finish(graded, Tickets(course, task)), *nobody]
    text = WRITERS[kind](marks, task, course.roster)
    keep(course, task, marks)
    if feedback is not None:
        from casnb.classroom.feedback_page import write_pages

        write_pages(course, task, marks, feedback)
    if as_json:
        emit_json({"assignment": name, "of": task.of, "marks": [to_json(m) for m in marks]})
    else:
        click.echo(text, nl=False)
    unjudged = [m for m in marks if not m.judged]
    missing = sum(not m.handed_in for m in marks)
    note(
        f"{len(marks) - len(unjudged) - missing} judged, {missing} handed in nothing,"
        f" {len(unjudged)} could not be judged."
    )
    for mark in unjudged[:20]:
        note(f"  {mark.student}: {'; '.join(mark.notes)}")
    return UNCHECKED if unjudged else 0


@click.command(
    cls=Command,
    example="""\
  casnb class report hw1
  casnb class report hw1 --html report.html
""",
    exits={0: "done", 2: "called wrongly", 3: "the last grading could not be read"},
)
@click.argument("name")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as a page.",
)
@JSON
@COURSE
def report(name: str, page: Path | None, as_json: bool, folder: Path) -> int:
    """What does the class hold, and what should be looked at?

    Reports on the last grading: which misconceptions, how often; and whose wrong answers are right
    in the world of somebody else. That is an observation, not a verdict.
    """
    from casnb.classroom.class_report import report_on
    from casnb.classroom.course import found
    from casnb.classroom.results import kept
    from casnb.cli.base import write_atomically

    course = found(folder)
    task = course.assignment(name)
    made = report_on(task, kept(course, task))
    if page is not None:
        write_atomically(page, made.page())
    if as_json:
        emit_json(made.to_json())
    elif page is None:
        click.echo(str(made))
    return 0
