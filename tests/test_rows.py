"""One table per kind of thing: a row that is added to it shows up wherever things of its kind are
shown, without another edit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


@pytest.mark.parametrize("kind", ["flag", "check", "attack", "exercise", "panel"])
def test_a_new_row_shows_up_everywhere(kind, tmp_path):
    """A seventh flag, one more check, attack, exercise and panel: each is found in every list,
    panel, matrix, help text, explanation and document of its kind (`rows_probe.py` says which).
    """
    path = os.pathsep.join(
        [str(TESTS.parent / "docs" / "_build"), os.environ.get("PYTHONPATH", "")]
    )
    run = subprocess.run(
        [sys.executable, str(TESTS / "rows_probe.py"), kind, str(tmp_path / "progress.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "SCONE_CLI_CONFIG": str(tmp_path / "config.json")},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert len(found) >= 4 and [place for place, there in found.items() if not there] == []
