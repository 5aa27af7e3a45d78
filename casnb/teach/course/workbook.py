"""The reader's work on one chapter: its exercises checked, hints counted, progress kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnb.base.errors import SourceError
from casnb.teach.course import exercises
from casnb.teach.course.exercises import Exercise, Feedback, Hint
from casnb.teach.course.progress import Progress, ProgressFile, receipt
from casnb.teach.facts import Facts

if TYPE_CHECKING:
    from casnb.teach.quiz.panel import QuizPanel


class Workbook:
    """The exercises of a chapter; `facts` are what the right answers follow from."""

    def __init__(self, chapter: str, facts: Facts) -> None:
        self.chapter, self.facts = chapter, facts
        self._hints: dict[str, int] = {}

    @property
    def exercises(self) -> tuple[str, ...]:
        """The ids of this chapter's exercises."""
        return tuple(e.id for e in exercises.of_chapter(self.chapter))

    def task(self, id: str) -> Exercise:
        """Return an exercise, which shows itself: question, what is given, form of the answer."""
        return exercises.exercise(id)

    def check(self, id: str, answer: object = ...) -> Feedback:
        """Return what to say about an answer, and keep it in the progress file. Never raises for
        an answer.
        """
        feedback = exercises.exercise(id).check(answer, self.facts)
        note = ProgressFile().record(feedback)
        return (
            Feedback(feedback.exercise, feedback.status, feedback.message, feedback.code, (note,))
            if note
            else feedback
        )

    def hint(self, id: str) -> Hint:
        """Return the next of three hints; after the third, the third again."""
        task = exercises.exercise(id)
        step = min(self._hints.get(id, 0) + 1, len(task.hints))
        self._hints[id] = step
        ProgressFile().record_hint(id)
        return Hint(id, step, len(task.hints), task.hints[step - 1])

    def reference(self, id: str) -> object:
        """Return the right answer for this lab; for teachers and tests. Looking is allowed,
        learning is elsewhere.
        """
        return exercises.exercise(id).reference(self.facts)

    def quiz(self, id: str) -> QuizPanel:
        """Return a multiple-choice exercise as buttons; `lab.check(id, 'a')` does the same in
        plain form.
        """
        from casnb.teach.quiz.panel import QuizPanel

        return QuizPanel(exercises.exercise(id), self.check)

    def progress(self, *, everything: bool = False) -> Progress:
        """Return how far this chapter is done, or all of them."""
        return ProgressFile().progress("" if everything else self.chapter)

    def receipt(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the receipt of this chapter as a dictionary, and write it to `path` as JSON if
        one is given.
        """
        body = receipt(
            self.progress(),
            chapter=self.chapter,
            seed=self.facts.world.seed,
            scenario=self.facts.world.scenario,
        )
        if path is not None:
            try:
                Path(path).write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
            except OSError as exc:
                raise SourceError(
                    f"receipt {path}", got=exc.strerror, wanted="to write it"
                ) from None
        return body

    def forget_progress(self) -> None:
        """Delete the progress file, hints included."""
        self._hints.clear()
        ProgressFile().delete()
