"""`scone cert`: what an access policy calls the key of a certificate."""

from __future__ import annotations

import click

from casnb.base.errors import EvidenceError
from casnb.cli.base import Command, Commands, slurp
from casnb.cli.scone.main import HELP

_LIMIT = 1 << 16


@click.group("cert", cls=Commands, context_settings=HELP)
def cert() -> None:
    """Say of certificates by which hash a policy names their key."""


@cert.command(
    "show-key-hash",
    cls=Command,
    short_help="The hash of a certificate's public key, as access policies take it.",
    exits={
        0: "done",
        1: "no certificate in the file",
        2: "called wrongly",
        3: "the file cannot be read",
    },
    example="  scone cert show-key-hash colleague.crt",
)
@click.argument("file", type=click.Path(allow_dash=True))
def show_key_hash(file: str) -> None:
    """By which hash does an access policy name the holder of a certificate? FILE is PEM; of
    several, the first one counts.

    casnb takes the hash over the DER form of the public key: what the real CAS hashes is not
    public.
    """
    from casnb.session.material import load_certificate
    from casnb.verify.keyhash import key_hash

    try:
        click.echo(key_hash(load_certificate(slurp(file, _LIMIT).decode("ascii", "replace"))))
    except EvidenceError as exc:
        raise EvidenceError(
            "standard input" if file == "-" else file,
            got=exc.got,
            wanted=exc.wanted,
            do="scone cas show-certificate prints a CAS's, scone self show-certificate yours.",
        ) from None
