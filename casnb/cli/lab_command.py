"""`casnb lab`: the notebooks laid out, a simulated CAS, and JupyterLab on top; all of it ends
together.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from casnb.base.errors import SourceError
from casnb.cli.base import Command, note
from casnb.cli.copies import Step, chapter, checkout, lay_out
from casnb.cli.policy_options import option
from casnb.cli.presenting import for_projector, large_type

#: JupyterLab asks nobody on the network for news or updates, and nobody in the terminal whether
#: Ctrl-C was meant; it writes warnings only, so that the address stays the last line.
QUIET = (
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--ServerApp.answer_yes=True",
    "--Application.log_level=ERROR",
)
#: The notebook that is opened.
FIRST = "00-start-here.ipynb"
#: Defaults of JupyterLab's settings, which a reader's own settings override. Without them it asks
#: on first use whether to fetch news, whatever `news_url` is.
DEFAULTS = Path(__file__).resolve().parent / "jupyter"
#: Seconds that the address is waited for; JupyterLab itself may take longer.
_ADDRESS_SECONDS = 120


@click.command(
    cls=Command,
    example="""\
  casnb lab                      # your own copy in ./casnb-lab
  casnb lab my-notebooks --setup-only
  casnb lab --in-place           # in a checkout: its own notebooks
  casnb lab --only 03            # one chapter alone
  casnb lab --present --only 03  # for a projector
""",
    exits={
        0: "ended by Ctrl-C, or laid out with --setup-only",
        2: "called wrongly",
        3: "could not be laid out or started",
    },
)
@click.argument("dir", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--in-place",
    is_flag=True,
    help="Use the notebooks of this checkout as they are, without a copy.",
)
@option("--only", metavar="NN", help="Lay out one chapter alone, and open it.")
@click.option(
    "--present",
    is_flag=True,
    help="For a projector: large type, nothing beside the notebook, setup and exercises folded.",
)
@click.option("--setup-only", is_flag=True, help="Lay the notebooks out and start nothing.")
@click.option(
    "--no-browser",
    "--no-open",
    "no_browser",
    is_flag=True,
    help="Print the address instead of opening a browser.",
)
@option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port of JupyterLab.  [default: 8888 or the next free one]",
)
@option(
    "--scenario",
    default="public",
    show_default=True,
    metavar="NAME",
    help="The scenario of the simulated CAS.",
)
@option(
    "--seed",
    default="casnb",
    show_default=True,
    metavar="TEXT",
    help="The seed of the simulated world.",
)
def lab(
    dir: Path | None,
    in_place: bool,
    only: str | None,
    present: bool,
    setup_only: bool,
    no_browser: bool,
    port: int | None,
    scenario: str,
    seed: str,
) -> int:
    """How do I get to the notebooks?

    Lays out the notebooks in DIR (./casnb-lab), starts a simulated CAS and JupyterLab, and stops
    both on Ctrl-C. Run it again after an update: a notebook that you changed is kept, and its
    new version is put into the folder updates/VERSION beside it.
    """
    if in_place and dir:
        raise click.UsageError("--in-place uses the checkout's notebooks: leave DIR out.")
    if in_place and present:
        raise click.UsageError("--present shows a copy: leave --in-place out.")
    first = chapter(only) if only else FIRST
    if in_place:
        folder = checkout()
    else:
        folder = dir or Path("casnb-lab")
        _tell(folder, lay_out(folder, only=first if only else ""))
        note(f"The notebooks are in {folder}. Start with {first}.")
    if present:
        first = for_projector(folder / first).relative_to(folder).as_posix()
    if setup_only:
        return 0
    page = f"{'doc' if present else 'lab'}/tree/{first}"
    return _run(folder, page, present, no_browser, port, scenario, seed)


def _tell(folder: Path, steps: Sequence[Step]) -> None:
    """Say what was laid out: files that are new or updated, and in one line where the new versions
    are of those that the reader changed.
    """
    for step in steps:
        if step.what in ("new", "updated"):
            note(f"{step.what:<9} {folder / step.name}")
    for changed, words in (
        (False, "yours stay as they are; their new versions are in"),
        (True, "not laid out, for you changed them there, too: the newest versions in"),
    ):
        if found := [s for s in steps if s.beside and s.changed is changed]:
            where = (folder / found[0].beside.removesuffix(found[0].name)).as_posix()
            note(f"kept      {', '.join(s.name for s in found)}: {words} {where}")


def _run(
    folder: Path,
    page: str,
    present: bool,
    no_browser: bool,
    port: int | None,
    scenario: str,
    seed: str,
) -> int:
    from casnb.simulator.server.running import serve
    from casnb.simulator.world import World

    with serve(World(seed, scenario)) as running:
        note(f"A simulated CAS answers at {running.cas_addr}. Simulated: trust nothing it says.")
        words = [
            sys.executable,
            "-m",
            "jupyterlab",
            *QUIET,
            f"--ServerApp.root_dir={folder.resolve()}",
        ]
        token = secrets.token_hex(24)
        words += [f"--IdentityProvider.token={token}", f"--LabApp.default_url=/{page}"]
        if present:
            words.append(f"--LabApp.user_settings_dir={large_type(folder).resolve()}")
        words += ["--no-browser"] if no_browser else []
        words += [f"--port={port}"] if port else []
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            note("note: you are root, and so is everything a notebook runs.")
            words.append("--allow-root")
        note("Ctrl-C ends JupyterLab and the simulated CAS.")
        try:
            child = subprocess.Popen(words, env=environment(running.environment()))  # noqa: S603
        except OSError as exc:
            raise SourceError(
                "JupyterLab",
                got=exc.strerror or "cannot be started",
                wanted="jupyterlab in this environment",
                do="casnb doctor says more.",
            ) from None
        threading.Thread(target=_tell_address, args=(child, token, page), daemon=True).start()
        return _wait(child)


def _tell_address(child: subprocess.Popen[bytes], token: str, page: str) -> None:
    """Print where JupyterLab is, once it has said so in its runtime file, as the last line."""
    from jupyter_server.serverapp import list_running_servers

    until = time.monotonic() + _ADDRESS_SECONDS
    while child.poll() is None and time.monotonic() < until:
        for server in list_running_servers():
            if server.get("token") == token:
                note(f"{server['url']}{page}?token={token}")
                return
        time.sleep(0.1)


def environment(world: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of JupyterLab and so of its kernels and terminals: the world's
    names, our commands first on PATH, and our defaults of JupyterLab's settings.

    Attested CASes go into a file apart, unless SCONE_CLI_CONFIG names one: a simulated CAS must
    not become a reader's default.
    """
    from platformdirs import user_state_path

    out = {**os.environ, **world}
    out["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    out["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        p for p in (os.environ.get("JUPYTER_CONFIG_PATH"), str(DEFAULTS)) if p
    )
    out.setdefault(
        "SCONE_CLI_CONFIG", str(user_state_path("casnb", appauthor=False) / "lab" / "config.json")
    )
    return out


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; Ctrl-C reaches it by itself, SIGTERM is passed on."""
    previous = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    asked = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = child.wait()
    finally:
        signal.signal(signal.SIGTERM, previous)
        signal.signal(signal.SIGINT, asked)
    if status not in (0, -signal.SIGTERM, -signal.SIGINT):
        raise SourceError(
            "JupyterLab",
            got=f"it ended with status {status}",
            wanted="0",
            do="Its own lines above say why.",
        )
    return 0
