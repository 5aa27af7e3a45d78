"""A reader's answer as plain data: whatever it is, none of its own code runs and its size is
bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from casnb.base.errors import neutral

TEXT_LIMIT = 20_000
ITEM_LIMIT = 2_000
_DEPTH = 6
_BITS = 4096
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), range)


#: Things that stand for a value and are none yet, by the name of their type.
_CALLED = "a function that was not called: put () behind it"
_MEANT = {
    "function": _CALLED,
    "method": _CALLED,
    "builtin_function_or_method": _CALLED,
    "method_descriptor": _CALLED,
    "type": "a class, not a value of it",
    "HASH": "a hash object: .hexdigest() gives its digits",
    "generator": "a generator: list(...) or ''.join(...) makes a value of it",
    "map": "a map object: list(...) makes a list of it",
    "filter": "a filter object: list(...) makes a list of it",
    "zip": "a zip object: list(...) makes a list of it",
    "Match": "a match of a pattern: .group() gives its text",
    "Tag": "an element of the page: .get_text() gives its text",
    "Response": "a whole answer: .text or .json() gives what is in it",
}


@dataclass(frozen=True)
class Foreign:
    """Stands for something that is not data; `kind` names its type, or what is too much about
    it.
    """

    kind: str

    @property
    def named(self) -> str:
        """What it is, with what makes a value of it where that is known."""
        return _MEANT.get(self.kind, self.kind)


class _TooMuch(Exception):
    """The answer holds more than an answer can."""


def plain(answer: object) -> Any:
    """Return `answer` as None, `...`, bool, int, float, str, bytes, list, frozenset, dict or
    Foreign.

    Tuples become lists, subclasses their plain base, so that an `__eq__` or `__repr__` of the
    reader's own is never asked. Text longer than 20,000 characters, more than 2,000 items and
    nesting deeper than 6 become Foreign. Never raises.
    """
    try:
        return _plain(answer, _DEPTH, [ITEM_LIMIT])
    except _TooMuch as exc:
        return Foreign(str(exc))
    except (
        Exception
    ):  # a class with a false base: the answer is not data, and that is all there is to say
        return Foreign("something that cannot be read")


def _plain(x: object, depth: int, room: list[int]) -> Any:
    kind = type(x)
    if x is None or x is ... or kind is bool:
        return x
    if issubclass(kind, int):
        number = int.__int__(x)  # type: ignore[arg-type]
        return (
            number
            if number.bit_length() <= _BITS
            else Foreign(f"an integer of {number.bit_length()} bits")
        )
    if issubclass(kind, float):
        return float.__float__(x)  # type: ignore[arg-type]
    if kind is Decimal or kind is Fraction:
        return _number(x)
    if issubclass(kind, str):
        return _text(str.__str__(x), str.__len__(x))  # type: ignore[arg-type]
    if issubclass(kind, bytes):
        return _text(bytes.__getitem__(x, slice(None)), bytes.__len__(x))  # type: ignore[arg-type,call-overload]
    if kind is memoryview and x.contiguous and x.nbytes <= TEXT_LIMIT:  # type: ignore[attr-defined]
        return x.tobytes()  # type: ignore[attr-defined]
    if issubclass(kind, bytearray):
        return _text(bytes(bytearray.copy(x)), bytearray.__len__(x))  # type: ignore[arg-type]
    return _many(x, kind, depth, room)


def _number(x: Any) -> Any:
    """A number of the standard library as int where it is whole and small, else as float."""
    if abs(x) >= 2**_BITS:
        return Foreign("a very large number")
    return int(x) if x == int(x) else float(x)


def _text(value: Any, size: int) -> Any:
    return value if size <= TEXT_LIMIT else Foreign(f"{size} characters")


def _many(x: Any, kind: type, depth: int, room: list[int]) -> Any:
    if depth == 0:
        raise _TooMuch("lists inside lists inside lists")
    if issubclass(kind, dict):
        pairs = [
            (_plain(k, depth - 1, room), _plain(v, depth - 1, room))
            for k, v in _bounded(dict.items(x), room)
        ]
        return {k if _hashable(k) else repr(k): v for k, v in pairs}
    for base in (list, tuple, set, frozenset):
        if issubclass(kind, base):
            items = [_plain(i, depth - 1, room) for i in _bounded(base.__iter__(x), room)]
            return (
                frozenset(items)
                if base in (set, frozenset) and all(map(_hashable, items))
                else items
            )
    if kind in _VIEWS:
        return [_plain(i, depth - 1, room) for i in _bounded(x, room)]
    return Foreign(name_of(kind))


def _bounded(items: Any, room: list[int]) -> Any:
    for item in items:
        room[0] -= 1
        if room[0] < 0:
            raise _TooMuch(f"more than {ITEM_LIMIT} items")
        yield item


def _hashable(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def name_of(kind: type) -> str:
    """Return the name of a type without asking its metaclass."""
    return neutral(type.__dict__["__name__"].__get__(kind), 60)


def unanswered(value: Any) -> bool:
    """Return whether the plain answer is `...`, or a collection that still holds one."""
    if isinstance(value, dict):
        return any(unanswered(v) for v in value.values())
    if isinstance(value, (list, frozenset)):
        return any(unanswered(v) for v in value)
    return value is ...


def said(value: Any, limit: int = 80) -> str:
    """Return a plain answer as a reader may meet it again in a sentence, neutral and short."""
    return neutral(_said(value), limit)


def _said(value: Any) -> str:
    if isinstance(value, Foreign):
        return value.kind
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(_said, value))) + "}" if value else "an empty set"
    if isinstance(value, list):
        return "[" + ", ".join(map(_said, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_said(k)}: {_said(v)}" for k, v in value.items()) + "}"
    return repr(value)


def same(a: Any, b: Any) -> bool:
    """Return whether two plain values are equal and of the same types throughout (True is not 1,
    42 is not '42').
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    return bool(a == b)
