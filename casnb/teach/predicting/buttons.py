"""A prediction about an attack as two buttons: nothing runs before one of them is pressed."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import page
from casnb.teach.predicting.model import PREDICTIONS, Foretold
from casnb.teach.quiz.choosing import Choosing, Verdict


class PredictPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """An attack, its question, two buttons; then what was said, what it was, and what happened.

    `predict('in')` does what a button does; `told` is the question, and then the outcome.
    """

    def __init__(
        self,
        waiting: Foretold,
        foretell: Callable[[str], Foretold],
        record: Callable[[str, str, str, str], str],
    ) -> None:
        self.told = waiting
        self._foretell, self._record = foretell, record
        attack = waiting.attack
        self.buttons = Choosing(
            f"{attack.name}: {attack.title}",
            f"{attack.predict}",
            PREDICTIONS,
            self._said,
            note=f"Against {waiting.defence.title}. Nothing has run yet: say what you expect.",
            short=True,
        )
        self.outcome = widgets.HTML()
        super().__init__([self.buttons, self.outcome])
        self.add_class("t-predict")

    def predict(self, prediction: str) -> Foretold:
        """Press a button: `in` or `out`."""
        self.buttons.choose(prediction)
        return self.told

    def _said(self, key: str) -> Verdict:
        told = self._foretell(key)
        assert told.outcome is not None
        self.told = told
        was = PREDICTIONS["in" if told.outcome.succeeded else "out"]
        note = self._record(told.attack.name, PREDICTIONS[key], was, told.attack.predict)
        self.outcome.value = page(told.happened())
        self.renew()
        ask = "" if told.right else f" {told.wonder}"
        return Verdict(
            "same" if told.right else "other",
            f"You said: {PREDICTIONS[key]}. It was: {was}.{ask}",
            note,
        )

    def snapshot(self) -> Snapshot:
        """Return the question, or what happened, as something that stays readable."""
        return Snapshot(str(self.told), self.told._html())

    def close(self) -> None:
        """Close the controls."""
        self.buttons.close()
        self.outcome.close()
        super().close()
