"""`casnb why`: a message of scone, curl or another tool, translated into cause and cure."""

from __future__ import annotations

import sys

import click

from casnb.base.way_back import report_line
from casnb.cli.base import ACCEPTED, UNCHECKED, Command, emit_json


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True},
    example="""\
  casnb why 'curl: (35) error:0DFFF006:asn1 encoding routines:EVP lib'
  curl --cacert cas_cert.crt https://cas:8081/ 2>&1 | casnb why
  scone session create session.yml 2>&1 | casnb why
  casnb why 'Session already exists, please specify predecessor hash'
""",
    exits={0: "explained", 2: "called wrongly", 3: "not a message that casnb knows"},
)
@click.argument("message", metavar="[MESSAGE]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def why(message: tuple[str, ...], as_json: bool) -> int:
    """What does this message mean, and what do I do?

    MESSAGE is what scone, a service, curl, openssl, Python or another tool printed, as one
    argument or as several; without it, or for a dash, standard input is read. Told are the cause,
    the cure, what the refusal protects from, whom the quick cure lets in, and where to see it.
    Of several lines the innermost counts. A message that casnb does not know it does not guess
    at.
    """
    from casnb.explain.why import explain_message
    from casnb.tls.tls_errors import MESSAGE_LIMIT

    if message and message != ("-",):
        text = " ".join(message)
    else:
        if not message and sys.stdin.isatty():
            raise click.UsageError("no message: give it in quotes, or pipe it in.")
        text = sys.stdin.buffer.read(4 * MESSAGE_LIMIT).decode("utf-8", "replace")
    if not text.strip():
        raise click.UsageError(
            "the message is empty. curl prints errors on standard error: add 2>&1 before the pipe."
        )
    found = explain_message(text)
    if as_json:
        emit_json(found.to_json())
    else:
        from casnb.cli.terminal import console, rows_table

        place = found.diagnosis.place if found.diagnosis else ""
        console().print(
            rows_table([*found.rows(), ("wrong here?", report_line(place or "messages"))])
        )
    return ACCEPTED if found.known else UNCHECKED
