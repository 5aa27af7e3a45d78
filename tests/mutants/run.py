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
    with log.open("a", encoding="utf-8") as out:
        for one in judged(
            [c for c in sample if c.key not in known], learned(ROOT, state), words.jobs
        ):
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


def judged(sample: list[Change], concern: Concern, jobs: int) -> Iterator[Found]:
    """Yield what was found for each change, as it comes, by so many copies side by side."""
    out: queue.Queue[Found | None] = queue.Queue()
    todo: queue.Queue[Change] = queue.Queue()
    for change in sample:
        todo.put(change)

    def work() -> None:
        with bed() as ask:
            while True:
                try:
                    change = todo.get_nowait()
                except queue.Empty:
                    return
                out.put(judge(change, concern, ask))

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


class Ask:
    """A copy of the checkout and the process that runs tests in it."""

    def __init__(self, copy: Path, process: subprocess.Popen[str]) -> None:
        self.copy, self.process = copy, process
        #: Whether a test passes with nothing changed, as far as it was asked.
        self.passes: dict[str, bool] = {}

    def failing(self, tests: list[str], seconds: float) -> str:
        """Return the name of the first test that fails, "it does not end", or ""."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"tests": tests, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["failed"]:
            return str(answer["failed"])
        if answer["code"] < 0:
            return "it does not end"
        return "" if answer["code"] in (0, 5) else f"pytest ended with {answer['code']}"

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
def bed() -> Iterator[Ask]:
    """Yield a copy of what git knows or would add, compiled, with a process beside it."""
    with tempfile.TemporaryDirectory(prefix="casnb-mutants-") as scratch:
        copy = Path(scratch).resolve() / "checkout"
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        vectors = os.environ.get("CASNB_VECTORS", str(ROOT.parent / "shared" / "vectors"))
        own = {"PYTHONPATH": str(copy), "CASNB_VECTORS": vectors}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = {**os.environ, **own}
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", "casnb"], cwd=copy, env=env, check=True
        )
        # pytest compiles the tests by itself, when it first collects them.
        collect = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
        subprocess.run([*collect, "tests"], cwd=copy, env=env, check=True, **quiet)
        process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), str(copy)],
            env={**env, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Ask(copy, process)
        finally:
            process.kill()
            process.wait()


def judge(change: Change, concern: Concern, ask: Ask) -> Found:
    """Return whether any test that concerns a change fails with it, though not without it."""
    started = time.monotonic()
    tests, broken = concern.tests(change), set[str]()
    first, rest = tests[:FIRST], list[str]()
    spent = 0.0
    for test in tests[FIRST:]:
        spent += concern.seconds[test]
        if spent > REST_SECONDS:
            break
        rest.append(test)
    by = ""
    for part in (first, rest):
        while (left := [t for t in part if t not in broken]) and not by:
            seconds = sum(concern.seconds[t] for t in left)
            with ask.made(change):
                by = ask.failing(left, seconds)
            if by in concern.seconds and not passes(by, concern, ask):
                broken.add(by)
                by = ""
                continue
            break
        if by:
            break
    return Found(*change.key, change.line, by, round(time.monotonic() - started, 1))


def passes(test: str, concern: Concern, ask: Ask) -> bool:
    """Whether a test passes in the copy as it is; asked once."""
    if test not in ask.passes:
        ask.passes[test] = not ask.failing([test], concern.seconds[test])
    return ask.passes[test]


if __name__ == "__main__":
    sys.exit(main())
