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
from casnb.teach.course.hex_spelling import bare_hex
from casnb.teach.course.judges import Judge
from casnb.teach.course.spelling import Reading, denied, unwrapped

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
#: What closes a quotation and is nothing to a shell.
_CLOSING = (
    "*\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{RIGHT SINGLE QUOTATION MARK}\u00ab\u00bb"
)
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
        "around",
        "label",
    }
)
#: Words that join options in a sentence.
_JOINTS = frozenset({"and", "und", "plus", "then", "also", "with", "+", "&", ","})
_ITEM = r"(?:[-*+\N{BULLET}]|\(?\d{1,2}[.)])"
#: What may stand before the first option where the command is left out.
_BEFORE_OPTIONS = re.compile(
    r"^(?:!|%%?\w+\s|#\s|\$\s|->|=>|PS [^>\n]{0,80}>|[\w.-]+@[\w.-]+(?::\S*)?[$#]\s"
    r"|sudo\s|[A-Z_]+=\S*\s|[A-Za-z][\w' ]{0,60}(?:[:=]|\b(?:is|are))\s*['\"]?(?=-)"
    r"|[\w.]{1,30}\(\s*['\"])\s*"
)
_DASHES = "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{HYPHEN}"
_DASHED = f"-{_DASHES}"


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

    def asks_as(self, other: Line) -> bool:
        """Whether it is a whole line and its options mean the same, wherever the CAS is."""
        return self.whole and self.policy is not None and self.policy == other.policy

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
    if isinstance(parts, dict):
        parts = _by_name(parts)
    if isinstance(parts, frozenset):
        parts = sorted(parts, key=repr)
    if isinstance(parts, list):
        parts = [str(p) if type(p) is int else p for p in parts]
    if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
        return None
    try:
        split = [w for p in parts for w in shlex.split(_line(p))]
    except ValueError:
        return None
    apart = [w for word in split for w in (word.split() if word[:1] == "-" else [word])]
    return [f"--{w}" if w in BY_NAME else w for w in apart if w not in _JOINTS]


def _by_name(options: dict[Any, Any]) -> list[Any] | None:
    """Return the words of options that a dictionary names, each with its value or with True."""
    out: list[Any] = []
    for name, value in options.items():
        if not isinstance(name, str) or value is False:
            return None
        full = f"--{name.strip('-')}"
        valued = full in _VALUED and type(value) in (str, int)
        out += [full, str(value)] if valued else [name]
    return out


def _line(text: str) -> str:
    """Take off what shells, notebooks, Markdown and sentences put around a line, and what a shell
    would do with its output.
    """
    text = text.strip().removeprefix("\ufeff").replace("\u00a0", " ").strip()
    text = re.sub(r"^```\w*\s*\n?(.*?)\n?```$", r"\1", text, flags=re.S)
    text = re.sub(r"[\\^`]\r?\n", " ", text)
    text = re.sub(r"(?<=\w)(['\"]),\s*\1", " ", text) if text[:1] in ("'", '"') else text
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text.count(text[-1]) <= 2:
        text = text[1:-1]
    text = re.sub(rf"(?m)^\s*{_ITEM}\s+(?=[-`'\"]|scone )", "", text)
    found = re.search(r"(?<![\w-])scone\s+cas\s+attest(?!\w)", text)
    if found and not (denied(text[: found.start()]) or re.match("echo|printf", text)):
        text = text[found.start() :]
    else:
        text = re.sub(_BEFORE_OPTIONS, "", text)
    text = re.sub(r";\s.*|\s(?:&&|\|\|?|\d?>{1,2}|#|;)(?:\s.*|&\d.*|$)", "", text, flags=re.S)
    text = re.sub(r"(?<=\w)[.;:]+$", "", text.replace("`", " ").strip())
    text = text.rstrip(_CLOSING)
    while text[-1:] in ("'", '"', ")", "]", "}") and text and _loose(text):
        text = text[:-1].rstrip()
    text = _assigned(text)
    return re.sub(r",(?=\s|$|-)", " ", text)


def _loose(text: str) -> bool:
    """Whether the last character closes what is not opened in the text."""
    opening = {")": "(", "]": "[", "}": "{"}.get(text[-1])
    if opening is None:
        return text.count(text[-1]) % 2 == 1
    return text.count(opening) < text.count(text[-1])


def _assigned(text: str) -> str:
    """Return options for a text that gives them as Python, YAML or JSON give names their values."""
    if re.search(r"(?<![\w-])--?[A-Za-z]", text):
        return text
    found = re.findall(r"([A-Za-z_]\w*)['\"]?\s*[=:]\s*['\"]?(\w+)", text)
    named = found and all(f"--{k.replace('_', '-')}" in _VALUED for k, _ in found)
    return " ".join(f"--{k.replace('_', '-')} {v}" for k, v in found) if named else text


def read_line(value: Any) -> Line | None:
    """Read an answer as options; None where it is not text at all. Quotes around the whole line and
    a prompt before it are taken off.
    """
    readings = [r for r in unwrapped(value) if set(r.marks) <= _AROUND]
    if any(_starts_with_an_option(r) for r in readings if "label" not in r.marks):
        readings = [r for r in readings if "label" not in r.marks]  # an option names its own value
    lines = [_read(tuple(w)) for r in readings if (w := words(r.value)) is not None]
    return min(lines, key=_strangeness, default=None)


def dashed(word: str) -> bool:
    """Return whether a word starts with a dash, of whatever kind."""
    return bool(word) and word[0] in _DASHED


def _starts_with_an_option(reading: Reading) -> bool:
    return isinstance(reading.value, str) and dashed(reading.value.lstrip())


def _strangeness(line: Line) -> tuple[bool, bool, int]:
    """What makes a reading of an answer the less likely one."""
    options = any(map(dashed, line.words))
    strange = len(line.rest) - 1 if line.whole else len(line.rest)
    return not options and bool(line.words), line.policy is None, max(0, strange)


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
    measured = rest[1:2] and re.fullmatch(r"(?:0x)?[0-9A-Fa-f]{8,}|\$.*", rest[1])
    more = rest[2 if measured else 1 :]  # old pages give the MRENCLAVE after the address
    return f"{said(more[0])} is neither an option nor an address." if more else ""


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


def mended(value: Any) -> list[Reading]:
    """Return a line whose options and digits are written as they are wanted, where one of them is
    not, so that its meaning can be judged beside its form: marks say what was changed.
    """
    found = next(
        (w for r in unwrapped(value) if (w := words(r.value)) and any(map(dashed, w))),
        None,
    )
    if found is None:
        return []
    out: list[str] = []
    marks: list[str] = []
    for word in found:
        name, equals, given = word.partition("=")
        if re.fullmatch(rf"[{_DASHES}]{{1,2}}\w[\w-]+", name):
            name, marks = "--" + name.lstrip(_DASHES), [*marks, "look-alikes"]
        if name[:2] == "--" and name != name.lower():
            name, marks = name.lower(), [*marks, "upper-case"]
        bare = bare_hex(given if equals else name)
        if (
            bare
            and len(bare.value) >= 32
            and bare.marks
            and not name.startswith("--" * (not equals))
        ):
            marks += [*bare.marks]
            name, given = (name, bare.value) if equals else (bare.value, given)
        out.append(name + equals + given)
    if out[:3] != COMMAND and [w.lower() for w in out[:3]] == COMMAND:
        out[:3], marks = COMMAND, [*marks, "upper-case"]
    return [Reading(shlex.join(out), tuple(dict.fromkeys(marks)))] if marks else []


def policy_of(value: Any) -> AttestationPolicy | None:
    """Return the policy that an answer stands for, if it can be read as options."""
    line = read_line(value)
    return line.policy if line else None


def check_ids(value: Any) -> tuple[str, ...]:
    """Return the words of an answer that are ids of checks."""
    for reading in unwrapped(value):
        if found := tuple(w.lower() for w in words(reading.value) or [] if w.lower() in CATALOGUE):
            return found
    return ()


class Options(Judge):
    """A line of options, in whatever is around it; one that is misspelt is not accepted, and is
    judged by what it means.
    """

    lenient = True

    def readings(self, value: Any) -> list[Reading]:
        """The line with its spelling mended, then as it stands, without what is around it."""
        line = read_line(value)
        bare = line is not None and (line.whole or any(map(dashed, line.words)))
        return [*mended(value), Reading(shlex.join(line.words) if line and bare else value)]

    def accepts(self, reading: Reading) -> bool:
        return not reading.marks


class FlagLine(Options):
    """Flags as text or as a list, compared by what they waive. Identities are not part of them."""

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


class CommandLine(Options):
    """A whole `scone cas attest` line; order and spelling of the options do not matter."""

    def same(self, value: Any, reference: Any) -> bool:
        mine, wanted = read_line(value), read_line(reference)
        return bool(mine and wanted and mine.asks_as(wanted) and mine.rest[:1] == wanted.rest[:1])

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) else f"got {said(value)}, which is not text"


class Identity(Options):
    """A line of options as text or a list of words, compared by the identity that it names."""

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
