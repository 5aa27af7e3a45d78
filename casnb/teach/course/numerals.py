"""Integers as people and programs write them: groups of three, other bases, words, units."""

from __future__ import annotations

import re
from unicodedata import normalize

_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
#: What may stand before a number, and behind it.
_BEFORE = (
    r"(?:byte|offset|bit|at|the|number|nr\.?|no\.?|version|isvsvn|isvprodid|about|[vnp#~=:]"
    r"|>=|\N{GREATER-THAN OR EQUAL TO}|\s)*"
)
_BEHIND = r"(?:st|nd|rd|th|\s*(?:bytes?|bits?|B))?"
_NUMBER = re.compile(rf"(?i:{_BEFORE})([+-]?[^\s].*?)(?:{_BEHIND})")
#: Groups of three, as people of several countries write them.
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([,.'\N{RIGHT SINGLE QUOTATION MARK} _])\d{3})(?:\1\d{3})*")


def integer_in(text: str) -> int | None:
    """Return the integer that a text writes out, in digits, groups, another base or a word; None
    for anything else.
    """
    text = normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")
    if text.lower() in _WORDS:
        return _WORDS.index(text.lower())
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    digits = found[1].strip()
    if _GROUPED.fullmatch(digits):
        return int(re.sub(r"[^0-9+-]", "", digits))
    digits = digits.replace("_", "")
    if re.fullmatch(r"[+-]?\d+", digits):
        return int(digits)
    if re.fullmatch(r"(?i)0x[0-9a-f]+|0b[01]+|0o[0-7]+", digits):
        return int(digits, 0)
    if re.fullmatch(r"(?i)(?=.*[0-9])[0-9a-f]+h", digits):
        return int(digits[:-1], 16)
    if re.fullmatch(r"[+-]?\d+\.0+", digits):
        return int(digits.partition(".")[0])
    if re.fullmatch(r"(?i)[+-]?\d(?:\.\d{1,15})?e\+?\d{1,2}", digits):
        value = float(digits)
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    return None
