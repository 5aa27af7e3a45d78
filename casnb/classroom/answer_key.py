"""One student's world and the right answers in it: for an office hour, or a printed exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casnb.base.errors import UsageError
from casnb.base.view import text_table
from casnb.classroom.course import Assignment, Course
from casnb.classroom.tickets import seed_of
from casnb.simulator.world import World
from casnb.teach.course import exercises
from casnb.teach.course.answers import said
from casnb.teach.facts import Facts


@dataclass(frozen=True)
class AnswerKey:
    """The right answers of one student's world, plain, by exercise."""

    student: str
    assignment: str
    seed: str
    mrenclave: str
    answers: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return `{"ID": answer}`, with a set as `{"set": [...]}` in order."""
        return {id: jsonable(a) for id, a in self.answers.items()}

    def __str__(self) -> str:
        rows = [(id, said(a, 200)) for id, a in self.answers.items()]
        return (
            f"{self.student}, {self.assignment}: seed {self.seed}, MRENCLAVE {self.mrenclave}\n\n"
            + text_table(("exercise", "right answer"), rows)
        )


def answer_key(course: Course, task: Assignment, student: str) -> AnswerKey:
    """Return the key for one student; raise UsageError for somebody who is not on the roster."""
    found = course.roster.find(student)
    if found is None:
        raise UsageError(
            "student", got=student, wanted="an id of the roster", do="roster.csv lists them."
        )
    seed = seed_of(course.key, course.term, task.name, found.id, task.tier)
    facts = Facts(World(seed))
    answers = {}
    for id in task.exercises:
        exercise = exercises.exercise(id)
        own = exercise.scenarios[0]
        answers[id] = exercise.solution(facts if own == facts.world.scenario else facts.of(own))
    return AnswerKey(found.id, task.name, seed, facts.mrenclave, answers)


def jsonable(value: Any) -> Any:
    """Return a plain answer as plain JSON, sets tagged."""
    if isinstance(value, frozenset):
        return {"set": sorted((jsonable(v) for v in value), key=str)}
    if isinstance(value, list):
        return [jsonable(v) for v in value]
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    return value
