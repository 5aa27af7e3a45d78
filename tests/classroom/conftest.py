"""A course of four students, and hand-ins made as data."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from casnb.classroom.answer_key import answer_key
from casnb.classroom.course import assignment, create, found
from casnb.classroom.release import notebook
from casnb.classroom.tickets import issue, seed_of
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import MIME, Answer, world_id
from casnb.teach.course.answers import plain

STUDENTS = ("u001", "u002", "u003", "u004")


class Class:
    """A course in a folder, and what its students hand in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        roster = folder / "people.csv"
        roster.write_text(
            "id,name,email\n" + "".join(f"{s},Name {s},{s}@example.org\n" for s in STUDENTS)
        )
        self.dir = folder / "course"
        course = create(self.dir, "Confidential computing", "2026w", roster)
        ids = [e.id for chapter in ("01", "03", "07") for e in exercises.of_chapter(chapter)]
        course.assignments["hw1"] = assignment("hw1", ids)  # type: ignore[index]
        course.save()
        self.course = found(self.dir)
        self.task = self.course.assignment("hw1")

    def key(self, student: str) -> dict[str, Any]:
        return answer_key(self.course, self.task, student).answers

    def seed(self, student: str) -> str:
        return seed_of(self.course.key, "2026w", "hw1", student)

    def outputs(self, student: str, answers: dict[str, Any]) -> dict[str, Any]:
        """What `lab.check` of this student's lab puts beside its HTML, by exercise."""
        return {
            id: Answer(
                id, plain(a), world_id(self.seed(student), exercises.exercise(id).scenarios[0])
            ).to_json()
            for id, a in answers.items()
        }

    def notebook(
        self, student: str, answers: dict[str, Any] | None = None, ticket: str | None = None
    ) -> dict[str, Any]:
        """The released notebook of a student, saved with these answers, or the right ones."""
        if ticket is None:
            ticket = issue(self.course, self.task, student).text
        book = notebook(self.course, self.task, ticket)
        sent = self.outputs(student, self.key(student) if answers is None else answers)
        for cell in book["cells"]:
            for id, raw in sent.items():
                if cell["id"] == id.replace(".", "-") + "-check":
                    cell["outputs"] = [
                        {
                            "output_type": "execute_result",
                            "execution_count": 1,
                            "metadata": {},
                            "data": {MIME: raw, "text/plain": "RIGHT"},
                        }
                    ]
        return book

    def hand_in(self, where: str, book: Any) -> Path:
        path = self.folder / "in" / where
        path.parent.mkdir(parents=True, exist_ok=True)
        data = book if isinstance(book, bytes) else json.dumps(book).encode()
        path.write_bytes(data)
        return path

    def run(self, *words: object) -> Any:
        from casnb.cli.main import casnb

        return CliRunner().invoke(
            casnb, ["class", *map(str, words), "--course", str(self.dir)], prog_name="casnb"
        )

    def grade(self, *words: object) -> SimpleNamespace:
        """Grade what lies in `in`, and return exit code and rows by student."""
        result = self.run("grade", "hw1", *(words or (self.folder / "in",)))
        assert not isinstance(result.exception, BaseException) or isinstance(
            result.exception, SystemExit
        ), result.exception
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        return SimpleNamespace(
            code=result.exit_code,
            rows={r["student"]: r for r in rows},
            text=result.stdout,
            said=result.stderr,
            all=rows,
        )


@pytest.fixture
def klass(tmp_path: Path) -> Class:
    return Class(tmp_path)
