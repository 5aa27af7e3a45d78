"""An address of the documentation as commands and notebooks print it: how it looks in a text, and
the link that it becomes on a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from casnb.base.documentation import KINDS, ON_ONE_PAGE

_KINDS = "|".join(kind for kind in KINDS if kind not in ON_ONE_PAGE)
#: As it is printed where nobody said where the site is: `flags/x`, `words#tcb`.
_BARE = re.compile(
    rf"(?<![\w./#-])(?P<page>(?:{_KINDS})/[A-Za-z0-9][\w-]*|(?:{'|'.join(ON_ONE_PAGE)})(?=#))"
    r"(?P<place>#[\w-]+)?"
)
_TAG = re.compile(r"(<[^>]*>)")
#: Elements in which text is no prose, or a link already.
_KEPT = ("a", "style", "script", "textarea")


def addresses(text: str) -> Iterator[str]:
    """Yield each address in a text."""
    return (m["page"] + (m["place"] or "") for m in _BARE.finditer(text))


def linked(html: str, up: str = "../") -> str:
    """Return HTML in which each address is a link, from a page whose site is at `up`."""
    out, kept = [], ""
    for part in _TAG.split(html):
        if part.startswith("<"):
            name = part.strip("</> ").partition(" ")[0].lower()
            if kept == name and part.startswith("</"):
                kept = ""
            elif not kept and name in _KEPT and not part.startswith("</"):
                kept = name
        elif not kept:
            part = _BARE.sub(
                lambda m: f'<a href="{up}{m["page"]}.html{m["place"] or ""}">{m[0]}</a>', part
            )
        out.append(part)
    return "".join(out)
