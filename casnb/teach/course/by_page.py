"""A form of answer: what a scraper makes of each state of the page."""

from __future__ import annotations

import re
from typing import Any

from casnb.teach.course.answers import said
from casnb.teach.course.judges import Judge
from casnb.teach.course.spelling import Reading, bare_hex, unwrapped
from casnb.teach.scraping.page_history import STATES


def _bare(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _value(value: Any) -> Any:
    """Return the measurement of one page as it is wanted; the words for nothing are refusals."""
    found = bare_hex(value.strip(), 32) if isinstance(value, str) else None
    if isinstance(value, str) and value.strip().lower() in ("none", "null"):
        return None
    return found.value if found else value


def _listed(text: str) -> list[list[str]]:
    """Return the states that a text lists, each with what stands beside it."""
    names = "|".join(map(re.escape, sorted(STATES, key=len, reverse=True)))
    beside = r"[0-9a-fA-F]{64}|None|null"
    found = re.findall(rf"(?<![\w-])({names})(?![\w-])\W{{1,6}}({beside})", text)
    return [list(pair) for pair in found]


class ByPage(Judge):
    """A dictionary that gives each state of the page a measurement, or None for a refusal."""

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        for reading in unwrapped(value):
            inner = reading.value
            if isinstance(inner, str):
                inner = _listed(inner)
            if (
                isinstance(inner, list)
                and inner
                and all(isinstance(p, list) and len(p) == 2 for p in inner)
            ):
                inner = {str(k): v for k, v in inner}
            if isinstance(inner, dict):
                out.append(reading.but({_bare(k): _value(v) for k, v in inner.items()}))
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
