"""`casnb verify`: is it genuine, is it wanted; one piece, whole folders, and a manifest of cases
in one go.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import neutral
from casnb.cli.base import ACCEPTED, REJECTED, UNCHECKED, Command, emit_json, note, slurp
from casnb.cli.decode_command import several
from casnb.cli.policy_options import (
    SECTIONS,
    at_option,
    endorsements_option,
    option,
    policy_from,
    policy_options,
    roots_and_signer,
    roots_option,
)

if TYPE_CHECKING:
    from casnb.cli.many.batch import Row, Summary
    from casnb.cli.many.cases import CaseResult
    from casnb.cli.many.judge import Terms
    from casnb.evidence.decode import Evidence
    from casnb.verify.alone import QuoteAlone

#: Chains and signatures are small.
_PIECE = 1 << 20
#: At most this many files that were not accepted are listed; `--json` has every one.
SHOWN = 20


@click.command(
    cls=Command,
    sections=SECTIONS,
    example="""\
  casnb verify report.json --mrenclave "$MRENCLAVE" -G \\
      --only_for_testing-ignore-signer --only_for_testing-debug
  casnb verify quote.bin --endorsements collateral.json --at 2026-09-01 --json
  casnb verify body.json --signature signature.b64 --chain chain.pem
  casnb verify quotes/ --endorsements collateral.json --json > verdicts.ndjson
  casnb verify --manifest manifest.json
""",
    exits={
        0: (
            "accepted, perhaps with waivers (of many: all); with --manifest: every case agrees or"
            " is explained"
        ),
        1: "rejected, or malformed (of many: any)",
        2: "called wrongly",
        3: (
            "could not check: a file is missing, one beside FILE is damaged, or nobody can judge"
            " this kind any more (of many: any, and none rejected)"
        ),
    },
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(allow_dash=True))
@endorsements_option
@option(
    "--signature",
    metavar="FILE",
    help="The signature over a bare IAS report body: base64, hex or raw.",
)
@option(
    "--chain",
    metavar="FILE",
    help="The signing certificates of a bare IAS report body: PEM (URL-encoded, too), base64, hex.",
)
@at_option()
@option("--nonce", metavar="HEX", help="The nonce a CAS report must repeat.")
@roots_option
@option(
    "--manifest",
    metavar="FILE",
    help="Run every case of a manifest of vectors instead of one FILE.",
)
@option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processes for many files.  [default: one a core]",
)
@option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have many files judged on a Dask cluster; needs the extra `cluster`.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The result as one JSON object; of many files one object a line.",
)
@policy_options
def verify(
    files: tuple[str, ...],
    endorsements: str | None,
    signature: str | None,
    chain: str | None,
    at: datetime | None,
    nonce: str | None,
    simulated_roots: str | None,
    manifest: str | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
    **params: Any,
) -> int:
    """Is this evidence genuine, and is it from the enclave I want?

    FILE is a DCAP quote, a CAS report, an IAS report or an RA-TLS certificate: raw, hex, base64,
    PEM or JSON. A dash reads standard input; a folder stands for every file below it. Prints
    every check with what was got and wanted, then the verdict; of many files a summary. Without
    --mrenclave or --mrsigner the enclave must be signed by Scontain's CAS signer. Nothing is
    fetched.
    """
    if manifest is not None:
        if files:
            raise click.UsageError("--manifest names its own files: leave FILE out.")
        return _manifest(manifest, as_json)
    if not files:
        raise click.UsageError(
            "FILE is missing: a quote, a CAS report or an IAS report body (or --manifest)."
        )
    if jobs is not None and scheduler is not None:
        raise click.UsageError(
            "--jobs is for this machine, --scheduler for a cluster: give one of them."
        )
    many = several(files, jobs is not None or scheduler is not None)
    if (signature is None) != (chain is None):
        raise click.UsageError("--signature and --chain belong together: give both or neither.")
    if many and signature is not None:
        raise click.UsageError("--signature and --chain belong to one report: give one FILE.")
    if (*files, endorsements, signature, chain).count("-") > 1:
        raise click.UsageError("a dash is one file: give it once.")
    roots, signer = roots_and_signer(simulated_roots, note)
    policy = policy_from(
        {**params, "nonce": nonce, "verification_time": at}, expected_signer=signer
    )

    from casnb.cli.many.judge import Terms, endorsements_file

    clock = datetime.now(timezone.utc)
    terms = Terms(
        policy,
        at or clock,
        roots.to_pem() if roots else None,
        endorsements_file(endorsements),
        many,
        clock,
    )
    return (
        _many(files, terms, jobs, scheduler, as_json)
        if many
        else _one(files[0], terms, signature, chain, as_json)
    )


def _one(file: str, terms: Terms, signature: str | None, chain: str | None, as_json: bool) -> int:
    from casnb.cli.many.judge import judge, to_json
    from casnb.evidence.ratls import RaTlsCertificate
    from casnb.verify.alone import UndecidedError

    value = _evidence(file, signature, chain)
    try:
        result = judge(
            value, terms, "standard input" if file == "-" else neutral(Path(file).name, 80)
        )
    except UndecidedError as exc:
        return _undecided(exc.alone, as_json)
    if as_json:
        emit_json(to_json(value, result))
    else:
        from casnb.cli.terminal import console, show_result

        show_result(result, console())
        if isinstance(value, RaTlsCertificate):
            click.echo(f"note: {neutral(value.binding.sentence, 400)}")
    return ACCEPTED if result.accepted else REJECTED


def _undecided(alone: QuoteAlone, as_json: bool) -> int:
    """Say what a quote proves by itself, that nothing was decided, and what to fetch."""
    if as_json:
        emit_json(alone.to_json())
        return UNCHECKED
    from rich.text import Text

    from casnb.cli.terminal import checks_table, console

    out = console()
    out.print(checks_table(alone.proof.checks))
    out.print(Text(f"\nNOT DECIDED. {alone.sentence}", "bold"))
    for line in alone.advice():
        click.echo(neutral(line, 300))
    return UNCHECKED


def _evidence(file: str, signature: str | None, chain: str | None) -> Evidence:
    """Read what is to be verified, and say as what."""
    from casnb.evidence.avr import SignedAvr
    from casnb.evidence.decode import read
    from casnb.evidence.ias_forms import chain_pem, signature_bytes

    data = slurp(file)
    if signature is not None and chain is not None:
        raw = slurp(signature, _PIECE)
        certificates = slurp(chain, _PIECE)
        if b"-----BEGIN%20" in certificates:
            note("note: --chain read as PEM, URL-encoded.")
        return SignedAvr(data, signature_bytes(raw, "--signature"), chain_pem(certificates))
    reading = read(data)
    note(f"note: read as {reading}.")
    return reading.value


def _many(
    files: tuple[str, ...], terms: Terms, jobs: int | None, scheduler: str | None, as_json: bool
) -> int:
    """Judge every file; rows go out as they come, and only counts are kept."""
    from functools import partial

    from casnb.cli.many.batch import Summary, judge_items, run, walk
    from casnb.cli.many.tasks import Workers

    begun = time.monotonic()
    work = partial(judge_items, terms, as_json)
    workers: Workers | None = None
    if scheduler is not None:
        from casnb.cli.many.cluster import Cluster

        workers = Cluster(work, scheduler)
    elif (count := jobs or os.cpu_count() or 1) > 1:
        from casnb.cli.many.pool import Pool

        workers = Pool(work, count)
    total = sum(1 for _ in walk(files)) if sys.stderr.isatty() else 0
    summary, shown = Summary(), 0
    try:
        for row in _progress(run(walk(files), work, workers), total):
            summary.add(row)
            if as_json:
                click.echo(row.line)
            elif row.verdict not in ("trustworthy", "accepted-with-waivers"):
                shown += 1
                if shown <= SHOWN:
                    _show(row)
    except KeyboardInterrupt:
        note(f"Interrupted after {summary.files} files.")
        raise
    took = time.monotonic() - begun
    rate = f"{summary.files} files in {took:.1f} s, {summary.files / max(took, 1e-9):.0f} a second."
    if as_json:
        note(rate)
    else:
        if shown > SHOWN:
            click.echo(
                f"... and {shown - SHOWN} more that were not accepted; --json has every one.\n"
            )
        _summarise(summary)
        click.echo(rate)
    if not summary.files:
        note("Error: there was no file to check.")
    return summary.exit_code


def _progress(rows: Iterator[Row], total: int) -> Iterator[Row]:
    """Yield the rows, with a bar on standard error where that is a terminal."""
    if not total:
        yield from rows
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from casnb.cli.terminal import console

    with Progress(
        TextColumn("verifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        redirect_stdout=False,
    ) as bar:
        task = bar.add_task("", total=total)
        for row in rows:
            yield row
            bar.advance(task)


def _show(row: Row) -> None:
    reason = f"{row.first}: {row.why}" if row.first else row.why
    click.echo(
        f"{row.verdict.upper():<12}{neutral(row.name, 200)}\n            {neutral(reason, 300)}"
    )


def _summarise(summary: Summary) -> None:
    """Print what became of the files, by verdict, by first failing check, by TCB status, and what
    was not asked of those accepted.
    """
    from rich.text import Text

    from casnb.cli.many.batch import VERDICTS
    from casnb.cli.terminal import console, grid

    table = grid(widths=(44, 10))
    parts = (
        ("verdict", [(v, summary.verdicts[v]) for v in VERDICTS if summary.verdicts[v]]),
        ("first failing check", summary.first.most_common(SHOWN)),
        ("TCB status", summary.statuses.most_common(SHOWN)),
        ("accepted, and left open", summary.left_open.most_common(SHOWN)),
    )
    for heading, counts in parts:
        if counts:
            table.add_row(Text(heading, "bold"), Text("files", "bold", justify="right"))
            for name, count in counts:
                table.add_row(f"  {neutral(name, 60)}", Text(str(count), justify="right"))
    console().print(table)


def _manifest(path: str, as_json: bool) -> int:
    from casnb.cli.many.manifest import run_manifest

    results = run_manifest(Path(path))
    if as_json:
        emit_json(
            [
                {
                    "id": r.id,
                    "case": r.case,
                    "expected": r.expected,
                    "got": r.got,
                    "agree": r.agree,
                    "explained": r.explained,
                    "note": r.note,
                }
                for r in results
            ]
        )
    elif results:
        _show_cases(results)
    count = Counter(r.outcome for r in results)
    words = (
        f"{len(results)} cases: {count['agrees']} agree, {count['explained']} explained,"
        f" {count['DIFFERS']} differ."
    )
    note(words if results else "The manifest has no cases.")
    return ACCEPTED if results and not count["DIFFERS"] else REJECTED


def _show_cases(results: list[CaseResult]) -> None:
    """Print one table of all cases, and below it each note once, by number."""
    from rich.text import Text

    from casnb.cli.terminal import console, grid

    notes = list(dict.fromkeys(r.note for r in results if r.note))
    table = grid(widths=(9, None))
    for r in results:
        words = Text(f"{neutral(r.id, 100)}, {neutral(r.case, 60)}", "bold")
        words.append(f" [{notes.index(r.note) + 1}]" if r.note else "", "not bold")
        words.append(
            (
                f"\n{neutral(r.expected)}"
                if r.got == r.expected
                else f"\nexpected {neutral(r.expected)}\ngot      {neutral(r.got, 120)}"
            ),
            "not bold",
        )
        table.add_row(
            Text(r.outcome, "" if r.agree else "bold" if r.explained else "bold red"), words
        )
    console().print(table)
    for number, text in enumerate(notes, 1):
        console().print(Text(f"[{number}] {neutral(text, 400)}"))
