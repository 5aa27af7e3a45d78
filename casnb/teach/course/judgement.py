"""What to say about an answer to an exercise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError
from casnb.teach.course import known, neighbour
from casnb.teach.course.answers import Foreign, plain, said, same, unanswered
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.exercises import catalogue
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG, Feedback
from casnb.teach.course.form_marks import MARKS
from casnb.teach.course.judges import Hex
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.slips import Slip, told
from casnb.teach.course.spelling import Reading

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


def feedback_on(task: Exercise, answer: object, facts: Facts) -> Feedback:
    """Return what to say about `answer`: what its value is, then what is wrong with its form.

    Never raises for an answer, and runs no code of it. Raises UsageError for the facts of a
    scenario that the question is not about.
    """
    if facts.world.scenario not in task.scenarios:
        raise UsageError(
            f"exercise {task.id}",
            got=f"scenario {facts.world.scenario}",
            wanted=" or ".join(task.scenarios),
            do="Its answer would mean something else there.",
        )
    value = plain(answer)
    if unanswered(value):
        return Feedback(
            task.id,
            NOT_YET,
            "Put your answer in place of the three dots. Wanted: " + told(task.wanted, facts),
        )
    return Judgement(task, facts, value).feedback()


class Judgement:
    """One answer to one exercise in one world, and what to say about it."""

    def __init__(self, task: Exercise, facts: Facts, value: Any) -> None:
        self.task, self.facts, self.value = task, facts, value
        self.judge = task.judge_in(facts)
        self.slips = task.slips_in(facts)
        self.reference = task.solution(facts)
        self.readings = [] if isinstance(value, Foreign) else self.judge.readings(value)

    def right(self, value: Any) -> bool:
        """Return whether this value, with nothing around it, is right."""
        also = self.task.also
        return self.judge.same(value, self.reference) or bool(also and also(self.facts, value))

    def feedback(self) -> Feedback:
        """Return what to say."""
        task, facts = self.task, self.facts
        if any(self.right(r.value) for r in self.readings if self.judge.accepts(r)):
            return Feedback(task.id, RIGHT, told(task.right, facts))
        for look in (
            self._early,
            self._form,
            self._named,
            self._bent,
            self._formless,
            self._part,
            self._other,
        ):
            if found := look():
                code, says = found
                return Feedback(task.id, WRONG, says, code)
        problem = self._problem()
        if problem:
            wanted = told(task.wanted, facts)
            says = f"This is not the form that is wanted: {problem.rstrip('.')}. Wanted: {wanted}."
            return Feedback(task.id, WRONG, says, "form")
        nudge = self.judge.nudge(self.value, self.reference)
        says = f"Got {said(self.value)}. {nudge} lab.hint({task.id!r}) goes one step further."
        return Feedback(task.id, WRONG, says.replace("  ", " "), "other")

    def _problem(self) -> str:
        if isinstance(self.value, Foreign):
            return f"got {self.value.named}"
        return self.judge.problem(self.value)

    def _early(self) -> tuple[str, str] | None:
        for slip in self.slips:
            if slip.early and slip.fits(self.facts, self.value):
                return slip.code, slip.says(self.facts, self.value)
        return None

    def _form(self) -> tuple[str, str] | None:
        """The right value in another form."""
        for reading in self.readings:
            if self.right(reading.value):
                for slip in self.slips:
                    if slip.form and slip.fits(self.facts, self.value):
                        return slip.code, slip.says(self.facts, self.value)
                if (mark := reading.mark) is not None:
                    more = [c for c in reading.marks if c != mark.code]
                    aside = Reading(None, tuple(more)).asides
                    return mark.code, mark.says + (f" (Also: {aside}.)" if aside else "")
        return None

    def _named(self) -> tuple[str, str] | None:
        """A value that is known to be wrong: in this task, by its kind, or elsewhere."""
        for reading in self.readings:
            for slip in self.slips:
                value = self.task.stored(self.facts, reading.value)
                if not slip.form and slip.fits(self.facts, value, self._like):
                    return slip.code, self._with(reading, slip.says(self.facts, value))
        for reading in self.readings:
            for slip in self.judge.slips(self.reference):
                if not slip.form and self.judge.like(
                    reading.value, plain(slip.example(self.facts))
                ):
                    return slip.code, slip.says(self.facts, reading.value)
        if isinstance(self.judge, (Choice, Pairing)) and not self._problem():
            return None
        for reading in self.readings:
            if (kind := known.find(self.facts, reading.value)) is not None:
                return kind.code, self._with(reading, kind.says)
        return None

    def _like(self, value: Any, example: Any) -> bool:
        """A pairing's slips are written in the letters of the data, and compared as they are."""
        if isinstance(self.judge, Pairing):
            return same(value, example)
        return self.judge.like(value, example)

    def _with(self, reading: Reading, says: str) -> str:
        asides = "" if self.judge.accepts(reading) else reading.asides
        return says + (f" It was also written {asides}." if asides else "")

    def _bent(self) -> tuple[str, str] | None:
        """A known value reversed or cut short."""
        if not isinstance(self.judge, Hex):
            return None
        values: list[tuple[Slip | known.Kind | None, Any]] = [(None, self.reference)]
        values += [(s, plain(s.example(self.facts))) for s in self.slips if not s.form]
        values += known.rows(self.facts)
        for reading in self.readings:
            for row, value in values:
                if bend := self.judge.bent(reading.value, value):
                    if row is None:
                        return bend, MARKS[bend].says
                    says = row.says(self.facts, value) if isinstance(row, Slip) else row.says
                    return row.code, self._with(reading.but(None, bend), says)
        return None

    def _formless(self) -> tuple[str, str] | None:
        for slip in (*self.slips, *self.judge.slips(self.reference)):
            formal = slip.form and (slip.match or slip in self.slips)
            if formal and slip.fits(self.facts, self.value):
                return slip.code, slip.says(self.facts, self.value)
        return None

    def _part(self) -> tuple[str, str] | None:
        for reading in self.readings:
            if self.judge.problem(reading.value) == "":
                code, says = self.judge.part(reading.value, self.reference)
                if code and code != "other":
                    return code, says
        return None

    def _other(self) -> tuple[str, str] | None:
        """What is right elsewhere: in another exercise, or in another world; else what parts of it
        are wrong.
        """
        if isinstance(self.judge, (Choice, Pairing)) and not self._problem():
            return self._parts()
        for other in catalogue().values():
            if other.id != self.task.id and any(
                self._answers(other, r.value) for r in self.readings
            ):
                says = f"This is the right answer to another exercise: {other.id}, *{other.title}*."
                return "other-exercise", says
        if not self.task.costly and any(self.judge.problem(r.value) == "" for r in self.readings):
            for facts, where in neighbour.worlds(self.facts):
                there = self.task.solution(facts)
                if any(self.judge.like(r.value, there) for r in self.readings):
                    return (
                        "other-world",
                        f"This is right in another world: {where}. It is not yours.",
                    )
        return self._parts()

    def _answers(self, other: Exercise, value: Any) -> bool:
        """Whether a value is the right answer to another exercise, in a world that is its own."""
        facts = self.facts
        if facts.world.scenario not in other.scenarios:
            facts = facts.of(other.scenarios[0])
        judge = other.judge_in(facts)
        return neighbour.right_there(judge, lambda: other.solution(facts), value)

    def _parts(self) -> tuple[str, str] | None:
        for reading in self.readings:
            code, says = self.judge.part(reading.value, self.reference)
            if code and isinstance(self.value, (list, frozenset)) and self._problem():
                return None
            if code:
                hint = f" lab.hint({self.task.id!r}) goes one step further."
                return code, f"Got {said(self.value)}. {says}{hint}"
        return None
