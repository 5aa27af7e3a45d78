"""`casnb class init`, `assignment` and `show`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from casnb.base.errors import UsageError
from casnb.cli.base import Command, emit_json, note
from casnb.cli.class_command.options import COURSE, JSON, split, there

_EXITS = {0: "done", 2: "called wrongly", 3: "a file could not be read or written"}


@click.command(
    cls=Command,
    example="""\
  casnb class init course --title "Confidential computing" --term 2026w
  casnb class init course --title CC --term 2026w --roster moodle.csv
""",
    exits=_EXITS,
)
@click.argument("dir", type=click.Path(file_okay=False, path_type=Path))
@click.option("--title", required=True, metavar="T", help="What the course is called.")
@click.option("--term", required=True, metavar="T", help="The term: another one, other worlds.")
@click.option(
    "--roster",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CSV",
    help="id, name, email; or what Moodle or Canvas exports.",
)
def init(dir: Path, title: str, term: str, roster: Path | None) -> int:
    """Where does a course live?

    Makes DIR with course.toml, roster.csv and course.key. The key decides every student's world:
    keep a copy, and show it to nobody.
    """
    from casnb.classroom.course import create

    made = create(dir, title, term, roster)
    note(f"{dir}: {title}, {term}, {len(made.roster)} students.")
    if not len(made.roster):
        note(f"Put the class into {dir / 'roster.csv'}: id, name, email.")
    note("Next: casnb class assignment hw1 --chapters 01,03" + there(dir))
    return 0


@click.command(
    cls=Command,
    example="""\
  casnb class assignment hw1 --chapters 01,03,04 --due 2026-12-24
  casnb class assignment exam1 --exercises 03.command --points 03.command=3
""",
    exits=_EXITS,
)
@click.argument("name")
@click.option("--chapters", multiple=True, metavar="A,B", help="All exercises of these chapters.")
@click.option("--exercises", "ids", multiple=True, metavar="ID", help="These exercises, or more.")
@click.option("--without", multiple=True, metavar="ID", help="Leave these out.")
@click.option("--points", multiple=True, metavar="ID=N", help="What one is worth.  [default: 1]")
@click.option("--due", default="", metavar="DATE", help="When it is due, such as 2026-12-24.")
@click.option(
    "--tier",
    type=click.Choice(["open", "sealed"]),
    default="open",
    help="Whose machine has worlds and judge: the student's, or a class server.  [default: open]",
)
@click.option("--server", default="", metavar="URL", help="Where students reach a class server.")
@COURSE
def assignment(
    name: str,
    chapters: tuple[str, ...],
    ids: tuple[str, ...],
    without: tuple[str, ...],
    points: tuple[str, ...],
    due: str,
    tier: str,
    server: str,
    folder: Path,
) -> int:
    """What is handed in together?

    Writes an assignment into course.toml, or replaces the one of that name. In the open tier the
    worlds are on the students' machines, where the right answers can be computed too; in the sealed
    one `casnb class serve` has both, and counts tries. docs/teach/ says what a mark is worth.
    """
    from casnb.classroom.course import assignment as made_of
    from casnb.classroom.course import found, needs_its_world
    from casnb.teach.course import exercises

    course = found(folder)
    wanted = []
    for chapter in split(chapters):
        if chapter[:2] not in exercises.CHAPTERS:
            raise UsageError(
                "chapter", got=chapter, wanted="one of " + ", ".join(exercises.CHAPTERS)
            )
        wanted += [e.id for e in exercises.of_chapter(chapter)]
    left_out = {exercises.exercise(id).id for id in split(without)}
    if tier == "sealed" and (needing := [id for id in wanted if needs_its_world(id)]):
        note(f"Left out, for they need the world on the student's machine: {', '.join(needing)}.")
        left_out |= set(needing)
    wanted += [exercises.exercise(id).id for id in split(ids)]
    chosen = [id for id in dict.fromkeys(wanted) if id not in left_out]
    if not chosen:
        raise UsageError(name, got="no exercises", wanted="--chapters A,B or --exercises ID")
    made = made_of(name, chosen, _points(split(points)), due, tier, server=server)
    replace(course, assignments={**course.assignments, name: made}).save()
    note(f"{name}: {len(made.exercises)} exercises, {made.of:g} points.")
    if made.sealed:
        note(f"Students reach its class server as {made.server}.")
    note(f"Next: casnb class release {name} --out release" + there(folder))
    return 0


def _points(words: list[str]) -> dict[str, float]:
    out = {}
    for word in words:
        id, _, value = word.partition("=")
        try:
            out[id] = float(value)
        except ValueError:
            raise UsageError("--points", got=word, wanted="ID=N, such as 03.command=3") from None
    return out


@click.command(
    cls=Command,
    example="""\
  casnb class show hw1 --student u123
""",
    exits=_EXITS,
)
@click.argument("name")
@click.option("--student", required=True, metavar="ID", help="Whose world.")
@JSON
@COURSE
def show(name: str, student: str, as_json: bool, folder: Path) -> int:
    """What is right for this student?

    Prints the student's world and the answer key. With --json an object of id and answer, a set as
    {"set": [...]}.
    """
    from casnb.classroom.answer_key import answer_key
    from casnb.classroom.course import found

    course = found(folder)
    key = answer_key(course, course.assignment(name), student)
    if as_json:
        emit_json(key.to_json())
    else:
        click.echo(str(key))
    return 0
