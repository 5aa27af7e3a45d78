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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from casnb.teach.course.answers import Foreign, plain

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
_TAG = re.compile(r"<[^<>\n]{1,80}>")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,90}={0,2}")
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:0[xX])?([0-9A-Fa-f]{32,128})(?![0-9A-Za-z])")
_PAIRS = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[:-]){15,63}[0-9A-Fa-f]{2}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Mark:
    """One thing about a form: `says` is told of a right value, `aside` beside a wrong one.
    `write` puts a text in that form.
    """

    code: str
    says: str
    aside: str
    write: Callable[[str], object]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


#: The most telling first: an answer with several marks is named after the first of them.
HEX_MARKS = (
    Mark(
        "byte-order",
        "These are the right bytes in reverse order. A hash is written as it stands in memory;"
        " only integers are little-endian.",
        "in reverse byte order",
        lambda t: _bytes(t)[::-1].hex(),
    ),
    Mark(
        "cut-short",
        "This is only a part of the value. All of its hex digits count: a build with the same few"
        " digits is soon found.",
        "cut short",
        lambda t: t[:12] + "\N{HORIZONTAL ELLIPSIS}",
    ),
    Mark(
        "base64",
        "The right bytes in Base64. Wanted is hex: `base64.b64decode(...).hex()`.",
        "in Base64",
        lambda t: base64.b64encode(_bytes(t)).decode(),
    ),
    Mark(
        "integer",
        "The right bytes, read as one integer. Wanted is hex text: leading zeros count.",
        "as an integer",
        lambda t: int(t, 16),
    ),
    Mark(
        "bytes",
        "The right value, as bytes. Wanted is text: `.hex()` turns one into the other.",
        "as bytes",
        _bytes,
    ),
    Mark(
        "byte-list",
        "The right bytes, one by one. Wanted is one text: `bytes(...).hex()`.",
        "as a list of bytes",
        lambda t: list(_bytes(t)),
    ),
    Mark(
        "separators",
        "The right bytes, with separators as openssl prints them. Wanted is bare lower-case hex.",
        "with separators",
        lambda t: _bytes(t).hex(":").upper(),
    ),
    Mark(
        "0x-prefix",
        "These are the right bytes with 0x before them. The value is bare hex, without a prefix.",
        "with 0x before it",
        lambda t: "0x" + t,
    ),
    Mark(
        "upper-case",
        "These are the right bytes in upper case. Tools compare the text: write it in lower case.",
        "in upper case",
        str.upper,
    ),
)
TEXT_MARKS = (
    Mark(
        "bytes",
        "The right value, as bytes. Wanted is text: `.decode()` turns one into the other.",
        "as bytes",
        str.encode,
    ),
    Mark(
        "number",
        "The right digits, as a number. They came as text, and text they stay.",
        "as a number",
        lambda t: int(t),
    ),
    Mark(
        "around",
        "The right value is in there, with other text around it. Wanted is the value alone.",
        "with other text around it",
        lambda t: f"{t}  cas_cert.crt",
    ),
    Mark(
        "label",
        "The right value with its name before it. Wanted is the value alone.",
        "with a name before it",
        lambda t: f"value = {t}",
    ),
    Mark(
        "prompt",
        "The right value with a prompt before it. Wanted is the value alone.",
        "with a prompt before it",
        lambda t: f"$ {t}",
    ),
    Mark(
        "markup",
        "The right value with the page's tags around it. Take the text of the element.",
        "with tags around it",
        lambda t: f"<code>{t}</code>",
    ),
    Mark(
        "quotes",
        "The right value with quotes inside the text. They belong to Python, JSON or the shell,"
        " not to the value.",
        "with quotes around it",
        lambda t: f'"{t}"',
    ),
    Mark(
        "in-a-list",
        "The right value, inside a list. Take it out: one value is wanted.",
        "inside a list",
        lambda t: [t],
    ),
    Mark(
        "punctuation",
        "The right value with a comma or full stop behind it.",
        "with a comma or full stop behind it",
        lambda t: f"{t},",
    ),
    Mark(
        "whitespace",
        "The right value with a space or newline in or around it. Use .strip(), or a comparison"
        " fails later.",
        "with spaces or newlines",
        lambda t: f" {t}\n",
    ),
)
NUMBER_MARKS = (
    Mark("text", "The right digits, as text. Wanted is a number.", "as text", str),
    Mark(
        "float", "The right number with a decimal point. Wanted is an integer.", "as a float", float
    ),
)
MARKS = {m.code: m for m in (*NUMBER_MARKS, *HEX_MARKS, *TEXT_MARKS[1:])}
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
    for pattern, code in ((_PROMPT, "prompt"), (_OPTION, "label"), (_LABEL, "label")):
        if found := pattern.fullmatch(text):
            yield code, found[1]
    if "<" in text and (rest := unescape(_TAG.sub("", text))).strip() and rest != text:
        yield "markup", rest
    if (rest := re.sub(r"\s+#\s.*", "", text)) != text:
        yield "label", rest
    if not text.endswith("..") and (rest := text.rstrip(",;.")) != text:
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
    for code, pattern in (
        ("punctuation", r"(?<!\.)[,;.]$"),
        ("cut-short", r"(?:\.{2,}|\N{HORIZONTAL ELLIPSIS})$"),
        ("0x-prefix", r"0[xX]|\\x"),
        ("whitespace", rf"[{re.escape(_BLANKS)}]"),
        ("separators", r"[:_.,;|-]"),
    ):
        shorter = re.sub(pattern, "", text)
        marks += [code] if shorter != text else []
        text = shorter
    if not re.fullmatch(r"[0-9A-Fa-f]+", text):
        return None
    if text != text.lower():
        marks.append("upper-case")
    return Reading(text.lower(), tuple(marks))


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
        if isinstance(reading.value, str) and _BASE64.fullmatch(reading.value):
            out += [reading.but(raw.hex(), "base64") for raw in _decoded(reading.value)]
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
        if type(inner) is float and inner.is_integer() and abs(inner) < 2**53:
            out.append(reading.but(int(inner), "float"))
        elif isinstance(inner, str) and len(inner) <= 1000:
            text = inner.strip(_BLANKS).replace("_", "").replace("\N{MINUS SIGN}", "-")
            word = re.fullmatch(
                r"(?:byte|offset|bit|at|the|n|p|=|\s)*([+-]?\d+|0[xX][0-9a-fA-F]+)", text
            )
            if word:
                out.append(reading.but(int(word[1], 0 if "x" in word[1].lower() else 10), "text"))
    return out
