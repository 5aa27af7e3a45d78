"""Questions in the flow of a lesson: choices that are answered at once, and predictions that the
next cell answers. Neither counts as an exercise; what was said first is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from casnb.base.errors import UsageError
from casnb.teach.course.choices import Choice
from casnb.teach.course.judges import Option
from casnb.teach.facts import Facts

#: Data modules, each with a tuple `QUESTIONS`.
_MODULES = ("quizzes", "predictions")


@dataclass(frozen=True)
class Question:
    """A question with three or four sentences to choose from, of which one has no misconception.

    `after` is the notebook cell behind which it is asked; a `prediction` says nothing of what is
    right until the reader has run on. `right` is said of the right sentence.
    """

    id: str
    after: str
    question: str
    options: tuple[Option, ...]
    right: str
    prediction: bool = False

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]

    def choice(self, facts: Facts) -> Choice:
        """Return the sentences under letters, in an order of this world's seed."""
        stored = Choice(dict(zip("abcdefgh", self.options, strict=False)))
        return stored.lettered(facts.order(self.id, tuple(stored.options)))


def no(text: str, code: str, message: str, holds: str) -> Option:
    """Return a wrong sentence."""
    return Option(text, code, message, holds)


@cache
def questions() -> Mapping[str, Question]:
    """Return every question by its id."""
    rows = [q for name in _MODULES for q in import_module(f"casnb.teach.course.{name}").QUESTIONS]
    found = {q.id: q for q in rows}
    if len(found) != len(rows):
        raise UsageError("question", got="an id twice", wanted="each once")
    return found


def question(id: str) -> Question:
    """Return the question with this id, or raise UsageError that lists those there are."""
    found = questions().get(id) if isinstance(id, str) else None
    if found is None:
        raise UsageError("question", got=id, wanted="one of " + ", ".join(questions()))
    return found
