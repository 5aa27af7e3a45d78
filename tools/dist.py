"""Build what is published, out of what is committed: wheel and sdist, what is installed with them
as a lock and as an SBOM, and the SHA-256 of each. Two builds of one commit are the same bytes.

    python tools/dist.py [--out dist] [--no-sbom]

`make dist` calls it. Only files of the commit count, with its time as the time of every file; the
wheel is built out of the sdist, which is thereby shown to be whole. `CASNB_README_BASE` is the
address below which a package index finds the files that README links to.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
SBOM = "casnb.cdx.json"
SUMS = "SHA256SUMS"


def git(*words: str) -> bytes:
    """Return what git says about this checkout."""
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout


def build(source: Path, kind: str, out: Path, env: dict[str, str]) -> Path:
    """Build the wheel or the sdist of a folder, and return the file."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    done = subprocess.run(words, cwd=source, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{kind}: hatchling could not build it.\n{done.stderr}")
    (made,) = out.glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[kind])
    return made


def sbom(source: Path, version: str, out: Path) -> None:
    """Write what is installed to run casnb (CycloneDX), without times and serial numbers."""
    words = ["requirements", LOCK, "--pyproject", "pyproject.toml", "--output-reproducible"]
    made = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", *words, "--output-file", "-"],
        cwd=source,
        check=True,
        capture_output=True,
    ).stdout
    found = json.loads(made)
    # The version stands in the package, where cyclonedx-py does not look.
    found["metadata"]["component"]["version"] = version
    out.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """Build into a folder, in which nothing else is left of an earlier build."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--no-sbom", action="store_true", help="go without the extra `release`")
    options = parser.parse_args(words)
    out = options.out.resolve()
    try:
        commit = git("rev-parse", "HEAD").decode().strip()
        when = git("log", "-1", "--format=%ct").decode().strip()
        changed = git("status", "--porcelain").decode().splitlines()
        archive = git("archive", "--format=tar", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        print("make dist: got no git checkout, wanted one. Clone the project and build there.")
        return 2
    if changed:
        print(f"{len(changed)} files are not committed as they are here; they do not count.")
    env = {**os.environ, "SOURCE_DATE_EPOCH": when}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        # An archive of our own git, in a folder of our own.
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(scratch / "commit", filter="data")
        made = scratch / "made"
        sdist = build(scratch / "commit", "sdist", made, env)
        with tarfile.open(sdist) as tar:
            tar.extractall(scratch / "sdist", filter="data")
        (source,) = (scratch / "sdist").iterdir()
        wheel = build(source, "wheel", made, env)
        shutil.copyfile(source / LOCK, made / LOCK)
        if not options.no_sbom:
            sbom(source, wheel.name.split("-")[1], made / SBOM)
        files = sorted(made.iterdir())
        sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in files]
        (made / SUMS).write_text("".join(sums), encoding="utf-8")
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("casnb-*"):
            old.unlink()
        for file in made.iterdir():
            shutil.copyfile(file, out / file.name)
    print(f"{out}, of commit {commit[:12]}:\n" + "".join(sums), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
