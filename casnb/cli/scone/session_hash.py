"""`scone session calculate-hash`: print the hash of a session file; no CAS is asked."""

from __future__ import annotations

from collections.abc import Sequence

import click

from casnb.cli.base import Command, note
from casnb.cli.policy_options import option
from casnb.cli.scone.session_client import identity_of
from casnb.cli.scone.session_file import read_session
from casnb.cli.scone.session_options import file_options, own_identity


@click.command(
    "calculate-hash",
    cls=Command,
    short_help="Print the hash of a session file; asks no CAS.",
    exits={
        0: "done",
        1: "not a valid session",
        2: "called wrongly, or a variable has no value",
        3: "a file cannot be read",
    },
    example="  scone session calculate-hash session.yml --with-self-as-creator tls",
)
@file_options
@option(
    "--with-self-as-creator",
    "creator",
    type=click.Choice(["tls", "signer"]),
    help="Add yourself as CREATOR: your certificate (tls), or your session signing key (signer).",
)
@own_identity
@click.pass_context
def calculate_hash(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    fail_on_warning: bool,
    creator: str | None,
    identity: str | None,
) -> None:
    """Which hash will this session have? The creator is part of it, so two people who upload one
    file get two hashes.
    """
    from casnb.cli.scone.self_group import session_signing_key
    from casnb.session.access import Signer

    found = read_session(file, variables, use_env, name, fail_on_warning)
    if creator:
        me = identity_of(ctx, identity)
        found = found.with_creator(
            me.certificate_pem if creator == "tls" else Signer(session_signing_key(me))
        )
    elif found.creator is None and found.names_creator:
        note(
            "note: a CAS adds the creator, who is part of the hash; --with-self-as-creator tls adds"
            " you."
        )
    click.echo(found.hash)
