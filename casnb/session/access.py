"""Who may do what with a session: entries of an access policy, read, written back, and compared
with the keys of a client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from casnb.base.errors import EvidenceError
from casnb.session.material import canonical_certificate, load_certificate
from casnb.session.nodes import Node
from casnb.verify.keyhash import key_hash_problem, spki_hash, unbase58check

T = TypeVar("T")

#: Actions that a policy speaks of, in the order in which a session is hashed; the last two follow
#: another where they are absent.
ACTIONS = ("read", "update", "create_sessions", "list_sessions")
#: Which action an absent one follows.
FOLLOWS = {"create_sessions": "update", "list_sessions": "read"}
#: No list has more entries, and no rule nests deeper.
_MOST, _DEPTH = 256, 4

_WORDS = ("CREATOR", "ANY", "NONE")
_KEY_HASH = re.compile(r"[1-9A-HJ-NP-Za-km-z]{50}")
_AT_LEAST = re.compile(r"require-at-least-([1-9][0-9]{0,2})")
_WANTED = "NONE, ANY, CREATOR, a PEM certificate or a key hash"
_HINT = (
    "A key hash has 50 characters; `scone self show-key-hash` prints yours, `scone cert"
    " show-key-hash FILE` that of a certificate."
)


@dataclass(frozen=True)
class Signer:
    """Whoever signed the request with this key: `key` as it was written, PEM (SPKI) or, for
    Ed25519, 50 characters of Base58.
    """

    key: str

    @property
    def spki(self) -> bytes:
        """The public key in its DER form."""
        return _signer_key(self.key)

    def plain(self) -> dict[str, str]:
        """Return it as it is written in a session."""
        return {"signer": self.key}


@dataclass(frozen=True)
class Quorum:
    """All of several entries, or at least `least` of them, by as many keys."""

    entries: tuple[Entry, ...]
    least: int | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as it is written in a session."""
        return {
            "require-all" if self.least is None else f"require-at-least-{self.least}": [
                plain(e) for e in self.entries
            ]
        }


#: A word (CREATOR, ANY, NONE), a PEM certificate or a key hash; a signer; several of those
#: together.
Entry = str | Signer | Quorum
Access = Mapping[str, tuple[Entry, ...]]
DEFAULT: Access = {"read": ("CREATOR",), "update": ("CREATOR",)}


@dataclass(frozen=True)
class Keys:
    """The public keys (SPKI, DER) of who asks: proven in TLS handshakes, and those that signed
    the request.
    """

    tls: frozenset[bytes] = frozenset()
    signers: frozenset[bytes] = frozenset()


def plain(entry: Entry) -> Any:
    """Return an entry as it is written in a session."""
    return entry if isinstance(entry, str) else entry.plain()


def leaves(entries: tuple[Entry, ...]) -> Iterator[str | Signer]:
    """Return what the entries name in the end, whatever it takes of them."""
    for entry in entries:
        if isinstance(entry, Quorum):
            yield from leaves(entry.entries)
        else:
            yield entry


def met(entry: Entry, keys: Keys, creator: str | Signer | None) -> bool:
    """Return whether these keys meet an entry. Keys are compared, never certificates; `at least
    N` takes N different ones.
    """
    return _met_by(entry, keys, creator) is not None


def _met_by(entry: Entry, keys: Keys, creator: str | Signer | None) -> frozenset[bytes] | None:
    """The keys that meet an entry, none for ANY; None where it is not met."""
    if isinstance(entry, Quorum):
        found = [_met_by(e, keys, creator) for e in entry.entries]
        by = {f for f in found if f is not None}
        every = frozenset[bytes]().union(*by)
        if entry.least is None:
            return None if None in found else every
        return every if min(len(by), len(every)) >= entry.least else None
    if isinstance(entry, Signer):
        return frozenset((entry.spki,)) if entry.spki in keys.signers else None
    if entry == "CREATOR":
        return None if creator is None else _met_by(creator, keys, None)
    if entry in ("ANY", "NONE"):
        return frozenset() if entry == "ANY" else None
    if _KEY_HASH.fullmatch(entry):
        return next((frozenset((key,)) for key in keys.tls if entry == spki_hash(key)), None)
    return frozenset((public_key(entry),)) if public_key(entry) in keys.tls else None


# Reading


def read_access(node: Node, old: bool) -> dict[str, tuple[Entry, ...]]:
    """Return the entries by action, defaults filled in; `old` is language 0.2, which knows read
    and update alone.
    """
    allowed = ACTIONS[:2] if old else ACTIONS
    for action in ACTIONS[len(allowed) :]:
        if node.get(action).there:
            raise node.get(action).refuse(
                "read and update",
                'Write version: "0.3"; only that makes a namespace.',
                got=f"{action} in language 0.2",
            )
    found = node.members(allowed, "a mapping with read and update")
    given = {a: found.get(a) for a in ACTIONS if a in found or a in DEFAULT}
    return {
        action: ("CREATOR",) if rows is None else _entries(rows, action)
        for action, rows in given.items()
    }


def _entries(node: Node, action: str) -> tuple[Entry, ...]:
    rows = node.one_or_rows(_WANTED)
    if not rows:
        raise node.refuse(_WANTED, "NONE is how nobody is written.", got="no entry")
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=f"{len(rows)} entries")
    entries = tuple(_entry(row, action, 0) for row in rows)
    for alone in ("ANY", "NONE"):
        if alone in entries and len(entries) > 1:
            raise node.refuse(
                f"{alone} alone", "Take out the others, or the word.", got=f"{alone} with others"
            )
    return entries


def _entry(node: Node, action: str, depth: int) -> Entry:
    if isinstance(node.value, dict):
        return _rule(node, action, depth)
    entry = node.text(_WANTED, _HINT)
    if entry in _WORDS:
        if depth and entry != "CREATOR":
            raise node.refuse(
                "CREATOR, a certificate, a key hash or a signer",
                f"{entry} stands alone, not in a rule of several.",
            )
        return entry
    if entry.startswith("-----BEGIN CERTIFICATE-----"):
        return _at(node, canonical_certificate, entry)
    if entry.startswith("$$SCONE::"):
        raise node.unbuilt(entry, "Write the certificate or the key hash itself.")
    if key_hash_problem(entry):
        raise node.refuse(_WANTED, _cure(entry))
    return entry


def _cure(entry: str) -> str:
    if entry.upper() in _WORDS:
        return f"Write {entry.upper()}, in capitals."
    if unbase58check(entry)[:1] == b"\x0a":
        return f"This is a signer's key: write `signer: {entry}`, in update or create_sessions."
    return (
        "The checksum of these 50 characters does not hold: a typing error?"
        if len(entry) == 50
        else _HINT
    )


def _rule(node: Node, action: str, depth: int) -> Entry:
    wanted = "signer, require-all or require-at-least-N"
    if len(node.value) != 1:
        raise node.refuse(
            f"one of {wanted}", "Each rule is an item of its own.", got=f"{len(node.value)} members"
        )
    ((name, value),) = node.value.items()
    if name != "signer" and name != "require-all" and not _AT_LEAST.fullmatch(name):
        raise node.refuse(wanted, got=f"member {name!r}")
    if action in ("read", "list_sessions"):
        raise node.refuse(
            _WANTED,
            f"{name} is possible where something is uploaded: in update and create_sessions.",
            got=name,
        )
    if name == "signer":
        text = value.text("a public key, PEM, or 50 characters that begin with L, M or N")
        return _at(value, lambda t: Signer(_canonical_signer(t)), text)
    if depth >= _DEPTH:
        raise node.refuse(f"at most {_DEPTH} levels of rules")
    rows = [r for r in value.rows("a list of entries") if r.there]
    number = _AT_LEAST.fullmatch(name)
    least = int(number[1]) if number else None
    if not 1 <= (least or 1) <= len(rows) <= _MOST:
        raise value.refuse(
            f"{least or 1} to {_MOST} entries",
            "More are needed than are listed." if rows else "",
            got=f"{len(rows)} entries",
        )
    entries = tuple(_entry(row, action, depth + 1) for row in rows)
    if len(set(entries)) < len(entries):
        raise value.refuse("each entry once", "One key is not two people.", got="an entry twice")
    return Quorum(entries, least)


def read_creator(node: Node) -> str | Signer | None:
    """Return what a CAS adds on upload: a PEM certificate, or the signer of the request."""
    if not node.there:
        return None
    if isinstance(node.value, dict):
        key = node.members(("signer",)).get("signer", node.get("signer"))
        return _at(key, lambda t: Signer(_canonical_signer(t)), key.text("a public key, PEM"))
    return _at(node, canonical_certificate, node.text("a PEM certificate"))


def _at(node: Node, make: Callable[[str], T], text: str) -> T:
    """Make something of text; what is wrong with it is said with its place, and the text is not
    quoted.
    """
    try:
        return make(text)
    except EvidenceError as exc:
        raise node.refuse(exc.wanted or "", got=exc.got) from None


# Keys


@lru_cache(maxsize=256)
def public_key(certificate_pem: str) -> bytes:
    """Return the public key of a PEM certificate as SPKI in DER; raise EvidenceError if there is
    none to read.
    """
    return (
        load_certificate(certificate_pem)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


@lru_cache(maxsize=256)
def _signer_key(text: str) -> bytes:
    payload = unbase58check(text)
    if payload[:1] == b"\x0a":
        key: Any = Ed25519PublicKey.from_public_bytes(payload[1:])
    else:
        try:
            key = load_pem_public_key(text.encode())
        except Exception:  # as above
            raise EvidenceError(
                "signer",
                got="text that is no public key",
                wanted="a public key in PEM, or an Ed25519 key of 50 characters in Base58",
            ) from None
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _canonical_signer(text: str) -> str:
    key = _signer_key(text.strip())
    if not text.strip().startswith("-----"):
        return text.strip()
    found = load_pem_public_key(text.strip().encode())
    assert found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key
    return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
