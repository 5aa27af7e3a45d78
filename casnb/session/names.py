"""Names of sessions: what is one, and which one a relative name means."""

from __future__ import annotations

import re

from casnb.base.errors import EvidenceError

SEGMENT = re.compile(r"[A-Za-z0-9_\-.~]{1,128}")
_LONGEST = 512
_WANTED = "segments of letters, digits and _-.~, joined by / (1 to 128 characters each, 512 in all)"


def check_name(name: str) -> str:
    """Return a session name if it is one: segments of 1 to 128 of A-Z a-z 0-9 _ - . ~, joined by
    `/`, 512 in all.
    """
    if problem := name_problem(name):
        raise EvidenceError("session: name", got=name or "nothing", wanted=_WANTED, do=problem)
    return name


def name_problem(name: str) -> str:
    """Say what to do about a session name, or return an empty string for one that is right."""
    if not name:
        return "Write one, without quotes or spaces."
    if name.startswith("/") or name.endswith("/"):
        return (
            "Take off the slash at its end."
            if name.endswith("/")
            else "Take off the slash at its start."
        )
    segments = name.split("/")
    if len(name) > _LONGEST or any(len(s) > 128 for s in segments):
        return "Shorten it."
    if any(s in (".", "..") for s in segments):
        return "Write it out: . and .. are for the names of other sessions in import and export."
    if not name.isascii():
        strange = next(c for c in name if not c.isascii())
        return f"U+{ord(strange):04X} is not an ASCII letter, although it looks like one."
    if not all(SEGMENT.fullmatch(s) for s in segments):
        return "Replace the other characters, and see that no segment is empty."
    return ""


def resolve(name: str, base: str) -> str:
    """Return the session that a name in the session `base` means: relative ones start from its
    own name, `../x` is beside it, `./x` below it, `..` the namespace that it is in. A slash at
    the start changes nothing.
    """
    if not relative(name):
        return check_name(name.removeprefix("/"))
    above, rest = base.split("/"), name.split("/")
    while rest and rest[0] in (".", ".."):
        if rest.pop(0) == "..":
            if not above:
                raise EvidenceError(
                    "session: name", got=name, wanted="no more ../ than there are namespaces above"
                )
            above.pop()
    return check_name("/".join([*above, *rest]))


def relative(name: str) -> bool:
    """Whether a name starts from the session that it stands in."""
    return name in (".", "..") or name.startswith(("./", "../"))
