"""The prediction panel: nothing runs before a prediction, and what is shown is what happened."""

from __future__ import annotations

import pytest

from casnb.base.errors import UsageError
from casnb.mallory.attacks import ATTACKS, FLAG_SETS
from casnb.simulator.world import World
from casnb.teach.predicting.panel import DEFENCES, MalloryModel, MalloryPanel, render_mallory

SEED = "panel of attacks"
FALSE = World(SEED).false_value


@pytest.fixture
def panel(loud):
    made = MalloryPanel(SEED)
    yield made
    made.close()


def test_the_button_waits_for_a_prediction(panel, page_sets, page_clicks):
    """At first nothing is predicted: pressing the button runs nothing, says why, and leaves the
    focus where it is.
    """
    assert panel.prediction.value is None and "NOT YET" in panel.line.value
    page_clicks(panel.button)
    assert panel.model.told is None and not panel.button.disabled
    assert panel.live.text == "prediction: got none yet, wanted in or out. Predict first."
    assert panel.live.text in panel.line.value
    page_sets(panel.prediction, index=0)
    assert panel.model.prediction == "in" and not panel.model.error


def test_predict_run_read(panel, page_sets, page_clicks):
    """By the controls alone: choose, predict, run; the outcome and the explanation are shown."""
    page_sets(panel.attack, index=list(ATTACKS).index("forged-quote"))
    page_sets(panel.defence, index=DEFENCES.index("-G"))
    page_sets(panel.prediction, index=1)
    page_clicks(panel.button)
    assert panel.model.told.outcome.succeeded and panel.model.told.right is False
    assert (
        "NOT AS PREDICTED" in panel.line.value
        and "Mallory got in" in panel.line.value
        and 'role="status"' not in panel.line.value
    )
    assert panel.live.text == panel.model.told.verdict


@pytest.mark.parametrize(
    "defence, stopped",
    [
        pytest.param("what she needs", "", id="let-in"),
        pytest.param("what keeps her out", "certificate-binding", id="keep-out"),
        pytest.param("all six", "certificate-binding", id="flag-set"),
    ],
)
def test_each_defence_is_the_one_it_says(defence, stopped):
    """An attack's own two defences, and the flag sets of the matrix."""
    model = MalloryModel(SEED, attack="relay", defence=defence, prediction="in")
    assert model.run().outcome.stopped_by == stopped
    assert set(DEFENCES) > set(FLAG_SETS)


def test_another_choice_forgets_outcome_and_prediction(panel):
    """What was predicted was about the attack before."""
    panel.choose("relay")
    panel.predict("in")
    panel.run()
    assert panel.model.told is not None
    panel.choose("replay", "what keeps her out")
    assert panel.model.told is None and panel.model.prediction == ""
    assert ATTACKS["replay"].predict[:20] in panel.line.value and FALSE not in panel.line.value


def test_what_is_refused_is_shown(panel):
    """A name there is none of is told in the panel; the model raises it."""
    panel.choose("nothing")
    assert "nothing" in panel.line.value and panel.model.attack == next(iter(ATTACKS))
    panel.predict("<b>maybe</b>")
    assert "<b>maybe" not in panel.line.value
    with pytest.raises(UsageError, match="Predict first"):
        MalloryModel(SEED).run()


def test_snapshot_and_controls_are_readable(panel):
    """Every control has a description; the snapshot says what the panel shows, as text too."""
    for control in (panel.attack, panel.defence, panel.prediction, panel.button):
        assert control.description
    panel.predict("in")
    panel.run()
    shown = panel.snapshot()._repr_mimebundle_()
    assert FALSE in shown["text/plain"] and FALSE in shown["text/html"]
    assert render_mallory(panel.model) in panel.line.value


def test_closing_twice_is_fine(panel):
    """After close the model no longer reaches the controls."""
    panel.close()
    panel.close()
    before = panel.line.value
    panel.model.attack = "replay"
    assert panel.line.value == before
