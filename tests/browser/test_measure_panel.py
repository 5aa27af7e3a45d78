"""The measurement lab in a real JupyterLab: build with the keyboard, read what changed, in both
themes and narrow.
"""

from __future__ import annotations

import re

import nbformat
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright")
expect = sync_api.expect


@pytest.fixture
def lesson(jupyterlab):
    """A notebook with the panel, and its snapshot."""
    cells = [
        "from casnb.teach.measuring.panel import MeasurePanel\npanel = MeasurePanel()\npanel",
    ]
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c) for c in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(book, jupyterlab.folder / "measure.ipynb")
    return "measure.ipynb"


def test_build_by_keyboard_and_read_the_measurement(lesson, open_notebook, axe, screenshots):
    """Space and Enter are enough; each change is announced as a status; axe finds nothing in
    either theme; nothing is fetched.
    """
    book = open_notebook(lesson)
    book.run_all()
    verdict = book.panel.locator(".t-verdict .verdict")
    expect(verdict).to_have_text(re.compile("nothing changed: MRENCLAVE is"))
    book.panel.get_by_label("Turn over one bit of the code").focus()
    book.page.keyboard.press("Space")
    expect(verdict).to_have_text(re.compile(r"^EINIT refuses: the vendor signed another"))
    expect(book.panel.locator(".t-einit .mismatch")).to_have_count(1)
    book.panel.get_by_label("SIGSTRUCT").select_option(index=2)
    expect(verdict).to_have_text(re.compile(r"^EINIT starts it.*the test key"))
    book.panel.get_by_label("SIGSTRUCT").select_option(index=0)
    book.page.keyboard.press("Space")
    book.panel.get_by_label("Start it as a debug enclave").focus()
    book.page.keyboard.press("Space")
    expect(verdict).to_have_text(re.compile("DEBUG off.*MRENCLAVE stays .* with debug"))
    book.panel.get_by_label("SCONE_HEAP").select_option("64K")
    expect(verdict).to_have_text(re.compile("Another enclave .SCONE_HEAP=64K, debug"))
    again = book.panel.get_by_role("button", name="Start again")
    again.focus()
    book.page.keyboard.press("Enter")
    expect(verdict).to_have_text(re.compile("0 of 20 pages"))
    book.panel.get_by_role("button", name="Add the next page").click()
    expect(verdict).to_have_text(re.compile("1 of 20 pages"))
    expect(book.panel.locator(".t-einit")).to_have_text(re.compile("add the pages that are left"))
    book.panel.get_by_role("button", name="Add all pages").click()
    button = book.panel.get_by_role("button", name="Add the next page")
    button.focus()
    book.page.keyboard.press("Enter")
    expect(button).to_be_focused()
    expect(verdict).to_have_text(re.compile("MRENCLAVE"))
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        book.page.screenshot(path=screenshots / f"measure-{theme[-5:].strip().lower()}.png")
        assert book.violations(axe) == []
    assert book.errors == [] and book.foreign == []


def test_it_stays_usable_at_400_percent(lesson, open_notebook, screenshots):
    """In a quarter of the width every control can still be reached, and no words of one are cut
    off.
    """
    book = open_notebook(lesson)
    book.page.set_viewport_size({"width": 480, "height": 900})
    book.run_all()
    expect(book.panel.locator(".t-verdict .verdict")).to_have_text(re.compile("MRENCLAVE"))
    book.collapse_left()
    for name in ("Add the next page", "Start again"):
        box = book.panel.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 480
    cut = book.panel.locator(".t-measure").first.evaluate(
        "e => [...e.querySelectorAll('button, label, .widget-label-basic')].filter(n =>"
        " n.scrollWidth > n.clientWidth + 1).map(n => n.textContent)"
    )
    book.page.screenshot(path=screenshots / "measure-narrow.png")
    assert cut == []
