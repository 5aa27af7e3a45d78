"""Start `casnb serve` as a process of its own, and wait until it says that it answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def serve(seed: str, folder: Path, port: int, more: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Return the process of a server on loopback with its state in `folder`; raise SystemExit
    where it ended by itself.
    """
    command = [sys.executable, "-m", "casnb.cli.main", "serve", "--seed", seed]
    command += ["--state", str(folder), "--address", "127.0.0.1", "--port", str(port), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if process.stdout is None or not process.stdout.readline():
        raise SystemExit(f"the server ended by itself with code {process.wait()}")
    return process
