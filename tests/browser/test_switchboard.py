"""The switchboard in a real JupyterLab: run, click, read the verdict from the page, look at it
in both themes.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
G = "-G --accept-group-out-of-date"
SIGNER = "--only_for_testing-ignore-signer"
DEBUG = "--only_for_testing-debug"


def write(folder, name, *code):
    """Write a notebook with these code cells."""
    cells = [nbformat.v4.new_markdown_cell("## A lesson"), *map(nbformat.v4.new_code_cell, code)]
    book = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    nbformat.write(book, folder / name)
    return name


@pytest.fixture
def small(jupyterlab):
    """A notebook of one cell that shows the panel."""
    code = (
        "from casnb.teach.switchboard.panel import Switchboard\npanel ="
        " Switchboard(address='127.9.8.7')\npanel"
    )
    return write(jupyterlab.folder, "panel.ipynb", code)


@pytest.fixture
def everything(jupyterlab):
    """A notebook that shows each kind of view that a lesson has."""
    return write(
        jupyterlab.folder,
        "views.ipynb",
        "from casnb import AttestationPolicy\nfrom casnb.teach.lab import start\n"
        "from casnb.teach.render import Way, ladder\nlab = start('03')\nlab",
        "Way('appraisal')",
        "lab.task('03.gain')",
        "quiz = lab.quiz('03.gain')\nquiz",
        "lab.check('03.command')",
        "lab.check('03.command', 'scone')",
        "lab.check('03.gain', 'c')",
        "lab.hint('03.command')",
        "lab.progress()",
        "policy = AttestationPolicy(mrenclaves=(lab.world.mrenclave,))\n"
        "ladder(lab.facts.appraise, policy, lab.reference('03.minimal-flags'))",
        "lab.scenario_attempt('production')",
        "panel ="
        " lab.panel(flags=('accept-group-out-of-date',))\npanel.attack('forged-quote')\npanel",
        "scraping = lab.scrape_lab(lambda html: html[:64])\nscraping",
    )


def expect(locator):
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(locator, "the page")


def test_a_click_changes_the_verdict_on_the_page(small, open_notebook, screenshots):
    """Refused at first; accepted with three waivers after three clicks by label; a usage error
    when one is taken back.
    """
    book = open_notebook(small)
    book.run_all()
    verdict = book.panel.locator(".t-verdict .verdict")
    expect(verdict).to_have_text("Simulated CAS is rejected: tcb-status, debug, mrsigner.")
    book.page.screenshot(path=screenshots / "panel-1-rejected.png")
    for label in (G, SIGNER, DEBUG):
        book.panel.get_by_label(label, exact=True).check()
    expect(verdict).to_have_text(
        re.compile(r"^Simulated CAS is accepted with 3 waivers \(tcb-status, debug, mrsigner\)")
    )
    expect(book.panel.locator(".t-command code")).to_have_text(
        re.compile(
            rf"^scone cas attest -G --mrenclave [0-9a-f]{{64}} {SIGNER} {DEBUG} 127\.9\.8\.7$"
        )
    )
    expect(book.panel.locator(".t-tally")).to_contain_text("7 doors open, 4 by flags")
    expect(book.panel.locator(".t-map [data-gate=mrsigner]")).to_have_attribute("data-s", "waived")
    book.panel.get_by_role("button", name="All checks").click()
    expect(book.panel.locator(".t-checks [data-check=mrsigner]")).to_have_attribute(
        "data-status", "waived"
    )
    book.page.screenshot(path=screenshots / "panel-2-waived.png")
    book.theme("JupyterLab Dark")
    book.page.screenshot(path=screenshots / "panel-3-waived-dark.png")
    book.panel.get_by_label(SIGNER, exact=True).uncheck()
    expect(verdict).to_have_text(
        re.compile("Not a legal combination.*Error: --only_for_testing-debug: needs")
    )
    book.page.screenshot(path=screenshots / "panel-4-usage-dark.png")
    assert not book.errors and not book.foreign


def test_the_keyboard_is_enough(small, open_notebook):
    """Tab reaches everything, Space turns switches and opens lists, Enter chooses and presses:
    set, mend, run, read 1337.
    """
    book = open_notebook(small)
    book.run_all()
    press, verdict = book.page.keyboard.press, book.panel.locator(".t-verdict .verdict")
    expect(verdict).to_be_visible()
    scenario = book.panel.get_by_label("CAS", exact=True)
    scenario.focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "Enter"):
        press(key)
    expect(verdict).to_have_text(re.compile("^Simulated CAS is trustworthy"))
    press("Tab")
    expect(book.panel.get_by_label(G, exact=True)).to_be_focused()
    for _ in range(3):
        press("Tab")
    expect(book.panel.get_by_label(DEBUG, exact=True)).to_be_focused()
    press("Space")
    expect(verdict).to_have_text(re.compile(rf"Not a legal combination.*Error: {DEBUG}: needs"))
    for _ in range(3):
        press("Tab")
    expect(book.panel.get_by_role("button", name="Clear all flags")).to_be_focused()
    press("Tab")
    expect(book.panel.get_by_role("button", name=f"Set {SIGNER} too")).to_be_focused()
    press("Enter")
    expect(book.panel.get_by_label(SIGNER, exact=True)).to_be_checked()
    expect(book.panel.locator(".t-map [data-gate=debug]")).to_have_attribute(
        "data-in", "debug-memory"
    )
    book.panel.get_by_role("button", name="Clear all flags").focus()
    press("Tab")
    expect(book.panel.get_by_role("button", name="Copy the line")).to_be_focused()
    press("Enter")
    expect(book.panel.locator(".t-copy").get_by_role("status")).to_have_text("Copied")
    press("Tab")
    button = book.panel.get_by_role("button", name="Let her try debug-memory")
    expect(button).to_be_focused()
    press("Enter")
    expect(book.panel.locator(".door-outcome .verdict")).to_have_text(
        re.compile("Mallory got in: .*serves 1337")
    )
    expect(button).to_be_focused()
    for name in (".folder", ".folder"):
        book.panel.locator(name).first.focus()
        press("Enter")
    expect(book.panel.get_by_role("button", name="All checks")).to_be_focused()
    assert not book.errors and not book.foreign


def test_an_attack_runs_by_a_click_and_a_report_is_loaded(
    small, open_notebook, jupyterlab, vectors, screenshots
):
    """Door, button, 1337; the flag taken back, the same attack is stopped. Then the real report
    of 2019 in a scenario's place.
    """
    book = open_notebook(small)
    book.run_all()
    gate, outcome = (
        book.panel.locator(".t-map [data-gate=updates]"),
        book.panel.locator(".door-outcome .verdict"),
    )
    expect(gate).to_have_attribute("data-s", "failed")
    book.panel.get_by_label(G, exact=True).check()
    expect(gate).to_have_attribute("data-in", "forged-quote")
    book.panel.get_by_role("button", name="Let her try forged-quote").click()
    expect(outcome).to_have_text(re.compile("Mallory got in: you read 1337"))
    book.page.screenshot(path=screenshots / "panel-5-attack.png")
    book.panel.get_by_label(G, exact=True).uncheck()
    expect(outcome).to_have_count(0)
    book.panel.locator(".doors summary").click()
    book.panel.get_by_role("button", name="Let her try forged-quote").click()
    expect(outcome).to_have_text(re.compile("Mallory was stopped by tcb-status"))
    book.panel.get_by_role("button", name="Another MRENCLAVE, or a report").click()
    book.panel.get_by_label("Report file").fill(
        str(vectors / "cas-attest" / "v1-attest-iasreport-2019.json")
    )
    book.panel.get_by_role("button", name="Load the report").click()
    expect(book.panel.locator(".t-loaded .verdict")).to_have_text(
        re.compile("^Loaded: v1-attest-iasreport-2019.json")
    )
    expect(book.panel.locator(".t-verdict .verdict")).to_have_text(
        "CAS is rejected: tcb-status, debug, mrsigner."
    )
    expect(book.panel.locator(".t-report")).to_contain_text("Intel's own roots")
    assert not book.errors and not book.foreign


CUT = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"


@pytest.mark.parametrize("zoom", [1, 2])
def test_no_label_is_cut_off(small, open_notebook, screenshots, zoom):
    """Every label and button is as wide as its text, and nothing sticks out of the panel, at 100
    and at 200 percent.
    """
    book = open_notebook(small)
    book.run_all()
    expect(book.panel.locator(".t-verdict .verdict")).to_be_visible()
    book.page.set_viewport_size({"width": 1280 // zoom, "height": 1900 // zoom})
    book.collapse_left()
    assert book.panel.locator(".t-switchboard label, .t-switchboard button").evaluate_all(CUT) == []
    book.panel.locator(".t-card").scroll_into_view_if_needed()
    book.page.screenshot(path=screenshots / f"panel-6-zoom-{zoom}.png")
    wider = book.panel.locator(".t-switchboard").evaluate(
        "e => [...e.querySelectorAll('*')].filter(c => !c.closest('[role=group],.vh,svg'))"
        ".filter(c => c.getBoundingClientRect().right > e.getBoundingClientRect().right + 2)"
        ".map(c => c.outerHTML.slice(0, 120))"
    )
    assert wider == []


def test_the_scrape_lab_follows_the_chosen_page(jupyterlab, open_notebook):
    """Another page by the keyboard: what each scraper said of it, in words; the scores are a
    status line.
    """
    code = (
        "from casnb.teach.scraping.panel import ScrapePanel\nScrapePanel(scraper=lambda html: None)"
    )
    book = open_notebook(write(jupyterlab.folder, "scrape.ipynb", code))
    book.run_all()
    seen = book.panel.locator(".t-scrape-seen")
    expect(seen).to_contain_text("a sentence about the edge host still matches")
    book.panel.get_by_label("Page of").focus()
    for key in ("Space", "ArrowUp", "Enter"):
        book.page.keyboard.press(key)
    expect(seen).to_contain_text("nothing, with exit code 0")
    expect(book.panel.locator(".t-scrape-scores .verdict")).to_contain_text(
        "your scraper: 5 of 10 points"
    )
    expect(
        book.panel.locator(".t-scrape-lab [data-page=two-rows] [data-outcome='refused rightly']")
    ).to_have_count(2)
    assert not book.errors and not book.foreign


def test_a_notebook_without_a_kernel_still_tells_the_story(tmp_path, browser):
    """Run headless and exported by nbconvert: with scripts off and no network, the page shows the
    saved form as the panel was left, once.
    """
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    cell = nbformat.v4.new_code_cell(
        "from casnb.teach.switchboard.panel import Switchboard\nboard = Switchboard()\n"
        "board.set_flags('-G', '--only_for_testing-debug', '--only_for_testing-ignore-signer')\n"
        "board.attack('debug-memory')\nboard"
    )
    later = nbformat.v4.new_code_cell("board.toggle('accept-sw-hardening-needed', True)")
    book = nbformat.v4.new_notebook(
        cells=[cell, later],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    NotebookClient(
        book, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    book.metadata.pop("widgets", None)
    html, _ = HTMLExporter().from_notebook_node(book)
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.set_content(html, wait_until="domcontentloaded")
    for place in page.locator(".jp-OutputArea").all():
        for words in (
            "is accepted with 3 waivers",
            "Saved form, as it was left",
            "Flag budget: 4 set; this report needs 3",
            "8 doors open",
            "forged-quote come through",
        ):
            expect(place).to_contain_text(words)
        expect(place.locator(".t-map, .map").first).to_be_visible()
    assert page.locator(".jp-OutputArea").count() == 1
    assert page.locator(".casnb-saved").count() == 1
    context.close()


def test_every_view_passes_axe_in_both_themes(everything, open_notebook, screenshots, axe):
    """No violation in any output: names, roles, contrast."""
    book = open_notebook(everything)
    book.run_all()
    quiz = book.panel.locator(".t-quiz")
    quiz.get_by_role("button", name="Intel's root certificate has leaked.").press("Space")
    expect(quiz.get_by_role("status")).to_contain_text("Not this one.")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for n, place in enumerate((".t-quiz", ".t-switchboard", ".t-scrape-lab")):
            book.panel.locator(place).scroll_into_view_if_needed()
            book.page.screenshot(path=screenshots / f"views-{theme[-5:].strip().lower()}-{n}.png")
        assert book.violations(axe) == []
    assert not book.errors and not book.foreign


def test_notebook_03_runs_and_its_panel_answers(jupyterlab, open_notebook, screenshots):
    """The lesson as a reader has it: run all, no error, one switch by its label, another verdict
    on the page.
    """
    source = ROOT / "notebooks" / "03-attest-and-flags.ipynb"
    if not source.is_file():
        pytest.skip("no notebook 03")
    shutil.copy(source, jupyterlab.folder)
    book = open_notebook(source.name)
    book.run_all()
    panel = book.panel.locator(".t-switchboard")
    verdict = panel.locator(".t-verdict .verdict")
    expect(verdict).to_have_text(re.compile(r"^Simulated CAS is "))
    assert (
        book.panel.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts()
        == []
    )
    panel.get_by_role("button", name="Clear all flags").click()
    expect(verdict).to_have_text("Simulated CAS is rejected: tcb-status, debug, mrsigner.")
    panel.get_by_label(G, exact=True).check()
    expect(verdict).to_have_text("Simulated CAS is rejected: debug, mrsigner.")
    verdict.scroll_into_view_if_needed()
    book.page.screenshot(path=screenshots / "notebook-03-light.png")
    book.theme("JupyterLab Dark")
    book.page.screenshot(path=screenshots / "notebook-03-dark.png")
    assert not book.errors and not book.foreign


@pytest.mark.parametrize("left", ["open", "collapsed"])
def test_verdict_doors_and_change_are_seen_where_the_click_is(jupyterlab, open_notebook, left):
    """On a projector of 1280x720 at 125 percent, a click on a switch changes what is in view:
    verdict, number of doors, and what the click did; with the file browser open or not.
    """
    code = (
        "from casnb.teach.lab import start\nlab = start('03')\n"
        "lab.panel(flags=('only_for_testing-debug', 'only_for_testing-ignore-signer'))"
    )
    book = open_notebook(write(jupyterlab.folder, "projector.ipynb", code))
    book.page.set_viewport_size({"width": 1024, "height": 576})
    book.run_all()
    switch = book.panel.get_by_label(G, exact=True)
    expect(switch).to_be_visible()
    if left == "collapsed":
        book.collapse_left()
    book.panel.locator(".t-columns").evaluate("e => e.scrollIntoView({block: 'start'})")
    switch.focus()
    book.page.keyboard.press("Space")
    change = book.panel.locator(".t-tally .change")
    expect(change).to_have_text(re.compile("Setting -G opened: forged-quote"))
    expect(switch).to_be_focused()
    view = book.panel.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.bounding_box()
    for place in (switch, book.panel.locator(".t-verdict .verdict"), change):
        box = place.bounding_box()
        assert box["y"] >= view["y"] - 1
        assert box["y"] + box["height"] <= min(view["y"] + view["height"], 552) + 1
    # The button that copies says in a region of its own whether that worked.
    live = book.panel.locator(".t-switchboard [role=status]:not(.t-copy *)")
    expect(live).to_have_count(1)
    expect(live).to_contain_text("Mallory: 7 doors open")
    assert not book.errors


def test_a_saved_notebook_opened_again_shows_the_saved_form(small, open_notebook, jupyterlab):
    """While the controls live the saved form is hidden; without a kernel it is what is seen, and no
    word of a missing model.
    """
    book = open_notebook(small)
    book.run_all()
    saved = book.panel.locator(".casnb-saved")
    expect(book.panel.get_by_label(G, exact=True)).to_be_visible()
    expect(saved).to_have_count(1)
    expect(saved).to_be_hidden()
    book.panel.get_by_label(G, exact=True).check()
    expect(saved.locator(".flags .on")).to_have_count(1)
    book.page.evaluate(
        "async () => { await window.jupyterapp.commands.execute('docmanager:save') }"
    )
    stored = nbformat.read(jupyterlab.folder / small, 4)
    stored.metadata.pop("widgets", None)
    nbformat.write(stored, jupyterlab.folder / "again.ipynb")
    again = open_notebook("again.ipynb")
    expect(again.panel.locator(".casnb-saved .verdict")).to_be_visible()
    expect(again.panel.locator(".casnb-saved")).to_contain_text("▣ set")
    for words in ("Error displaying widget", "Loading widget"):
        expect(again.panel.get_by_text(words).locator("visible=true")).to_have_count(0)
