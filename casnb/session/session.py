"""A session of language 0.3 or 0.2: what a policy says, normalised, hashed, read back;
and whom it admits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

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
    is_variable,
    leaves,
    met,
    plain,
    read_access,
    read_creator,
)
from casnb.session.access import public_key as public_key
from casnb.session.carried import check_carried
from casnb.session.material import canonical_certificate
from casnb.session.names import check_name as check_name
from casnb.session.names import name_problem
from casnb.session.nodes import Node
from casnb.session.secrets import Secret as Secret
from casnb.session.secrets import read_secrets
from casnb.session.services import Security, Service, read_security, read_services
from casnb.session.shape import check_shape, kinds_named, refuse_first_language
from casnb.session.table import minor
from casnb.session.yaml import environment, read_document, write_yaml

#: Members of a session in the order in which it is hashed and read back. The places of `salt`,
#: `namespace_hash`, `secret_config`, `images`, `volumes` and `secrets` are casnb's own choice: no
#: public example shows them.
MEMBERS = (
    "version",
    "name",
    "predecessor",
    "salt",
    "namespace_hash",
    "secret_config",
    "services",
    "images",
    "volumes",
    "secrets",
    "access_policy",
    "security",
    "creator",
)
#: Members that are kept as they were written, compared with the table alone.
OTHERS = ("salt", "namespace_hash", "secret_config", "images", "volumes")
#: The language of a text that names none, as the assignment has it; the documentation says 0.1.
UNNAMED = "0.2"

_VERSION = re.compile(r"0\.2|0\.3(\.([0-9]|1[0-2]))?")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Session(Shown):
    """A session description (a policy) with its defaults filled in; immutable. A notebook shows
    its text; `casnb.session.explain.explained` says what each part means.

    `access` holds the entries by action; where a variable stands for the whole policy, `policy`
    is its text. `others` holds `images`, `volumes` and what else is kept as it was written.
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
    policy: str = ""

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
        CAS reads what it is sent. Raises EvidenceError for text that is not a session (more than
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
                    "Put a space after each colon."
                    if run_in
                    else 'A session begins with `name: NAME` and `version: "0.3"`, without dashes.'
                ),
            )
        return _session(document, name)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Session:
        """Read a session from plain data, as `normalised` returns it."""
        return _session(Node.of(dict(data)), None)

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
        """Whether an access policy says CREATOR, or has a variable, which might."""
        return any(
            leaf == "CREATOR" or is_variable(leaf)
            for entries in self.access.values()
            for leaf in leaves(entries)
        )

    @property
    def minor(self) -> int:
        """The minor version of language 0.3 that its text may use; -1 for 0.2."""
        return minor(self.version)

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

    def one_time_secret(self, service: str) -> str | None:
        """Return the shared secret (base32) whose one-time passwords a service needs: its own, else
        that of `security`; None where it needs none.
        """
        name = "one_time_password_shared_secret"
        own = next((s.data.get(name) for s in self.services if s.name == service), None)
        attestation = self.security.data.get("attestation")
        found = own or (attestation.get(name) if isinstance(attestation, dict) else None)
        return None if found is None else str(found)

    def entries(self, action: str) -> tuple[Entry, ...]:
        """Return who may `read`, `update`, `create_sessions` below or `list_sessions`; absent
        ones follow another action.
        """
        if action not in ACTIONS:
            raise UsageError("access policy", got=action, wanted="one of " + ", ".join(ACTIONS))
        return self.access.get(action) or self.access[FOLLOWS[action]]

    def admits(
        self,
        action: str,
        *keys: bytes | None,
        signers: Iterable[bytes] = (),
        certificates: Iterable[str] = (),
    ) -> bool:
        """Return whether a client may do this; `keys` are its public keys (SPKI, DER), proven in
        the TLS handshake.

        `signers` are keys that signed the request, `certificates` hashes of those that were shown
        (language 0.2 names them so). No key at all, or None, is an anonymous client. Keys are
        compared, never certificates. Nobody creates sessions below one that is not a namespace; who
        may create there may list. Variables admit nobody: `casnb.session.filling` fills them in.
        """
        if action == "create_sessions" and not self.is_namespace:
            return False
        known = Keys(
            frozenset(k for k in keys if k is not None),
            frozenset(signers),
            frozenset(certificates),
        )
        entries = self.entries(action)
        if action == "list_sessions" and self.is_namespace:
            entries += self.entries("create_sessions")
        return any(met(entry, known, self.creator) for entry in entries)

    def normalised(self) -> dict[str, Any]:
        """Return the session as plain data, every member in its fixed place, absent ones left
        out, defaults filled in.
        """
        found: dict[str, Any] = {
            "version": self.version,
            "name": self.name,
            "predecessor": self.predecessor,
            **self.others,
            "access_policy": self.policy
            or {a: [plain(e) for e in self.access[a]] for a in ACTIONS if a in self.access},
        }
        if self.services:
            found["services"] = [dict(s.data) for s in self.services]
        if self.security.data:
            whole = self.security.data.get("security")
            found["security"] = whole if whole else dict(self.security.data)
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
    refuse_first_language(document)
    version = _version(document.get("version"))
    check_shape(document, version)
    number = minor(version)
    security = read_security(document.get("security"))
    known = _name(document.get("name")) if name is None else check_name(name)
    predecessor = _predecessor(document.get("predecessor"))
    if predecessor and document.get("namespace_hash").there:
        raise document.get("namespace_hash").refuse(
            "either predecessor or namespace_hash",
            "The namespace above is compared when a name is new.",
            got="both",
        )
    found = Session(
        name=known,
        version=version,
        predecessor=predecessor,
        secrets=read_secrets(document.get("secrets"), known, number),
        access=read_access(document.get("access_policy"), number, kinds_named(document)),
        others={m: document.get(m).plain() for m in OTHERS if document.get(m).there},
        creator=read_creator(document.get("creator")),
        services=read_services(
            document.get("services"),
            "" if document.get("security").holes() else security.mode,
            number < 0,
        ),
        security=security,
        policy=document.get("access_policy").hole.strip(),
    )
    check_carried(document, number)
    return found


def _name(node: Node) -> str:
    wanted = "segments of letters, digits and _-.~, joined by /"
    name = node.text(wanted, "Add a line `name: NAME`." if not node.there else "")
    if name == "/":
        raise node.unbuilt("the root namespace", "Write the name of a session below it.")
    if problem := name_problem(name):
        raise node.refuse(wanted, problem)
    return name


def _version(node: Node) -> str:
    if not node.there:
        return UNNAMED
    version = node.text('"0.3"')
    if version == "0.1" or version.startswith("0.1."):
        raise node.refuse(
            'version: "0.3"',
            "This is language 0.1, which CASes of today do not read: write it again in 0.3.",
        )
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
