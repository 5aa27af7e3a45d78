"""A multiple-choice exercise as buttons, with feedback for each wrong choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import cell, page, prose
from casnb.teach.course.exercises import Posed
from casnb.teach.course.feedback import NOT_YET, Feedback
from casnb.teach.course.judges import Choice


class QuizPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """The options of one exercise, a button for each, one that checks, and a line that says what
    the choice means.

    Buttons, for JupyterLab keeps to itself the arrow keys that a group of radio buttons would
    need.

    Nothing is chosen at first. `choose('b')` and `answer()` do what the controls do; `feedback`
    is the last Feedback.
    """

    def __init__(self, task: Posed, check: Callable[[str, object], Feedback]) -> None:
        self._closed = True
        if not isinstance(task.task.judge, Choice):
            raise UsageError("quiz", got=task.id, wanted="a multiple-choice exercise")
        self.task, self._check = task, check
        self.feedback = Feedback(task.id, NOT_YET, "Choose one, then press Check.")
        wide = widgets.Layout(width="auto", max_width="60em")
        asked = (
            f"<p><strong><code>{cell(task.id)}</code></strong> {prose(task.question, 1200)}</p>"
            + "".join(
                f"<div>{cell(k)}) {prose(o.text, 600)}</div>" for k, o in task.options.items()
            )
        )
        self.question = widgets.HTML(page(asked), layout=wide)
        self.choice = widgets.ToggleButtons(
            options=list(task.options),
            value=None,
            description="Answer",
            layout=wide,
            style={"description_width": "5em", "button_width": "4em"},
        )
        self.button = widgets.Button(
            description="Check", layout=widgets.Layout(width="auto", align_self="flex-start")
        )
        self.line = widgets.HTML(layout=wide)
        for name, control in (
            ("question", self.question),
            ("choice", self.choice),
            ("check", self.button),
            ("line", self.line),
        ):
            control.add_class(f"t-quiz-{name}")
        super().__init__([self.question, self.choice, self.button, self.line])
        self.add_class("t-quiz")
        self.button.on_click(self.answer)
        self.choice.observe(self._chosen, names="value")
        self._closed = False
        self._say(self.feedback)

    def choose(self, letter: str) -> None:
        """Select an option by its letter, or raise UsageError."""
        if letter not in self.task.options:
            raise UsageError("quiz", got=letter, wanted="one of " + ", ".join(self.task.options))
        self.choice.value = letter

    def answer(self, button: Any = None) -> Feedback:
        """Check what is selected and show the feedback."""
        try:
            self._say(
                self._check(self.task.id, ... if self.choice.value is None else self.choice.value)
            )
        except CasnbError as exc:
            self._say(Feedback(self.task.id, NOT_YET, neutral(exc, 400)))
        return self.feedback

    def snapshot(self) -> Snapshot:
        """Return question, options and the last feedback as something that stays readable in an
        export.
        """
        return Snapshot(
            f"{self.task}\n\n{self.feedback}", self.task._html() + self.feedback._html()
        )

    def _chosen(self, change: Any) -> None:
        if change["new"] is not None:
            self._say(Feedback(self.task.id, NOT_YET, f"You chose {change['new']}. Press Check."))

    def _say(self, feedback: Feedback) -> None:
        self.feedback = feedback
        self.line.value = page(feedback._html())

    def close(self) -> None:
        """Undo the observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.button.on_click(self.answer, remove=True)
        self.choice.unobserve(self._chosen, names="value")
        super().close()
