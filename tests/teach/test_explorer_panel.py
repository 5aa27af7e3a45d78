"""The explorer widget without a browser: traits, what the page may set, the static form beside
it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets import TraitError

from casnb.base.errors import UsageError
from casnb.policy.policy import AttestationPolicy
from casnb.teach.explorer.panel import ByteExplorer
from casnb.teach.explorer.payload import payload


@pytest.fixture
def explorer(facts):
    return ByteExplorer(
        facts.report,
        facts.appraise(AttestationPolicy(mrenclaves=(facts.world.mrenclave,))),
        editable=True,
    )


def test_selection_is_read_from_python(explorer, page_sets):
    """Nothing is selected until somebody selects; then the byte and its field can be asked for."""
    assert (explorer.selected, explorer.field) == (-1, "")
    page_sets(explorer, selected=97)
    assert (explorer.selected, explorer.field) == (97, "attributes_flags")
    explorer.select("mr_signer")
    assert explorer.selected == 176 and "selected" in str(explorer.snapshot())
    assert repr(explorer).endswith("bytes 176 to 207, mr_signer, mrsigner failed>")
    explorer.light("debug")
    assert explorer.view.lit == {96}


def test_a_page_cannot_break_it(explorer, page_sets):
    """An offset that does not exist, an unknown check, bytes of another length: refused, and the
    state stays.
    """
    explorer.selected = 5000
    assert explorer.selected == -1
    for wrong in ({"check": "<script>"}, {"data": b"short"}, {"layer": "x"}):
        with pytest.raises(TraitError):
            explorer.set_trait(*next(iter(wrong.items())))
    assert len(explorer.data) == 432 and explorer.check == ""


def test_a_changed_byte_changes_what_is_said(explorer):
    """Fields follow, the log says what changed, the first bytes are kept, and all can be brought
    back.
    """
    explorer.flip(96, 2)
    row = next(f for f in explorer.fields if f["id"] == "attributes_flags")
    assert ["changed", "1 of 8 bytes; it was 0x7 INIT DEBUG MODE64BIT", False] in row["rows"]
    assert explorer.log == ["byte 96 (attributes_flags): 07 to 05"] and explorer.original[96] == 7
    explorer.restore()
    assert explorer.data == explorer.original and explorer.log[-1].endswith("05 to 07")
    for at, value in ((432, 0), (0, 256)):
        with pytest.raises(UsageError):
            explorer.edit(at, value)
    with pytest.raises(UsageError):
        ByteExplorer(bytes(384)).flip(0)


def test_the_restore_button_of_the_page(explorer):
    """The page asks by message; any other message does nothing."""
    explorer.edit(0, 9)
    for content in ({"event": "other"}, "restore", None):
        explorer._message(explorer, content, [])
    assert explorer.data[0] == 9
    explorer._message(explorer, {"event": "restore"}, [])
    assert explorer.data[0] == 2


def test_it_degrades_to_static_html(explorer):
    """The bundle holds the widget, HTML and text, so that something shows where no front end is."""
    explorer.select(112)
    bundle, _ = explorer._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(bundle)
    assert (
        "<details open><summary><code>mr_enclave</code>" in bundle["text/html"]
        and "mr_enclave" in bundle["text/plain"]
    )


def test_the_page_gets_what_the_view_says(explorer):
    """Traits and static form come from one payload."""
    told = payload(explorer.view)
    assert (explorer.fields, explorer.checks) == (told["fields"], told["checks"])
    names = {"data", "fields", "checks", "selected", "expected", "compare", "editable", "log"}
    assert names <= set(explorer.trait_names(sync=True))


def test_the_module_is_a_file_and_fetches_nothing():
    """One ES module and one style sheet, without any address and without a way to write markup."""
    folder = Path(__file__).resolve().parents[2] / "casnb" / "teach" / "explorer"
    script, style = (folder / "bytes.js").read_text(), (folder / "bytes.css").read_text()
    for word in (
        "import ",
        "http",
        "fetch(",
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
    ):
        assert word not in script, word
    assert "url(" not in style and "@import" not in style


def test_real_evidence_opens(vectors):
    """A CAS's report of 2019, a quote of 2026 and a SIGSTRUCT open like the simulated ones, and
    keep every byte.
    """
    for name, field, at in (
        ("cas-attest/v1-attest-iasreport-2019.json", "mr_enclave", 112),
        ("cas-attest/v1-attest-epid-2019.json", "report_data", 368),
        ("dcap/libsignal-svr2-202607/quote.bin", "qe_report.mr_signer", 692),
        ("sigstruct/fortanix-test-enclave/sigstruct.bin", "enclave_hash_bytes", 960),
        ("sigstruct/fortanix-test-enclave/enclave.sgxs", "1.flags", 80),
    ):
        file = (vectors / name).read_bytes()
        opened = ByteExplorer(file)
        opened.select(at)
        assert opened.field == field and (opened.data == file or name.endswith("json"))
        assert "<table" in opened._repr_mimebundle_()[0]["text/html"]
    report = ByteExplorer((vectors / "cas-attest/v1-attest-iasreport-2019.json").read_bytes())
    rows = {k: v for k, v, _ in next(f for f in report.fields if f["id"] == "report_data")["rows"]}
    assert rows["calculator, outcome"].startswith("Equal: ")
