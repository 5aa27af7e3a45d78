"""Marks: what may be said about the form of a value, each with a way to write it so."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One thing about a form: `says` is told of a right value, `aside` beside a wrong one.
    `write` puts a text in that form.
    """

    code: str
    says: str
    aside: str
    write: Callable[[str], object]


#: Printable ASCII in full width, as some keyboards write it.
_WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F)}


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


#: The most telling first: an answer with several marks is named after the first of them.
HEX_MARKS = (
    Mark(
        "byte-order",
        "This is the right value in reverse order. A hash is written as it stands in memory; only"
        " integers are little-endian.",
        "in reverse order",
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
        "These are the right bytes with a sign for hex beside them, such as 0x. The value is bare"
        " hex, without it.",
        "with a sign for hex beside it",
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
        "wrapped",
        "The right value with an arrow, a bullet or a call around it. Wanted is the value alone.",
        "with an arrow, a bullet or a call around it",
        lambda t: f"-> {t}",
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
        "look-alikes",
        "The right value with characters that only look like the right ones, such as O for 0 or"
        " full-width digits. Copy it, do not type it.",
        "with characters that only look like the right ones",
        lambda t: t.translate(_WIDE),
    ),
    Mark(
        "in-a-list",
        "The right value, inside a list. Take it out: one value is wanted.",
        "inside a list",
        lambda t: [t],
    ),
    Mark(
        "punctuation",
        "The right value with punctuation behind it.",
        "with punctuation behind it",
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
    Mark(
        "as-bytes",
        "The right bytes, and not a number yet: `int.from_bytes(..., 'little')` makes it one.",
        "as bytes",
        lambda n: int(n).to_bytes(max(1, (int(n).bit_length() + 7) // 8), "little"),
    ),
    Mark("text", "The right digits, as text. Wanted is a number.", "as text", str),
    Mark(
        "float", "The right number with a decimal point. Wanted is an integer.", "as a float", float
    ),
)
MARKS = {m.code: m for m in (*NUMBER_MARKS, *HEX_MARKS, *TEXT_MARKS[1:])}
