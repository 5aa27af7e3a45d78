"""Tables of the instructor's guide: systems of grading, and each chapter's exercises with right
answers and misconceptions, made of the rows that release and judge them.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

from casnb.base.errors import neutral
from casnb.classroom.exporters import EXPORTERS
from casnb.classroom.release import TITLES
from casnb.simulator.world import World
from casnb.teach.course import exercises
from casnb.teach.course.answers import plain, said
from casnb.teach.course.exercise import Exercise
from casnb.teach.facts import PRACTICE, Facts
from doctables.chapters import minutes
from doctables.checks import markdown_table

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"


def systems() -> str:
    """Return one row for each system that an assignment is written for, and whom it trusts."""
    return markdown_table(
        ("system", "`--format`", "then", "marks from data", "whom its own marks trust"),
        (
            (
                e.title,
                f"`{e.name}`",
                e.run.format(name="hw1"),
                f"`casnb class grade hw1 {e.collects.format(name='hw1')}`",
                e.trusts,
            )
            for e in EXPORTERS.values()
        ),
    )


def chapters() -> str:
    """Return one row for each chapter: minutes, exercises, points where nothing else was said, and
    how many misconceptions have a name.
    """
    rows = []
    for chapter, title in TITLES.items():
        tasks = exercises.of_chapter(chapter)
        rows.append(
            (
                chapter,
                title,
                str(_minutes(chapter)),
                " ".join(f"`{t.id}`" for t in tasks),
                str(len(tasks)),
                str(sum(len(_beliefs(t)) for t in tasks)),
            )
        )
    header = ("chapter", "title", "minutes", "exercises", "points", "misconceptions")
    return markdown_table(header, rows)


def answers() -> str:
    """Return each exercise: question, the right answer in the practice world, and each
    misconception with what a student is told.
    """
    out: list[str] = []
    for chapter, title in TITLES.items():
        out += [f"## {chapter} {title}, about {_minutes(chapter)} minutes", ""]
        for task in exercises.of_chapter(chapter):
            facts = _practice(task)
            posed = task.posed(facts)
            right = said(plain(task.reference(facts)), 200)
            out += [f"### `{task.id}` {task.title}", "", posed.question, ""]
            out += [f"- {k}) {o.text}" for k, o in posed.options.items()]
            out += [*([""] if posed.options else []), f"Right on the practice seed: `{right}`", ""]
            rows = [
                (f"`{s.code}`", s.holds, neutral(s.says(facts, plain(s.example(facts))), 400))
                for s in task.all_slips(facts)
                if s.holds
            ]
            out += [markdown_table(("code", "held that ...", "the student is told"), rows), ""]
    return "\n".join(out).rstrip()


def _minutes(chapter: str) -> int:
    """A chapter may have several notebooks."""
    paths = NOTEBOOKS.glob(f"{chapter}-*.ipynb")
    return sum(minutes(nbformat.read(path, as_version=4)) for path in paths)


def _practice(task: Exercise) -> Facts:
    return Facts(World(PRACTICE, task.scenarios[0]))


def _beliefs(task: Exercise) -> list[str]:
    return [s.code for s in task.all_slips(_practice(task)) if s.holds]


TABLES = {"systems": systems, "chapters": chapters, "answers": answers}
