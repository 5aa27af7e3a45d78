"""`scone version`: the same line as `scone --version`."""

from __future__ import annotations

import click

from casnb.cli.base import Command
from casnb.cli.scone.main import VERSION, VERSION_LINE


@click.command(
    "version", cls=Command, exits={0: "done", 2: "called wrongly"}, example="  scone version"
)
def version() -> None:
    """Which release of SCONE's CLI does this one speak as? The last word is its number."""
    click.echo(VERSION_LINE % {"version": VERSION})
