"""`casnb serve` and `casnb stop`: a simulated CAS and its page, in the foreground or in the
background.
"""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path

import click

from casnb.base.errors import SourceError
from casnb.cli.base import Command, note, write_atomically
from casnb.cli.completers import one_of, scenarios
from casnb.cli.policy_options import option

_EXITS = {
    0: "it ran until it was told to stop, or runs in the background now",
    2: "called wrongly",
    3: "it could not start: the message says what stood in the way",
}


@click.command(
    cls=Command,
    exits=_EXITS,
    example="""\
  casnb serve --background --env-file cas.env && . ./cas.env
  casnb scrape "$CAS_PAGE_URL" --all
  casnb stop
""",
)
@option(
    "--scenario",
    default="public",
    show_default=True,
    metavar="NAME",
    shell_complete=one_of(scenarios),
    help="What the world is like: one of those above.",
)
@option(
    "--seed",
    default="casnb",
    show_default=True,
    metavar="TEXT",
    help="The same text makes the same keys and measurements.",
)
@option(
    "--address",
    metavar="HOST",
    help="Loopback address to listen on; on Linux each seed has one of its own.",
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Port of the CAS; 8081 where it is free.",
)
@option(
    "--alt-name",
    "alt_names",
    multiple=True,
    metavar="NAME",
    help="One more host name or address in the CAS's certificate. Repeat it for more.",
)
@option(
    "--state", metavar="DIR", help="Where sessions are kept; without it they end with the process."
)
@option(
    "--audit-log",
    type=click.Choice(["disabled", "unsigned", "signed"]),
    default="disabled",
    show_default=True,
    help="Keep an audit log, audit.jsonl in DIR, which `scone cas verify-audit-log` judges.",
)
@option("--env-file", metavar="FILE", help="Write the export lines here as well, once it answers.")
@option(
    "--image", metavar="FILE", help="Write the CAS's container image here, for `casnb measure`."
)
@click.option(
    "--background", is_flag=True, help="Return as soon as it answers; `casnb stop` ends it."
)
@click.pass_context
def serve(
    ctx: click.Context,
    scenario: str,
    seed: str,
    address: str | None,
    port: int | None,
    alt_names: tuple[str, ...],
    state: str | None,
    audit_log: str,
    env_file: str | None,
    image: str | None,
    background: bool,
) -> None:
    """Which CAS can I try all this on, without harm?

    Runs a simulated CAS and its public web page until interrupted, on loopback only. Once both
    answer it prints `export` lines for a shell: CAS_ADDR, CAS_HOST, CAS_PORT, CAS_PAGE_URL,
    CAS_PAGE_CA, CASNB_PCS_URL, CASNB_ROOTS, and SCONE_CLI_CONFIG, so that your own attested CASes
    are left alone. Every key in it is public: trust nothing it says.

    \b
    Scenarios, and the flags that `scone cas attest` then needs:
      public          the assignment's: old firmware (-G), debug, test signer
      dcap-debug      the same, with a DCAP quote as evidence
      production      the vendor's signer, nothing to waive: no flag
      hyperthreading  as public, but a weak setting: -C instead of -G
      hardening       as public, but leaks to compile around: -S instead of -G
      both            as public, but -C and -S instead of -G
      revoked         Intel gave the machine up: no flag helps
      current         the CAS of today, DCAP alone: -S, debug, test signer

    \b
    The page has several layouts; the course's first solution takes the ninth
    word of its example line, and finds, where CAS_PAGE_URL says in place of latest:
      latest          a word of prose, so the line is refused
      2024-10         a flag, so the line is refused; 2022-04 the same
      2021-11         the right MRENCLAVE: there it runs as printed
      2021-10         the MRENCLAVE of another release, so the CAS is refused
    """
    target = Path(env_file).absolute() if env_file else None
    state = str(Path(state).absolute()) if state else None
    if image:
        from casnb.simulator.world import World

        write_atomically(Path(image), World(seed, scenario).image())
    if background:
        from casnb.simulator.server.background import start_background

        words = [
            w
            for name, value in (
                ("--scenario", scenario),
                ("--seed", seed),
                ("--address", address),
                ("--port", port),
                ("--state", state),
                ("--audit-log", audit_log),
                *(("--alt-name", name) for name in alt_names),
            )
            if value is not None
            for w in (name, str(value))
        ]
        click.echo(start_background(words, target), nl=False)
        note(
            "casnb serve: it runs in the background until: casnb"
            f" stop{f' --state {shlex.quote(state)}' if state else ''}"
        )
        return
    if target:
        _forget(target)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    from casnb.simulator.server.listener import allow_many_connections
    from casnb.simulator.server.running import serve as run
    from casnb.simulator.world import World

    allow_many_connections()
    with run(
        World(seed, scenario),
        address=address,
        port=port,
        state_dir=Path(state) if state else None,
        audit_log=audit_log,
        alt_names=alt_names,
    ) as running:
        lines = running.export_lines()
        if target:
            write_atomically(target, lines)
        click.echo(lines, nl=False)
        note(
            f"casnb serve: {scenario} CAS at https://{running.host}:{running.cas_port}/, page at"
            f" {running.page_url}. Simulated: trust nothing it says."
        )
        note(
            "In another shell"
            f" {f'type: . {shlex.quote(str(target))}' if target else 'paste the export lines'}."
            " Ctrl-C ends it."
        )
        while not stop.wait(1):
            pass
    note("casnb serve: stopped.")


def _forget(path: Path) -> None:
    """Remove the export lines of an earlier run: whoever waits for the file must not read those."""
    try:
        if path.is_file():
            path.unlink()
    except OSError as exc:
        raise SourceError(
            str(path), got=exc.strerror or "an error", wanted="a file that can be written"
        ) from None


@click.command(
    cls=Command,
    example="  casnb stop\n  casnb stop --state my-state",
    exits={
        0: "nothing runs in the background any more",
        2: "called wrongly",
        3: "it could not be stopped",
    },
)
@option("--state", metavar="DIR", help="The same DIR that `casnb serve --background` was given.")
def stop(state: str | None) -> None:
    """How do I end the simulated CAS that runs in the background?"""
    from casnb.simulator.server.background import stop_background

    ended = stop_background(Path(state) if state else None)
    note("casnb stop: stopped." if ended else "casnb stop: nothing was running.")
