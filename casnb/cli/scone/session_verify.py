"""`scone session verify`: compare a session file with what the CAS has."""

from __future__ import annotations

from collections.abc import Sequence

import click

from casnb.base.errors import UsageError, neutral
from casnb.cli.base import REJECTED, Command, Failure, note, slurp
from casnb.cli.scone.session_client import attempt_for, client_of
from casnb.cli.scone.session_file import SESSION_LIMIT, as_it_stands, parse_session
from casnb.cli.scone.session_options import cas_options, file_options


@click.command(
    "verify",
    cls=Command,
    short_help="Compare a session file with what the CAS has.",
    exits={
        0: "the same",
        1: "not the same, or refused",
        2: "called wrongly",
        3: "the CAS could not be reached, or a file of yours is damaged or cannot be read",
    },
    example="  HASH=$(scone session verify session_read.yml)",
)
@file_options
@cas_options
@click.pass_context
def verify(
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
    """Does the CAS have exactly this session? Prints the hash that was recomputed from FILE."""
    from casnb.session.session import Session

    text = slurp(file, SESSION_LIMIT)
    plain = as_it_stands(text, name) if b"$" in text else None
    try:
        readings, failure = (
            [parse_session(text, file, variables, use_env, name, fail_on_warning)],
            None,
        )
    except Failure as exc:
        if plain is None or exc.exit_code != UsageError.exit_code:
            raise
        readings, failure = [], exc
    readings += [plain] if plain else []
    client = client_of(ctx, cas_name, identity, unattested)
    stored, there = attempt_for(
        "Verifying session failed", retries, lambda: client.read_session(readings[0].name)
    )
    creator = Session.from_yaml(there).creator
    # The creator is added by the CAS and is part of the hash: a file that leaves it out is compared
    # without.
    hashes = [(r if r.creator else r.with_creator(creator)).hash for r in readings]
    if stored not in hashes:
        raise failure or Failure(
            "Verifying session failed",
            [f"The file's hash is {hashes[0]}, the CAS has {neutral(stored, 80)}"],
            REJECTED,
            [
                f"scone session read {readings[0].name} prints what the CAS has; casnb history says"
                " what was there before."
            ],
        )
    click.echo(stored)
    note(f"The session is what {neutral(client.attested.name)} has.")
