"""Exercises: tasks as data, and what to say about an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, prose
from casnb.teach.course import known, neighbour
from casnb.teach.course.answers import Foreign, plain, said, same, unanswered
from casnb.teach.course.choices import LETTERS, Choice, Reason
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG, Feedback
from casnb.teach.course.form_marks import MARKS
from casnb.teach.course.judges import Hex, Judge
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.slips import Slip, Told, told
from casnb.teach.course.spelling import Reading

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


class Chapter(NamedTuple):
    """A chapter: the module with its tuple `EXERCISES`, and the scenario that its lab plays.

    Its notebook bears the module's name. `second` is the name of another one, for a chapter of two
    parts, and `asks` are the exercises that are asked there.
    """

    module: str
    scenario: str = "public"
    second: str = ""
    asks: tuple[str, ...] = ()


#: One data module per chapter, each with a tuple `EXERCISES`.
CHAPTERS: Mapping[str, Chapter] = {
    "00": Chapter("start_here"),
    "01": Chapter("scrape_mrenclave"),
    "02": Chapter("decode_the_report"),
    "03": Chapter("attest_and_flags"),
    "04": Chapter("use_the_certificate"),
    "05": Chapter(
        "policies_and_namespaces",
        second="05-public-and-private",
        asks=("05.full-name", "05.creator", "05.which-session", "05.head", "05.readers"),
    ),
    "06": Chapter("meet_mallory"),
    "07": Chapter("production", "production"),
    "08": Chapter("measure_an_enclave", "production"),
}


@dataclass(frozen=True)
class Exercise(Shown):
    """A task: what is asked, what is given, what form the answer has, and how answers are told
    apart.

    `answer` computes the right one from the facts of a lab, so that no seed has a fixed one; left
    out, it is the option that carries no misconception. `judge` may depend on them too. `also`
    takes what means the same. `name` is the notebook's variable, `code` solves the task there,
    `why` says it in words. `scenarios` are those whose answer the question is about: any other is
    refused. `costly`: the answer takes seconds where no other was asked before. `reasons` are those
    of all worlds, where the judge has only those of one.
    """

    id: str
    title: str
    question: Told
    given: Told
    wanted: Told
    hints: tuple[Told, Told, Told]
    judge: Judge | Callable[[Facts], Judge]
    right: Told
    name: str
    code: Told = ""
    why: Told = ""
    answer: Callable[[Facts], object] | None = None
    slips: tuple[Slip, ...] = field(default=())
    also: Callable[[Facts, Any], bool] | None = None
    scenarios: tuple[str, ...] = ("public",)
    costly: bool = False
    reasons: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]

    def judge_in(self, facts: Facts) -> Judge:
        """Return how answers are judged in this world, made once: letters stand in an order of its
        own.
        """
        return facts.kept(f"judge of {self.id}", lambda: self._judge_in(facts))

    def _judge_in(self, facts: Facts) -> Judge:
        judge = self.judge if isinstance(self.judge, Judge) else self.judge(facts)
        if isinstance(judge, (Choice, Pairing)):
            return judge.lettered(facts.order(self.id, tuple(judge.options)))
        return judge

    def _letters(self, facts: Facts) -> dict[str, str]:
        """Return, for a pairing, the letter in the data for each letter that is shown."""
        if not isinstance(self.judge, Pairing):
            return {}
        return dict(zip(LETTERS, facts.order(self.id, tuple(self.judge.options)), strict=False))

    def reference(self, facts: Facts) -> object:
        """Return the right answer in this world."""
        if self.answer is None:
            judge = self.judge_in(facts)
            assert isinstance(judge, Choice)
            return judge.right
        return self._shown(facts, self.answer(facts))

    def solution(self, facts: Facts) -> Any:
        """Return the right answer as plain data, computed once for these facts."""
        return facts.kept(f"solution of {self.id}", lambda: plain(self.reference(facts)))

    def _shown(self, facts: Facts, value: object) -> object:
        back = {old: new for new, old in self._letters(facts).items()}
        if not back or not isinstance(value, dict):
            return value
        return {k: back.get(v, v) for k, v in value.items()}

    def _stored(self, facts: Facts, value: Any) -> Any:
        letters = self._letters(facts)
        if not letters or not isinstance(value, dict):
            return value
        return {k: letters.get(v, v) if isinstance(v, str) else v for k, v in value.items()}

    def slips_in(self, facts: Facts) -> tuple[Slip, ...]:
        """Return the slips of this task that there are in this world."""
        return tuple(s for s in self.slips if s.when is None or s.when(facts))

    def all_slips(self, facts: Facts) -> tuple[Slip, ...]:
        """Return the slips of this task, then those of its form of answer."""
        own = tuple(
            replace(s, example=lambda f, s=s: self._shown(f, s.example(f)))  # type: ignore[misc]
            for s in self.slips_in(facts)
        )
        codes = {s.code for s in own}
        form = self.judge_in(facts).slips(self.solution(facts))
        return (*own, *(s for s in form if s.code not in codes))

    def check(self, answer: object, facts: Facts) -> Feedback:
        """Return what to say about `answer`: what its value is, then what is wrong with its form.

        Never raises for an answer, and runs no code of it. Raises UsageError for the facts of a
        scenario that the question is not about.
        """
        if facts.world.scenario not in self.scenarios:
            raise UsageError(
                f"exercise {self.id}",
                got=f"scenario {facts.world.scenario}",
                wanted=" or ".join(self.scenarios),
                do="Its answer would mean something else there.",
            )
        value = plain(answer)
        if unanswered(value):
            return Feedback(
                self.id,
                NOT_YET,
                "Put your answer in place of the three dots. Wanted: " + told(self.wanted, facts),
            )
        return Judgement(self, facts, value).feedback()

    def posed(self, facts: Facts) -> Posed:
        """Return the task as it is put in this world."""
        return Posed(self, facts)

    def __str__(self) -> str:
        return f"{self.id}  {self.title}"

    def _html(self) -> str:
        return f"<p><strong><code>{escape(self.id)}</code> {cell(self.title)}</strong></p>"


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
                value = self.task._stored(self.facts, reading.value)
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


class Posed(Shown):
    """An exercise as it is put in one world."""

    def __init__(self, task: Exercise, facts: Facts) -> None:
        self.task, self.facts = task, facts
        self.options = task.judge_in(facts).options
        self.id, self.title = task.id, task.title
        self.question, self.given, self.wanted = (
            told(text, facts) for text in (task.question, task.given, task.wanted)
        )

    def __str__(self) -> str:
        options = "".join(f"\n  {k}) {o.text}" for k, o in self.options.items())
        return (
            f"{self.id}  {self.title}\n{self.question}{options}\ngiven:  {self.given}\nanswer:"
            f" {self.wanted}"
        )

    def _html(self) -> str:
        options = "".join(
            f"<dt><code>{escape(k)}</code></dt><dd>{prose(o.text, 400)}</dd>"
            for k, o in self.options.items()
        )
        return (
            f"<p><strong><code>{escape(self.id)}</code>"
            f" {cell(self.title)}</strong></p><p>{prose(self.question, 1200)}</p>"
            + (f"<dl>{options}</dl>" if options else "")
            + f"<p>Given: {prose(self.given, 600)}<br>Answer: {prose(self.wanted, 600)}</p>"
        )


@cache
def catalogue() -> Mapping[str, Exercise]:
    """Return every exercise by its id, chapter by chapter."""
    out: dict[str, Exercise] = {}
    for chapter, (module, *_) in CHAPTERS.items():
        for exercise in import_module(f"casnb.teach.course.{module}").EXERCISES:
            if exercise.id in out or exercise.chapter != chapter:
                raise UsageError(
                    "exercise", got=exercise.id, wanted=f"an id of chapter {chapter}, once"
                )
            out[exercise.id] = exercise
    return out


def book_of(id: str) -> str:
    """Return the name of the notebook that asks an exercise, without its suffix."""
    number = id.partition(".")[0]
    chapter = CHAPTERS[number]
    if id in chapter.asks:
        return chapter.second
    return f"{number}-{chapter.module.replace('_', '-')}"


def exercise(id: str) -> Exercise:
    """Return the exercise with this id, or raise UsageError that lists those there are."""
    found = catalogue().get(id) if isinstance(id, str) else None
    if found is None:
        raise UsageError("exercise", got=id, wanted="one of " + ", ".join(catalogue()))
    return found


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """Return the exercises of one chapter, named '01' or '01-scrape-mrenclave'."""
    return tuple(e for e in catalogue().values() if e.chapter == chapter[:2])
