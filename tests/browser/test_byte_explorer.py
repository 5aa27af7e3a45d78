"""The byte explorer in a real JupyterLab: walked with mouse and keys, read from Python, looked
at in every guise.
"""

from __future__ import annotations

import time

import nbformat
import pytest

HOSTILE = "</td><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>"
SETUP = """from dataclasses import replace
from casnb import AttestationPolicy, World
from casnb.checks.result import Check, CheckStatus
from casnb.teach.explorer.bytemap import ByteMap, Spot
from casnb.evidence.layout import Field
from casnb.teach.explorer.view import view
from casnb.teach.facts import Facts
from casnb.teach.explorer.panel import ByteExplorer
facts = Facts(World("browser"))
result = facts.appraise(AttestationPolicy(mrenclaves=(facts.world.mrenclave,)))"""
EXPLORER = (
    "e = ByteExplorer(facts.report, result, compare=World('other').attest(), editable=True)\ne"
)
EVIL = f"""evil = {HOSTILE!r}
field = Field(evil, 0, 64, "bytes", evil, evil, evil)
check = Check("mrenclave", CheckStatus.FAILED, got=evil, wanted=evil, reason=evil)
spot = Spot(evil, evil, field, ("mrenclave",))
hostile = replace(view(ByteMap(evil, "quote", bytes(64), (spot,))), checks=(check,), selected=0)
h = ByteExplorer(hostile)
h.log = [evil]
h"""


ADVISORY = """from casnb.evidence.cas_report import CasReport
from casnb.simulator.ias_report import ias_proof
from casnb.teach.tampering.model import Tamper
bad = Facts(World("evil"))
avr = bad.world.avr(bytes(64), members={"advisoryIDs": [evil], "isvEnclaveQuoteStatus": evil})
bad.report = CasReport.build(ias_proof(avr), bad.world.additional_data())
Tamper(bad).flip(112, 1, "stolen-epid")"""
TAMPER = (
    "from casnb.teach.tampering.panel import TamperPanel\nt = TamperPanel(Facts(World('browser',"
    " 'production')))\nt"
)


@pytest.fixture
def book(jupyterlab, open_notebook):
    """A notebook with an explorer, one full of hostile text, its static form, and a cell that
    reads the selection.
    """
    sources = (
        SETUP,
        EXPLORER,
        "e.selected, e.field, e.check",
        EVIL,
        "e.snapshot()",
        "hostile",
        ADVISORY,
        TAMPER,
    )
    cells = [nbformat.v4.new_markdown_cell("## A lesson"), *map(nbformat.v4.new_code_cell, sources)]
    made = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    nbformat.write(made, jupyterlab.folder / "bytes.ipynb")
    opened = open_notebook("bytes.ipynb")
    opened.run_all()
    expect(opened.panel.locator(".casnb-bytes [role=grid]")).to_have_count(3)
    return opened


def expect(locator):
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(locator, "the page")


def ask(book, index):
    """Run one cell again and return its locator."""
    book.page.evaluate(
        """async (index) => { const notebook = window.jupyterapp.shell.currentWidget.content;
        notebook.activeCellIndex = index;
        await window.jupyterapp.commands.execute('notebook:run-cell'); }""",
        index,
    )
    return book.panel.locator(".jp-Cell").nth(index)


def answers(book, index, text):
    """Run a cell again until it says this: what the page sends after another change waits until
    the kernel has taken that one.
    """
    until = time.monotonic() + 120
    while text not in (said := ask(book, index).inner_text()):
        assert time.monotonic() < until, said


def test_by_mouse_and_by_keys(book):
    """Arrows by byte, brackets by field, g, Enter and Escape; one tab stop; names at field
    level; Python reads the selection.
    """
    box = book.panel.locator(".casnb-bytes").first
    grid, status, keys = box.get_by_role("grid"), box.get_by_role("status"), book.page.keyboard
    grid.locator("[data-at='112'].cb-byte").click()
    expect(status).to_contain_text("bytes 112 to 143, mr_enclave, mrenclave passed")
    expect(box.locator(":focus")).to_have_attribute(
        "aria-label",
        "mr_enclave, byte 1 of 32, offset 112: "
        + grid.locator("[data-at='112'].cb-byte").inner_text(),
    )
    expect(grid.locator("[tabindex='0']")).to_have_count(1)
    expect(grid.get_by_role("row")).to_have_count(27)
    for key, at in (
        ("ArrowRight", 113),
        ("ArrowDown", 129),
        ("ArrowLeft", 128),
        ("End", 143),
        ("Home", 128),
        ("ArrowUp", 112),
    ):
        keys.press(key)
        expect(box.locator(":focus")).to_have_attribute("data-at", str(at))
    expect(status).to_contain_text("bytes 112 to 143, mr_enclave, mrenclave passed")
    keys.press("]")
    keys.press("]")
    expect(status).to_contain_text("bytes 176 to 207, mr_signer, mrsigner failed")
    keys.press("[")
    expect(box.locator(":focus")).to_have_attribute("data-at", "144")
    keys.press("g")
    keys.type("0x60")
    keys.press("Enter")
    expect(status).to_contain_text(
        "bytes 96 to 103, attributes_flags, debug failed, avr-format passed"
    )
    keys.press("Enter")
    expect(box.get_by_role("group", name="Explanation")).to_be_focused()
    keys.press("Escape")
    expect(box.locator(":focus")).to_have_attribute("data-at", "96")
    keys.press("Tab")
    expect(grid.locator(":focus")).to_have_count(0)
    box.get_by_role("button", name="Light debug").click()
    expect(status).to_contain_text("debug, the enclave is not a debug enclave: looks at byte 96")
    expect(grid.locator(".cb-lit")).to_have_count(1)
    box.get_by_label("Light the bytes of a check").select_option("certificate-binding")
    expect(grid.locator(".cb-lit")).to_have_count(64)
    expect(box.get_by_role("group", name="Explanation")).to_contain_text(
        "Equal: the report speaks for exactly these"
    )
    answers(book, 3, "(368, 'report_data', 'certificate-binding')")
    grid.locator("[data-at='96'].cb-byte").click()
    keys.type("05")
    expect(box.locator(".cb-log li")).to_have_text("byte 96 (attributes_flags): 07 to 05")
    expect(box.locator(":focus")).to_have_attribute("data-at", "96")
    box.get_by_role("button", name="Restore every byte").click()
    expect(grid.locator("[data-at='96'].cb-byte")).to_have_text("07")
    assert book.panel.locator(".jp-Cell").count() == 9 and not book.errors and not book.foreign


def test_in_every_guise(book, axe, screenshots):
    """Hostile values are text; axe finds nothing in both themes; at 400 % eight bytes a line;
    forced colours keep the marks.
    """
    page, panel = book.page, book.panel
    panel.get_by_text("window.pwned=1").nth(3).wait_for(state="attached")
    assert page.evaluate("window.pwned") is None and panel.locator("img[src=x]").count() == 0
    box = panel.locator(".casnb-bytes").first
    box.get_by_label("Light the bytes of a check").select_option("avr-format")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for layer in ("meaning", "expected", "second"):
            box.get_by_label("Show", exact=True).select_option(layer)
            page.screenshot(path=screenshots / f"bytes-{theme[-5:].strip().lower()}-{layer}.png")
        assert book.violations(axe) == []
    ids = panel.locator(".casnb-bytes [id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids)) > 10
    sizes = box.locator("button:visible, select:visible, input:visible, .cb-byte").evaluate_all(
        "all => Math.min(...all.flatMap(e => [e.getBoundingClientRect().width,"
        " e.getBoundingClientRect().height]))"
    )
    assert sizes >= 24
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    box.locator("[data-at='112'].cb-byte").click()
    assert box.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.screenshot(path=screenshots / "bytes-forced-colours.png")
    page.emulate_media(forced_colors="none")
    book.theme("JupyterLab Light")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    for percent, columns in ((200, 16), (400, 8)):
        page.set_viewport_size({"width": 1280 * 100 // percent, "height": 1900 * 100 // percent})
        expect(box.get_by_role("grid")).to_have_attribute("aria-colcount", str(columns + 1))
        box.locator("[data-at='112'].cb-byte").scroll_into_view_if_needed()
        page.screenshot(path=screenshots / f"bytes-{percent}.png")
    box.locator("[data-at='112'].cb-byte").click()
    page.keyboard.press("ArrowDown")
    expect(box.locator(":focus")).to_have_attribute("data-at", "120")
    assert not book.errors and not book.foreign


def test_the_tamper_lab(book, screenshots):
    """A byte typed in the grid is verified; a better key moves the check that notices; restore
    ends it.
    """
    panel = book.panel.locator(".t-tamper")
    verdict, grid = panel.locator(".t-verdict .verdict"), panel.get_by_role("grid")
    expect(verdict).to_have_text("Nothing was changed.")
    grid.locator("[data-at='96'].cb-byte").click()
    book.page.keyboard.type("07")
    expect(verdict).to_contain_text("The first check that notices is quote-signature")
    expect(panel.locator(".t-checks")).to_contain_text("why it did not notice")
    panel.get_by_label("Mallory signs with").select_option(
        "the attestation key of this very machine"
    )
    expect(verdict).to_contain_text("The first check that notices is debug")
    expect(panel.get_by_label("Show", exact=True)).to_have_value("changes")
    expect(grid.locator(".cb-changed")).to_have_count(1)
    panel.scroll_into_view_if_needed()
    book.page.screenshot(path=screenshots / "tamper.png")
    panel.get_by_role("button", name="Restore every byte").click()
    expect(verdict).to_contain_text("Nothing was changed")
    assert not book.errors and not book.foreign


#: Of each kind one that Intel's machines made: file, title, its bytes in the file (base64 in a CAS
#: report), one field and where.
REAL = (
    ("cas-attest/v1-attest-epid-2019.json", "EPID quote, version 2, 1116 bytes", "mr_signer", 176),
    ("cas-attest/v1-attest-iasreport-2019.json", "IAS quote body, 432 bytes", "report_data", 368),
    (
        "dcap/libsignal-svr2-202607/quote.bin",
        "DCAP quote, version 3, 4734 bytes",
        "qe_report.mr_signer",
        692,
    ),
    ("sigstruct/intel-le-prod-4/sigstruct.bin", "SIGSTRUCT, 1808 bytes", "enclave_hash_bytes", 960),
    (
        "sigstruct/fortanix-test-enclave/enclave.sgxs",
        "MRENCLAVE ledger, 46720 bytes",
        "1.flags",
        80,
    ),
)


def test_real_evidence(vectors, jupyterlab, open_notebook, screenshots):
    """Real quotes, an IAS report, a SIGSTRUCT and a ledger: on the page stand their very bytes,
    and each is walked to its end.
    """
    from casnb.teach.explorer.bytemap import byte_map

    files = [vectors / name for name, *_ in REAL]
    cells = [
        "from pathlib import Path\nfrom casnb.teach.explorer.panel import ByteExplorer",
        *(f"ByteExplorer(Path({str(file)!r}).read_bytes())" for file in files),
    ]
    made = nbformat.v4.new_notebook(
        cells=[*map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(made, jupyterlab.folder / "real.ipynb")
    book = open_notebook("real.ipynb")
    book.run_all()
    boxes = book.panel.locator(".casnb-bytes")
    expect(boxes).to_have_count(len(REAL))
    for n, (file, (_, title, id, at)) in enumerate(zip(files, REAL, strict=True)):
        box, data = boxes.nth(n), byte_map(file.read_bytes()).data
        expect(box.locator(".cb-title")).to_have_text(title)
        drawn = box.locator(".cb-byte").all_inner_texts()
        assert bytes.fromhex("".join(drawn)) == data[: len(drawn)] and len(drawn) == min(
            len(data), 640
        )
        box.get_by_label("Field", exact=True).select_option(f"{at}: {id}")
        expect(box.get_by_role("status")).to_contain_text(id.replace(".", ", "))
        expect(box.get_by_role("group", name="Explanation")).to_contain_text(f"bytes {at} to")
        book.page.screenshot(path=screenshots / f"real-{n}.png")
        box.locator(".cb-cursor").click()
        book.page.keyboard.press("Control+End")
        expect(box.locator(":focus")).to_have_attribute("data-at", str(len(data) - 1))
        expect(box.locator(":focus")).to_have_text(f"{data[-1]:02x}")
    assert not book.errors and not book.foreign
