"""A prediction comes before the result: three dots run nothing, 'in' and 'out' run the attack
and are compared with it.
"""

from __future__ import annotations

import re

import pytest
from teach.hostile import AlwaysEqual, Explodes

from casnb.base.errors import UsageError
from casnb.mallory.attacks import ATTACKS, Defence
from casnb.simulator.world import World
from casnb.teach.predicting import model as mallory
from casnb.teach.predicting.model import exercise_key, faulty_signature, foretell
from casnb.teach.predicting.way_in import wall, way_in
from casnb.teach.worldmap.standing import OPEN

SEED = "foretold"


def test_three_dots_run_nothing(monkeypatch):
    """Unanswered is a state: the question is shown, nothing is run, and neither outcome nor
    explanation is given away.
    """
    monkeypatch.setattr(mallory, "run", lambda *a, **k: pytest.fail("it ran"))
    told = foretell("forged-quote", ..., seed=SEED)
    shown = told._repr_mimebundle_()
    for text in shown.values():
        assert "Predict first" in text and "How many of the other lines are still evidence" in text
        assert (
            World(SEED).false_value not in text
            and "voids" not in text
            and ATTACKS["forged-quote"].explain[:30] not in text
        )
    assert (told.outcome, told.right, told.prediction) == (None, None, None)


@pytest.mark.parametrize(
    "prediction, line, right",
    [
        pytest.param("in", "-G", True, id="in-right"),
        pytest.param("out", "-G", False, id="out-wrong"),
        pytest.param(" OUT ", "", True, id="out-right"),
        pytest.param("in", "", False, id="in-wrong"),
    ],
)
def test_a_prediction_is_compared_with_what_happened(prediction, line, right):
    """The attack runs against the defence that was named, and the prediction is right where it
    came so.
    """
    told = foretell("forged-quote", prediction, Defence.of(line), seed=SEED)
    assert told.right is right and told.outcome.defence.options == line
    words = "so it was." if right else "it was not so."
    for text in told._repr_mimebundle_().values():
        assert (
            words in text
            and ATTACKS["forged-quote"].explain[:30] in text
            and told.outcome.sentence[:20] in text
        )


@pytest.mark.parametrize(
    "line, other",
    [
        pytest.param("-G", "stopped by tcb-status", id="in"),
        pytest.param("-C", f"Mallory got in: you read {World(SEED).false_value}", id="out"),
    ],
)
def test_every_run_is_turned_round(line, other):
    """Where she got in, what keeps her out is run as well, and the other way round; why, defence
    and source stand beside it.
    """
    told = foretell("forged-quote", "in", Defence.of(line), seed=SEED)
    chosen = ATTACKS["forged-quote"]
    assert told.other.defence == (chosen.keep_out if line == "-G" else chosen.let_in)
    for text in told._repr_mimebundle_().values():
        assert other in text.partition("The other way round")[2]
        assert (
            chosen.explain[:40] in text
            and chosen.defend[:40] in text
            and chosen.date in text.partition("Source")[2]
        )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: "maybe", id="text"),
        pytest.param(lambda: True, id="true"),
        pytest.param(lambda: None, id="none"),
        pytest.param(lambda: "<script>alert(1)</script>", id="markup"),
        pytest.param(Explodes, id="explodes"),
        pytest.param(lambda: AlwaysEqual("x"), id="equal-to-all"),
    ],
)
def test_anything_else_is_no_prediction(wrong):
    """Whatever stands there instead, nothing runs, nothing of it is executed, and the forms are
    named.
    """
    told = foretell("relay", wrong(), seed=SEED)
    shown = told._repr_mimebundle_()
    assert (
        told.outcome is None
        and "wanted 'in' or 'out'" in shown["text/plain"]
        and "<script>" not in shown["text/html"]
    )


def test_without_a_defence_it_is_the_way_in():
    """Left out, the attack runs against the defence that it is known to pass; an unknown attack
    is a usage error.
    """
    assert foretell("relay", "in", seed=SEED).outcome.succeeded
    with pytest.raises(UsageError):
        foretell("nothing", ..., seed=SEED)


def test_the_exercises_signature_is_faulty_and_its_key_a_secret():
    """It verifies under no message, belongs to its seed, and is made with another key than the
    attack's.
    """
    f = faulty_signature(SEED)
    assert (
        pow(f.s, f.e, f.n) != f.m
        and f == faulty_signature(SEED)
        and f.n != faulty_signature("other").n
    )
    key = exercise_key(SEED)
    assert key.p * key.q == f.n


@pytest.mark.parametrize("name", ATTACKS)
def test_the_gate_where_it_was_decided_is_lit(name):
    """The outcome comes with the map: one gate is lit, hers where she got in and then open, else
    the one that stopped her and then closed. No arrow crosses a closed gate.
    """
    for prediction, defence in (("in", ATTACKS[name].let_in), ("out", ATTACKS[name].keep_out)):
        told = foretell(name, prediction, defence, seed=SEED)
        lit = re.findall(
            r'data-gate="([^"]+)" data-s="([^"]+)"[^>]*aria-current="step"', told._html()
        )
        assert len(lit) == 1
        gate, state = lit[0]
        assert (state in OPEN) == told.outcome.succeeded
        if told.outcome.succeeded:
            assert gate == ATTACKS[name].gate
        inside = {a.name for s in wall(told.outcome) if s.open for a in s.inside}
        assert inside == ({name} if told.outcome.succeeded else set())
        assert way_in(told.outcome) in str(told)
