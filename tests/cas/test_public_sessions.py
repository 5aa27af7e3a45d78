"""Every public session file is read as its manifest says the pages have it: accepted, refused with
the reason, or named as not built.
"""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from casnb.cli.scone.main import scone

EXPECTED = {
    "accept": lambda code, said: code == 0,
    "refuse": lambda code, said: code != 0 and said,
    "not-built": lambda code, said: code == 0 or (code == 2 and said),
}


def test_public_sessions_are_read_as_the_pages_have_them(vectors):
    """`scone session check` over all of them, with a value for each variable of a template."""
    folder = vectors / "sessions"
    if not folder.is_dir():
        pytest.skip("no public sessions among the vectors")
    wrong = []
    for row in json.loads((folder / "manifest.json").read_text())["sessions"]:
        words = ["session", "check", str(folder / row["file"])]
        for name, value in row.get("vars", {}).items():
            words += ["-e", f"{name}={value}"]
        result = CliRunner().invoke(scone, words)
        said = bool(row.get("says")) and re.search(row["says"], result.stderr, re.IGNORECASE)
        if not EXPECTED[row["expect"]](result.exit_code, said):
            wrong.append((row["id"], row["expect"], result.exit_code, result.stderr[-300:]))
    assert not wrong
