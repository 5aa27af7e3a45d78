"""Questions in the flow: one form, no favourite place, and what was said first is kept."""

from __future__ import annotations

import pytest

from casnb.base.errors import UsageError
from casnb.simulator.world import World
from casnb.teach.claims import Held, claimed
from casnb.teach.course.exercises import CHAPTERS
from casnb.teach.course.questions import Question, questions
from casnb.teach.facts import PRACTICE, Facts
from casnb.teach.lab import start

ALL = list(questions().values())


@pytest.fixture(scope="module")
def worlds() -> list[Facts]:
    """Fifty seeds; no part of their worlds is made."""
    return [Facts(World(f"student {n}")) for n in range(50)]


@pytest.mark.parametrize("asked", ALL, ids=lambda q: q.id)
def test_one_form(asked: Question):
    """Three or four sentences, one right; a wrong one has misconception, message and belief."""
    right = [o for o in asked.options if not o.code]
    wrong = [o for o in asked.options if o.code]
    assert len(right) == 1 and 2 <= len(wrong) <= 3
    assert all(o.message and o.holds and not o.holds.endswith(".") for o in wrong)
    assert len({o.text for o in asked.options}) == len(asked.options)
    assert len({o.code for o in wrong}) == len(wrong)


def test_every_chapter_asks():
    """Predictions where something is about to be seen, choices where something was."""
    assert {q.chapter for q in ALL} >= set(CHAPTERS) - {"06"}
    assert {q.chapter for q in ALL if q.prediction} == {"00", "01", "02", "03", "05", "07", "08"}


@pytest.mark.parametrize("asked", ALL, ids=lambda q: q.id)
def test_the_right_sentence_stands_everywhere(asked: Question, worlds):
    """Over fifty seeds it is in each place, and in none most times."""
    choices = [asked.choice(w) for w in worlds]
    places = [list(c.options).index(c.right) for c in choices]
    counts = [places.count(n) for n in range(len(asked.options))]
    print(asked.id, counts)
    assert min(counts) >= 3 and max(counts) <= 35


def test_no_place_is_the_usual_one():
    """In the lessons' own world the right sentence is not mostly in one place."""
    facts = Facts(World(PRACTICE))
    choices = [q.choice(facts) for q in ALL]
    places = [list(c.options).index(c.right) for c in choices]
    print([places.count(n) for n in range(4)])
    assert max(places.count(n) for n in range(4)) < 0.6 * len(places)


@pytest.fixture
def lab(monkeypatch, tmp_path):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    made = start("00", seed="questions")
    yield made
    made.close()


def press(panel, text: str) -> None:
    """Press the button with this sentence."""
    panel.choose(next(o["key"] for o in panel.options if o["text"] == text))


def test_a_choice_is_answered_at_once(lab):
    """A wrong sentence gets its message, the right one says why; the first one is kept."""
    panel = lab.ask("00.curl-k")
    wrong, right = (
        next(o for o in panel.asked.options if bool(o.code) == bad) for bad in (True, False)
    )
    press(panel, wrong.text)
    assert panel.verdict["mark"] == "wrong" and wrong.message in panel.verdict["text"]
    press(panel, right.text)
    assert panel.verdict["mark"] == "right"
    said = lab.said().said["00.curl-k"]
    assert (said.first, said.last, said.was) == (wrong.text, right.text, right.text)


def test_a_prediction_is_not_judged(lab):
    """It is kept, and the next cell answers it."""
    panel = lab.predict("00.first-verdict")
    wrong = next(o for o in panel.asked.options if o.code)
    press(panel, wrong.text)
    assert panel.verdict["mark"] == "kept" and wrong.message not in str(panel.verdict)
    shown = str(lab.said())
    assert f"you said  {wrong.text[:40]}" in shown and "it was" in shown and "0 of 1" in shown


def test_an_attack_runs_when_it_is_predicted(lab):
    """Two buttons; then what was said, what it was, and what happened."""
    panel = lab.predict("trust-any")
    assert "NOT YET  Predict first" in str(panel.snapshot()) and panel.outcome.value == ""
    panel.predict("out")
    assert panel.buttons.verdict["mark"] == "other"
    assert "You said: Mallory is stopped" in panel.buttons.verdict["text"]
    assert "Mallory got in" in panel.outcome.value
    panel.close()


def test_a_panel_that_was_answered_answers_the_check_cell(lab):
    """One question, one answer, which is counted once."""
    assert lab.check("00.decision").status == "not yet"
    quiz = lab.quiz("00.decision")
    quiz.choose(lab.reference("00.decision"))
    assert lab.check("00.decision").right and lab.check("00.decision", ...).sent
    assert lab.progress().entries["00.decision"].tries == 1


def test_solutions_open_after_a_try_and_are_counted(lab):
    """Before it the reader is sent to try; afterwards code or sentence, and a count."""
    assert lab.solution("00.roles").code == ""
    lab.check("00.roles", {"attester": "a"})
    assert lab.solution("00.roles").code.startswith("roles = {")
    assert lab.progress().entries["00.roles"].solutions == 1


def test_hints_go_on_after_a_restart(lab):
    """The counter is in the progress file."""
    assert lab.hint("00.roles").step == 1
    lab._unkept.clear()
    assert lab.hint("00.roles").step == 2


def test_an_unknown_question_is_refused(lab):
    """With the list of those there are."""
    with pytest.raises(UsageError, match=r"00\.curl-k"):
        lab.ask("00.nope")


def test_progress_links_to_its_exercises(lab):
    """Each id leads to the heading of its exercise; what is open stands in the caption."""
    shown = lab.progress()._repr_mimebundle_()["text/html"]
    assert 'href="00-start-here.ipynb#Exercise%3A-who-plays-which-part"' in shown
    assert "Still open: 00.decision, 00.roles." in shown


def test_a_claim_that_holds_says_so():
    """One line with the claim's own sentence; other cells say nothing."""
    assert claimed("# Claim: names prove nothing.\nassert True") == "names prove nothing."
    assert claimed("x = 1") == ""
    assert str(Held("x.")) == "Holds: x." and "s-passed" in Held("x.")._html()


def test_markup_in_a_sentence_stays_text(facts):
    """The static form escapes whatever stands in a question."""
    from casnb.teach.quiz.choosing import Choosing, Verdict

    panel = Choosing("t", "<b>?", {"a": "<i>x"}, lambda key: Verdict("wrong", "<u>no"))
    panel.choose("a")
    shown = panel._repr_mimebundle_()[0]["text/html"]
    assert not any(tag in shown for tag in ("<b>", "<i>", "<u>")) and "&lt;i&gt;x" in shown
