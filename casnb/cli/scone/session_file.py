"""A session file on its way to a CAS: variables replaced, warnings told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.cli.base import REJECTED, Failure, note, slurp

if TYPE_CHECKING:
    from casnb.session.session import Session
    from casnb.session.signed import Signed

#: No session comes near this many bytes.
SESSION_LIMIT = 256 * 1024


def _pairs(variables: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("-e", got=text, wanted="VAR=VALUE")
        found[name] = value
    return found


def read_session(
    file: str, variables: Sequence[str], use_env: bool, name: str | None, strict: bool
) -> Session:
    """Return the session in a template, variables replaced; errors and warnings name the file.
    `strict` makes warnings errors.
    """
    return read_upload(file, variables, use_env, name, strict)[0]


def read_upload(
    file: str, variables: Sequence[str], use_env: bool, name: str | None, strict: bool
) -> tuple[Session, Signed | None]:
    """Return the session in a template or in a signed session, and that with its signatures.

    What is signed is not changed: variables are left alone, another name is an error.
    """
    from casnb.session.signed import Signed, is_signed

    text = slurp(file, 2 * SESSION_LIMIT)
    if not is_signed(text):
        return parse_session(text, file, variables, use_env, name, strict), None
    if name is not None:
        raise UsageError("-n", got=name, wanted="none: what is signed cannot be changed")
    try:
        signed = Signed.from_json(text)
    except CasnbError as exc:
        where = neutral("standard input" if file == "-" else file, 200)
        raise Failure(f"Reading signed session '{where}' failed", [str(exc)], 1) from None
    if variables or use_env:
        note("note: the session is signed: -e and --use-env change nothing.")
    return parse_session(signed.text.encode(), file, None, False, None, strict), signed


def sealed_session(file: str) -> str | None:
    """Return the text of an encrypted session, None for any other file."""
    from casnb.session.encrypted import is_encrypted

    if file == "-":
        return None
    text = slurp(file, 4 * SESSION_LIMIT)
    return text.decode("utf-8", "replace") if is_encrypted(text) else None


def parse_session(
    text: bytes,
    file: str,
    variables: Sequence[str] | None,
    use_env: bool,
    name: str | None,
    strict: bool,
) -> Session:
    """Return the session in a text, warnings told; without `variables` dollar signs stay."""
    from casnb.session.explain import warnings
    from casnb.session.session import Session

    given: Mapping[str, str] | None = None if variables is None else _pairs(variables)
    where = neutral("standard input" if file == "-" else file, 200)
    try:
        found = Session.from_yaml(text, variables=given, use_env=use_env, name=name)
    except CasnbError as exc:
        raise Failure(
            f"Parsing session from session template file '{where}' failed",
            [str(exc)],
            exc.exit_code,
        ) from None
    cautions = [neutral(w, 400) for w in warnings(found)]
    if cautions and strict:
        raise Failure(
            f"'{where}' gives warnings, and --fail-on-warning was set", cautions, REJECTED
        )
    for caution in cautions:
        note(f"warning: {caution}")
    return found


def as_it_stands(text: bytes, name: str | None) -> Session | None:
    """Return the session in a text whose dollar signs are dollar signs, as a CAS reads it back;
    None where it is not one.
    """
    from casnb.session.session import Session

    try:
        return Session.from_yaml(text, name=name)
    except CasnbError:
        return None
