"""What a first run elsewhere reads: tools for Binder and containers, citation, licences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import casnb

ROOT = Path(__file__).resolve().parents[1]


def test_tools_are_named_once():
    """What Binder and the container install is what the README wants for the lessons, and what
    the checks on a new machine install.
    """
    tools = (ROOT / "apt.txt").read_text().split()
    readme, checks = (ROOT / "README.md").read_text(), (ROOT / ".ci/run").read_text()
    assert tools == ["curl", "jq", "openssl"]
    for tool in tools:
        assert f"`{tool}`" in readme and tool in checks
    assert (
        "apt.txt"
        in json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())["onCreateCommand"]
    )


@pytest.mark.scripts
@pytest.mark.skipif(sys.platform == "win32", reason="Binder's script is for bash")
def test_binder_opens_the_start_page(tmp_path):
    """The script that Binder runs writes a configuration whose page is a notebook of ours."""
    subprocess.run(
        ["bash", ROOT / "postBuild"], check=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    text = (tmp_path / ".jupyter/jupyter_server_config.py").read_text()
    page = text.split('"/lab/tree/')[1].split('"')[0]
    assert (ROOT / page).is_file()
    assert os.access(ROOT / "postBuild", os.X_OK)


def test_citation_is_of_this_version():
    """The citation names the version of the package and the licence of its code."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (found["version"], found["license"]) == (casnb.__version__, "Apache-2.0")
    assert found["cff-version"] == "1.2.0" and found["authors"] and found["title"] == "casnb"


def test_every_text_has_a_licence():
    """README and site name both licences, and the file that tells them apart is shipped."""
    text = (ROOT / "LICENSE-TEXTS.md").read_text()
    assert "CC-BY-4.0" in text and "Apache-2.0" in text
    assert "LICENSE-TEXTS.md" in (ROOT / "README.md").read_text()
    assert "LICENSE-TEXTS.md" in (ROOT / "pyproject.toml").read_text()
