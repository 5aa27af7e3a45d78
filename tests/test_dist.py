"""What is published: the same bytes from one commit, wherever it is built, and nothing missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import casnb

ROOT = Path(__file__).resolve().parent.parent


def _git(*words: object) -> str:
    return subprocess.run(
        ["git", *map(str, words)], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def builds(tmp_path_factory) -> list[Path]:
    """Two builds of one commit: in two folders, under two umasks, time zones and languages, one of
    them beside files that are not committed.
    """
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    words = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    if not shutil.which("git") or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("only a git checkout says what is committed")
    base = tmp_path_factory.mktemp("releases")
    out = []
    for name, umask, more in (
        ("a", 0o022, {"TZ": "UTC", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}),
        ("b/deeper", 0o077, {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}),
    ):
        folder = base / name
        before = os.umask(umask)
        try:
            _git("clone", "-q", ROOT, folder)
            if name != "a":
                (folder / "casnb" / "mine.py").write_text("mine = True\n")
                (folder / "README.md").write_text("changed, not committed\n")
            done = subprocess.run(
                [sys.executable, folder / "tools" / "dist.py", "--no-sbom"],
                env={**os.environ, **more},
                cwd=base,
                capture_output=True,
                text=True,
                timeout=300,
            )
        finally:
            os.umask(before)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("not committed" in done.stdout) is (name != "a")
        out.append(folder / "dist")
    return out


@pytest.mark.soak
@pytest.mark.scripts
class TestRelease:
    """`make dist`."""

    def test_two_builds_are_the_same_bytes(self, builds):
        """Folder, umask, time zone, language and uncommitted files leave no trace."""
        first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in builds)
        assert first.keys() == second.keys()
        assert [name for name in first if first[name] != second[name]] == []
        assert set(first) == {
            f"casnb-{casnb.__version__}-py3-none-any.whl",
            f"casnb-{casnb.__version__}.tar.gz",
            "requirements.lock",
            "SHA256SUMS",
        }

    def test_the_sums_are_right(self, builds):
        """Every file but the list itself is in the list, with its SHA-256."""
        rows = dict(
            reversed(line.split("  "))
            for line in (builds[0] / "SHA256SUMS").read_text().splitlines()
        )
        files = {p.name: p for p in builds[0].iterdir() if p.name != "SHA256SUMS"}
        assert rows == {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files.items()}

    def test_the_sdist_is_what_is_committed(self, builds):
        """Every committed file and the metadata, nothing else; plain modes, one time, no owner."""
        (sdist,) = builds[0].glob("*.tar.gz")
        with tarfile.open(sdist) as tar:
            members = tar.getmembers()
        committed = set(_git("-C", ROOT, "ls-tree", "-r", "--name-only", "-z", "HEAD").split("\0"))
        names = {m.name.partition("/")[2] for m in members}
        assert names == (committed - {""}) | {"PKG-INFO"}
        assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
        assert {m.mode for m in members} <= {0o644, 0o755} and len({m.mtime for m in members}) == 1

    def test_the_wheel_is_whole(self, builds):
        """Package data, notebooks and licences; no test, no cache, nothing beside the package."""
        (wheel,) = builds[0].glob("*.whl")
        names = set(zipfile.ZipFile(wheel).namelist())
        committed = set(_git("-C", ROOT, "ls-tree", "-r", "--name-only", "HEAD").splitlines())
        info = f"casnb-{casnb.__version__}.dist-info/"
        wanted = {n for n in committed if n.startswith("casnb/")}
        wanted |= {f"casnb/_{n}" for n in committed if n.startswith("notebooks/")}
        assert {n for n in names if not n.startswith(info)} == wanted
        assert {f"{info}licenses/LICENSE", f"{info}licenses/LICENSE-TEXTS.md"} <= names
