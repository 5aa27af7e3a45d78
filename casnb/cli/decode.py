"""`casnb decode`: a piece of evidence as a table of fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.cli.base import Command, emit_json

if TYPE_CHECKING:
    from casnb.evidence.report import ReportBody


@click.command(cls=Command, example="""\
  curl -sk "https://$CAS_ADDR:8081/v1/attest" > report.json
  casnb decode report.json
  casnb decode quote.bin --json | jq .mr_enclave
""", exits={0: "decoded", 1: "malformed: it is none of the formats, or cut short", 2: "called wrongly",
            3: "the file cannot be read"})
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing shortened.")
def decode(file: str, as_json: bool) -> None:
    """What does this piece of evidence say?

    FILE is an SGX report body, a quote (EPID v2 or DCAP v3), a SIGSTRUCT, an SGXS stream, an IAS report or a CAS report: raw, hex,
    base64 or JSON. A dash reads standard input. Nothing is proven by decoding: anybody can write these bytes.
    """
    from casnb.evidence.decode import decode as read
    from casnb.evidence.decode import guess

    data = slurp(file)
    value = read(data)
    if as_json:
        emit_json({"read_as": guess(data), **value.to_json_dict()})
        return
    from rich.text import Text

    from casnb.cli.render import console, fields_table, identity_table

    out = console()
    name = "standard input" if file == "-" else file
    out.print(Text(f"{name}: {guess(data)}, {len(data)} bytes", "bold"))
    out.print(fields_table(value.fields()))
    if (body := report_body(value)) is not None and body is not value:
        out.print(Text("\nWho it says it is", "bold"))
        out.print(identity_table(body))
    out.print(Text("\nDecoded, not verified: `casnb verify` says whether somebody vouches for it."))


def report_body(value: Any) -> ReportBody | None:
    """Return the report body inside a piece of evidence, or None where it has none."""
    from casnb.evidence.avr import Avr
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.quote import EpidQuote, Quote
    from casnb.evidence.report import ReportBody

    if isinstance(value, ReportBody):
        return value
    if isinstance(value, (Quote, EpidQuote)):
        return value.body
    if isinstance(value, Avr):
        return value.quote.body
    return value.report_body() if isinstance(value, CasReport) else None


def slurp(file: str, limit: int | None = None) -> bytes:
    """Return the bytes of a file, or of standard input for a dash; bounded as `read_file` is."""
    from casnb.errors import EvidenceError
    from casnb.evidence.decode import FILE_LIMIT, read_file

    most = limit or FILE_LIMIT
    if file != "-":
        return read_file(Path(file), most)
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise EvidenceError("standard input", got=f"more than {most} bytes", wanted=f"at most {most}")
    return data
