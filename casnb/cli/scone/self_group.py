"""`scone self`: the client identity this command presents to a CAS."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import click

from casnb.cli.base import Command, Commands, note
from casnb.cli.scone.main import HELP, trust_store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from casnb.cas.client_identity import ClientIdentity

_EXITS = {
    0: "done",
    2: "called wrongly",
    3: "the file with the identity is damaged, or cannot be read or written",
}


@click.group("self", cls=Commands, context_settings=HELP)
def own() -> None:
    """The client identity this command presents to a CAS. It is made when it is first needed."""


@own.command(
    "show",
    cls=Command,
    exits=_EXITS,
    short_help="Certificate, key hash and session signing key.",
    example="  scone self show",
)
@click.pass_context
def show(ctx: click.Context) -> None:
    """Who am I? Certificate, key hash and session signing key, in this order."""
    me = trust_store(ctx).identity()
    click.echo(f"Certificate:\n{me.certificate_pem.rstrip()}\nKey hash: {me.key_hash}")
    click.echo(f"Session signing key:\n{session_signing_key(me)}", nl=False)


@own.command(
    "show-certificate",
    cls=Command,
    exits=_EXITS,
    short_help="The certificate shown to a CAS, PEM.",
    example="  scone self show-certificate > client.crt",
)
@click.pass_context
def show_certificate(ctx: click.Context) -> None:
    """Which certificate does a CAS see as CREATOR? Its name means nothing; its public key does."""
    click.echo(trust_store(ctx).identity().certificate_pem, nl=False)


@own.command(
    "show-key-hash",
    cls=Command,
    exits=_EXITS,
    short_help="The hash of the public key, as access policies take it.",
    example="  scone self show-key-hash",
)
@click.pass_context
def show_key_hash(ctx: click.Context) -> None:
    """By which hash does an access policy name me? casnb takes it over the DER form of the
    public key.
    """
    click.echo(trust_store(ctx).identity().key_hash)


@own.command(
    "show-certificate-hash",
    cls=Command,
    exits=_EXITS,
    short_help="SHA-256 of the certificate; deprecated.",
    example="  scone self show-certificate-hash",
)
@click.pass_context
def show_certificate_hash(ctx: click.Context) -> None:
    """What is the SHA-256 of my certificate (DER)? Deprecated: policies name keys, not
    certificates.
    """
    from cryptography.hazmat.primitives.serialization import Encoding

    note("note: deprecated; access policies take the key hash.")
    certificate = trust_store(ctx).identity().certificate
    click.echo(hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest())


@own.command(
    "show-session-signing-key",
    cls=Command,
    exits=_EXITS,
    short_help="The public key for signed sessions, PEM (Ed25519).",
    example="  scone self show-session-signing-key",
)
@click.pass_context
def show_session_signing_key(ctx: click.Context) -> None:
    """Which key signs my sessions? Shown in the form in which policies name signers."""
    click.echo(session_signing_key(trust_store(ctx).identity()), nl=False)


def session_signing_key(me: ClientIdentity) -> str:
    """Return the public Ed25519 key that casnb derives from the identity's private key, PEM."""
    from cryptography.hazmat.primitives import serialization

    return (
        signing_key(me)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def signing_key(me: ClientIdentity) -> Ed25519PrivateKey:
    """Return the Ed25519 key that signs sessions: derived from the identity's private key
    (HKDF-SHA256), so that it needs no place.
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = serialization.load_pem_private_key(me.key_pem.encode(), None)
    secret = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    seed = HKDF(hashes.SHA256(), 32, None, b"casnb session signing key").derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)
