"""Pasted text: what a reader copied from a page or a script, cut into the commands and words
that a shell would see.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from casnb.base.errors import UsageError

LONGEST = 1 << 14
_MOST_WORDS = 400
_OPERATORS = frozenset("|&;<>")
_SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`")
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+[^}]{0,80}\}|\(|@|\*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_KEYWORDS = frozenset(
    ("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!", "{", "}", "time")
)
_PROMPT = re.compile(r"^\s*(?:(?:[\w.@~:/-]*[$>]|[\w.@~:/-]+#)\s+)?")
#: What word processors and pages make of a dash and of quotes.
DASHES = "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{HORIZONTAL BAR}"
QUOTES = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_SLIPPED = "a backslash with a blank behind it does not continue the line: take the blank away"
#: Stands for a command substitution, which is one word whatever is in it.
SUBSTITUTED = "$(...)"


@dataclass(frozen=True)
class Command:
    """One command: its words, and what stood before it as `NAME=value`. `broken` says what a
    shell would not understand.
    """

    words: tuple[str, ...]
    assignments: tuple[str, ...] = ()
    broken: str = ""


def commands(pasted: str | Sequence[str]) -> tuple[Command, ...]:
    """Cut pasted text into commands; a sequence of words is one command, as a shell had cut it
    already.

    Prompts, comments, keywords and line continuations go, `$(...)` becomes one word, and
    redirections are left out. Nothing is run or replaced. Raises UsageError for more than 16 kB
    or 400 words.
    """
    if not isinstance(pasted, str):
        if len(pasted) > _MOST_WORDS or sum(map(len, pasted)) > LONGEST:
            raise UsageError(
                "line",
                got=f"{len(pasted)} words",
                wanted=f"at most {_MOST_WORDS} words and {LONGEST} characters",
            )
        return (_command(list(pasted)),) if pasted else ()
    if len(pasted) > LONGEST:
        raise UsageError("line", got=f"{len(pasted)} characters", wanted=f"at most {LONGEST}")
    found: list[Command] = []
    for line, slipped in _lines(pasted):
        found += _line(_PROMPT.sub("", line), slipped)
    if sum(len(c.words) for c in found) > _MOST_WORDS:
        raise UsageError("line", got="too many words", wanted=f"at most {_MOST_WORDS}")
    return tuple(found)


def inside(pasted: str | Sequence[str]) -> tuple[Command, ...]:
    """Cut what stands within `$(...)` and backticks of pasted text, one level deep, into
    commands.
    """
    texts = _SUBSTITUTION.findall(pasted) if isinstance(pasted, str) else []
    return tuple(c for text in texts for c in commands(text.removeprefix("$").strip("()`")))


def has_variable(word: str) -> bool:
    """Whether a shell would replace part of this word before the command sees it."""
    return bool(_VARIABLE.search(word))


def _lines(pasted: str) -> Iterator[tuple[str, str]]:
    """Yield lines, continued ones joined, each with what a shell would not understand of how
    they are continued.
    """
    joined = slipped = ""
    for line in pasted.replace("\r\n", "\n").split("\n"):
        bare = line.rstrip(" \t")
        if bare.endswith("\\") and not bare.lstrip().startswith("#"):
            slipped = slipped if bare == line else _SLIPPED
            joined += bare[:-1] + " "
        else:
            yield joined + line, slipped
            joined = slipped = ""
    if joined:
        yield joined, slipped


def _line(line: str, broken: str = "") -> list[Command]:
    lexer = shlex.shlex(
        _SUBSTITUTION.sub(SUBSTITUTED, line),
        posix=True,
        punctuation_chars="".join(sorted(_OPERATORS)),
    )
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words = list(lexer)
    except ValueError as exc:
        words, broken = line.split(), f"a shell would wait for more: {str(exc).lower()}"
    out: list[Command] = []
    current: list[str] = []
    skip = False
    for word in words:
        if word.startswith("#") and not skip:
            break
        if word and set(word) <= _OPERATORS:
            skip = bool(set(word) & {"<", ">"}) and not set(word) & {"|", ";"}
            if skip:
                if current and current[-1].isdigit():
                    current.pop()
            elif current:
                out.append(_command(current, broken))
                current = []
        elif skip:
            skip = False
        else:
            current.append(word)
    return [*out, _command(current, broken)] if current else out


def _command(words: list[str], broken: str = "") -> Command:
    if words and words[0].startswith("("):
        words = [words[0].lstrip("("), *words[1:]]
        words = [*words[:-1], words[-1].rstrip(")")]
    while words and (words[0] in _KEYWORDS or not words[0].strip(")")):
        words = words[1:]
    count = next((n for n, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    return Command(tuple(words[count:]), tuple(words[:count]), broken)
