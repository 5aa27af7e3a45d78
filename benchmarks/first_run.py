"""How long from a fresh checkout to the first open notebook? Each run has a folder and a home of
its own, both empty, and so cold caches; packages come from where this machine gets them.

    python benchmarks/first_run.py [--runs 3] [--ways uv,pip] [--keep] [--json]

`installed` is `make .venv/.lab`, `address` is when `casnb lab` says where it is, `notebook` is when
Chromium shows 00 with its kernel idle. Megabytes are those of folder and home together.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WAYS = {
    "uv": ([], {}),
    "uv-compiled": ([], {"UV_COMPILE_BYTECODE": "1"}),
    "pip": (["INSTALLER=pip"], {}),
}


def checkout(folder: Path) -> None:
    """Put what git would put into a clone there, with what is not committed yet."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def megabytes(*folders: Path) -> int:
    """Return what the folders take on the disk, a file with two names once."""
    seen: dict[tuple[int, int], int] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            stat = path.lstat()
            seen[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
    return sum(seen.values()) >> 20


def opened(address: str) -> None:
    """Open the notebook and wait until its kernel is idle."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(address)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
            timeout=120_000
        )
        browser.close()


def once(way: str, keep: bool) -> dict[str, float]:
    """Measure one first run."""
    words, more = WAYS[way]
    base = Path(tempfile.mkdtemp(prefix="casnb-first-run-"))
    folder, home = base / "casnb", base / "home"
    folder.mkdir()
    home.mkdir()
    checkout(folder)
    dropped = ("XDG_", "UV_", "JUPYTER_", "IPYTHON", "VIRTUAL_ENV", "PYTHON", "MAKE")
    env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    env |= {"HOME": str(home), **more}
    out: dict[str, float] = {}
    start = time.monotonic()
    subprocess.run(["make", *words, ".venv/.lab"], cwd=folder, env=env, check=True)
    out["installed"] = time.monotonic() - start
    out["megabytes"] = megabytes(folder, home)
    start = time.monotonic()
    lab = subprocess.Popen(
        ["make", *words, "lab", "ARGS=--no-browser"],
        cwd=folder,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert lab.stderr is not None
        for line in lab.stderr:
            if "token=" in line:
                out["address"] = out["installed"] + time.monotonic() - start
                opened(line.strip())
                out["notebook"] = out["installed"] + time.monotonic() - start
                break
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        lab.wait(30)
    if not keep:
        shutil.rmtree(base)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", default="uv,pip", help=", ".join(WAYS))
    parser.add_argument("--keep", action="store_true", help="leave folders and homes behind")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways.split(",")}
    for _ in range(options.runs):
        for way in found:
            found[way].append(once(way, options.keep))
            print(way, {k: round(v, 1) for k, v in found[way][-1].items()}, file=sys.stderr)
    if options.json:
        print(json.dumps(found))
        return
    for way, rows in found.items():
        medians = {k: statistics.median(r[k] for r in rows) for k in rows[0]}
        print(f"{way:<12}" + "  ".join(f"{k} {v:.1f}" for k, v in medians.items()))


if __name__ == "__main__":
    main()
