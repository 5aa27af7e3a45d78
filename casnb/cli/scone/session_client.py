"""The client of an attested CAS for a command: who it is, and what is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from casnb.base.errors import CasnbError, SourceError, UsageError, own_file
from casnb.cli.base import Failure
from casnb.cli.scone.cas_group import attested_cas
from casnb.cli.scone.main import trust_store

if TYPE_CHECKING:
    from casnb.cas.client import CasClient
    from casnb.cas.client_identity import ClientIdentity

T = TypeVar("T")


def client_of(
    ctx: click.Context, cas_name: str | None, identity: str | None, unattested: bool
) -> CasClient:
    from casnb.cas.client import CasClient

    if unattested:
        raise UsageError(
            "--only_for_testing-disable-attestation-verification: casnb talks to attested CASes"
            " only",
            do="Attest it first: scone cas attest",
        )
    found = attested_cas(ctx, cas_name)
    return CasClient(found, identity_of(ctx, identity))


def identity_of(ctx: click.Context, file: str | None) -> ClientIdentity:
    if file is None:
        return trust_store(ctx).identity()
    from casnb.cas.client_identity import ClientIdentity
    from casnb.evidence.decode import read_file

    with own_file(f"--identity {file}"):
        return ClientIdentity.from_pem(read_file(Path(file), 1 << 16))


def again(retries: int, action: Callable[[], T]) -> T:
    """Run an action; try again where nothing was reached."""
    for tried in range(retries):
        try:
            return action()
        except SourceError:
            time.sleep(min(0.2 * 2**tried, 2))
    return action()


def attempt_for(headline: str, retries: int, action: Callable[[], T]) -> T:
    """Run an action against a CAS; what it refuses is a cause under a headline that says what
    was tried.
    """
    try:
        return again(retries, action)
    except CasnbError as exc:
        raise refusal(headline, exc) from None


def refusal(headline: str, exc: CasnbError) -> Failure:
    """Return the error of a command: what was tried, which status the CAS answered, in its own
    words why; and a cure, where casnb knows one.
    """
    from casnb.cas.client import CasRefusal

    if not isinstance(exc, CasRefusal):
        return Failure(headline, [str(exc)], exc.exit_code)
    return Failure(headline, exc.causes, exc.exit_code, [exc.do] if exc.do else [])
