"""`scone session encrypt`: a signed session that one CAS alone can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from casnb.base.errors import UsageError, own_file
from casnb.cli.base import Command
from casnb.cli.policy_options import option
from casnb.cli.scone.main import trust_store
from casnb.cli.scone.session_client import attempt_for, client_of, identity_of
from casnb.cli.scone.session_file import read_upload
from casnb.cli.scone.session_options import file_options, own_identity


@click.command(
    "encrypt",
    cls=Command,
    short_help="Print a session that one CAS alone can read, JSON.",
    exits={
        0: "done",
        1: "not a valid session, or not a key",
        2: "called wrongly, or a variable has no value",
        3: "the CAS could not be reached, or a file cannot be read",
    },
    example="  scone session encrypt session.yml > sealed.json && scone session create sealed.json",
)
@file_options
@option(
    "--cas",
    "cas_name",
    metavar="CAS",
    help="An attested CAS.  [default: the one with a star in scone cas list]",
)
@option("--key", metavar="KEY", help="Its session encryption key instead: a PEM file, or PEM.")
@own_identity
@click.pass_context
def encrypt_session(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    fail_on_warning: bool,
    cas_name: str | None,
    key: str | None,
    identity: str | None,
) -> None:
    """How does a session get to a CAS through hands that must not read it?

    It is signed by you, unless it is signed already, and encrypted for the key of one CAS, which
    the attested CAS is asked for. Whoever has it can upload it; `scone session create` does. The
    form is casnb's own: that of a real CAS is not public.
    """
    from casnb.cli.scone.self_group import session_signing_key, signing_key
    from casnb.session.access import Signer
    from casnb.session.encrypted import encrypt, load_encryption_key
    from casnb.session.signed import Signed, sign

    if key is not None and cas_name is not None:
        raise UsageError("scone session encrypt", got="--cas and --key", wanted="one of them")
    session, signed = read_upload(file, variables, use_env, name, fail_on_warning)
    if signed is None:
        me = identity_of(ctx, identity) if identity else trust_store(ctx).identity()
        signer = session_signing_key(me)
        if session.names_creator and session.creator is None:
            session = session.with_creator(Signer(signer))
        whole = session.to_yaml()
        signed = Signed(whole, ()).signed_by(sign(whole, signing_key(me), signer))
    if key is None:
        client = client_of(ctx, cas_name, identity, False)
        key = attempt_for("Asking for the session encryption key failed", 0, client.encryption_key)
    elif "-----BEGIN" not in key:
        from casnb.evidence.decode import read_file

        with own_file(f"--key {key}"):
            key = read_file(Path(key), 1 << 16).decode("utf-8", "replace")
    click.echo(encrypt(signed.to_json(), load_encryption_key(key)))
