"""The kinds of secrets that the language has, one row each: their members, and what casnb makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casnb.session.table import NEWEST


@dataclass(frozen=True)
class Kind:
    """One kind. `members` come beside those that every secret may have; `generated` and `given`
    say what a CAS makes of it and what `value` may be.

    `since` is the minor version of language 0.3 (None: only 0.2 has it), `old` whether 0.2 has
    it too, `built` whether casnb has it.
    """

    name: str
    generated: str
    given: str
    members: tuple[str, ...] = ()
    since: int | None = 0
    old: bool = False
    built: bool = True
    page: str = ""


_CERTIFICATE = ("private_key", "issuer", "common_name", "valid_for")
_TOKEN = ("tenant_id", "client_id", "application_secret", "private_key", "certificate_thumbprint")
_ROWS = (
    Kind("ascii", "`size` printable characters, special ones too", "text", ("size",), old=True),
    Kind("binary", "`size` bytes", "hex digits", ("size",), old=True),
    Kind("private-key", "a key of `key_type`", "PEM (PKCS#8)", ("key_type", "migrate")),
    Kind(
        "public-key", "the public half of `private_key`", "PEM (SPKI)", ("private_key",), since=11
    ),
    Kind(
        "x509",
        "an end entity's certificate for `private_key`",
        "PEM certificates",
        (*_CERTIFICATE, "endpoint", "dns", "san"),
        old=True,
        page="x509-and-x509-ca",
    ),
    Kind(
        "x509-ca",
        "an authority's certificate for `private_key`",
        "PEM certificates",
        _CERTIFICATE,
        old=True,
        page="x509-and-x509-ca",
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
