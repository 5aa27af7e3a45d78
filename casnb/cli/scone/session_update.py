"""`scone session update`: upload a new version of a session that is there."""

from __future__ import annotations

from collections.abc import Sequence

import click

from casnb.base.errors import UsageError
from casnb.cli.base import Command
from casnb.cli.scone.session_client import attempt_for, client_of
from casnb.cli.scone.session_file import read_upload
from casnb.cli.scone.session_options import EXITS, cas_options, file_options


@click.command(
    "update",
    cls=Command,
    exits=EXITS,
    short_help="Upload a new version of a session that is there.",
    example="  scone session update session.yml",
)
@file_options
@cas_options
@click.pass_context
def update(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
    fail_on_warning: bool,
) -> None:
    """How do I change a session? Fills in `predecessor` where it is missing, and prints the new
    hash.
    """
    wanted, signed = read_upload(file, variables, use_env, name, fail_on_warning)
    if signed is not None and wanted.predecessor is None:
        raise UsageError(
            "scone session update",
            got="a signed session without predecessor",
            wanted="one that names it",
            do="What is signed cannot be changed: name the predecessor, and sign it again.",
        )
    client = client_of(ctx, cas_name, identity, unattested)

    def upload() -> str:
        if signed is not None:
            return client.create_signed_session(signed.to_json())[0]
        version = (
            wanted
            if wanted.predecessor
            else wanted.with_predecessor(client.read_session(wanted.name)[0])
        )
        return client.create_session(version.to_yaml())

    click.echo(attempt_for("Updating session failed", retries, upload))
