"""`scone session`: create, update, read, check and verify sessions of an attested CAS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from casnb.base.errors import CasnbError, SourceError, UsageError, neutral, own_file
from casnb.cli.base import REJECTED, Command, Commands, Failure, note, slurp
from casnb.cli.policy_options import option
from casnb.cli.scone.cas_group import attested_cas
from casnb.cli.scone.main import HELP, retries_option, trust_store

if TYPE_CHECKING:
    from casnb.cas.client import CasClient
    from casnb.cas.trust import ClientIdentity
    from casnb.session.session import Session

T = TypeVar("T")
_EXITS = {
    0: "done",
    1: "refused: the session or this client is not what the CAS wants",
    2: "called wrongly",
    3: "the CAS could not be reached, or a file of yours is damaged or cannot be read",
}
#: No session comes near this many bytes.
_LIMIT = 256 * 1024


def _all(command: Any, rows: Sequence[Callable[[Any], Any]]) -> Any:
    """Add options so that help shows them in this order."""
    for row in reversed(rows):
        command = row(command)
    return command


def _file_options(command: Any) -> Any:
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


def _cas_options(command: Any) -> Any:
    """Add which CAS, and as whom."""
    return _all(
        command,
        (
            option(
                "-c",
                "--cas",
                "cas_name",
                metavar="CAS",
                help="An attested CAS.  [default: the one with a star in scone cas list]",
            ),
            option(
                "--identity",
                metavar="FILE",
                help="Key (PKCS#8) and certificate to show, PEM, instead of your own.",
            ),
            retries_option,
            click.option(
                "--only_for_testing-disable-attestation-verification",
                "unattested",
                is_flag=True,
                help="Not implemented: casnb talks to attested CASes only.",
            ),
        ),
    )


@click.group(cls=Commands, context_settings=HELP)
def session() -> None:
    """Create, update, read and verify sessions (policies) of an attested CAS."""


def _pairs(variables: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("-e", got=text, wanted="VAR=VALUE")
        found[name] = value
    return found


def _read(
    file: str, variables: Sequence[str], use_env: bool, name: str | None, strict: bool
) -> Session:
    """Return the session in a template, variables replaced; errors and warnings name the file.
    `strict` makes warnings errors.
    """
    return _parse(slurp(file, _LIMIT), file, variables, use_env, name, strict)


def _parse(
    text: bytes, file: str, variables: Sequence[str], use_env: bool, name: str | None, strict: bool
) -> Session:
    from casnb.session.explain import warnings
    from casnb.session.session import Session

    given: Mapping[str, str] = _pairs(variables)
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


def _as_it_stands(text: bytes, name: str | None) -> Session | None:
    """Return the session in a text whose dollar signs are dollar signs, as a CAS reads it back;
    None where that is none.
    """
    from casnb.session.session import Session

    try:
        return Session.from_yaml(text, name=name)
    except CasnbError:
        return None


def _client(
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
    return CasClient(found, _identity(ctx, identity))


def _identity(ctx: click.Context, file: str | None) -> ClientIdentity:
    if file is None:
        return trust_store(ctx).identity()
    from casnb.cas.trust import ClientIdentity
    from casnb.evidence.decode import read_file

    with own_file(f"--identity {file}"):
        return ClientIdentity.from_pem(read_file(Path(file), 1 << 16))


def _again(retries: int, action: Callable[[], T]) -> T:
    """Run an action; try again where nothing was reached."""
    for tried in range(retries):
        try:
            return action()
        except SourceError:
            time.sleep(min(0.2 * 2**tried, 2))
    return action()


def _for(headline: str, retries: int, action: Callable[[], T]) -> T:
    """Run an action against a CAS; what it refuses is a cause under a headline that says what
    was tried.
    """
    try:
        return _again(retries, action)
    except CasnbError as exc:
        raise Failure(headline, [str(exc)], exc.exit_code) from None


def _upload(client: CasClient, wanted: Session, retries: int) -> str:
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


@session.command(
    "create",
    cls=Command,
    exits=_EXITS,
    short_help="Upload a new session, or an update that names its predecessor.",
    example='  scone session create session.yml -e NS="$NS" --use-env',
)
@_file_options
@_cas_options
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

    A session that names its `predecessor` updates that one.
    """
    wanted = _read(file, variables, use_env, name, fail_on_warning)
    client = _client(ctx, cas_name, identity, unattested)
    try:
        click.echo(_upload(client, wanted, retries))
    except CasnbError as exc:
        raise Failure("Creating session failed", [str(exc)], exc.exit_code) from None


@session.command(
    "update",
    cls=Command,
    exits=_EXITS,
    short_help="Upload a new version of a session that is there.",
    example="  scone session update session.yml",
)
@_file_options
@_cas_options
@click.pass_context
def update(
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
    """How do I change a session? Fills in `predecessor` where it is missing, and prints the new
    hash.
    """
    wanted = _read(file, variables, use_env, name, fail_on_warning)
    client = _client(ctx, cas_name, identity, unattested)

    def upload() -> str:
        version = (
            wanted
            if wanted.predecessor
            else wanted.with_predecessor(client.read_session(wanted.name)[0])
        )
        return client.create_session(version.to_yaml())

    click.echo(_for("Updating session failed", retries, upload))


@session.command(
    "read",
    cls=Command,
    exits=_EXITS,
    short_help="Print a session as the CAS has it, YAML.",
    example='  scone session read "$NS" > session_read.yml',
)
@click.argument("name")
@_cas_options
@option(
    "--session-hash", metavar="HASH", help="The version with this hash instead of the current one."
)
@click.pass_context
def read(
    ctx: click.Context,
    /,
    name: str,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
    session_hash: str | None,
) -> None:
    """What does the CAS have under this name? Needs the right to read it."""
    client = _client(ctx, cas_name, identity, unattested)
    _, text = _for(
        "Reading session failed", retries, lambda: client.read_session(name, session_hash)
    )
    click.echo(text, nl=not text.endswith("\n"))


@session.command(
    "check",
    cls=Command,
    short_help="Validate a session file and print it, defaults filled in.",
    exits={
        0: "valid",
        1: "not a valid session",
        2: "called wrongly, or a variable has no value",
        3: "the file cannot be read",
    },
    example="  scone session check session.yml -e NS=mine",
)
@_file_options
def check(
    file: str, variables: Sequence[str], use_env: bool, name: str | None, fail_on_warning: bool
) -> None:
    """Is this a valid session? Prints it with variables replaced and defaults filled in; asks no
    CAS.
    """
    click.echo(_read(file, variables, use_env, name, fail_on_warning).to_yaml(), nl=False)


@session.command(
    "verify",
    cls=Command,
    short_help="Compare a session file with what the CAS has.",
    exits={
        0: "the same",
        1: "not the same, or refused",
        2: "called wrongly",
        3: "the CAS could not be reached, or a file of yours is damaged or cannot be read",
    },
    example="  HASH=$(scone session verify session_read.yml)",
)
@_file_options
@_cas_options
@click.pass_context
def verify(
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
    """Does the CAS have exactly this session? Prints the hash that was recomputed from FILE."""
    from casnb.session.session import Session

    text = slurp(file, _LIMIT)
    plain = _as_it_stands(text, name) if b"$" in text else None
    try:
        readings, failure = [_parse(text, file, variables, use_env, name, fail_on_warning)], None
    except Failure as exc:
        if plain is None or exc.exit_code != UsageError.exit_code:
            raise
        readings, failure = [], exc
    readings += [plain] if plain else []
    client = _client(ctx, cas_name, identity, unattested)
    stored, there = _for(
        "Verifying session failed", retries, lambda: client.read_session(readings[0].name)
    )
    creator = Session.from_yaml(there).creator
    # The creator is added by the CAS and is part of the hash: a file that leaves it out is compared
    # without.
    hashes = [(r if r.creator else r.with_creator(creator)).hash for r in readings]
    if stored not in hashes:
        raise failure or Failure(
            "Verifying session failed",
            [f"The file's hash is {hashes[0]}, the CAS has {neutral(stored, 80)}"],
            REJECTED,
            [
                f"scone session read {readings[0].name} prints what the CAS has; casnb history says"
                " what was there before."
            ],
        )
    click.echo(stored)
    note(f"The session is what {neutral(client.attested.name)} has.")


@session.command(
    "calculate-hash",
    cls=Command,
    short_help="Print the hash of a session file; asks no CAS.",
    exits={
        0: "done",
        1: "not a valid session",
        2: "called wrongly, or a variable has no value",
        3: "a file cannot be read",
    },
    example="  scone session calculate-hash session.yml --with-self-as-creator tls",
)
@_file_options
@option(
    "--with-self-as-creator",
    "creator",
    type=click.Choice(["tls", "signer"]),
    help="Add yourself as CREATOR: your certificate (tls), or your session signing key (signer).",
)
@option(
    "--identity",
    metavar="FILE",
    help="Key (PKCS#8) and certificate that are you, PEM, instead of your own.",
)
@click.pass_context
def calculate_hash(
    ctx: click.Context,
    /,
    file: str,
    variables: Sequence[str],
    use_env: bool,
    name: str | None,
    fail_on_warning: bool,
    creator: str | None,
    identity: str | None,
) -> None:
    """Which hash will this session have? The creator is part of it, so two people who upload one
    file get two hashes.
    """
    from casnb.cli.scone.self_group import session_signing_key
    from casnb.session.access import Signer

    found = _read(file, variables, use_env, name, fail_on_warning)
    if creator:
        me = _identity(ctx, identity)
        found = found.with_creator(
            me.certificate_pem if creator == "tls" else Signer(session_signing_key(me))
        )
    elif found.creator is None and found.names_creator:
        note(
            "note: a CAS adds the creator, who is part of the hash; --with-self-as-creator tls adds"
            " you."
        )
    click.echo(found.hash)


@session.command(
    "list",
    cls=Command,
    exits=_EXITS,
    short_help="Print the names of sessions that you may list.",
    example="  scone session list",
)
@_cas_options
@click.pass_context
def list_sessions(
    ctx: click.Context,
    /,
    cas_name: str | None,
    identity: str | None,
    retries: int,
    unattested: bool,
) -> None:
    """Which sessions are there for me? One name a line; where a policy has no `list_sessions`,
    who may read may list.
    """
    client = _client(ctx, cas_name, identity, unattested)
    for name in _for("Listing sessions failed", retries, client.sessions):
        click.echo(neutral(name, 600))
