"""Lines of options as a reader writes them: read by the rules of `scone cas attest`, and explained
in our own words where they cannot be.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from casnb.base.errors import CasnbError
from casnb.checks.result import CATALOGUE
from casnb.policy.flags import BY_NAME, FLAGS, NEWER
from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.answers import said
from casnb.teach.course.judges import Judge
from casnb.teach.course.spelling import Reading, unwrapped

COMMAND = ["scone", "cas", "attest"]
_NUMBERS = frozenset({"--isvprodid", "--isvsvn", "--min-tcb-evaluation"})
_VALUED = _NUMBERS | {
    "--mrenclave",
    "--mrsigner",
    "--nonce",
    "--retries",
    "--offline-report",
    "--verification-time",
    "--ignore-advisories",
    "--refuse-platform-settings",
    "--max-age",
    "--tcb-grace",
    "--cas-key-hash",
    "--cas-software-key-hash",
    "-c",
    "-s",
}
_LONG = (*sorted(o for o in _VALUED if o[:2] == "--"), *(f"--{f.name}" for f in (*FLAGS, *NEWER)))
_SHORT = frozenset(f.short for f in (*FLAGS, *NEWER) if f.short)
_QUOTES = {
    "'": "'",
    '"': '"',
    "`": "`",
    "\N{LEFT DOUBLE QUOTATION MARK}": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\N{LEFT SINGLE QUOTATION MARK}": "\N{RIGHT SINGLE QUOTATION MARK}",
}
_AROUND = frozenset(
    {
        "quotes",
        "whitespace",
        "prompt",
        "in-a-list",
        "punctuation",
        "bytes",
        "wrapped",
        "look-alikes",
    }
)
_DASHES = "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{HYPHEN}"


@dataclass(frozen=True)
class Line:
    """A line that was read: its words, the policy they stand for or why there is none, and the
    words that are no options.
    """

    words: tuple[str, ...]
    policy: AttestationPolicy | None
    problem: str
    rest: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the line starts with the program and its two words."""
        return list(self.words[:3]) == COMMAND

    @property
    def refusal(self) -> str:
        """Why the command would refuse this combination; empty where it would not."""
        found = self.policy.problems() if self.policy else []
        return found[0] if found else ""


def words(value: Any) -> list[str] | None:
    """Return the words of an answer that is a line or a collection of options; None if it is
    neither. A long name without its dashes is given them.
    """
    parts = [value] if isinstance(value, str) else value
    if isinstance(parts, dict) and all(v is not False for v in parts.values()):
        parts = [*parts]
    if isinstance(parts, frozenset):
        parts = sorted(parts, key=repr)
    if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
        return None
    try:
        split = [w for p in parts for w in shlex.split(_line(p))]
    except ValueError:
        return None
    return [f"--{w}" if w in BY_NAME else w for w in split]


def _line(text: str) -> str:
    text = re.sub(r"\\\r?\n", " ", text.strip().removeprefix("\ufeff").strip())
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text.count(text[-1]) <= 2:
        text = text[1:-1]
    text = re.sub(r"^(?:[$%]|->|=>)\s+", "", text)
    text = re.sub(r"(?<=\w)[.;:]+$", "", text)
    return re.sub(r",(?=\s|$)", " ", text)


def read_line(value: Any) -> Line | None:
    """Read an answer as options; None where it is not text at all. Quotes around the whole line and
    a prompt before it are taken off.
    """
    first = None
    for reading in unwrapped(value):
        if set(reading.marks) <= _AROUND and (found := words(reading.value)) is not None:
            line = _read(tuple(found))
            if line.policy is not None:
                return line
            first = first or line
    return first


@lru_cache(maxsize=256)
def _read(found: tuple[str, ...]) -> Line:
    """Every slip of an exercise looks at the same line."""
    rest = _rest(found)
    problem = _problem(found, rest)
    if problem:
        return Line(found, None, problem, rest)
    try:
        return Line(found, AttestationPolicy.from_args(found), "", rest)
    except CasnbError:
        return Line(found, None, "One of the options has a value that it cannot have.", rest)


def _rest(found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that are neither options nor their values, the command's own left out."""
    out, skip = [], False
    for word in found[3:] if list(found[:3]) == COMMAND else found:
        if not skip and not word.startswith("-"):
            out.append(word)
        skip = not skip and word in _VALUED
    return tuple(out)


def _problem(found: Sequence[str], rest: tuple[str, ...]) -> str:
    """Say in words what keeps the line from being read; empty where nothing does."""
    skip = False
    for n, word in enumerate(found):
        if skip:
            skip = False
            continue
        name, equals, value = word.partition("=")
        if word[:1] in _DASHES and word[:1]:
            return f"{said(word)} starts with a typographic dash. Type it: `--` are two hyphens."
        if not word.startswith("-") or word == "-":
            continue
        if name in _VALUED:
            given = value if equals else found[n + 1] if n + 1 < len(found) else ""
            skip = not equals
            if not given or (given.startswith("-") and not equals):
                return f"`{name}` has no value behind it."
            if name in _NUMBERS and not re.fullmatch(r"-?\d+", given):
                return f"`{name}` takes a number, and {said(given)} is none."
        elif name.startswith("--"):
            if name not in _LONG:
                return _unknown(name)
            if equals:
                return f"`{name}` takes no value: it is set, or it is not there."
        elif name[:2] in _VALUED:
            continue
        elif strange := [c for c in word[1:] if c not in _SHORT]:
            return f"`-{strange[0]}` is not an option of `scone cas attest`" + (
                f"; `-{strange[0].upper()}` is." if strange[0].upper() in _SHORT else "."
            )
    return "" if len(rest) <= 2 else f"{said(rest[2])} is neither an option nor an address."


def _unknown(name: str) -> str:
    say = f"{said(name)} is not an option of `scone cas attest`."
    plainly = {o.replace("_", "-"): o for o in _LONG}
    near = plainly.get(name.lower().replace("_", "-"))
    if near and near == name.lower():
        return f"{say} It is spelt `{near}`: in small letters."
    if near:
        return f"{say} It is spelt `{near}`: an underscore in only_for_testing, then hyphens."
    close = get_close_matches(name, _LONG, 1, 0.75)
    return f"{say} Did you mean `{close[0]}`?" if close else say


def policy_of(value: Any) -> AttestationPolicy | None:
    """Return the policy that an answer stands for, if it can be read as options."""
    line = read_line(value)
    return line.policy if line else None


def check_ids(value: Any) -> tuple[str, ...]:
    """Return the words of an answer that are ids of checks."""
    return tuple(w for w in words(value) or [] if w in CATALOGUE)


class FlagLine(Judge):
    """Flags as text or as a list, compared by what they waive. Identities are not part of them."""

    lenient = True

    def same(self, value: Any, reference: Any) -> bool:
        line, wanted = read_line(value), policy_of(reference)
        if line is None or line.policy is None or wanted is None or line.rest:
            return False
        if not line.words and value not in ("", [], frozenset()):
            return False
        return line.policy == AttestationPolicy().with_flags(*wanted.flags())

    def problem(self, value: Any) -> str:
        line = read_line(value)
        return f"got {said(value)}" if line is None else ""


class CommandLine(Judge):
    """A whole `scone cas attest` line; order and spelling of the options do not matter."""

    lenient = True

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        while isinstance(value, (list, frozenset, dict)) and len(value) == 1:
            value = next(iter(value.values() if isinstance(value, dict) else value))
            out.append(Reading(value))
        return out

    def same(self, value: Any, reference: Any) -> bool:
        mine, wanted = read_line(value), read_line(reference)
        return bool(
            isinstance(value, str)
            and mine
            and wanted
            and mine.whole
            and mine.policy is not None
            and mine.policy == wanted.policy
            and mine.rest[:1] == wanted.rest[:1]
        )

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) else f"got {said(value)}, which is not text"


class Identity(Judge):
    """A line of options as text or a list of words, compared by the identity that it names."""

    lenient = True

    def same(self, value: Any, reference: Any) -> bool:
        line = read_line(value)
        return (
            line is not None
            and line.policy is not None
            and not line.rest
            and line.policy == policy_of(reference)
        )

    def problem(self, value: Any) -> str:
        line = read_line(value)
        if line is None:
            return f"got {said(value)}"
        if line.problem:
            return line.problem
        return "" if line.policy != AttestationPolicy() else "there is no option in it"

    def nudge(self, value: Any, reference: Any) -> str:
        return "The options can be read; at least one value differs from what the vendor publishes."
