"""Exercises: tasks as data, and what to say about an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown, cell, prose
from casnb.teach.course.answers import Foreign, plain, said, unanswered

if TYPE_CHECKING:
    from casnb.teach.course.judges import Judge
    from casnb.teach.facts import Facts

#: One data module per notebook, each with a tuple `EXERCISES`.
CHAPTERS: Mapping[str, str] = {
    "00": "start_here",
    "01": "scrape_mrenclave",
    "02": "decode_the_report",
    "03": "attest_and_flags",
    "04": "use_the_certificate",
    "05": "policies_and_namespaces",
    "06": "meet_mallory",
    "07": "production",
    "08": "measure_an_enclave",
}

NOT_YET, RIGHT, WRONG = "not yet", "right", "wrong"
_MARK = {NOT_YET: "\N{HORIZONTAL ELLIPSIS}", RIGHT: "\N{CHECK MARK}", WRONG: "\N{MULTIPLICATION X}"}


@dataclass(frozen=True)
class Slip:
    """A named way to be wrong: what to say about it, and an answer that shows it.

    Without `match` only the answer equal to `example` is meant. `match` gets the facts and the
    answer in its plain form, and so does a `message` that depends on them.
    """

    code: str
    message: str | Callable[[Facts, Any], str]
    example: Callable[[Facts], object]
    match: Callable[[Facts, Any], bool] | None = None

    def says(self, facts: Facts, value: Any) -> str:
        """Return the message for this answer."""
        return self.message if isinstance(self.message, str) else self.message(facts, value)

    def fits(self, facts: Facts, value: Any) -> bool:
        """Return whether the plain answer `value` is this slip."""
        return self.match(facts, value) if self.match else same(value, plain(self.example(facts)))


@dataclass(frozen=True)
class Feedback(Shown):
    """What became of one answer: `status` is 'not yet', 'right' or 'wrong'; `code` names the
    misconception, if one was seen.
    """

    exercise: str
    status: str
    message: str
    code: str = ""
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.status == RIGHT

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        lines = [f"{self.status.upper()}  {self.exercise}: {neutral(self.message, 800)}"]
        return "\n".join(lines + [f"note: {neutral(n, 400)}" for n in self.notes])

    def _html(self) -> str:
        style = {RIGHT: "s-passed", WRONG: "s-failed", NOT_YET: "s-not-run"}[self.status]
        notes = "".join(f"<p>note: {cell(n, 400)}</p>" for n in self.notes)
        return (
            f'<div class="feedback" role="status" data-exercise="{escape(self.exercise)}"'
            f' data-status="{self.status}" data-code="{escape(self.code)}"><span class="s'
            f' {style}">{_MARK[self.status]} {self.status.upper()}</span>'
            f" <code>{escape(self.exercise)}</code> {prose(self.message, 800)}{notes}</div>"
        )


@dataclass(frozen=True)
class Hint(Shown):
    """One of three steps towards the answer; the next call goes one further."""

    exercise: str
    step: int
    of: int
    text: str

    def __str__(self) -> str:
        return f"Hint {self.step} of {self.of} for {self.exercise}: {self.text}"

    def _html(self) -> str:
        return (
            f'<p class="hint"><strong>Hint {self.step} of {self.of}</strong>'
            f" <code>{escape(self.exercise)}</code> {prose(self.text, 800)}</p>"
        )


@dataclass(frozen=True)
class Exercise(Shown):
    """A task: what is asked, what is given, what form the answer has, and how answers are told
    apart.

    `reference` computes the answer from the facts of a lab, so that no seed has a fixed one.
    """

    id: str
    title: str
    question: str
    given: str
    wanted: str
    hints: tuple[str, str, str]
    judge: Judge
    reference: Callable[[Facts], object]
    right: str
    slips: tuple[Slip, ...] = field(default=())

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]

    def all_slips(self, facts: Facts) -> tuple[Slip, ...]:
        """Return the slips of this task, then those of its form of answer."""
        return (*self.slips, *self.judge.slips(plain(self.reference(facts))))

    def check(self, answer: object, facts: Facts) -> Feedback:
        """Return what to say about `answer`. Never raises for an answer, and runs no code of it."""
        value = plain(answer)
        if unanswered(value):
            return Feedback(
                self.id,
                NOT_YET,
                f"Put your answer in place of the three dots. Wanted: {self.wanted}",
            )
        reference = plain(self.reference(facts))
        if self.judge.same(value, reference):
            return Feedback(self.id, RIGHT, self.right)
        for slip in self.all_slips(facts):
            if slip.fits(facts, value):
                return Feedback(self.id, WRONG, slip.says(facts, value), slip.code)
        problem = self.judge.problem(value)
        if isinstance(value, Foreign) or problem:
            got = f"got {value.kind}" if isinstance(value, Foreign) else problem
            return Feedback(
                self.id,
                WRONG,
                f"This is not the form that is wanted: {got}. Wanted: {self.wanted}",
                "form",
            )
        return Feedback(
            self.id,
            WRONG,
            f"Got {said(value)}. {self.judge.nudge(value, reference)} "
            f"lab.hint({self.id!r}) goes one step further.".replace("  ", " "),
            "other",
        )

    def __str__(self) -> str:
        options = "".join(f"\n  {k}) {o.text}" for k, o in self.judge.options.items())
        return (
            f"{self.id}  {self.title}\n{self.question}{options}\ngiven:  {self.given}\nanswer:"
            f" {self.wanted}"
        )

    def _html(self) -> str:
        options = "".join(
            f"<dt><code>{escape(k)}</code></dt><dd>{prose(o.text, 400)}</dd>"
            for k, o in self.judge.options.items()
        )
        return (
            f"<p><strong><code>{escape(self.id)}</code>"
            f" {cell(self.title)}</strong></p><p>{prose(self.question, 1200)}</p>"
            + (f"<dl>{options}</dl>" if options else "")
            + f"<p>Given: {prose(self.given, 600)}<br>Answer: {prose(self.wanted, 600)}</p>"
        )


def same(a: Any, b: Any) -> bool:
    """Return whether two plain values are equal and of the same types throughout (True is not 1,
    42 is not '42').
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    return bool(a == b)


@cache
def catalogue() -> Mapping[str, Exercise]:
    """Return every exercise by its id, chapter by chapter."""
    out: dict[str, Exercise] = {}
    for chapter, module in CHAPTERS.items():
        for exercise in import_module(f"casnb.teach.course.{module}").EXERCISES:
            if exercise.id in out or exercise.chapter != chapter:
                raise UsageError(
                    "exercise", got=exercise.id, wanted=f"an id of chapter {chapter}, once"
                )
            out[exercise.id] = exercise
    return out


def exercise(id: str) -> Exercise:
    """Return the exercise with this id, or raise UsageError that lists those there are."""
    found = catalogue().get(id) if isinstance(id, str) else None
    if found is None:
        raise UsageError("exercise", got=id, wanted="one of " + ", ".join(catalogue()))
    return found


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """Return the exercises of one chapter, named '01' or '01-scrape-mrenclave'."""
    return tuple(e for e in catalogue().values() if e.chapter == chapter[:2])
