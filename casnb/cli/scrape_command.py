"""`casnb scrape`: the MRENCLAVE values of a public CAS page, or a refusal with the reason."""

from __future__ import annotations

import os

import click

from casnb.base.errors import EvidenceError, neutral
from casnb.cli.base import Command, emit_json, note
from casnb.cli.policy_options import option


@click.command(
    cls=Command,
    example="""\
  casnb scrape https://sconedocs.github.io/latest/public-CAS/ --all
  MRENCLAVE=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")
  casnb scrape page.html --all --json | jq
""",
    exits={
        0: "a value for the address, or at least one value with --all",
        1: "the page was read and refused; the reason is told",
        2: "called wrongly",
        3: "the page could not be fetched or read",
    },
)
@click.argument("page")
@option("--address", metavar="HOST", help="Print the bare value of the row for exactly this host.")
@click.option(
    "--all", "every", is_flag=True, help="Print every row; the default without --address."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="With --all one object, address to value; else one JSON string.",
)
@option(
    "--cacert",
    metavar="FILE",
    envvar="CAS_PAGE_CA",
    show_envvar=True,
    help="PEM file that vouches for the page's server.",
)
def scrape(page: str, address: str | None, every: bool, as_json: bool, cacert: str | None) -> None:
    """Which code does the public CAS page tell me to expect?

    PAGE is a URL or a file. The value comes from the table row of exactly the host that was
    asked for; where the page gives none, or two that disagree, it is refused and nothing is
    guessed. TLS says who served the page, not that the page is right.
    """
    if address and every:
        raise click.UsageError(
            "--address asks for one row and --all for every row: give one of them."
        )
    from casnb.cas.page import scrape as read

    remote = page.lower().startswith(("http:", "https:"))
    if cacert and remote and os.environ.get("CAS_PAGE_CA") == cacert:
        note(f"note: {neutral(cacert, 200)} (CAS_PAGE_CA) vouches for the page's server.")
    found = read(page, cacert=cacert if remote else None)
    others = tuple(f"{row.address}: " for row in found.rows if address and row.address != address)
    for warning in found.warnings:
        if others and warning.startswith(others):
            continue
        note(f"warning: {neutral(warning, 400)}")
    if address:
        value = found.mrenclave(address)
        if as_json:
            emit_json(value)
        else:
            click.echo(value)
        return
    if as_json:
        emit_json(found.values)
    else:
        from casnb.cli.terminal import console, page_table

        console().print(page_table(found.rows))
    if not found.values:
        raise EvidenceError(
            neutral(page, 200), got="no row with an MRENCLAVE", wanted="at least one"
        )
