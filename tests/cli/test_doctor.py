"""What `casnb doctor` says of the kernel that notebooks run in."""

from __future__ import annotations

import json
import sys

import pytest


@pytest.mark.parametrize("argv, status, saw", [
    pytest.param("python", "ok", sys.executable, id="no path: Jupyter's own Python"),
    pytest.param(sys.executable, "ok", sys.executable, id="this Python"),
    pytest.param("/nowhere/bin/python", "problem", "/nowhere/bin/python", id="another Python"),
])
def test_the_kernel_is_this_python_or_a_problem(casnb, monkeypatch, tmp_path, argv, status, saw):
    """A kernel spec that names another Python would run notebooks without casnb."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    words = {"argv": [argv, "-m", "ipykernel_launcher"], "display_name": "P", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(words))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    found = {f["id"]: f for f in json.loads(casnb("doctor", "--json").stdout)}
    assert (found["kernel"]["status"], found["kernel"]["saw"]) == (status, f"python3 runs {saw}")
