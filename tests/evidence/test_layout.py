"""A table of fields either describes its structure completely or cannot be made."""

from __future__ import annotations

import pytest
from doctables.fields import all_layouts

from casnb.base.errors import EvidenceError, UsageError
from casnb.evidence.layout import Field, Layout


def field(name: str, offset: int, size: int, kind: str = "bytes") -> Field:
    return Field(name, offset, size, kind, "meaning", "source")


PAIR = Layout("pair", 6, (field("a", 0, 2, "u16"), field("b", 2, 4)))


@pytest.mark.parametrize("layout", all_layouts(), ids=lambda x: x.name.replace(" ", "-"))
def test_rows_tile_the_structure(layout):
    """Every byte belongs to exactly one row, and every row says what it means and where that is
    specified.
    """
    covered = [n for f in layout.fields for n in range(f.offset, f.end)]
    assert covered == list(range(layout.size))
    assert all(f.meaning and f.source for f in layout.fields)
    assert len({f.name for f in layout.fields}) == len(layout.fields)


@pytest.mark.parametrize(
    "size, rows",
    [
        pytest.param(6, (("a", 0, 2, "u16"), ("b", 3, 3)), id="gap"),
        pytest.param(6, (("a", 0, 2, "u16"), ("b", 1, 5)), id="overlap"),
        pytest.param(6, (("a", 0, 2, "u16"), ("b", 2, 3)), id="short"),
        pytest.param(6, (("a", 0, 2, "u16"), ("b", 2, 5)), id="long"),
        pytest.param(6, (("a", 0, 3, "u16"), ("b", 3, 3)), id="integer-of-wrong-size"),
        pytest.param(6, (("b", 2, 4), ("a", 0, 2, "u16")), id="out-of-order"),
    ],
)
def test_a_table_that_does_not_tile_cannot_be_made(size, rows):
    """A gap, an overlap or a wrong size is found when the module is loaded, not when a quote is
    misread.
    """
    with pytest.raises(UsageError):
        Layout("pair", size, tuple(field(*r) for r in rows))


def test_integers_are_little_endian():
    """The first byte of an integer counts least."""
    assert PAIR.unpack(b"\x01\x02abcd") == (0x0201, b"abcd")


def test_reading_says_how_many_bytes_are_missing_or_left():
    """A cut or continued structure is refused with both sizes."""
    with pytest.raises(EvidenceError, match="got 5 bytes, wanted 6"):
        PAIR.unpack_exact(b"12345")
    with pytest.raises(EvidenceError, match="got 0 bytes, wanted 6"):
        PAIR.unpack(b"12345", 9)
    with pytest.raises(EvidenceError, match="got 7 bytes, wanted exactly 6"):
        PAIR.unpack_exact(b"1234567")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((65536, b"abcd"), id="integer-too-large"),
        pytest.param((-1, b"abcd"), id="integer-negative"),
        pytest.param((1, b"abc"), id="bytes-too-short"),
        pytest.param((1, b"abcde"), id="bytes-too-long"),
        pytest.param((b"ab", b"abcd"), id="bytes-for-integer"),
        pytest.param((1, "abcd"), id="text-for-bytes"),
        pytest.param((1,), id="value-missing"),
        pytest.param((1, b"abcd", 2), id="value-left-over"),
    ],
)
def test_writing_refuses_what_does_not_fit(values):
    """Nothing is cut, padded or wrapped round in silence."""
    with pytest.raises(UsageError):
        PAIR.pack(values)
