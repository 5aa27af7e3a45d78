"""Spellings of a value: what tools, shells and pages put around it, taken off step by step, each
step with a name.

A reader who pastes `sha256 Fingerprint=9E:1C:...` has a value and a form. Whoever compares the
text alone sees neither, so both are told apart here before anything is judged.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any
from unicodedata import normalize

from casnb.teach.course.answers import Foreign, plain
from casnb.teach.course.form_marks import MARKS, Mark
from casnb.teach.course.numerals import integer_in, only_integer_in

#: Steps that are looked at for one answer; more wrappings than that nobody pastes.
_STEPS = 80
#: Longer text is searched for hex digits and nothing else.
LONG = 4_000
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f"
BLANKS = " \t\r\n\f\v\u00a0\u2007\u2009\u202f\u3000" + _INVISIBLE
#: What opens a quotation, in Python, in Markdown and in several languages, and what may close it.
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\N{LEFT DOUBLE QUOTATION MARK}": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\N{LEFT SINGLE QUOTATION MARK}": "\N{RIGHT SINGLE QUOTATION MARK}",
    "\N{DOUBLE LOW-9 QUOTATION MARK}": "\N{LEFT DOUBLE QUOTATION MARK}"
    "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\N{SINGLE LOW-9 QUOTATION MARK}": "\N{LEFT SINGLE QUOTATION MARK}"
    "\N{RIGHT SINGLE QUOTATION MARK}",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "*": "*",
    "_": "_",
}
#: All of these but the star and the underscore, which are letters to some.
QUOTE_MARKS = "".join(sorted({c for pair in _QUOTES.items() for c in "".join(pair)} - {"*", "_"}))
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_PROMPT = re.compile(
    r"(?:\$|%|#|!|>>>|>|PS [^>\n]{0,80}>|[\w.-]{1,40}@[\w.-]{1,40}(?::[^\s$#]{0,60})?[$#]"
    r"|In ?\[\d*\]:|Out ?\[\d*\]:)[ \t]+(.+)",
    re.S,
)
_LABEL = re.compile(
    r"(?:export |set |let |const )?[A-Za-z_][\w .()\[\]'\"/@-]{0,80}?\s*"
    r"(?::=|=>|->|==|=|:(?=\s)|(?<=[A-Za-z]{3}\d{3}):|(?<=MRENCLAVE):|(?<=mrenclave):|\bis\b)\s*(.+)",
    re.S,
)
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(?:=|\s+)(\S.*)", re.S)
_NAME = re.compile(r"[A-Za-z_][\w .-]{0,60}")
_CALL = re.compile(r"[A-Za-z_][\w.]{0,40}\((.+?)(?:,\s*\w+\s*=\s*[\w.'\"]{1,40})*\)", re.S)
_BULLET = re.compile(
    r"(?:->|=>|\N{RIGHTWARDS ARROW}|[*+=:\N{BULLET}~\N{ALMOST EQUAL TO}-]|\(?\d{1,2}[.)])"
    r"[ \t]+(\S.*)",
    re.S,
)
#: Words that turn a sentence round or leave it open: what such a one means is not guessed.
_DENIED = re.compile(
    r"(?i)\b(?:not|no|never|neither|nor|or|except|unless|without|but)\b"
    r"|n['\N{RIGHT SINGLE QUOTATION MARK}]t\b"
)
#: A sentence that ends in the value, and a remark in brackets behind it.
_SENTENCE = re.compile(
    r"(?:[A-Za-z'\N{RIGHT SINGLE QUOTATION MARK}]+,? ){0,8}"
    r"(?:is|be|are|it'?s|it\N{RIGHT SINGLE QUOTATION MARK}s|think|guess|believe|got|get|say|answer"
    r"|option|choice|letter|value|result|only)[ \t]*:?[ \t]+(\S.*)",
    re.S | re.I,
)
_REMARK = re.compile(r"(\S.*?)\s+\([^()\n]{1,80}\)", re.S)
#: A literal with a letter before it, as Python, SQL and others write it, and a block of Markdown.
_PREFIXED = re.compile(r"(?:[fruFRUxX]|hex)(['\"])(.*)\1", re.S)
_FENCE = re.compile(r"```\w*\s*\n?(.*?)\n?```", re.S)
_WRAPPINGS = (
    (_FENCE, "quotes"),
    (_PROMPT, "prompt"),
    (_OPTION, "label"),
    (_LABEL, "label"),
    (_CALL, "wrapped"),
    (_BULLET, "wrapped"),
    (_SENTENCE, "label"),
    (_REMARK, "around"),
)
_TAG = re.compile(r"<[^<>\n]{1,80}>")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

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
    elif isinstance(value, str) and len(value) <= LONG:
        if (usual := normalize("NFKC", value)) != value and usual.isascii():
            yield "look-alikes", usual
        yield from _text_inside(value)


def _text_inside(text: str) -> Iterator[tuple[str, Any]]:
    bare = _COLOUR.sub("", text).strip(BLANKS)
    bare = bare.removesuffix("\\n").removesuffix("\\r")
    if bare != text:
        yield "whitespace", bare
    elif text:
        yield from _unquoted(text)
        yield from _stripped(text)


def _unquoted(text: str) -> Iterator[tuple[str, Any]]:
    """Take off what encloses a text: a literal's marks, quotes, brackets."""
    if text[:1] in "bB" and text[1:2] in "'\"":
        yield from _literal("bytes", text)
    if text[0] in "[({":
        yield from _literal("label" if ":" in text else "in-a-list", text)
    for table, code in ((_QUOTES, "quotes"), (_BRACKETS, "in-a-list")):
        if len(text) > 1 and text[-1] in table.get(text[0], ""):
            yield code, text[1:-1]
    if found := _PREFIXED.fullmatch(text):
        yield "quotes", found[2]
    if "\\" in text and (rest := re.sub(r"\\([\"'])", r"\1", text)) != text:
        yield "quotes", rest
    if text[0] in _QUOTES and text.count(text[0]) == 1:
        yield "quotes", text[1:]
    elif text[-1] in _QUOTES and text.count(text[-1]) == 1:
        yield "quotes", text[:-1]


def _stripped(text: str) -> Iterator[tuple[str, Any]]:
    """Take off what stands before and behind a text, or in its midst."""
    for pattern, code in _WRAPPINGS:
        found = pattern.fullmatch(text)
        if found and not denied(text[: found.start(1)]):
            yield code, found[1]
    if ("<" in text or "&" in text) and (rest := unescape(_TAG.sub("", text))) != text:
        yield "markup", rest
    for parts in (text.splitlines(), text.split()):
        if len(parts) > 1 and len(set(parts)) == 1:
            yield "around", parts[0]
    if (rest := re.sub(r"\s+#\s.*", "", text)) != text:
        yield "label", rest
    if not text.endswith("..") and (rest := text.rstrip(",;.:!?")) != text:
        yield "punctuation", rest


def denied(text: str) -> bool:
    """Return whether a text has a word that may turn its meaning round."""
    return _DENIED.search(text) is not None


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
            number = integer_in(inner.strip(BLANKS))
            out += [] if number is None else [reading.but(number, "text")]
    if isinstance(value, str) and len(value) <= 1200 and not denied(value):
        number = only_integer_in(value)
        out += [] if number is None else [Reading(number, ("around",))]
    return out
