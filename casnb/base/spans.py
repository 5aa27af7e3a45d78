"""Lengths of time as options write them: `30d`, `36h`, `15m`, `90s`."""

from __future__ import annotations

import re
from datetime import timedelta

from casnb.base.errors import UsageError

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def read_span(text: str) -> timedelta:
    """Read a length of time: a number and `d`, `h`, `m` or `s`. Raise UsageError for anything
    else, a bare number too.
    """
    if not (found := _SPAN.fullmatch(text)):
        raise UsageError(
            "length of time", got=text, wanted="a number and its unit: 30d, 36h, 15m or 90s"
        )
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def span(value: timedelta) -> str:
    """Write a length of time, rounded down to whole seconds, in the largest unit that divides
    it: `30d`.
    """
    seconds = int(value.total_seconds())
    unit = next(u for u, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
