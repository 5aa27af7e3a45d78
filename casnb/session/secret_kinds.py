"""The kinds of secrets that the language has, one row each: their members, how a CAS makes a value,
reads one and keeps it, and how that is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.session import material
from casnb.session.material import Random
from casnb.session.table import NEWEST

_ASCII = re.compile(r"[\t\n\r -~]*")
_BINARY = re.compile(r"([0-9A-Fa-f]{2})*")
_OTHER = "a value of another form"


@dataclass(frozen=True)
class Kind:
    """One kind. `members` come beside those that every secret may have; `generated` and `given`
    say what a CAS makes of it and what `value` may be.

    `since` is the minor version of language 0.3 (None: only 0.2 has it), `old` whether 0.2 has
    it too, `built` whether casnb has it.

    `make` makes a value by itself, of what the member `by` says (which is hashed, and a value is
    kept across updates while it stays the same, and where `kept_if` is a member, while that is
    true); None where it follows from other secrets, or is never made. `means` says what is made,
    the secret's members in braces. `read` returns a value that was given as a CAS keeps it, or
    raises EvidenceError, which never quotes it; None where none may be given, or it is not text.
    """

    name: str
    generated: str
    given: str
    members: tuple[str, ...] = ()
    since: int | None = 0
    old: bool = False
    built: bool = True
    page: str = ""
    by: str = ""
    make: Callable[[Any, Random], str] | None = None
    kept_if: str = ""
    means: str = ""
    read: Callable[[str], str] | None = None


def _ascii(given: str) -> str:
    if not _ASCII.fullmatch(given):
        raise EvidenceError(
            "value", got=_OTHER, wanted="ASCII text", do="Use kind binary for other bytes."
        )
    return given


def _binary(given: str) -> str:
    if not _BINARY.fullmatch(given):
        raise EvidenceError(
            "value",
            got=_OTHER,
            wanted="pairs of hex digits",
            do="`xxd -p FILE | tr -d '\\n'` makes them.",
        )
    return given.lower()


_CERTIFICATE = ("private_key", "issuer", "common_name", "valid_for")
_TOKEN = ("tenant_id", "client_id", "application_secret", "private_key", "certificate_thumbprint")
_ROWS = (
    Kind(
        "ascii",
        "`size` printable characters, special ones too",
        "text",
        ("size",),
        old=True,
        by="size",
        make=material.printable,
        means="{size} random characters, kept across updates; nobody who reads the session sees"
        " them",
        read=_ascii,
    ),
    Kind(
        "binary",
        "`size` bytes",
        "hex digits",
        ("size",),
        old=True,
        by="size",
        make=lambda size, random: random(size).hex(),
        means="{size} random bytes, kept across updates; nobody who reads the session sees them",
        read=_binary,
    ),
    Kind(
        "private-key",
        "a key of `key_type`",
        "PEM (PKCS#8)",
        ("key_type", "migrate"),
        by="key_type",
        make=material.make_key,
        kept_if="migrate",
        means="a {key_type} key; {kept} with every version",
        read=material.canonical_key,
    ),
    Kind(
        "public-key",
        "the public half of `private_key`",
        "PEM (SPKI)",
        ("private_key",),
        since=11,
        read=material.canonical_public_key,
    ),
    Kind(
        "x509",
        "an end entity's certificate for `private_key`",
        "PEM certificates",
        (*_CERTIFICATE, "endpoint", "dns", "san"),
        old=True,
        page="x509-and-x509-ca",
        read=material.canonical_bundle,
    ),
    Kind(
        "x509-ca",
        "an authority's certificate for `private_key`",
        "PEM certificates",
        _CERTIFICATE,
        old=True,
        page="x509-and-x509-ca",
        read=partial(material.canonical_bundle, authority=True),
    ),
    Kind("session-ca", "the session's own certificate, language 0.2 only", "-", (), None, True),
    Kind("config-fragment", "never", "any YAML", since=10),
    Kind("aad-token", "a token fetched from Azure", "-", _TOKEN, 7, built=False),
    Kind("pgp-key", "an OpenPGP key", "-", since=10, built=False),
    Kind(
        "jwt",
        "a signed token",
        "-",
        ("signer", "alg", "validity", "payload"),
        NEWEST,
        built=False,
    ),
)

#: Every kind, by name.
KINDS: Mapping[str, Kind] = {row.name: row for row in _ROWS}
#: Members that a secret of every kind may have.
ALWAYS = ("name", "kind", "value", "export", "export_public", "import", "import_akv")
CERTIFICATES = ("x509", "x509-ca", "session-ca")


def kinds_of(minor: int) -> tuple[str, ...]:
    """Return the names of the kinds that a minor version of language 0.3 has, or 0.2 (-1)."""
    return tuple(
        k.name
        for k in KINDS.values()
        if (k.old if minor < 0 else k.since is not None and k.since <= minor)
    )
