"""`casnb service`: a program in a simulated enclave, measured, and run as a service of a
session.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import UsageError, neutral
from casnb.cli.base import REJECTED, Command, Commands, Failure, emit_json, note, slurp
from casnb.cli.policy_options import option

if TYPE_CHECKING:
    from casnb.simulator.service_enclave import Configuration, ServiceEnclave
    from casnb.tls.cas_chain import CasChain

#: What `--platform` takes, and the status that Intel gives such a machine.
_PLATFORMS = {
    "up-to-date": "UP_TO_DATE",
    "outdated": "OUT_OF_DATE",
    "configuration": "CONFIGURATION_NEEDED",
    "hardening": "SW_HARDENING_NEEDED",
    "revoked": "REVOKED",
}


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
def service() -> None:
    """A program in a simulated enclave: what it measures, and what a session gives it."""


def _build_options(command: Any) -> Any:
    for row in reversed(
        (
            option(
                "--seed",
                default="casnb",
                show_default=True,
                envvar="CASNB_SEED",
                show_envvar=True,
                metavar="TEXT",
                help="The seed of the world whose Intel vouches for the machine.",
            ),
            click.option(
                "--signer",
                type=click.Choice(["owner", "test", "vendor"]),
                default="owner",
                show_default=True,
                help="Whose key signed the enclave.",
            ),
            option(
                "--isvsvn",
                type=click.IntRange(0, 65535),
                default=1,
                show_default=True,
                metavar="N",
                help="Its version.",
            ),
            click.option(
                "--debug",
                is_flag=True,
                help="Start it as a debug enclave, which its host can read.",
            ),
        )
    ):
        command = row(command)
    return command


def _enclave(
    program: str, seed: str, signer: str, isvsvn: int, debug: bool, platform: str = "up-to-date"
) -> ServiceEnclave:
    from casnb.simulator.service_enclave import PROGRAM_LIMIT, ServiceEnclave
    from casnb.simulator.world import World
    from casnb.verify.tcb import TcbStatus

    return ServiceEnclave(
        World(seed),
        slurp(program, PROGRAM_LIMIT),
        signer=signer,
        isv_svn=isvsvn,
        debug=debug,
        status=TcbStatus[_PLATFORMS[platform]],
    )


@service.command(
    "measure",
    cls=Command,
    short_help="MRENCLAVE and signer of a program, to be named in a session.",
    exits={
        0: "done",
        1: "PROGRAM is too large",
        2: "called wrongly",
        3: "PROGRAM could not be read",
    },
    example=(
        "  M=$(casnb service measure app.py)\n  scone session create -e MRENCLAVE=$M session.yml"
    ),
)
@click.argument("program", type=click.Path(allow_dash=True))
@_build_options
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print measurement, signer, product and version as JSON.",
)
def measure(program: str, seed: str, signer: str, isvsvn: int, debug: bool, as_json: bool) -> None:
    """Which MRENCLAVE has an enclave with this PROGRAM in it? The bytes decide, and nothing
    else: not the signer, not --debug.
    """
    enclave = _enclave(program, seed, signer, isvsvn, debug)
    if as_json:
        build = enclave.build
        emit_json(
            {
                "mrenclave": enclave.mrenclave,
                "mrsigner": enclave.mrsigner,
                "isvprodid": build.isv_prod_id,
                "isvsvn": build.isv_svn,
                "debug": build.debug,
            }
        )
    else:
        click.echo(enclave.mrenclave)


@service.command(
    "run",
    cls=Command,
    short_help="Ask a CAS for the configuration of SESSION/SERVICE, with this program's evidence.",
    exits={
        0: "the configuration was given",
        1: "the CAS refused: standard error says why",
        2: "called wrongly",
        3: "PROGRAM could not be read, or no CAS answers",
    },
    example=(
        '  casnb service run "$NS/app/web" app.py\n'
        '  casnb service run --dry-run --session session.yml "$NS/app/web"'
    ),
)
@click.argument("config_id", metavar="SESSION/SERVICE")
@click.argument("program", type=click.Path(allow_dash=True), required=False)
@_build_options
@click.option(
    "--platform",
    type=click.Choice(list(_PLATFORMS)),
    default="up-to-date",
    show_default=True,
    help="What Intel says of the machine.",
)
@option(
    "--cas",
    "cas_name",
    metavar="CAS",
    help="An attested CAS to be pinned to.  [default: whoever answers at CAS_ADDR]",
)
@option(
    "--address",
    metavar="HOST",
    envvar="CAS_ADDR",
    show_envvar=True,
    help="Where a CAS is asked, without knowing which.",
)
@option(
    "--port",
    type=click.IntRange(1, 65535),
    default=18765,
    show_default=True,
    envvar="CAS_ENCLAVE_PORT",
    show_envvar=True,
    metavar="N",
    help="Port of its enclave API.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say which secret goes into which argument, variable and file; ask for no value.",
)
@option(
    "--session",
    "session_file",
    metavar="FILE",
    help="With --dry-run: the session's file, instead of what an attested CAS has.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print command, environment, pwd and files as JSON."
)
def run(
    config_id: str,
    program: str | None,
    seed: str,
    signer: str,
    isvsvn: int,
    debug: bool,
    platform: str,
    cas_name: str | None,
    address: str | None,
    port: int,
    dry_run: bool,
    session_file: str | None,
    as_json: bool,
) -> None:
    """What is this PROGRAM given, as a service of a session?

    The program is built into a simulated enclave and not executed. It quotes itself, for the
    CAS's nonce and a TLS key of its own, and prints what the CAS then gives it: command and
    environment, secrets filled in. Like a real service it believes whoever answers, unless --cas
    pins it: the host chooses the address.
    """
    if dry_run:
        _plan(config_id, cas_name, session_file, as_json)
        return
    if session_file is not None:
        raise UsageError("--session", got="no --dry-run", wanted="--dry-run beside it")
    if program is None:
        raise UsageError(
            "casnb service run", got="no PROGRAM", wanted="SESSION/SERVICE PROGRAM, or --dry-run"
        )
    from casnb.simulator.service_enclave import ServiceRefusal

    enclave = _enclave(program, seed, signer, isvsvn, debug, platform)
    host, chain = _cas(cas_name, address)
    try:
        given = enclave.configure(config_id, host, port, chain=chain)
    except ServiceRefusal as exc:
        more = [m for m in exc.messages if m.startswith(("  - ", "Note: "))]
        raise Failure(
            exc.subject, [m for m in exc.messages if m not in more], REJECTED, [*more, exc.do]
        ) from None
    if as_json:
        emit_json(
            {
                "command": given.command,
                "environment": dict(given.environment),
                "pwd": given.pwd,
                "files": [f.to_json() for f in given.files],
            }
        )
    else:
        _show(given)


def _cas(name: str | None, address: str | None) -> tuple[str, CasChain | None]:
    """Return where a service asks, and the certificates that it wants to see there."""
    if name is not None:
        from casnb.cas.trust import TrustStore

        store = os.environ.get("SCONE_CLI_CONFIG")
        attested = (TrustStore(store) if store else TrustStore()).get(name)
        return attested.host, attested.chain
    if address is None:
        raise UsageError(
            "casnb service run",
            got="no CAS",
            wanted="--cas or --address",
            do="Start one: casnb serve --background",
        )
    from casnb.tls.exchange import parse_address

    host = parse_address(address)[1]
    note(
        "note: this service does not know which CAS answers; what it is given is untrusted, and"
        " so is a refusal."
    )
    return host, None


def _show(given: Configuration) -> None:
    words = given.command if isinstance(given.command, str) else shlex.join(given.command)
    click.echo(f"command: {neutral(words, 2000)}")
    for name, value in given.environment.items():
        click.echo(f"{neutral(name, 300)}={neutral(value, 4000)}")
    if given.pwd:
        click.echo(f"pwd: {neutral(given.pwd, 600)}")
    for file in given.files:
        shown = file.to_json()
        content = shown.get("content", shown.get("content_base64"))
        kind = " in base64" if "content_base64" in shown else ""
        click.echo(
            f"file {neutral(file.path, 600)} ({file.permission}){kind}: "
            + ("read from the image" if content is None else neutral(content, 4000))
        )


def _plan(config_id: str, cas_name: str | None, file: str | None, as_json: bool) -> None:
    """Print which secret goes where in a service, by the text of its session alone."""
    from casnb.base.view import text_table
    from casnb.session.session import Session
    from casnb.session.uses import uses
    from casnb.simulator.enclave_protocol import ConfigId

    asked = ConfigId.parse(config_id)
    if file is not None:
        text: bytes | str = slurp(file, 256 * 1024)
    else:
        from casnb.cas.client import CasClient
        from casnb.cas.trust import TrustStore

        place = os.environ.get("SCONE_CLI_CONFIG")
        store = TrustStore(place) if place else TrustStore()
        text = CasClient(store.get(cas_name), store.identity()).read_session(asked.session)[1]
    rows = uses(Session.from_yaml(text), asked.service)
    if as_json:
        emit_json([{"secret": u.secret, "form": u.form, "place": u.place} for u in rows])
        return
    click.echo(
        text_table(("goes into", "secret", "as"), [(u.place, u.secret, u.form) for u in rows])
        if rows
        else "No secret goes into this service."
    )
    note("note: by the session's text; no value was asked for, and no evidence was shown.")
