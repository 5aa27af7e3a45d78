"""Spellings of a value: what tools, shells and pages put around it, taken off step by step, each
step with a name.

A reader who pastes `sha256 Fingerprint=9E:1C:...` has a value and a form. Whoever compares the
text alone sees neither, so both are told apart here before anything is judged.
"""

from __future__ import annotations

import ast
import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from unicodedata import normalize

from casnb.teach.course.answers import Foreign, plain
from casnb.teach.course.form_marks import MARKS, Mark
from casnb.teach.course.numerals import integer_in

#: Steps that are looked at for one answer; more wrappings than that nobody pastes.
_STEPS = 80
#: Longer text is searched for hex digits and nothing else.
_LONG = 4_000
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f"
_BLANKS = " \t\r\n\f\v\u00a0\u2007\u2009\u202f\u3000" + _INVISIBLE
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\N{LEFT DOUBLE QUOTATION MARK}": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\N{LEFT SINGLE QUOTATION MARK}": "\N{RIGHT SINGLE QUOTATION MARK}",
    "\N{DOUBLE LOW-9 QUOTATION MARK}": "\N{LEFT DOUBLE QUOTATION MARK}",
    "\u00ab": "\u00bb",
    "*": "*",
}
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_PROMPT = re.compile(r"(?:\$|%|>>>|>|PS [^>\n]{0,80}>|In ?\[\d*\]:|Out ?\[\d*\]:)[ \t]+(.+)", re.S)
_LABEL = re.compile(
    r"(?:export |set |let |const )?[A-Za-z_][\w .()\[\]'\"/@-]{0,80}?\s*"
    r"(?::=|=>|->|==|=|:(?=\s)|(?<=[A-Za-z]{3}\d{3}):|(?<=MRENCLAVE):|(?<=mrenclave):|\bis\b)\s*(.+)",
    re.S,
)
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(?:=|\s+)(\S.*)", re.S)
_NAME = re.compile(r"[A-Za-z_][\w .-]{0,60}")
_CALL = re.compile(r"[A-Za-z_][\w.]{0,40}\((.+?)(?:,\s*\w+\s*=\s*[\w.'\"]{1,40})*\)", re.S)
_BULLET = re.compile(
    r"(?:->|=>|\N{RIGHTWARDS ARROW}|[*+\N{BULLET}~\N{ALMOST EQUAL TO}-])[ \t]+(\S.*)", re.S
)
_WRAPPINGS = (
    (_PROMPT, "prompt"),
    (_OPTION, "label"),
    (_LABEL, "label"),
    (_CALL, "wrapped"),
    (_BULLET, "wrapped"),
)
_TAG = re.compile(r"<[^<>\n]{1,80}>")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,90}={0,2}")
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:0[xX])?([0-9A-Fa-f]{32,128})(?![0-9A-Za-z])")
_PAIRS = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[:-]){15,63}[0-9A-Fa-f]{2}(?![0-9A-Za-z])")


_RANK = {code: n for n, code in enumerate(MARKS)}


@dataclass(frozen=True)
class Reading:
    """What an answer may mean: a value, and the codes of what was taken off on the way to it."""

    value: Any
    marks: tuple[str, ...] = ()

    def but(self, value: Any, *codes: str) -> Reading:
        """Return a reading one step further."""
        return Reading(value, tuple(dict.fromkeys((*self.marks, *codes))))

    @property
    def mark(self) -> Mark | None:
        """The most telling mark; None where the value was written as it is wanted."""
        return MARKS[min(self.marks, key=_RANK.__getitem__)] if self.marks else None

    @property
    def asides(self) -> str:
        """The marks in words, such as `with 0x before it, in upper case`."""
        return ", ".join(MARKS[c].aside for c in sorted(self.marks, key=_RANK.__getitem__))


def unwrapped(value: Any) -> list[Reading]:
    """Return what a plain answer may mean, as it stands first, then with one wrapping less after
    the other.
    """
    out = [Reading(value)]
    seen = {_key(value)}
    for reading in out:
        for code, inner in _inside(reading.value):
            if inner == "" and code != "whitespace":
                continue  # what was only wrapping is not an empty answer
            if (key := _key(inner)) not in seen and len(out) < _STEPS:
                seen.add(key)
                out.append(reading.but(inner, code))
    return out


def _key(value: Any) -> tuple[str, str]:
    return type(value).__name__, repr(value)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (list, frozenset)) and len(value) == 1:
        yield "in-a-list", next(iter(value))
    elif isinstance(value, dict):
        if "value" in value:
            yield "label", value["value"]
        elif len(value) == 1 and _NAME.fullmatch(str(next(iter(value)))):
            yield "label", next(iter(value.values()))
    elif isinstance(value, bytes):
        try:
            yield "bytes", value.decode("utf-8")
        except UnicodeDecodeError:
            return
    elif isinstance(value, str) and len(value) <= _LONG:
        if (usual := normalize("NFKC", value)) != value and usual.isascii():
            yield "look-alikes", usual
        yield from _text_inside(value)


def _text_inside(text: str) -> Iterator[tuple[str, Any]]:
    bare = _COLOUR.sub("", text).strip(_BLANKS)
    bare = bare.removesuffix("\\n").removesuffix("\\r")
    if bare != text:
        yield "whitespace", bare
        return
    if not text:
        return
    if text[:1] in "bB" and text[1:2] in "'\"":
        yield from _literal("bytes", text)
    if text[0] in "[({":
        yield from _literal("label" if ":" in text else "in-a-list", text)
    for table, code in ((_QUOTES, "quotes"), (_BRACKETS, "in-a-list")):
        if len(text) > 1 and table.get(text[0]) == text[-1]:
            yield code, text[1:-1]
    for pattern, code in _WRAPPINGS:
        if found := pattern.fullmatch(text):
            yield code, found[1]
    if "<" in text and (rest := unescape(_TAG.sub("", text))).strip() and rest != text:
        yield "markup", rest
    if (rest := re.sub(r"\s+#\s.*", "", text)) != text:
        yield "label", rest
    if not text.endswith("..") and (rest := text.rstrip(",;.:")) != text:
        yield "punctuation", rest
    if text[0] in _QUOTES and text.count(text[0]) == 1:
        yield "quotes", text[1:]
    elif text[-1] in _QUOTES and text.count(text[-1]) == 1:
        yield "quotes", text[:-1]


def _literal(code: str, text: str) -> Iterator[tuple[str, Any]]:
    """Read JSON or a Python literal; nothing is evaluated."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = plain(read(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if not isinstance(value, Foreign):
            yield code, value
            return


# Bytes that are written as hex

_PLAIN_HEX = re.compile(r"[0-9a-f]+")
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
    if not isinstance(value, str) or len(value) > _LONG:
        return None
    if _PLAIN_HEX.fullmatch(value):
        return Reading(value)
    marks = []
    text = value
    if dumped := _dump(value):
        return Reading(dumped, ("separators",))
    for code, pattern in (
        ("punctuation", r"(?<!\.)[,;.]$"),
        ("cut-short", r"(?:\.{2,}|\N{HORIZONTAL ELLIPSIS})$"),
        ("0x-prefix", r"0[xX]|\\x|(?<=[0-9A-Fa-f]{32})[hH]$"),
        ("whitespace", rf"[{re.escape(_BLANKS)}]"),
        ("separators", r"[:_.,;|-]"),
    ):
        shorter = re.sub(pattern, "", text)
        marks += [code] if shorter != text else []
        text = shorter
    if len(text) >= 32 and re.fullmatch(r"[0-9A-FOa-fo]+", text) and re.search("[Oo]", text):
        marks.append("look-alikes")
        text = re.sub("[Oo]", "0", text)
    if not re.fullmatch(r"[0-9A-Fa-f]+", text):
        return None
    if text != text.lower():
        marks.append("upper-case")
    return Reading(text.lower(), tuple(marks))


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
            tight = "".join(reading.value.split())
            if _BASE64.fullmatch(tight):
                out += [reading.but(raw.hex(), "base64") for raw in _decoded(tight)]
    if isinstance(value, str):
        out += embedded(value)
    return out


def embedded(text: str) -> list[Reading]:
    """Return the one long hex number in a text; nothing where there is none, or two that differ."""
    found = {m.lower() for m in _DIGITS.findall(text)}
    found |= {re.sub("[:-]", "", m).lower() for m in _PAIRS.findall(text)}
    return [Reading(found.pop(), ("around",))] if len(found) == 1 else []


def _decoded(text: str) -> Iterator[bytes]:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        raw = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return
    if len(raw) in (16, 20, 32, 48, 64):
        yield raw


def number_readings(value: Any) -> list[Reading]:
    """Return what an answer may mean where an integer is wanted: digits as text and whole floats
    are read.
    """
    out = []
    for reading in unwrapped(value):
        out.append(reading)
        inner = reading.value
        if isinstance(inner, bytes) and 0 < len(inner) <= 128:
            out.append(reading.but(int.from_bytes(inner, "little"), "as-bytes"))
        elif type(inner) is float and inner.is_integer() and abs(inner) < 2**53:
            out.append(reading.but(int(inner), "float"))
        elif isinstance(inner, str) and len(inner) <= 1200:
            number = integer_in(inner.strip(_BLANKS))
            out += [] if number is None else [reading.but(number, "text")]
    return out
