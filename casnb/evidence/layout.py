"""Field tables: one row a field drives parser, serialiser, printed tables and documentation.

Raw bytes are sliced here and nowhere else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar, Literal

from casnb.base.errors import EvidenceError, UsageError

#: `bytes` as they stand; `u16` `u32` `u64` little-endian; `reserved` as they stand, kept for the
#: round trip.
Kind = Literal["bytes", "u16", "u32", "u64", "reserved"]

_CODE = {"u16": ("H", 2), "u32": ("I", 4), "u64": ("Q", 8)}


@dataclass(frozen=True)
class Field:
    """One field: name, offset and size in bytes, kind, what it means, and where that is
    specified.

    `detail` says more than `meaning` does, of reserved bytes who checks them. `checks` are the
    ids of the checks that compare it.
    """

    name: str
    offset: int
    size: int
    kind: Kind
    meaning: str
    source: str
    detail: str = ""
    checks: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The offset of the first byte after the field."""
        return self.offset + self.size

    def show(self, value: bytes | int) -> str:
        """Return the value as a reader meets it: hex in memory order for bytes, decimal and hex
        for integers.
        """
        return value.hex() if isinstance(value, bytes) else f"{value} (0x{value:x})"


@dataclass(frozen=True)
class FieldRow:
    """One field of one value, ready to print: where it stands, what it holds, what that means."""

    HEADER: ClassVar[tuple[str, ...]] = ("field", "offset", "size", "value", "meaning", "source")

    name: str
    offset: int
    size: int
    value: str
    meaning: str
    source: str

    def shown(self) -> tuple[str, ...]:
        """Return the cells in the order of HEADER, long values shortened."""
        value = self.value if len(self.value) <= 72 else self.value[:64] + "\N{HORIZONTAL ELLIPSIS}"
        return (self.name, str(self.offset), str(self.size), value, self.meaning, self.source)


@dataclass(frozen=True)
class Layout:
    """A fixed-size structure as rows that tile it without gap or overlap; checked when it is
    made.
    """

    name: str
    size: int
    fields: tuple[Field, ...]
    _struct: struct.Struct = field(init=False, repr=False, compare=False)
    _getter: attrgetter[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        at, codes = 0, "<"
        for f in self.fields:
            if f.offset != at:
                raise UsageError(f"{self.name}.{f.name}", got=f"offset {f.offset}", wanted=str(at))
            code, size = _CODE.get(f.kind, (f"{f.size}s", f.size))
            if size != f.size:
                raise UsageError(
                    f"{self.name}.{f.name}", got=f"{f.size} bytes", wanted=f"{size} for {f.kind}"
                )
            codes += code
            at = f.end
        if at != self.size:
            raise UsageError(self.name, got=f"rows that end at {at}", wanted=str(self.size))
        object.__setattr__(self, "_struct", struct.Struct(codes))
        object.__setattr__(self, "_getter", attrgetter(*(f.name for f in self.fields)))

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, ...]:
        """Return the field values in table order, read at `offset`; raise EvidenceError if the
        bytes run out.
        """
        if len(data) - offset < self.size:
            raise EvidenceError(
                self.name,
                got=f"{max(len(data) - offset, 0)} bytes",
                wanted=str(self.size),
                do="The input is cut short; fetch it again or compare its size with the source.",
            )
        return self._struct.unpack_from(data, offset)

    def unpack_exact(self, data: bytes) -> tuple[Any, ...]:
        """Like `unpack`, and refuse leftover bytes."""
        values = self.unpack(data)
        if len(data) != self.size:
            raise EvidenceError(
                self.name,
                got=f"{len(data)} bytes",
                wanted=f"exactly {self.size}",
                do="Something follows the structure; cut it off only if you know what it is.",
            )
        return values

    def pack(self, values: tuple[Any, ...]) -> bytes:
        """Return the bytes of `values` (table order); raise UsageError for a value that does not
        fit its field.
        """
        if len(values) != len(self.fields):
            raise UsageError(self.name, got=f"{len(values)} values", wanted=str(len(self.fields)))
        try:
            data = self._struct.pack(*values)
        except struct.error:
            data = b""
        if data and self._struct.unpack(data) == values:  # neither cut nor filled up
            return data
        for f, v in zip(self.fields, values, strict=True):
            if f.kind in _CODE:
                fits = isinstance(v, int) and 0 <= v < 1 << 8 * f.size
            else:
                fits = isinstance(v, bytes) and len(v) == f.size
            if not fits:
                raise UsageError(
                    f"{self.name}.{f.name}", got=repr(v)[:80], wanted=f"{f.kind} of {f.size} bytes"
                )
        return self._struct.pack(*values)

    def values(self, source: Any) -> tuple[Any, ...]:
        """Return the attributes of `source` that are named like the fields, in table order."""
        found = self._getter(source)
        return found if len(self.fields) > 1 else (found,)

    def rows(self, source: Any, base: int = 0) -> list[FieldRow]:
        """Return the printed rows of a value whose attributes are named like the fields, offsets
        counted from `base`.
        """
        return [
            FieldRow(
                f.name,
                base + f.offset,
                f.size,
                f.show(getattr(source, f.name)),
                f.meaning,
                f.source,
            )
            for f in self.fields
        ]

    def plain(self, source: Any) -> dict[str, Any]:
        """Return name to value, integers as they are and bytes as hex."""
        values = ((f.name, getattr(source, f.name)) for f in self.fields)
        return {name: v.hex() if isinstance(v, bytes) else v for name, v in values}

    def __getitem__(self, name: str) -> Field:
        for f in self.fields:
            if f.name == name:
                return f
        raise UsageError(
            self.name, got=name, wanted="one of " + ", ".join(f.name for f in self.fields)
        )
