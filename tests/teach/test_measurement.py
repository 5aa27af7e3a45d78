"""The measurement lab: what changes MRENCLAVE and what does not, and the panel that shows it."""

from __future__ import annotations

import hashlib

import pytest

from casnb.base.errors import UsageError
from casnb.evidence.sigstruct import SigStruct
from casnb.simulator.platform import mrsigner
from casnb.simulator.world import World
from casnb.teach.measuring.model import HEAPS, SIGNED, SIGNERS, Build
from casnb.teach.measuring.panel import MeasurePanel
from casnb.teach.measuring.view import build_html, build_text, render_bits, render_strip

WORLD = World("casnb", "production")


def build(**changes) -> Build:
    return Build(WORLD.enclave, **changes)


@pytest.fixture
def panel():
    made = MeasurePanel(WORLD.enclave)
    yield made
    made.close()


def test_unchanged_it_is_the_cas():
    """The lab builds the enclave that the page, the image and the quote speak of."""
    assert build().mrenclave == WORLD.mrenclave
    assert build().sigstruct == SigStruct.from_bytes(WORLD.sigstruct)
    assert build().same and build().complete and build().changes == ()


@pytest.mark.parametrize(
    "changes, same",
    [
        pytest.param({"bit": True}, False, id="one-bit"),
        pytest.param({"swapped": True}, False, id="page-order"),
        pytest.param({"heap": "64K"}, False, id="heap"),
        pytest.param({"heap": "32K"}, False, id="smaller-heap"),
        pytest.param({"debug": True}, True, id="debug"),
        pytest.param({"signer": "owner"}, True, id="signer"),
        pytest.param({"debug": True, "signer": "test"}, True, id="debug-and-signer"),
    ],
)
def test_what_changes_the_measurement(changes, same):
    """Bit, order and heap do; debug and signer do not. The sentence says which."""
    made = build(**changes)
    assert (made.mrenclave == WORLD.mrenclave) is made.same is same
    assert made.measured.startswith("The same enclave" if same else "Another enclave")
    assert made.sigstruct.verify() == (True, True, True)
    again = build(**{"signer": "vendor", **changes})
    assert again.sigstruct.enclave_hash == again.mrenclave and again.starts


@pytest.mark.parametrize(
    "changes, starts, words",
    [
        pytest.param({}, True, "EINIT starts it, under the SIGSTRUCT as shipped.", id="nothing"),
        pytest.param({"bit": True}, False, "the vendor signed another ENCLAVEHASH", id="bit"),
        pytest.param({"swapped": True}, False, "another ENCLAVEHASH", id="order"),
        pytest.param({"heap": "64K"}, False, "another ENCLAVEHASH", id="heap"),
        pytest.param({"debug": True}, False, "keeps DEBUG off", id="debug"),
        pytest.param({"signer": "test"}, True, "signed again with the test key", id="signer"),
        pytest.param({"bit": True, "signer": "owner"}, True, "the owner key", id="bit-signed"),
        pytest.param(
            {"debug": True, "signer": "vendor"}, True, "the vendor key", id="debug-signed"
        ),
    ],
)
def test_einit_refuses_what_the_sigstruct_does_not_say(changes, starts, words):
    """As shipped the statement stays the vendor's, so a changed enclave does not start; signed
    again it does, under another signer's name.
    """
    made = build(**changes)
    assert made.starts is starts and words in made.sentence
    assert made.sentence.startswith("EINIT starts" if starts else "EINIT refuses")
    html = build_html(made)
    assert ("MISMATCH" in html) is not starts and ("No enclave runs" in html) is not starts
    if made.signer == SIGNED[0]:
        assert made.sigstruct == SigStruct.from_bytes(WORLD.sigstruct)


@pytest.mark.parametrize(
    "changes, first",
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"debug": True}, None, id="debug"),
        pytest.param({"bit": True}, 2, id="bit"),
        pytest.param({"swapped": True}, 2, id="order"),
        pytest.param({"heap": "64K"}, 0, id="heap"),
    ],
)
def test_the_first_step_that_differs_is_marked(changes, first):
    """From there on every hash is another; the strip and the list name it, and the grid counts
    the bits.
    """
    made = build(**changes)
    assert made.first_differing == first
    strip, text = render_strip(made), build_text(made)
    assert strip.count('differs"') == (0 if first is None else len(made.steps) - first)
    assert ("The first that differs is step" in strip) is (first is not None)
    assert ("(first that differs)" in text) is (first is not None)
    assert f"{made.differing_bits} of 256" in render_bits(made)
    assert render_bits(made).count("M") >= 100 and (made.differing_bits == 0) is made.same


def test_every_heap_and_every_signer_is_another():
    """No two heaps measure the same; no two signers have one MRSIGNER."""
    assert len({build(heap=h).mrenclave for h in HEAPS}) == len(HEAPS)
    assert [build(signer=s).mrsigner for s in SIGNERS] == [mrsigner(s) for s in SIGNERS]
    assert build().mrsigner == mrsigner("vendor")


def test_the_hash_so_far_is_the_hash_of_the_records_so_far():
    """Each step's hash is SHA-256 over the bytes of all records up to it; the last is MRENCLAVE."""
    made, stream = build(), b""
    for n, step in enumerate(made.steps):
        stream += b"".join(r.to_bytes() for r in step.records)
        assert step.digest == hashlib.sha256(stream).hexdigest() == build(pages=n).mrenclave
    assert stream == WORLD.ledger.to_bytes() and len(made.steps) == 1 + 4 + 12


def test_both_sides_of_the_relation_are_shown():
    """Stored and recomputed quotients, and the cube beside the padded hash."""
    rows = build().relation()
    assert [(a, said) for _, a, b, said in rows if a == b] == [(a, "equal") for _, a, _, _ in rows]
    n, s = (
        int.from_bytes(getattr(build().sigstruct, name), "little")
        for name in ("modulus", "signature")
    )
    assert rows[0][2].startswith(f"{s * s // n:0768x}"[:10]) and rows[1][2].endswith(
        f"{(s * s % n) * s // n:0768x}"[-10:]
    )


def test_debug_shows_in_the_statement_alone():
    """The vendor's statement keeps DEBUG off; the debug build's leaves it to the host."""
    assert "stays off" in dict(build(debug=True).signed_rows())["DEBUG"]
    signed = build(debug=True, signer="vendor")
    assert "may start it with DEBUG" in dict(signed.signed_rows())["DEBUG"]


@pytest.mark.parametrize("changes", [{"heap": "lots"}, {"signer": "mallory"}, {"pages": -1}])
def test_a_change_that_there_is_not_is_refused(changes):
    """As a wrong call."""
    with pytest.raises(UsageError):
        build(**changes)


# The panel


def test_pages_are_added_one_by_one(panel):
    """Start again, add, add all: the verdict says how far the build is, and the hash so far."""
    assert "0 of 16 pages" in panel.restart().sentence
    panel.add_button.click()
    assert "1 of 16 pages" in panel.verdict.value and "15 pages to go" in panel.strip.value
    assert "add the pages that are left" in panel.einit.value and not panel.add_button.disabled
    panel.all_button.click()
    assert panel.build.mrenclave == WORLD.mrenclave and not panel.add_button.disabled
    panel.signed.opened = True
    assert panel.build.mrenclave in panel.signed.said.value


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("bit", True, "Another enclave"),
        ("swapped", True, "Another enclave"),
        ("debug", True, "The same enclave"),
    ],
)
def test_a_checkbox_builds_again(panel, name, value, words):
    """What the reader ticks is what is measured."""
    panel.boxes[name].value = value
    assert words in panel.verdict.value and getattr(panel.build, name) is value
    panel.boxes[name].value = False
    assert panel.build.mrenclave == WORLD.mrenclave


def test_choices_build_again(panel):
    """Heap and signer, from the control and from Python, agree."""
    panel.heap.value = "64K"
    assert "SCONE_HEAP=64K" in panel.verdict.value
    panel.set(heap="48K", signer="owner")
    assert (
        panel.signer.value == "owner"
        and panel.heap.value == "48K"
        and "the owner key" in panel.verdict.value
    )


def test_what_is_refused_is_shown(panel):
    """A value that there is not stands in the verdict line, and the next change takes it away."""
    panel.set(heap="<b>9K</b>")
    assert "&lt;b&gt;" in panel.verdict.value and "<b>" not in panel.verdict.value
    panel.set(bit=True)
    assert "Another enclave" in panel.verdict.value


def test_the_bytes_open_in_the_explorer(panel):
    """Ledger and SIGSTRUCT as they are now; as shipped, the statement is about another enclave."""
    panel.set(bit=True)
    shipped = panel.explorer("sigstruct").view
    assert shipped.result("enclave-hash").status.value == "failed"
    panel.set(signer="vendor")
    ledger, signed = panel.explorer("ledger"), panel.explorer("sigstruct")
    assert (
        hashlib.sha256(ledger.data).hexdigest()
        == panel.build.mrenclave
        == signed.map.value("enclave_hash_bytes").hex()
    )
    status = {
        c: signed.view.result(c).status.value
        for c in ("sigstruct-q1", "sigstruct-signature", "enclave-hash", "mrenclave")
    }
    assert status == {
        "sigstruct-q1": "passed",
        "sigstruct-signature": "passed",
        "enclave-hash": "passed",
        "mrenclave": "failed",
    }
    panel.set(bit=False, pages=3)
    assert panel.explorer().view.result("enclave-hash").status.value == "failed"
    assert "enclave-hash" in ledger.map.checks
    with pytest.raises(UsageError):
        panel.explorer("quote")


def test_every_control_says_what_it_does(panel):
    """No control without words, the verdict is read aloud, and the snapshot says the same as the
    panel.
    """
    controls = [
        *panel.boxes.values(),
        panel.heap,
        panel.signer,
        panel.add_button,
        panel.all_button,
        panel.restart_button,
    ]
    assert all(c.description for c in controls)
    assert panel.live.text == panel.build.sentence
    shown = panel.snapshot()._repr_mimebundle_()
    assert (
        panel.build.sentence in shown["text/plain"] and panel.build.mrenclave in shown["text/html"]
    )


def test_closed_it_lets_go(panel):
    """After closing, nothing is computed any more."""
    before = panel.build
    panel.close()
    panel.close()
    panel.boxes["bit"].value = True
    assert panel.build is before
