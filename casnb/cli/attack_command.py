"""`casnb attack`: Mallory tries, for real, against the flags and habits that the reader chooses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from casnb.base.documentation import docs_at
from casnb.base.errors import UsageError, neutral
from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json, note
from casnb.cli.completers import attacks, one_of
from casnb.cli.policy_options import SECTIONS, Day, option, policy_of, policy_options

if TYPE_CHECKING:
    from rich.console import Console

    from casnb.mallory.attacks import Attack, Defence, Outcome

#: Lines of a matrix on a terminal or in a pipe are no longer.
_WIDEST = 100
_FORMS = ("text", "csv", "json")


@click.command(
    cls=Command,
    sections={**SECTIONS, "Habits": ("without", "with_")},
    example="""\
  casnb attack
  casnb attack debug-memory
  casnb attack rollback --strict --with page-value
  casnb attack forged-quote -G
  casnb attack --matrix
""",
    exits={
        0: "told: both runs of a story, a list, a matrix; with a defence of yours: it held",
        1: "Mallory got in against yours",
        2: "called wrongly",
        3: "could not run: a port or file was not to be had",
    },
)
@click.argument("name", required=False, shell_complete=one_of(attacks))
@click.option("--strict", is_flag=True, help="A defence of yours without any flag.")
@option(
    "--without",
    multiple=True,
    metavar="HABIT",
    help="Leave a usual habit out; --habits lists them.",
)
@option(
    "--with", "with_", multiple=True, metavar="HABIT", help="Take a precaution that is not usual."
)
@click.option(
    "--habits",
    is_flag=True,
    help="List the habits; with --matrix: a column for each one that is missing.",
)
@click.option(
    "--matrix",
    "as_matrix",
    is_flag=True,
    help="Run every attack against every flag set. Takes up to a minute.",
)
@click.option("--format", "form", type=click.Choice(_FORMS), help="With --matrix.  [default: text]")
@option("--verification-time", type=Day(), metavar="DAY", help="Judge as of 00:00 UTC of that day.")
@option("--seed", default="casnb", show_default=True, metavar="TEXT", help="Whose simulated world.")
@click.option("--json", "as_json", is_flag=True, help="One JSON value on standard output.")
@policy_options
def attack(
    name: str | None,
    strict: bool,
    without: tuple[str, ...],
    with_: tuple[str, ...],
    habits: bool,
    as_matrix: bool,
    form: str | None,
    verification_time: datetime | None,
    seed: str,
    as_json: bool,
    **params: Any,
) -> int:
    """Who gets in when I set this flag, or skip that check?

    Without NAME the attacks are listed. With NAME alone its story is told: what to predict, the
    attack against a defence that it passes, the same against one that stops it, and what to do.
    With options of `scone cas attest` or habits it runs once, against yours. All of it really
    happens, on loopback, in a simulated world; where flags want an MRENCLAVE and none is given,
    the page's is taken.
    """
    from casnb.mallory.attacks import ATTACKS, Defence

    defence = Defence(
        policy_of({**params, "verification_time": verification_time}),
        Defence.of(skip=without, add=with_).habits,
    )
    yours = strict or defence != Defence()
    wrong = (
        (form and not as_matrix, "--format belongs to --matrix."),
        (
            strict and defence.policy.flags(),
            "--strict says that no flag is set: leave it or the flags out.",
        ),
        (
            (as_matrix or habits) and (name or yours),
            "--matrix and --habits take no NAME and no defence: they are about all of them.",
        ),
    )
    for broken, told in wrong:
        if broken:
            raise click.UsageError(told)
    if as_matrix:
        return _matrix(habits, "json" if as_json else form or "text", seed)
    if habits:
        return _habits(as_json)
    if name is not None:
        mine = defence if yours else None
        return _runs(name, mine, seed) if as_json else _story(name, mine, seed)
    if yours:
        raise UsageError(
            "casnb attack",
            got="a defence and no attack",
            wanted="NAME, one of " + ", ".join(ATTACKS),
        )
    return _list(
        [a.to_json() for a in ATTACKS.values()],
        [
            (a.name, f"{a.title}\n{a.persona.title}; gets in with: {a.needs}")
            for a in ATTACKS.values()
        ],
        as_json,
    )


def _habits(as_json: bool) -> int:
    from casnb.mallory.attacks import HABITS

    rows = [
        (h.name, "usual" if h.usual else "precaution", h.does, h.otherwise) for h in HABITS.values()
    ]
    return _list(
        [dict(zip(("name", "kind", "does", "otherwise"), r, strict=True)) for r in rows],
        [(r[0], f"{r[1]}: {r[2]}\nwithout it: {r[3]}") for r in rows],
        as_json,
    )


def _runs(name: str, mine: Defence | None, seed: str) -> int:
    """Run an attack against the reader's defence, or against both of its story, and print JSON."""
    from casnb.mallory.attacks import attack as find
    from casnb.mallory.attacks import run

    found = find(name)
    defences = [mine] if mine else [found.let_in, found.keep_out]
    outcomes = [run(name, d, seed=seed) for d in defences]
    emit_json({"attack": found.to_json(), "runs": [o.to_json() for o in outcomes]})
    return REJECTED if mine and outcomes[0].succeeded else ACCEPTED


def _story(name: str, mine: Defence | None, seed: str) -> int:
    from casnb.mallory.attacks import attack as find

    return _judge(find(name), mine, seed) if mine else _tell(find(name), seed)


def _list(values: Sequence[Any], rows: Sequence[tuple[str, str]], as_json: bool) -> int:
    if as_json:
        emit_json(list(values))
        return ACCEPTED
    from rich.text import Text

    from casnb.cli.terminal import console, grid

    table = grid(widths=(15, None))
    for head, text in rows:
        table.add_row(Text(head, "bold"), Text(text))
    console().print(table)
    return ACCEPTED


def _tell(found: Attack, seed: str) -> int:
    """The whole story: predict, run, explain, defend."""
    from rich.text import Text

    from casnb.cli.terminal import console
    from casnb.mallory.attacks import run

    out = console()
    out.print(Text(f"{found.name}: {found.title}", "bold"))
    out.print(Text(f"{found.persona.title}: {found.persona.can}.\n"))
    out.print(Text(f"Predict. {found.predict}"))
    said = _prediction()
    out.print()
    first = run(found.name, found.let_in, seed=seed)
    _show(first, out)
    if said:
        right = said == ("in" if first.succeeded else "out")
        out.print(Text(f"You said {said!r}: {'so it was' if right else 'it was not so'}."))
    out.print(Text(f"\nExplain. {found.explain}\n"))
    _show(run(found.name, found.keep_out, seed=seed), out)
    out.print(Text(f"\nDefend. {found.defend}"))
    out.print(Text(f"Source: {found.source}, {found.date}.", "dim"))
    out.print(Text(f"Docs: {docs_at('attacks', found.name)}", "dim"))
    return ACCEPTED


def _prediction() -> str:
    """Ask on a terminal, before anything has run; no answer is an answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    said = (
        click.prompt(
            "Does Mallory get in? in, out, or Enter", default="", show_default=False, err=True
        )
        .strip()
        .lower()
    )
    return said if said in ("in", "out") else ""


def _judge(found: Attack, defence: Defence, seed: str) -> int:
    from casnb.cli.terminal import console
    from casnb.mallory.attacks import run

    outcome = run(found.name, defence, seed=seed)
    _show(outcome, console())
    if outcome.succeeded:
        note(f"What stops it: {', '.join(found.stops)}. {found.defend}")
    return REJECTED if outcome.succeeded else ACCEPTED


def _show(outcome: Outcome, out: Console) -> None:
    """Print one run: the defence, the steps, the end, and what Mallory holds."""
    from rich.text import Text

    from casnb.cli.terminal import grid

    out.print(Text(f"Against {neutral(outcome.defence.title, 400)}:", "bold"))
    table = grid(widths=(9, None))
    for who, did, *_ in outcome.steps:
        table.add_row(f"  {who}", Text(neutral(did, 600)))
    out.print(table)
    out.print(
        Text(neutral(outcome.sentence, 900), "bold red" if outcome.succeeded else "bold green")
    )
    held = grid(widths=(25, None))
    for label, value in outcome.loot_rows():
        held.add_row(f"  {neutral(label, 40)}", Text(value))
    if outcome.loot:
        out.print(held)


def _matrix(habits: bool, form: str, seed: str) -> int:
    from casnb.mallory.attacks import FLAG_SETS, HABIT_SETS, matrix

    if sys.stderr.isatty():
        note("Running every attack against every defence: up to a minute.")
    made = matrix(HABIT_SETS if habits else FLAG_SETS, seed=seed)
    width = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else _WIDEST
    if form == "text":
        click.echo(made.text(width))
    else:
        click.echo(
            made.to_csv() if form == "csv" else json.dumps(made.to_json(), indent=2) + "\n",
            nl=False,
        )
    return ACCEPTED
