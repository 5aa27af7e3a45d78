"""Secrets of a session: kinds, members, who may import them; read and written back. Their values
are made in `values`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.session import material
from casnb.session.names import SEGMENT, name_problem, resolve
from casnb.session.nodes import Node

KINDS = ("ascii", "binary", "private-key", "x509", "x509-ca")
#: Kinds of the language that casnb does not make, and members of a secret that it does not know.
UNBUILT_KINDS = ("public-key", "pgp-key", "aad-token", "config-fragment", "jwt")
UNBUILT = ("import_akv",)
ENDPOINTS = ("server", "client")
CERTIFICATES = ("x509", "x509-ca")

_ASCII = re.compile(r"[\t\n\r -~]*")
_BINARY = re.compile(r"([0-9A-Fa-f]{2})*")
_HASH = re.compile(r"[0-9a-f]{64}")
_COMMON_NAME = re.compile(r"[ -~]{1,64}")
_DNS = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_\-.]{0,251}[A-Za-z0-9])?")
_SPAN = re.compile(
    r"([1-9][0-9]{0,5}) ?(s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?|months?|y|years?)"
)
_DAYS = {"s": 1 / 86400, "m": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "month": 30, "y": 365}
_LONGEST_LIFE = 365 * 1000
_LONGEST_VALUE = 1 << 16
_LARGEST_SIZE = 4096
_MOST = 256
_MOST_RSA = 4

_ALWAYS = ("name", "kind", "value", "export", "export_public", "import")
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "ascii": ("size",),
    "binary": ("size",),
    "private-key": ("key_type", "migrate"),
    "x509": ("private_key", "issuer", "common_name", "endpoint", "dns", "san", "valid_for"),
    "x509-ca": ("private_key", "issuer", "common_name", "endpoint", "dns", "san", "valid_for"),
}
_MEMBERS = (*_ALWAYS, *dict.fromkeys(m for members in _OF_KIND.values() for m in members))


@dataclass(frozen=True)
class Party:
    """A session, one version of it, or all sessions below a namespace: to whom a secret is
    exported, or whence it comes.
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


@dataclass(frozen=True)
class Secret:
    """One secret: its value where the session gives one; otherwise imported, or made by the CAS.

    `size` counts characters (ascii) or bytes (binary). `private_key` and `issuer` name other
    secrets of the same session. Text in `value` is as CAS keeps it: binary in hex, keys and
    certificates in PEM.
    """

    name: str
    kind: str
    value: str | None = field(default=None, repr=False)
    size: int = 20
    export_public: bool = False
    key_type: str = "P-256"
    migrate: bool = False
    private_key: str | None = None
    issuer: str | None = None
    common_name: str | None = None
    endpoint: str | None = None
    dns: tuple[str, ...] = ()
    san: tuple[str, ...] = ()
    valid_for: str | None = None
    imported: Party | None = None
    export: tuple[Party, ...] = ()

    @property
    def made(self) -> bool:
        """Whether the CAS makes its value."""
        return self.value is None and self.imported is None

    def keeps(self, before: Secret | None) -> bool:
        """Whether an update goes on with the value that the CAS made for this name in the
        version before.
        """
        if (
            before is None
            or not (self.made and before.made)
            or before.kind != self.kind
            or self.kind in CERTIFICATES
        ):
            return False
        return (
            self.migrate and before.key_type == self.key_type
            if self.kind == "private-key"
            else before.size == self.size
        )

    def normalised(self) -> dict[str, Any]:
        """Return the members in the order in which they are hashed; order and filled defaults
        are casnb's own choice.
        """
        out: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.value is not None:
            out["value"] = self.value
        elif self.made and self.kind in ("ascii", "binary"):
            out["size"] = self.size
        elif self.made and self.kind == "private-key":
            out["key_type"] = self.key_type
        for member in (
            "private_key",
            "issuer",
            "common_name",
            "endpoint",
            "dns",
            "san",
            "valid_for",
        ):
            if found := getattr(self, member):
                out[member] = list(found) if isinstance(found, tuple) else found
        if self.migrate:
            out["migrate"] = True
        if self.imported:
            out["import"] = self.imported.plain()
        if self.export:
            out["export"] = [party.plain() for party in self.export]
        return {**out, "export_public": self.export_public}


def span_days(text: str | None) -> float:
    """Return a length of time in days; without one it is a year. A month has 30 days, a year
    365: casnb's own choice.
    """
    found = _SPAN.fullmatch(text or "1 year")
    assert found is not None
    unit = "month" if found[2].startswith("month") else found[2][0]
    return int(found[1]) * _DAYS[unit]


# Reading


def read_secrets(node: Node, base: str) -> tuple[Secret, ...]:
    """Return the secrets of the session `base`, what they say of each other and of other
    sessions checked.
    """
    rows = [row for row in node.rows("a list of secrets") if row.there]
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    found: dict[str, Secret] = {}
    for row in rows:
        secret = _secret(row)
        if secret.name in found:
            raise row.get("name").refuse(
                "each name once", "Rename one of them.", got=f"{secret.name!r} twice"
            )
        found[secret.name] = secret
    slow = [s.name for s in found.values() if s.made and s.key_type.startswith("RSA")]
    if len(slow) > _MOST_RSA:
        raise node.refuse(
            f"at most {_MOST_RSA} RSA keys to be made",
            "Curves are as good, and quicker.",
            got=str(len(slow)),
        )
    for row, secret in zip(rows, found.values(), strict=True):
        _check_others(row, secret, found)
        _check_names(row, secret, base)
    return tuple(found.values())


def _secret(row: Node) -> Secret:
    if not isinstance(row.value, dict):
        raise row.refuse("a mapping with name and kind")
    for member in UNBUILT:
        if row.get(member).there:
            raise row.get(member).unbuilt(member, "Import it from another session instead.")
    members = row.members(_MEMBERS)
    kind_node, name = (
        row.get("kind"),
        row.get("name").matching(SEGMENT, "1 to 128 letters, digits and _-.~"),
    )
    if kind_node.value in UNBUILT_KINDS:
        raise kind_node.unbuilt(f"kind {kind_node.value}", "casnb makes " + ", ".join(KINDS) + ".")
    kind = kind_node.choice(KINDS)
    allowed = (*_ALWAYS, *_OF_KIND[kind])
    for member, found in members.items():
        if member not in allowed and found.there:
            raise found.refuse(
                "none",
                f"It belongs to kind {' or '.join(k for k in KINDS if member in _OF_KIND[k])}.",
                got=f"{member} in a secret of kind {kind}",
            )
    given = row.get("value")
    imported = _import(row.get("import"))
    if given.there and imported:
        raise given.refuse("either value or import", "Take one of them out.", got="both")
    common = row.get("common_name")
    return Secret(
        name,
        kind,
        _value(given, kind) if given.there else None,
        row.get("size").number(1, _LARGEST_SIZE, 20),
        row.get("export_public").truth(),
        row.get("key_type").choice(material.KEY_TYPES) if row.get("key_type").there else "P-256",
        row.get("migrate").truth(),
        _reference(row.get("private_key")),
        _reference(row.get("issuer")),
        (
            common.matching(_COMMON_NAME, "1 to 64 printable ASCII characters")
            if common.there
            else None
        ),
        row.get("endpoint").choice(ENDPOINTS) if row.get("endpoint").there else None,
        tuple(n.matching(_DNS, "a DNS name") for n in _listed(row.get("dns"), "DNS names")),
        tuple(
            _alternative(n) for n in _listed(row.get("san"), "names like dns:host or ip:127.0.0.1")
        ),
        _life(row.get("valid_for")),
        imported,
        _exports(row.get("export")),
    )


def _value(node: Node, kind: str) -> str:
    """The value as CAS keeps it; no error quotes what was written."""
    given, wrong = node.text(), "a value of another form"
    if len(given) > _LONGEST_VALUE:
        raise node.refuse(f"at most {_LONGEST_VALUE} characters", got=f"{len(given)} characters")
    if kind == "ascii":
        if not _ASCII.fullmatch(given):
            raise node.refuse("ASCII text", "Use kind binary for other bytes.", got=wrong)
        return given
    if kind == "binary":
        if not _BINARY.fullmatch(given):
            raise node.refuse(
                "pairs of hex digits", "`xxd -p FILE | tr -d '\\n'` makes them.", got=wrong
            )
        return given.lower()
    try:
        return (
            material.canonical_key(given)
            if kind == "private-key"
            else material.canonical_certificate(given, kind == "x509-ca")
        )
    except EvidenceError as exc:
        raise node.refuse(
            exc.wanted or "", "`|` after `value:` begins a text of several lines.", got=exc.got
        ) from None


def _reference(node: Node) -> str | None:
    return node.matching(SEGMENT, "the name of a secret of this session") if node.there else None


def _life(node: Node) -> str | None:
    if not node.there:
        return None
    text = node.matching(_SPAN, "a number and its unit: 30 days, 1 year")
    if span_days(text) > _LONGEST_LIFE:
        raise node.refuse("at most 1000 years")
    return text


def _listed(node: Node, wanted: str) -> list[Node]:
    rows = [row for row in node.rows(f"a list of {wanted}") if row.there]
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    return rows


def _alternative(node: Node) -> str:
    text = node.text("dns:HOST or ip:ADDRESS")
    kind, _, name = text.partition(":")
    if kind == "dns" and _DNS.fullmatch(name):
        return text
    try:
        if kind == "ip" and ipaddress.ip_address(name):
            return text
    except ValueError:
        pass
    raise node.refuse("dns:HOST or ip:ADDRESS")


_PARTY = ("session", "namespace", "session_hash", "secret")
_REMOTE = ("cas_url", "cas_key", "cas_software_key")


def _import(node: Node) -> Party | None:
    if not node.there:
        return None
    party = _party(node, ("session", "session_hash", "secret"))
    if party.session is None or party.secret is None:
        missing = "session" if party.session is None else "secret"
        raise node.refuse(
            "session and secret",
            f"Say {'whose' if missing == 'session' else 'which'} it is.",
            got=f"no {missing}",
        )
    return party


def _exports(node: Node) -> tuple[Party, ...]:
    if not node.there:
        return ()
    rows = node.one_or_rows("a mapping with session or namespace, or a list of them")
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    parties = []
    for row in rows:
        party = _party(row, ("session", "namespace", "session_hash"))
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


def _party(node: Node, allowed: tuple[str, ...]) -> Party:
    """A mapping, or the same as `/session=A,secret=B`."""
    if isinstance(node.value, str) and node.value.startswith("/"):
        pairs = [part.partition("=")[::2] for part in node.value[1:].split(",")]
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names) or not all(value for _, value in pairs):
            raise node.refuse("/session=NAME,secret=NAME", "Each key once, with a value.")
        found = {
            name: Node(value, name, node, node.line, node.column, node.what)
            for name, value in pairs
        }
        if found.get("session") and str(found["session"].value).startswith("."):
            raise node.refuse("a whole name", "Relative names stand in a mapping only.")
        node = replace(node, value=found)
    if not isinstance(node.value, dict):
        raise node.refuse("a mapping with " + ", ".join(allowed))
    for member in _REMOTE:
        if node.get(member).there:
            raise node.get(member).unbuilt(
                f"{member} (secrets of another CAS)", "Use a session of this CAS."
            )
    found = node.members(allowed)
    hash_node, secret = found.get("session_hash"), found.get("secret")
    return Party(
        _named(found.get("session")),
        _named(found.get("namespace")),
        (
            hash_node.matching(_HASH, "64 lower-case hex digits")
            if hash_node and hash_node.there
            else None
        ),
        secret.matching(SEGMENT, "the name of a secret") if secret and secret.there else None,
    )


def _named(node: Node | None) -> str | None:
    """A session name, or a relative one."""
    if node is None or not node.there:
        return None
    name = node.text("a session name")
    rest = re.sub(r"^(\./)?(\.\./)*", "", name)
    if problem := name_problem(rest):
        raise node.refuse("a session name, or one that begins with ./ or ../", problem)
    return name


def _check_names(row: Node, secret: Secret, base: str) -> None:
    """Relative names must lead to a session."""
    for member, parties in (("import", (secret.imported,)), ("export", secret.export)):
        for party in parties:
            name = (party.session or party.namespace) if party else None
            try:
                resolve(name or base, base)
            except EvidenceError as exc:
                raise row.get(member).refuse(exc.wanted or "", exc.do, got=exc.got) from None


def _check_others(row: Node, secret: Secret, all_of_them: Mapping[str, Secret]) -> None:
    """What a secret says of others must be there and of the right kind."""
    if secret.kind in CERTIFICATES and secret.made and secret.private_key is None:
        raise row.get("private_key").refuse(
            "the name of a secret of kind private-key",
            "A certificate that the CAS makes is for a key of this session.",
        )
    for member, kind in (("private_key", "private-key"), ("issuer", "x509-ca")):
        wanted = getattr(secret, member)
        if wanted is None:
            continue
        other = all_of_them.get(wanted)
        if other is None or other.kind != kind:
            got = (
                f"{wanted!r}, which is {'not there' if other is None else 'of kind ' + other.kind}"
            )
            raise row.get(member).refuse(f"a secret of kind {kind} of this session", got=got)
    seen, at = {secret.name}, secret
    while at.issuer is not None and at.issuer in all_of_them:
        at = all_of_them[at.issuer]
        if at.name in seen:
            raise row.get("issuer").refuse(
                "an issuer further up",
                "Leave issuer out where a certificate signs itself.",
                got="certificates that issue each other",
            )
        seen.add(at.name)
    if secret.issuer is not None and secret.made:
        issuer = all_of_them[secret.issuer]
        if not issuer.imported and issuer.private_key is None:
            raise row.get("issuer").refuse(
                "an issuer with private_key",
                got=f"{secret.issuer!r}, whose key is not in this session",
            )
