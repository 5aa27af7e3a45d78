"""A session of language 0.3, or of 0.2 read: what a policy says, normalised, hashed, read back;
and whom it admits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, UsageError
from casnb.base.view import Shown
from casnb.session.access import (
    ACTIONS,
    DEFAULT,
    FOLLOWS,
    Access,
    Entry,
    Keys,
    Signer,
    leaves,
    met,
    plain,
    read_access,
    read_creator,
)
from casnb.session.access import public_key as public_key
from casnb.session.material import canonical_certificate
from casnb.session.names import check_name as check_name
from casnb.session.names import name_problem
from casnb.session.nodes import Node
from casnb.session.secrets import Secret as Secret
from casnb.session.secrets import read_secrets
from casnb.session.services import Security, Service, read_security, read_services
from casnb.session.yaml import environment, read_document

#: Members of a session in the order in which it is hashed and read back. The places of `images`,
#: `volumes` and `secrets` are casnb's own choice: no public example shows them.
MEMBERS = (
    "version",
    "name",
    "predecessor",
    "services",
    "images",
    "volumes",
    "secrets",
    "access_policy",
    "security",
    "creator",
)
#: Members that are carried and hashed, and that casnb does nothing with.
CARRIED = ("images", "volumes")
#: Members of the language that casnb does not know how to place in a hash.
UNBUILT = ("salt", "namespace_hash")
#: The language of a text that names none, as the assignment has it; the documentation says 0.1.
UNNAMED = "0.2"

_VERSION = re.compile(r"0\.2|0\.3(\.([0-9]|1[0-2]))?")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Session(Shown):
    """A session description (a policy) with its defaults filled in; immutable. A notebook shows
    its text; `casnb.session.explain.explained` says what each part means.

    `access` holds the entries by action. `others` holds `images` and `volumes`: carried and
    hashed, and nothing more.
    """

    name: str
    version: str = "0.3"
    predecessor: str | None = None
    secrets: tuple[Secret, ...] = ()
    access: Access = field(default_factory=lambda: dict(DEFAULT))
    others: Mapping[str, Any] = field(default_factory=dict)
    creator: str | Signer | None = field(default=None, repr=False)
    services: tuple[Service, ...] = ()
    security: Security = field(default_factory=Security)

    @classmethod
    def from_yaml(
        cls,
        text: str | bytes,
        *,
        variables: Mapping[str, str] | None = None,
        use_env: bool = False,
        name: str | None = None,
    ) -> Session:
        """Read a session; `name` replaces the one in the text, after variables were substituted.

        With `variables` (an empty mapping will do) or `use_env`, `$NAME` and `${NAME}` in values
        are replaced, `variables` before the environment. Without both, `$` stays as it is: so a
        CAS reads what it is sent. Raises EvidenceError for text that is no session (more than
        256 kB, anchors, tags, unknown members, wrong types) and UsageError for a variable
        without a value and for what the language has and casnb does not; both say where.

        >>> text = "name: $NS\\nversion: 0.3\\npredecessor: ~"
        >>> Session.from_yaml(text, variables={"NS": "mine"}).name
        'mine'
        """
        known = None if variables is None and not use_env else environment(variables or {}, use_env)
        document = read_document(text, "session", known)
        if not isinstance(document.value, dict):
            run_in = isinstance(document.value, str) and ":" in document.value
            raise document.refuse(
                "a mapping with name and version",
                (
                    "Write a blank behind each colon."
                    if run_in
                    else 'A session begins with `name: NAME` and `version: "0.3"`, without dashes.'
                ),
            )
        return _session(document, name)

    def with_predecessor(self, predecessor: str | None) -> Session:
        """Return the same session as an update of the version with this hash."""
        if predecessor is not None and not _HASH.fullmatch(predecessor):
            raise EvidenceError(
                "session: predecessor", got=predecessor, wanted="64 lower-case hex digits, or None"
            )
        return replace(self, predecessor=predecessor)

    def with_creator(self, creator: str | Signer | None) -> Session:
        """Return what a CAS stores when the holder of this PEM certificate (or this signer)
        uploads.

        The creator is named only where CREATOR is used.
        """
        if not self.names_creator:
            return replace(self, creator=None)
        return replace(
            self,
            creator=(
                canonical_certificate(creator)
                if isinstance(creator, str) and creator
                else creator or None
            ),
        )

    @property
    def names_creator(self) -> bool:
        """Whether an access policy says CREATOR."""
        return any("CREATOR" in leaves(entries) for entries in self.access.values())

    @property
    def creator_key(self) -> bytes | None:
        """The creator's public key (SPKI, DER), where one is named."""
        if self.creator is None:
            return None
        return self.creator.spki if isinstance(self.creator, Signer) else public_key(self.creator)

    @property
    def is_namespace(self) -> bool:
        """Whether sessions can be created below: in language 0.2 there is no such thing."""
        return self.version != "0.2"

    def secret(self, name: str) -> Secret | None:
        """Return the secret of this name, if there is one."""
        return next((s for s in self.secrets if s.name == name), None)

    def entries(self, action: str) -> tuple[Entry, ...]:
        """Return who may `read`, `update`, `create_sessions` below or `list_sessions`; absent
        ones follow another action.
        """
        if action not in ACTIONS:
            raise UsageError("access policy", got=action, wanted="one of " + ", ".join(ACTIONS))
        return self.access.get(action) or self.access[FOLLOWS[action]]

    def admits(self, action: str, *keys: bytes | None, signers: Iterable[bytes] = ()) -> bool:
        """Return whether a client may do this; `keys` are its public keys (SPKI, DER), proven in
        the TLS handshake.

        `signers` are keys that signed the request. No key at all, or None, is an anonymous
        client. Keys are compared, never certificates. Nobody creates sessions below one that is
        no namespace.
        """
        if action == "create_sessions" and not self.is_namespace:
            return False
        known = Keys(frozenset(k for k in keys if k is not None), frozenset(signers))
        return any(met(entry, known, self.creator) for entry in self.entries(action))

    def normalised(self) -> dict[str, Any]:
        """Return the session as plain data, every member in its fixed place, absent ones left
        out, defaults filled in.
        """
        found: dict[str, Any] = {
            "version": self.version,
            "name": self.name,
            "predecessor": self.predecessor,
            **self.others,
            "access_policy": {
                a: [plain(e) for e in self.access[a]] for a in ACTIONS if a in self.access
            },
        }
        if self.services:
            found["services"] = [dict(s.data) for s in self.services]
        if self.security.data:
            found["security"] = dict(self.security.data)
        if self.secrets:
            found["secrets"] = [s.normalised() for s in self.secrets]
        if self.creator is not None:
            found["creator"] = plain(self.creator)
        return {k: found[k] for k in MEMBERS if k in found}

    def __str__(self) -> str:
        return self.to_yaml()

    @property
    def hash(self) -> str:
        """The session's hash, 64 hex digits; the creator is part of it."""
        return session_hash(self.normalised())

    def to_yaml(self) -> str:
        """Return the session as a CAS reads it back: normalised, one member a line, PEM as a
        block.
        """
        return write_yaml(self.normalised())


def session_hash(normalised: Mapping[str, Any]) -> str:
    """Return SHA-256 of the compact JSON of a normalised session, as hex.

    Recovered from one public pair of session and hash: certain for the members that occur in it.
    Where `secrets`, `volumes` and `images` stand is casnb's choice, so a real CAS may give such
    sessions another hash.
    """
    return hashlib.sha256(strictjson.compact(normalised)).hexdigest()


def canonical_pem(certificate_pem: str) -> str:
    """Return a certificate as it enters the hash: 64 characters a line, LF, a final newline,
    nothing around it.
    """
    return canonical_certificate(certificate_pem)


def _session(document: Node, name: str | None) -> Session:
    for member in UNBUILT:
        if document.get(member).there:
            raise document.get(member).unbuilt(
                member, "Take it out: where it stands in the hash is not public."
            )
    document.members(MEMBERS)
    version = _version(document.get("version"))
    old = version == "0.2"
    security = read_security(document.get("security"))
    known = _name(document.get("name")) if name is None else check_name(name)
    return Session(
        name=known,
        version=version,
        predecessor=_predecessor(document.get("predecessor")),
        secrets=read_secrets(document.get("secrets"), known),
        access=read_access(document.get("access_policy"), old),
        others={m: document.get(m).plain() for m in CARRIED if document.get(m).there},
        creator=read_creator(document.get("creator")),
        services=read_services(document.get("services"), security.mode, old),
        security=security,
    )


def _name(node: Node) -> str:
    wanted = "segments of letters, digits and _-.~, joined by /"
    name = node.text(wanted, "Add a line `name: NAME`." if not node.there else "")
    if problem := name_problem(name):
        raise node.refuse(wanted, problem)
    return name


def _version(node: Node) -> str:
    if not node.there:
        return UNNAMED
    version = node.text('"0.3"')
    if not _VERSION.fullmatch(version):
        raise UsageError(
            node.place,
            got=version,
            wanted="0.2, 0.3 or 0.3.1 to 0.3.12",
            do='Write version: "0.3"; casnb speaks no other language.',
        )
    return version


def _predecessor(node: Node) -> str | None:
    wanted, do = (
        "64 lower-case hex digits, or ~",
        "`scone session verify FILE` prints the hash of the session that is there.",
    )
    if node.value == "~":
        do = "Take off the quotes: in quotes it is text."
    return node.matching(_HASH, wanted, do) if node.there else None


def _dumper(base: Any) -> Any:
    """Return a dumper that writes as a CAS reads back: text of several lines as a block, nothing
    by reference.
    """
    kind: Any = type("_Dumper", (base,), {"ignore_aliases": lambda self, data: True})
    kind.add_representer(str, _represent_text)
    return kind


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Plain = _dumper(yaml.SafeDumper)
#: libyaml's, five times as fast, where PyYAML has it.
_Quick = _dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def _dump(value: Mapping[str, Any], kind: Any) -> str:
    text: str = yaml.dump(
        value,
        Dumper=kind,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1 << 20,
    )
    return text


def _named(value: Any) -> bool:
    """Whether all members have a name, and one that fits on its line."""
    if isinstance(value, dict):
        return all(0 < len(name) < 100 and _named(inner) for name, inner in value.items())
    return not isinstance(value, list) or all(map(_named, value))


def write_yaml(value: Mapping[str, Any]) -> str:
    """Return plain data as YAML, one member a line, PEM as a block; the same text with libyaml
    as without it.

    libyaml writes another text where a character wants an escape, where the last block ends in
    blank lines, and for strange names: there it is not asked.
    """
    if _named(value):
        text = _dump(value, _Quick)
        if text.isascii() and "\\" not in text and not text.endswith("\n...\n"):
            return text
    return _dump(value, _Plain)
