"""`casnb completion`: what makes bash, zsh or fish complete `casnb` and `scone`; click's own
scripts.
"""

from __future__ import annotations

import os

import click
from click.shell_completion import get_completion_class

from casnb.base.errors import UsageError, neutral
from casnb.cli.base import Command, completion_variable
from casnb.cli.policy_options import option

SHELLS = ("bash", "zsh", "fish")
NAMES = ("casnb", "scone")


@click.command(
    cls=Command,
    example="""\
  casnb completion bash > ~/.casnb.bash && echo '. ~/.casnb.bash' >> ~/.bashrc
  casnb completion zsh > ~/.casnb.zsh && echo '. ~/.casnb.zsh' >> ~/.zshrc
  casnb completion fish > ~/.config/fish/conf.d/casnb.fish
""",
    exits={0: "done", 2: "called wrongly, or a shell that casnb has no completion for"},
)
@option(
    "--only",
    type=click.Choice(NAMES),
    help="For one command; for casnb where scone is SCONE's own.  [default: both]",
)
@click.argument("shell", required=False, type=click.Choice(SHELLS))
def completion(only: str | None, shell: str | None) -> None:
    """How do I get my shell to complete casnb and scone?

    Prints a script for SHELL (left out: the one that $SHELL names) on standard output. It asks
    the command itself what could come next, so it need not be renewed when casnb is. In zsh
    compinit has to come before it.
    """
    named = shell or os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119
    if named not in SHELLS:
        raise UsageError(
            "SHELL",
            got=neutral(named, 40) or "none",
            wanted="one of " + ", ".join(SHELLS),
            do="Name it: casnb completion bash.",
        )
    kind = get_completion_class(named)
    assert kind is not None
    for name in (only,) if only else NAMES:
        # Only what the script asks later needs the command; the script itself does not.
        source = kind(click.Command(name), {}, name, completion_variable(name))
        click.echo(source.source_template % source.source_vars())
        if named == "zsh":
            click.echo(f"# {name}: needs compinit before it (autoload -Uz compinit && compinit).")
