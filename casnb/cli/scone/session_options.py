"""What the commands of `scone session` are given: a file, a CAS, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from casnb.cli.completers import attested, one_of
from casnb.cli.policy_options import option
from casnb.cli.scone.main import retries_option

EXITS = {
    0: "done",
    1: "refused: the session or this client is not what the CAS wants",
    2: "called wrongly",
    3: "the CAS could not be reached, or a file of yours is damaged or cannot be read",
}


#: An attested CAS by its name.
which_cas = option(
    "-c",
    "--cas",
    "cas_name",
    metavar="CAS",
    shell_complete=one_of(attested),
    help="An attested CAS.  [default: the one with a star in scone cas list]",
)
#: As whom a CAS is spoken to.
shown_identity = option(
    "--identity",
    metavar="FILE",
    help="Key (PKCS#8) and certificate to show, PEM, instead of your own.",
)
#: Who the creator or signer of a session is.
own_identity = option(
    "--identity",
    metavar="FILE",
    help="Key (PKCS#8) and certificate that are you, PEM, instead of your own.",
)


def _all(command: Any, rows: Sequence[Callable[[Any], Any]]) -> Any:
    """Add options so that help shows them in this order."""
    for row in reversed(rows):
        command = row(command)
    return command


def file_options(command: Any) -> Any:
    """Add what makes a session out of a template."""
    return _all(
        command,
        (
            click.argument("file", type=click.Path(allow_dash=True)),
            option(
                "-e",
                "variables",
                multiple=True,
                metavar="VAR=VALUE",
                help="Replace $VAR in values. Repeat it for more.",
            ),
            click.option(
                "--use-env", is_flag=True, help="Take variables from the environment too; -e wins."
            ),
            option(
                "-n",
                "--name",
                metavar="NAME",
                help="Use this name instead of the one in FILE, after variables are replaced.",
            ),
            click.option(
                "--fail-on-warning",
                is_flag=True,
                help="End with an error where a warning would be printed.",
            ),
        ),
    )


def cas_options(command: Any) -> Any:
    """Add which CAS, and as whom."""
    return _all(
        command,
        (
            which_cas,
            shown_identity,
            retries_option,
            click.option(
                "--only_for_testing-disable-attestation-verification",
                "unattested",
                is_flag=True,
                help="Not implemented: casnb talks to attested CASes only.",
            ),
        ),
    )
