"""Every notebook as a reader has it: run from top to bottom in JupyterLab, then looked at by axe in
both themes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.soak
@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_pass_axe_in_both_themes(source, jupyterlab, open_notebook, axe, screenshots):
    """No output of any cell has a violation: names, roles, headings, tables, contrast; and nothing
    is fetched from elsewhere.
    """
    shutil.copy(source, jupyterlab.folder)
    book = open_notebook(source.name)
    book.run_all()
    book.panel.locator(".jp-OutputArea").nth(10).wait_for(state="attached")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        found = book.violations(axe)
        assert found == [], f"{theme}: {len(found)}"
    book.page.screenshot(path=screenshots / f"notebook-{source.stem}.png")
    assert not book.errors and not book.foreign
