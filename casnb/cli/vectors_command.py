"""`casnb vectors`: the conformance suite as files."""

from __future__ import annotations

from pathlib import Path

import click

from casnb.cli.base import Command, note


@click.command(
    cls=Command,
    example="""\
  casnb vectors vectors
  casnb verify --manifest vectors/manifest.json
""",
    exits={
        0: "written",
        2: "called wrongly",
        3: "the folder is not empty, or cannot be written",
    },
)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def vectors(folder: Path) -> None:
    """What must an SGX verifier refuse, and what not, as files?

    Writes hundreds of pieces of evidence into DIR, a new or empty folder: quotes and IAS reports
    with one thing wrong, or with a change that must not matter, signed under simulated roots. The
    manifest names the time, the roots and the verdict to reach; a README and a JSON Schema are for
    those who test a verifier of their own. Every call writes the same bytes.
    """
    from casnb.conformance.suite import write_suite

    count = write_suite(folder)
    note(f"{count} vectors in {folder}. README.md there says how to use them.")
