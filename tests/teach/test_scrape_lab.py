"""The scrape lab: the page's history, three scrapers scored over it, and the panel that shows
them.
"""

from __future__ import annotations

import json
import re

import ipywidgets as widgets
import pytest
import traitlets

from casnb.base.errors import CasnbError, UsageError
from casnb.cas.page import scrape
from casnb.teach.course.judgement import feedback_on
from casnb.teach.facts import ninth_word
from casnb.teach.scraping import model as scrapers
from casnb.teach.scraping.model import (
    POINTS,
    Answer,
    cards,
    classic,
    own,
    pipeline_is_real,
    run_pipeline,
)
from casnb.teach.scraping.page_history import HOST, STATES, PageState, page_history
from casnb.teach.scraping.panel import ScrapeModel, ScrapePanel, sentence

PAGES = (
    "2021-06-21-5fc9fdf3",
    "2021-10-14-c3c5b8ff",
    "2022-04-27-9bbf15dc",
    "2024-10-29-65631003",
    "2026-08-04-dec28075",
    "root-404",
)
OTHER = "ab" * 32


@pytest.fixture(scope="module")
def world(cases):
    return cases.get("public").world


@pytest.fixture(scope="module")
def states(world):
    return page_history(world)


def first_hash(html):
    return re.search("[0-9a-f]{64}", html)[0]


@pytest.fixture
def panel(world, loud):
    made = ScrapePanel(world, first_hash)
    yield made
    made.close()


# The history


def test_the_history_has_what_the_real_page_went_through(states, world):
    """Ten states, oldest first; each gives the strict reader the world's value, or nothing."""
    assert tuple(s.name for s in states) == STATES
    for state in states:
        try:
            assert (
                scrape(state.html.encode()).mrenclave(HOST) == state.expected == world.mrenclave
            ), state.name
        except CasnbError:
            assert state.expected is None, state.name
    assert sum(s.expected is None for s in states) == 5


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("2020-08", r"--only_for_testing-[a-z-]+"),
        ("2021-06", "VALUE"),
        ("2021-10", "[0-9a-f]{64}"),
        ("two-rows", "[0-9a-f]{64}"),
        ("2022-02", r"--only_for_testing-[a-z-]+"),
        ("2022-04", r"--only_for_testing-[a-z-]+"),
        ("2024-10", "-GCS"),
        ("2025-08", "-GCS"),
        ("2026-03", ""),
        ("today", "[a-z]+"),
    ],
)
def test_the_pipeline_gets_what_it_got_from_the_real_page(states, world, name, word):
    """Right once, then another host's value, flags, nothing, and a word of prose."""
    state = next(s for s in states if s.name == name)
    got = run_pipeline(state.html)
    assert re.fullmatch(word.replace("VALUE", world.mrenclave), got)
    assert (got == world.mrenclave) == (name in ("2021-06", "two-rows"))


def test_special_states_are_special(states):
    """N/A, no domain, a script on the 404 page, two values in one host's rows, an edge table
    where there was one.
    """
    html = {s.name: s.html for s in states}
    rows = {name: scrape(text.encode()).rows for name, text in html.items() if "<table" in text}
    assert any(r.address == HOST and r.note == "N/A" for r in rows["2022-02"])
    assert any(r.address == "scone-cas" for r in rows["2025-08"]) and not any(
        r.address == HOST for r in rows["2025-08"]
    )
    assert len({r.mrenclave for r in rows["two-rows"] if r.address == HOST}) == 2
    assert (
        "location.replace" in html["2026-03"] and "<table" not in html["2026-03"] + html["2020-08"]
    )
    edge = {
        name for name, found in rows.items() if any(r.address.startswith("edge.") for r in found)
    }
    assert "2022-04" in edge and "2021-10" not in edge


def test_bash_and_python_agree(states, monkeypatch):
    """Where bash is missing the same steps are done in Python, with the same words, and the card
    says so.
    """
    if not pipeline_is_real():
        pytest.skip("no bash, grep, tail or awk")
    real = classic(states)
    assert real.how == scrapers.PIPELINE and [a.value for a in real.answers] == [
        ninth_word(s.html) for s in states
    ]
    monkeypatch.setattr(scrapers, "pipeline_is_real", lambda: False)
    assert classic(states).values == real.values and "in Python" in classic(states).how


@pytest.mark.parametrize("name", PAGES)
def test_real_pages_score_as_they_did(vectors, name):
    """The pipeline yields from each stored page what it yielded then; casnb is right or refuses."""
    folder = vectors / "public-cas" / name
    meta, expected = (json.loads((folder / f"{n}.json").read_bytes()) for n in ("meta", "expected"))
    state = PageState(
        name, "", (folder / "page.html").read_text(encoding="utf-8"), expected.get(HOST)
    )
    old, ours = cards([state])
    assert old.answers[0].value == (meta["reference_scraper_field9"] or "")
    assert ours.answers[0].outcome in ("right", "refused rightly")
    if not meta.get("reference_scraper_correct_for_scone_cas_cf"):
        assert old.answers[0].outcome.startswith("wrong")


# The score


@pytest.mark.parametrize(
    ("expected", "value", "outcome"),
    [
        (OTHER, OTHER, "right"),
        (OTHER, None, "refused"),
        (None, None, "refused rightly"),
        (OTHER, "the", "wrong, and noticed"),
        (OTHER, "", "wrong, and noticed"),
        (OTHER, "cd" * 32, "wrong, and believed"),
        (None, OTHER, "wrong, and believed"),
    ],
)
def test_an_outcome_has_its_points(expected, value, outcome):
    """Wrong costs most where it looks right."""
    answer = Answer(PageState("x", "", "", expected), value, "")
    assert (answer.outcome, answer.points) == (outcome, POINTS[outcome])
    assert sorted(POINTS, key=POINTS.__getitem__)[:3] == [
        "wrong, and believed",
        "wrong, and noticed",
        "refused",
    ]


def test_careful_scores_all_and_careless_less_than_nothing(states):
    """casnb has every point; the pipeline and the first hash on the page are wrong where they
    should be silent.
    """
    old, mine, ours = cards(states, first_hash)
    assert (ours.points, ours.count("wrong"), ours.count("right")) == (10, 0, 5)
    assert (
        old.count("refused") == 0
        and old.points < 0
        and mine.count("wrong") >= 3
        and mine.values["2020-08"] is None
    )
    assert (
        ours.sentence
        == "casnb: 10 of 10 points. 5 right, 5 refused (5 rightly), 0 wrong (0 believed)."
    )


class Odd(str):
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize(
    ("scraper", "outcome", "said"),
    [
        (lambda html: None, "refused", "refused: None"),
        (lambda html: html[10**9], "refused", "refused: IndexError"),
        (lambda html: 7, "wrong, and noticed", "7, which is not a value"),
        (lambda html: ["ab"], "wrong, and noticed", "not a value"),
        (lambda html: Odd("x"), "wrong, and noticed", "x"),
        (lambda html: "\x1b[31m\u202e<b>", "wrong, and noticed", "<b>"),
        (lambda: 1, "refused", "TypeError"),
        (lambda html: html * 99, "wrong, and noticed", "characters, which is not a value"),
    ],
    ids=[
        "None",
        "raises",
        "number",
        "list",
        "always equal",
        "control characters",
        "wrong signature",
        "large",
    ],
)
def test_whatever_a_function_does_is_an_answer(states, scraper, outcome, said):
    """Exceptions are refusals; what is not text is not a value; nothing of it is asked whether
    it is equal.
    """
    answer = own(scraper, [next(s for s in states if s.name == "today")]).answers[0]
    assert answer.outcome == outcome and said in answer.said and "\x1b" not in answer.said


# The panel


def test_the_panel_shows_the_chosen_page_and_all_scores(panel, page_sets):
    """Chosen on the page: its source lines, what each scraper said of it; the board has every
    state and the totals.
    """
    page_sets(panel.chooser, index=STATES.index("2021-10"))
    assert panel.model.state == "2021-10"
    assert "WRONG, AND BELIEVED" in panel.board.value and "scone cas attest" in panel.seen.value
    assert (
        panel.seen.value.count("<tr>") == 1 + 3 and "still names an older host" in panel.seen.value
    )
    assert panel.board.value.count("data-page=") == len(STATES) and "10 points" in panel.board.value
    assert panel.live.text and "casnb: 10 of 10 points" in panel.scores.value


def test_another_scraper_is_scored_at_once(panel, page_clicks):
    """A better function, all points; the button runs it again, so that a changed one counts."""
    answers = {"value": None}
    panel.use(lambda html: answers["value"] or scrape(html.encode()).mrenclave(HOST))
    assert panel.model.mine.points == 10 and panel.values == panel.model.cards[-1].values
    answers["value"] = OTHER
    page_clicks(panel.button)
    assert panel.model.mine.count("wrong") == len(STATES)


def test_controls_have_names_and_the_snapshot_says_it_all(panel):
    """Descriptions, no Output; text and HTML of the snapshot, sent along with the widget, carry
    scores and pages.
    """
    assert panel.chooser.description and panel.button.description
    assert not any(isinstance(w, widgets.Output) for w in panel.children)
    data, _ = panel._repr_mimebundle_()
    for form in (data["text/plain"], data["text/html"]):
        assert (
            all(name in form for name in STATES)
            and sentence(panel.model).split(":")[0] in form
            and "costs" not in form
        )
        assert "believed" in form.lower() and "-5" in form
    assert (
        "<b>"
        not in ScrapePanel(panel.model.states and None, lambda html: "<b>")._repr_mimebundle_()[0][
            "text/html"
        ]
    )


def test_without_a_scraper_there_are_two_cards_and_nonsense_is_refused(world):
    """No function of the reader's: pipeline and casnb. What is not a function, and a state that is
    none, are refused.
    """
    model = ScrapeModel(world)
    assert [c.name for c in model.cards] == ["classic pipeline", "casnb"] and model.values == {}
    with pytest.raises(UsageError):
        ScrapeModel(world, "regex")
    with pytest.raises(traitlets.TraitError):
        model.state = "1999"


def test_after_close_nothing_listens(world):
    """Closing undoes every observer."""
    panel = ScrapePanel(world)
    model, chooser = panel.model, panel.chooser
    panel.close()
    chooser.value = "2021-06"
    assert model.state == "today"


def test_the_exercise_counts_what_went_wrong(facts):
    """The pipeline's words are told by name; a mixture is counted, and the worst page named."""
    from casnb.teach.course.exercises import exercise

    task = exercise("01.history")
    right = task.reference(facts)
    feedback = feedback_on(
        task, {**right, "today": None, "2026-03": "the", "two-rows": OTHER}, facts
    )
    assert "7 of 10 pages" in feedback.message
    assert "1 refused without need, 2 wrong, 1 of these would be believed" in feedback.message
    assert (
        "Look first at 'two-rows'" in feedback.message
        and facts.world.mrenclave not in feedback.message
    )
    assert feedback_on(task, {"today": None}, facts).code == "form"
