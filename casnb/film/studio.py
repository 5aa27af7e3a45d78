"""Where a notebook is filmed: a private JupyterLab whose kernels stand still in time, and
settings of large type.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from casnb.base.errors import SourceError
from casnb.film.audience import SIZES
from casnb.film.overlay import Overlay
from casnb.film.still import environment

#: Seconds that JupyterLab may take to start, also on a machine that is busy.
_READY = 180
#: What a maker's own environment may not bring into a film.
_OWN = ("CAS_", "CASNB_", "SCONE_", "JUPYTER", "IPYTHON", "XDG_")
_FOLDERS = (
    "HOME",
    "USERPROFILE",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)
_SETTINGS = {
    "apputils-extension/themes": {
        "overrides": {name: f"{size}px" for name, size in SIZES.items()},
        "theme": "JupyterLab Light",
    },
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Every cell is in the page, whether it is in sight or not.
    "notebook-extension/tracker": {"windowingMode": "none", "recordTiming": False},
}


def private(folder: Path, overlay: Overlay) -> dict[str, str]:
    """Return the environment of a film's kernels: nothing of the maker's, the film's seed, a
    clock that stands.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
    for name in _FOLDERS:
        env[name] = str(folder / name.lower())
        Path(env[name]).mkdir(parents=True, exist_ok=True)
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env |= {"CASNB_SEED": overlay.seed, "CASNB_PROGRESS": str(folder / "progress.json")}
    return {**env, **environment(folder / "still", overlay.clock, overlay.seed)}


@dataclass(frozen=True)
class Studio:
    """A JupyterLab that answers: its address, its token, the folder that it shows."""

    url: str
    token: str
    folder: Path


@contextmanager
def studio(base: Path, overlay: Overlay) -> Iterator[Studio]:
    """Start JupyterLab in folders of its own below `base`, and stop it at the end. Raises
    SourceError where it does not start.
    """
    folder = base / "notebooks"
    folder.mkdir(parents=True)
    env = private(base, overlay)
    # The clock of kernels stands; the server's own has to go on.
    still: dict[str, str] = {k: env.pop(k) for k in ("PYTHONPATH", "PYTHONHASHSEED")}
    _write_kernel(Path(env["JUPYTER_DATA_DIR"]), still)
    _write_settings(Path(env["JUPYTERLAB_SETTINGS_DIR"]))
    env["JUPYTER_PREFER_ENV_PATH"] = "0"  # the kernel below counts before an environment's own
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    words = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = base / "jupyterlab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(  # noqa: S603
            words, env=env, cwd=base, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(server, f"{url}/api/status?token={token}", log)
        yield Studio(url, token, folder)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _write_kernel(data: Path, env: Mapping[str, str]) -> None:
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "env": dict(env),
    }
    folder = data / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _write_settings(settings: Path) -> None:
    for name, values in _SETTINGS.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _READY
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(url, timeout=2) as reply:
                if reply.status == 200:
                    return
        except OSError:
            pass
        if server.poll() is not None or time.monotonic() > until:
            last = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise SourceError("JupyterLab", got=last or "no answer", wanted="a server that starts")
        time.sleep(0.1)
