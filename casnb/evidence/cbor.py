"""CBOR as evidence needs it: whole numbers, byte and text strings, lists, maps and tags of
definite length, read strictly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casnb.base.errors import EvidenceError

_DEPTH = 8
_ITEMS = 64


@dataclass(frozen=True)
class Tag:
    """A tagged value."""

    number: int
    value: Any


def loads(data: bytes, what: str) -> Any:
    """Return the one value that fills `data`; `what` names it in errors.

    Raises EvidenceError for anything cut short, left over, of indefinite length, nested deeper
    than 8, with more than 64 items in a list or map, a member twice, or a kind not listed above.
    Source: RFC 8949.
    """
    value, end = _item(data, 0, what, 0)
    if end != len(data):
        raise EvidenceError(what, got=f"{len(data) - end} further bytes", wanted="one CBOR value")
    return value


def _item(data: bytes, at: int, what: str, depth: int) -> tuple[Any, int]:
    if at >= len(data) or depth > _DEPTH:
        raise EvidenceError(
            what,
            got="bytes that end too early" if at >= len(data) else "deep nesting",
            wanted="CBOR",
        )
    major, size = data[at] >> 5, data[at] & 0x1F
    at += 1
    if size >= 24:
        width = {24: 1, 25: 2, 26: 4, 27: 8}.get(size, 0)
        if not width or at + width > len(data):
            raise EvidenceError(
                what,
                got="a length that is indefinite or cut short",
                wanted="CBOR of definite length",
            )
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    if major == 0:
        return size, at
    if major in (2, 3):
        if size > len(data) - at:
            raise EvidenceError(
                what,
                got=f"a string of {size} bytes",
                wanted=f"at most the {len(data) - at} that are left",
            )
        return _string(data[at : at + size], major, what), at + size
    if major == 6:
        value, at = _item(data, at, what, depth + 1)
        return Tag(size, value), at
    if major not in (4, 5) or size > _ITEMS:
        raise EvidenceError(
            what,
            got=f"CBOR of kind {major}, size {size}",
            wanted="numbers, strings, short lists and maps, tags",
        )
    return _items(data, at, major, size, what, depth + 1)


def _string(raw: bytes, major: int, what: str) -> bytes | str:
    try:
        return raw if major == 2 else raw.decode("utf-8")
    except UnicodeDecodeError:
        raise EvidenceError(what, got="text that is not UTF-8", wanted="CBOR") from None


def _items(data: bytes, at: int, major: int, size: int, what: str, depth: int) -> tuple[Any, int]:
    values: list[Any] = []
    for _ in range(size if major == 4 else 2 * size):
        value, at = _item(data, at, what, depth)
        values.append(value)
    if major == 4:
        return values, at
    names = values[::2]
    if not all(isinstance(n, (str, int)) for n in names) or len(set(names)) != len(names):
        raise EvidenceError(
            what, got="a member twice, or one without a plain name", wanted="each member once"
        )
    return dict(zip(names, values[1::2], strict=True)), at
