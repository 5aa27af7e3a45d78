"""Times as a reader writes them: a day, or an exact time in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

from casnb.base.errors import UsageError

_DAY, _SECOND = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"
#: Days as the SCONE CLI takes them, read as 00:00 UTC, and exact times, all in UTC.
FORMS = (
    _DAY,
    "%d.%m.%Y",
    "%d-%m-%Y",
    _SECOND,
    "%Y-%m-%d %H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%MZ",
)
WANTED = "yyyy-mm-dd, dd.mm.yyyy, dd-mm-yyyy (00:00 UTC) or yyyy-mm-ddThh:mm:ssZ"


def read_time(text: str) -> datetime:
    """Read a day, an exact time or seconds since 1970, as an aware time in UTC; raise UsageError
    for anything else.
    """
    for form in FORMS if text.isascii() else ():
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    if text.isascii() and text.isdigit() and len(text) <= 11:
        return datetime.fromtimestamp(int(text), timezone.utc)
    raise UsageError("time", got=text, wanted=WANTED)


@lru_cache(maxsize=256)
def stamp(at: datetime) -> str:
    """Return an aware time in UTC as ISO 8601, to the second; one that UTC's calendar has no day
    for (years 0 and 10000) keeps its offset.
    """
    try:
        return at.astimezone(timezone.utc).isoformat()[:19] + "Z"
    except OverflowError:
        return at.isoformat()


def write_time(at: datetime) -> str:
    """Write an aware time: as a day where it is 00:00 UTC, else to the second."""
    return stamp(at).removesuffix("T00:00:00Z")
