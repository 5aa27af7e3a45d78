"""A pasted `scone cas attest` line explained token by token, whatever wraps it: what it means, what
is wrong, what it waives and whom that lets in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from casnb.explain.attest_line import AttestLine
from casnb.explain.attest_names import ELSEWHERE, SKIP_CHECKS, SPLIT
from casnb.explain.explanation import Explanation
from casnb.explain.giveaways import given_away
from casnb.explain.shell import Command, commands, inside, nested

_GLOBAL_VALUES = ("-c", "--config", "-o")
#: The command itself, an image that holds it, or a variable that stands for one of them.
_CLI = re.compile(r"scone|^\$\{?\w+\}?$|^\$\(\.\.\.\)$", re.IGNORECASE)


def explain(pasted: str | Sequence[str]) -> Explanation:
    """Explain pasted text, or the words of a line; nothing is run, fetched or judged. Raises
    UsageError for too much of it.

    Of several commands the first `scone cas attest` is explained, and the others are named as
    outside.

    >>> explain("scone cas attest -d scone-cas.cf").problems[0]
    '-d: a spelling of 2019 and 2020. Write --only_for_testing-debug.'
    """
    found, outside = Explanation(), []
    for outer in commands(pasted):
        carried = nested(outer)
        for command in (outer, *carried):
            line = attest_line(command)
            if line is not None and not found.parts:
                found = line.explanation()
            elif command is outer and any(attest_line(c) for c in carried):
                continue  # what it wraps is explained, and it is named there
            elif said := _outside(command, line is not None):
                outside.append(" ".join([said, *(g.what for g in given_away(command))]))
    within = inside(pasted) if not found.parts else ()
    for command in (c for outer in within for c in (outer, *nested(outer))):
        if line := attest_line(command):
            found = line.explanation()
            break
    if not found.parts and not outside:
        outside.append("Give a line that starts with scone cas attest.")
    return replace(found, outside=tuple(outside))


def attest_line(command: Command) -> AttestLine | None:
    """Return the attest line that a command is, or wraps as it stands (sudo, docker run, kubectl
    exec); None for another command.
    """
    words = command.words
    for start, word in enumerate(words):
        n = start + 1
        while len(words) > n and words[n].startswith("-"):
            n += 2 if words[n] in _GLOBAL_VALUES else 1
        if tuple(words[n : n + 2]) == ("cas", "attest") and _CLI.search(word):
            runner = (*command.within, *words[:start])
            return AttestLine(command, runner, words[start : n + 2], words[n + 2 :])
    if words[:1] and all(w.startswith("-") for w in words):
        return AttestLine(command, (), (), words)
    return None


def _outside(command: Command, second: bool) -> str:
    """Say what a command is that is not explained; a switch that says in another tool what a
    flag says here is named.
    """
    same = {
        word: ELSEWHERE[word].option
        for part in (*command.assignments, *command.words)
        for word in SPLIT.split(part)
        if word in ELSEWHERE
    }
    if not command.words and not same:
        return ""
    program = (command.words or command.assignments)[0].rpartition("/")[2]
    if same and not second:
        said = "; ".join(
            f"{word} says there what {option} says here" for word, option in same.items()
        )
        return f"{program}: another tool. {said}: casnb flags --crosswalk."
    if second:
        return "a second scone cas attest: explain it by itself."
    if SKIP_CHECKS in command.words:
        return (
            f"{program}: of its options know that {SKIP_CHECKS} talks to a CAS that nobody"
            " attested."
        )
    if program == "scone":
        verb = " ".join(w for w in command.words[1:3] if not w.startswith("-"))
        return (
            f"scone {verb}: only cas attest is explained. Its letters mean other things here: -C,"
            " -S and -c above all."
        )
    if program in ("curl", "openssl"):
        return (
            f"{program}: about a TLS connection, not about attestation; casnb why reads its"
            " messages."
        )
    return f"{program}: not a scone cas attest line."
