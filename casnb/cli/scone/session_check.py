"""`scone session check`: validate a session file; no CAS is asked."""

from __future__ import annotations

from collections.abc import Sequence

import click

from casnb.cli.base import Command
from casnb.cli.scone.session_file import read_session
from casnb.cli.scone.session_options import file_options


@click.command(
    "check",
    cls=Command,
    short_help="Validate a session file and print it, defaults filled in.",
    exits={
        0: "valid",
        1: "not a valid session",
        2: "called wrongly, or a variable has no value",
        3: "the file cannot be read",
    },
    example="  scone session check session.yml -e NS=mine",
)
@file_options
def check(
    file: str, variables: Sequence[str], use_env: bool, name: str | None, fail_on_warning: bool
) -> None:
    """Is this a valid session? Prints it with variables replaced and defaults filled in; asks no
    CAS.
    """
    click.echo(read_session(file, variables, use_env, name, fail_on_warning).to_yaml(), nl=False)
