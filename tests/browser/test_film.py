"""A film of a small lesson, made twice in a real JupyterLab: the same frames, and what goes with
them. It runs as a process of its own, as a reader starts it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from browser.conftest import chromium

OVERLAY = """\
film: 1
clock: 2026-10-01
cells:
  x-ask:
    show: true
    say: What do you know now?
    then:
      - click: {button: That the connection is encrypted to somebody.}
        pause: 1
"""


def make(folder, name, path):
    """Make the film in a folder of its own; return that folder."""
    chromium()  # or skip, saying why
    words = [sys.executable, "-m", "casnb.cli.main", "screencast", str(path)]
    done = subprocess.run(
        [
            *words,
            "--overlay",
            str(path.with_suffix(".yaml")),
            "--out",
            str(folder / name),
            "--no-video",
        ],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder / name


@pytest.mark.soak
def test_the_same_lesson_gives_the_same_frames(tmp_path):
    """Byte for byte, with a click, a clock and a nonce in the picture; captions, transcript and
    contact sheet stand beside them.
    """
    cells = [
        nbformat.v4.new_markdown_cell("# A nonce\n\nOne request, one number."),
        nbformat.v4.new_code_cell(
            "import datetime, secrets\nfrom casnb.teach import start\nlab = start('00')\n"
            "str(datetime.datetime.now()), secrets.token_hex(8)"
        ),
        nbformat.v4.new_code_cell("lab.ask('00.curl-k')"),
        nbformat.v4.new_markdown_cell("That is all."),
    ]
    for cell, name in zip(cells, ("x-title", "x-now", "x-ask", "x-end"), strict=True):
        cell["id"] = name
    path = tmp_path / "lesson.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    path.with_suffix(".yaml").write_text(OVERLAY)
    first, second = make(tmp_path, "first", path), make(tmp_path, "second", path)
    rows = json.loads((first / "lesson" / "frames.json").read_text())
    assert rows == json.loads((second / "lesson" / "frames.json").read_text())
    assert [row["cell"] for row in rows][-1] == "x-end" and "step" in {row["what"] for row in rows}
    told = (first / "lesson.md").read_text()
    assert "2026-10-01 00:00" in told and "What do you know now?" in told
    assert re.match(r"WEBVTT", (first / "lesson.vtt").read_text())
    assert (first / "lesson.png").stat().st_size > 10_000
