"""How a session is hashed wrongly: the readings that have a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from casnb.session.session import Session
from casnb.teach.course.misreadings import NEWLINE, SPACES, Family, Way, dropped, ordered

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


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
        last = Way(edit=dropped(""))
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


_DIGITS = "The name has the first eight digits of the nonce after lesson-. Yours has "


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
                edit=dropped("predecessor"),
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
                edit=ordered("name", "version"),
            ),
            Way(
                "name-first",
                "predecessor follows the access policy. The order is fixed:"
                " version, name, predecessor, access_policy.",
                edit=ordered("version", "name", "access_policy"),
            ),
            Way(
                "name-first",
                "The order is fixed: version, name, predecessor, access_policy.",
                edit=ordered("name", "version", "access_policy"),
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
