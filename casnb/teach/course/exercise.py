"""An exercise: a task as data, and as it is put in one world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from casnb.base.view import Shown, cell, prose
from casnb.teach.course.answers import plain
from casnb.teach.course.choices import LETTERS, Choice, Reason
from casnb.teach.course.judges import Judge
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.slips import Slip, Told, told

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


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

    def stored(self, facts: Facts, value: Any) -> Any:
        """Return an answer to a pairing with the letters of the data in place of those shown."""
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

    def posed(self, facts: Facts) -> Posed:
        """Return the task as it is put in this world."""
        return Posed(self, facts)

    def __str__(self) -> str:
        return f"{self.id}  {self.title}"

    def _html(self) -> str:
        return f"<p><strong><code>{escape(self.id)}</code> {cell(self.title)}</strong></p>"


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
