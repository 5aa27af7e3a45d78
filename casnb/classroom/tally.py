"""How far each student is, from the record's events alone: the same for the judge, the board and
the marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.classroom.record import CHECKED, HINTED, OPENED, RESET, Event
from casnb.teach.course.answer_json import tagged
from casnb.teach.course.feedback import RIGHT, WRONG


@dataclass
class Work:
    """One student's work on one exercise: when it was opened, answers that counted up to the first
    right one, when that was (0: not yet), misconceptions in their order, and hints.

    `events` are the different answers in the order in which they came.
    """

    opened: float = 0.0
    tries: int = 0
    right_at: float = 0.0
    codes: list[str] = field(default_factory=list)
    hints: int = 0
    events: dict[bytes, Event] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """What the answers so far come to; empty while there is none."""
        return RIGHT if self.right_at else WRONG if self.tries else ""

    @property
    def counts(self) -> Event | None:
        """The answer that marks are given for: the first right one, or the last."""
        right = next((e for e in self.events.values() if e.status == RIGHT), None)
        return right or next(reversed(self.events.values()), None)

    def known(self, answer: Any) -> Event | None:
        """Return what became of this answer when it was given before."""
        return self.events.get(fingerprint(answer))


def fingerprint(answer: Any) -> bytes:
    """Return what two equal plain answers have in common."""
    return strictjson.compact(tagged(answer))


@dataclass
class Standing:
    """One student: work by exercise, when they were last heard of, and the last answer."""

    works: dict[str, Work] = field(default_factory=dict)
    heard: float = 0.0
    answered: float = 0.0


class Tally:
    """The standing of each student of whom there is an event; `version` counts the events."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.students: dict[str, Standing] = {}
        self.version = 0
        self.since = 0.0
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take in one event."""
        self.version += 1
        self.since = self.since or event.at
        standing = self.students.setdefault(event.student, Standing())
        standing.heard = max(standing.heard, event.at)
        if event.event == RESET:
            return
        work = standing.works.setdefault(event.exercise, Work())
        work.opened = work.opened or event.at
        if event.event == HINTED:
            work.hints += 1
        if event.event != CHECKED:
            assert event.event in (OPENED, HINTED)
            return
        standing.answered = max(standing.answered, event.at)
        work.events[fingerprint(event.answer)] = event
        if work.right_at:
            return
        work.tries += 1
        if event.status == RIGHT:
            work.right_at = event.at
        elif event.code:
            work.codes.append(event.code)

    def work(self, student: str, exercise: str) -> Work:
        """Return a student's work on an exercise, which may be none."""
        standing = self.students.get(student)
        return (standing.works.get(exercise) if standing else None) or Work()

    def of(self, student: str) -> Mapping[str, Work]:
        """Return a student's work by exercise."""
        standing = self.students.get(student)
        return standing.works if standing else {}
