"""Tables of the documentation about the command line, made of the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from casnb.cli.base import Command
from casnb.cli.main import casnb
from casnb.cli.scone.main import scone
from doctables.checks import markdown_table


def commands(root: click.Command, name: str) -> Iterator[tuple[str, Command]]:
    """Yield every command below `root` with the words that call it, in the order of the help;
    its module is loaded.
    """
    if isinstance(root, Command):
        yield name, root
    elif isinstance(root, click.Group):
        ctx = click.Context(root)
        for word in root.list_commands(ctx):
            found = root.get_command(ctx, word)
            assert found is not None
            yield from commands(found, f"{name} {word}")


def every_command() -> dict[str, Command]:
    """Return the commands of `casnb` and `scone` by the words that call them."""
    return {**dict(commands(casnb, "casnb")), **dict(commands(scone, "scone"))}


def exit_codes() -> str:
    """Return what each code means to each command, one row for each command."""
    return markdown_table(
        ("command", "what its codes say"),
        (
            (
                f"`{name}`",
                "<br>".join(
                    f"{code}: {meaning}" for code, meaning in sorted(command.exits.items())
                ),
            )
            for name, command in every_command().items()
        ),
    )


TABLES = {"exits": exit_codes}
