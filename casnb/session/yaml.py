"""YAML as sessions use it: read within bounds, without anchors, tags or guessed types, variables
replaced where that is asked for; and written as a CAS reads it back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from casnb.base.errors import EvidenceError, UsageError
from casnb.session.nodes import Node

#: No session comes near this many bytes, before or after variables are replaced.
LIMIT = 256 * 1024
_DEPTH = 16
_NODES = 20_000
_KEY = 256

VARIABLE = re.compile(
    r"\\\$|\$\$SCONE.*?\$\$|\$\$|\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))",
    re.DOTALL,
)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
#: What YAML does not take: control characters, halves of a pair, a byte order mark that is not at
#: the start.
_STRANGE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
#: What to do about a text that is not YAML, by a word of the reason that PyYAML gives.
_CURES = (
    (
        "escape",
        "In double quotes a backslash wants another one before it; in single quotes it does not.",
    ),
    ("quoted", "Close the quote that begins here."),
    ("flow", "Close the bracket that begins here, and part its items by commas."),
    ("cannot start", "Put the value in quotes."),
    (
        "mapping values",
        (
            "A value with a colon and a space wants quotes; else this line is indented wrongly, or"
            " the one above lacks its colon."
        ),
    ),
    ("alias", "Write the value out where it is meant."),
    ("incompatible", "Take the line out."),
    ("document start", "Take out what follows the end of the document."),
    ("expected", "Indent the line like those that it belongs to, and write `key: value`."),
)
#: The one place where a tag is part of the language, and those that stand there.
_TAGGED, _TAGS = "secret_config.store_in", ("!cas", "!akv")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Lookup = Callable[[str], "str | None"]


class Tag(str):
    """A tag that is a value, with its exclamation mark; written back as one."""


def environment(variables: Mapping[str, str], use_env: bool) -> Lookup:
    """Return how a variable is looked up: in `variables`, then, with `use_env`, in this
    process's environment.
    """
    return lambda name: (
        variables[name] if name in variables else os.environ.get(name) if use_env else None
    )


def read_document(text: str | bytes, what: str, lookup: Lookup | None = None) -> Node:
    """Return the one YAML document of `text`: Nodes of dict, list, str, int, bool and None;
    `what` names it in errors.

    Types are taken only from plain words: null, true or false, and whole numbers in decimal, of
    up to 19 digits. All else stays text, so that `0.3`, `0.10`, `007` and `yes` mean what was
    typed. Raises EvidenceError for more than 256 kB, nesting deeper than 16, more than 20,000
    values, keys of more than 256 characters, anchors, aliases, tags, a key twice, a second
    document; UsageError for a variable without a value.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        size = len(decoded.encode("utf-8"))
    except (UnicodeDecodeError, UnicodeEncodeError) as exc:
        line = text[: exc.start].count(b"\n" if isinstance(text, bytes) else "\n") + 1  # type: ignore[arg-type]
        raise EvidenceError(
            f"{what} at line {line}",
            got="text that is not UTF-8",
            wanted="YAML in UTF-8",
            do="Save the file as UTF-8.",
        ) from None
    if size > LIMIT:
        raise EvidenceError(
            what, got=f"{size} bytes", wanted=f"at most {LIMIT}", do="Take out what is not needed."
        )
    if strange := _STRANGE.search(decoded, 1 if decoded.startswith("\ufeff") else 0):
        line, begins = (
            decoded.count("\n", 0, strange.start()) + 1,
            decoded.rfind("\n", 0, strange.start()) + 1,
        )
        raise EvidenceError(
            f"{what} at line {line} column {strange.start() - begins + 1}",
            got=f"U+{ord(strange[0]):04X}",
            wanted="text without control characters",
            do="Take it out.",
        )
    try:
        return _Reader(yaml.parse(decoded, Loader=_Loader), what, lookup).document()
    except yaml.YAMLError as exc:
        raise _not_yaml(exc, decoded, what) from None


def _not_yaml(exc: yaml.YAMLError, text: str, what: str) -> EvidenceError:
    """Say where the parser stopped, or where what has no end begins, and what is most likely
    meant.
    """
    reason, context = (str(getattr(exc, name, None) or "") for name in ("problem", "context"))
    mark = getattr(exc, "problem_mark", None)
    if "quoted" in context or "flow" in context:
        mark = getattr(exc, "context_mark", None) or mark
    if mark is None:
        return EvidenceError(
            what,
            got=f"text that is not YAML ({reason or 'unreadable'})",
            wanted="one YAML document",
        )
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        do = "Indent with spaces, not with tabs."
    else:
        do = next(
            (cure for word, cure in _CURES if word in reason or word in context),
            "Compare this line with the one above it.",
        )
    return EvidenceError(
        f"{what} at line {mark.line + 1} column {mark.column + 1}",
        got=f"text that is not YAML ({reason})",
        wanted="one YAML document",
        do=do,
    )


class _Reader:
    """From parser events to plain data; nothing is built that the text does not spell out."""

    def __init__(self, events: Iterator[Any], what: str, lookup: Lookup | None) -> None:
        self.events, self.what, self.lookup = events, what, lookup
        self.nodes = self.room = 0

    def document(self) -> Node:
        self.room = LIMIT
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return Node(None, what=self.what)
        value = self.value(next(self.events), "", None, 0, 0)
        next(self.events)
        if not isinstance(second := next(self.events), yaml.StreamEndEvent):
            at = Node(
                None,
                line=second.start_mark.line + 1,
                column=second.start_mark.column + 1,
                what=self.what,
            )
            raise at.refuse(
                "one", "Keep each session in a file of its own.", got="a second document"
            )
        return value

    def value(self, event: Any, key: str, up: Node | None, key_line: int, depth: int) -> Node:
        """Return what begins with this event, the member or row `key` of `up`."""
        self.nodes += 1
        kind, mark = type(event), event.start_mark
        value: Any = (
            []
            if kind is yaml.SequenceStartEvent
            else {}
            if kind is yaml.MappingStartEvent
            else None
        )
        here = Node(value, key, up, mark.line + 1, mark.column + 1, self.what, key_line)
        if kind is yaml.AliasEvent or event.anchor is not None:
            raise here.refuse(
                "the value itself", "Write it out where it is meant.", got="an anchor or alias"
            )
        if event.tag is not None and not (
            here.path == _TAGGED and event.tag in _TAGS and kind is yaml.ScalarEvent
        ):
            raise here.refuse(
                "no tag", "Take it out; quotes make text.", got=f"the tag {event.tag}"
            )
        if depth > _DEPTH or self.nodes > _NODES:
            raise here.refuse(
                f"{_DEPTH} levels, {_NODES} values", got="too much nesting or too many values"
            )
        if kind is yaml.ScalarEvent:
            found = Tag(event.tag) if event.tag else self.scalar(event, here)
            return (
                here
                if found is None
                else Node(found, key, up, here.line, here.column, self.what, key_line)
            )
        if kind is yaml.SequenceStartEvent:
            while type(event := next(self.events)) is not yaml.SequenceEndEvent:
                value.append(self.value(event, f"[{len(value)}]", here, 0, depth + 1))
            return here
        while type(event := next(self.events)) is not yaml.MappingEndEvent:
            line = event.start_mark.line + 1
            self.check_key(event, here)
            value[event.value] = self.value(next(self.events), event.value, here, line, depth + 1)
        return here

    def check_key(self, event: Any, here: Node) -> None:
        """Refuse a key that is none, or that is there already."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        at = Node(None, here.key, here.up, line, column, self.what)
        if type(event) is not yaml.ScalarEvent or event.anchor or event.tag:
            raise at.refuse("a word", "Write `key: value`.", got="a key that is not a word")
        if len(event.value) > _KEY:
            raise at.refuse(
                "words as keys",
                "Shorten it.",
                got=f"a key of {len(event.value)} characters, where {_KEY} are the most",
            )
        at = Node(None, event.value, here, line, column, self.what)
        if event.value == "<<" and not event.style:
            raise at.refuse("the members themselves", "Write them out.", got="a merge key")
        if event.value in here.value:
            raise at.refuse(
                "each key once",
                "Take out one of the two; the first is at line"
                f" {here.value[event.value].key_line}.",
                got=f"{event.value!r} twice",
            )

    def scalar(self, event: Any, here: Node) -> Any:
        text = event.value
        if self.lookup is not None and "$" in text:
            text = self.substitute(text, here)
        if event.style:
            return text
        if text in _NULLS:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        return int(text) if _INTEGER.fullmatch(text) and text != "-0" else text

    def substitute(self, text: str, here: Node) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name is None:
                return "$" if match[0] == "\\$" else match[0]
            assert self.lookup is not None
            value = self.lookup(name)
            if value is None:
                raise UsageError(
                    f"{here.path or self.what}: Value for variable ${name} is missing at line"
                    f" {here.line} column {here.column}",
                    do=f"Give it with -e {name}=VALUE, or write \\$ for a dollar sign.",
                )
            self.room -= len(value)
            if self.room < 0:
                raise EvidenceError(
                    self.what,
                    got="variables with too much text",
                    wanted=f"at most {LIMIT} characters",
                )
            return value

        return VARIABLE.sub(one, text)


# Writing


def _dumper(base: Any) -> Any:
    """Return a dumper that writes as a CAS reads back: text of several lines as a block, nothing
    by reference.
    """
    kind: Any = type("_Dumper", (base,), {"ignore_aliases": lambda self, data: True})
    kind.add_representer(str, _represent_text)
    kind.add_representer(Tag, lambda dumper, tag: dumper.represent_scalar(str(tag), ""))
    return kind


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Plain = _dumper(yaml.SafeDumper)
#: libyaml's, five times as fast, where PyYAML has it.
_Quick = _dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def _dump(value: Mapping[str, Any], kind: Any) -> str:
    text: str = yaml.dump(
        value,
        Dumper=kind,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1 << 20,
    )
    return text


def _named(value: Any) -> bool:
    """Whether all members have a name, and one that fits on its line."""
    if isinstance(value, dict):
        return all(0 < len(name) < 100 and _named(inner) for name, inner in value.items())
    return not isinstance(value, list) or all(map(_named, value))


def write_yaml(value: Mapping[str, Any]) -> str:
    """Return plain data as YAML, one member a line, PEM as a block; the same text with libyaml
    as without it.

    libyaml writes another text where a character wants an escape, where the last block ends in
    blank lines, and for strange names: there it is not asked.
    """
    if _named(value):
        text = _dump(value, _Quick)
        if text.isascii() and "\\" not in text and not text.endswith("\n...\n"):
            return text
    return _dump(value, _Plain)
