"""The command `scone`: options and standard output of the SCONE CLI, as far as casnb speaks it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb import __version__
from casnb.base.errors import SourceError, UsageError, neutral
from casnb.cli.base import EXITS, Commands, write_atomically
from casnb.cli.policy_options import option
from casnb.cli.scone.unbuilt import unbuilt
from casnb.explain.releases import SPOKEN

if TYPE_CHECKING:
    from casnb.cas.trust import TrustStore

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 80}
#: Argument files may name argument files; nobody needs more levels or words than this.
_LEVELS, _WORDS = 8, 10_000

COMMANDS = {
    "cas": (
        "casnb.cli.scone.cas_group:cas",
        "Attest CAS instances, and remember which were attested.",
    ),
    "self": (
        "casnb.cli.scone.self_group:own",
        "The client identity this command presents to a CAS.",
    ),
    "cert": (
        "casnb.cli.scone.cert:cert",
        "Say of certificates by which hash a policy names their key.",
    ),
    "session": (
        "casnb.cli.scone.session_group:session",
        "Create, update, read, list and verify sessions.",
    ),
    "version": ("casnb.cli.scone.version:version", "As scone --version."),
}


#: Wrappers read the last word as the version of the CLI, and leave newer flags out where it is
#: older; so it is the release whose options casnb's scone takes.
VERSION = SPOKEN.number
VERSION_LINE = f"casnb's scone {__version__}, not Scontain's; speaks as %(version)s"


class Scone(Commands):
    """The root of the command: reads argument files before anything else, and keeps `-o` out of
    the subcommands.
    """

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse, argument files replaced by what they hold."""
        plain = bool(parent) or bool(extra.get("resilient_parsing"))
        return super().make_context(info_name, args if plain else expand(args), parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; with `-o` its standard output becomes a file, once the command has
        ended well.
        """
        output = ctx.params.get("output")
        if output is None:
            return super().invoke(ctx)
        collected = io.StringIO()
        with contextlib.redirect_stdout(collected):
            try:
                status = super().invoke(ctx)
            except click.exceptions.Exit as exc:
                status = exc.exit_code
        write_atomically(Path(output), collected.getvalue())
        return status


@click.group(
    cls=Scone, lazy=COMMANDS, epilog_rows=EXITS, elsewhere=unbuilt("scone"), context_settings=HELP
)
@option(
    "-c",
    "--config",
    metavar="CONFIG",
    envvar="SCONE_CLI_CONFIG",
    show_envvar=True,
    help="File of attested CASes and of your identity.  [default: ~/.cas/config.json]",
)
@option(
    "-o", "output", metavar="OUTPUT", help="Write standard output to this file, once all went well."
)
@click.version_option(VERSION, "-V", "--version", message=VERSION_LINE)
@click.pass_context
def scone(ctx: click.Context, config: str | None, output: str | None) -> None:
    """Attest a SCONE CAS and use it.

    A stand-in for the SCONE CLI that takes its options and prints what scripts read from it.
    Only the subcommands below are there; what is not known publicly is casnb's own design.
    Remarks, waivers and errors are on standard error. @FILE stands for the arguments in a file,
    one a line.
    """
    ctx.obj = config


def trust_store(ctx: click.Context) -> TrustStore:
    """Return the file of attested CASes that this call uses."""
    from casnb.cas.trust import TrustStore

    config = ctx.find_root().obj
    return TrustStore(Path(config)) if config else TrustStore()


def expand(words: Sequence[str], level: int = 0) -> list[str]:
    """Replace each @FILE by the arguments in that file, one a line, recursively; raise
    UsageError where that never ends.
    """
    out: list[str] = []
    for word in words:
        if not word.startswith("@") or word == "@":
            out.append(word)
            continue
        if level >= _LEVELS:
            raise UsageError(
                f"{neutral(word, 100)}",
                got=f"argument files nested deeper than {_LEVELS}",
                wanted="fewer",
            )
        try:
            lines = Path(word[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "strerror", None) or "bytes that are not UTF-8"
            raise SourceError(
                neutral(word, 100), got=reason, wanted="a file with one argument a line"
            ) from None
        out += expand(lines, level + 1)
        if len(out) > _WORDS:
            raise UsageError(
                neutral(word, 100), got=f"more than {_WORDS} arguments", wanted="fewer"
            )
    return out


def json_option(command: Any) -> Any:
    """Add `--json`, which SCONE's own lists do not have."""
    return click.option(
        "--json", "as_json", is_flag=True, help="casnb's own: one JSON array on standard output."
    )(command)


def retries_option(command: Any) -> Any:
    """Add `--retries`."""
    return option(
        "--retries",
        type=click.IntRange(0, 100),
        default=3,
        show_default=True,
        metavar="COUNT",
        envvar="SCONE_CLI_RETRIES",
        show_envvar=True,
        help="Try so often again where the CAS cannot be reached.",
    )(command)


def main() -> None:
    """Run the command line."""
    os.environ.pop("SCONE_CONFIG_ID", None)
    scone.main(prog_name="scone")


if __name__ == "__main__":
    main()
