"""Progress: what was answered, tried and predicted so far, and what it adds up to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from casnb.base import strictjson
from casnb.base.times import stamp
from casnb.base.view import Shown, cell, text_table
from casnb.teach.course.answer_json import RECEIPT, Answer
from casnb.teach.course.exercises import book_of, catalogue
from casnb.teach.course.feedback import NOT_YET, RIGHT

_COLUMNS = ("exercise", "title", "status", "answers", "hints")


@dataclass(frozen=True)
class Entry:
    """One exercise so far: best status, answers tried, hints and solutions taken, the
    misconceptions met, when it was first right, and the answer that counts: the last right one, or
    the last.
    """

    status: str = NOT_YET
    tries: int = 0
    hints: int = 0
    codes: tuple[str, ...] = ()
    at: str = ""
    solutions: int = 0
    answer: Any = None

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "tries": self.tries,
            "hints": self.hints,
            "codes": list(self.codes),
            "at": self.at,
            "solutions": self.solutions,
            "answer": self.answer,
        }


@dataclass(frozen=True)
class Said:
    """A prediction or a choice: what was said first and last, and what it was."""

    first: str
    last: str
    was: str = ""
    question: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"first": self.first, "last": self.last, "was": self.was, "question": self.question}

    @property
    def right(self) -> bool:
        """Whether what was said first is what it was."""
        return self.first == self.was


@dataclass(frozen=True)
class Progress(Shown):
    """How far a reader has come; `full` when every exercise listed is right."""

    entries: Mapping[str, Entry]
    notes: tuple[str, ...] = ()

    @property
    def marks(self) -> int:
        """Exercises answered right."""
        return sum(e.status == RIGHT for e in self.entries.values())

    @property
    def of(self) -> int:
        return len(self.entries)

    @property
    def full(self) -> bool:
        return self.marks == self.of > 0

    @property
    def sentence(self) -> str:
        return f"{self.marks} of {self.of} exercises are right." + (
            " That is all of them." if self.full else ""
        )

    @property
    def still(self) -> str:
        """What is open, by id."""
        left = [id for id, e in self.entries.items() if e.status != RIGHT]
        return "Still open: " + ", ".join(left) + "." if left else "Nothing is open."

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        known = catalogue()
        return [
            (id, known[id].title, e.status, str(e.tries), str(e.hints))
            for id, e in self.entries.items()
        ]

    def __str__(self) -> str:
        lines = [
            text_table(_COLUMNS, self._rows()),
            "",
            self.sentence,
        ]
        return "\n".join(lines + [f"note: {n}" for n in self.notes])

    def _html(self) -> str:
        head = (
            f'<div class="verdict" data-marks="{self.marks}"'
            f' data-of="{self.of}">{cell(self.sentence)}</div>'
        )
        rows = "".join(
            f'<tr><th scope="row"><a href="{escape(link_to(id))}"><code>{cell(id)}</code></a></th>'
            + "".join(f"<td>{cell(word)}</td>" for word in words)
            + "</tr>"
            for id, *words in self._rows()
        )
        columns = "".join(f'<th scope="col">{c}</th>' for c in _COLUMNS)
        table = (
            f"<table><caption>{cell(self.still)}</caption><thead><tr>{columns}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
        return head + table + "".join(f"<p>note: {cell(n, 400)}</p>" for n in self.notes)


def link_to(id: str) -> str:
    """Return the address of an exercise in the notebooks: JupyterLab's anchor of its heading. A
    notebook that runs in a folder below the others (an update, a projector's copy) leads there.
    """
    known, book = catalogue(), f"{book_of(id)}.ipynb"
    up = next((u for u in ("", "../", "../../") if Path(f"{u}{book}").is_file()), "")
    return f"{up}{book}#{quote(heading(known[id].title).replace(' ', '-'))}"


def heading(title: str) -> str:
    """Return the heading of an exercise in its notebook."""
    small = title if title.split()[0].isupper() else title[0].lower() + title[1:]
    return f"Exercise: {small}"


def receipt(progress: Progress, answers: Mapping[str, Answer], **about: str) -> dict[str, Any]:
    """Return what a reader may hand in: the answers, marks, entries, what it is about, time, and a
    SHA-256 over all that as compact JSON. `answer_json.parse_receipt` reads it.

    The digest shows accidental changes only. Not proven: who answered, and that nobody wrote the
    file by hand. A judge looks at the answers and at nothing else.
    """
    body: dict[str, Any] = {
        "format": RECEIPT,
        **about,
        "made_at": utc(),
        "marks": progress.marks,
        "of": progress.of,
        "exercises": {
            id: {k: v for k, v in e.to_json().items() if k != "answer"}
            for id, e in progress.entries.items()
        },
        "answers": [a.to_json() for a in answers.values()],
    }
    return {**body, "sha256": hashlib.sha256(strictjson.compact(body)).hexdigest()}


def utc() -> str:
    """Return the time now as it is kept: UTC, to the second."""
    return stamp(datetime.now(timezone.utc))
