"""A whole script, line by line: each attest line explained, and what every other command gives
away. Nothing is run, fetched or opened.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, html_verdict
from casnb.explain.explanation import Explanation
from casnb.explain.giveaways import Giveaway, given_away
from casnb.explain.line import attest_line
from casnb.explain.shell import Command, Document, Script, script

_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ash", "ksh", "source", "."))
#: Findings that are shown; a script with more has been understood long before.
_MOST = 400


@dataclass(frozen=True)
class Finding:
    """One thing that a line gives away: its number, the command as it stands there, and what."""

    line: int
    command: str
    id: str
    what: str
    instead: str
    cells: tuple[str, ...] = ()
    attacks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; the command is text from outside, neutralised."""
        return {
            "line": self.line,
            "command": neutral(self.command, 300),
            "id": self.id,
            "what": neutral(self.what, 600),
            "instead": neutral(self.instead, 400),
            "cells": list(self.cells),
            "attacks": list(self.attacks),
        }


@dataclass(frozen=True)
class Walk(Shown):
    """A script gone through: how many commands it has, its attest lines, and what is given away.

    `documents` are its here-documents, which a reader of sessions may look into.
    """

    commands: int
    findings: tuple[Finding, ...]
    lines: tuple[tuple[int, Explanation], ...]
    documents: tuple[Document, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What the attest lines would be refused for, each with its line."""
        return tuple(f"line {n}: {p}" for n, found in self.lines for p in found.problems)

    @property
    def sentence(self) -> str:
        """What the script amounts to."""
        if not self.commands:
            return "There is no command in this text."
        lines = len({f.line for f in self.findings})
        attests = len(self.lines)
        plural = "s" if self.commands != 1 else ""
        seen = f"{self.commands} command{plural}, {attests} of them scone cas attest"
        if not self.findings:
            return f"{seen}. Nothing was found that gives something away."
        return f"{seen}. {lines} line{'s give' if lines != 1 else ' gives'} something away."

    def rows(self) -> list[tuple[str, str, list[str]]]:
        """Return line, command, and what is said of it, in the order of the script."""
        grouped: dict[tuple[int, str], list[str]] = {}
        for f in self.findings[:_MOST]:
            seen = ", ".join([*f.cells, *(f"casnb attack {name}" for name in f.attacks)])
            grouped.setdefault((f.line, f.command), []).append(
                f"{neutral(f.what, 600)} {neutral(f.instead, 400)}"
                + (f" See {seen}." if seen else "")
            )
        return [(f"line {n}", neutral(text, 300), said) for (n, text), said in grouped.items()]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form (see `casnb explain --json`)."""
        return {
            "sentence": self.sentence,
            "commands": self.commands,
            "findings": [f.to_json() for f in self.findings],
            "lines": [{"line": n, **found.to_json()} for n, found in self.lines],
            "problems": [neutral(p, 600) for p in self.problems],
        }

    def __str__(self) -> str:
        blocks = [self.sentence]
        for where, command, said in self.rows():
            blocks.append("\n".join([f"{where}: {command}", *(f"    {text}" for text in said)]))
        return "\n\n".join(blocks)

    def _html(self) -> str:
        name = "accepted-with-waivers" if self.findings else "trustworthy"
        rows = "".join(
            f'<tr><th scope="row">{cell(where)}</th><td><code>{cell(command)}</code><br>'
            + "<br>".join(cell(text, 1000) for text in said)
            + "</td></tr>"
            for where, command, said in self.rows()
        )
        return html_verdict(name, cell(self.sentence)) + f"<table><tbody>{rows}</tbody></table>"


def explain_script(text: str) -> Walk:
    """Go through a script and say what each line gives away. Raises UsageError for more than 64
    kB of it.

    >>> [f.id for f in explain_script("curl -k https://cas:8081/\\necho done").findings]
    ['insecure']
    """
    found = script(text)
    findings: list[Finding] = []
    lines: list[tuple[int, Explanation]] = []
    stops = False
    for at, command in enumerate(found.commands):
        stops = _stops(command, stops)
        line = attest_line(command)
        told = _with_what_follows(command, found, at)
        if line is not None and "attest" in command.words:
            said = line.explanation()
            lines.append((command.line, said))
            findings += _of_attest(command, said)
            if not stops and not command.keyword and command.then not in ("&&", "||"):
                findings.append(_finding(command, _GOES_ON))
        findings += [_finding(command, g) for g in given_away(told)]
    for document in found.documents:
        findings += _of_document(document)
    findings.sort(key=lambda f: f.line)
    named = sum(1 for c in found.commands if c.words or c.assignments)
    unique = tuple(dict.fromkeys(findings))
    return Walk(named, unique, tuple(lines), found.documents)


_GOES_ON = Giveaway(
    "goes-on",
    "If this attestation fails, the script goes on: nothing looks at how it ended.",
    "set -e at the top, or || exit 1 after it.",
    lambda _: False,
    ("00-refusal",),
)
_FLAG = "Lets in {}. {}"


def _stops(command: Command, before: bool) -> bool:
    """Whether the script stops at the first error from here on."""
    if command.program != "set":
        return before
    for n, word in enumerate(command.words[1:], 1):
        behind = command.words[n + 1] if n + 1 < len(command.words) else ""
        if re.fullmatch(r"-[a-zA-Z]*e[a-zA-Z]*", word) or (word == "-o" and behind == "errexit"):
            before = True
        elif re.fullmatch(r"\+[a-zA-Z]*e[a-zA-Z]*", word):
            before = False
    return before


def _with_what_follows(command: Command, found: Script, at: int) -> Command:
    """Return the command with what the next one makes of its end: `|sh`, or `||true`."""
    behind = found.commands[at + 1] if at + 1 < len(found.commands) else None
    if behind is None or behind.line != command.line:
        return command
    if command.then == "|" and (behind.program in _SHELLS or "sudo" in behind.words[:1]):
        return replace(command, then="|sh")
    if command.then == "||" and behind.program in ("true", ":"):
        return replace(command, then="||true")
    return command


def _finding(command: Command, giveaway: Giveaway) -> Finding:
    return Finding(
        command.line,
        _text(command),
        giveaway.id,
        giveaway.what,
        giveaway.instead,
        giveaway.cells,
        giveaway.attacks,
    )


def _text(command: Command) -> str:
    words = (*command.assignments, *command.words)
    return " ".join(w if w.isprintable() and " " not in w else shlex.quote(w) for w in words)[:300]


def _of_attest(command: Command, said: Explanation) -> list[Finding]:
    """What an attest line gives away: its flags, what else loosens it, why it is refused."""
    rows = [("refused", f"Refused: {problem}", "") for problem in said.problems]
    rows += [
        (
            f.name,
            f"{f.option} waives {', '.join(f.waives)}. {_FLAG.format(f.who, f.gains)}",
            f"Mildest use: {f.mildest}",
        )
        for f in said.flags
    ]
    rows += [
        (word.lstrip("-"), f"{word} makes the line looser.", _hint(word)) for word in said.loosening
    ]
    rows += [("note", note, "") for note in said.notes if "another genuine CAS" not in note]
    text = _text(command)
    return [Finding(command.line, text, *row) for row in rows]


def _hint(word: str) -> str:
    return f"casnb explain with this line alone says how {word} does that."


_DOCUMENT_RULES = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
        "private-key",
        "A private key is written out.",
        "Let the CAS make it: kind: private-key without a value.",
    ),
    (
        re.compile(r"^\s*(?:-\s*)?mode:\s*['\"]?none\b"),
        "mode-none",
        "mode: none: any program that asks is given the configuration, no evidence is asked for.",
        "Leave it out: attestation is the default.",
    ),
    (
        re.compile(r"export_public:\s*true"),
        "export-public",
        "export_public: true: anybody reads this value, without a certificate.",
        "Right for a public value; never for a secret.",
    ),
    (
        re.compile(r"(?:read|update|create_sessions):\s*(?:\[\s*)?['\"]?ANY\b|^\s*-\s*['\"]?ANY\b"),
        "any",
        "ANY: everybody may, without a key.",
        "Name CREATOR, a key hash or a certificate.",
    ),
    (
        re.compile(r"ignore_advisories:\s*(?:\[\s*)?['\"]\*"),
        "all-advisories",
        'ignore_advisories: "*": every hole that Intel publishes is tolerated, now and later.',
        "Name the advisories that you have read.",
    ),
    (
        re.compile(r"tolerate:.*debug|^\s*-\s*debug-mode\b"),
        "debug-mode",
        "tolerate: debug-mode: the operator of the machine reads whatever the service is given.",
        "Only for values that may be known.",
    ),
    (
        re.compile(r"update_policy:\s*no_rollback_protection|:\s*no_rollback_protection\b"),
        "no-rollback-protection",
        "no_rollback_protection: every old state of the files is accepted.",
        "rollback_protected is the default.",
    ),
)
#: What a finding says: its id, what is given away, what to write instead, and cells about it.
_Row = tuple[str, str, str, tuple[str, ...]]
_WRITTEN_OUT: _Row = (
    "plain-secret",
    "A secret's value is written out: in this file, and for everybody whom the session's policy"
    " lets read.",
    "Leave value out, and the CAS makes one that nobody sees.",
    ("07-leak",),
)
_UNPINNED: _Row = (
    "unpinned-export",
    "An export that is not pinned: whoever may update the other session decides what happens with"
    " the secret.",
    "Add session_hash with the version that you have read.",
    ("05-values",),
)
_EXPORT = re.compile(r"^(\s*)(?:-\s*)?export:\s*(.*)$")
_VALUE = re.compile(r"^\s*(?:-\s*)?(?:\{.*)?\bvalue:\s*['\"]?([^'\"\s{}$|>][^'\"]{2,})")


def _of_document(document: Document) -> list[Finding]:
    """What a here-document gives away that becomes a session: member by member, by its lines."""
    lines = document.text.split("\n")[:4000]
    if not any(
        re.match(r"\s*(?:-\s*)?(?:name|version|secrets|access_policy)\s*:", x) for x in lines
    ):
        key = next((n for n, x in enumerate(lines, 1) if "PRIVATE KEY-----" in x), 0)
        rule = _DOCUMENT_RULES[0]
        return (
            [Finding(document.line + key, lines[key - 1].strip()[:200], *rule[1:])] if key else []
        )
    found = []
    public = any("export_public: true" in x for x in lines)
    for n, line in enumerate(lines, 1):
        rows: list[_Row] = [(*row[1:], ()) for row in _DOCUMENT_RULES if row[0].search(line)]
        if _VALUE.match(line) and not public:
            rows.append(_WRITTEN_OUT)
        if (export := _EXPORT.match(line)) and not _pinned(export, lines[n : n + 12]):
            rows.append(_UNPINNED)
        text = line.strip()[:200]
        found += [Finding(document.line + n, text, *row) for row in rows]
    return found


def _pinned(export: re.Match[str], following: list[str]) -> bool:
    """Whether an export, with the lines that are part of it, names a version or a namespace."""
    item = export.string.lstrip().startswith("-")
    block = [export[2]]
    for line in following:
        inside = len(line) - len(line.lstrip()) > len(export[1])
        if line.strip() and not inside and not (line.lstrip().startswith("-") and not item):
            break
        block.append(line)
    whole = "\n".join(block)
    return "session_hash" in whole or "namespace" in whole
