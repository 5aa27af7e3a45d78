"""Exercises and questions of choice as panels."""

from __future__ import annotations

from collections.abc import Callable

from casnb.base.errors import UsageError
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Posed
from casnb.teach.course.feedback import NOT_YET, Feedback
from casnb.teach.course.questions import Question
from casnb.teach.facts import Facts
from casnb.teach.quiz.choosing import Choosing, Verdict


class QuizPanel(Choosing):
    """A multiple-choice exercise: one press answers it, and its check cell as well.

    Nothing is chosen at first. `choose('b')` does what a button does; `feedback` is the last
    Feedback.
    """

    def __init__(self, task: Posed, check: Callable[[str, object], Feedback]) -> None:
        if not isinstance(task.task.judge, Choice):
            raise UsageError("quiz", got=task.id, wanted="a multiple-choice exercise")
        self.task, self._check = task, check
        self.feedback = Feedback(task.id, NOT_YET, "Choose a sentence.")
        super().__init__(
            f"Exercise {task.id}",
            task.question,
            {k: o.text for k, o in task.options.items()},
            self._answer,
        )
        self.add_class("t-quiz")

    def answer(self) -> Feedback:
        """Return the feedback on what is chosen."""
        return self.feedback

    def _answer(self, letter: str) -> Verdict:
        self.feedback = self._check(self.task.id, letter)
        return Verdict(
            "right" if self.feedback.right else "wrong",
            self.feedback.message,
            " ".join(self.feedback.notes),
        )


class QuestionPanel(Choosing):
    """A question in the flow. What was said first is kept; a prediction is not judged."""

    def __init__(
        self, asked: Question, facts: Facts, record: Callable[[str, str, str, str], str]
    ) -> None:
        self.asked = asked
        self._record = record
        self._choice = asked.choice(facts)
        super().__init__(
            "Predict, then run on" if asked.prediction else "Question",
            asked.question,
            {k: o.text for k, o in self._choice.options.items()},
            self._answer,
        )
        self.add_class("t-question")

    def _answer(self, letter: str) -> Verdict:
        option = self._choice.options[letter]
        was = self._choice.options[self._choice.right].text
        note = self._record(self.asked.id, option.text, was, self.asked.question)
        if self.asked.prediction:
            return Verdict("kept", "Run the next cell to find out.", note)
        if option.code:
            return Verdict("wrong", f"{option.message} Choose again.", note)
        return Verdict("right", self.asked.right, note)
