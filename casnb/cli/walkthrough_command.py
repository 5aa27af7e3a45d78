"""`casnb walkthrough`: the whole story over the wire, narrated; every refusal that it tells of
is really tried.
"""

from __future__ import annotations

import click

from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json
from casnb.cli.policy_options import option
from casnb.cli.walkthrough_story import tell


@click.command(
    cls=Command,
    example="""\
  casnb walkthrough
  casnb walkthrough --scenario production
  casnb walkthrough --pace       # as fast as one reads and types
  casnb walkthrough --json | jq .value
""",
    exits={
        0: "the value was read, and everything that had to be refused was refused",
        1: "the CAS was refused (scenario revoked), or something went another way",
        2: "called wrongly",
        3: "the simulated world could not be started or reached",
    },
)
@option(
    "--scenario",
    default="public",
    show_default=True,
    metavar="NAME",
    help=(
        "public, dcap-debug, production, hyperthreading, hardening, both, current or revoked"
        " (which no flag accepts)."
    ),
)
@option(
    "--seed",
    default="casnb",
    show_default=True,
    metavar="TEXT",
    help="The seed of the simulated world.",
)
@click.option(
    "--pace",
    "paced",
    is_flag=True,
    help="At a human pace: commands are typed, paragraphs wait to be read (about 4 minutes).",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="No story: one object with every step, and whether it went as expected.",
)
def walkthrough(scenario: str, seed: str, paced: bool, as_json: bool) -> int:
    """How does one get from a web page to a value that one may believe?

    Starts a simulated CAS on loopback, scrapes the MRENCLAVE, is refused, sets the insecure
    flags one by one, pins the certificate and reads the value. Asks nothing, takes a few
    seconds, leaves nothing behind. Also a smoke test.
    """
    from casnb.film.pace import Pace

    if paced and as_json:
        raise click.UsageError("--pace is for a story, --json tells none: leave one of them out.")
    told = tell(scenario, seed, quiet=as_json, pace=Pace() if paced else None)
    if as_json:
        emit_json(told.to_json())
    return ACCEPTED if told.ok and told.value else REJECTED
