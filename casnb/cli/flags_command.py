"""`casnb flags`: the insecure flags, the fewest that a report needs, and what each combination
of them accepts.
"""

from __future__ import annotations

import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import neutral
from casnb.base.times import stamp
from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json, note, slurp, write_atomically
from casnb.cli.policy_options import (
    SECTIONS,
    at_option,
    endorsements_option,
    identity_options,
    option,
    policy_from,
    roots_and_signer,
    roots_option,
)
from casnb.policy.attest_options import IDENTITY
from casnb.policy.flag_matrix import FORMATS
from casnb.policy.flags import FLAGS, NEWER

if TYPE_CHECKING:
    from rich.table import Table

    from casnb.policy.smallest import MinimalSet

#: Lines of a matrix on a terminal or in a pipe are no longer.
_WIDEST = 100
_GIVEN = {"given": "given", "wrong": "one digit wrong", "none": "none"}


@click.command(
    cls=Command,
    sections={IDENTITY: SECTIONS[IDENTITY]},
    example="""\
  casnb flags
  casnb flags report.json --mrenclave "$MRENCLAVE"
  casnb flags --matrix --format svg -o flags.svg
  casnb flags --crosswalk
""",
    exits={
        0: "told; of a FILE: some set of flags is enough, perhaps none",
        1: "no set of flags is enough, or FILE is malformed",
        2: "called wrongly",
        3: (
            "could not check: FILE is missing, a file beside it is damaged, or nobody can judge it"
            " any more"
        ),
    },
)
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option(
    "--matrix",
    "as_matrix",
    is_flag=True,
    help="Every combination against every scenario, and FILE if one is given.",
)
@click.option(
    "--crosswalk",
    "as_crosswalk",
    is_flag=True,
    help="The same ideas in other tools and in a session.",
)
@click.option(
    "--expected",
    type=click.Choice(list(_GIVEN)),
    default="given",
    show_default=True,
    help="With --matrix: the MRENCLAVE as it is, with a wrong digit, or none.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="With --matrix.  [default: text]"
)
@option("-o", "--output", metavar="FILE", help="With --matrix: write it there.")
@endorsements_option
@at_option("FILE")
@roots_option
@click.option("--json", "as_json", is_flag=True, help="One JSON value on standard output.")
@identity_options
def flags(
    file: str | None,
    as_matrix: bool,
    as_crosswalk: bool,
    expected: str,
    form: str | None,
    output: str | None,
    endorsements: str | None,
    at: datetime | None,
    simulated_roots: str | None,
    as_json: bool,
    **params: Any,
) -> int:
    """Which insecure flags does this report need, and what would each let in?

    FILE is evidence as `casnb verify` reads it: told are the fewest flags with which it is
    accepted, why each is needed, and what the others would buy. Without FILE the flags are
    listed. That a flag helps is no reason to set it.
    """
    if as_matrix and as_crosswalk:
        raise click.UsageError("--matrix and --crosswalk are two tables: give one of them.")
    if not as_matrix and (form or output or expected != "given"):
        raise click.UsageError("--format, --output and --expected belong to --matrix.")
    if as_crosswalk:
        if file:
            raise click.UsageError("--crosswalk is about no report: leave FILE out.")
        return _crosswalk(as_json)
    if as_matrix:
        return _matrix(
            file,
            expected,
            "json" if as_json else form or "text",
            output,
            at,
            simulated_roots,
            params,
        )
    return (
        _catalogue(as_json)
        if file is None
        else _least(file, endorsements, at, simulated_roots, as_json, params)
    )


def _least(
    file: str,
    endorsements: str | None,
    at: datetime | None,
    simulated_roots: str | None,
    as_json: bool,
    params: dict[str, Any],
) -> int:
    """Tell the smallest set for one piece of evidence."""
    from casnb.cli.many.judge import Terms, endorsements_file, prove
    from casnb.evidence.decode import read
    from casnb.evidence.ratls import RaTlsCertificate
    from casnb.policy.smallest import minimal_flags

    if file == endorsements == "-":
        raise click.UsageError("a dash is one file: give it once.")
    roots, signer = roots_and_signer(simulated_roots, note)
    policy = policy_from({**params, "verification_time": at}, expected_signer=signer)
    reading = read(slurp(file))
    note(f"note: read as {reading}.")
    now = at or datetime.now(timezone.utc)
    terms = Terms(policy, now, roots.to_pem() if roots else None, endorsements_file(endorsements))
    subject = "standard input" if file == "-" else neutral(Path(file).name, 80)
    proof, report = prove(reading.value, terms, subject)
    found = minimal_flags(proof, policy, report=report, subject=subject)
    if isinstance(reading.value, RaTlsCertificate):
        note(
            "note: whether the evidence names this certificate's key is not looked at here: casnb"
            " verify does."
        )
    if not found.enough and at is None:
        note(
            f"note: judged as of {stamp(now)}. If the evidence is older, --at judges it"
            " as of another time."
        )
    if as_json:
        emit_json(found.to_json())
    else:
        _show(found)
    return ACCEPTED if found.enough else REJECTED


def _show(found: MinimalSet) -> None:
    from rich.text import Text

    from casnb.cli.terminal import console, verdict_text

    out = console()
    out.print(Text(neutral(found.sentence, 1200), "bold"))
    if found.warning:
        out.print(Text(found.warning, "bold red"))
    out.print()
    out.print(
        _table(
            [
                (word, flag, f"{why}\nlets in {who}" if who else why)
                for flag, word, why, who in found.rows()
            ],
            12,
        )
    )
    if found.flags:
        out.print(Text(f"\nWith {found.options}:\n"))
        out.print(verdict_text(found.result))


def _table(rows: list[tuple[str, str, str]], first: int) -> Table:
    from rich.text import Text

    from casnb.cli.terminal import grid

    table = grid(widths=(first, None))
    for left, head, text in rows:
        words = Text(neutral(head, 200), "bold")
        words.append("".join(f"\n{neutral(line, 600)}" for line in text.splitlines()), "not bold")
        table.add_row(left, words)
    return table


def _catalogue(as_json: bool) -> int:
    """List the flags."""
    if as_json:
        emit_json(
            [
                {
                    "name": f.name,
                    "option": f.option,
                    "help": f.help,
                    "waives": list(f.waives),
                    "needs": f.needs,
                    "ias": f.ias,
                    "dcap": f.dcap,
                    "who": f.who,
                    "gains": f.gains,
                    "mildest": f.mildest,
                    "advisories": list(f.advisories),
                    "source": f.source,
                }
                for f in (*FLAGS, *NEWER)
            ]
        )
        return ACCEPTED
    from casnb.cli.terminal import console

    console().print(
        _table(
            [
                (
                    ", ".join(f.waives),
                    ", ".join(dict.fromkeys((f.option, f"--{f.name}"))),
                    f"{f.help}\nlets in {f.who}. {f.gains}\nmildest use: {f.mildest}",
                )
                for f in (*FLAGS, *NEWER)
            ],
            15,
        )
    )
    return ACCEPTED


def _crosswalk(as_json: bool) -> int:
    """List each idea and what the tools call it."""
    from dataclasses import asdict

    from casnb.policy.translation import TOOLS, crosswalk

    if as_json:
        emit_json([asdict(idea) for idea in crosswalk()])
        return ACCEPTED
    from rich.text import Text

    from casnb.cli.terminal import console, grid

    out = console()
    for idea in crosswalk():
        out.print(Text(idea.name, "bold"))
        table = grid(widths=(18, None))
        for tool, (heading, _) in TOOLS.items():
            table.add_row(f"  {heading}", Text(str(getattr(idea, tool))))
        out.print(table)
    return ACCEPTED


def _matrix(
    file: str | None,
    expected: str,
    form: str,
    output: str | None,
    at: datetime | None,
    simulated_roots: str | None,
    params: dict[str, Any],
) -> int:
    """Compute the matrix and write it."""
    from casnb.policy.flag_matrix import dumps
    from casnb.policy.identities import SCONTAIN_CAS
    from casnb.teach.facts import Cases, LoadedReport

    cases = Cases()
    if file is not None:
        roots, signer = roots_and_signer(simulated_roots, note)
        known = params["mrenclave"][0] if params["mrenclave"] else ""
        loaded = cases.load(
            LoadedReport(
                slurp(file, 1 << 20),
                roots=roots,
                now=at,
                mrenclave=known,
                signer=signer or SCONTAIN_CAS,
                name="standard input" if file == "-" else Path(file).name,
            )
        )
        note(f"note: {loaded.name}: {loaded.title}. {loaded.story}")
    text = dumps(
        cases.matrix(_GIVEN[expected]),
        form,
        min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else _WIDEST,
    )
    if output is not None:
        write_atomically(Path(output), text)
        note(f"note: written to {neutral(output, 200)}.")
    else:
        click.echo(text, nl=False)
    return ACCEPTED
