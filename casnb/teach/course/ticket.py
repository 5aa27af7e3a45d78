"""A ticket: what tells a lab whose it is. A course signs it; the lab reads it, and only the course
can say whether it is genuine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from casnb.base.errors import UsageError

#: Where a lab looks for one.
VARIABLE = "CASNB_TICKET"
LIMIT = 8000
SALT = "casnb ticket 1"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def is_assignment(name: object) -> bool:
    """Return whether an assignment may have this name: a lower-case letter, then up to 39 letters,
    digits, `-` and `_`.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Ticket:
    """Whose lab it is: course, assignment and student, the exercises in their order, the seed of
    the student's world, or the address of the class server that has it instead.
    """

    course: str
    assignment: str
    student: str
    exercises: tuple[str, ...]
    seed: str = ""
    server: str = ""
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "c": self.course,
            "a": self.assignment,
            "s": self.student,
            "x": list(self.exercises),
            "k": self.seed,
            "u": self.server,
        }


def ticket_of(body: Any, text: str) -> Ticket:
    """Return the ticket with this content; raise UsageError for content that no course writes."""
    wrong = UsageError(
        "ticket",
        got="one that no course wrote",
        wanted="the text as your teacher sent it",
        do="Copy it again, whole.",
    )
    if not isinstance(body, dict):
        raise wrong
    words = [body.get(n) for n in ("c", "a", "s", "k", "u")]
    ids = body.get("x")
    if not all(isinstance(w, str) and len(w) <= 300 and w.isprintable() for w in words):
        raise wrong
    if not isinstance(ids, list) or len(ids) > 200 or not all(isinstance(i, str) for i in ids):
        raise wrong
    course, assignment, student, seed, server = words
    if not is_assignment(assignment) or bool(seed) == bool(server):
        raise wrong
    return Ticket(course, assignment, student, tuple(ids), seed, server, text)  # type: ignore[arg-type]


def read_ticket(text: str) -> Ticket:
    """Read a ticket without its signature, which only the course can check. Raises UsageError."""
    text = text.strip()
    body = None
    if len(text) <= LIMIT:
        try:
            _, body = URLSafeSerializer("", salt=SALT).loads_unsafe(text)
        except (BadData, ValueError, RecursionError):
            body = None
    return ticket_of(body, text)
