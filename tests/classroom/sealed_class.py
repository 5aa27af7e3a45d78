"""A sealed course of a few students, and its server, in the test's own process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from casnb.classroom.answer_key import answer_key
from casnb.classroom.class_server import ClassServer, Listen
from casnb.classroom.course import assignment, create, found
from casnb.classroom.tickets import issue
from casnb.teach.class_line import ask, server_address

EXERCISES = ("01.mrenclave", "01.tls", "03.minimal-flags", "03.command", "07.floor")


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class SealedClass:
    """A course with one sealed assignment, and who is in it."""

    def __init__(self, folder: Path, students: int = 4, **others: Any) -> None:
        self.students = [f"u{n:03}" for n in range(1, students + 1)]
        people = "".join(f"{s},Name {s},{s}@example.org\n" for s in self.students)
        (folder / "people.csv").write_text("id,name,email\n" + people)
        self.dir = folder / "course"
        course = create(self.dir, "Confidential computing", "2026w", folder / "people.csv")
        course.assignments["hw1"] = assignment(  # type: ignore[index]
            "hw1", EXERCISES, **{"tier": "sealed", **others}
        )
        course.save()
        self.course = found(self.dir)
        self.task = self.course.assignment("hw1")
        self.clock = Clock()

    def named(self, host: str) -> SealedClass:
        """The same class, whose tickets name a machine."""
        self.course.assignments["hw1"] = assignment(  # type: ignore[index]
            "hw1", EXERCISES, tier="sealed", server=f"https://{host}:8600"
        )
        self.course.save()
        self.course = found(self.dir)
        self.task = self.course.assignment("hw1")
        return self

    @contextmanager
    def serving(self, **others: Any) -> Any:
        """Serve it at any free port, in plain HTTP under a name that no resolver knows; `url` is
        where.
        """
        at = others.pop("at", Listen("127.0.0.1", 0))
        reach = others.pop("reach", "")
        if reach:
            others["plain"] = True
        made = {"clock": self.clock, "between": 0.0, **others}
        with ClassServer(self.course, self.task, at, **made) as server:
            self.url, self.server = server.url, server
            if reach:
                self.url = self.url.replace(at.known_as, reach)
            yield server

    def ticket(self, student: str = "u001", **others: Any) -> str:
        task = replace(self.task, **others)
        return issue(self.course, task, student, self.url if task.sealed else "").text

    def ask(self, what: str, student: str = "u001", ticket: str | None = None, **body: Any) -> Any:
        text = self.ticket(student) if ticket is None else ticket
        waited: list[float] = []
        found = ask(
            server_address(self.url), f"/api/1/{what}", f"Bearer {text}", body, wait=waited.append
        )
        self.waited = waited
        return found

    def check(self, id: str, answer: Any, student: str = "u001") -> Any:
        return self.ask("check", student, exercise=id, answer=answer)

    def key(self, student: str = "u001") -> dict[str, Any]:
        return answer_key(self.course, self.task, student).answers

    def run(self, *words: object) -> Any:
        from click.testing import CliRunner

        from casnb.cli.main import casnb

        return CliRunner().invoke(
            casnb, ["class", *map(str, words), "--course", str(self.dir)], prog_name="casnb"
        )

    def lines(self) -> list[dict[str, Any]]:
        """What the record holds, without its first line."""
        text = self.course.record("hw1").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()[1:]]
