"""YAML as sessions use it: bounded, without anchors, tags or guessed types, variables replaced where that is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from casnb.errors import EvidenceError, UsageError

#: No session comes near this many bytes, before or after variables are replaced.
LIMIT = 256 * 1024
_DEPTH = 16
_NODES = 20_000

_VARIABLE = re.compile(r"\\\$|\$\$SCONE.*?\$\$|\$\$|\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))", re.DOTALL)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Lookup = Callable[[str], "str | None"]


def environment(variables: Mapping[str, str], use_env: bool) -> Lookup:
    """Return how a variable is looked up: in `variables`, then, with `use_env`, in this process's environment."""
    return lambda name: variables[name] if name in variables else os.environ.get(name) if use_env else None


def read_document(text: str | bytes, what: str, lookup: Lookup | None = None) -> Any:
    """Return the one YAML document of `text` as dict, list, str, int, bool and None; `what` names it in errors.

    Types are taken only from plain words: null, true or false, and whole numbers in decimal, of up to 19 digits. All else stays
    text, so that `0.3`, `0.10`, `007` and `yes` mean what was typed. Raises EvidenceError for more than 256 kB, nesting deeper
    than 16, more than 20,000 values, anchors, aliases, tags, a key twice, a second document; UsageError for a variable without a
    value.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        size = len(decoded.encode("utf-8"))
    except UnicodeError:
        raise EvidenceError(what, got="text that is not UTF-8", wanted="YAML in UTF-8") from None
    if size > LIMIT:
        raise EvidenceError(what, got=f"{size} bytes", wanted=f"at most {LIMIT}")
    try:
        return _Reader(yaml.parse(decoded, Loader=_Loader), what, lookup).document()
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        reason = getattr(exc, "problem", None) or getattr(exc, "reason", None) or "unreadable"
        raise EvidenceError(what, got=f"text that is not YAML ({reason}{where})", wanted="one YAML document") from None


class _Reader:
    """From parser events to plain data; nothing is built that the text does not spell out."""

    def __init__(self, events: Iterator[Any], what: str, lookup: Lookup | None) -> None:
        self.events, self.what, self.lookup = events, what, lookup
        self.nodes = self.room = 0

    def document(self) -> Any:
        self.room = LIMIT
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), (), 0)
        next(self.events)
        if not isinstance(next(self.events), yaml.StreamEndEvent):
            raise EvidenceError(self.what, got="a second document", wanted="one")
        return value

    def value(self, event: Any, path: tuple[str, ...], depth: int) -> Any:
        self.nodes += 1
        place = f"{'.'.join(path) or self.what} at line {event.start_mark.line + 1} column {event.start_mark.column + 1}"
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise EvidenceError(place, got="an anchor or alias", wanted="the value itself")
        if event.tag is not None:
            raise EvidenceError(place, got=f"the tag {event.tag}", wanted="no tag")
        if depth > _DEPTH or self.nodes > _NODES:
            raise EvidenceError(place, got="too much nesting or too many values", wanted=f"{_DEPTH} levels, {_NODES} values")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            rows: list[Any] = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                rows.append(self.value(event, (*path[:-1], f"{path[-1] if path else ''}[{len(rows)}]"), depth + 1))
            return rows
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise EvidenceError(place, got="a key that is not a word", wanted="words as keys")
            key = event.value
            if key in found:
                raise EvidenceError(place, got=f"{key!r} twice", wanted="each key once")
            found[key] = self.value(next(self.events), (*path, key), depth + 1)
        return found

    def scalar(self, event: Any, path: tuple[str, ...]) -> Any:
        text = event.value
        if self.lookup is not None and "$" in text:
            text = self.substitute(text, event.start_mark, path)
        if event.style:
            return text
        if text in _NULLS:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        return int(text) if _INTEGER.fullmatch(text) and text != "-0" else text

    def substitute(self, text: str, mark: Any, path: tuple[str, ...]) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name is None:
                return "$" if match[0] == "\\$" else match[0]
            assert self.lookup is not None
            value = self.lookup(name)
            if value is None:
                raise UsageError(f"{'.'.join(path) or self.what}: Value for variable ${name} is missing at line {mark.line + 1} "
                                 f"column {mark.column + 1}", do=f"Give it with -e {name}=VALUE, or write \\$ for a dollar sign.")
            self.room -= len(value)
            if self.room < 0:
                raise EvidenceError(self.what, got="variables with too much text", wanted=f"at most {LIMIT} characters")
            return value
        return _VARIABLE.sub(one, text)
