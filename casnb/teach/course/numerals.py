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
    r"(?:byte|offset|index|position|bit|at|the|least|number|nr\.?|no\.?|version|isvsvn|isvprodid"
    r"|about|decimal|dec|int|[vnp#~=:]|>=|\N{GREATER-THAN OR EQUAL TO}|\s)*"
)
_BEHIND = r"(?:st|nd|rd|th|d|\s*(?:bytes?|bits?|B|dec(?:imal)?|\(dec(?:imal)?\)))?"
_IN_HEX = re.compile(rf"(?i:{_BEFORE})(?:0x|&h|\$|(?<![a-z])x)([0-9a-f_]+)", re.I)
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
    if found := _IN_HEX.fullmatch(text):  # its last digit may be the B or d of a unit
        return int(found[1].replace("_", "") or "0", 16)
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    digits = found[1].strip()
    if _GROUPED.fullmatch(digits):
        return int(re.sub(r"[^0-9+-]", "", digits))
    digits = digits.replace("_", "")
    if re.fullmatch(r"[+-]?\d+", digits):
        return int(digits)
    if re.fullmatch(r"(?i)0b[01]+|0o[0-7]+", digits):
        return int(digits, 0)
    if re.fullmatch(r"(?i)(?=.*[0-9])[0-9a-f]+h", digits):
        return int(digits[:-1], 16)
    if re.fullmatch(r"0[dD]\d+", digits):
        return int(digits[2:])
    if re.fullmatch(r"[+-]?\d+[.,]0+", digits):
        return int(re.split("[.,]", digits)[0])
    if re.fullmatch(r"(?i)[+-]?\d(?:\.\d{1,15})?e\+?\d{1,2}", digits):
        value = float(digits)
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    return None


def only_integer_in(text: str) -> int | None:
    """Return the one integer in a longer text, however often and in whatever base it is written
    there, and the first of a slice; None where there are several.
    """
    text = normalize("NFKC", text)
    if span := re.fullmatch(r"\[?(\w+)\s*(?::|\.\.\.?)\s*(\w+)\]?", text.strip()):
        first, last = integer_in(span[1]), integer_in(span[2])
        return first if first is not None and last is not None and 0 < last - first <= 64 else None
    found = {
        integer_in(word)
        for word in re.findall(r"(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+)(?![\w.]*\w)", text)
    }
    return found.pop() if len(found) == 1 else None
