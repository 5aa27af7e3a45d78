"""An enclave as a file of casnb's own: what it builds, and files that build nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import EvidenceError, UsageError
from casnb.evidence.ledger import Eadd, Ecreate, Eextend, Ledger
from casnb.measure.program import EnclaveFile, Segment, read_heap

CODE = Segment(0x1000, 0x205, 2, b"code" * 1025)
FILE = EnclaveFile(1, 0x3000, (Segment(0, 0x100, 1, b"tcs"), CODE, Segment(0x3000, 0x203, 1)))


def test_the_ledger_follows_from_the_file():
    """ECREATE with the next power of two, each page added and extended in the file's order, the
    heap's pages added alone.
    """
    records = FILE.ledger.records
    assert records[0] == Ecreate(1, 0x8000)
    added = [r for r in records if isinstance(r, Eadd)]
    assert [(r.offset, r.flags) for r in added] == [
        (0, 0x100),
        (0x1000, 0x205),
        (0x2000, 0x205),
        (0x3000, 0x203),
        (0x4000, 0x203),
        (0x5000, 0x203),
        (0x6000, 0x203),
    ]
    data = b"".join(r.data for r in records if isinstance(r, Eextend))
    assert data == b"".join(s.content.ljust(s.pages * 4096, b"\0") for s in FILE.segments)
    assert Ledger.from_bytes(FILE.ledger.to_bytes()) == FILE.ledger


def test_it_is_read_as_it_was_written():
    """The bytes come back, and so does the value."""
    assert EnclaveFile.from_bytes(FILE.to_bytes()) == FILE


@pytest.mark.parametrize(
    "other, same",
    [
        pytest.param(FILE.with_heap("8K"), False, id="heap"),
        pytest.param(FILE.with_heap(0x3000), True, id="the-same-heap"),
        pytest.param(replace(FILE, segments=FILE.segments[::-1]), False, id="order"),
        pytest.param(
            replace(
                FILE,
                segments=(
                    FILE.segments[0],
                    replace(CODE, content=CODE.content + b"\0"),
                    FILE.segments[2],
                ),
            ),
            True,
            id="zeros-written-out",
        ),
        pytest.param(
            replace(
                FILE, segments=(FILE.segments[0], replace(CODE, flags=0x207), FILE.segments[2])
            ),
            False,
            id="rights",
        ),
    ],
)
def test_what_changes_the_measurement(other, same):
    """Heap, order and rights do; zeros written out where the file may leave them away do not."""
    assert (other.mrenclave == FILE.mrenclave) is same


def put(at: int, value: bytes) -> bytes:
    data = bytearray(FILE.to_bytes())
    data[at : at + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    "data, words",
    [
        pytest.param(b"", "64", id="nothing"),
        pytest.param(FILE.to_bytes()[:-1], "cut short", id="cut"),
        pytest.param(FILE.to_bytes() + b"\0", "behind the last segment", id="trailing"),
        pytest.param(put(0, b"X"), "magic", id="magic"),
        pytest.param(put(8, b"\2"), "version 2", id="version"),
        pytest.param(put(24, bytes(4)), "segments", id="no-segment"),
        pytest.param(put(24, b"\xff\xff\xff\xff"), "segments", id="four-billion-segments"),
        pytest.param(put(30, b"\1"), "padding", id="padding"),
        pytest.param(put(64 + 24, b"\1"), "padding", id="segment-padding"),
        pytest.param(put(16, b"\1"), "heap", id="heap-unaligned"),
        pytest.param(put(16, b"\xff" * 8), "heap", id="heap-huge"),
        pytest.param(put(64 + 32, b"\1"), "segment", id="offset-unaligned"),
        pytest.param(put(64 + 32, bytes(8)), "segment", id="two-in-one-place"),
        pytest.param(put(64 + 16, bytes(4)), "segment", id="no-page"),
        pytest.param(put(64 + 16, b"\xff" * 4), "segment", id="too-many"),
        pytest.param(put(64 + 20, b"\xff" * 4), "cut short", id="stored-huge"),
        pytest.param(put(64 + 16 + 32, b"\1"), "segment", id="content-beyond-pages"),
    ],
)
def test_a_file_that_builds_nothing_is_refused(data, words):
    """The refusal names the place, whatever the numbers are."""
    with pytest.raises(EvidenceError, match=words if words != "magic" else "XASNBENC"):
        EnclaveFile.from_bytes(data)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 64 + 3 * 32), st.binary(min_size=1, max_size=8))
def test_a_changed_file_is_refused_or_comes_back(at, patch):
    """Whatever is still a file is written as it was read, and its ledger is one."""
    data = put(at, patch)
    try:
        found = EnclaveFile.from_bytes(data)
    except EvidenceError:
        return
    assert found.to_bytes() == data


@pytest.mark.parametrize(
    "text, size", [("65536", 65536), ("64K", 65536), ("2M", 2 << 20), ("0", 0)]
)
def test_a_heap_is_read_as_scone_writes_it(text, size):
    """Plain bytes, or a number with its unit."""
    assert read_heap(text) == size


@pytest.mark.parametrize("text", ["", "64k", "-1", "1.5M", "1G", "4097", "K", "9" * 40])
def test_another_heap_is_refused(text):
    """No guess at half a page, at an unknown unit, at more than an enclave holds."""
    with pytest.raises(UsageError, match="SCONE_HEAP"):
        read_heap(text)
