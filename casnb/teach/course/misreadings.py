"""Families of wrong readings: a hash over JSON, with one or more things about the text done
otherwise; each dimension that differs has a name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from casnb.teach.course.slips import Slip

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


#: Things that one reader does otherwise at once; with more, an answer has no name.
_AT_ONCE = 3


@dataclass(frozen=True)
class Way:
    """One way to treat the text in a dimension: the first of a dimension is the right one.

    `edit` changes the members before they are written, `text` the text, `write` are arguments of
    json.dumps, `digest` names another hash function.
    """

    code: str = ""
    says: str = ""
    holds: str = ""
    edit: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    write: Mapping[str, Any] | None = None
    text: Callable[[str], str] | None = None
    digest: str = ""


@dataclass(frozen=True)
class Family:
    """A hash exercise: its members, its hash function, and the dimensions in which readings
    differ. `whole` are readings that no combination makes.
    """

    digest: str
    members: Callable[[Facts], dict[str, Any]]
    dimensions: tuple[tuple[Way, ...], ...]
    whole: tuple[tuple[Way, Callable[[Facts], bytes]], ...] = ()

    def readings(self, facts: Facts) -> dict[str, tuple[Way, ...]]:
        """Return each wrong digest with the ways that lead to it; fewest first, and kept."""
        return facts.kept(f"readings {id(self)}", lambda: dict(self._all(facts)))

    def _all(self, facts: Facts) -> Iterator[tuple[str, tuple[Way, ...]]]:
        out: dict[str, tuple[Way, ...]] = {self._hash(facts, ()): ()}
        chosen = [
            tuple(w for w in ways if w.code)
            for ways in product(*((Way(), *d) for d in self.dimensions))
        ]
        for ways in sorted((c for c in chosen if len(c) <= _AT_ONCE), key=len):
            out.setdefault(self._hash(facts, ways), ways)
        for way, make in self.whole:
            for name in dict.fromkeys((self.digest, "sha256", "sha512", "sha1")):
                out.setdefault(hashlib.new(name, make(facts)).hexdigest(), (way,))
        return iter([(digest, ways) for digest, ways in out.items() if ways])

    def _hash(self, facts: Facts, ways: tuple[Way, ...]) -> str:
        members = dict(self.members(facts))
        style: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}
        digest = self.digest
        for way in ways:
            members = way.edit(members) if way.edit else members
            style.update(way.write or {})
            digest = way.digest or digest
        text = json.dumps(members, **style)
        for way in ways:
            text = way.text(text) if way.text else text
        return hashlib.new(digest, text.encode()).hexdigest()


def ordered(*first: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an edit that moves these members to the front."""
    return lambda m: {k: m[k] for k in (*first, *(k for k in m if k not in first)) if k in m}


def dropped(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an edit that leaves a member out."""
    return lambda m: {k: v for k, v in m.items() if k != name}


SPACES = (
    Way(
        "default-json",
        "There is a space after each comma and colon, which is json.dumps without separators.",
        "spaces in JSON do not matter to a hash",
        write={"separators": (", ", ": ")},
    ),
    Way(
        "indented-json",
        "The JSON is printed with indentation. What is hashed is the compact form.",
        "JSON is hashed as it is printed",
        write={"indent": 2, "separators": (",", ": ")},
    ),
)
ORDER = Way(
    "sorted-members",
    "The members were sorted. Their order is fixed: another order is another text.",
    "the order of members does not matter to a hash",
    edit=lambda m: dict(sorted(m.items())),
    write={"sort_keys": True},
)
NEWLINE = (
    Way(
        "final-newline",
        "There is a newline at the end, as echo and editors add one.",
        "a newline at the end does not matter",
        text=lambda t: t + "\n",
    ),
)
ASCII = (
    Way(
        "escaped",
        "Characters outside ASCII were escaped.",
        "escapes in JSON do not matter to a hash",
        write={"ensure_ascii": True},
    ),
)


def reading_slips(family: Family) -> tuple[Slip, ...]:
    """Return one slip for each named dimension of a family; an answer that differs in several is
    named after the first, and told all.
    """

    def ways_of(facts: Facts, value: Any) -> tuple[Way, ...]:
        return family.readings(facts).get(value, ()) if isinstance(value, str) else ()

    def match(code: str) -> Callable[[Facts, Any], bool]:
        return lambda facts, v: (ways_of(facts, v) or (Way(),))[0].code == code

    def example(code: str) -> Callable[[Facts], object]:
        return lambda facts: next(
            d for d, ways in family.readings(facts).items() if ways[0].code == code
        )

    def says(facts: Facts, value: Any) -> str:
        ways = ways_of(facts, value)
        if len(ways) == 1:
            return ways[0].says
        return f"{len(ways)} things differ. " + " ".join(
            f"({n}) {w.says}" for n, w in enumerate(ways, 1)
        )

    out: dict[str, Slip] = {}
    ways = [w for d in family.dimensions for w in d] + [w for w, _ in family.whole]
    for way in ways:
        if way.code not in out:
            out[way.code] = Slip(
                way.code, says, example(way.code), match(way.code), holds=way.holds
            )
    return tuple(out.values())
