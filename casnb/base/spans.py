"""Lengths of time, the same wherever one is written: `30d`, `36h`, `10 years`."""

from __future__ import annotations

import re
from datetime import timedelta

from casnb.base.errors import UsageError

_DAY = 86400
#: The units, their short form first, and how many seconds each has. A month has 30 days and a year
#: 365: casnb's own choice, which no public page settles.
UNITS = (
    (("d", "day", "days"), _DAY),
    (("h", "hour", "hours"), 3600),
    (("m", "minute", "minutes"), 60),
    (("s", "second", "seconds"), 1),
    (("w", "week", "weeks"), 7 * _DAY),
    (("month", "months"), 30 * _DAY),
    (("y", "year", "years"), 365 * _DAY),
)
_SECONDS = {name: size for names, size in UNITS for name in names}
#: A number of up to six digits and its unit, with at most one space between them.
SPAN = re.compile(r"([1-9][0-9]{0,5}) ?(" + "|".join(sorted(_SECONDS, reverse=True)) + ")")


def read_span(text: str) -> timedelta:
    """Read a length of time: a number greater than 0 and its unit. Raise UsageError for anything
    else, a bare number too.

    >>> read_span("2 weeks").days, read_span("36h").days
    (14, 1)
    """
    if not (found := SPAN.fullmatch(text)):
        raise UsageError(
            "length of time", got=text, wanted="a number and its unit: 30d, 36h, 15m or 90s"
        )
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def span(value: timedelta) -> str:
    """Write a length of time, rounded down to whole seconds, in days, hours, minutes or seconds:
    the largest that divides it, `30d`.
    """
    seconds = int(value.total_seconds())
    unit, size = next((names[0], size) for names, size in UNITS[:4] if seconds % size == 0)
    return f"{seconds // size}{unit}"
