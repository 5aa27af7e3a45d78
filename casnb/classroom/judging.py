"""The judge of a sealed assignment: tries are counted here, answers judged in the student's world,
and both written down before the student hears of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casnb.base.errors import EvidenceError, UsageError, neutral
from casnb.classroom.course import Assignment, Course, end_of
from casnb.classroom.record import CHECKED, HINTED, OPENED, RESET, Event, Record, now
from casnb.classroom.roster import Student
from casnb.classroom.sealed_worlds import SealedWorlds
from casnb.classroom.tally import Tally, Work
from casnb.classroom.tickets import issue, verified
from casnb.teach.class_line import server_address
from casnb.teach.course import exercises
from casnb.teach.course.answers import plain
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.feedback import NOT_YET, RIGHT
from casnb.teach.course.judgement import feedback_on
from casnb.teach.course.slips import told

#: Seconds from one new answer of a student to the next: four letters are not tried out in one.
BETWEEN = 5.0
#: Answers to one exercise that are taken.
TRIES = 60
#: Seconds after which a request may come again that met another one of the same student.
_BUSY = 0.3


class Refusal(Exception):
    """A request that is not granted: HTTP status, one sentence, and seconds to wait, if waiting
    helps.
    """

    def __init__(self, status: int, sentence: str, wait: float | None = None) -> None:
        self.status, self.sentence, self.wait = status, sentence, wait
        super().__init__(sentence)


@dataclass(frozen=True)
class Said:
    """What a student is told of an answer: status, message, misconception's code, how many answers
    counted, whether one of them was right, the share of the points that it earned or that the next
    one may earn, and a remark.
    """

    status: str
    message: str
    code: str
    tries: int
    right: bool
    worth: float
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "message": self.message,
            "code": self.code,
            "tries": self.tries,
            "right": self.right,
            "worth": self.worth,
            "note": self.note,
        }


class Judge:
    """Judges answers of students, each in a world of their own; `record` is where they are kept.

    Students do not wait for each other's judgement: of one student one request at a time is
    worked on, and another one is put off, not queued.
    """

    def __init__(
        self,
        course: Course,
        task: Assignment,
        worlds: SealedWorlds,
        record: Record,
        *,
        clock: Callable[[], float] = now,
        between: float = BETWEEN,
    ) -> None:
        self.course, self.task, self.worlds, self.record = course, task, worlds, record
        self.clock, self.between = clock, between
        self.key = course.key
        self.students = {s.id: s for s in course.roster}
        self.tally = Tally(record.past)
        self.end = end_of(task.due)
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    # Who asks

    def student(self, ticket: str) -> Student:
        """Return whose ticket this is. Raises Refusal: 401 for one that this course did not sign,
        403 for one that it signed for something else, or for somebody who is not in the class.
        """
        if not ticket:
            raise Refusal(401, "No ticket came with this request: put yours into CASNB_TICKET.")
        try:
            found = verified(self.key, ticket)
        except EvidenceError:
            raise Refusal(
                401, "This ticket is not one that this course signed. Copy it again, whole."
            ) from None
        if (found.course, found.assignment) != (self.course.id, self.task.name):
            raise Refusal(
                403,
                f"This ticket is for {neutral(found.assignment, 40)} of"
                f" {neutral(found.course, 200)}; here is {self.task.name} of {self.course.id}.",
            )
        if not found.server:
            raise Refusal(
                403, "This ticket is of the open tier; ask your teacher for one of this server."
            )
        student = self.students.get(found.student)
        if student is None:
            raise Refusal(403, "This ticket's student is not, or no longer, in this class.")
        return student

    def ticket(self, name: str, assignment: str, server: str) -> str:
        """Return the ticket of whom a Hub calls so, for a server under this address. Raises Refusal
        for somebody who is not in the class, and for another assignment.
        """
        if assignment != self.task.name:
            raise Refusal(404, f"Here is {self.task.name}, and no {neutral(assignment, 40)}.")
        known = name.casefold()
        found = next((s for s in self.students.values() if s.id.casefold() == known), None)
        if found is None:
            raise Refusal(403, f"{neutral(name, 64)} is not in this class.")
        server_address(server)
        return issue(self.course, self.task, found.id, server).text

    @contextmanager
    def turn(self, student: str) -> Iterator[None]:
        """Work on one request of a student at a time; put another one off (429)."""
        with self._lock:
            if student in self._busy:
                raise Refusal(429, "Another request of yours is being worked on.", _BUSY)
            self._busy.add(student)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(student)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the tally still, for as long as somebody reads all of it."""
        with self._lock:
            yield

    def _exercise(self, id: str) -> Exercise:
        if id not in self.task.exercises:
            raise Refusal(404, f"{neutral(id, 80)} is not an exercise of {self.task.name}.")
        return exercises.exercise(id)

    def _open(self) -> None:
        if self.end is not None and self.clock() > self.end.timestamp():
            raise Refusal(
                403, f"{self.task.name} was due {self.task.due}: no more answers are taken."
            )

    def _add(self, event: Event) -> None:
        again = self.record.add(event)
        with self._lock:
            self.tally.add(again)

    # What is asked

    def posed(self, student: str, id: str) -> dict[str, Any]:
        """Return an exercise as it is put in this student's world; the first time, it is opened."""
        task = self._exercise(id)
        self._opened(student, id)
        posed = task.posed(self.worlds.facts(student, id))
        return {
            "exercise": id,
            "title": posed.title,
            "question": posed.question,
            "given": posed.given,
            "wanted": posed.wanted,
            "options": {k: o.text for k, o in posed.options.items()},
        }

    def _opened(self, student: str, id: str) -> None:
        if not self.tally.work(student, id).opened:
            self._add(Event(self.clock(), student, OPENED, id))

    def hint(self, student: str, id: str) -> dict[str, Any]:
        """Return the next of three hints; they are counted."""
        task = self._exercise(id)
        self._open()
        step = min(self.tally.work(student, id).hints + 1, len(task.hints))
        if self.tally.work(student, id).hints < len(task.hints):
            self._add(Event(self.clock(), student, HINTED, id))
        text = told(task.hints[step - 1], self.worlds.facts(student, id))
        return {"exercise": id, "step": step, "of": len(task.hints), "text": text}

    def check(self, student: str, id: str, answer: Any) -> Said:
        """Judge an answer and count it. One that was given before is answered as before, and does
        not count again; nor does one that comes after a right one.
        """
        task = self._exercise(id)
        value = plain(answer)
        work = self.tally.work(student, id)
        known = work.known(value)
        if known is not None:
            note = "" if known.status == RIGHT else "The same answer as before: it does not count."
            return self._said(work, known.status, known.message, known.code, note)
        self._open()
        standing = self.tally.students.get(student)
        left = (standing.answered if standing else 0.0) + self.between - self.clock()
        if left > 0:
            left = min(left, self.between)
            raise Refusal(429, f"One new answer in {self.between:g} seconds: wait a little.", left)
        if len(work.events) >= TRIES:
            raise Refusal(
                403, f"{len(work.events)} answers to {id} were taken, and no more are. Ask."
            )
        facts = self.worlds.facts(student, id)
        feedback = feedback_on(task, value, facts)
        if feedback.status == NOT_YET:
            self._opened(student, id)
            return self._said(work, NOT_YET, feedback.message, "", "")
        message = neutral(feedback.message, 800)
        before = bool(work.right_at)
        self._add(
            Event(
                self.clock(), student, CHECKED, id, value, feedback.status, feedback.code, message
            )
        )
        work = self.tally.work(student, id)
        note = f"It was right at try {work.tries} already: that counts." if before else ""
        return self._said(work, feedback.status, message, feedback.code, note)

    def _said(self, work: Work, status: str, message: str, code: str, note: str) -> Said:
        worth = share(self.task, work.tries if work.right_at else work.tries + 1)
        return Said(status, message, code, work.tries, bool(work.right_at), worth, note)

    def progress(self, student: str) -> dict[str, Any]:
        """Return a student's own work, by exercise, in their order."""
        works = self.tally.of(student)
        out = {}
        for id in self.task.exercises:
            work = works.get(id) or Work()
            out[id] = {
                "status": work.status or NOT_YET,
                "tries": work.tries,
                "hints": work.hints,
                "codes": list(dict.fromkeys(work.codes)),
                "at": _time(work.right_at) if work.right_at else "",
                "worth": self._said(work, "", "", "", "").worth,
            }
        return {"exercises": out}

    def reset(self, student: str) -> None:
        """Give a student a new world of the same seed; tries and answers stay. Raises UsageError
        for somebody who is not in the class.
        """
        if student not in self.students:
            raise UsageError("student", got=student, wanted="an id of the roster")
        self.worlds.reset(student)
        self._add(Event(self.clock(), student, RESET))


def share(task: Assignment, tries: int) -> float:
    """Return what a right answer is worth at this try, as a share of the exercise's points."""
    return task.by_try[min(tries, len(task.by_try)) - 1]


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
