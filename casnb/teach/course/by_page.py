"""A form of answer: what a scraper makes of each state of the page."""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize

from casnb.teach.course.answers import said
from casnb.teach.course.hex_spelling import hex_readings
from casnb.teach.course.judges import Judge
from casnb.teach.course.spelling import Reading, unwrapped
from casnb.teach.scraping.page_history import STATES

_NOTHING = ("none", "null")


def _name(value: Any) -> Any:
    """Return the state that a key names, whatever is around it."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return value
    bare = value.strip(" \t\r\n\u00a0'\"`*.:;,").lower()
    forms = (bare, bare.removeprefix("the "), bare.replace(" ", "-"), bare.replace("_", "-"))
    return next((f for f in forms if f in STATES), value.strip())


def _value(value: Any) -> Any:
    """Return the measurement of one page as it is wanted; the words for nothing are refusals."""
    found = [r.value for r in hex_readings(value, 32)] if value is not None else []
    texts = [v for v in found if isinstance(v, str)]
    whole = [v for v in texts if re.fullmatch("[0-9a-f]{64}", v)]
    if whole:
        return whole[0]
    if None in found or any(normalize("NFKC", v).strip().lower() in _NOTHING for v in texts):
        return None
    return texts[-1] if texts else value


def _listed(text: str) -> list[list[str]]:
    """Return the states that a text lists, each with what follows it, or stands before it."""
    names = "|".join(map(re.escape, sorted(STATES, key=len, reverse=True)))
    beside = r"[0-9a-fA-F]{64}|None|null|--?[A-Za-z][\w-]*"
    behind = rf"(?<![\w-])({names})(?![\w-])(?:\W{{1,6}}|\s+is\s+)({beside})"
    before = rf"(?<!\w)({beside})\W{{1,6}}({names})(?![\w-])"
    found = [list(pair) for pair in re.findall(behind, text)]
    if len(found) != len(STATES):
        found = [[k, v] for v, k in re.findall(before, text)]
    values = re.findall(rf"(?<!\w){beside}(?!\w)", text)
    if not found and len(values) == len(STATES):
        found = [[k, v] for k, v in zip(STATES, values, strict=True)]
    return found


def _gathered(value: Any) -> Any:
    """Return a dictionary for a list: of pairs, of small dictionaries, or of one value for each
    state in their order.
    """
    if not isinstance(value, list) or not value:
        return value
    if all(isinstance(v, dict) and len(v) in (1, 2) for v in value):
        value = [[*v.items()][-1] if len(v) == 1 else [*v.values()] for v in value]
    if all(isinstance(p, (list, tuple)) and len(p) == 2 for p in value):
        return {str(k): v for k, v in value}
    if len(value) == len(STATES) and all(v is None or isinstance(v, (str, bytes)) for v in value):
        return dict(zip(STATES, value, strict=True))
    return value


class ByPage(Judge):
    """A dictionary that gives each state of the page a measurement, or None for a refusal."""

    lenient = True

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        for reading in unwrapped(value):
            inner = reading.value
            inner = _gathered(_listed(inner) if isinstance(inner, str) else inner)
            if isinstance(inner, dict):
                found = {_name(k): _value(v) for k, v in inner.items()}
                out.append(reading.but(found))
        return out

    def problem(self, value: Any) -> str:
        if not isinstance(value, dict):
            return f"got {said(value)}, which is not a dictionary"
        missing = [name for name in STATES if name not in value]
        strange = [said(name) for name in value if name not in STATES]
        if missing or strange:
            return (
                f"{missing[0]!r} has no answer"
                if missing
                else f"{strange[0]} is not a state of the page"
            )
        odd = [said(v) for v in value.values() if v is not None and not isinstance(v, str)]
        return f"got {odd[0]}, which is neither text nor None" if odd else ""

    def nudge(self, value: Any, reference: Any) -> str:
        """Count what went wrong, and name one page of the worst kind."""
        refused = [n for n in STATES if value[n] is None and reference[n] is not None]
        wrong = [n for n in STATES if value[n] is not None and value[n] != reference[n]]
        believed = [n for n in wrong if re.fullmatch("[0-9a-f]{64}", value[n])]
        worst = f" Look first at {(believed or wrong or refused)[0]!r}." if wrong or refused else ""
        good = len(STATES) - len(refused) - len(wrong)
        return (
            f"{good} of {len(STATES)} pages are as they should be; {len(refused)} refused without"
            f" need, {len(wrong)} wrong, {len(believed)} of these would be believed.{worst}"
        )
