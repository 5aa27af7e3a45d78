"""What the README tells a reader to type."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.scripts
def test_the_commands_of_the_readme_reach_the_value(shell_env, tmp_path):
    """Typed one after another in bash, but for the line that enters the virtual environment,
    they end with 42.
    """
    if sys.platform != "linux" or not all(map(shutil.which, ("bash", "curl", "openssl"))):
        pytest.skip("needs Linux with bash, curl and openssl")
    (block,) = [
        b for b in re.findall(r"(?:^    .*\n)+", README.read_text(), re.M) if "casnb serve" in b
    ]
    script = "set -e\ntrap 'casnb stop >&2' ERR\n" + block.replace(". .venv/bin/activate", ":")
    home = {
        name: str(tmp_path)
        for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
    }
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=shell_env(tmp_path, **home),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"Subject: CN ?= ?cas-instance", run.stdout)
    assert '"value": "42"' in run.stdout
