"""From any piece of evidence to its value: wrappings are removed until something known is found,
and what was found is said.

Wrappings and kinds are tables; this is the search over both. A wrapping that opens and leads
nowhere was a wrong guess: it is given up, and nothing of it is shown as if it stood in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, neutral
from casnb.evidence.kinds import KINDS, Kind, Value
from casnb.evidence.piece import DamagedError, Piece
from casnb.evidence.wrappings import WRAPPINGS

#: A value of one of the kinds in KINDS.
Evidence = Value

#: No file of more bytes is read. An SGXS stream may be that large; nothing else has more than
#: `strictjson.LIMIT` bytes.
FILE_LIMIT = 8 << 20
#: How many wrappings are taken off one after another, such as hex around base64 around JSON.
LAYERS = 5
#: Over all guesses together so many pieces are looked at, and so many bytes.
_PIECES, _BYTES = 400, 6 * FILE_LIMIT


@dataclass(frozen=True)
class Reading:
    """A piece of evidence with how it was read: its kind and format in words, its wrappings from
    the outside in, the name it had there, and further remarks.
    """

    value: Evidence
    kind: Kind
    format: str
    wrapping: str
    name: str = ""
    note: str = ""
    content: bytes = field(default=b"", repr=False)

    def to_json_dict(self) -> dict[str, Any]:
        """Return `read_as` and the value's own members, none of which replaces it."""
        ours: dict[str, Any] = {"read_as": str(self)}
        if self.note:
            ours["note"] = self.note
        return ours | self.value.to_json_dict() | ours

    def __str__(self) -> str:
        return f"{self.format}, {self.wrapping}"


class SeveralError(EvidenceError):
    """There is more than one thing in the bytes; `parts` are all of them."""

    def __init__(self, parts: tuple[Reading, ...]) -> None:
        self.parts = parts
        shown = "; ".join(f"{n} {label(part)}" for n, part in enumerate(parts[:8], 1))
        more = f"; and {len(parts) - 8} more" if len(parts) > 8 else ""
        super().__init__(
            "evidence",
            got=f"{len(parts)} parts: {shown}{more}",
            wanted="one at a time",
            do="Choose one with --part NUMBER or --part NAME.",
        )


def label(part: Reading) -> str:
    """Return the name of a part, if it has one, and what it is."""
    return f"{neutral(part.name, 60)!r} {part.format}" if part.name else str(part)


def read_file(path: str | Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes; SourceError where it cannot be read, EvidenceError where it has
    more than `limit` bytes.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise SourceError(
            f"{str(path)[:200]}",
            got=reason,
            wanted="a file that can be read",
            do="Check the name and the permissions.",
        ) from None
    if len(data) > limit:
        raise EvidenceError(
            f"{path}",
            got=f"more than {limit} bytes",
            wanted=f"at most {limit}",
            do="Too large; nothing of it was read.",
        )
    return data


def decode(source: bytes | str | Path) -> Evidence:
    """Return the value of a piece of evidence; `str` and `Path` name a file, `bytes` are the
    evidence itself.

    What is read: the kinds in `casnb.evidence.kinds`, in the wrappings of
    `casnb.evidence.wrappings`. Of a chain in PEM the first certificate is read. Of a local
    REPORT (432 bytes) the body is kept; key id and MAC mean something on its own machine only.
    Raises EvidenceError where the bytes are none of these, several of them, or too many (8 MiB;
    1 MiB for all but an SGXS stream), SourceError where the file cannot be read. Not checked
    here: anything about who made it.

    >>> decode(bytes(384)).debug
    False
    """
    return read(read_file(source) if isinstance(source, (str, Path)) else bytes(source)).value


def read(data: bytes, part: str | None = None) -> Reading:
    """Return what these bytes are, and how that was found out; raise EvidenceError where they
    are nothing casnb knows, SeveralError where they are several things.

    `part` chooses one of several, by number from 1 or by name.
    """
    parts = read_parts(data)
    if part is None:
        if len(parts) > 1:
            raise SeveralError(parts)
        return parts[0]
    if part.isdecimal() and 1 <= int(part) <= len(parts):
        return parts[int(part) - 1]
    named = [p for p in parts if p.name == part]
    if len(named) == 1:
        return named[0]
    names = [f"{n} ({label(p)})" for n, p in enumerate(parts[:8], 1)]
    raise EvidenceError("part", got=part, wanted="one of " + ", ".join(names))


def read_parts(data: bytes) -> tuple[Reading, ...]:
    """Return everything that is found in these bytes, in order, at least one; raise
    EvidenceError where there is nothing casnb knows.
    """
    if len(data) > FILE_LIMIT:
        raise EvidenceError(
            "evidence",
            got=f"{len(data)} bytes",
            wanted=f"at most {FILE_LIMIT}",
            do="Nothing was decoded.",
        )
    return _searched(Piece(data))


def read_piece(piece: Piece) -> Reading:
    """Return what a piece is that came with a name or with headers; raise as `read` does."""
    parts = _searched(piece)
    if len(parts) > 1:
        raise SeveralError(parts)
    return parts[0]


def _searched(piece: Piece) -> tuple[Reading, ...]:
    search = _Search()
    found = search.open(piece, ())
    if found:
        return tuple(found)
    raise search.failure(piece)


class _Search:
    """One search over the tables: what was tried, what was damaged, and how much work is left."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.malformed: list[tuple[tuple[str, ...], EvidenceError]] = []
        self.doubtful: list[tuple[tuple[str, ...], EvidenceError]] = []
        self.damaged: list[EvidenceError] = []
        self.pieces, self.bytes = _PIECES, _BYTES

    def open(self, piece: Piece, layers: tuple[str, ...], whole: bool = True) -> list[Reading]:
        """Return what is in a piece. Without `whole` it is not searched for wrappings, only known
        for what it is.
        """
        self.pieces -= 1
        self.bytes -= len(piece.data)
        if self.pieces < 0 or self.bytes < 0:
            return []
        found = self._as_it_stands(piece, layers)
        if found is None and whole and len(layers) < LAYERS:
            return self._unwrapped(piece, layers)
        return found or []

    def _as_it_stands(self, piece: Piece, layers: tuple[str, ...]) -> list[Reading] | None:
        """Return what a piece is without unwrapping it; None where something may be inside."""
        kind = next((k for k in KINDS if k.fits(piece)), None)
        if kind is None:
            return None
        try:
            return [_reading(piece, kind, kind.read(piece), layers)]
        except EvidenceError as exc:
            sure = not layers or piece.json_text is not None or bool(_marked(piece))
            (self.malformed if sure else self.doubtful).append((layers, exc))
        # A JSON object's members say what it is: nothing is fished out of it.
        return None if piece.json_text is None else []

    def _unwrapped(self, piece: Piece, layers: tuple[str, ...]) -> list[Reading]:
        for wrapping in WRAPPINGS:
            try:
                inside = wrapping.open(piece)
            except EvidenceError as exc:
                self.damaged.append(exc)
                if isinstance(exc, DamagedError):
                    break
                continue
            if inside is None:
                continue
            if not layers:
                self.tried.append(wrapping.name)
            found = list(self._pieces(inside, wrapping.name, layers, piece))
            if found:
                return found
            if wrapping.nothing is not None:
                self.damaged.append(wrapping.nothing(piece))
        return []

    def _pieces(
        self, inside: Any, name: str, layers: tuple[str, ...], outer: Piece
    ) -> Iterator[Reading]:
        """Yield what is in the pieces; those below one that was known are part of it."""
        known: list[str] = []
        for piece in inside:
            if any(piece.name.startswith((f"{k}.", f"{k}[")) for k in known):
                continue
            piece.headers = piece.headers or outer.headers
            piece.note = piece.note or outer.note
            found = self.open(piece, (*layers, piece.said or name), not piece.object_only)
            if found and piece.name:
                known.append(piece.name)
            for one in found:
                path = ".".join(n for n in (piece.name, one.name) if n)
                yield _renamed(one, path if len(inside) > 1 or one.name else piece.name)

    def failure(self, piece: Piece) -> EvidenceError:
        """Return the error that says most: what was malformed, what was damaged, or what was
        tried.
        """
        if self.malformed:
            return _read_as(*self.malformed[0])
        if len(piece.data) > strictjson.LIMIT and not piece.text:
            return EvidenceError(
                "evidence",
                got=f"{len(piece.data)} bytes",
                wanted=f"at most {strictjson.LIMIT}, except for an SGXS stream",
                do="Too large; nothing of it was read.",
            )
        hint = looks_like(piece)
        if self.damaged and not (hint and piece.text is None):
            exc = self.damaged[0]
            return EvidenceError(
                exc.subject, got=exc.got, wanted=exc.wanted, do=f"{exc.do} {hint}".strip()
            )
        if self.doubtful and not hint:
            return _read_as(*self.doubtful[0])
        return EvidenceError(
            "evidence", got=_shape(piece), wanted=_wanted(), do=f"{hint} {self._tried()}".strip()
        )

    def _tried(self) -> str:
        if not self.tried:
            return ""
        names = ", ".join(dict.fromkeys(self.tried))
        return f"It was opened as {names}, and nothing known was in it."


def _read_as(layers: tuple[str, ...], exc: EvidenceError) -> EvidenceError:
    if not layers:
        return exc
    how = " in ".join(reversed(layers))
    return EvidenceError(
        f"{exc.subject} (read as {how})", got=exc.got, wanted=exc.wanted, do=exc.do
    )


def _shape(piece: Piece) -> str:
    """Say how much there is; for a text, never its character codes."""
    size = len(piece.data)
    if size > strictjson.LIMIT:
        return f"{size} bytes"
    if piece.text:
        return f"a text of {len(piece.text)} characters"
    return f"{size} bytes that start with {piece.data[:8].hex() or 'nothing'}"


def _wanted() -> str:
    return f"one of {len(KINDS)} kinds, such as " + ", ".join(
        k.name for k in KINDS if k.name in _COMMON
    )


_COMMON = ("DCAP quote", "CAS report", "IAS report body", "SIGSTRUCT", "RA-TLS certificate")


def _reading(piece: Piece, kind: Kind, value: Evidence, layers: tuple[str, ...]) -> Reading:
    inner = "JSON" if piece.json_text is not None else "raw"
    said = [w for w in reversed(layers) if w != "a quote and more"]
    words = [inner, *said] if inner == "JSON" or not said else said
    return Reading(value, kind, kind.titled(value), " in ".join(words), "", piece.note, piece.data)


def _renamed(reading: Reading, name: str) -> Reading:
    return Reading(
        reading.value,
        reading.kind,
        reading.format,
        reading.wrapping,
        name,
        reading.note,
        reading.content,
    )


#: What marks a structure wherever it stands: how far before the mark it begins, and its name.
_MARKS: tuple[tuple[bytes, int, str], ...] = (
    (bytes.fromhex("939a7233f79c4ca9940a0db3957f0607"), 12, "a DCAP quote"),
    (bytes.fromhex("06000000e10000000000010000000000"), 0, "a SIGSTRUCT"),
    (b"isvEnclaveQuoteBody", 0, "an IAS report"),
    (b'"proof_data"', 0, "a CAS report"),
    (b"-----BEGIN CERTIFICATE", 0, "a certificate"),
)


def _marked(piece: Piece) -> bool:
    return any(piece.data.find(mark) == before for mark, before, _ in _MARKS)


def looks_like(piece: Piece) -> str:
    """Return where something known seems to begin, in a sentence, or an empty text."""
    for mark, before, name in _MARKS:
        at = piece.data.find(mark)
        if at >= before and at > 0:
            start = at - before
            cut = f" Cut it out: tail -c +{start + 1} FILE." if start else ""
            return f"At byte {start} there is what looks like {name}.{cut}"
        if piece.text and (m := re.search(mark.hex(), piece.text, re.IGNORECASE)):
            where = m.start() - 2 * before
            return f"At character {max(where, 0)} there is the hex of what looks like {name}."
    return ""
