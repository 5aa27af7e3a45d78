"""Every panel is sent together with a static form: text and escaped HTML that tell its state
without a widget manager.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from importlib import import_module
from pkgutil import walk_packages

import ipywidgets as widgets
import pytest

import casnb.teach
from casnb.session.history import History, Version
from casnb.session.readers import Readers
from casnb.session.session import Session
from casnb.simulator.world import World
from casnb.teach.aids import Aids
from casnb.teach.announcer import Announcer
from casnb.teach.casework import Signed
from casnb.teach.copying import CopyButton
from casnb.teach.course.exercises import exercise
from casnb.teach.course.judgement import feedback_on
from casnb.teach.course.questions import question
from casnb.teach.explorer.panel import ByteExplorer
from casnb.teach.fold import Fold, FoldButton
from casnb.teach.history.panel import HistoryPanel
from casnb.teach.live import Live
from casnb.teach.measuring.panel import MeasurePanel
from casnb.teach.predicting.buttons import PredictPanel
from casnb.teach.predicting.model import foretell
from casnb.teach.predicting.panel import MalloryPanel
from casnb.teach.quiz.choosing import Choosing, Verdict
from casnb.teach.quiz.deciding import DecisionPanel
from casnb.teach.quiz.panel import QuestionPanel, QuizPanel
from casnb.teach.scraping.panel import ScrapePanel
from casnb.teach.switchboard.controls import Doors, Switches
from casnb.teach.switchboard.panel import Switchboard
from casnb.teach.tampering.panel import TamperPanel

MARKUP = "<img src=x>"
FALSE = World("static forms").false_value


def explorer(cases):
    return ByteExplorer(cases.get("production").report)


def history(cases):
    session = Session.from_yaml(
        f"name: story\nversion: 0.3\nsecrets: [{{name: v, kind: ascii, value: {MARKUP}}}]\n"
    )
    told = History("story", (Version(1, session.hash, session.to_yaml(), session),))
    return HistoryPanel(told, Readers(told, {MARKUP: None}))


def mallory(cases):
    panel = MalloryPanel("static forms", attack="debug-memory")
    panel.predict("in")
    panel.run()
    return panel


def measure(cases):
    panel = MeasurePanel(cases.get("production").world.enclave)
    panel.set(bit=True)
    return panel


def quiz(cases):
    facts, task = (
        cases.get("public"),
        replace(exercise("00.decision"), question=f"Accept {MARKUP}?"),
    )
    panel = QuizPanel(task.posed(facts), lambda id, answer: feedback_on(task, answer, facts))
    panel.choose(next(k for k, o in panel.task.options.items() if o.code))
    return panel


def ask(cases):
    panel = QuestionPanel(question("00.whose-word"), cases.get("public"), lambda *said: "")
    panel.choose(next(o["key"] for o in panel.options if o["text"] == "The page's."))
    return panel


def predict(cases):
    def run(said):
        return foretell("debug-memory", said, seed="static forms")

    panel = PredictPanel(run(...), run, lambda *said: "")
    panel.predict("in")
    return panel


def choosing(cases):
    panel = Choosing(MARKUP, MARKUP, {"a": MARKUP}, lambda key: Verdict("kept", MARKUP))
    panel.choose("a")
    return panel


def decision(cases):
    return DecisionPanel(lambda key, why: Signed("00", key), "not yet", MARKUP)


def scrape(cases):
    return ScrapePanel(cases.get("public").world, lambda page: MARKUP)


def switchboard(cases):
    return Switchboard(cases, flags=("only_for_testing-debug", "only_for_testing-ignore-signer"))


def tamper(cases):
    panel = TamperPanel(cases.get("production"))
    panel.flip(96, 2)
    return panel


#: Class, how one is made, and words that its state must be told with.
PANELS = {
    ByteExplorer: (explorer, ("mr_enclave", "attributes")),
    HistoryPanel: (history, ("version", MARKUP)),
    MalloryPanel: (mallory, ("debug-memory", "You predicted", "Mallory got in", FALSE)),
    MeasurePanel: (measure, ("ECREATE", "MRENCLAVE", "SIGSTRUCT")),
    QuizPanel: (
        quiz,
        (
            f"Accept {MARKUP}?",
            *(o.text for o in exercise("00.decision").judge.options.values()),
            "Not this one",
        ),
    ),
    QuestionPanel: (ask, ("does the verdict never rest on", "The page's.", "Not this one")),
    PredictPanel: (predict, ("debug-memory", "You predicted", "Mallory got in")),
    Choosing: (choosing, (MARKUP, "Kept.")),
    DecisionPanel: (decision, ("May the customer's secret", MARKUP, "Kept.")),
    ScrapePanel: (scrape, ("today", MARKUP)),
    Switchboard: (switchboard, ("is rejected", "tcb-status", "WAIVED")),
    TamperPanel: (
        tamper,
        ("quote-signature", "attributes_flags (1)", "She only writes into the file"),
    ),
}


#: Widgets that are parts of panels, and never shown alone.
PARTS = {Aids, Announcer, CopyButton, Doors, Fold, FoldButton, Live, Switches}


def test_every_panel_is_here():
    """The table above holds each widget class that a module of the lessons defines."""
    modules = [
        import_module(m.name)
        for m in walk_packages(casnb.teach.__path__, "casnb.teach.")
        if not m.ispkg
    ]
    defined = {
        c
        for m in modules
        for c in vars(m).values()
        if isinstance(c, type) and issubclass(c, widgets.DOMWidget) and c.__module__ == m.__name__
    }
    assert defined - PARTS == set(PANELS)


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.__name__)
def test_the_static_form_tells_the_state(kind, cases, loud):
    """Beside the widget stand plain text and HTML, both of the snapshot, with the same words;
    markup from outside stays text.
    """
    make, words = PANELS[kind]
    panel = make(cases)
    data, _ = panel._repr_mimebundle_()
    text, html = data["text/plain"], data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert {"text/plain": text, "text/html": html} == panel.snapshot()._repr_mimebundle_()
    read = unescape(re.sub("<[^>]*>", " ", html))
    assert [w for w in words if w not in text or w not in read] == []
    assert f"{kind.__name__}(" not in text and not re.search("<(img|script|input|button)", html)
    panel.close()
