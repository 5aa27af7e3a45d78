"""The history explorer in a real JupyterLab: choose with the keyboard's controls, read the line,
in both themes and narrow.
"""

from __future__ import annotations

import nbformat
from browser.test_switchboard import expect

MAKE = """\
from casnb.session.history import History, Version
from casnb.session.readers import Readers
from casnb.session.session import Session
from casnb.teach.history.panel import HistoryPanel

versions, last = [], "~"
for n, read in enumerate(("NONE", "ANY", "NONE", "ANY"), 1):
    session = Session.from_yaml(f"name: {'long_name_of_a_namespace/' * 4}story\\n"
                                f"version: 0.3\\npredecessor: {last}\\n"
                                f"access_policy: {{read: {read}, update: NONE}}\\n"
                                f"secrets: [{{name: v, kind: ascii, value: v{n}}}]\\n")
    versions.append(Version(n, session.hash, session.to_yaml(), session))
    last = session.hash
history = History(session.name, tuple(versions))
panel = HistoryPanel(history, Readers(history, {"anybody": None, "somebody": b"key"}))
panel"""


def test_compare_in_both_themes(jupyterlab, open_notebook, screenshots, axe):
    """A chosen version changes the line and the difference; nothing is wider than its place; axe
    finds no violation.
    """
    cells = [
        nbformat.v4.new_markdown_cell("## A lesson"),
        nbformat.v4.new_code_cell(MAKE),
    ]
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        ),
        jupyterlab.folder / "history.ipynb",
    )
    book = open_notebook("history.ipynb")
    book.run_all()
    panel = book.panel.locator(".t-history")
    line = panel.locator(".t-history-line")
    line.get_by_text("From version 3 to version 4: 3 fields changed.").wait_for()
    panel.get_by_label("Compare version").select_option(index=0)
    line.get_by_text("From version 1 to version 4: 3 fields changed.").wait_for()
    panel.locator("code", has_text="v1").first.wait_for()
    expect(panel.get_by_text("Who could read what, and when")).to_have_count(1)
    book.collapse_left()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for width in (1280, 640, 320):
            book.page.set_viewport_size({"width": width, "height": 1500})
            panel.scroll_into_view_if_needed()
            book.page.screenshot(
                path=screenshots / f"history-{width}-{theme[-5:].strip().lower()}.png"
            )
            wide = panel.locator("table, pre").evaluate_all(
                "all => all.filter(t => t.offsetWidth > t.parentElement.clientWidth + 1).map(t =>"
                " t.textContent.slice(0, 60))"
            )
            assert wide == []
        assert book.violations(axe) == []
    assert not book.errors and not book.foreign
