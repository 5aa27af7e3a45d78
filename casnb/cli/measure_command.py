"""`casnb measure`: which enclave a program or container image is, and whether its signer signed
this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json, slurp
from casnb.cli.policy_options import option

if TYPE_CHECKING:
    from casnb.measure.measurement import Measurement
    from casnb.measure.statements import Statements


@click.command(
    cls=Command,
    example="""\
  casnb serve --background --env-file cas.env --image cas-image.tar && . ./cas.env
  casnb measure cas-image.tar
  M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")
  casnb measure cas-image.tar --expect "$M"
  casnb measure cas-image.tar --heap 64K
  casnb measure libenclave.signed.so
  casnb measure any-image.tar --find --json | jq -r '.statements[].enclave_hash'
  casnb measure enclave.sgxs --sigstruct enclave.sig --json | jq -r .mrenclave
""",
    exits={
        0: (
            "every check passed: measured, signed and expected values are equal as far as they are"
            " there"
        ),
        1: "not equal, or something in it is not as it must be",
        2: "called wrongly",
        3: "a file cannot be read",
    },
)
@click.argument("file", type=click.Path(allow_dash=True))
@option(
    "--sigstruct",
    metavar="FILE",
    help="The signer's statement about a program that comes without one.",
)
@option(
    "--expect",
    "expected",
    multiple=True,
    metavar="HEX",
    help="An MRENCLAVE from elsewhere to compare with. Repeat it where any of several will do.",
)
@option("--heap", metavar="SIZE", help="Measure it with another SCONE_HEAP (65536, 64K, 2M).")
@option(
    "--program",
    metavar="PATH",
    help="Which file of an image; without it the one that the image starts.",
)
@click.option(
    "--find",
    is_flag=True,
    help="Only find and check what was signed: every SIGSTRUCT in a program or image.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def measure(
    file: str,
    sigstruct: str | None,
    expected: tuple[str, ...],
    heap: str | None,
    program: str | None,
    find: bool,
    as_json: bool,
) -> int:
    """Which MRENCLAVE has the code that would run, and did its signer sign this one?

    FILE is a container image (an OCI archive, not compressed), an enclave file, an SGXS stream,
    or a SIGSTRUCT alone. Nothing is run and nothing is written. The enclave file is a simple
    format of casnb's own: a real SCONE program is measured by SCONE's own tools (SCONE_HASH=1
    PROGRAM). Of it, and of any other file or image, the SIGSTRUCTs inside are found and checked
    (--find: of every FILE): the MRENCLAVE as signed, the signer, whether DEBUG is allowed.
    Measuring says which code it is, not that the code is good.
    """
    from pathlib import Path

    from casnb.base.errors import EvidenceError, SourceError, neutral
    from casnb.measure import statements
    from casnb.measure.measurer import MEASURE_LIMIT, measured_or_found

    if file == "-" and sigstruct == "-":
        raise click.UsageError("a dash is one file: give it once.")
    if Path(file).is_dir():
        raise SourceError(
            neutral(file, 120),
            got="a folder",
            wanted="one file",
            do="Pack an OCI layout first: tar -C FOLDER -cf image.tar . and measure image.tar.",
        )
    data = slurp(file, MEASURE_LIMIT)
    if find:
        if sigstruct or heap or program:
            raise click.UsageError("--find measures nothing: it goes with --expect alone.")
        found: Measurement | Statements = statements.find_statements(data, expected=expected)
        if isinstance(found, statements.Statements) and not found.found:
            raise EvidenceError("measure", got="no SIGSTRUCT in it", wanted="one or more")
    else:
        found = measured_or_found(
            data,
            sigstruct=slurp(sigstruct) if sigstruct else None,
            expected=expected,
            heap=heap,
            program=program or "",
        )
    if as_json:
        emit_json(found.to_json())
        return ACCEPTED if found.holds else REJECTED
    from rich.text import Text

    from casnb.cli.terminal import checks_table, console, rows_table

    out = console()
    if isinstance(found, statements.Statements):
        for statement in found.found:
            out.print(rows_table(statement.rows()))
            out.print()
    else:
        out.print(rows_table(found.rows()))
        out.print()
        out.print(checks_table(found.checks))
        out.print()
    out.print(Text(neutral(found.sentence, 600), "bold green" if found.holds else "bold red"))
    for remark in found.remarks:
        out.print(Text(f"note: {neutral(remark, 600)}"))
    return ACCEPTED if found.holds else REJECTED
