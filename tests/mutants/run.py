"""Draw single changes of the code that decides about trust, and see whether the tests notice.

`make mutants ARGS="--count 300 --seed 1"`: the same seed draws the same sample from the same code.
First the tests are run once with coverage, to learn which of them run which line; `--again` keeps
what was learned. A change is noticed when one of those tests fails or takes far too long.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from coverage.numbits import numbits_to_nums

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from changes import Change, changed, changes  # noqa: E402

#: Where trust is decided.
AREAS = (
    "casnb/evidence",
    "casnb/verify",
    "casnb/policy",
    "casnb/checks",
    "casnb/cas/attest.py",
    "casnb/cas/asking.py",
)
#: Tests that can notice a wrong decision in one process: no whole notebooks, browsers, scripts.
TESTS = ("tests",)
MARKS = "not browser and not notebooks and not scripts and not soak"
#: So many tests are tried first, the quickest of those that run the line; where these see nothing,
#: the others, as long as they took no more than so many seconds in all when coverage was learned.
FIRST, REST_SECONDS = 40, 150.0
#: Seconds after which a run counts as one that does not end.
PATIENCE = 90


def main() -> int:
    """Run the command line: 0 where the share wanted was noticed, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many changes (300)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--least", type=float, default=0.95, help="share to be noticed (0.95)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="keep the coverage of the last call")
    parser.add_argument("--only", default="", help="changes whose path contains this")
    words = parser.parse_args()
    state = ROOT / ".mutants"
    state.mkdir(exist_ok=True)
    if not words.again or not (state / "coverage").is_file():
        learn(state, words.jobs)
    tests, seconds = read(state)
    every = [c for area in AREAS for path in modules(area) for c in changes(path, ROOT)]
    every = [c for c in every if words.only in c.path]
    sample = random.Random(words.seed).sample(every, min(words.count, len(every)))
    print(f"{len(sample)} of {len(every)} single changes, seed {words.seed}", flush=True)
    with ThreadPoolExecutor(words.jobs) as pool:
        found = list(pool.map(lambda c: judge(c, concerning(c, tests), seconds), sample))
    missed = [c for c, noticed in zip(sample, found, strict=True) if not noticed]
    for change in missed:
        print("not noticed:", change)
    share = 1 - len(missed) / len(sample)
    print(f"{len(sample) - len(missed)} of {len(sample)} noticed ({share:.1%})")
    return 0 if share >= words.least else 1


def modules(area: str) -> list[Path]:
    path = ROOT / area
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def learn(state: Path, jobs: int) -> None:
    """Run the tests with coverage, each under its own name, and keep how long each took."""
    settings = state / "coveragerc"
    places = ",".join(a if a.endswith(".py") else f"{a}/*" for a in AREAS)
    settings.write_text(
        f"[run]\ninclude = {places}\ndata_file = {state}/coverage\n", encoding="utf-8"
    )
    words = ["-q", "-n", str(jobs), "-m", MARKS, "--cov=casnb", f"--cov-config={settings}"]
    words += ["--cov-context=test", "--cov-report=", f"--junitxml={state}/times.xml", *TESTS]
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, check=False)


def read(state: Path) -> tuple[dict[tuple[str, int], list[str]], dict[str, float]]:
    """Return the tests that run each line, and the seconds of each test."""
    seconds: dict[str, float] = {}
    base = sqlite3.connect(state / "coverage")
    tests: dict[tuple[str, int], list[str]] = {}
    rows = base.execute(
        "select f.path, c.context, l.numbits from line_bits l join file f on f.id = l.file_id"
        " join context c on c.id = l.context_id where c.context != ''"
    )
    for path, context, bits in rows:
        name = context.rpartition("|")[0]
        for line in numbits_to_nums(bits):
            tests.setdefault((Path(path).relative_to(ROOT).as_posix(), line), []).append(name)
    base.close()
    for case in ElementTree.parse(state / "times.xml").iter("testcase"):
        key = f"{case.get('classname')}::{case.get('name')}"
        seconds[key] = float(case.get("time") or 0)
    return {where: sorted(set(names)) for where, names in tests.items()}, seconds


def _seconds(test: str, seconds: dict[str, float]) -> float:
    path, _, rest = test.partition("::")
    *classes, name = rest.split("::")
    dotted = ".".join([path.removesuffix(".py").replace("/", "."), *classes])
    return seconds.get(f"{dotted}::{name}", 1.0)


def concerning(change: Change, tests: Mapping[tuple[str, int], list[str]]) -> list[str]:
    """Return the tests that run the line of a change; for a line that is run when the module is
    loaded, or that coverage counts to the one before it, those of the nearest line above, or else
    all that run anything of the module.
    """
    lines = sorted(line for path, line in tests if path == change.path)
    above = [line for line in lines if change.line - 12 <= line <= change.line]
    if not change.at_load and above:
        return tests[change.path, above[-1]]
    return sorted({name for line in lines for name in tests[change.path, line]})


def judge(change: Change, tests: list[str], seconds: Mapping[str, float]) -> bool:
    """Whether any of these tests fails with the change made, in a copy of the checkout."""
    quick = sorted(tests, key=lambda t: _seconds(t, seconds))
    rest, spent = [], 0.0
    for test in quick[FIRST:]:
        spent += _seconds(test, seconds)
        if spent > REST_SECONDS:
            break
        rest.append(test)
    with tempfile.TemporaryDirectory(prefix="casnb-mutant-") as scratch:
        copy = Path(scratch)
        for folder in ("casnb", "tests", "docs", "notebooks", "examples"):
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / folder, copy / folder, ignore=skipped)
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, copy / path.name)
        text = changed(ROOT / change.path, change.number)
        (copy / change.path).write_text(text, encoding="utf-8")
        return fails(quick[:FIRST], copy) or bool(rest and fails(rest, copy))


def fails(tests: list[str], folder: Path) -> bool:
    """Whether one of the tests fails, or they do not end."""
    names = folder / "names.txt"
    names.write_text("\n".join(tests), encoding="utf-8")
    vectors = os.environ.get("CASNB_VECTORS", str(ROOT.parent / "shared" / "vectors"))
    own = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CASNB_VECTORS": vectors}
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", f"@{names}"]
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=folder,
            env={**os.environ, **own},
            capture_output=True,
            timeout=PATIENCE + 2 * len(tests),
        )
    except subprocess.TimeoutExpired:
        return True
    return run.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
