"""The section of an ELF program that a byte stands in, by name."""

from __future__ import annotations

import struct

#: More sections than any program has whose names a reader wants to see.
_SECTIONS = 4096
_NAME = 60


def section_at(data: bytes, offset: int) -> str:
    """Return the name of the section of a 64-bit little-endian ELF file that holds this byte.

    Empty for another kind of file, a byte in no section, and a table that is damaged: the name is
    a help to the reader, nothing is decided by it. Source: System V ABI, object files.
    """
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        return ""
    table, size, count, names = (
        *struct.unpack_from("<Q", data, 40),
        *struct.unpack_from("<HHH", data, 58),
    )
    rows = []
    for n in range(min(count, _SECTIONS)):
        at = table + n * size
        if size < 64 or at + 64 > len(data):
            return ""
        name, kind, _, _, start, length = struct.unpack_from("<IIQQQQ", data, at)
        rows.append((name, kind, start, length))
    if names >= len(rows):
        return ""
    text = rows[names][2]
    for name, kind, start, length in rows:
        # Sections of kind NOBITS (8) take no bytes of the file.
        if kind != 8 and start <= offset < start + length:
            raw = data[text + name : text + name + _NAME].split(b"\0")[0]
            return raw.decode("ascii", "replace")
    return ""
