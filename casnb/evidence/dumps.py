"""Dumps: bytes as xxd, hexdump, od, gdb and others print them, in lines that begin with an
offset.

The offsets are not thrown away but relied on: they say how many bytes a line has, so that a
column of characters is never taken for bytes, and a line that is missing shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from casnb.base.errors import EvidenceError
from casnb.evidence.piece import Piece

#: A dump of more bytes than this is not expanded; `*` stands for any number of lines.
LIMIT = 8 << 20
_LINE = re.compile(
    r"[ \t]*(?:0[xX])?([0-9a-fA-F]{3,16})(?: <[^>\n]{0,200}>)?(:?)(?:[ \t]+(\S.*))?[ \t\r]*"
)
_LOOK = 40
_RADICES = (16, 8, 10)


@dataclass(frozen=True)
class Unit:
    """How bytes are printed: a regular expression for one unit, and what a unit's bytes are.

    `columns` is the width of a unit where spaces do not part them, because one may be printed.
    """

    pattern: str
    read: Callable[[str], bytes]
    columns: int = 0


def _low_first(digits: str) -> bytes:
    return bytes.fromhex(digits)[::-1]


def _number(radix: int, size: int) -> Callable[[str], bytes]:
    return lambda digits: (int(digits, radix) % (1 << 8 * size)).to_bytes(size, "little")


_CHARACTERS = {"\\0": 0, "\\a": 7, "\\b": 8, "\\t": 9, "\\n": 10, "\\v": 11, "\\f": 12, "\\r": 13}


def _character(shown: str) -> bytes:
    if shown in _CHARACTERS:
        return bytes([_CHARACTERS[shown]])
    return bytes([int(shown, 8) if len(shown) == 3 else ord(shown)])


HEX = Unit(r"(?:[0-9a-fA-F]{2}){1,32}", bytes.fromhex)
WORDS = Unit(r"[0-9a-fA-F]{4}(?:[0-9a-fA-F]{4}(?:[0-9a-fA-F]{8})?)?", _low_first)
OCTAL = Unit(r"[0-3][0-7]{2}", _number(8, 1))
OCTAL_WORDS = Unit(r"[01][0-7]{5}", _number(8, 2))
DECIMAL = Unit(r"-?[0-9]{1,3}", _number(10, 1))
DECIMAL_WORDS = Unit(r"-?[0-9]{1,5}", _number(10, 2))
BITS = Unit(r"[01]{8}", lambda digits: bytes([int(digits, 2)]))
CHARACTERS = Unit(r"[0-7]{3}|\\[0abtnvfr]|[ -~]", _character, 4)


@dataclass(frozen=True)
class _Row:
    offset: str
    body: str
    after: str = ""
    repeat: bool = False

    def words(self, columns: int) -> list[str]:
        """The units in a line."""
        if not columns:
            return self.body.split()
        cut = (self.after[n : n + columns] for n in range(0, len(self.after), columns))
        return [word.strip() or " " for word in cut]


def _rows(piece: Piece) -> list[_Row] | None:
    """Return the lines that begin with an offset, `*` among them; None where this is not a dump.

    What stands before the first and after the last (a prompt, a heading) is passed over.
    """
    text = piece.text
    if text is None or "\n" not in text:
        return None
    lines = text.splitlines()
    if len(lines) > LIMIT // 8:
        return None
    likely = sum(1 for n in lines[:_LOOK] if (m := _LINE.fullmatch(n)) and m[3])
    if likely < min(2, len(lines)) or likely * 2 < min(len(lines), _LOOK) - 6:
        return None
    return [row for line in lines if (row := _row(line)) is not None]


def _row(line: str) -> _Row | None:
    """Return a line as a row of a dump; None where it is none."""
    if line.strip() == "*":
        return _Row("", "", repeat=True)
    m = _LINE.fullmatch(line)
    if m is None:
        return None
    body = m[3] or ""
    if m[2] and "  " in body and "\t" not in body:
        body = _before_characters(body)
    body = re.sub(r"\b0[xX](?=[0-9a-fA-F]{2})", "", body)
    return _Row(m[1], body, line[m.end(2) :].rstrip("\r"))


def _before_characters(body: str) -> str:
    """Cut the column of characters off a line of xxd; a gap in the middle of a line stays."""
    head, _, tail = body.partition("  ")
    return body if re.match(r"[0-9a-fA-F]{2}(?: |$)", tail) and len(tail) > len(head) else head


def opener(unit: Unit) -> Callable[[Piece], Sequence[Piece] | None]:
    """Return what reads a dump in these units; the result raises EvidenceError for a dump with a
    line cut out of it.
    """
    one = re.compile(unit.pattern)

    def open_dump(piece: Piece) -> Sequence[Piece] | None:
        rows = _rows(piece)
        if rows is None:
            return None
        first = next(row for row in rows if not row.repeat)
        words = first.words(unit.columns)[:16]
        if not words or not one.fullmatch(words[0]) or (unit.columns and len(words) < 2):
            return None
        gaps: EvidenceError | None = None
        for radix in _RADICES:
            try:
                data = _read(rows, radix, one, unit)
            except _GapError as exc:
                gaps = exc
                continue
            except ValueError:
                continue
            if data is not None:
                return [Piece(data)]
        if gaps is not None:
            raise gaps
        return None

    return open_dump


class _GapError(EvidenceError):
    """The offsets of a dump are not in step with its bytes."""


def _read(rows: list[_Row], radix: int, one: re.Pattern[str], unit: Unit) -> bytes | None:
    lines = _lines(rows, radix)
    start, step = _grid([line.at for line in lines])
    if not step:
        return None
    out, last = bytearray(), b""
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        while line.starred and last and len(out) < line.at - start:
            out += last
        if line.at - start != len(out):
            if len(out) < 2 * step:
                return None  # too little was read to say that this is a dump
            raise _gap(line.row, start + len(out))
        if not line.row.body:
            break
        want = step if after is None or after.starred else min(after.at - line.at, step)
        last = _bytes(line.row.words(unit.columns), want, one, unit.read)
        if len(last) != want and after is not None:
            return None
        out += last
    return bytes(out)


class _Line(NamedTuple):
    """A row that has an offset: the row, the offset, and whether a `*` stands before it, which is
    for repetitions of the line above.
    """

    row: _Row
    at: int
    starred: bool


def _lines(rows: list[_Row], radix: int) -> list[_Line]:
    out, starred = [], False
    for row in rows:
        if not row.repeat:
            out.append(_Line(row, int(row.offset, radix), starred))
        starred = row.repeat
    return out


def _grid(offsets: list[int]) -> tuple[int, int]:
    """Return where a dump starts and how many bytes a line has; 0 for offsets of no dump."""
    start, step = offsets[0], offsets[1] - offsets[0] if len(offsets) > 1 else 0
    return start, step if 0 < step <= 256 and offsets[-1] - start <= LIMIT else 0


def _gap(row: _Row, size: int) -> _GapError:
    return _GapError(
        "dump",
        got=f"the offset {row.offset} after {size} bytes",
        wanted="offsets in step with the bytes",
        do="A line is missing or was changed: print the dump again.",
    )


def _bytes(
    words: list[str], want: int, one: re.Pattern[str], read: Callable[[str], bytes]
) -> bytes:
    out = bytearray()
    for word in words:
        if len(out) >= want or not one.fullmatch(word):
            break
        out += read(word)
    return bytes(out[:want])
