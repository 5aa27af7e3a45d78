"""What a student can see of a saved notebook before it is handed in: its answers judged as data, in
the world of the ticket that it carries. It marks nothing.
"""

from __future__ import annotations

from casnb.base.errors import UsageError
from casnb.classroom.collected import Piece, content
from casnb.classroom.course import Assignment
from casnb.classroom.grade import Mark, Task, grade
from casnb.classroom.hand_in import read_hand_in
from casnb.classroom.roster import Student
from casnb.teach.course import exercises
from casnb.teach.course.ticket import Ticket, read_ticket

PURPOSE = "This is for you: marks come from your teacher, who judges the answers again."


def own_check(path: str, ticket: str = "", only: tuple[str, ...] = ()) -> tuple[Ticket, Mark]:
    """Return the ticket that a notebook or receipt is judged by, `ticket` or else the file's own,
    and what its answers are worth.

    The ticket's signature is not checked: only the course can. Runs nothing. Raises SourceError for
    a file that cannot be read, EvidenceError for one that is not a hand-in, UsageError without a
    ticket, for a ticket of a class server, and for an exercise that is not part of it.
    """
    piece = Piece(path, (path,), path)
    text = ticket or read_hand_in(content(piece), path).ticket
    if not text:
        raise UsageError(
            "ticket",
            got="none in the file",
            wanted="the one that your teacher sent",
            do="Paste it into the first cell, or set CASNB_TICKET.",
        )
    found = read_ticket(text)
    if not found.seed:
        raise UsageError(
            "ticket",
            got="one of a class server",
            wanted="one of the open tier",
            do="The class server judges these answers.",
        )
    if beside := [id for id in only if id not in found.exercises]:
        raise UsageError("exercise", got=beside[0], wanted="one of " + ", ".join(found.exercises))
    ids = tuple(exercises.exercise(id).id for id in only or found.exercises)
    own = Assignment(found.assignment, ids)
    return found, grade(Task(Student(found.student), found.seed, own, (piece,))).mark
