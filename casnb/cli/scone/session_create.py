"""`scone session create`: upload a new session, or an update that names its predecessor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from casnb.base.errors import CasnbError, SourceError
from casnb.cli.base import Command, note
from casnb.cli.scone.session_client import client_of, refusal
from casnb.cli.scone.session_file import read_upload, sealed_session
from casnb.cli.scone.session_options import EXITS, cas_options, file_options

if TYPE_CHECKING:
    from casnb.cas.client import CasClient
    from casnb.session.session import Session


def upload_session(client: CasClient, wanted: Session, retries: int) -> str:
    """Upload a session; where an earlier try got no answer and was stored after all, that is a
    success.
    """
    from casnb.cas.client import CasRefusal

    for tried in range(retries + 1):
        try:
            return client.create_session(wanted.to_yaml())
        except SourceError:
            if tried == retries:
                raise
            time.sleep(min(0.2 * 2**tried, 2))
        except CasRefusal:
            own = wanted.with_creator(client.identity.certificate_pem if client.identity else None)
            if tried and client.read_session(wanted.name)[0] == own.hash:
                return own.hash
            raise
    raise AssertionError("unreachable")


@click.command(
    "create",
    cls=Command,
    exits=EXITS,
    short_help="Upload a new session, or an update that names its predecessor.",
    example='  scone session create session.yml -e NS="$NS" --use-env',
)
@file_options
@cas_options
@click.pass_context
def create(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
    fail_on_warning: bool,
) -> None:
    """How do I upload a session? Prints its hash, and nothing else, on standard output.

    A session that names its `predecessor` updates that one. FILE is a template, or what `scone
    session sign` and `scone session encrypt` print.
    """
    sealed = sealed_session(file)
    if sealed is None:
        wanted, signed = read_upload(file, variables, use_env, name, fail_on_warning)
    client = client_of(ctx, cas_name, identity, unattested)
    try:
        if sealed is not None:
            digest, warned = client.create_encrypted_session(sealed)
        elif signed is not None:
            digest, warned = client.create_signed_session(signed.to_json())
        else:
            digest, warned = upload_session(client, wanted, retries), []
        click.echo(digest)
        for text in warned:
            note(f"warning: {text}")
    except CasnbError as exc:
        raise refusal("Creating session failed", exc) from None
