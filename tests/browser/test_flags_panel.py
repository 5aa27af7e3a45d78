"""The flag panel in a real JupyterLab: run, click, read the verdict from the page, look at it in both themes."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
G = "-G --accept-group-out-of-date"
SIGNER = "--only_for_testing-ignore-signer"
DEBUG = "--only_for_testing-debug"


def write(folder, name, *code):
    """Write a notebook with these code cells."""
    cells = [nbformat.v4.new_markdown_cell("# A lesson"), *map(nbformat.v4.new_code_cell, code)]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(book, folder / name)
    return name


@pytest.fixture
def small(jupyterlab):
    """A notebook of one cell that shows the panel."""
    code = "from casnb.teach.panels.flags import FlagPanel\npanel = FlagPanel(address='127.9.8.7')\npanel"
    return write(jupyterlab.folder, "panel.ipynb", code)


@pytest.fixture
def everything(jupyterlab):
    """A notebook that shows each kind of view that a lesson has."""
    return write(
        jupyterlab.folder, "views.ipynb",
        "from casnb import AttestationPolicy\nfrom casnb.teach.lab import start\n"
        "from casnb.teach.render import Comparison, Way, ladder\nlab = start('03')\nlab",
        "Way('appraisal')", "lab.task('03.gain')", "quiz = lab.quiz('03.gain')\nquiz",
        "lab.check('03.command')", "lab.check('03.command', 'scone')", "lab.check('03.gain', 'c')", "lab.hint('03.command')",
        "lab.progress()", "policy = AttestationPolicy(mrenclaves=(lab.world.mrenclave,))\n"
        "ladder(lab.facts.appraise, policy, lab.reference('03.minimal-flags'))",
        "Comparison(lab.scenario_attempt('public'), lab.scenario_attempt('production'), ('public', 'production'))",
        "panel = lab.panel(flags=('accept-group-out-of-date',))\npanel", "panel.snapshot()")


def expect(locator):
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(locator, "the page")


def test_a_click_changes_the_verdict_on_the_page(small, open_notebook, screenshots):
    """Refused at first; accepted with three waivers after three clicks by label; a usage error when one is taken back."""
    book = open_notebook(small)
    book.run_all()
    verdict = book.panel.locator(".t-verdict [role=status]")
    expect(verdict).to_have_text("CAS is rejected: tcb-status, debug, mrsigner.")
    book.page.screenshot(path=screenshots / "panel-1-rejected.png")
    for label in (G, SIGNER, DEBUG):
        book.panel.get_by_label(label, exact=True).check()
    expect(verdict).to_have_text(re.compile(r"^CAS is accepted with 3 waivers \(tcb-status, debug, mrsigner\)"))
    expect(book.panel.locator(".t-command code")).to_have_text(
        re.compile(rf"^scone cas attest -G --mrenclave [0-9a-f]{{64}} {SIGNER} {DEBUG} 127\.9\.8\.7$"))
    expect(book.panel.locator("[data-check=mrsigner]")).to_have_attribute("data-status", "waived")
    book.page.screenshot(path=screenshots / "panel-2-waived.png")
    book.theme("JupyterLab Dark")
    book.page.screenshot(path=screenshots / "panel-3-waived-dark.png")
    book.panel.get_by_label(SIGNER, exact=True).uncheck()
    expect(verdict).to_have_text(re.compile("Not a legal combination.*Error: --only_for_testing-debug: needs"))
    book.page.screenshot(path=screenshots / "panel-4-usage-dark.png")
    assert not book.errors and not book.foreign


def test_the_keyboard_is_enough(small, open_notebook):
    """Tab and space reach and turn every switch; the scenario can be chosen by typing."""
    book = open_notebook(small)
    book.run_all()
    verdict = book.panel.locator(".t-verdict [role=status]")
    book.panel.get_by_label("Scenario").select_option(label="production: a CAS fit for secrets")
    expect(verdict).to_have_text(re.compile("^CAS is trustworthy"))
    first = book.panel.get_by_label(G, exact=True)
    first.focus()
    book.page.keyboard.press("Space")
    expect(first).to_be_checked()
    book.page.keyboard.press("Tab")
    book.page.keyboard.press("Space")
    expect(book.panel.get_by_label("-C --accept-configuration-needed", exact=True)).to_be_checked()
    book.panel.get_by_role("button", name="Clear all flags").press("Enter")
    expect(first).not_to_be_checked()


def test_no_label_is_cut_off_and_a_click_is_quick(small, open_notebook):
    """Every label is as wide as its text, in a window of ordinary width; click to new verdict takes well under a second."""
    book = open_notebook(small)
    book.run_all()
    expect(book.panel.locator(".t-verdict [role=status]")).to_be_visible()
    cut = book.panel.locator(".t-flag-panel label, .t-flag-panel button").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)")
    assert cut == []
    box, verdict = book.panel.get_by_label(DEBUG, exact=True), book.panel.locator(".t-verdict [role=status]")
    began = time.perf_counter()
    box.check()
    expect(verdict).to_have_text(re.compile("Not a legal combination"))
    assert time.perf_counter() - began < 1


def test_every_view_passes_axe_in_both_themes(everything, open_notebook, screenshots, axe):
    """No violation in any output: names, roles, contrast."""
    book = open_notebook(everything)
    book.run_all()
    book.panel.locator(".t-quiz").get_by_label("d) Intel's root certificate has leaked.").check()
    book.panel.get_by_role("button", name="Check", exact=True).click()
    expect(book.panel.locator(".t-quiz-line [role=status]")).to_have_attribute("data-code", "root-leaked")
    book.page.evaluate(axe)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for n, place in enumerate((".t-quiz", ".t-flag-panel")):
            book.panel.locator(place).scroll_into_view_if_needed()
            book.page.screenshot(path=screenshots / f"views-{theme[-5:].strip().lower()}-{n}.png")
        found = book.page.evaluate("async () => (await axe.run('.jp-OutputArea')).violations.flatMap("
                                   "v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 150)} ${n.failureSummary}`))")
        assert found == [], "\n".join(found)
    assert not book.errors and not book.foreign


def test_notebook_03_runs_and_its_panel_answers(jupyterlab, open_notebook, screenshots):
    """The lesson as a reader has it: run all, no error, one switch by its label, another verdict on the page."""
    source = ROOT / "notebooks" / "03-attest-and-flags.ipynb"
    if not source.is_file():
        pytest.skip("no notebook 03")
    shutil.copy(source, jupyterlab.folder)
    book = open_notebook(source.name)
    book.run_all()
    panel = book.panel.locator(".t-flag-panel")
    verdict = panel.locator(".t-verdict [role=status]")
    expect(verdict).to_have_text(re.compile(r"^CAS is "), timeout=60_000)
    assert book.panel.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts() == []
    panel.get_by_role("button", name="Clear all flags").click()
    expect(verdict).to_have_text("CAS is rejected: tcb-status, debug, mrsigner.")
    panel.get_by_label(G, exact=True).check()
    expect(verdict).to_have_text("CAS is rejected: debug, mrsigner.")
    verdict.scroll_into_view_if_needed()
    book.page.screenshot(path=screenshots / "notebook-03-light.png")
    book.theme("JupyterLab Dark")
    book.page.screenshot(path=screenshots / "notebook-03-dark.png")
    assert not book.errors and not book.foreign
