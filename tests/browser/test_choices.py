"""Choices and predictions as buttons in a real JupyterLab: mouse, keyboard, what is read aloud."""

from __future__ import annotations

import pytest
from browser.test_switchboard import write

expect = pytest.importorskip("playwright.sync_api", reason="no playwright").expect


@pytest.fixture
def chapter(jupyterlab):
    """A short lesson with each form of question, and its end."""
    return write(
        jupyterlab.folder,
        "choices.ipynb",
        "from casnb.teach import start\nlab = start('00')\nlab",
        "lab.predict('00.first-verdict')",
        "# Claim: a claim that holds says so.\nassert True",
        "lab.ask('00.curl-k')",
        "lab.predict('debug-memory')",
        "lab.quiz('00.decision')",
        "lab.check('00.decision')",
        "lab.check('01.mrenclave', 'sha256 Fingerprint=' + bytes.fromhex(lab.world.mrsigner)"
        ".hex(':').upper())",
        "lab.check('00.roles', {'attester': 'a', 'endorser': 'b', 'reference value provider': 'c',"
        " 'verifier': 'd', 'relying party': 'e'})",
        "lab.said()",
        "lab.progress()",
    )


def test_sentences_are_buttons(chapter, open_notebook, screenshots, axe):
    """A press is answered under the button, the focus stays, and the state is in its name."""
    book = open_notebook(chapter)
    book.run_all()
    ask = book.panel.locator(".t-question").nth(1)
    wrong = ask.get_by_role("button", name="That the CAS is the right one.")
    wrong.press("Space")
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(ask.get_by_role("status")).to_contain_text("Not this one. The liar above")
    expect(wrong).to_be_focused()
    right = ask.get_by_role("button", name="That the connection is encrypted to somebody.")
    right.click()
    expect(ask.get_by_role("status")).to_contain_text("Right.")
    expect(wrong).to_have_attribute("aria-pressed", "false")
    predict = book.panel.locator(".t-question").nth(0)
    predict.get_by_role("button").nth(1).click()
    expect(predict.get_by_role("status")).to_contain_text("Run the next cell to find out.")
    attack = book.panel.locator(".t-predict")
    attack.get_by_role("button", name="Mallory is stopped").click()
    expect(attack.get_by_role("status")).to_contain_text("It was: Mallory gets in.")
    quiz = book.panel.locator(".t-quiz")
    quiz.get_by_role("button", name="The code has no bugs.").click()
    expect(quiz.get_by_role("status")).to_contain_text("Not this one.")
    for code in ("lab.check('00.decision')", "lab.said()", "lab.progress()"):
        book.panel.locator(".jp-CodeCell", has_text=code).locator(".cm-content").click()
        book.page.keyboard.press("Control+Enter")
    expect(book.panel.locator("caption", has_text="came as you first said")).to_be_visible()
    book.page.screenshot(path=screenshots / "choices-end.png")
    for n, place in enumerate((quiz, attack, ask)):  # upwards: JupyterLab draws what is near
        place.scroll_into_view_if_needed()
        book.page.screenshot(path=screenshots / f"choices-{n}.png")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        ask.scroll_into_view_if_needed()
        book.page.screenshot(path=screenshots / f"choices-{theme[-5:].strip().lower()}.png")
        assert book.violations(axe) == []
    assert not book.errors and not book.foreign


def test_a_press_answers_the_check_cell_and_is_read_aloud(
    jupyterlab, open_notebook, screenshots, axe
):
    """Everything was run before the button is pressed: the check cell below says so then, and the
    one live region of the page, which was there before, reads the verdict. The decision is signed
    with the reason in the line below its buttons.
    """
    name = write(
        jupyterlab.folder,
        "awaited.ipynb",
        "from casnb.teach import start\nlab = start('00')\nlab",
        "lab.quiz('00.decision')",
        "decision = ...",
        "lab.check('00.decision', decision)",
        "lab.decide()",
    )
    book = open_notebook(name, fresh=True)
    book.run_all()
    checked = book.panel.locator(".feedback")
    expect(checked).to_contain_text("NOT YET")
    aloud = book.page.locator("#casnb-announcer")
    expect(aloud).to_have_attribute("role", "status")
    expect(aloud).to_be_empty()
    quiz = book.panel.locator(".t-quiz")
    quiz.get_by_role("button", name="The code has no bugs.").click()
    expect(checked).to_contain_text("WRONG")
    expect(aloud).to_contain_text("Wrong. ")
    decide = book.panel.locator(".t-decision")
    decide.get_by_label("Because").fill("three failures")
    decide.get_by_role("button", name="Not yet").click()
    expect(decide.get_by_role("status")).to_contain_text("a reason you can defend")
    book.page.screenshot(path=screenshots / "decision.png")
    assert book.violations(axe) == []
    assert not book.errors and not book.foreign
