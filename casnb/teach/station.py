"""Where a lab's world can be reached: a simulator that already runs, or one served by this
process; and commands run in it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from casnb.base.errors import SourceError, UsageError, neutral
from casnb.base.view import Shown
from casnb.simulator.world import World

if TYPE_CHECKING:
    from casnb.simulator.server.running import RunningWorld

#: A kernel sets these; they make programs colour what they print, and here nothing would show the
#: colours.
_COLOUR = frozenset({"FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"})
_OUTPUT_LIMIT = 200_000

#: What stood in os.environ before a station wrote to it, and what stations wrote last.
_original: dict[str, str | None] = {}
_exported: dict[str, str] = {}


def _ours(name: str) -> bool:
    return name in _exported and os.environ.get(name) == _exported[name]


def answers(host: str, port: int, timeout: float = 0.5) -> bool:
    """Return whether something accepts a connection there; nothing is sent."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except (OSError, OverflowError, UnicodeError):
        return False


class Station:
    """A world that can be reached: somebody else's simulator, or one served by this process."""

    def __init__(self, seed: str, scenario: str) -> None:
        self.closed = False
        self.note = ""
        self.running: RunningWorld | None = None
        self.world = World(
            seed=seed, scenario=scenario, now=datetime.now(timezone.utc).replace(microsecond=0)
        )
        self.folder = Path(tempfile.mkdtemp(prefix="casnb-lab-"))
        try:
            names = self._found(seed, scenario)
            if names is None:
                names = self._serve()
            self.host, self.port = _host_and_port(names["CAS_ADDR"], names.get("CAS_PORT"))
            self.names = names
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        atexit.register(self.close)

    @property
    def attached(self) -> bool:
        """Whether this is a simulator that somebody else started."""
        return self.running is None

    def _found(self, seed: str, scenario: str) -> dict[str, str] | None:
        wanted = (
            "CAS_ADDR",
            "CAS_PAGE_URL",
            "CAS_PAGE_CA",
            "CASNB_PCS_URL",
            "CASNB_ROOTS",
            "CASNB_SEED",
            "CASNB_SCENARIO",
        )
        names = {n: os.environ[n] for n in (*wanted, "CAS_PORT") if n in os.environ}
        if "CAS_ADDR" not in names or _ours("CAS_ADDR"):
            return None
        where = neutral(names["CAS_ADDR"], 80)
        if not all(n in names for n in wanted):
            self.note = (
                f"CAS_ADDR names {where}, which is not a casnb simulator; this lab serves its own."
            )
        elif (names["CASNB_SEED"], names["CASNB_SCENARIO"]) != (seed, scenario):
            self.note = (
                f"The simulator at {where} has another seed or scenario; this lab serves its own."
            )
        elif why := _unreadable(names["CAS_PAGE_CA"]) or _unreadable(names["CASNB_ROOTS"]):
            self.note = f"The files of the simulator at {where} {why}; this lab serves its own."
        elif not answers(*_host_and_port(names["CAS_ADDR"], names.get("CAS_PORT"))):
            self.note = f"The simulator at {where} does not answer; this lab serves its own."
        else:
            return names
        return None

    def _serve(self) -> dict[str, str]:
        from casnb.simulator.server.running import serve

        self.running = serve(self.world, state_dir=self.folder / "state")
        return {
            **self.running.environment(),
            "CASNB_SEED": self.world.seed,
            "CASNB_SCENARIO": self.world.scenario,
        }

    @cached_property
    def env(self) -> dict[str, str]:
        """What a child process needs, on top of nothing: this process's environment, changed
        where the lab wants it.
        """
        scripts = str(Path(sys.executable).parent)
        path = os.environ.get("PATH", "")
        here = path if path.split(os.pathsep)[:1] == [scripts] else os.pathsep.join([scripts, path])
        return {
            **self.names,
            "SCONE_CLI_CONFIG": str(self.folder / "config.json"),
            "PATH": here,
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY", ""), self.host])),
        }

    def export(self) -> None:
        """Put `env` into os.environ, for what a notebook starts by `!` or `%%bash`."""
        for name, value in self.env.items():
            if not _ours(name):
                _original[name] = os.environ.get(name)
            os.environ[name] = _exported[name] = value

    def close(self) -> None:
        """Stop serving, restore os.environ, remove the folder. A second call does nothing."""
        if self.closed:
            return
        self.closed = True
        atexit.unregister(self.close)
        for name, value in self.env.items():
            if _ours(name) and _exported[name] == value:
                del os.environ[name], _exported[name]
                if (before := _original.pop(name)) is not None:
                    os.environ[name] = before
        if self.running is not None:
            with suppress(
                Exception
            ):  # the process may be ending: what cannot be stopped ends with it
                self.running.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _unreadable(path: str) -> str:
    """Say what keeps this account from reading a file, or nothing where it can."""
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except PermissionError:
        return "may not be read by this account"
    except (OSError, ValueError):
        return "are gone"
    return ""


def _host_and_port(address: str, port: str | None) -> tuple[str, int]:
    host, colon, tail = address.rpartition(":")
    text = tail if colon and tail.isdecimal() else port or "8081"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError("CAS_PORT", got=text, wanted="a port number")
    return (host if colon and tail.isdecimal() else address), int(text)


@dataclass(frozen=True)
class Run(Shown):
    """A command that ended: what it was, its exit code, and what it printed, unescaped."""

    command: str
    exit_code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        printed = [_clean(t) for t in (self.stdout, self.stderr) if t]
        return "\n".join(
            [f"$ {neutral(self.command, 600)}", *printed, f"exit code {self.exit_code}"]
        )

    def _html(self) -> str:
        style = "white-space:pre-wrap;overflow-wrap:anywhere"
        return f'<pre data-exit-code="{self.exit_code}" style="{style}">{escape(str(self))}</pre>'


def run_command(
    args: list[str], env: Mapping[str, str], shown: str, timeout: float, folder: Path | None = None
) -> Run:
    """Run a command without a shell and without standard input; at most 200,000 characters of
    output are kept.
    """
    plain = {k: v for k, v in env.items() if k not in _COLOUR}
    try:
        done = subprocess.run(  # noqa: S603
            args,
            env=plain,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise SourceError(
            args[0],
            got="no such program on this machine",
            do="Install it; `casnb doctor` says how.",
        ) from None
    except subprocess.TimeoutExpired:
        raise SourceError(shown, got=f"no end after {timeout:g} seconds") from None
    out, err = (b.decode("utf-8", "replace")[:_OUTPUT_LIMIT] for b in (done.stdout, done.stderr))
    return Run(shown, done.returncode, out, err)


def _clean(text: str) -> str:
    return "\n".join(neutral(line, 2000) for line in text.rstrip("\n").split("\n"))
