"""Secrets of a session: kinds, members, who may import them; read and written back. Their values
are made in `values`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.base.spans import SPAN, read_span
from casnb.session import material
from casnb.session.names import SEGMENT
from casnb.session.nodes import Node
from casnb.session.placeholders import BEGINS
from casnb.session.secret_kinds import CERTIFICATES, KINDS, kinds_of
from casnb.session.sharing import Party, check_names, read_exports, read_import

ENDPOINTS = ("server", "client")

_COMMON_NAME = re.compile(r"[ -~]{1,64}")
_DNS = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_\-.]{0,251}[A-Za-z0-9])?")
_LONGEST_LIFE = 365 * 1000
_LONGEST_VALUE = 1 << 16
_LARGEST_SIZE = 4096
_MOST = 256
_MOST_RSA = 4


@dataclass(frozen=True)
class Secret:
    """One secret: its value where the session gives one; otherwise imported, or made by the CAS.

    `kind` is None where an import leaves it open. `size` counts characters (ascii) or bytes
    (binary). `private_key` and `issuer` name other secrets of the same session. Text in `value`
    is as CAS keeps it: binary in hex, keys and certificates in PEM, a config-fragment as compact
    JSON. `old` is language 0.2, where a certificate has a key of its own.
    """

    name: str
    kind: str | None
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
    old: bool = False

    @property
    def made(self) -> bool:
        """Whether the CAS makes its value."""
        return self.value is None and self.imported is None

    def keeps(self, before: Secret | None) -> bool:
        """Whether an update goes on with the value that the CAS made for this name in the
        version before.
        """
        if before is None or before.kind != self.kind or not (self.made and before.made):
            return False
        kind = KINDS.get(self.kind or "")
        if kind is None or kind.make is None:
            return False
        both = (self, before)
        if kind.kept_if and not all(getattr(secret, kind.kept_if) for secret in both):
            return False
        return bool(getattr(self, kind.by) == getattr(before, kind.by))

    def normalised(self) -> dict[str, Any]:
        """Return the members in the order in which they are hashed; order and filled defaults
        are casnb's own choice.
        """
        out: dict[str, Any] = {"name": self.name}
        if self.kind is not None:
            out["kind"] = self.kind
        if self.value is not None:
            given = self.kind == "config-fragment"
            out["value"] = json.loads(self.value) if given else self.value
        elif self.made and self.kind is not None and (by := KINDS[self.kind].by):
            out[by] = getattr(self, by)
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
            out["import"] = self.imported.word() if self.old else self.imported.plain()
        if self.export:
            out["export"] = [p.word() if self.old else p.plain() for p in self.export]
        return {**out, "export_public": self.export_public}


# Reading


def read_secrets(node: Node, base: str, minor: int = 12) -> tuple[Secret, ...]:
    """Return the secrets of the session `base`, what they say of each other and of other
    sessions checked; `minor` is the version of language 0.3, -1 is 0.2.
    """
    rows = [row for row in node.rows("a list of secrets") if row.there]
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    found: dict[str, Secret] = {}
    for row in rows:
        secret = _secret(row, minor)
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
        check_names(row.get("import"), (secret.imported,), base)
        check_names(row.get("export"), secret.export, base)
    return tuple(found.values())


def _secret(row: Node, minor: int) -> Secret:
    if not isinstance(row.value, dict):
        raise row.refuse("a mapping with name and kind")
    name = row.get("name").matching(SEGMENT, "1 to 128 letters, digits and _-.~")
    imported = read_import(row.get("import"), minor, name)
    kind = _kind(row.get("kind"), minor, imported)
    given = row.get("value")
    if given.there and imported:
        raise given.refuse("either value or import", "Take one of them out.", got="both")
    if (
        given.there
        and kind is not None
        and (KINDS[kind].given == "-" or (minor < 0 and kind in CERTIFICATES))
    ):
        raise given.refuse("none", f"A secret of kind {kind} is made by the CAS.", got="a value")
    if kind == "config-fragment" and not given.there and not imported:
        raise given.refuse("any YAML", "A CAS makes no config-fragment: write it out.")
    common = row.get("common_name")
    secret = Secret(
        name,
        kind,
        _value(given, kind) if given.there and kind is not None else None,
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
        read_exports(row.get("export"), minor),
        minor < 0,
    )
    if secret.endpoint == "client" and secret.dns:
        raise row.get("dns").refuse(
            "none", "A client's certificate names no host: write common_name.", got="dns"
        )
    return secret


def _kind(node: Node, minor: int, imported: Party | None) -> str | None:
    """The kind; an import may leave it open."""
    if not node.there and imported:
        return None
    return node.choice(kinds_of(minor))


def _value(node: Node, kind: str) -> str:
    """The value as CAS keeps it; no error quotes what was written."""
    if kind == "config-fragment":
        return _fragment(node)
    given, read = node.text(), KINDS[kind].read
    if len(given) > _LONGEST_VALUE:
        raise node.refuse(f"at most {_LONGEST_VALUE} characters", got=f"{len(given)} characters")
    if read is None:
        raise node.refuse("none", f"A secret of kind {kind} is made by the CAS.", got="a value")
    try:
        return read(given)
    except EvidenceError as exc:
        hint = exc.do or "`|` after `value:` begins a text of several lines."
        raise node.refuse(exc.wanted or "", hint, got=exc.got) from None


def _fragment(node: Node) -> str:
    """A fragment's YAML as compact JSON: what stands in a variable is not searched for others."""
    text = json.dumps(node.plain(), ensure_ascii=False, separators=(",", ":"))
    if BEGINS in text:
        raise node.refuse(
            "no placeholder",
            "What a variable stands for is not searched for variables.",
            got="a placeholder inside a fragment",
        )
    if len(text) > _LONGEST_VALUE:
        raise node.refuse(f"at most {_LONGEST_VALUE} characters", got=f"{len(text)} characters")
    return text


def _reference(node: Node) -> str | None:
    return node.matching(SEGMENT, "the name of a secret of this session") if node.there else None


def _life(node: Node) -> str | None:
    if not node.there:
        return None
    text = node.matching(SPAN, "a number and its unit: 30 days, 1 year")
    if read_span(text).days > _LONGEST_LIFE:
        raise node.refuse("at most 1000 years")
    return text


def _listed(node: Node, wanted: str) -> list[Node]:
    rows = node.one_or_rows(f"one of or a list of {wanted}")
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


def _check_others(row: Node, secret: Secret, all_of_them: Mapping[str, Secret]) -> None:
    """What a secret says of others must be there and of the right kind."""
    if (
        secret.kind in (*CERTIFICATES, "public-key")
        and secret.made
        and secret.private_key is None
        and not secret.old
    ):
        raise row.get("private_key").refuse(
            "the name of a secret of kind private-key",
            "What the CAS makes is for a key of this session.",
        )
    for member, kind in (("private_key", "private-key"), ("issuer", "x509-ca")):
        wanted = getattr(secret, member)
        if wanted is None:
            continue
        other = all_of_them.get(wanted)
        if other is None or other.kind not in (kind, None):
            got = (
                f"{wanted!r}, which is {'not there' if other is None else f'of kind {other.kind}'}"
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
        if not issuer.imported and issuer.private_key is None and not issuer.old:
            raise row.get("issuer").refuse(
                "an issuer with private_key",
                got=f"{secret.issuer!r}, whose key is not in this session",
            )
