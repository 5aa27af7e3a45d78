"""`casnb explain`: a pasted `scone cas attest` line token by token; a session in words, and its
tolerance as flags.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from casnb.base.errors import EvidenceError, neutral
from casnb.cli.base import ACCEPTED, MISUSED, REJECTED, Command, emit_json, note, slurp

if TYPE_CHECKING:
    from casnb.explain.line import Explanation
    from casnb.policy.crosswalk import Translation

_LARGEST = 1 << 18


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    example="""\
  casnb explain 'scone cas attest -GCS --only_for_testing-debug $CAS_ADDR'
  casnb explain scone cas attest -d -m HASH scone-cas.cf
  casnb explain --json - < attest.sh
  casnb explain session.yml
""",
    exits={
        0: "explained",
        1: "explained, and the command would refuse the line; or the session is malformed",
        2: "nothing to explain: no scone cas attest line",
        3: "the file cannot be read",
    },
)
@click.option(
    "--session", "session", is_flag=True, help="LINE is the file of a session, whatever its name."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.argument("line", nargs=-1, type=click.UNPROCESSED)
def explain(line: tuple[str, ...], session: bool, as_json: bool) -> int:
    """What does this attest line mean, and what does it give away?

    LINE is pasted text in quotes, or its words, or a dash for standard input: every token with
    its meaning, old spellings, what the command would refuse, what each flag waives and whom
    that lets in. Nothing is run. A FILE.yml is read as a session: what each part means, and what
    it tolerates, as flags. Options of casnb stand before LINE.
    """
    if line[1:] == ("--json",) and (" " in line[0] or line[0] == "-" or _is_file(line[0])):
        line, as_json = line[:1], True
    if session and len(line) != 1:
        raise click.UsageError("--session takes the name of one file, or a dash.")
    if session or (len(line) == 1 and _is_file(line[0])):
        return _session(line[0], as_json)
    from casnb.explain.line import explain as read

    if line in ((), ("-",)):
        if not line and sys.stdin.isatty():
            raise click.UsageError("LINE is missing: paste a scone cas attest line in quotes.")
        found = read(_text(slurp("-", _LARGEST)))
    else:
        found = read(line[0] if len(line) == 1 else line)
    if as_json:
        emit_json(found.to_json())
    else:
        _show(found)
    return MISUSED if not found.parts else REJECTED if found.problems else ACCEPTED


def _is_file(word: str) -> bool:
    return word.lower().endswith((".yml", ".yaml")) and " " not in word


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EvidenceError(
            "standard input", got="bytes that are no UTF-8 text", wanted="a line of a shell"
        ) from None


def _show(found: Explanation) -> None:
    from rich.text import Text

    from casnb.cli.terminal import console, indented

    out = console()
    out.print(Text(neutral(found.sentence, 1000), "bold red" if found.problems else "bold"))
    for line in found.refusals():
        out.print(Text(line))
    out.print()
    for token, means in found.rows():
        out.print(Text(token, "bold"))
        out.print(indented(means, 4))
    if found.parts and found.remarks():
        out.print()
    for line in found.remarks():
        out.print(Text(line))
    if found.flags:
        out.print(Text("\nWhat it gives away", "bold"))
    for option, text in found.gains():
        out.print(Text(option, "bold"))
        out.print(indented(text, 4))
    if found.session.text:
        out.print(
            Text(
                "\nThe same for a service, in a session (a flag is about the CAS, tolerate about"
                " what the CAS attests):\n"
            )
        )
        click.echo(found.session.text)
    _more(found.session)


def _more(translation: Translation) -> None:
    from rich.text import Text

    from casnb.cli.terminal import console

    for head, rows in (("lost", translation.lost), ("note", translation.notes)):
        for row in rows:
            console().print(Text(f"{head}: {neutral(row, 600)}"))


def _session(path: str, as_json: bool) -> int:
    """Say what each part of a session means, what to think twice about, and translate its
    security block.
    """
    from casnb.policy.crosswalk import to_flags
    from casnb.session.explain import explain as rows
    from casnb.session.explain import warnings
    from casnb.session.session import Session

    read = Session.from_yaml(slurp(path, _LARGEST))
    found, twice = to_flags(read.security.data), [neutral(w, 400) for w in warnings(read)]
    if as_json:
        said = [
            {"where": neutral(w), "what": neutral(x), "means": neutral(m, 600)}
            for w, x, m in rows(read)
        ]
        emit_json({**found.to_json(), "session": said, "warnings": twice})
        return ACCEPTED
    from rich.text import Text

    from casnb.cli.terminal import console, indented

    for where, what, means in rows(read):
        console().print(Text.assemble((neutral(where, 200), "bold"), f": {neutral(what, 200)}"))
        console().print(indented(neutral(means, 600), 4))
    for caution in twice:
        note(f"warning: {caution}")
    name = "standard input" if path == "-" else neutral(Path(path).name, 80)
    heading = (
        f"{name} tolerates of a service what these flags tolerate of a CAS:"
        if found.text
        else (f"{name} tolerates nothing that a flag says.")
    )
    console().print()
    console().print(Text(heading, "bold"))
    if found.text:
        click.echo(f"\n  {found.text}\n")
    _more(found)
    return ACCEPTED
