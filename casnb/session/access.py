"""Who may do what with a session: entries of an access policy, read, written back, and compared
with the keys of a client.
"""

from __future__ import annotations

import hashlib
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
from casnb.session.placeholders import BEGINS, placeholders
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
_CERTIFICATE_HASH = re.compile(r"[0-9a-f]{64}")
_AT_LEAST = re.compile(r"require-at-least-([1-9][0-9]{0,2})")
#: Since which minor version of language 0.3 there are signers and rules of several.
_RULES_SINCE = 10
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


#: A word (CREATOR, ANY, NONE), a PEM certificate, a key hash, in language 0.2 a certificate's hash,
#: or a variable (`$$SCONE::name$$`); a signer; several of those together.
Entry = str | Signer | Quorum
Access = Mapping[str, tuple[Entry, ...]]
DEFAULT: Access = {"read": ("CREATOR",), "update": ("CREATOR",)}


@dataclass(frozen=True)
class Keys:
    """The public keys (SPKI, DER) of who asks: proven in TLS handshakes, and those that signed
    the request. `certificates` are the hashes (SHA-256 of PEM, hex) by which language 0.2 names
    the certificates of those handshakes.
    """

    tls: frozenset[bytes] = frozenset()
    signers: frozenset[bytes] = frozenset()
    certificates: frozenset[str] = frozenset()


def plain(entry: Entry) -> Any:
    """Return an entry as it is written in a session."""
    return entry if isinstance(entry, str) else entry.plain()


def is_variable(entry: Entry) -> bool:
    """Whether a secret stands for an entry: it admits nobody until its value is filled in."""
    return isinstance(entry, str) and entry.startswith("$$SCONE::")


def certificate_hash(certificate_pem: str) -> str:
    """Return the hash by which language 0.2 names a certificate: SHA-256 of its PEM text with LF,
    hex.
    """
    return hashlib.sha256(canonical_certificate(certificate_pem).encode()).hexdigest()


def leaves(entries: tuple[Entry, ...]) -> Iterator[str | Signer]:
    """Yield the leaves of nested rules: words, keys, certificates and signers."""
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
    if is_variable(entry):
        return None
    if _CERTIFICATE_HASH.fullmatch(entry):
        return frozenset(keys.tls) if entry in keys.certificates else None
    if _KEY_HASH.fullmatch(entry):
        return next((frozenset((key,)) for key in keys.tls if entry == spki_hash(key)), None)
    return frozenset((public_key(entry),)) if public_key(entry) in keys.tls else None


# Reading


@dataclass(frozen=True)
class _Reading:
    """What entries are read by: the action, the minor version (-1: language 0.2), the secrets of
    the session, by name, with their kinds.
    """

    action: str
    minor: int
    kinds: Mapping[str, str | None]


def read_access(
    node: Node, minor: int, kinds: Mapping[str, str | None]
) -> dict[str, tuple[Entry, ...]]:
    """Return the entries by action, defaults filled in; where a variable stands for the whole
    policy, it is the one entry of each.

    `minor` is the version of language 0.3; -1 is 0.2, which knows read and update alone. `kinds`
    are the secrets of the session.
    """
    if node.hole:
        return {action: (node.hole.strip(),) for action in DEFAULT}
    allowed = ACTIONS[:2] if minor < 0 else ACTIONS
    found = node.members(allowed, "a mapping with read and update")
    given = {a: found.get(a) for a in ACTIONS if a in found or a in DEFAULT}
    access = {
        action: ("CREATOR",) if rows is None else _entries(rows, _Reading(action, minor, kinds))
        for action, rows in given.items()
    }
    if minor < 0:
        _old_rule(node, access)
    return access


def read_entry(value: object, action: str, minor: int) -> tuple[Entry, ...]:
    """Return the entries that the value of a variable is: one, or a list of them; raise
    EvidenceError for anything else.
    """
    return _entries(Node.of(value, action), _Reading(action, minor, {}))


def _old_rule(node: Node, access: Access) -> None:
    """In language 0.2 who may update is among those who may read."""
    readers = access["read"]
    for entry in access["update"]:
        if entry not in (*readers, "NONE") and readers != ("ANY",):
            raise node.get("update").refuse(
                "entries that stand under read as well",
                "Language 0.2 wants each of them there too.",
                got=f"{str(plain(entry))[:60]!r} under update alone",
            )


def _entries(node: Node, how: _Reading) -> tuple[Entry, ...]:
    rows = node.one_or_rows(_WANTED)
    if not rows:
        raise node.refuse(_WANTED, "NONE is how nobody is written.", got="no entry")
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=f"{len(rows)} entries")
    entries = tuple(_entry(row, how, 0) for row in rows)
    for alone in ("ANY", "NONE"):
        if alone in entries and len(entries) > 1:
            raise node.refuse(
                f"{alone} alone", "Take out the others, or the word.", got=f"{alone} with others"
            )
    return entries


def _entry(node: Node, how: _Reading, depth: int) -> Entry:
    if isinstance(node.value, dict):
        return _rule(node, how, depth)
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
    if BEGINS in entry:
        return _variable(node, entry.strip(), how)
    if how.minor < 0 and _CERTIFICATE_HASH.fullmatch(entry):
        return entry
    if key_hash_problem(entry):
        raise node.refuse(_WANTED, _cure(entry))
    return entry


def _variable(node: Node, entry: str, how: _Reading) -> str:
    """A secret whose value is an entry: CREATOR, a key hash, a certificate; since 0.3.10 a
    fragment too.
    """
    try:
        found = placeholders(entry)
        form = found[0].form(how.kinds, how.minor)[1]
    except EvidenceError as exc:
        raise node.refuse(exc.wanted or "", exc.do, got=f"{exc.subject}: {exc.got}") from None
    if len(found) != 1 or found[0].text != entry or (form is not None and not form.plain):
        raise node.refuse(
            "one placeholder of a secret with a text", "Its value is the whole entry.", got=entry
        )
    return entry


def _cure(entry: str) -> str:
    if _CERTIFICATE_HASH.fullmatch(entry):
        return "Certificates by their hash are of language 0.2. " + _HINT
    if entry.upper() in _WORDS:
        return f"Write {entry.upper()}, in capitals."
    if unbase58check(entry)[:1] == b"\x0a":
        return f"This is a signer's key: write `signer: {entry}`, in update or create_sessions."
    return (
        "The checksum of these 50 characters does not hold: a typing error?"
        if len(entry) == 50
        else _HINT
    )


def _rule(node: Node, how: _Reading, depth: int) -> Entry:
    wanted, action = "signer, require-all or require-at-least-N", how.action
    if len(node.value) != 1:
        raise node.refuse(
            f"one of {wanted}", "Each rule is an item of its own.", got=f"{len(node.value)} members"
        )
    ((name, value),) = node.value.items()
    if name != "signer" and name != "require-all" and not _AT_LEAST.fullmatch(name):
        raise node.refuse(wanted, got=f"member {name!r}")
    if how.minor < _RULES_SINCE:
        raise node.refuse(
            _WANTED, f'It is there since 0.3.{_RULES_SINCE}: write version: "0.3".', got=name
        )
    if action == "read" or (action == "list_sessions" and name != "signer"):
        raise node.refuse(
            _WANTED,
            f"{name} is possible where something is uploaded: in update and create_sessions.",
            got=name,
        )
    if name == "signer":
        text = value.text("a public key, PEM, or 50 characters that begin with L, M or N")
        return _at(value, lambda t: Signer(canonical_signer(t)), text)
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
    entries = tuple(_entry(row, how, depth + 1) for row in rows)
    if len(set(entries)) < len(entries):
        raise value.refuse("each entry once", "One key is not two people.", got="an entry twice")
    return Quorum(entries, least)


def read_creator(node: Node) -> str | Signer | None:
    """Return what a CAS adds on upload: a PEM certificate, or the signer of the request."""
    if not node.there:
        return None
    if isinstance(node.value, dict):
        key = node.members(("signer",)).get("signer", node.get("signer"))
        return _at(key, lambda t: Signer(canonical_signer(t)), key.text("a public key, PEM"))
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
                got="text that is not a public key",
                wanted="a public key in PEM, or an Ed25519 key of 50 characters in Base58",
            ) from None
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def canonical_signer(text: str) -> str:
    """Return a signer's public key as policies write it: SPKI PEM, or 50 characters; raise
    EvidenceError for anything else.
    """
    key = _signer_key(text.strip())
    if not text.strip().startswith("-----"):
        return text.strip()
    found = load_pem_public_key(text.strip().encode())
    assert found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key
    return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
