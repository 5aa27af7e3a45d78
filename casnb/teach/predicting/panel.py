"""The prediction panel: choose an attack and a defence, predict, and only then let Mallory try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshotted
from casnb.base.view import Shown, cell, page
from casnb.mallory.attacks import ATTACKS, FLAG_SETS, Defence, attack
from casnb.teach.live import Live
from casnb.teach.predicting.model import PREDICTIONS, Foretold, foretell

#: Defences that an attack's own description names, before the flag sets that are the same for all.
OWN = ("what she needs", "what keeps her out")
DEFENCES = (*OWN, *FLAG_SETS)


class MalloryModel(traitlets.HasTraits):
    """What the reader chose, and what became of it.

    `attack`: a name of ATTACKS. `defence`: one of DEFENCES. `prediction`: `in`, `out`, or empty
    for not yet. Computed: `told` (None until the attack ran; None again as soon as something
    else is chosen), `error`.
    """

    attack = traitlets.Enum(tuple(ATTACKS), default_value=next(iter(ATTACKS)))
    defence = traitlets.Enum(DEFENCES, default_value=DEFENCES[0])
    prediction = traitlets.Enum(("", *PREDICTIONS), default_value="")

    told: Any = traitlets.Any(None, allow_none=True)
    error = traitlets.Unicode("")

    def __init__(self, seed: str = "casnb", **state: Any) -> None:
        self.seed = seed
        super().__init__(**state)
        self.observe(self._another, names=["attack", "defence", "prediction"])

    def _another(self, change: Any) -> None:
        """Forget the outcome; with another attack or defence the prediction too, since it was
        about the one before.
        """
        self.told, self.error = None, ""
        if change["name"] != "prediction":
            self.prediction = ""

    @property
    def against(self) -> Defence:
        """The defence that is meant."""
        chosen = attack(self.attack)
        own: Mapping[str, Defence] = dict(zip(OWN, (chosen.let_in, chosen.keep_out), strict=True))
        return own.get(self.defence) or FLAG_SETS[self.defence]

    def run(self) -> Foretold:
        """Let Mallory try; raise UsageError while there is no prediction."""
        if not self.prediction:
            raise UsageError("prediction", got="none yet", wanted="in or out", do="Predict first.")
        told = foretell(self.attack, self.prediction, self.against, seed=self.seed)
        self.told = told
        return told


def waiting(model: MalloryModel) -> Foretold:
    """Return the question without an outcome."""
    return Foretold(
        attack(model.attack),
        ...,
        model.against,
        model.seed,
        "choose what you expect, then let Mallory try.",
    )


def render_mallory(model: MalloryModel) -> str:
    """Return question, prediction and outcome as HTML; the outcome is there only where there was
    a prediction before.
    """
    told = model.told or waiting(model)
    trouble = f"<p>{cell(model.error, 400)}</p>" if model.error else ""
    return str(told._html()) + trouble


class Snapshot(Shown):
    """The state of the panel at one moment, readable where widgets are not."""

    def __init__(self, told: Foretold) -> None:
        self.told = told

    def __str__(self) -> str:
        return str(self.told)

    __repr__ = __str__

    def _html(self) -> str:
        return self.told._html()


class MalloryPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Two choosers, a prediction, a button, and what happened. Pressed without a prediction the
    button asks for one, and runs nothing; it is never disabled, since that would take the focus.

    `choose`, `predict` and `run` do what the controls do. Each run takes less than a second or
    two, on loopback.

    Example: `panel = lab.mallory()`, then `panel` alone at the end of a cell.
    """

    def __init__(
        self, seed: str = "casnb", *, model: MalloryModel | None = None, **state: Any
    ) -> None:
        self._closed = True
        self.model = model or MalloryModel(seed, **state)
        wide = widgets.Layout(width="auto", max_width="60em")
        label = {"description_width": "6em"}
        self.attack = widgets.Dropdown(
            options=[(f"{a.name}: {a.title}", a.name) for a in ATTACKS.values()],
            value=self.model.attack,
            description="Attack",
            layout=wide,
            style=label,
        )
        self.defence = widgets.Dropdown(
            options=DEFENCES,
            value=self.model.defence,
            description="Against",
            layout=wide,
            style=label,
        )
        self.prediction = widgets.ToggleButtons(
            options=[(words, name) for name, words in PREDICTIONS.items()],
            value=None,
            description="I predict",
            layout=wide,
            style={**label, "button_width": "auto"},
        )
        self.button = widgets.Button(
            description="Let Mallory try",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
        )
        self.line = widgets.HTML(layout=wide)
        self._named = {
            "attack": self.attack,
            "defence": self.defence,
            "prediction": self.prediction,
        }
        for name, control in {**self._named, "try": self.button, "told": self.line}.items():
            control.add_class(f"t-mallory-{name}")
        self.live = Live()
        super().__init__(
            [self.attack, self.defence, self.prediction, self.button, self.line, self.live]
        )
        self.add_class("t-mallory")
        for control in self._named.values():
            control.observe(self._chosen, names="value")
        self.button.on_click(self.run)
        self.model.observe(self._show)
        self._closed = False
        self.refresh()

    def choose(self, name: str, defence: str | None = None) -> None:
        """Choose an attack, and a defence if one is given; what was predicted before is
        forgotten.
        """
        self._guarded(lambda: self.model.set_trait("attack", name))
        if defence is not None:
            self._guarded(lambda: self.model.set_trait("defence", defence))

    def predict(self, prediction: str) -> None:
        """Predict `in` or `out`."""
        self._guarded(lambda: self.model.set_trait("prediction", prediction))

    def run(self, button: Any = None) -> None:
        """Let Mallory try, and show what happened."""
        self._guarded(self.model.run)

    def snapshot(self) -> Snapshot:
        """Return the present state as something that stays readable in an export."""
        return Snapshot(self.model.told or waiting(self.model))

    def _guarded(self, step: Any) -> None:
        """Run a handler's step; what is refused is shown, since a callback's exception is not."""
        try:
            step()
        except (CasnbError, traitlets.TraitError) as exc:
            self.model.error = neutral(exc, 400)

    def _chosen(self, change: Any) -> None:
        name = next(n for n, control in self._named.items() if control is change["owner"])
        self._guarded(lambda: self.model.set_trait(name, change["new"] or ""))

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and the outcome in line with the model."""
        m = self.model
        self.attack.value, self.defence.value, self.prediction.value = (
            m.attack,
            m.defence,
            m.prediction or None,
        )
        self.line.value = page(render_mallory(m))
        self.live.text = m.error or (m.told or waiting(m)).verdict
        self.renew()

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for control in self._named.values():
            control.unobserve(self._chosen, names="value")
        self.button.on_click(self.run, remove=True)
        self.model.unobserve(self._show)
        super().close()
