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

from casnb.session.session import Session
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


def _ordered(*first: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda m: {k: m[k] for k in (*first, *(k for k in m if k not in first)) if k in m}


def _dropped(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
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


def _lines(end: str) -> Callable[[str], str]:
    return lambda t: t.replace("\\r\\n", end)


def _additional(facts: Facts) -> dict[str, Any]:
    return dict(facts.report.additional_data)


BINDING = Family(
    "sha512",
    _additional,
    (
        SPACES,
        (ORDER,),
        (
            Way(
                "line-ends",
                "The line ends inside cert_chain were changed. They are CR LF, and they are part of"
                " what is hashed.",
                "line ends do not matter to a hash",
                text=_lines("\\n"),
            ),
            Way("line-ends", "The line ends inside cert_chain were taken out.", text=_lines("")),
        ),
        NEWLINE,
        (
            Way(
                "no-nonce",
                "The nonce is missing or empty. It is bound too.",
                "the nonce is not part of what is bound",
                edit=lambda m: m | {"nonce": ""},
            ),
            Way("no-nonce", "The member nonce is missing.", edit=_dropped("nonce")),
        ),
        (
            Way(
                "no-type",
                "The member type is missing.",
                "only what looks useful is hashed",
                edit=_dropped("type"),
            ),
        ),
        (
            Way(
                "sha256",
                "SHA-256 gives 32 bytes; the field has 64.",
                "report_data is a SHA-256",
                digest="sha256",
            ),
            Way(
                "sha384",
                "SHA-384 gives 48 bytes; the field has 64.",
                "report_data is a SHA-384",
                digest="sha384",
            ),
            Way(
                "sha3",
                "This is SHA3-512. The SHA-2 family is meant.",
                "SHA-3 is used",
                digest="sha3_512",
            ),
        ),
    ),
    (
        (
            Way(
                "whole-report",
                "This is the hash of the whole response. It cannot be: the report would have to"
                " contain its own hash.",
                "the whole response is hashed",
            ),
            lambda facts: facts.report_bytes,
        ),
        (
            Way(
                "python-text",
                "This is the hash of the dictionary as Python prints it.",
                "Python's way to print a dictionary is JSON",
            ),
            lambda facts: str(_additional(facts)).encode(),
        ),
    ),
)


def lesson_session(facts: Facts) -> Session:
    """Return the session whose hash is asked for."""
    return facts.kept("lesson session", lambda: _lesson_session(facts))


def _lesson_session(facts: Facts) -> Session:
    return Session.from_yaml(
        f'name: lesson-{facts.nonce[:8]}\nversion: "0.3"\n'
        "access_policy: {read: ANY, update: NONE}\n"
    )


def _members(facts: Facts) -> dict[str, Any]:
    return lesson_session(facts).normalised() | {"": facts.nonce}


def _renamed(make: Callable[[str], str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Another name, made from the whole nonce, which the members carry along until then."""
    return lambda m: {k: make(m[""]) if k == "name" else v for k, v in m.items()}


def _access(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda m: m | {"access_policy": change(m["access_policy"])}


def _typed() -> list[Callable[[Facts], bytes]]:
    """The session as one would type it, in the usual ways."""
    bodies = (
        'name: {n}\nversion: "0.3"\naccess_policy: {{read: ANY, update: NONE}}',
        'name: {n}\nversion: "0.3"\naccess_policy:\n  read: ANY\n  update: NONE',
        'name: {n}\nversion: "0.3"\naccess_policy:\n  read:\n    - ANY\n  update:\n    - NONE',
        'version: "0.3"\nname: {n}\naccess_policy: {{read: ANY, update: NONE}}',
        'name: {n}\nversion: "0.3"\naccess_policy: {{read: [ANY], update: [NONE]}}',
    )

    def make(body: str, end: str) -> Callable[[Facts], bytes]:
        return lambda facts: (body.format(n=lesson_session(facts).name) + end).encode()

    return [make(body, end) for body in bodies for end in ("", "\n")]


class _Named(Family):
    """A family whose members carry the nonce along under no name."""

    def _hash(self, facts: Facts, ways: tuple[Way, ...]) -> str:
        last = Way(edit=_dropped(""))
        edits = tuple(w for w in ways if w.edit and not w.write)
        rest = tuple(w for w in ways if w not in edits)
        return super()._hash(facts, (*edits, last, *rest))


def _plain_text(facts: Facts, tail: str = "") -> bytes:
    return (lesson_session(facts).to_yaml().rstrip("\n") + tail).encode()


def _first_digits(count: int) -> Way:
    return Way(
        "which-digits",
        f"{_DIGITS}{count}.",
        edit=_renamed(lambda nonce: f"lesson-{nonce[:count]}"),
    )


_DIGITS = "The name has the first eight digits of the nonce behind lesson-. Yours has "
SESSION = _Named(
    "sha256",
    _members,
    (
        (
            Way(
                "which-digits",
                _DIGITS + "others of them.",
                "any digits of the nonce will do",
                edit=_renamed(lambda n: f"lesson-{n[-8:]}"),
            ),
            *(_first_digits(n) for n in (4, 6, 7, 9, 10, 12, 16, 32)),
            Way(
                "which-digits",
                _DIGITS + "the eight behind those.",
                edit=_renamed(lambda n: f"lesson-{n[8:16]}"),
            ),
            Way(
                "which-digits",
                _DIGITS + "them in upper case.",
                edit=_renamed(lambda n: f"lesson-{n[:8].upper()}"),
            ),
            Way(
                "no-prefix",
                "The name is the digits alone; it starts with lesson-.",
                "the name is the nonce",
                edit=_renamed(lambda n: n[:8]),
            ),
            Way(
                "no-prefix",
                "The name lacks the hyphen: it starts with lesson-.",
                edit=_renamed(lambda n: f"lesson{n[:8]}"),
            ),
            Way(
                "no-prefix",
                "The name has an underscore: it starts with lesson-.",
                edit=_renamed(lambda n: f"lesson_{n[:8]}"),
            ),
        ),
        (
            Way(
                "version-number",
                'The version was a number. It is text: "0.3".',
                "the version is a number",
                edit=lambda m: m | {"version": 0.3},
            ),
            Way(
                "other-version",
                'Another version of the language: this session is in "0.3".',
                "every version of the language hashes alike",
                edit=lambda m: m | {"version": "0.2"},
            ),
            Way(
                "other-version",
                'Another version of the language: this session is in "0.3".',
                edit=lambda m: m | {"version": "0.3.0"},
            ),
        ),
        (
            Way(
                "no-predecessor",
                "predecessor is missing. A first version has it too: null.",
                "a first version has no predecessor member",
                edit=_dropped("predecessor"),
            ),
            Way(
                "empty-predecessor",
                "predecessor is an empty text. A first version has null.",
                "no predecessor is an empty text",
                edit=lambda m: m | {"predecessor": ""},
            ),
            Way(
                "empty-predecessor",
                'predecessor is the text "null". A first version has null, no text.',
                edit=lambda m: m | {"predecessor": "null"},
            ),
        ),
        (
            Way(
                "access-as-text",
                "The access policy has single words. A CAS makes lists of them.",
                "a single word and a list of one hash alike",
                edit=_access(lambda a: {k: v[0] for k, v in a.items()}),
            ),
            Way(
                "access-order",
                "read stands before update.",
                "the order of actions does not matter",
                edit=_access(lambda a: dict(reversed(list(a.items())))),
            ),
            Way(
                "other-access",
                "The access policy has other actions than read and update.",
                "actions that nobody named are filled in",
                edit=_access(lambda a: {**a, "create_sessions": ["NONE"]}),
            ),
            Way(
                "other-access",
                "Everybody may read, and nobody may update: ANY and NONE.",
                edit=_access(lambda a: {k: ["CREATOR"] for k in a}),
            ),
            Way(
                "other-access",
                "read and update are the wrong way round: ANY reads, NONE updates.",
                edit=_access(lambda a: dict(zip(a, reversed(list(a.values())), strict=True))),
            ),
        ),
        (
            Way(
                "name-first",
                "The name comes before the version. The order is fixed: version, name,"
                " predecessor, access_policy.",
                "the order in the file is the order in the hash",
                edit=_ordered("name", "version"),
            ),
            Way(
                "name-first",
                "predecessor follows the access policy. The order is fixed:"
                " version, name, predecessor, access_policy.",
                edit=_ordered("version", "name", "access_policy"),
            ),
            Way(
                "name-first",
                "The order is fixed: version, name, predecessor, access_policy.",
                edit=_ordered("name", "version", "access_policy"),
            ),
        ),
        (
            Way(
                "sorted",
                "The members were sorted by name. The order is fixed: version, name,"
                " predecessor, access_policy.",
                "the members of a session are sorted before hashing",
                write={"sort_keys": True},
            ),
        ),
        SPACES,
        NEWLINE,
        (
            Way(
                "sha512",
                "This is SHA-512. A session's hash is SHA-256.",
                "a session's hash is SHA-512",
                digest="sha512",
            ),
            Way(
                "sha1",
                "This is SHA-1. A session's hash is SHA-256.",
                "a session's hash is SHA-1",
                digest="sha1",
            ),
        ),
    ),
    (
        (
            Way(
                "of-the-text",
                "This is the hash of YAML text. What is hashed is JSON, in an order of its own.",
                "the YAML text is hashed",
            ),
            _plain_text,
        ),
        (
            Way("of-the-text", "This is the hash of YAML text. What is hashed is JSON."),
            lambda facts: _plain_text(facts, "\n"),
        ),
        *(
            (
                Way(
                    "of-the-text",
                    "This is the hash of YAML text, as you would type it. What is hashed is"
                    " JSON, with what a CAS fills in.",
                ),
                make,
            )
            for make in _typed()
        ),
        (
            Way("name-alone", "This is the hash of the name alone.", "the name alone is hashed"),
            lambda facts: lesson_session(facts).name.encode(),
        ),
        (
            Way("name-alone", "This is the hash of the name alone, with a newline."),
            lambda facts: lesson_session(facts).name.encode() + b"\n",
        ),
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
