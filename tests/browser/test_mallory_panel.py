"""The prediction panel in a real JupyterLab: predict with the keyboard, let Mallory try, read
what happened, in both themes.
"""

from __future__ import annotations

import re

import pytest
from browser.test_switchboard import expect, write


@pytest.fixture
def lesson(jupyterlab):
    """A notebook that shows the panel, a prediction not made and one made, and a matrix."""
    return write(
        jupyterlab.folder,
        "mallory.ipynb",
        "from casnb.teach.lab import start\nlab = start('06')\nlab.mallory(attack='forged-quote',"
        " defence='-G')",
        "lab.predict('relay')",
        "lab.predict('relay', 'out')",
        "lab.attack_matrix(['', '-G'], ['forged-quote', 'other-instance'])",
    )


def test_predict_by_keyboard_and_read_the_outcome(lesson, open_notebook, axe, screenshots):
    """The button asks for a prediction and keeps the focus; space and Enter are enough; the
    outcome is announced as a status, and nothing comes from elsewhere.
    """
    book = open_notebook(lesson)
    book.run_all()
    button = book.panel.get_by_role("button", name="Let Mallory try")
    status = book.panel.locator(".t-mallory [role=status]")
    expect(status).to_have_count(1)
    button.focus()
    book.page.keyboard.press("Enter")
    expect(status).to_have_text(re.compile("got none yet.*Predict first"))
    expect(book.panel.locator(".t-mallory-told")).to_contain_text("got none yet")
    expect(button).to_be_focused()
    book.page.screenshot(path=screenshots / "mallory-1-not-yet.png")
    first = book.panel.locator(".t-mallory-prediction button").first
    first.focus()
    book.page.keyboard.press("Space")
    expect(status).to_have_text(re.compile("^Predict first"))
    button.focus()
    book.page.keyboard.press("Enter")
    expect(book.panel.locator(".t-mallory-told [data-verdict=rejected]")).to_have_text(
        re.compile("Mallory got in")
    )
    expect(book.panel.locator(".t-mallory-told .feedback")).to_have_text(re.compile("AS PREDICTED"))
    expect(status).to_have_text(re.compile("^You predicted"))
    expect(button).to_be_focused()
    book.page.screenshot(path=screenshots / "mallory-2-got-in.png")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        book.page.screenshot(path=screenshots / f"mallory-{theme[-5:].strip().lower()}.png")
        assert book.violations(axe) == []
    assert book.errors == [] and book.foreign == []
