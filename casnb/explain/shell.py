"""Pasted text: what a reader copied from a page or a script, cut into the commands and words
that a shell would see.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from casnb.base.errors import UsageError

LONGEST = 1 << 14
#: What a whole script may have.
SCRIPT_LIMIT = 1 << 16
_MOST_WORDS = 400
_SCRIPT_WORDS = 20_000
#: A quote that is open for more lines than this is taken for a slip.
_MOST_OPEN_LINES = 200
_MOST_DOCUMENTS = 200
#: Scripts within scripts: `sh -c "..."` within `docker run` within `$(...)`.
_LEVELS = 4
_OPERATORS = frozenset("|&;<>")
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+[^}]{0,80}\}|\(|@|\*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_KEYWORDS = frozenset(
    ("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!", "{", "}", "time")
)
_PROMPT = re.compile(r"^\s*(?:(?:[\w.@~:/-]*[$>]|[\w.@~:/-]+#)\s+)?")
_HERE = re.compile(
    r"(?<![<\d])<<(?!<)(-?)[ \t]*(?:'([^'\n]{1,80})'|\"([^\"\n]{1,80})\"|\\?([\w.-]{1,80}))"
)
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|z|k|fi)?sh$")
_SCRIPT_OPTION = re.compile(r"-[a-zA-Z]*c$")
#: Programs whose last words are a script of their own.
_TAKE_SCRIPTS = frozenset(("eval", "ssh", "watch", "trap", "su", "alias"))
#: What word processors and pages make of a dash and of quotes.
DASHES = "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{HORIZONTAL BAR}"
QUOTES = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_SLIPPED = "a backslash followed by a space does not continue the line: remove the space"
#: Stands for a command substitution, which is one word whatever is in it.
SUBSTITUTED = "$(...)"


@dataclass(frozen=True)
class Command:
    """One command: its words, and what stood before it as `NAME=value`. `broken` says what a
    shell would not understand.

    `line` is the number of the line it begins in, `then` the operator after it, `keyword` the
    word of the shell before it (`if`, `!`), `within` what wraps it: the words of `sh -c`, or
    `$(...)`; `writes` where its output goes by a redirection.
    """

    words: tuple[str, ...]
    assignments: tuple[str, ...] = ()
    broken: str = ""
    line: int = 1
    then: str = ""
    keyword: str = ""
    within: tuple[str, ...] = ()
    writes: str = ""

    @property
    def program(self) -> str:
        """The name of what is called, without its folder; empty for an assignment alone."""
        return self.words[0].rpartition("/")[2] if self.words else ""


@dataclass(frozen=True)
class Document:
    """A here-document: the line it begins in, its text, and the command that is given it."""

    line: int
    text: str
    command: Command


@dataclass(frozen=True)
class Script:
    """A whole script: every command in it, those within others after them, and its documents."""

    commands: tuple[Command, ...]
    documents: tuple[Document, ...] = ()


def commands(pasted: str | Sequence[str]) -> tuple[Command, ...]:
    """Cut pasted text into commands; a sequence of words is one command, already split by
    a shell.

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
    found = _cut(pasted).commands
    if sum(len(c.words) for c in found) > _MOST_WORDS:
        raise UsageError("line", got="too many words", wanted=f"at most {_MOST_WORDS}")
    return found


def inside(pasted: str | Sequence[str]) -> tuple[Command, ...]:
    """Cut what stands within `$(...)` and backticks of pasted text into commands."""
    if not isinstance(pasted, str):
        return ()
    return tuple(c for text in _substitutions(pasted)[1] for c in commands(text))


def nested(command: Command, level: int = 0) -> tuple[Command, ...]:
    """Cut the scripts that a command carries in its words: of `sh -c "..."`, `ssh host "..."`,
    `eval`, `alias name="..."`, however it is wrapped (docker, kubectl exec, sudo).
    """
    if level >= _LEVELS:
        return ()
    found: list[Command] = []
    shell = any(_SHELL.match(word) for word in command.words)
    for n, word in enumerate(command.words):
        before = command.words[n - 1] if n else ""
        if not (shell and _SCRIPT_OPTION.match(before)) and not (
            n and command.program in _TAKE_SCRIPTS and " " in word
        ):
            continue
        text = word.partition("=")[2] if command.program == "alias" else word
        for inner in _cut(text[:LONGEST], substituted=True).commands:
            one = replace(inner, line=command.line, within=command.words[:n])
            found += [one, *nested(one, level + 1)]
    return tuple(found)


def script(text: str) -> Script:
    """Cut a whole script: its commands, those within them, and its here-documents. Raises
    UsageError for more than 64 kB or 20,000 words.
    """
    if len(text) > SCRIPT_LIMIT:
        raise UsageError("script", got=f"{len(text)} characters", wanted=f"at most {SCRIPT_LIMIT}")
    found = _cut(text, substituted=True)
    every: list[Command] = []
    for command in found.commands:
        every += [command, *nested(command)]
    for document in found.documents:
        if _SHELL.match(document.command.program) or document.command.program == "ssh":
            every += [
                replace(c, line=document.line + c.line, within=document.command.words)
                for c in _cut(document.text, substituted=True).commands
            ]
    if sum(len(c.words) for c in every) > _SCRIPT_WORDS:
        raise UsageError("script", got="too many words", wanted=f"at most {_SCRIPT_WORDS}")
    return Script(tuple(sorted(every, key=lambda c: c.line)), found.documents)


def has_variable(word: str) -> bool:
    """Whether a shell would replace part of this word before the command sees it."""
    return bool(_VARIABLE.search(word))


def _cut(text: str, substituted: bool = False, level: int = 0) -> Script:
    """Cut text; with `substituted` the commands within `$(...)` follow the one that uses them."""
    found: list[Command] = []
    documents: list[Document] = []
    for number, line, slipped, bodies in _lines(text):
        plain, inner = _substitutions(_PROMPT.sub("", line))
        made = [replace(c, line=number) for c in _line(plain, slipped)]
        found += made
        if substituted and level < _LEVELS:
            for part in inner:
                found += [
                    replace(c, line=number, within=(SUBSTITUTED,))
                    for c in _cut(part, True, level + 1).commands
                ]
        owner = made[-1] if made else Command(())
        documents += [
            Document(number, body, next((c for c in made if c.program != "cd"), owner))
            for body in bodies
        ]
    return Script(tuple(found), tuple(documents))


def _lines(text: str) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield the number of each line, the line with its continuations, what a shell would not
    understand of how it is continued, and its here-documents.
    """
    left = _Left(text.replace("\r\n", "\n").split("\n"))
    while left.at < len(left.lines):
        start = left.at
        joined, slipped = left.continued()
        if _open(joined):
            joined = left.closed(joined)
        documents = [] if joined.lstrip().startswith("#") else left.documents(joined)
        yield start + 1, joined, slipped, documents


class _Left:
    """The lines of a script, and which of them is read next."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at, self.seen = lines, 0, 0
        self.endings = {line.lstrip("\t") for line in lines}

    def continued(self) -> tuple[str, str]:
        """Take a line and those that a backslash adds to it; say where a space after the backslash
        makes it add nothing.
        """
        joined = slipped = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            bare = line.rstrip(" \t")
            self.at += 1
            if not bare.endswith("\\") or bare.lstrip().startswith("#"):
                return joined + line, slipped
            slipped = slipped if bare == line else _SLIPPED
            joined += bare[:-1] + " "
        return joined, slipped

    def closed(self, joined: str) -> str:
        """Take the lines that close a quote of this one; where none does it is left alone."""
        whole = joined
        for n in range(self.at, min(self.at + _MOST_OPEN_LINES, len(self.lines))):
            whole += "\n" + self.lines[n]
            if len(whole) > LONGEST:
                break
            if not _open(whole):
                self.at = n + 1
                return whole
        return joined

    def documents(self, joined: str) -> list[str]:
        """Take the here-documents that a line asks for."""
        bodies = []
        for match in _HERE.finditer(joined):
            mark = match[2] or match[3] or match[4]
            self.seen += 1
            if mark not in self.endings or self.seen > _MOST_DOCUMENTS:
                continue
            end = self._end(mark, tabs=bool(match[1]))
            if end is not None:
                bodies.append("\n".join(self.lines[self.at : end]))
                self.at = end + 1
        return bodies

    def _end(self, mark: str, tabs: bool) -> int | None:
        """Return the line that ends a here-document; with `tabs` it may be indented by them."""
        rest = range(self.at, len(self.lines))
        lines = ((n, self.lines[n].lstrip("\t") if tabs else self.lines[n]) for n in rest)
        return next((n for n, line in lines if line == mark), None)


def _open(line: str) -> bool:
    """Whether a quote or a substitution begun in this line is still open at its end."""
    quote, n = "", 0
    while n < len(line):
        c = line[n]
        if c == "\\" and quote != "'":
            n += 1
        elif quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == "#" and (n == 0 or line[n - 1] in " \t\n;"):
            end = line.find("\n", n)
            n = len(line) if end < 0 else end
        n += 1
    return bool(quote)


def _substitutions(line: str) -> tuple[str, list[str]]:
    """Return a line with each `$(...)` and backticks replaced by `SUBSTITUTED`, and what stood in
    them; single quotes protect, and so does a bracket that is never closed.
    """
    closing, opened = {}, []
    for n, c in enumerate(line):
        if c == "(":
            opened.append(n)
        elif c == ")" and opened:
            closing[opened.pop()] = n
    out, inner, n, single, double = [], [], 0, False, False
    while n < len(line):
        c = line[n]
        if c == "'" and not double:
            single = not single
        elif c == '"' and not single:
            double = not double
        end = -1
        if not single and c == "`":
            end = line.find("`", n + 1)
            start = n + 1
        elif not single and line.startswith("$(", n) and not line.startswith("$((", n):
            end = closing.get(n + 1, -1)
            start = n + 2
        if end > 0:
            inner.append(line[start:end])
            out.append(SUBSTITUTED)
            n = end + 1
        else:
            out.append(c)
            n += 1
    return "".join(out), inner


def _line(line: str, broken: str = "") -> list[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="".join(sorted(_OPERATORS)))
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words = list(lexer)
    except ValueError as exc:
        words, broken = line.split(), f"a shell would wait for more: {str(exc).lower()}"
    out: list[Command] = []
    current: list[str] = []
    redirected = writes = ""
    for word in words:
        if word.startswith("#") and not redirected:
            break
        if word and set(word) <= _OPERATORS:
            redirected = word if set(word) & {"<", ">"} and not set(word) & {"|", ";"} else ""
            if redirected:
                if current and current[-1].isdigit():
                    current.pop()
            elif current:
                out.append(replace(_command(current, broken), then=word, writes=writes))
                current, writes = [], ""
        elif redirected:
            writes = word if ">" in redirected and "&" not in redirected else writes
            redirected = ""
        else:
            current.append(word)
    return [*out, replace(_command(current, broken), writes=writes)] if current else out


def _command(words: list[str], broken: str = "") -> Command:
    if words and words[0].startswith("("):
        words = [words[0].lstrip("("), *words[1:]]
        words = [*words[:-1], words[-1].rstrip(")")]
    keyword = ""
    while words and (words[0] in _KEYWORDS or not words[0].strip(")")):
        keyword = words[0] if words[0] in ("if", "elif", "while", "until", "!") else keyword
        words = words[1:]
    count = next((n for n, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    return Command(tuple(words[count:]), tuple(words[:count]), broken, keyword=keyword)
