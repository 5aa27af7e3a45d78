"""Where the documentation speaks about one flag, check, attack, message, recipe, lesson or term:
one scheme of addresses, which commands and notebooks print.

Without `CASNB_DOCS` an address is a path below whatever copy of the site a reader has:
`flags/accept-group-out-of-date`. With it (`https://docs.example/casnb`, or a folder in which
`make site` was run) it can be opened as it stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from casnb.base.errors import UsageError, neutral

#: What has pages of its own, and what names one of them. A name that was printed does not change.
KINDS: Mapping[str, str] = {
    "flags": "the long name, without dashes",
    "checks": "the check's id",
    "attacks": "the attack's name",
    "messages": "the diagnosis's id",
    "recipes": "the tool",
    "lessons": "the notebook's name",
    "words": "the term, its spaces as dashes",
}
#: Kinds whose rows share one page, each with its place there: `words#tcb`.
ON_ONE_PAGE = ("words",)
#: Short addresses for people: `/f/-G` leads to a flag's page, however the flag is written.
SHORT: Mapping[str, str] = {
    "f": "flags",
    "c": "checks",
    "a": "attacks",
    "m": "messages",
    "r": "recipes",
    "l": "lessons",
    "w": "words",
}
#: The variable that says where the reader's copy of the site is.
BASE = "CASNB_DOCS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def docs_path(kind: str, name: str) -> str:
    """Return the path of a page below the site, without an ending; raise UsageError for another
    kind, and for a name of another form.
    """
    if kind not in KINDS:
        raise UsageError("page", got=kind, wanted="one of " + ", ".join(KINDS))
    if not _NAME.fullmatch(name):
        raise UsageError(f"page of {kind}", got=name, wanted=KINDS[kind])
    return f"{kind}#{name}" if kind in ON_ONE_PAGE else f"{kind}/{name}"


def docs_at(kind: str, name: str) -> str:
    """Return the address of a page: whole where `CASNB_DOCS` says where the site is, else its
    path. Whether it is there is not looked up.
    """
    path, base = docs_path(kind, name), os.environ.get(BASE, "").strip().rstrip("/")
    page, _, place = path.partition("#")
    whole = f"{page}.html" + (f"#{place}" if place else "")
    return f"{neutral(base)}/{whole}" if base else path
