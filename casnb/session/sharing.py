"""Which sessions a secret or a volume is exported to, and where it is imported from: references to
other sessions, in every form that the language has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from casnb.base.errors import EvidenceError
from casnb.session.names import SEGMENT, name_problem, relative, resolve
from casnb.session.nodes import Node

_HASH = re.compile(r"[0-9a-f]{64}")
_REMOTE = ("cas_url", "cas_key", "cas_software_key")
_RELATIVE_SINCE = 10
_MOST = 256


@dataclass(frozen=True)
class Party:
    """A session, one version of it, or a namespace with all sessions below it: to whom a secret
    is exported, or where it comes from.
    """

    session: str | None = None
    namespace: str | None = None
    session_hash: str | None = None
    secret: str | None = None

    def plain(self) -> dict[str, str]:
        """Return it as it is written in a session."""
        pairs = (
            ("session", self.session),
            ("namespace", self.namespace),
            ("session_hash", self.session_hash),
            ("secret", self.secret),
        )
        return {name: value for name, value in pairs if value is not None}

    def word(self) -> str:
        """Return it as language 0.2 writes it: `session`, or `session:hash`."""
        return str(self.session) + (f":{self.session_hash}" if self.session_hash else "")


def read_import(node: Node, minor: int, own: str) -> Party | None:
    """Return where a secret comes from; `own` is its name, which in language 0.2 (`minor` -1) is
    its name there too.
    """
    if not node.there:
        return None
    if minor < 0:
        return replace(read_word(node), secret=own)
    party = _party(node, ("session", "session_hash", "secret"), minor)
    if party.session is None or party.secret is None:
        missing = "session" if party.session is None else "secret"
        raise node.refuse(
            "session and secret",
            f"Say {'whose' if missing == 'session' else 'which'} it is.",
            got=f"no {missing}",
        )
    return party


def read_exports(node: Node, minor: int) -> tuple[Party, ...]:
    """Return to whom a secret is exported."""
    if not node.there:
        return ()
    rows = node.one_or_rows("a mapping with session or namespace, or a list of them")
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    if minor < 0:
        return tuple(map(read_word, rows))
    parties = []
    for row in rows:
        party = _party(row, ("session", "namespace", "session_hash"), minor)
        if (party.session is None) == (party.namespace is None):
            raise row.refuse(
                "either session or namespace", got="both" if party.session else "neither"
            )
        if party.namespace and party.session_hash:
            raise row.refuse(
                "session_hash with session only",
                "A namespace has sessions of many hashes.",
                got="session_hash",
            )
        parties.append(party)
    return tuple(parties)


def check_names(node: Node, parties: Sequence[Party | None], base: str) -> None:
    """Raise EvidenceError where a relative name leads to no session."""
    for party in parties:
        name = (party.session or party.namespace) if party else None
        try:
            resolve(name or base, base)
        except EvidenceError as exc:
            raise node.refuse(exc.wanted or "", exc.do, got=exc.got) from None


def read_reference(node: Node, allowed: tuple[str, ...], minor: int) -> dict[str, Node]:
    """Return the members of a reference to another session, a mapping or the same as
    `/session=A,secret=B`; the session's name is checked.
    """
    if isinstance(node.value, str):
        node = replace(node, value=_pairs(node))
    if not isinstance(node.value, dict):
        raise node.refuse("a mapping with " + ", ".join(allowed))
    for member in _REMOTE:
        if node.get(member).there:
            raise node.get(member).unbuilt(f"{member} (another CAS)", "Use a session of this CAS.")
    found = node.members(allowed)
    for member in ("session", "namespace"):
        if member in found and found[member].there:
            _session_name(found[member], minor)
    return {name: member for name, member in found.items() if member.there}


def _pairs(node: Node) -> dict[str, Node]:
    """Take `/session=A,secret=B` apart; with a host before the slash it is another CAS."""
    host, slash, rest = str(node.value).partition("/")
    pairs = [part.partition("=")[::2] for part in rest.split(",")]
    names = [name for name, _ in pairs]
    if not slash or len(set(names)) < len(names) or not all(value for _, value in pairs):
        raise node.refuse("a mapping, or /session=NAME,secret=NAME", "Each key once, with a value.")
    found = {
        name: Node(value, name, node, node.line, node.column, node.what) for name, value in pairs
    }
    if host:
        found["cas_url"] = Node(host, "cas_url", node, node.line, node.column, node.what)
    if "session" in found and relative(str(found["session"].value)):
        raise node.refuse("a whole name", "Relative names stand in a mapping only.")
    return found


def _party(node: Node, allowed: tuple[str, ...], minor: int) -> Party:
    found = read_reference(node, allowed, minor)
    texts = {name: found[name].text() for name in ("session", "namespace") if name in found}
    hash_node, secret = found.get("session_hash"), found.get("secret")
    return Party(
        texts.get("session"),
        texts.get("namespace"),
        hash_node.matching(_HASH, "64 lower-case hex digits") if hash_node else None,
        secret.matching(SEGMENT, "the name of a secret") if secret else None,
    )


def read_word(node: Node) -> Party:
    """Return what language 0.2 writes: a session's name, or `name:hash`."""
    name, colon, hash = node.text("a session's name, or name:hash").partition(":")
    if problem := name_problem(name):
        raise node.refuse("a session's name, or name:hash", problem)
    if colon and not _HASH.fullmatch(hash):
        raise node.refuse("64 lower-case hex digits after the colon")
    return Party(session=name, session_hash=hash or None)


def _session_name(node: Node, minor: int) -> None:
    """A session's name: whole, with or without a leading slash, or relative."""
    name = node.text("a session name")
    if relative(name) and minor < _RELATIVE_SINCE:
        raise node.refuse(
            "a whole name",
            f"Relative names are there since 0.3.{_RELATIVE_SINCE}: write version:"
            f' "0.3.{_RELATIVE_SINCE}" or later, or "0.3".',
        )
    rest = re.sub(r"^(\.\.?(/|$))*", "", name) if relative(name) else name.removeprefix("/")
    if relative(name) and not rest:
        return
    if problem := name_problem(rest):
        raise node.refuse("a session name, or one that begins with ./ or ../", problem)
