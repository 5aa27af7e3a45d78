"""How a command line ends: results on standard output, remarks on standard error, one shape of
error, four exit codes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import dedent, fill
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from casnb.base.errors import CasnbError, SourceError, neutral
from casnb.base.files import replace_file

#: What every command returns: accepted, rejected, called wrongly, could not check.
ACCEPTED, REJECTED, MISUSED, UNCHECKED = 0, 1, 2, 3
#: What a shell reports for a process that SIGINT or SIGPIPE ended.
INTERRUPTED, PIPE_CLOSED = 130, 141

#: How click appends the range of a number to its help: `[0<=x<=65535]`, or the last part of
#: `[default: 3; 0<=x<=100]`.
RANGE = re.compile(r"  \[\d+<=x<=\d+\]|; \d+<=x<=\d+(?=\])")

EXITS = {
    ACCEPTED: "done",
    REJECTED: "rejected",
    MISUSED: "called wrongly",
    UNCHECKED: "could not check: nothing was decided",
}


class Failure(click.ClickException):
    """A headline and its causes, one `Caused by:` line each, and the exit code that belongs to
    them.
    """

    exit_code: int  # type: ignore[misc]

    def __init__(
        self,
        headline: str,
        causes: Sequence[str] = (),
        exit_code: int = REJECTED,
        advice: Sequence[str] = (),
    ) -> None:
        super().__init__(neutral(headline, 600))
        self.causes = [neutral(c, 600) for c in causes]
        self.advice = list(advice)
        self.exit_code = exit_code

    def show(self, file: Any = None) -> None:
        """Print it on standard error."""
        note(f"Error: {self.message}")
        for cause in self.causes:
            note(f"Caused by: {cause}")
        for line in self.advice:
            note(line)


def note(text: str = "") -> None:
    """Print a line for people on standard error; scripts read standard output.

    On a terminal it is folded between words; in a file or pipe it stays one line.
    """
    if sys.stderr.isatty():
        width = min(shutil.get_terminal_size().columns, 100)
        margin = " " * (len(text) - len(text.lstrip(" ")) + 2)
        text = fill(
            text,
            max(width, 20),
            break_long_words=False,
            break_on_hyphens=False,
            subsequent_indent=margin,
        )
    click.echo(text, err=True)


def emit_json(value: Any) -> None:
    """Print one JSON value on standard output, two-space, ASCII only: it cannot steer a
    terminal.
    """
    click.echo(json.dumps(value, indent=2))


def slurp(file: str, limit: int | None = None) -> bytes:
    """Return the bytes of a file, or of standard input for a dash; bounded as `read_file` is."""
    from casnb.base.errors import EvidenceError, UsageError
    from casnb.evidence.decode import FILE_LIMIT, read_file

    most = limit or FILE_LIMIT
    if not file:
        raise UsageError("file", got="no name", wanted="one", do="Is a shell variable empty?")
    if file != "-":
        return read_file(Path(file), most)
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise EvidenceError(
            "standard input", got=f"more than {most} bytes", wanted=f"at most {most}"
        )
    return data


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file as a whole (text as UTF-8); where that fails the old one is untouched.
    Raises SourceError. See `casnb.base.files.replace_file`.
    """
    try:
        replace_file(path, content)
    except OSError as exc:
        raise SourceError(
            str(path),
            got=exc.strerror or type(exc).__name__,
            wanted="a file that can be written",
            do="Choose another place or make room; what was there before is untouched.",
        ) from None


def causes_of(exc: BaseException) -> list[str]:
    """Return what led to an error, nearest first: the chain of `raise ... from`, at most five."""
    out: list[str] = []
    while exc.__cause__ is not None and len(out) < 5:
        exc = exc.__cause__
        out.append(neutral(_words(exc), 600))
    return out


def _words(exc: BaseException) -> str:
    if isinstance(exc, OSError):
        subject = (
            f"{exc.filename}: "
            if exc.filename
            else "standard output: "
            if exc.errno == errno.ENOSPC
            else ""
        )
        return subject + (exc.strerror or str(exc) or type(exc).__name__)
    return str(exc) or type(exc).__name__


def finish(work: Callable[[], Any]) -> NoReturn:
    """Run a command and leave with its exit code; every foreseen end is one clear message
    without a traceback.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    status = UNCHECKED
    try:
        value = work()
        status = value if isinstance(value, int) else ACCEPTED
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        status = exc.exit_code
    except click.ClickException as exc:
        exc.show()
        status = exc.exit_code
    except (KeyboardInterrupt, EOFError, click.Abort):
        note("Interrupted.")
        status = INTERRUPTED
    except CasnbError as exc:
        Failure(str(exc), causes_of(exc)).show()
        status = exc.exit_code
    except BrokenPipeError:
        status = _silenced(PIPE_CLOSED)
    except OSError as exc:
        Failure(_words(exc), causes_of(exc)).show()
        status = _silenced(UNCHECKED)
    except Exception:
        # A defect of ours: the trace helps whoever mends it, and nothing may read it as a verdict.
        traceback.print_exc()
        note("Error: casnb has a defect here, and nothing was decided.")
    sys.exit(status)


def _open_streams() -> None:
    """Put empty streams where a shell closed one (`<&-`, `>&-`): Python has None there, and the
    next file would take its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _silenced(status: int) -> int:
    """Keep the interpreter from writing once more to a standard output that is gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    return status


class Command(click.Command):
    """A command whose help answers a question, shows an example to paste, and names its exit codes.

    `sections` sorts options under headings of their own: heading to the names of parameters.
    """

    def __init__(
        self,
        *args: Any,
        example: str = "",
        exits: Mapping[int, str] | None = None,
        sections: Mapping[str, Sequence[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        from casnb.cli.completers import offer_files

        offer_files(self.params)
        self.example = example
        self.exits = dict(EXITS if exits is None else exits)
        self.sections = dict(sections or {})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then the options under their headings."""
        if self.example:
            with formatter.section("Example"):
                for line in dedent(self.example).strip().splitlines():
                    formatter.write(" " * formatter.current_indent + line.rstrip() + "\n")
        placed = {name for names in self.sections.values() for name in names}
        parameters = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        groups = [("Options", [p for p in parameters if p.name not in placed])]
        groups += [
            (heading, [p for p in parameters if p.name in names])
            for heading, names in self.sections.items()
        ]
        for heading, members in groups:
            records = [record for p in members if (record := p.get_help_record(ctx))]
            rows = [(names, RANGE.sub("", text)) for names, text in records]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=34)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        if self.exits:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(code), meaning) for code, meaning in self.exits.items()])

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> Any:
        """Parse, run, leave; like click's own, with the endings of `finish`."""
        _main(self, args, prog_name)


class Commands(click.Group):
    """A group that loads a subcommand's module only when it is called: name to
    `module:attribute` and a line of help.

    `elsewhere` says of names that are none of its own what to tell whoever calls them.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]] | None = None,
        epilog_rows: Mapping[int, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})
        self.epilog_rows = dict(epilog_rows or {})
        self.elsewhere = dict(elsewhere or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer meets them."""
        return [*self.lazy, *(name for name in self.commands if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, loading its module."""
        if cmd_name in self.lazy:
            module, _, attribute = self.lazy[cmd_name][0].partition(":")
            command = getattr(import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand, or say which ones there are."""
        if ctx.resilient_parsing:  # a shell asks what could come next
            return super().resolve_command(ctx, args)
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            from difflib import get_close_matches

            names = self.list_commands(ctx)
            if args[0] in self.elsewhere:
                ctx.fail(self.elsewhere[args[0]])
            near = get_close_matches(args[0], names, 1, 0.7)
            known = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
            ctx.fail(f"no command {neutral(args[0], 60)!r}. {known}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what a shell may offer here, without loading a subcommand's module."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=text)
            for name, text in self.lines(ctx)
            if name.startswith(incomplete)
        ]

    def lines(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return each subcommand with its line of help."""
        return [
            (
                name,
                self.lazy[name][1]
                if name in self.lazy
                else self.commands[name].get_short_help_str(70),
            )
            for name in self.list_commands(ctx)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line for each subcommand without loading it."""
        rows = self.lines(ctx)
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes, where this group names them."""
        if self.epilog_rows:
            with formatter.section("Exit codes"):
                formatter.write_dl(
                    [(str(code), meaning) for code, meaning in self.epilog_rows.items()]
                )

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> Any:
        """Parse, run, leave; like click's own, with the endings of `finish`."""
        _main(self, args, prog_name)


def complete(command: click.Command, name: str, variable: str) -> None:
    """Answer a shell that asks what could come next, and leave; do nothing for another command."""
    from click.shell_completion import shell_complete

    if variable == completion_variable(name):
        with contextlib.suppress(CasnbError, click.ClickException):
            sys.exit(shell_complete(command, {}, name, variable, os.environ.pop(variable)))
        sys.exit(UNCHECKED)


def completion_variable(name: str) -> str:
    """Return the variable in which a shell's completion script asks the command `name`."""
    return f"_{name.upper()}_COMPLETE"


#: What the scripts of `casnb completion` set.
COMPLETING = (completion_variable("casnb"), completion_variable("scone"))


def _main(command: click.Command, args: Sequence[str] | None, prog_name: str | None) -> NoReturn:
    words = list(sys.argv[1:] if args is None else args)
    if variable := next((v for v in COMPLETING if v in os.environ), ""):
        complete(command, prog_name or Path(sys.argv[0]).name, variable)

    def work() -> Any:
        with command.make_context(prog_name or Path(sys.argv[0]).name, words) as ctx:
            return command.invoke(ctx)

    finish(work)
