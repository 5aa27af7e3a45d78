"""`scone session sign`: a session with signatures, for policies that name signers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from casnb.base.errors import CasnbError, UsageError, own_file
from casnb.cli.base import Command, Failure
from casnb.cli.scone.main import trust_store
from casnb.cli.scone.session_client import identity_of
from casnb.cli.scone.session_file import read_upload
from casnb.cli.scone.session_options import file_options, own_identity

_ACTIONS = ("sign-with-cli-identity", "generate-message-to-be-signed", "add-signature")
_LARGEST = 4096


@click.command(
    "sign",
    cls=Command,
    short_help="Print a session with your signature, JSON; or the message for another signer.",
    exits={
        0: "done",
        1: "not a valid session, or a signature that does not verify",
        2: "called wrongly, or a variable has no value",
        3: "a file cannot be read",
    },
    example=(
        "  scone session sign session.yml > signed.json && scone session create signed.json\n"
        "  scone session sign session.yml generate-message-to-be-signed key.pem > message\n"
        "  scone session sign session.yml add-signature key.pem < signature > signed.json"
    ),
)
@file_options
@click.argument("action", type=click.Choice(_ACTIONS), required=False)
@click.argument("operands", nargs=-1, metavar="[SIGNER [SIGNATURE]]")
@click.option("-f", "--force", is_flag=True, help="Write the message to a terminal as well.")
@own_identity
@click.pass_context
def sign_session(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    fail_on_warning: bool,
    action: str | None,
    operands: Sequence[str],
    force: bool,
    identity: str | None,
) -> None:
    """How do several people answer for a session? Each signs it; a policy counts the signers.

    FILE is a template, or a signed session that gets one more signature. sign-with-cli-identity,
    which need not be said, signs with the key of `scone self show-session-signing-key`.
    generate-message-to-be-signed prints the bytes that another signer signs; add-signature puts
    that signature in: SIGNATURE in base64, or raw on standard input. SIGNER is a public key:
    a PEM file, PEM, or 50 characters. The form is casnb's own: that of a real CAS is not public.
    """
    from casnb.session.access import Signer
    from casnb.session.signed import Signature, Signed, decode_signature, message, sign

    session, signed = read_upload(file, variables, use_env, name, fail_on_warning)
    action = action or _ACTIONS[0]
    most = {_ACTIONS[0]: 0, _ACTIONS[1]: 1, _ACTIONS[2]: 2}[action]
    if len(operands) > most or (action == "add-signature" and not operands):
        raise UsageError(
            f"scone session sign {action}",
            got=f"{len(operands)} operands",
            wanted="SIGNER, and SIGNATURE unless that comes on standard input"
            if most == 2
            else f"at most {most}",
        )
    if action == _ACTIONS[0]:
        from casnb.cli.scone.self_group import session_signing_key, signing_key

        me = identity_of(ctx, identity) if identity else trust_store(ctx).identity()
        signer = session_signing_key(me)
    else:
        signer = _signer(operands[0]) if operands else ""
    if signed is None:
        if session.names_creator and session.creator is None:
            if not signer:
                raise UsageError(
                    "scone session sign",
                    got="no SIGNER",
                    wanted="one: the policy says CREATOR, who is part of what is signed",
                )
            session = session.with_creator(Signer(signer))
        signed = Signed(session.to_yaml(), ())
    if action == _ACTIONS[1]:
        _write(message(signed.text), force)
        return
    if action == _ACTIONS[0]:
        found = sign(signed.text, signing_key(me), signer)
    else:
        raw = (
            decode_signature(operands[1]) if len(operands) > 1 else sys.stdin.buffer.read(_LARGEST)
        )
        found = Signature(signer, raw)
    try:
        click.echo(signed.signed_by(found).to_json())
    except CasnbError as exc:
        raise Failure("Signing session failed", [str(exc)], exc.exit_code) from None


def _signer(text: str) -> str:
    """A public key as it is given: a file with PEM, PEM, or Base58."""
    from casnb.session.access import canonical_signer

    if "-----BEGIN" not in text and Path(text).is_file():
        from casnb.evidence.decode import read_file

        with own_file(f"SIGNER {text}"):
            text = read_file(Path(text), 1 << 16).decode("utf-8", "replace")
    return canonical_signer(text)


def _write(data: bytes, force: bool) -> None:
    if sys.stdout.isatty() and not force:
        raise UsageError(
            "scone session sign generate-message-to-be-signed",
            got="a terminal",
            wanted="a file or a pipe: the message is binary",
            do="Write it to a file, or say -f.",
        )
    click.echo(data, nl=False)
