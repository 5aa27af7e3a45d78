"""`scone session`: create, update, read, check and verify sessions of an attested CAS."""

from __future__ import annotations

import click

from casnb.cli.base import Commands
from casnb.cli.scone.main import HELP
from casnb.cli.scone.unbuilt import unbuilt


@click.group(
    cls=Commands,
    lazy={
        "create": (
            "casnb.cli.scone.session_create:create",
            "Upload a new session, or an update that names its predecessor.",
        ),
        "update": (
            "casnb.cli.scone.session_update:update",
            "Upload a new version of a session that is there.",
        ),
        "read": (
            "casnb.cli.scone.session_read:read",
            "Print a session as the CAS has it, YAML.",
        ),
        "check": (
            "casnb.cli.scone.session_check:check",
            "Validate a session file and print it, defaults filled in.",
        ),
        "verify": (
            "casnb.cli.scone.session_verify:verify",
            "Compare a session file with what the CAS has.",
        ),
        "calculate-hash": (
            "casnb.cli.scone.session_hash:calculate_hash",
            "Print the hash of a session file; asks no CAS.",
        ),
        "sign": (
            "casnb.cli.scone.session_sign:sign_session",
            "Print a session with your signature, JSON; or the message for another signer.",
        ),
        "encrypt": (
            "casnb.cli.scone.session_encrypt:encrypt_session",
            "Print a session that one CAS alone can read, JSON.",
        ),
        "list": (
            "casnb.cli.scone.session_list:list_sessions",
            "Print the names of sessions that you may list.",
        ),
    },
    elsewhere=unbuilt("scone session"),
    context_settings=HELP,
)
def session() -> None:
    """Create, update, read and verify sessions (policies) of an attested CAS."""
