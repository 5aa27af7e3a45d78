"""Notebook 7 in place of JupyterLab: one notebook to a page, the same panels."""

from __future__ import annotations

import pytest
from browser.conftest import PATIENCE, serving
from browser.test_switchboard import write

expect = pytest.importorskip("playwright.sync_api", reason="no playwright").expect
pytest.importorskip(
    "notebook",
    minversion="7",
    reason="no Notebook 7 (pip install 'notebook>=7')",
    exc_type=ImportError,
)

#: Opening is over when kernel and page have met: a run before that is dropped without a word.
MET = """async () => {
    const app = window.jupyterapp; await app.restored;
    const book = app.shell.currentWidget;
    await book.context.ready; await book.sessionContext.ready;
    await book.sessionContext.session.kernel.info;
    await app.commands.execute('notebook:run-all-cells'); }"""


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory):
    """A server of Notebook 7 for the tests of this file."""
    with serving(tmp_path_factory.mktemp("seven"), "notebook", "JupyterNotebookApp") as server:
        yield server


@pytest.mark.soak
def test_a_lesson_works_in_notebook_7(notebook7, browser, screenshots, axe):
    """Every kind of control is drawn and answers a press: a choice with its check cell, a
    prediction with its map, a switch with its verdict; a region reads aloud, and no script fails.
    """
    name = write(
        notebook7.folder,
        "seven.ipynb",
        "from casnb.teach import start\nlab = start('03')\nlab",
        "lab.quiz('03.gain')",
        "lab.check('03.gain')",
        "lab.predict('debug-memory')",
        "lab.panel()",
    )
    context = browser.new_context(viewport={"width": 1280, "height": 1900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{notebook7.url}/notebooks/{name}?token={notebook7.token}")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext != null")
    page.evaluate(MET)
    quiz = page.locator(".t-quiz")
    quiz.get_by_role("button", name="Intel's root certificate has leaked.").click()
    expect(page.locator(".feedback").first).to_contain_text("WRONG")
    expect(page.locator("#casnb-announcer")).to_contain_text("Wrong. ")
    page.locator(".t-predict").get_by_role("button", name="Mallory gets in").click()
    expect(page.locator(".t-predict")).to_contain_text("On the map: she comes through")
    board = page.locator(".t-switchboard")
    verdict = board.locator(".t-verdict .verdict")
    expect(verdict).to_contain_text("rejected")
    for flag in ("-G --accept-group-out-of-date", "--only_for_testing-debug"):
        board.get_by_label(flag).check()
    board.get_by_label("--only_for_testing-ignore-signer").check()
    expect(verdict).to_contain_text("with 3 waivers")
    page.screenshot(path=screenshots / "notebook-7.png", full_page=True)
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run('.jp-OutputArea')).violations.map(v => v.id)")
    assert found == []
    # Notebook 7 itself raises one about a setting's schema while it starts.
    assert [e for e in errors if "schema" not in e] == []
    page.evaluate("async () => { await window.jupyterapp.serviceManager.sessions.shutdownAll() }")
    context.close()
