"""`casnb explain`: a pasted `scone cas attest` line token by token, a script line by line, a
session in words; a message is handed to `casnb why`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from casnb.base.errors import EvidenceError, UsageError, neutral
from casnb.cli.base import ACCEPTED, MISUSED, REJECTED, Command, emit_json, note, slurp
from casnb.cli.policy_options import option

if TYPE_CHECKING:
    from casnb.explain.explanation import Explanation
    from casnb.explain.script import Walk
    from casnb.policy.translation import Translation

_LARGEST = 1 << 18
_SESSIONS = (".yml", ".yaml")


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    example="""\
  casnb explain 'scone cas attest -GCS --only_for_testing-debug $CAS_ADDR'
  casnb explain scone cas attest -d -m HASH scone-cas.cf
  casnb explain attest.sh
  casnb explain -e NS=mine session.yml
""",
    exits={
        0: "explained",
        1: "explained, and the command would refuse the line; or the session is malformed",
        2: "nothing to explain: no scone cas attest line, no message that is known",
        3: "the file cannot be read",
    },
)
@click.option(
    "--session", "session", is_flag=True, help="LINE is the file of a session, whatever its name."
)
@click.option(
    "--script", "script", is_flag=True, help="LINE is the file of a script, whatever its name."
)
@option(
    "-e",
    "variables",
    multiple=True,
    metavar="VAR=VALUE",
    help="Replace $VAR in a session; one without a value is shown as $VAR.",
)
@click.option("--use-env", is_flag=True, help="Take a session's variables from the environment.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.argument("line", nargs=-1, type=click.UNPROCESSED)
def explain(
    line: tuple[str, ...],
    session: bool,
    script: bool,
    variables: tuple[str, ...],
    use_env: bool,
    as_json: bool,
) -> int:
    """What does this attest line mean, and what does it give away?

    LINE is pasted text in quotes, or its words, or a dash for standard input: every token with
    its meaning, old spellings, what the command would refuse, what each flag waives and whom
    that lets in; inside docker run, kubectl exec, sh -c and aliases as well. A script (a FILE, or
    several commands from standard input) is gone through line by line. A FILE.yml is read as a
    session, templates with their variables: what each part means, and what it tolerates, as
    flags. A message is told as casnb why does. Nothing is run. Options of casnb stand before
    LINE.
    """
    if line[1:] == ("--json",) and (" " in line[0] or line[0] == "-" or _is_file(line[0])):
        line, as_json = line[:1], True
    if (session or script) and len(line) != 1:
        raise click.UsageError("--session and --script take the name of one file, or a dash.")
    if session or (len(line) == 1 and not script and _is_session(line[0])):
        return _session(line[0], variables, use_env, as_json)
    from casnb.explain.line import explain as read

    if script or (len(line) == 1 and _is_file(line[0])):
        return _walk(_text(slurp(line[0], _LARGEST)), line[0], as_json)
    if line in ((), ("-",)):
        if not line and sys.stdin.isatty():
            raise click.UsageError("LINE is missing: paste a scone cas attest line in quotes.")
        pasted: str | Sequence[str] = _text(slurp("-", _LARGEST))
        if _is_script(str(pasted)):
            return _walk(str(pasted), "-", as_json)
    else:
        pasted = line[0] if len(line) == 1 else line
    found = read(pasted)
    if not found.parts and _message(pasted, as_json):
        return ACCEPTED
    if as_json:
        emit_json(found.to_json())
    else:
        _show(found)
    return MISUSED if not found.parts else REJECTED if found.problems else ACCEPTED


def _is_session(word: str) -> bool:
    return word.lower().endswith(_SESSIONS) and " " not in word


def _is_file(word: str) -> bool:
    """Whether a single word names a file: by its ending, or because it is there."""
    if " " in word or not word or word.startswith("-"):
        return False
    try:
        return word.lower().endswith((*_SESSIONS, ".sh", ".bash", ".zsh")) or Path(word).is_file()
    except (OSError, ValueError):
        return False


def _is_script(text: str) -> bool:
    """Whether text from a pipe is a script: it begins like one, or has several commands."""
    if text.startswith("#!"):
        return True
    from casnb.explain.shell import SCRIPT_LIMIT, script

    if len(text) > SCRIPT_LIMIT:
        raise UsageError("script", got=f"{len(text)} characters", wanted=f"at most {SCRIPT_LIMIT}")
    try:
        lines = {c.line for c in script(text).commands}
    except UsageError:
        return False
    return len(lines) > 1 and any(word in text for word in ("scone", "curl", "casnb"))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EvidenceError(
            "standard input", got="bytes that are no UTF-8 text", wanted="a line of a shell"
        ) from None


def _message(pasted: str | Sequence[str], as_json: bool) -> bool:
    """Tell a message as `casnb why` does; False where it is none, or a command."""
    from casnb.explain.shell import commands
    from casnb.explain.why import explain_message

    text = pasted if isinstance(pasted, str) else " ".join(pasted)
    try:
        first = next((c.program for c in commands(text) if c.words), "")
    except UsageError:
        first = ""
    if first in ("curl", "wget", "openssl", "scone", "casnb", "docker", "kubectl"):
        return False
    found = explain_message(text)
    if not found.known:
        return False
    if as_json:
        emit_json(found.to_json())
        return True
    from casnb.cli.terminal import console, rows_table

    note("note: this is a message; casnb why explains those.")
    console().print(rows_table(found.rows()))
    return True


def _walk(text: str, name: str, as_json: bool) -> int:
    """Go through a script and say what each line gives away."""
    from casnb.explain.script import explain_script

    if text.count("\n") <= 1 and not text.startswith("#!"):
        from casnb.explain.line import explain as read

        if (found := read(text)).parts:
            emit_json(found.to_json()) if as_json else _show(found)
            return REJECTED if found.problems else ACCEPTED
    walk = explain_script(text)
    if as_json:
        emit_json(walk.to_json())
    else:
        _show_walk(walk, "standard input" if name == "-" else neutral(Path(name).name, 80))
    return MISUSED if not walk.commands else REJECTED if walk.problems else ACCEPTED


def _show_walk(walk: Walk, name: str) -> None:
    from rich.text import Text

    from casnb.cli.terminal import console, indented

    out = console()
    out.print(Text(f"{name}: {walk.sentence}", "bold red" if walk.problems else "bold"))
    for where, command, said in walk.rows():
        out.print()
        out.print(Text.assemble((where, "bold"), f": {command}"))
        for text in said:
            out.print(indented(text, 4))


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
    for flag, text in found.gains():
        out.print(Text(flag, "bold"))
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


def _session(path: str, variables: Sequence[str], use_env: bool, as_json: bool) -> int:
    """Say what each part of a session means, what to think twice about, and translate its
    security block.
    """
    from casnb.policy.translation import to_flags
    from casnb.session.template import explain_template

    found = explain_template(_text(slurp(path, _LARGEST)), variables, use_env)
    translated = to_flags(found.security)
    if as_json:
        said = [
            {"where": neutral(w), "what": neutral(x), "means": neutral(m, 600)}
            for w, x, m in found.rows
        ]
        twice = [neutral(w, 400) for w in found.warnings]
        open_ = [neutral(v, 100) for v in found.open]
        emit_json({**translated.to_json(), "session": said, "warnings": twice, "open": open_})
        return ACCEPTED
    from rich.text import Text

    from casnb.cli.terminal import console, indented

    for where, what, means in found.rows:
        console().print(Text.assemble((neutral(where, 200), "bold"), f": {neutral(what, 200)}"))
        console().print(indented(neutral(means, 600), 4))
    if found.open:
        listed = ", ".join(f"${neutral(v, 60)}" for v in found.open[:20])
        note(f"note: a template; without a value are {listed}. Give them with -e or --use-env.")
    if found.unchecked:
        note(f"note: not checked as a whole: {neutral(found.unchecked, 300)}")
    for caution in found.warnings:
        note(f"warning: {neutral(caution, 400)}")
    name = "standard input" if path == "-" else neutral(Path(path).name, 80)
    heading = (
        f"{name} tolerates of a service what these flags tolerate of a CAS:"
        if translated.text
        else (f"{name} tolerates nothing that a flag says.")
    )
    console().print()
    console().print(Text(heading, "bold"))
    if translated.text:
        click.echo(f"\n  {translated.text}\n")
    _more(translated)
    return ACCEPTED
