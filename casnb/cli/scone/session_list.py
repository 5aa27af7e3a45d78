"""`scone session list`: print the names of sessions."""

from __future__ import annotations

import click

from casnb.base.errors import neutral
from casnb.cli.base import Command, emit_json
from casnb.cli.scone.main import json_option
from casnb.cli.scone.session_client import attempt_for, client_of
from casnb.cli.scone.session_options import EXITS, cas_options


@click.command(
    "list",
    cls=Command,
    exits=EXITS,
    short_help="Print the names of sessions that you may list.",
    example="  scone session list",
)
@cas_options
@json_option
@click.pass_context
def list_sessions(
    ctx: click.Context,
    /,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
    as_json: bool,
) -> None:
    """Which sessions are there for me? One name a line; where a policy has no `list_sessions`,
    who may read may list.
    """
    client = client_of(ctx, cas_name, identity, unattested)
    found = attempt_for("Listing sessions failed", retries, client.sessions)
    names = [neutral(name, 600) for name in found]
    if as_json:
        emit_json(names)
        return
    for name in names:
        click.echo(name)
