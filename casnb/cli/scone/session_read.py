"""`scone session read`: print a session as the CAS has it."""

from __future__ import annotations

import click

from casnb.cli.base import Command
from casnb.cli.policy_options import option
from casnb.cli.scone.session_client import attempt_for, client_of
from casnb.cli.scone.session_options import EXITS, cas_options


@click.command(
    "read",
    cls=Command,
    exits=EXITS,
    short_help="Print a session as the CAS has it, YAML.",
    example='  scone session read "$NS" > session_read.yml',
)
@click.argument("name")
@cas_options
@option(
    "--session-hash", metavar="HASH", help="The version with this hash instead of the current one."
)
@click.pass_context
def read(
    ctx: click.Context,
    /,
    name: str,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
    session_hash: str | None,
) -> None:
    """What does the CAS have under this name? Needs the right to read it."""
    client = client_of(ctx, cas_name, identity, unattested)
    _, text = attempt_for(
        "Reading session failed", retries, lambda: client.read_session(name, session_hash)
    )
    click.echo(text, nl=not text.endswith("\n"))
