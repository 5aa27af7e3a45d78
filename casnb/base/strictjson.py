"""JSON from outside, read strictly: bounded size and depth, no duplicate members, no NaN,
nothing before or after.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Any, NoReturn

from casnb.base.errors import EvidenceError

#: No attestation document that casnb reads comes near this many bytes.
LIMIT = 1 << 20
_DEPTH = 32
#: Brackets and braces; Intel's longest list has a thousand.
_CONTAINERS = 50_000
#: An escape that may be one half of a surrogate pair. Intel's lists are full of other ones.
_ESCAPED = re.compile(r"\\u[dD]")


@dataclass(frozen=True)
class Member:
    """One row of a table of members: name, the JSON types it may have, what it means, whether it
    must be there.
    """

    name: str
    kind: type | tuple[type, ...]
    meaning: str
    required: bool = False

    @property
    def kinds(self) -> tuple[type, ...]:
        return self.kind if isinstance(self.kind, tuple) else (self.kind,)

    @property
    def type_names(self) -> str:
        """The types in JSON's own words, such as `string or null`."""
        return " or ".join(_WORDS.get(k, k.__name__) for k in self.kinds)


_WORDS = {
    str: "string",
    int: "integer",
    bool: "true or false",
    list: "array",
    dict: "object",
    type(None): "null",
}


def _brackets(data: bytes | str) -> int:
    if isinstance(data, str):
        return data.count("[") + data.count("{")
    return data.count(b"[") + data.count(b"{")


class _Refused(ValueError):
    """JSON to a lax reader: what it has, and what it should have."""

    def __init__(self, got: str, wanted: str) -> None:
        super().__init__(got)
        self.got, self.wanted = got, wanted


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    # Of two members of one name readers take the first or the last (RFC 8259, 4): signed once,
    # read twice, with two meanings.
    if len(out) != len(pairs):
        twice = next(
            name for name, times in Counter(name for name, _ in pairs).items() if times > 1
        )
        raise _Refused(f"member {twice!r} twice", "each member once")
    return out


def _constant(word: str) -> NoReturn:
    raise _Refused(word, "a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _constant(digits)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_constant, parse_float=_finite
)


def loads(data: bytes | str, what: str, *, limit: int = LIMIT) -> Any:
    """Return the value of a JSON text (UTF-8, no byte order mark); `what` names it in errors.

    Members keep their order. Raises EvidenceError for more than `limit` bytes or 50,000
    brackets, nesting deeper than 32, a repeated member, NaN or Infinity, a number too large for
    its type, a lone surrogate, and any text that is not one value.
    """
    if not (isinstance(data, str) and data.isascii()):
        # Counted and read as bytes; of a text in ASCII each character is one anyway.
        data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(data) > limit:
        raise EvidenceError(
            what,
            got=f"{len(data)} bytes",
            wanted=f"at most {limit}",
            do="Too large to be genuine; nothing was read.",
        )
    if len(data) > _CONTAINERS and (many := _brackets(data)) > _CONTAINERS:
        raise EvidenceError(
            what,
            got=f"{many} brackets and braces",
            wanted=f"at most {_CONTAINERS}",
            do="Too many to be genuine; nothing was read.",
        )
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise EvidenceError(
            what, got=f"a byte that is not UTF-8 at offset {exc.start}", wanted="JSON in UTF-8"
        ) from None
    if text.startswith("\ufeff"):
        raise EvidenceError(what, got="a byte order mark", wanted="JSON in UTF-8 without one")
    try:
        value = _STRICT.decode(text)
        # The decoder takes half a pair, and writing it out fails, far from here.
        if _ESCAPED.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Refused as exc:
        raise EvidenceError(what, got=exc.got, wanted=exc.wanted) from None
    except (ValueError, RecursionError) as exc:
        reason = str(exc) or type(exc).__name__
        raise EvidenceError(
            what, got=f"text that is not JSON ({reason[:80]})", wanted="one JSON value"
        ) from None
    if not _shallow(value):
        raise EvidenceError(
            what, got=f"nesting deeper than {_DEPTH}", wanted="a flat JSON document"
        )
    return value


def _shallow(value: Any) -> bool:
    """Whether the nesting is within the limit, looked at level by level."""
    level: list[Any] = [value]
    for _ in range(_DEPTH + 1):
        rows = [
            v.values() if type(v) is dict else v
            for v in level
            if type(v) is dict or type(v) is list
        ]
        if not rows:
            return True
        level = [*chain.from_iterable(rows)]
    return False


def compact(value: Any) -> bytes:
    """Return the compact JSON (`,` and `:` without spaces, members in their own order, non-ASCII
    kept) as UTF-8 bytes.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def member(value: Any, name: str, kind: type | tuple[type, ...], what: str) -> Any:
    """Return `value[name]`, an instance of `kind` (bool never counts as int); raise
    EvidenceError that names `what`.
    """
    if not isinstance(value, dict) or name not in value:
        raise EvidenceError(f"{what}.{name}", got="nothing", wanted="this member")
    found = value[name]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
        raise EvidenceError(
            f"{what}.{name}",
            got=_WORDS.get(type(found), type(found).__name__),
            wanted=" or ".join(_WORDS.get(k, k.__name__) for k in kinds),
        )
    return found


def conform(value: Any, table: Iterable[Member], what: str) -> None:
    """Raise EvidenceError unless `value` is an object with every required member, and every
    listed one of its type.

    Members that the table does not list are allowed.
    """
    if not isinstance(value, dict):
        raise EvidenceError(
            what, got=_WORDS.get(type(value), type(value).__name__), wanted="a JSON object"
        )
    for m in table:
        if m.required or m.name in value:
            member(value, m.name, m.kind, what)
