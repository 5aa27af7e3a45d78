"""What a newcomer relies on before the first cell runs: names, versions, the wheel, the two
commands.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import casnb

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip(
        "tomli", reason="reading pyproject.toml needs Python 3.11 or tomli"
    )

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def conda_dependencies() -> list[str]:
    rows = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return [row for row in rows if isinstance(row, str)]


def test_conda_environment_equals_the_package_metadata():
    """environment.yml names the same packages with the same ranges as pyproject.toml."""
    rattler = pytest.importorskip("rattler", reason="py-rattler reads conda's version language")
    conda = {}
    for row in conda_dependencies():
        spec = rattler.MatchSpec(row)
        name = getattr(spec.name, "normalized", None) or str(spec.name)
        conda[name] = str(spec.version or "")
    wanted = {
        Requirement(line).name.lower(): Requirement(line).specifier
        for line in PROJECT["dependencies"]
    }
    assert set(conda) - {"python", "pip"} == set(wanted)
    assert {n: SpecifierSet(v) for n, v in conda.items() if n in wanted} == wanted


def test_conda_environment_names_one_exact_python_that_we_support():
    """Binder understands only an exact minor version."""
    python = next(row for row in conda_dependencies() if row.startswith("python="))
    assert re.fullmatch(r"python=3\.\d+", python)
    assert python.removeprefix("python=") + ".0" in SpecifierSet(PROJECT["requires-python"])
    assert "nodefaults" in yaml.safe_load((ROOT / "environment.yml").read_text())["channels"]


def test_versions_agree():
    """Package, metadata and change log speak of the same version."""
    assert casnb.__version__ == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_runtime_dependency_has_an_upper_or_lower_bound():
    """No dependency is left to chance."""
    for line in PROJECT["dependencies"]:
        assert Requirement(line).specifier, line


def test_readme_commands_exist_in_the_makefile():
    """Each `make` word in README and CONTRIBUTING is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for name in ("README.md", "CONTRIBUTING.md"):
        for word in re.findall(r"`make ([a-z]+)", (ROOT / name).read_text()):
            assert word in targets, f"{name} names make {word}"


def test_public_names_load_and_are_documented():
    """Every name of `casnb.__all__` can be imported and its docstring starts with a sentence."""
    for name in casnb.__all__:
        doc = getattr(casnb, name).__doc__
        assert doc and doc.strip().splitlines()[0], name
    assert casnb.__all__ == sorted(casnb.__all__)


def test_importing_casnb_loads_nothing_heavy():
    """The bare import opens no socket library, no widgets and no cryptography."""
    heavy = {"ipywidgets", "cryptography", "requests", "bs4", "flask", "socket", "rich"}
    code = f"import sys, casnb; sys.exit(', '.join(sorted({heavy} & set(sys.modules))) or 0)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.scripts
def test_built_wheel_carries_the_notebooks_and_nothing_foreign(tmp_path):
    """What a reader installs has the notebooks, the pinned roots and the licence, and no tests."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {Path(n).name for n in names if n.startswith("casnb/_notebooks/")}
    assert {p.name for p in (ROOT / "notebooks").glob("*.ipynb")} <= shipped
    assert any(n.startswith("casnb/verify/roots/") and n.endswith(".pem") for n in names)
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert {"casnb/teach/explorer/bytes.js", "casnb/teach/explorer/bytes.css"} <= set(names)
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/")) or "shared" in n]
