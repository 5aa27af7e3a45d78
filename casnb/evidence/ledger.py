"""The MRENCLAVE ledger: the records whose SHA-256 is an enclave's measurement."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from casnb.base.errors import EvidenceError, UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import Field, FieldRow, Layout

_SDM = "Intel SDM vol. 3D, enclave measurement"
_BUILD = ("ledger-format",)
PAGE = 4096
CHUNK = 256

ECREATE = Layout(
    "ECREATE record",
    64,
    (
        Field(
            "tag",
            0,
            8,
            "bytes",
            "ECREATE and a zero",
            _SDM,
            "The first record, once. What it says cannot be changed later.",
            _BUILD,
        ),
        Field(
            "ssa_frame_size",
            8,
            4,
            "u32",
            "pages that hold a thread's state when it is interrupted",
            _SDM,
            "Changing it changes MRENCLAVE, though not one byte of code is different.",
        ),
        Field(
            "size",
            12,
            8,
            "u64",
            "size of the enclave in bytes, a power of two",
            _SDM,
            "The heap is part of it: SCONE_HEAP changes the size, and with it MRENCLAVE.",
            _BUILD,
        ),
        Field(
            "padding",
            20,
            44,
            "reserved",
            "zero",
            _SDM,
            "The CPU writes these zeros into the hash itself; a stream that has anything else"
            " builds no enclave.",
            _BUILD,
        ),
    ),
)
EADD = Layout(
    "EADD record",
    64,
    (
        Field(
            "tag",
            0,
            8,
            "bytes",
            "EADD and four zeros",
            _SDM,
            "A page comes to the enclave. Its content is not measured by this record.",
            _BUILD,
        ),
        Field(
            "offset",
            8,
            8,
            "u64",
            "where the page stands, counted from the enclave's start",
            _SDM,
            "Pages added in another order give another hash.",
            _BUILD,
        ),
        Field(
            "flags",
            16,
            8,
            "u64",
            "SECINFO: bit 0 read, 1 write, 2 execute; page type in bits 8 to 15",
            _SDM,
            "A page that becomes writable, or stops being executable, gives another hash.",
        ),
        Field(
            "padding",
            24,
            40,
            "reserved",
            "zero",
            _SDM,
            "The CPU writes these zeros into the hash itself; a stream that has anything else"
            " builds no enclave.",
            _BUILD,
        ),
    ),
)
EEXTEND = Layout(
    "EEXTEND record",
    64,
    (
        Field(
            "tag",
            0,
            8,
            "bytes",
            "EEXTEND and a zero",
            _SDM,
            "256 bytes of a page go into the hash. A page that is added and never extended has"
            " unmeasured content.",
            _BUILD,
        ),
        Field(
            "offset",
            8,
            8,
            "u64",
            "where the 256 measured bytes stand",
            _SDM,
            "Sixteen of these records measure a page.",
            _BUILD,
        ),
        Field(
            "padding",
            16,
            48,
            "reserved",
            "zero",
            _SDM,
            "The CPU writes these zeros into the hash itself; a stream that has anything else"
            " builds no enclave.",
            _BUILD,
        ),
    ),
)
#: The 256 bytes behind an EEXTEND record.
CHUNK_DATA = Field(
    "data", 0, 256, "bytes", "the measured bytes", _SDM, "One changed bit here is another enclave."
)
_TAGS = {b"ECREATE\0": ECREATE, b"EADD\0\0\0\0": EADD, b"EEXTEND\0": EEXTEND}


@dataclass(frozen=True)
class Ecreate:
    """The enclave begins: SSA frame size in pages, enclave size in bytes."""

    ssa_frame_size: int
    size: int

    def to_bytes(self) -> bytes:
        return ECREATE.pack((b"ECREATE\0", self.ssa_frame_size, self.size, bytes(44)))

    def __str__(self) -> str:
        return f"size 0x{self.size:x}, SSA frame {self.ssa_frame_size} page(s)"


@dataclass(frozen=True)
class Eadd:
    """A page is added at `offset` (bytes) with SECINFO `flags`."""

    offset: int
    flags: int

    def to_bytes(self) -> bytes:
        return EADD.pack((b"EADD\0\0\0\0", self.offset, self.flags, bytes(40)))

    def __str__(self) -> str:
        rights = "".join(c if self.flags >> n & 1 else "-" for n, c in enumerate("rwx"))
        kind = {1: "TCS", 2: "REG"}.get(self.flags >> 8 & 0xFF, f"type {self.flags >> 8 & 0xFF}")
        return f"page at 0x{self.offset:x}, {rights}, {kind}"


@dataclass(frozen=True)
class Eextend:
    """256 bytes of a page are measured; `offset` is where they stand."""

    offset: int
    data: bytes

    def to_bytes(self) -> bytes:
        if len(self.data) != CHUNK:
            raise UsageError("EEXTEND: data", got=f"{len(self.data)} bytes", wanted=str(CHUNK))
        return EEXTEND.pack((b"EEXTEND\0", self.offset, bytes(48))) + self.data

    def __str__(self) -> str:
        return f"256 bytes at 0x{self.offset:x}: {self.data[:8].hex()}..."


Record = Ecreate | Eadd | Eextend


@dataclass(frozen=True)
class Ledger(Shown):
    """The records in order; their bytes are an SGXS stream, and SHA-256 of that is MRENCLAVE.

    >>> Ledger((Ecreate(1, 8192),)).mrenclave[:8]
    '9e197c88'
    """

    records: tuple[Record, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> Ledger:
        """Read an SGXS stream; raise EvidenceError for one that builds no enclave.

        One ECREATE stands first, its size a power of two; pages are aligned to 4096 bytes and
        added once; chunks are aligned to 256 and lie inside a page that was added before.
        Source: Intel SDM vol. 3D, ECREATE, EADD, EEXTEND.
        """
        return cls(tuple(_records(data)))

    def to_bytes(self) -> bytes:
        """Return the stream."""
        return b"".join(r.to_bytes() for r in self.records)

    @property
    def mrenclave(self) -> str:
        """SHA-256 of the stream, as hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def fields(self) -> list[FieldRow]:
        """Return one row a record, offsets into the stream."""
        rows, at = [], 0
        for r in self.records:
            size = len(r.to_bytes())
            rows.append(FieldRow(type(r).__name__.upper(), at, size, str(r), _WHY[type(r)], _SDM))
            at += size
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return the measurement and how many records of each kind lead to it."""
        return {
            "type": "ledger",
            "mrenclave": self.mrenclave,
            **{k.__name__.lower(): n for k, n in self._counts().items()},
        }

    def _counts(self) -> dict[type, int]:
        return {
            kind: sum(isinstance(r, kind) for r in self.records)
            for kind in (Ecreate, Eadd, Eextend)
        }

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {k.__name__.upper()}" for k, n in self._counts().items())
        return f"<Ledger MRENCLAVE {self.mrenclave[:12]}... from {counts}>"

    def _rows(self) -> Sequence[tuple[str, ...]]:
        rows = [r.shown()[:4] for r in self.fields()[:40]]
        more = len(self.records) - len(rows)
        return [
            *rows,
            *([("...", "", "", f"{more} further records")] if more else []),
            ("MRENCLAVE", "", "", self.mrenclave),
        ]

    def __str__(self) -> str:
        return text_table(("record", "offset", "size", "what is measured"), self._rows())

    def _html(self) -> str:
        return html_table(
            ("record", "offset", "size", "what is measured"),
            self._rows(),
            repr(self).strip("<>"),
            code=(1, 3),
        )


def page_records(offset: int, flags: int, content: bytes) -> list[Record]:
    """Return the records of one measured page: EADD, then EEXTEND for each 256 bytes of its
    4096; content is filled with zeros.
    """
    content = content.ljust(PAGE, b"\0")
    return [
        Eadd(offset, flags),
        *(Eextend(offset + n, content[n : n + CHUNK]) for n in range(0, PAGE, CHUNK)),
    ]


_WHY: dict[type, str] = {
    Ecreate: "how large the enclave is",
    Eadd: "that a page exists, and its rights",
    Eextend: "what is in it",
}


def _records(data: bytes) -> Iterator[Record]:
    at, enclave = 0, _Enclave()
    while at < len(data):
        layout, values = _head(data, at)
        at += layout.size
        if layout is ECREATE:
            yield enclave.create(values)
        elif layout is EADD:
            yield enclave.add(values)
        else:
            yield enclave.extend(values, data[at : at + CHUNK])
            at += CHUNK
    if not enclave.size:
        raise EvidenceError("ledger", got="nothing", wanted="an ECREATE record")


def _head(data: bytes, at: int) -> tuple[Layout, list[int]]:
    """Return which record begins at a byte, and its fields without tag and padding."""
    tag = data[at : at + 8]
    layout = _TAGS.get(tag)
    what = f"ledger: record at byte {at}"
    if layout is None:
        raise EvidenceError(what, got=tag.hex() or "nothing", wanted="ECREATE, EADD or EEXTEND")
    if (layout is ECREATE) != (at == 0):
        raise EvidenceError(what, got=layout.name, wanted="one ECREATE, and it stands first")
    _, *values, padding = layout.unpack(data, at)
    if any(padding):
        raise EvidenceError(what, got="padding that is not zero", wanted="zeros")
    return layout, values


class _Enclave:
    """What a CPU knows of an enclave while it is built: its size, and the pages added so far."""

    def __init__(self) -> None:
        self.size, self.pages = 0, set[int]()

    def create(self, values: list[int]) -> Ecreate:
        size = values[1]
        if size < PAGE or size & (size - 1):
            raise EvidenceError(
                "ledger: ECREATE size", got=size, wanted="a power of two of at least 4096"
            )
        self.size = size
        return Ecreate(*values)

    def add(self, values: list[int]) -> Eadd:
        offset = self._inside(EADD, values[0], PAGE)
        if offset in self.pages:
            raise EvidenceError(
                "ledger: EADD record",
                got=f"the page at 0x{offset:x} twice",
                wanted="each page once",
            )
        self.pages.add(offset)
        return Eadd(*values)

    def extend(self, values: list[int], chunk: bytes) -> Eextend:
        offset = self._inside(EEXTEND, values[0], CHUNK)
        if offset - offset % PAGE not in self.pages:
            raise EvidenceError(
                "ledger: EEXTEND record",
                got=f"offset 0x{offset:x}",
                wanted="a page that was added before",
            )
        if len(chunk) != CHUNK:
            raise EvidenceError(
                "ledger: EEXTEND data",
                got=f"{len(chunk)} bytes",
                wanted=str(CHUNK),
                do="The stream is cut short.",
            )
        return Eextend(offset, chunk)

    def _inside(self, layout: Layout, offset: int, step: int) -> int:
        if offset % step or offset >= self.size:
            raise EvidenceError(
                f"ledger: {layout.name}",
                got=f"offset 0x{offset:x}",
                wanted=f"a multiple of {step} below 0x{self.size:x}",
            )
        return offset
