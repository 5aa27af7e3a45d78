"""Spellings of bytes: hex with whatever is in it, dumps, lists of numbers, Base64, integers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Any

from casnb.teach.course.spelling import BLANKS, LONG, Reading, unwrapped

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,110}={0,6}")
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:0[xX])?([0-9A-Fa-f]{32,128})(?![0-9A-Za-z])")
_PAIRS = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[:-]){15,63}[0-9A-Fa-f]{2}(?![0-9A-Za-z])")
_PLAIN_HEX = re.compile(r"[0-9a-f]+")
#: Characters that are taken for a hex digit: O and l, and the Cyrillic and Greek ones.
_LOOK_ALIKES = str.maketrans(
    "OoIl|\u0430\u0435\u0441\u0410\u0412\u0421\u0415\u0391\u0392\u0395\u039f\u03bf\u041e\u043e",
    "00111aecABCEABE0000",
)
#: One byte in a list of them, in hex or as a number, with the suffix of some languages.
_BYTE = re.compile(r"(0[xX][0-9A-Fa-f]{1,2}|\d{1,3})(?:u8|[uU])?")
_HASH_LABEL = re.compile(r"(?i)(?:sha-?\d{1,3}|md5)[-/:]{1,2}")
_DUMPED = re.compile(
    r"\s*[0-9a-fA-F]{6,8}:?((?: {1,2}(?:[0-9a-fA-F]{2}){1,2})*)\s*(?:\s{2}.*|\|.*)?"
)


def bare_hex(value: Any, size: int = 0) -> Reading | None:
    """Return bytes, however they are written, as a reading of lower-case hex; None for what is no
    such thing. An integer needs the `size` in bytes.
    """
    if isinstance(value, bytes):
        return Reading(value.hex(), ("bytes",))
    if type(value) is int:
        fits = size and value > 0xFFFF and value.bit_length() <= 8 * size
        return Reading(f"{value:0{2 * size}x}", ("integer",)) if fits else None
    if isinstance(value, list):
        return _listed(value)
    if not isinstance(value, str) or len(value) > LONG:
        return None
    if _PLAIN_HEX.fullmatch(value):
        return Reading(value)
    marks = []
    text = value
    if dumped := _dump(value):
        return Reading(dumped, ("separators",))
    if counted := _counted(value):
        return Reading(counted, ("byte-list",))
    for code, pattern in (
        ("punctuation", r"(?<!\.)[,;.]$"),
        ("cut-short", r"(?:\.{2,}|\N{HORIZONTAL ELLIPSIS})$"),
        ("0x-prefix", r"0[xX]|\\x|%(?=[0-9A-Fa-f]{2})|(?<=[0-9A-Fa-f]{32})[hH]$"),
        ("whitespace", rf"\\\r?\n|[{re.escape(BLANKS)}]"),
        ("separators", r"[:_.,;|-]"),
    ):
        shorter = re.sub(pattern, "", text)
        marks += [code] if shorter != text else []
        text = shorter
    if len(text) >= 32 and (usual := text.translate(_LOOK_ALIKES)) != text:
        marks.append("look-alikes")
        text = usual
    if not re.fullmatch(r"[0-9A-Fa-f]+", text):
        return None
    if text != text.lower():
        marks.append("upper-case")
    return Reading(text.lower(), tuple(marks))


def _counted(text: str) -> str:
    """Return the bytes of a list of numbers in text, as hex; empty for anything else. Two digits
    each may be hex as well and are left to others.
    """
    inner = text.strip()
    if found := re.fullmatch(r"[\w\[\]&\s]{0,16}[\[({](.*)[\])}]", inner, re.S):
        inner = found[1]
    items = [_BYTE.fullmatch(w) for w in re.split(r"[\s,;]+", inner.strip(" ,;\n"))]
    digits = [m[1] for m in items if m]
    if len(items) < 16 or len(digits) < len(items) or all(len(d) == 2 for d in digits):
        return ""
    values = [int(d, 0 if d[:2] in ("0x", "0X") else 10) for d in digits]
    return bytes(values).hex() if max(values) < 256 else ""


def _dump(text: str) -> str:
    """Return the bytes of a listing as xxd, od and hexdump print it, as hex; empty for anything
    else. Each line begins with an offset; an offset alone ends it.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_DUMPED.fullmatch(line) for line in lines]
    if len(lines) < 2 or not all(found) or not lines[0].strip().startswith("00"):
        return ""
    return "".join(re.sub(r"\s", "", m[1] or "") for m in found if m).lower()


def _listed(value: Sequence[Any]) -> Reading | None:
    if 1 < len(value) < 8 and all(isinstance(v, str) and len(v) >= 16 for v in value):
        parts = [bare_hex(v) for v in value]
        joined = "".join(p.value for p in parts if p)
        return Reading(joined, ("in-a-list",)) if all(parts) and len(joined) <= 128 else None
    if len(value) < 8:
        return None
    if all(type(v) is int and 0 <= v < 256 for v in value):
        return Reading(bytes(value).hex(), ("byte-list",))
    if all(isinstance(v, str) and len(v) <= 4 for v in value):
        found = bare_hex("".join(v.removeprefix("0x") for v in value))
        return None if found is None else found.but(found.value, "byte-list")
    return None


def hex_readings(value: Any, size: int) -> list[Reading]:
    """Return what an answer may mean where bytes as hex are wanted: the readings of `unwrapped`,
    each as bare hex where it can be, then the one hex number inside a longer text.
    """
    out = []
    for reading in unwrapped(value):
        out.append(reading)
        sizes = (size, 20, 32, 48, 64) if type(reading.value) is int else (size,)
        for found in filter(None, (bare_hex(reading.value, n) for n in sizes)):
            if found.marks or found.value != reading.value:
                out.append(reading.but(found.value, *found.marks))
        if isinstance(reading.value, str) and len(reading.value) <= 200:
            tight = _HASH_LABEL.sub("", "".join(reading.value.split()))
            if _BASE64.fullmatch(tight):
                out += [reading.but(raw.hex(), "base64") for raw in _decoded(tight)]
        if type(reading.value) is str and reading.value.isdecimal() and len(reading.value) > 60:
            number = bare_hex(int(reading.value), size)
            out += [reading.but(number.value, *number.marks)] if number else []
    if isinstance(value, str):
        out += embedded(value)
        out += _adjoined(value)
    elif len(leaves := _measured_leaves(value)) == 1:
        out += [Reading(leaves[0], ("label",)), *hex_readings(leaves[0], size)[1:]]
    return out


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what is in dictionaries and lists, all the way down; `plain` has bounded them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, frozenset)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _measured_leaves(value: Any) -> list[Any]:
    """Return the long hex numbers in a collection."""
    if not isinstance(value, (dict, list, frozenset)):
        return []
    texts = [x for x in _leaves(value) if isinstance(x, (str, bytes))]
    return [x for x in texts if (found := bare_hex(x)) and len(found.value) >= 32]


def _adjoined(text: str) -> Iterator[Reading]:
    """Yield the hex of two literals that stand side by side, as Python joins them, and of one that
    was pasted twice.
    """
    parts = re.findall(r"['\"]([0-9A-Fa-f]{16,})['\"]", text)
    rest = re.sub(r"['\"][0-9A-Fa-f]{16,}['\"]", "", text)
    if len(parts) > 1 and not rest.strip(" \t\r\n+\\()"):
        yield Reading("".join(parts).lower(), ("quotes",))
    bare = text.strip()
    half = bare[: len(bare) // 2]
    if len(half) >= 32 and half + half == bare and re.fullmatch("[0-9A-Fa-f]+", half):
        yield Reading(half.lower(), ("around",))


def embedded(text: str) -> list[Reading]:
    """Return the one long hex number in a text; nothing where there is none, or two that differ."""
    found = {m.lower() for m in _DIGITS.findall(text)}
    found |= {re.sub("[:-]", "", m).lower() for m in _PAIRS.findall(text)}
    return [Reading(found.pop(), ("around",))] if len(found) == 1 else []


def _decoded(text: str) -> Iterator[bytes]:
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    for decode, group in ((base64.b64decode, 4), (base64.b32decode, 8)):
        try:
            raw = decode((bare + "=" * (-len(bare) % group)).encode())
        except (binascii.Error, ValueError):
            continue
        if len(raw) in (16, 20, 32, 48, 64):
            yield raw
