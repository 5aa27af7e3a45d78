"""What a grading shows of the class as a whole: what they hold, and whose answers are right in
whose world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from casnb.base.view import cell, html_table, text_table
from casnb.classroom.course import Assignment
from casnb.classroom.document import page
from casnb.classroom.grade import Mark
from casnb.teach.course import exercises
from casnb.teach.course.feedback import NOT_YET, RIGHT
from casnb.teach.course.known import KINDS, SHELL
from casnb.teach.facts import Facts

#: More students than this have the same right answer: then it tells nothing of one of them.
_SHARED = 3
#: Fewer different right answers than this in a class, and chance may explain a match.
_MANY = 20
CAUTION = (
    "An observation, no verdict. Two who worked side by side, one who mistook a colleague's"
    " terminal for their own, and one who helped look the same. Ask first: how did you come by"
    " this value?"
)
CANNOT = (
    "This report cannot see who did the work, whether somebody helped, answers that were right in"
    " the student's own world, and letters: one in four is right by chance."
)


#: What is said of a wrong answer behind which no belief is known, by its code.
_UNNAMED = {
    "": "had the right idea in another form",
    "form": "did not answer in the form that was asked for",
    "other": "answered wrongly, and no known misconception fits",
}


@dataclass(frozen=True)
class Belief:
    """A misconception: who tried the exercise, and whose answer showed it."""

    exercise: str
    code: str
    holds: str
    tried: int
    students: tuple[str, ...]

    @property
    def sentence(self) -> str:
        held = f"held that {self.holds}" if self.holds else _UNNAMED.get(self.code, _UNNAMED[""])
        return f"{len(self.students)} of the {self.tried} who tried {held}"


@dataclass(frozen=True)
class Elsewhere:
    """An answer that is wrong in its student's world, and right in that of others."""

    student: str
    exercise: str
    of: tuple[str, ...]
    answer: str
    #: Of how many different right answers in this class it is one.
    kinds: int

    @property
    def sentence(self) -> str:
        shown = ", ".join(self.of)
        chance = (
            f" (the class has only {self.kinds} right answers to it: chance may explain this)"
            if self.kinds < _MANY
            else ""
        )
        return f"{self.student}'s {self.exercise} is right in the world of {shown}{chance}"


@dataclass(frozen=True)
class Report:
    """What is told to a teacher about one grading."""

    assignment: str
    marks: tuple[Mark, ...]
    beliefs: tuple[Belief, ...]
    elsewhere: tuple[Elsewhere, ...]

    @property
    def unjudged(self) -> list[Mark]:
        return [m for m in self.marks if not m.judged]

    @property
    def sentence(self) -> str:
        there = [m for m in self.marks if m.judged and m.handed_in]
        if not there:
            return f"{self.assignment}: nothing that was handed in could be judged."
        middle = median(m.points for m in there)
        return (
            f"{self.assignment}: {len(there)} judged; the median is {middle:g} of"
            f" {there[0].of:g} points."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "judged": sum(m.judged and m.handed_in for m in self.marks),
            "handed_in_nothing": [m.student for m in self.marks if not m.handed_in],
            "not_judged": [{"student": m.student, "notes": list(m.notes)} for m in self.unjudged],
            "misconceptions": [
                {
                    "exercise": b.exercise,
                    "code": b.code,
                    "holds": b.holds,
                    "tried": b.tried,
                    "students": list(b.students),
                    "sentence": b.sentence,
                }
                for b in self.beliefs
            ],
            "elsewhere": [
                {
                    "student": e.student,
                    "exercise": e.exercise,
                    "right_for": list(e.of),
                    "answer": e.answer,
                    "right_answers_in_class": e.kinds,
                    "sentence": e.sentence,
                }
                for e in self.elsewhere
            ],
            "caution": CAUTION,
            "cannot_see": CANNOT,
        }

    def _tables(self) -> list[tuple[str, Sequence[str], list[tuple[str, ...]]]]:
        return [
            (
                "What they hold, most frequent first",
                ("misconception", "exercise", "code"),
                [(b.sentence, b.exercise, b.code) for b in self.beliefs],
            ),
            (
                "Right in the world of somebody else",
                ("observation", "answer"),
                [(e.sentence, e.answer) for e in self.elsewhere],
            ),
            (
                "Could not be judged",
                ("student", "why"),
                [(m.student, "; ".join(m.notes)) for m in self.unjudged],
            ),
        ]

    def __str__(self) -> str:
        out = [self.sentence]
        for title, header, rows in self._tables():
            out += ["", f"{title}:", text_table(header, rows) if rows else "  none"]
        return "\n".join([*out, "", CAUTION, CANNOT])

    def page(self) -> str:
        """Return the report as a page that needs nothing else."""
        body = [f"<h1>{cell(self.sentence)}</h1>"]
        for title, header, rows in self._tables():
            body.append(f"<h2>{cell(title)}</h2>")
            if title.startswith("Right"):
                body.append(f"<p>{cell(CAUTION)}</p>")
            body.append(html_table(header, rows, limit=400) if rows else "<p>None.</p>")
        body.append(f"<h2>What this report cannot see</h2><p>{cell(CANNOT, 400)}</p>")
        return page(f"{self.assignment}: report", "".join(body))


def report_on(task: Assignment, marks: Sequence[Mark]) -> Report:
    """Return what the marks of one grading show."""
    return Report(task.name, tuple(marks), tuple(beliefs(marks)), tuple(elsewhere(marks)))


def beliefs(marks: Iterable[Mark]) -> list[Belief]:
    """Return the misconceptions met, most frequent first."""
    tried: Counter[str] = Counter()
    held: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        for id, row in mark.rows.items():
            tried[id] += row.status != NOT_YET
            if row.code and row.status not in (RIGHT, NOT_YET):
                held.setdefault((id, row.code), []).append(mark.student)
    out = [
        Belief(id, code, holds(id).get(code, ""), tried[id], tuple(students))
        for (id, code), students in held.items()
    ]
    return sorted(out, key=lambda b: (-len(b.students), b.exercise, b.code))


#: What is held by whoever gives a value that is right, but not here.
_ELSEWHERE = {
    "other-exercise": "another exercise's value is what is asked for here",
    "other-world": "a value of another world is theirs",
}


@cache
def holds(id: str) -> Mapping[str, str]:
    """Return, for each misconception that an answer to an exercise can show, the belief behind it:
    the end of *held that ...*. A slip of form alone has none.
    """
    from casnb.simulator.world import World

    task = exercises.exercise(id)
    judge = task.judge_in(Facts(World("casnb", task.scenarios[0])))
    reasons = {**getattr(judge, "reasons", {}), **task.reasons}
    out = {kind.code: kind.holds for kind in (*KINDS, SHELL)} | _ELSEWHERE
    out |= {r.code: r.holds for r in reasons.values() if r.holds}
    out |= {o.code: o.holds for o in judge.options.values() if o.holds}
    return out | {s.code: s.holds for s in task.slips if s.holds}


def elsewhere(marks: Sequence[Mark]) -> list[Elsewhere]:
    """Return the wrong answers that are right in the world of one, two or three others, in the
    order of the roster: no score, and no sorting by suspicion.
    """
    whose: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        for id, prints in mark.own.items():
            for print_ in prints:
                whose.setdefault((id, print_), []).append(mark.student)
    kinds: Counter[str] = Counter()
    for id, whole in {(id, p[0]) for m in marks for id, p in m.own.items() if p}:
        kinds[id] += bool(whole)
    out = []
    for mark in marks:
        for id, row in mark.rows.items():
            own = set(mark.own.get(id, ()))
            for print_ in row.prints:
                others = whose.get((id, print_), [])
                if print_ not in own and 0 < len(others) <= _SHARED:
                    out.append(Elsewhere(mark.student, id, tuple(others), row.answer, kinds[id]))
                    break
    return out
