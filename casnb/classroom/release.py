"""Notebooks to hand out, made from an assignment: questions, answer cells, check cells, no
solutions.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from casnb.base.errors import SourceError
from casnb.base.files import replace_file
from casnb.classroom.course import Assignment, Course
from casnb.classroom.marks import number
from casnb.classroom.tickets import issue
from casnb.teach.course import exercises
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.ticket import VARIABLE

TITLES = {
    "00": "Start here",
    "01": "Scrape the measurement",
    "02": "Decode the report",
    "03": "Attest, and the price of each flag",
    "04": "Use the certificate",
    "05": "Policies and namespaces",
    "06": "Meet Mallory",
    "07": "Production",
    "08": "Measure an enclave",
}
#: What a student is told before the first exercise, by tier.
TOLD = {
    "open": (
        "Your CAS runs on this machine, in a world of your own: your values are nobody else's."
        " Your answers are judged again when you hand in; what a cell shows is for you alone."
    ),
    "sealed": (
        "Your CAS and the judge run on the class server, which keeps every answer with its time. A"
        " new answer is a try, and later tries may be worth less; the same answer again is none."
    ),
}


def notebook(course: Course, task: Assignment, ticket: str = "") -> dict[str, Any]:
    """Return an assignment as a notebook of format 4.5, without outputs, for one student's ticket,
    or for all with a place to paste one.
    """
    cells = [
        _cell("title", "title", _title(course, task)),
        _cell("ticket", "ticket", _ticket_cell(ticket), code=True, hidden=bool(ticket)),
        _cell("setup", "setup", _SETUP.format(name=task.name), code=True),
    ]
    chapter = ""
    scenario = "public"
    for id in task.exercises:
        exercise = exercises.exercise(id)
        if exercise.chapter != chapter:
            chapter = exercise.chapter
            cells.append(_cell(f"chapter-{chapter}", "", f"## {TITLES[chapter]}"))
            if exercise.scenarios[0] != scenario:
                scenario = exercise.scenarios[0]
                source = (
                    f"# This chapter's CAS is another one: {scenario}.\n"
                    f'lab = start("{task.name}", scenario="{scenario}")\nlab'
                )
                cells.append(_cell(f"lab-{chapter}", "", source, code=True))
        cells += _exercise(exercise, task.worth(id), task.sealed)
    cells.append(_cell("end", "", _end(task)))
    cells += _attested(task)
    own: dict[str, Any] = {"course": course.id, "assignment": task.name}
    if ticket:
        own["ticket"] = ticket
    return {
        "cells": cells,
        "metadata": {
            "casnb": own,
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


_SETUP = """\
from casnb.teach import start

lab = start("{name}")
lab"""


def _title(course: Course, task: Assignment) -> str:
    due = f" Hand in by {task.due}." if task.due else ""
    how = "**Hand in this file, saved, with the outputs of its check cells.**"
    if task.sealed:
        how = "**Nothing is handed in: the class server has your answers.**"
    return (
        f"# {_words(course.title)}: {task.name}\n\n{_words(course.term)}. {len(task.exercises)}"
        f" exercises, {number(task.of)} points.{due}\n\n{TOLD[task.tier]}\n\n{how}"
        " The lessons are the open book: `casnb lab`."
    )


def _words(text: str) -> str:
    """Text of the course's file as Markdown that says the same."""
    return "".join("\\" + c if c in "\\`*_{}[]<>#|!&" else c for c in text)


def _ticket_cell(ticket: str) -> str:
    if not ticket:
        return (
            "# Paste your ticket between the quotes. Without one this is the practice world.\n"
            f'import os\n\nif ticket := "":\n    os.environ["{VARIABLE}"] = ticket'
        )
    lines = textwrap.wrap(ticket, 88, break_on_hyphens=False)
    if len(lines) > 8:
        lines = [ticket]
    text = "\n".join(f'    "{line}"' for line in lines)
    return (
        f'# Whose world this is: your ticket.\nimport os\n\nos.environ["{VARIABLE}"] = (\n{text}\n)'
    )


def _exercise(task: Exercise, points: float, sealed: bool) -> Iterator[dict[str, Any]]:
    base = task.id.replace(".", "-")
    worth = f"{number(points)} point" + ("" if points == 1 else "s")
    fixed = [t for t in (task.question, task.given, task.wanted) if isinstance(t, str)]
    # The class server puts each question, and so knows when it was opened.
    shown = sealed or isinstance(task.judge, (Choice, Pairing)) or len(fixed) < 3
    ask = "The next cell puts the question."
    if not shown:
        ask = f"{task.question}\n\nGiven: {task.given}. Answer: {task.wanted}."
    yield _cell(base, "exercise", f"### {task.title} ({worth})\n\n{ask}")
    if shown:
        yield _cell(f"{base}-run", "", f'lab.task("{task.id}")', code=True)
    form = ""
    if isinstance(task.judge, Pairing):
        form = "# {" + ", ".join(f'"{k}": "?"' for k in task.judge.keys) + "}\n"
    yield _cell(f"{base}-answer", "answer", f"{form}{task.name} = ...", code=True)
    yield _cell(f"{base}-check", "check", f'lab.check("{task.id}", {task.name})', code=True)


def _end(task: Assignment) -> str:
    if task.sealed:
        return (
            "## Done\n\nThe class server has your answers; there is no file to hand in."
            " `lab.progress()` says what is still open."
        )
    return (
        "## Hand in\n\nRun all cells once more, save, and hand in this file. `lab.progress()` says"
        f' what is still open; `lab.receipt("{task.name}.json")` writes the same answers for those'
        " who work without a notebook."
    )


def _attested(task: Assignment) -> list[dict[str, Any]]:
    """Cells to hand in through the class's CAS, where the assignment is about sessions."""
    if "05" not in task.chapters or task.sealed:
        return []
    told = (
        "## Hand in through the class's CAS\n\nIf your teacher runs one: attest it under your own"
        " policy, and put your answers there as a secret of your own session. You need the notice"
        " `class-cas.json`, the address, and the MRENCLAVE to expect, from your teacher. Whoever"
        " waives a check may be handing in to somebody else."
    )
    code = (
        "# Put your teacher's values for the three dots.\n"
        "from casnb.policy.policy import AttestationPolicy\n\n"
        "ADDRESS, MRENCLAVE = ..., ...\n"
        "if ADDRESS is not ...:\n"
        "    policy = AttestationPolicy(mrenclaves=(MRENCLAVE,), expected_signer=lab.vendor)\n"
        f'    display(lab.hand_in(ADDRESS, policy, path="{task.name}.json"))'
    )
    return [_cell("attested", "", told), _cell("attested-run", "", code, code=True)]


def _cell(
    id: str, tag: str, source: str, *, code: bool = False, hidden: bool = False
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": [tag]} if tag else {}
    if hidden:
        metadata["jupyter"] = {"source_hidden": True}
    made = {"id": id, "metadata": metadata, "source": source}
    if code:
        return {"cell_type": "code", "execution_count": None, "outputs": [], **made}
    return {"cell_type": "markdown", **made}


def text_of(book: dict[str, Any]) -> str:
    """Return a notebook as its file."""
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def tickets_csv(course: Course, task: Assignment) -> str:
    """Return who gets which ticket: not for everybody's eyes."""
    lines = ["student,ticket", *(f"{s.id},{issue(course, task, s.id).text}" for s in course.roster)]
    return "\n".join(lines) + "\n"


def put(path: Path, text: str, mode: int | None = None) -> Path:
    """Write a file with its folders. Raises SourceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text, mode=mode)
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to write") from None
    return path


def write_release(course: Course, task: Assignment, out: Path, *, each: bool = False) -> list[Path]:
    """Write one notebook for all with a list of tickets, unless `each`, and one notebook for each
    student. Returns what was written. Raises SourceError.
    """
    written = []
    if not each:
        written.append(put(out / f"{task.name}.ipynb", text_of(notebook(course, task))))
        written.append(put(out / "tickets.csv", tickets_csv(course, task), 0o600))
    for student in course.roster:
        book = notebook(course, task, issue(course, task, student.id).text)
        written.append(
            put(out / "students" / student.id / f"{task.name}.ipynb", text_of(book), 0o600)
        )
    return written
