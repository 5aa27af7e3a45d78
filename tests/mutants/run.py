"""Draw single changes of the code that decides about trust, and see whether the tests notice.

`make mutants ARGS="--count 300 --seed 1"`: the same seed draws the same sample from the same code,
and nearly the same from code that was edited a little. First the tests are run once with coverage,
to learn which of them run which line; `--again` keeps what was learned. A change is noticed when
one of those tests fails or takes far too long. It is made in a copy: the checkout stays as it is.

What was found stands in `.mutants/found.jsonl`, one change a line, as it comes; `--keep` asks again
about those alone that were not noticed. A change that no test can notice, because nothing that can
be observed depends on it, is explained in `explained.toml`. The call fails where less than the
share wanted was noticed, where one went by that is not explained, or where one that is explained
was noticed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from changes import Change, changed, changes  # noqa: E402
from concern import Concern, learn, learned  # noqa: E402
from explained import explained  # noqa: E402
from worker import ANEW  # noqa: E402

#: Where trust is decided.
AREAS = (
    "casnb/evidence",
    "casnb/verify",
    "casnb/policy",
    "casnb/checks",
    "casnb/cas/attest.py",
    "casnb/cas/asking.py",
)
#: Tests of these rooms, and of what they decide together: those that are about lessons, classes,
#: servers and documents find out later and by chance.
TESTS = (
    "tests/evidence",
    "tests/verify",
    "tests/cas",
    "tests/fuzz",
    "tests/cli/test_cli_evidence.py",
    "tests/cli/test_explain.py",
    "tests/cli/test_flags.py",
    "tests/cli/test_json.py",
    "tests/cli/test_pin.py",
    "tests/simulator/test_intel.py",
    "tests/simulator/test_world_judged.py",
    "tests/test_advisories.py",
    "tests/test_checks.py",
    "tests/test_crosswalk.py",
    "tests/test_explain.py",
    "tests/test_faults.py",
    "tests/test_flags.py",
    "tests/test_freshness.py",
    "tests/test_house.py",
    "tests/test_matrix.py",
    "tests/test_minimal.py",
    "tests/test_oracle.py",
    "tests/test_pasted.py",
    "tests/test_platform_settings.py",
    "tests/test_policy.py",
    "tests/test_revocation.py",
    "tests/test_shown.py",
    "tests/test_untrusted_text.py",
    "tests/test_vectors.py",
)
#: Of them, those that can notice a wrong decision in one process.
MARKS = "not browser and not notebooks and not scripts and not soak"
#: So many tests are asked first; where these see nothing, the others, as long as they took no more
#: than so many seconds in all when coverage was learned.
FIRST, REST_SECONDS = 60, 120.0


def main() -> int:
    """Run the command line: 0 where what went by is little and explained, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many changes (300)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--least", type=float, default=0.95, help="share to be noticed (0.95)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="keep the coverage of the last call")
    parser.add_argument(
        "--keep", action="store_true", help="keep what was noticed in the last call"
    )
    parser.add_argument("--only", default="", help="changes whose path contains this")
    parser.add_argument("--marks", default=MARKS, help=f"which tests, as pytest -m ({MARKS})")
    words = parser.parse_args()
    state = ROOT / ".mutants"
    state.mkdir(exist_ok=True)
    if not words.again or not (state / "coverage").is_file():
        learn(ROOT, state, AREAS, [*TESTS, "-m", words.marks], words.jobs)
    sample = drawn(words.count, words.seed, words.only)
    log = state / "found.jsonl"
    known = {f.key: f for f in kept(log) if f.noticed} if words.keep else {}
    log.write_text("".join(f.line() for f in known.values()), encoding="utf-8")
    found = [known[c.key] for c in sample if c.key in known]
    asked = [c for c in sample if c.key not in known]
    with log.open("a", encoding="utf-8") as out:
        for one in judged(asked, learned(ROOT, state), words.jobs, words.marks):
            found.append(one)
            out.write(one.line())
            out.flush()
            print(one, flush=True)
    return told(found, words.least)


@dataclass(frozen=True)
class Found:
    """A change, the test that noticed it ("" where none did), and the seconds it took."""

    path: str
    where: str
    text: str
    what: str
    nth: int
    at: int
    by: str
    seconds: float

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return self.path, self.where, self.text, self.what, self.nth

    @property
    def noticed(self) -> bool:
        return bool(self.by)

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    def __str__(self) -> str:
        end = f"noticed by {self.by}" if self.by else "NOT NOTICED"
        return f"{self.path}:{self.at}: {self.what}: {self.text}: {end} ({self.seconds:.0f} s)"


def kept(log: Path) -> list[Found]:
    """Return what an earlier call found."""
    if not log.is_file():
        return []
    return [Found(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]


def every() -> list[Change]:
    """Return every single change there is."""
    return [c for area in AREAS for path in modules(area) for c in changes(path, ROOT)]


def drawn(count: int, seed: int, only: str = "") -> list[Change]:
    """Return the sample of a seed."""
    known = every()
    there = sorted((c for c in known if only in c.path), key=lambda c: c.drawn(seed))
    print(f"{min(count, len(there))} of {len(known)} single changes, seed {seed}", flush=True)
    return there[:count]


def modules(area: str) -> list[Path]:
    path = ROOT / area
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def told(found: list[Found], least: float) -> int:
    """Print what went by and what is explained; return the code to leave with."""
    reasons = {row.key: row.why for row in explained()}
    missed = [f for f in found if not f.noticed]
    open_ = [f for f in missed if f.key not in reasons]
    stale = [f for f in found if f.noticed and f.key in reasons]
    for one in missed:
        print("went by:", one, "--", reasons.get(one.key, "NOT EXPLAINED"))
    for one in stale:
        print("explained, and noticed all the same; delete the row:", one)
    share = 1 - len(missed) / len(found) if found else 0.0
    print(f"{len(found) - len(missed)} of {len(found)} noticed ({share:.1%}), ", end="")
    print(f"{len(missed) - len(open_)} explained, {len(open_)} not")
    return 0 if share >= least and not open_ and not stale else 1


def judged(sample: list[Change], concern: Concern, jobs: int, marks: str) -> Iterator[Found]:
    """Yield what was found for each change, as it comes, by so many copies side by side."""
    out: queue.Queue[Found | None] = queue.Queue()
    todo: queue.Queue[Change] = queue.Queue()
    for change in sample:
        todo.put(change)

    def work() -> None:
        with bed((*TESTS, "-m", marks)) as made:
            while True:
                try:
                    change = todo.get_nowait()
                except queue.Empty:
                    return
                out.put(judge(change, concern, made))

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work) for _ in range(jobs)]
        threading.Thread(target=lambda: (_all(futures), out.put(None)), daemon=True).start()
        while (one := out.get()) is not None:
            yield one
        for future in futures:
            future.result()


def _all(futures: list) -> None:  # type: ignore[type-arg]
    for future in futures:
        future.exception()


class Worker:
    """A process that answers whether tests fail; see `worker.py`."""

    def __init__(self, copy: Path, env: dict[str, str], tests: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), str(copy), *tests],
            env={**env, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def failing(self, tests: list[str], seconds: float, change: Change | None = None) -> str | None:
        """Return the name of the first test that fails, "it does not end", or ""; None where the
        change cannot be made in memory.
        """
        assert self.process.stdin and self.process.stdout
        place = [change.path, change.number] if change else None
        asked = {"tests": tests, "seconds": seconds, "change": place}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["failed"]:
            return str(answer["failed"])
        if answer["code"] == ANEW:
            return None
        if answer["code"] < 0:
            return "it does not end"
        return "" if answer["code"] in (0, 5) else f"pytest ended with {answer['code']}"


class Bed:
    """A copy of the checkout, and two workers that run tests in it: one that is loaded, quick, and
    one that loads what was changed, which decides.
    """

    def __init__(self, copy: Path, env: dict[str, str], tests: tuple[str, ...]) -> None:
        self.copy, self.anew, self.loaded = copy, Worker(copy, env), Worker(copy, env, tests)
        self.passes: dict[str, bool] = {}

    def failing(self, change: Change, tests: list[str], seconds: float, anew: bool) -> str | None:
        """Return the first of these tests that fails with the change made, "" for none, None where
        it cannot be made in the memory of the worker that is loaded.
        """
        if not anew:
            return self.loaded.failing(tests, seconds, change)
        with self.made(change):
            return self.anew.failing(tests, seconds)

    def passing(self, test: str, seconds: float) -> bool:
        """Whether a test passes in the copy as it is; asked once."""
        if test not in self.passes:
            self.passes[test] = not self.loaded.failing([test], seconds)
        return self.passes[test]

    @contextlib.contextmanager
    def made(self, change: Change) -> Iterator[None]:
        """Make a change in the copy and take it back; what was compiled stays good."""
        path = self.copy / change.path
        before, when = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(changed(path, change.number), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")
            os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))


@contextlib.contextmanager
def bed(tests: tuple[str, ...]) -> Iterator[Bed]:
    """Yield a copy of what git knows or would add, compiled, with its workers."""
    with tempfile.TemporaryDirectory(prefix="casnb-mutants-") as scratch:
        copy = Path(scratch).resolve() / "checkout"
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        vectors = os.environ.get("CASNB_VECTORS", str(ROOT.parent / "shared" / "vectors"))
        env = {**os.environ, "PYTHONPATH": str(copy), "CASNB_VECTORS": vectors}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        package = [sys.executable, "-m", "compileall", "-q", "casnb"]
        subprocess.run(package, cwd=copy, env=env, check=True)
        # pytest compiles the tests by itself, when it first collects them.
        collect = [sys.executable, "-m", "pytest", "--collect-only", "-qq", *tests]
        subprocess.run(collect, cwd=copy, env=env, check=True, stdout=subprocess.DEVNULL)
        made = Bed(copy, env, tests)
        try:
            yield made
        finally:
            for worker in (made.anew, made.loaded):
                worker.process.kill()
                worker.process.wait()


def judge(change: Change, concern: Concern, bed: Bed) -> Found:
    """Return whether any test that concerns a change fails with it, though not without it."""
    started = time.monotonic()
    tests, by, broken = concern.tests(change), "", set[str]()
    rest, spent = list[str](), 0.0
    for test in tests[FIRST:]:
        spent += concern.seconds[test]
        if spent > REST_SECONDS:
            break
        rest.append(test)
    # What was made when the code was loaded, and what was kept since, is as it was before: so
    # nothing counts as not noticed until it was loaded with the change.
    ways = [True] if change.at_load else [False, True]
    for anew, part in ((a, p) for a in ways for p in (tests[:FIRST], rest)):
        while not by and (left := [t for t in together(part) if t not in broken]):
            by = bed.failing(change, left, sum(concern.seconds[t] for t in left), anew) or ""
            if by not in concern.seconds or bed.passing(by, concern.seconds[by]):
                break
            broken.add(by)
            by = ""
    return Found(*change.key, change.line, by, round(time.monotonic() - started, 1))


def together(tests: list[str]) -> list[str]:
    """Return the tests file by file, the file of the first one first: what a file's tests share is
    made once.
    """
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    return sorted(tests, key=lambda test: files.index(test.partition("::")[0]))


if __name__ == "__main__":
    sys.exit(main())
