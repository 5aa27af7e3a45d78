"""A simulated enclave as a file: the few lines of a header, segments and their pages, from which
its ledger follows.

The format is casnb's own. A real SCONE program is an ELF file whose enclave is laid out by
SCONE's runtime; only SCONE's own tools (`SCONE_HASH=1 PROGRAM`) know how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from casnb.base.errors import EvidenceError, UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import Field as Row
from casnb.evidence.layout import FieldRow, Layout
from casnb.evidence.ledger import PAGE, Eadd, Ecreate, Ledger, Record, page_records

_OWN = "casnb, docs/measurement.md"
MAGIC = b"CASNBENC"
VERSION = 1
#: No enclave of ours is larger; SCONE's own default heap is a quarter of it.
HEAP_LIMIT = 256 << 20
SEGMENT_LIMIT = 256
#: SECINFO of the heap: a regular page, read and write.
HEAP_FLAGS = 0x203
_HEAP = re.compile(r"([0-9]{1,10})([KMG]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

HEADER = Layout(
    "enclave file",
    64,
    (
        Row(
            "magic",
            0,
            8,
            "bytes",
            "the letters CASNBENC",
            _OWN,
            "Tells the format from all others.",
        ),
        Row("version", 8, 4, "u32", "1", _OWN, "Another version would be another format."),
        Row(
            "ssa_frame_size",
            12,
            4,
            "u32",
            "pages that hold a thread's state when it is interrupted",
            _OWN,
            "Goes into ECREATE.",
        ),
        Row(
            "heap",
            16,
            8,
            "u64",
            "size of the heap in bytes, whole pages; SCONE_HEAP takes its place",
            _OWN,
            "Its pages are added and not extended: they are zero, and nobody measures that.",
        ),
        Row(
            "segments",
            24,
            4,
            "u32",
            "how many segments follow",
            _OWN,
            "Pages are added in the order of the file.",
        ),
        Row("padding", 28, 36, "reserved", "zero", _OWN, "Anything else is refused."),
    ),
)
SEGMENT = Layout(
    "segment",
    32,
    (
        Row(
            "offset",
            0,
            8,
            "u64",
            "where the segment stands, counted from the enclave's start",
            _OWN,
            "A multiple of 4096.",
        ),
        Row(
            "flags",
            8,
            8,
            "u64",
            "SECINFO of its pages",
            _OWN,
            "Rights and page type; goes into each EADD.",
        ),
        Row(
            "pages",
            16,
            4,
            "u32",
            "how many pages it has",
            _OWN,
            "Each is one EADD and sixteen EEXTEND.",
        ),
        Row(
            "stored",
            20,
            4,
            "u32",
            "how many bytes of it stand in the file",
            _OWN,
            "What is missing is zero.",
        ),
        Row("padding", 24, 8, "reserved", "zero", _OWN, "Anything else is refused."),
    ),
)


@dataclass(frozen=True)
class Segment:
    """Pages of one kind: where they stand, their SECINFO flags, how many, and their content as
    far as it is not zero.
    """

    offset: int
    flags: int
    pages: int
    content: bytes = b""

    @property
    def end(self) -> int:
        return self.offset + self.pages * PAGE


@dataclass(frozen=True)
class EnclaveFile(Shown):
    """An enclave before it is built. `heap` is in bytes; the segments are added in this order,
    the heap behind the last address.

    >>> EnclaveFile(1, 0, (Segment(0, 0x205, 1, b"code"),)).ledger.records[0].size
    4096
    """

    ssa_frame_size: int
    heap: int
    segments: tuple[Segment, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> EnclaveFile:
        """Read a file; raise EvidenceError where it is cut short, has anything behind its last
        segment, or builds no enclave.
        """
        magic, version, frame, heap, count, padding = HEADER.unpack(data)
        if magic != MAGIC or version != VERSION:
            raise EvidenceError(
                "enclave file",
                got=f"{magic!r}, version {version}",
                wanted=f"{MAGIC!r}, version {VERSION}",
            )
        if not 1 <= count <= SEGMENT_LIMIT:
            raise EvidenceError("enclave file: segments", got=count, wanted=f"1 to {SEGMENT_LIMIT}")
        if any(padding):
            raise EvidenceError(
                "enclave file: padding", got="bytes that are not zero", wanted="zeros"
            )
        at, segments = HEADER.size + count * SEGMENT.size, list[Segment]()
        for n in range(count):
            offset, flags, pages, stored, padding = SEGMENT.unpack(
                data, HEADER.size + n * SEGMENT.size
            )
            if any(padding):
                raise EvidenceError(
                    f"enclave file: padding of segment {n}",
                    got="bytes that are not zero",
                    wanted="zeros",
                )
            content = data[at : at + stored]
            if len(content) != stored:
                raise EvidenceError(
                    f"enclave file: segment {n}",
                    got=f"{len(content)} bytes",
                    wanted=str(stored),
                    do="The file is cut short.",
                )
            at += stored
            segments.append(Segment(offset, flags, pages, content))
        if at != len(data):
            raise EvidenceError(
                "enclave file", got=f"{len(data) - at} bytes behind the last segment", wanted="none"
            )
        found = cls(frame, heap, tuple(segments))
        found.require_sound()
        return found

    def require_sound(self) -> None:
        """Raise EvidenceError for pages that are not aligned, too many, or in the same place,
        and for content beyond its pages.
        """
        if self.heap % PAGE or not 0 <= self.heap <= HEAP_LIMIT:
            raise EvidenceError(
                "enclave file: heap",
                got=self.heap,
                wanted=f"a multiple of {PAGE}, at most {HEAP_LIMIT}",
            )
        taken = 0
        for n, s in enumerate(sorted(self.segments, key=lambda s: s.offset)):
            if (
                s.offset % PAGE
                or s.offset < taken
                or s.pages < 1
                or s.end > HEAP_LIMIT
                or len(s.content) > s.pages * PAGE
            ):
                raise EvidenceError(
                    f"enclave file: segment {n} by address",
                    wanted="aligned pages of its own, room for the content",
                    got=(
                        f"{s.pages} pages at 0x{s.offset:x} with {len(s.content)} bytes, behind"
                        f" pages that end at 0x{taken:x}"
                    ),
                )
            taken = s.end

    def to_bytes(self) -> bytes:
        """Return the file; `from_bytes` is the inverse."""
        rows = (
            SEGMENT.pack((s.offset, s.flags, s.pages, len(s.content), bytes(8)))
            for s in self.segments
        )
        head = HEADER.pack(
            (MAGIC, VERSION, self.ssa_frame_size, self.heap, len(self.segments), bytes(36))
        )
        return head + b"".join(rows) + b"".join(s.content for s in self.segments)

    def with_heap(self, heap: int | str) -> EnclaveFile:
        """Return the same enclave with another heap, in bytes or as SCONE_HEAP writes it
        (`64K`).
        """
        return replace(self, heap=read_heap(heap) if isinstance(heap, str) else heap)

    @property
    def end(self) -> int:
        """Where the heap begins: behind the last address of any segment."""
        return max((s.end for s in self.segments), default=0)

    @property
    def size(self) -> int:
        """The size of the enclave: the smallest power of two that holds pages and heap."""
        return max(PAGE, 1 << (self.end + self.heap - 1).bit_length())

    @cached_property
    def ledger(self) -> Ledger:
        """The records in order: ECREATE; each page with EADD and sixteen EEXTEND; the heap's
        pages with EADD alone.
        """
        records: list[Record] = [Ecreate(self.ssa_frame_size, self.size)]
        for s in self.segments:
            content = s.content.ljust(s.pages * PAGE, b"\0")
            for n in range(0, len(content), PAGE):
                records += page_records(s.offset + n, s.flags, content[n : n + PAGE])
        records += [
            Eadd(offset, HEAP_FLAGS) for offset in range(self.end, self.end + self.heap, PAGE)
        ]
        return Ledger(tuple(records))

    @property
    def mrenclave(self) -> str:
        return self.ledger.mrenclave

    def fields(self) -> list[FieldRow]:
        """Return one row for the header's numbers and one for each segment."""
        rows = [
            FieldRow(
                "ssa_frame_size",
                12,
                4,
                str(self.ssa_frame_size),
                HEADER["ssa_frame_size"].meaning,
                _OWN,
            ),
            FieldRow("heap", 16, 8, str(self.heap), HEADER["heap"].meaning, _OWN),
        ]
        for n, s in enumerate(self.segments):
            said = f"{s.pages} page(s), {Eadd(s.offset, s.flags)}, {len(s.content)} bytes stored"
            rows.append(
                FieldRow(
                    f"segment {n}",
                    HEADER.size + n * SEGMENT.size,
                    SEGMENT.size,
                    said,
                    "pages of one kind",
                    _OWN,
                )
            )
        return rows

    def __repr__(self) -> str:
        return (
            f"<EnclaveFile MRENCLAVE {self.mrenclave[:12]}... {len(self.segments)} segments, heap"
            f" {self.heap}>"
        )

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        return html_table(
            FieldRow.HEADER, [r.shown() for r in self.fields()], repr(self).strip("<>"), code=(1, 3)
        )


def read_heap(text: str) -> int:
    """Return the bytes that a value of SCONE_HEAP stands for (`65536`, `64K`, `2M`); raise
    UsageError for anything else.

    >>> read_heap("64K")
    65536
    """
    found = _HEAP.fullmatch(text.strip())
    size = int(found[1]) * _UNITS[found[2]] if found else -1
    if size < 0 or size % PAGE or size > HEAP_LIMIT:
        raise UsageError(
            "SCONE_HEAP",
            got=text[:60],
            wanted=f"bytes, or a number with K or M: whole pages of {PAGE}, at most 256M",
        )
    return size
