"""One page for each command of `casnb` and `scone`, made of the command itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from textwrap import dedent

import click
from doctables.commands import every_command

from casnb.cli.base import RANGE, Command
from sitebuild.markdown import code, contents, fence, lines, md, table


def page_name(words: str) -> str:
    """Return the name of a command's page: `scone-cas-attest`."""
    return words.replace(" ", "-")


def _paragraphs(help: str) -> Iterator[str | list[str]]:
    """Yield the prose of a command's help; a paragraph that click must not fold stays as it is."""
    for block in inspect.cleandoc(help).split("\n\n"):
        kept = block.startswith("\b\n")
        yield fence(block[2:]) if kept else ["", md(block)]


def _options(command: Command, ctx: click.Context) -> list[str]:
    named = {n: heading for heading, names in command.sections.items() for n in names}
    groups: dict[str, list[tuple[str, str]]] = {"Options": [], **{h: [] for h in command.sections}}
    for option in command.get_params(ctx):
        record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
        if record:
            names, text = record
            row = (code(names.replace("|", "\\|")), md(RANGE.sub("", text)))
            groups[named.get(str(option.name), "Options")].append(row)
    out = []
    for heading, rows in groups.items():
        if rows:
            out += ["", f"## {md(heading)}", *table(("option", "what it does"), rows)]
    return out


def command(name: str, found: Command) -> str:
    """Return the page of a command: what it answers, an example, options, exit codes."""
    ctx = click.Context(found, info_name=name)
    usage = " ".join([name, *found.collect_usage_pieces(ctx)])
    return lines(
        f"# {code(name)}",
        *_paragraphs(found.help or ""),
        fence(f"Usage: {usage}"),
        ["## Example", *fence(dedent(found.example).strip(), "bash")] if found.example else [],
        _options(found, ctx),
        "",
        "## Exit codes",
        table(("code", "meaning"), [(str(c), md(m)) for c, m in sorted(found.exits.items())]),
    )


def first_line(found: Command) -> str:
    """Return the question that a command answers."""
    return " ".join(inspect.cleandoc(found.help or "").split("\n\n")[0].split())


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield path and Markdown of every command's page, and of the list of them."""
    found = every_command()
    for name, each in found.items():
        yield f"commands/{page_name(name)}.md", command(name, each)
    listed = []
    for root, words in (("casnb", "teaches and checks"), ("scone", "takes SCONE's own options")):
        listed += ["", f"## {code(root)} {words}", ""]
        listed += [
            f"- [{code(name)}]({page_name(name)}.md): {md(first_line(each))}"
            for name, each in found.items()
            if name.startswith(root + " ")
        ]
    intro = "What each prints with `--help`. [Exit codes](../reference/exit-codes.md) at a glance."
    yield (
        "commands/index.md",
        lines("# Commands", "", intro, listed, contents(map(page_name, found))),
    )
