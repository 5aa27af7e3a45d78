"""The sequence picture of a run: one row a step, between the parties that took part, and the step
that decided is lit.
"""

from __future__ import annotations

import re
from html import unescape

import pytest

from casnb.mallory.attacks import ATTACKS, run
from casnb.mallory.sequence import PARTIES, html_sequence, lifelines
from casnb.mallory.steps import Step
from casnb.simulator.world import World

SEED = "sequences"


@pytest.fixture(scope="module")
def outcomes():
    """Each attack against what it passes, and against what stops it."""
    return {
        name: (run(name, a.let_in, seed=SEED), run(name, a.keep_out, seed=SEED))
        for name, a in ATTACKS.items()
    }


@pytest.mark.parametrize("name", ATTACKS)
def test_every_step_is_drawn_between_parties_that_there_are(outcomes, name):
    """In order, with the words of the text; a message has another party, and a note has none."""
    for outcome in outcomes[name]:
        assert set(lifelines(outcome.steps)) <= PARTIES.keys()
        assert all((s.kind == "note") == (not s.to) and s.to != s.who for s in outcome.steps)
        html = html_sequence(outcome.steps, lit=outcome.decisive)
        rows = re.findall(r'<span class="number"[^>]*>(\d+)</span>', html)
        assert rows == [str(n + 1) for n in range(len(outcome.steps))]
        read = unescape(re.sub("<[^>]*>", "", html))
        for step in outcome.steps:
            said, _, found = (
                step.did.partition(": ") if step.kind == "verdict" else (step.did, "", "")
            )
            assert said in read and found in read


@pytest.mark.parametrize("name", ATTACKS)
def test_who_answers_is_who_is_drawn(outcomes, name):
    """A value that Mallory serves comes from her lifeline, one of the CAS's from its own."""
    for outcome in outcomes[name]:
        for step in outcome.steps:
            if step.did.startswith("read example_value"):
                wanted = "cas" if step.did.endswith(f": {World(SEED).example_value}") else step.to
                assert step.kind == "answer" and step.to == wanted


@pytest.mark.parametrize("name", ATTACKS)
def test_the_step_that_decided_is_lit(outcomes, name):
    """The last verdict: accepted where she got in, a refusal where a check stopped her."""
    inside, outside = outcomes[name]
    for outcome in (inside, outside):
        lit = re.findall(
            r'<li class="([^"]* lit[^"]*)"', html_sequence(outcome.steps, lit=outcome.decisive)
        )
        assert lit
    step = outside.steps[outside.decisive]
    if step.kind == "verdict":
        found = step.did.partition(": ")[2]
        refused = "rejected" in found or step.did.startswith("TLS refuses")
        assert refused or outside.stopped_by not in found


def test_hostile_words_are_text():
    """Markup and control characters of a step or a party's name reach no page."""
    steps = [Step("you", "<b>\x1b[2J", "<img src=x>", "message"), Step("<i>", "n")]
    html = html_sequence(steps, "<u>")
    assert not re.search("<(b>\x1b|img|i>|u>)", html) and "\x1b" not in html and "&lt;img" in html
