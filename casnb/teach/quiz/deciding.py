"""A chapter's decision as buttons, with room for the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import cell
from casnb.teach.course.case_words import DECISIONS, QUESTION
from casnb.teach.quiz.choosing import Choosing, Verdict

_LENGTH = 200


class DecisionPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """The question of the case, a button for each decision, a line for the reason.

    `decide('not yet')` does what a button does. A reason that is changed later is signed again.
    """

    def __init__(
        self, sign: Callable[[str, str], Any], signed: str = "", because: str = ""
    ) -> None:
        self._sign = sign
        self.reason = widgets.Text(
            because[:_LENGTH],
            description="Because",
            placeholder="your reason, in a sentence",
            continuous_update=False,
            style={"description_width": "initial"},  # in large type a fixed one cuts the word
            layout=widgets.Layout(width="min(46em, 98%)"),
        )
        self.buttons = Choosing("Your decision", QUESTION, DECISIONS, self._signed)
        super().__init__([self.buttons, self.reason])
        self.add_class("t-decision")
        if signed:
            self.buttons.choose(signed)
        self.reason.observe(self._changed, names=["value"])

    def decide(self, decision: str) -> None:
        """Press a button."""
        self.buttons.choose(decision)

    def _changed(self, _: Any) -> None:
        if self.buttons.chosen:
            self.buttons.presses += 1

    def _signed(self, key: str) -> Verdict:
        told = self._sign(key, self.reason.value[:_LENGTH])
        self.renew()
        return Verdict("kept", told.reply, told.note)

    def snapshot(self) -> Snapshot:
        """Return question, decision and reason as something that stays readable."""
        form = self.buttons.snapshot()
        reason = self.reason.value[:_LENGTH]
        if not reason:
            return form
        return Snapshot(
            f"{form}\nBecause: {reason}", f"{form._html()}<p>Because: {cell(reason)}</p>"
        )

    def close(self) -> None:
        """Close the controls."""
        self.buttons.close()
        self.reason.close()
        super().close()
