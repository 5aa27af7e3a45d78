"""The session language 0.3, as far as casnb speaks it: read, check, substitute variables, normalise, hash, read back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.cas.template import environment, read_document
from casnb.errors import EvidenceError, UsageError
from casnb.evidence import strictjson
from casnb.verify.keyhash import base58check

#: Members of a session in the order in which it is hashed and read back. The places of `images`, `volumes` and `secrets`
#: are casnb's own choice: no public example shows them.
MEMBERS = ("version", "name", "predecessor", "services", "images", "volumes", "secrets", "access_policy", "security", "creator")
_SERVICE = ("name", "environment", "command", "pwd", "persistency")
_POLICIES = ("read", "update", "create_sessions")

_VERSION = re.compile(r"0\.3(\.(0|[1-9][0-9]?))?")
_SEGMENT = re.compile(r"[A-Za-z0-9_\-.~]{1,128}")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEY_HASH = re.compile(r"[1-9A-HJ-NP-Za-km-z]{50}")
_ASCII = re.compile(r"[\t\n\r -~]*")
_BINARY = re.compile(r"([0-9A-Fa-f]{2})*")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LONGEST_NAME = 512
_MOST_SECRETS = 256
_LONGEST_VALUE = 1 << 16
_LARGEST_SIZE = 4096


@dataclass(frozen=True)
class Secret:
    """One secret: its value where the session gives one; otherwise CAS makes one, `size` characters (ascii) or bytes (binary)."""

    name: str
    kind: str
    value: str | None = field(default=None, repr=False)
    size: int = 20
    export_public: bool = False

    def normalised(self) -> dict[str, Any]:
        """Return the members in the order in which they are hashed; order and filled defaults are casnb's own choice."""
        given = {"size": self.size} if self.value is None else {"value": self.value}
        return {"name": self.name, "kind": self.kind, **given, "export_public": self.export_public}


@dataclass(frozen=True)
class Session:
    """A session description (a policy) with its defaults filled in; immutable.

    `others` holds `services`, `images`, `volumes` and `security`: they are carried and hashed, and mean nothing to casnb.
    """

    name: str
    version: str = "0.3"
    predecessor: str | None = None
    secrets: tuple[Secret, ...] = ()
    access: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"read": ("CREATOR",), "update": ("CREATOR",)})
    others: Mapping[str, Any] = field(default_factory=dict)
    creator: str | None = field(default=None, repr=False)

    @classmethod
    def from_yaml(cls, text: str | bytes, *, variables: Mapping[str, str] | None = None, use_env: bool = False,
                  name: str | None = None) -> Session:
        """Read a session; `name` replaces the one in the text, after variables were substituted.

        With `variables` (an empty mapping will do) or `use_env`, `$NAME` and `${NAME}` in values are replaced, `variables`
        before the environment. Without both, `$` stays as it is: so a CAS reads what it is sent.
        Raises EvidenceError for text that is no session (more than 256 kB, anchors, tags, unknown members, wrong types) and
        UsageError for a variable without a value and for what the language has and casnb does not.

        >>> Session.from_yaml("name: $NS\\nversion: 0.3\\npredecessor: ~", variables={"NS": "mine"}).name
        'mine'
        """
        known = None if variables is None and not use_env else environment(variables or {}, use_env)
        document = read_document(text, "session", known)
        if not isinstance(document, dict):
            raise EvidenceError("session", got=_kind(document), wanted="a mapping with name and version")
        return _session(document, name)

    def with_predecessor(self, predecessor: str | None) -> Session:
        """Return the same session as an update of the version with this hash."""
        return replace(self, predecessor=_predecessor(predecessor))

    def with_creator(self, certificate_pem: str | None) -> Session:
        """Return what a CAS stores when the holder of this certificate uploads: it is named only where CREATOR is used."""
        creator = canonical_pem(certificate_pem) if certificate_pem and self.names_creator else None
        return replace(self, creator=creator)

    @property
    def names_creator(self) -> bool:
        """Whether an access policy says CREATOR."""
        return any("CREATOR" in entries for entries in self.access.values())

    @property
    def public_names(self) -> tuple[str, ...]:
        """The secrets that anybody may read."""
        return tuple(s.name for s in self.secrets if s.export_public)

    def admits(self, action: str, key: bytes | None) -> bool:
        """Return whether a client may `read`, `update` or `create_sessions` below; `key` is its SPKI in DER (None: no key).

        `create_sessions` follows `update` where it is not given. Keys are compared, never certificates.
        """
        entries = self.access.get(action, self.access["update"])
        if "ANY" in entries:
            return True
        return key is not None and any(_matches(entry, key, self.creator) for entry in entries)

    def normalised(self) -> dict[str, Any]:
        """Return the session as plain data, every member in its fixed place, absent ones left out, defaults filled in."""
        found: dict[str, Any] = {
            "version": self.version, "name": self.name, "predecessor": self.predecessor, **self.others,
            "access_policy": {k: list(self.access[k]) for k in _POLICIES if k in self.access}}
        if self.secrets:
            found["secrets"] = [s.normalised() for s in self.secrets]
        if self.creator is not None:
            found["creator"] = self.creator
        return {k: found[k] for k in MEMBERS if k in found}

    @property
    def hash(self) -> str:
        """The session's hash, 64 hex digits; the creator is part of it."""
        return session_hash(self.normalised())

    def to_yaml(self) -> str:
        """Return the session as a CAS reads it back: normalised, one member a line, PEM as a block."""
        return yaml.dump(self.normalised(), Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True,
                         width=1 << 20)


def session_hash(normalised: Mapping[str, Any]) -> str:
    """Return SHA-256 of the compact JSON of a normalised session, as hex.

    Recovered from one public pair of session and hash: certain for the members that occur in it. Where `secrets`, `volumes`
    and `images` stand is casnb's choice, so a real CAS may give such sessions another hash.
    """
    return hashlib.sha256(strictjson.compact(normalised)).hexdigest()


@lru_cache(maxsize=256)
def public_key(certificate_pem: str) -> bytes:
    """Return the public key of a PEM certificate as SPKI in DER; raise EvidenceError if there is none to read."""
    return _certificate(certificate_pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def canonical_pem(certificate_pem: str) -> str:
    """Return a certificate as it enters the hash: 64 characters a line, LF, a final newline, nothing around it."""
    return _certificate(certificate_pem).public_bytes(Encoding.PEM).decode("ascii")


def _certificate(pem: str) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        found.public_key()
    except Exception as exc:  # cryptography raises several kinds for keys it does not know
        raise EvidenceError("certificate", got=f"text that cannot be read ({str(exc)[:60]})",
                            wanted="one PEM certificate") from None
    return found


def _matches(entry: str, key: bytes, creator: str | None) -> bool:
    if entry == "CREATOR":
        return creator is not None and public_key(creator) == key
    if _KEY_HASH.fullmatch(entry):
        return entry == base58check(b"\x01" + hashlib.sha256(key).digest())
    return entry.startswith("-----BEGIN") and public_key(entry) == key


# From plain data to a Session

def _session(document: dict[str, Any], name: str | None) -> Session:
    for member in document:
        if member in ("salt", "namespace_hash"):
            raise _not_here(member, "nothing")
        if member not in MEMBERS:
            raise EvidenceError("session", got=f"member {member!r}", wanted="one of " + ", ".join(MEMBERS))
    creator = document.get("creator")
    if isinstance(creator, dict):
        raise _not_here("creator: signer", "a PEM certificate")
    others = {m: _services(document[m]) if m == "services" else _sorted(document[m])
              for m in ("services", "images", "volumes", "security") if document.get(m) is not None}
    return Session(
        name=check_name(_text(document.get("name") if name is None else name, "name")),
        version=_version(document.get("version")), predecessor=_predecessor(document.get("predecessor")),
        secrets=_secrets(document.get("secrets")), access=_access(document.get("access_policy")), others=others,
        creator=None if creator is None else canonical_pem(_text(creator, "creator")))


def check_name(name: str) -> str:
    """Return a session name if it is one: segments of 1 to 128 of A-Z a-z 0-9 _ - . ~, joined by `/`, 512 in all."""
    segments = name.split("/")
    if len(name) > _LONGEST_NAME or not all(_SEGMENT.fullmatch(s) and s not in (".", "..") for s in segments):
        raise EvidenceError("session: name", got=name or "nothing",
                            wanted="segments of letters, digits and _-.~, joined by / (1 to 128 characters each)")
    return name


def _version(found: Any) -> str:
    if found is None:
        raise EvidenceError("session: version", got="nothing", wanted='"0.3"', do="Without it a CAS assumes an older language.")
    version = _text(found, "version")
    if not _VERSION.fullmatch(version):
        raise UsageError("session: version", got=version, wanted="0.3 or 0.3.N", do="casnb speaks no older language.")
    return version


def _predecessor(found: Any) -> str | None:
    if found is None or (isinstance(found, str) and _HASH.fullmatch(found)):
        return found
    raise EvidenceError("session: predecessor", got=found, wanted="64 lower-case hex digits, or ~")


def _secrets(found: Any) -> tuple[Secret, ...]:
    rows = _list(found, "secrets")
    if len(rows) > _MOST_SECRETS:
        raise EvidenceError("session: secrets", got=str(len(rows)), wanted=f"at most {_MOST_SECRETS}")
    secrets = tuple(_secret(row, f"secrets[{n}]") for n, row in enumerate(rows))
    names = [s.name for s in secrets]
    for name in names:
        if names.count(name) > 1:
            raise EvidenceError("session: secrets", got=f"{name!r} twice", wanted="each name once")
    return secrets


def _secret(row: Any, where: str) -> Secret:
    if not isinstance(row, dict):
        raise EvidenceError(f"session: {where}", got=_kind(row), wanted="a mapping with name and kind")
    for member in row:
        if member in ("export", "import", "import_akv", "private_key", "migrate", "key_type", "issuer", "common_name", "dns",
                      "san", "endpoint", "valid_for"):
            raise _not_here(f"{where}.{member}", "name, kind, value, size, export_public")
        if member not in ("name", "kind", "value", "size", "export_public"):
            raise EvidenceError(f"session: {where}", got=f"member {member!r}", wanted="name, kind, value, size, export_public")
    name, kind = _text(row.get("name"), f"{where}.name"), _text(row.get("kind"), f"{where}.kind")
    if not _SEGMENT.fullmatch(name):
        raise EvidenceError(f"session: {where}.name", got=name, wanted="1 to 128 letters, digits and _-.~")
    if kind not in ("ascii", "binary"):
        raise _not_here(f"{where}.kind {kind}", "ascii or binary")
    size, public, value = row.get("size", 20), row.get("export_public", False), row.get("value")
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _LARGEST_SIZE:
        raise EvidenceError(f"session: {where}.size", got=size, wanted=f"a number from 1 to {_LARGEST_SIZE}")
    if not isinstance(public, bool):
        raise EvidenceError(f"session: {where}.export_public", got=public, wanted="true or false")
    if value is None:
        return Secret(name, kind, None, size, public)
    given = _text(value, f"{where}.value")
    form = _ASCII if kind == "ascii" else _BINARY
    if not form.fullmatch(given) or len(given) > _LONGEST_VALUE:
        raise EvidenceError(f"session: {where}.value", got="a value of another form",
                            wanted="ASCII text" if kind == "ascii" else "pairs of hex digits")
    return Secret(name, kind, given if kind == "ascii" else given.lower(), 20, public)


def _access(found: Any) -> dict[str, tuple[str, ...]]:
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise EvidenceError("session: access_policy", got=_kind(found), wanted="a mapping with read and update")
    for action in found:
        if action not in _POLICIES:
            raise _not_here(f"access_policy.{action}", ", ".join(_POLICIES))
    given = {a: found.get(a, ["CREATOR"]) for a in _POLICIES if a in found or a != "create_sessions"}
    return {action: _entries(entries, f"access_policy.{action}") for action, entries in given.items()}


def _entries(found: Any, where: str) -> tuple[str, ...]:
    rows = [found] if isinstance(found, str) else [r for r in _list(found, where) if r is not None]
    if not rows:
        raise EvidenceError(f"session: {where}", got="no entry", wanted="NONE, ANY, CREATOR, certificates or key hashes")
    if len(rows) > _MOST_SECRETS:
        raise EvidenceError(f"session: {where}", got=f"{len(rows)} entries", wanted=f"at most {_MOST_SECRETS}")
    entries = tuple(_entry(row, where) for row in rows)
    for alone in ("ANY", "NONE"):
        if alone in entries and len(entries) > 1:
            raise EvidenceError(f"session: {where}", got=f"{alone} with others", wanted=f"{alone} alone")
    return entries


def _entry(row: Any, where: str) -> str:
    if isinstance(row, dict):
        raise _not_here(f"{where}: {next(iter(row), '{}')}", "NONE, ANY, CREATOR, certificates or key hashes")
    entry = _text(row, where)
    if entry in ("CREATOR", "ANY", "NONE"):
        return entry
    if entry.startswith("-----BEGIN CERTIFICATE-----"):
        return canonical_pem(entry)
    if entry.startswith("$$SCONE::"):
        raise _not_here(f"{where}: {entry}", "NONE, ANY, CREATOR, certificates or key hashes")
    if not _KEY_HASH.fullmatch(entry) or not _checksum_holds(entry):
        raise EvidenceError(f"session: {where}", got=entry, wanted="NONE, ANY, CREATOR, a PEM certificate or a key hash",
                            do="A key hash has 50 characters; `scone self show-key-hash` prints yours.")
    return entry


def _checksum_holds(text: str) -> bool:
    number = 0
    for c in text:
        number = number * 58 + _BASE58.index(c)
    raw = number.to_bytes(37, "big") if number < 1 << 296 else b""
    return raw[:1] == b"\x01" and base58check(raw[:-4]) == text


def _services(found: Any) -> list[Any]:
    """Services with what the read-back of a real CAS fills in: its five members first, `persistency: None`."""
    out = []
    for n, row in enumerate(_list(found, "services")):
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise EvidenceError(f"session: services[{n}]", got=_kind(row), wanted="a mapping with a name")
        full = {**row, "persistency": row.get("persistency") or "None"}
        out.append({k: _sorted(full[k]) for k in (*_SERVICE, *sorted(full.keys() - set(_SERVICE))) if k in full})
    return out


def _sorted(value: Any) -> Any:
    """Members by name, at every depth: their real order is not public, and an upload's order must not matter."""
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def _list(found: Any, where: str) -> Sequence[Any]:
    if found is None:
        return []
    if not isinstance(found, list):
        raise EvidenceError(f"session: {where}", got=_kind(found), wanted="a list")
    return found


def _text(found: Any, where: str) -> str:
    """A string; a whole number counts as the text that was written."""
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        raise EvidenceError(f"session: {where}", got=_kind(found), wanted="text")
    return str(found)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)[:80]


def _not_here(what: str, wanted: str) -> UsageError:
    return UsageError("session", got=what, wanted=wanted, do="The language has more; casnb's simulated CAS does not.")


class _Dumper(yaml.SafeDumper):
    """Writes as a CAS reads back: text of several lines as a block."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
