"""A reader's way back: the text in which somebody says that something is wrong. It is only made
here; nothing is sent by itself.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from casnb.base.errors import UsageError, neutral

#: Says who reads such texts: `mailto:name@example.org`, or the https address of a page that takes
#: `title` and `body`.
READER = "CASNB_REPORT_TO"


def report_text(where: str, findings: Sequence[Mapping[str, str]] = ()) -> str:
    """Return what to fill in about a page or a message of the documentation (`lessons/03-...`);
    `findings` are those of `casnb doctor`, left for the reader to add where there are none.
    """
    seen = (
        json.dumps([dict(f) for f in findings], indent=2)
        if findings
        else ("(the output of: casnb doctor --json)")
    )
    return (
        f"Where: {neutral(where) or '(which notebook and cell, or which page)'}\n\n"
        "What I did:\n\n"
        "What I saw:\n\n"
        "What I expected:\n\n"
        f"What casnb doctor says:\n\n{seen}\n"
    )


def report_line(where: str) -> str:
    """Return the command that prints this text for a page, a notebook or a message."""
    return f"casnb doctor --report {shlex.quote(where)}"


def report_to(where: str, reader: str | None = None) -> str:
    """Return the address that opens this text for somebody to send, empty where nobody is named.

    `reader` stands for `CASNB_REPORT_TO`. Raises UsageError for an address that is neither mail
    nor https.
    """
    to = (os.environ.get(READER, "") if reader is None else reader).strip()
    if not to:
        return ""
    parts = urlsplit(to)
    title, body = quote(f"casnb: {where}"), quote(report_text(where))
    if parts.scheme == "mailto" and "@" in parts.path and not parts.query:
        return f"{to}?subject={title}&body={body}"
    if parts.scheme == "https" and parts.netloc and not parts.fragment:
        return f"{to}{'&' if parts.query else '?'}title={title}&body={body}"
    raise UsageError(
        READER, got=to, wanted="mailto:NAME@HOST, or an address that begins with https:"
    )


def way_back(where: str) -> str:
    """As `report_to`, for a lesson, which does not stop at an address that is none: empty then.
    `casnb doctor --report` tells what is wrong with it.
    """
    try:
        return report_to(where)
    except UsageError:
        return ""
