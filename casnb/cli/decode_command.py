"""`casnb decode`: a piece of evidence as a table of fields; of many, what each of them is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.cli.base import Command, emit_json, slurp

if TYPE_CHECKING:
    from casnb.evidence.decode import Reading
    from casnb.evidence.quote import Quote
    from casnb.evidence.report import ReportBody


class _WithTables(Command):
    """A command whose help ends with what it reads, taken from the tables of kinds and
    wrappings.
    """

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes, the kinds and the wrappings."""
        from casnb.evidence.kinds import KINDS
        from casnb.evidence.wrappings import WRAPPINGS

        super().format_epilog(ctx, formatter)
        with formatter.section("What FILE may be, and how it is told"):
            formatter.write_dl([(k.name, k.told_by) for k in KINDS], col_max=34)
        with formatter.section("How it may be wrapped"):
            formatter.write_dl([(w.name, w.meaning) for w in WRAPPINGS], col_max=34)


@click.command(
    cls=_WithTables,
    example="""\
  curl -sk "https://$CAS_ADDR:8081/v1/attest" > report.json
  casnb decode report.json
  casnb decode quote.bin --json | jq .report.mr_enclave
  openssl s_client -connect host:443 </dev/null | casnb decode -
  casnb decode bug-report.txt --part 2
  casnb decode evidence/
""",
    exits={
        0: "decoded",
        1: "malformed: it is none of the formats, or cut short (of many: any)",
        2: "called wrongly",
        3: "the file cannot be read (of many: any, and none malformed)",
    },
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(allow_dash=True)
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object on standard output, nothing shortened; of many one a line.",
)
@click.option(
    "--part",
    metavar="N|NAME",
    help="Of several things in one file this one, by number or by name.",
)
def decode(files: tuple[str, ...], as_json: bool, part: str | None) -> int | None:
    """What is this, and what does it say?

    A dash reads standard input; of a folder, or of several files, one line says what each is.
    Nothing is proven by decoding: anybody can write these bytes.
    """
    from casnb.evidence.decode import read

    if several(files):
        if part is not None:
            raise click.UsageError("--part chooses from one FILE: give one.")
        return _many(files, as_json)
    data = slurp(files[0])
    reading = read(data, part)
    if as_json:
        emit_json(reading.to_json_dict())
        return None
    from rich.text import Text

    from casnb.cli.terminal import console

    name = "standard input" if files[0] == "-" else files[0]
    _show(reading, Text(f"{name}: {reading}, {len(data)} bytes", "bold"), console())
    return None


def _show(reading: Reading, title: Any, out: Any) -> None:
    from rich.text import Text

    from casnb.base.errors import neutral
    from casnb.cli.terminal import fields_table, identity_table, statement_table
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.holdings import AzureRequest
    from casnb.evidence.quote import Quote
    from casnb.evidence.ratls import RaTlsCertificate

    value = reading.value
    out.print(title)
    if reading.name:
        out.print(Text(f"It stands there as {neutral(reading.name, 100)}."))
    if reading.note:
        out.print(Text(f"{reading.note}."))
    out.print(fields_table(value.fields()))
    if (body := report_body(value)) is not None and body is not value:
        out.print(Text("\nWho it says it is", "bold"))
        out.print(identity_table(body))
    if isinstance(value, CasReport):
        out.print(Text("\nWhat is said of its platform", "bold"))
        out.print(statement_table(value))
    if isinstance(value, RaTlsCertificate):
        out.print(Text(f"\nThe certificate's key\n  {neutral(value.binding.sentence, 400)}"))
    if isinstance(value, Quote) and value.certification_type == 5:
        _show_platform(value, out)
    if isinstance(value, AzureRequest):
        out.print(Text(f"\n{value.sentence}"))
    out.print(Text(f"\nDecoded, not verified. {reading.kind.use}"))


def _show_platform(quote: Quote, out: Any) -> None:
    """Print what the PCK certificate in a quote says of the platform."""
    from rich.text import Text

    from casnb.cli.terminal import fields_table
    from casnb.evidence.collateral import pck_certificate

    if (found := pck_certificate(quote.certification_data)) is not None:
        out.print(Text("\nWhat its PCK certificate says of the platform", "bold"))
        out.print(fields_table(found.fields()))


def _many(files: tuple[str, ...], as_json: bool) -> int:
    """Say of every file what it is; rows go out as they come."""
    from casnb.base.errors import neutral
    from casnb.cli.many.batch import Summary, describe_items, run, walk

    summary = Summary()
    for row in run(walk(files), partial(describe_items, as_json)):
        summary.add(row)
        if as_json:
            click.echo(row.line)
        else:
            click.echo(
                f"{neutral(row.name, 200)}: {row.read_as or row.verdict + '. ' + neutral(row.why)}"
            )
    click.echo(f"{summary.files} files, {summary.verdicts['decoded']} decoded.", err=True)
    return summary.exit_code


def several(files: tuple[str, ...], many: bool = False) -> bool:
    """Whether these are many pieces of evidence, as `many` says, or several are named, or a
    folder is; UsageError for a dash among many, and for a name that is empty.
    """
    if "" in files:
        raise click.UsageError("a FILE has no name. Is a shell variable empty?")
    many = many or len(files) > 1 or (files[0] != "-" and Path(files[0]).is_dir())
    if many and "-" in files:
        raise click.UsageError(
            "a dash is one piece of evidence: give it alone, without --jobs or --scheduler."
        )
    return many


def report_body(value: Any) -> ReportBody | None:
    """Return the report body inside a piece of evidence, or None where it has none."""
    from casnb.evidence.avr import Avr, SignedAvr
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.holdings import AzureRequest
    from casnb.evidence.quote import EpidQuote, Quote
    from casnb.evidence.ratls import RaTlsCertificate
    from casnb.evidence.report import ReportBody

    if isinstance(value, ReportBody):
        return value
    if isinstance(value, (Quote, EpidQuote, AzureRequest)):
        return value.body
    if isinstance(value, RaTlsCertificate):
        return value.body
    if isinstance(value, SignedAvr):
        return value.avr.quote.body
    if isinstance(value, Avr):
        return value.quote.body
    return value.report_body() if isinstance(value, CasReport) else None
