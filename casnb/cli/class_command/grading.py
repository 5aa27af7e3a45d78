"""`casnb class grade` and `report`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.cli.base import UNCHECKED, Command, emit_json, note
from casnb.cli.class_command.options import COURSE, JSON

if TYPE_CHECKING:
    from casnb.classroom.grade import Mark


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
    from casnb.classroom.results import keeping
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
    takers: list[Callable[[Mark], Any]] = []
    if feedback is not None:
        from casnb.classroom.feedback_page import page_writer

        takers.append(page_writer(course, task, feedback))
    rows: list[dict[str, Any]] = []
    if as_json:
        takers.append(lambda mark: rows.append(to_json(mark)))
    tally = _Tally()
    with keeping(course, task) as keep:
        marks = chain(finish(graded, Tickets(course, task)), nobody)
        passing = _passing(marks, [keep, *takers, tally.take])
        text = WRITERS[kind](passing, task, course.roster)
    if as_json:
        emit_json({"assignment": name, "of": task.of, "marks": rows})
    else:
        click.echo(text, nl=False)
    tally.say()
    return UNCHECKED if tally.unjudged else 0


def _passing(marks: Iterable[Mark], takers: Sequence[Callable[[Mark], Any]]) -> Iterator[Mark]:
    """Hand every mark on once, to all; none is held, so memory does not grow with the class."""
    for mark in marks:
        for take in takers:
            take(mark)
        yield mark


class _Tally:
    """How many were judged, and the first of those that could not be."""

    def __init__(self) -> None:
        self.judged = self.missing = self.unjudged = 0
        self._first: list[str] = []

    def take(self, mark: Mark) -> None:
        if not mark.judged:
            self.unjudged += 1
            if len(self._first) < 20:
                self._first.append(f"  {mark.student}: {'; '.join(mark.notes)}")
        elif mark.handed_in:
            self.judged += 1
        else:
            self.missing += 1

    def say(self) -> None:
        note(
            f"{self.judged} judged, {self.missing} handed in nothing,"
            f" {self.unjudged} could not be judged."
        )
        for line in self._first:
            note(line)


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
