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
    """environment.yml names the same packages with the same ranges as pyproject.toml, and the same
    programs as apt.txt.
    """
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
    programs = set((ROOT / "apt.txt").read_text().split())
    assert set(conda) - {"python", "pip"} == set(wanted) | programs
    assert {n: SpecifierSet(v) for n, v in conda.items() if n in wanted} == wanted


def test_conda_environment_names_one_exact_python_that_we_support():
    """Binder understands only an exact minor version."""
    python = next(row for row in conda_dependencies() if row.startswith("python="))
    assert re.fullmatch(r"python=3\.\d+", python)
    assert python.removeprefix("python=") + ".0" in SpecifierSet(PROJECT["requires-python"])
    assert "nodefaults" in yaml.safe_load((ROOT / "environment.yml").read_text())["channels"]


def test_versions_agree():
    """The version stands in the package; change log and README speak of the same one."""
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    assert f"## [{casnb.__version__}] - 20" in (ROOT / "CHANGELOG.md").read_text()
    wheels = set(re.findall(r"casnb-([\d.]+)-py3-none-any\.whl", (ROOT / "README.md").read_text()))
    assert wheels == {casnb.__version__}


def test_every_runtime_dependency_has_both_bounds():
    """No dependency is left to chance."""
    for line in PROJECT["dependencies"]:
        bounds = {s.operator for s in Requirement(line).specifier}
        assert bounds == {">=", "<"}, line


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


def test_the_lock_pins_every_dependency_by_hash():
    """One version with a hash for each package of pyproject.toml and of what builds it, within its
    range, and no package index is named.
    """
    text = (ROOT / "requirements.lock").read_text()
    rows = [
        Requirement(row.split(" --hash")[0])
        for row in text.replace("\\\n", "").split("\n")
        if row and row.lstrip() == row and not row.startswith("#")
    ]
    assert "://" not in text and "--index" not in text and text.count("==") >= len(rows)
    pinned: dict[str, list[str]] = {}
    for row in rows:
        (version,) = row.specifier
        assert version.operator == "==", row
        pinned.setdefault(row.name.lower(), []).append(version.version)
    for block in re.split(r"\n(?=[a-z0-9])", text.partition("\n#    make lock\n")[2]):
        assert "--hash=sha256:" in block, block[:60]
    for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["build"]):
        wanted = Requirement(line)
        assert all(v in wanted.specifier for v in pinned[wanted.name.lower()]), line


def test_only_the_simulated_signers_are_let_past_a_secret_scanner():
    """Every private key in the package is one of those that .gitleaks.toml names, and they are all
    there.
    """
    lists = tomllib.loads((ROOT / ".gitleaks.toml").read_text())["allowlists"]
    paths = [re.compile(p) for p in lists[0]["paths"]]
    key = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\r?\n[A-Za-z0-9+/]{16}")
    folders = ("casnb", "notebooks", "docs", "examples", "benchmarks")
    files = [p for f in folders for p in (ROOT / f).rglob("*") if p.is_file()]
    found = {p.relative_to(ROOT).as_posix() for p in files if key.search(p.read_bytes())}
    assert found == {
        f"casnb/simulator/keys/{n}.pem"
        for n in ("ias_leaf", "ias_root", "owner_signer", "test_signer", "vendor_signer")
    }
    assert all(any(p.search(name) for p in paths) for name in found)
    assert not any(p.search("casnb/simulator/keys/other.pem") for p in paths)


def test_the_hosted_workflow_runs_what_is_run_here():
    """`.ci/run` on every Python that is supported, and markers that exist."""
    found = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    jobs = found["jobs"]
    pythons = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if ":: 3." in c}
    assert set(jobs["linux"]["strategy"]["matrix"]["python"]) == pythons
    assert any(step.get("run") == ".ci/run" for step in jobs["linux"]["steps"])
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"][
        "markers"
    ]
    used = re.findall(r"not (\w+)", jobs["elsewhere"]["steps"][-1]["run"])
    assert used and set(used) <= {m.partition(":")[0] for m in markers}
    assert {o.partition("-")[0] for o in jobs["elsewhere"]["strategy"]["matrix"]["os"]} == {
        "macos",
        "windows",
    }
