"""Which tests concern a line: those that ran it when the tests were run once with coverage."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from changes import Change
from coverage.numbits import numbits_to_nums

#: Tests of the shape of the code: they run nothing of it and see what is written once.
SHAPE = ("tests/test_house.py",)
#: Lines above a change where a statement may begin that coverage counts by its first line.
NEAR = 12


@dataclass(frozen=True)
class Concern:
    """What was learned: the tests by line of a file, those of a whole file of tests whose common
    fixture ran it, and the seconds of each test that passed.
    """

    direct: dict[tuple[str, int], set[str]]
    shared: dict[tuple[str, int], set[str]]
    seconds: dict[str, float]
    root: Path

    def tests(self, change: Change) -> list[str]:
        """Return the tests that concern a change, in the order in which to ask them.

        One of each test function before the second of any, for these say the same again; those of
        a file that names the module before others; the quick ones first.
        """
        lines = sorted({n for path, n in {*self.direct, *self.shared} if path == change.path})
        above = [n for n in lines if change.line - NEAR <= n <= change.line]
        concerned = lines if change.at_load or not above else above[-1:]
        where = [(change.path, n) for n in concerned]
        direct = {t for w in where for t in self.direct.get(w, ())}
        shared = {t for w in where for t in self.shared.get(w, ())} - direct
        naming = {t for t in {*direct, *shared} if self._names(t, change.path)}
        if change.at_load:
            shape = {t for t in self.seconds if t.startswith((*SHAPE, *self._files(change.path)))}
            direct, naming = direct | shape, naming | shape
        turn, order = Counter[str](), []
        quick = sorted({*direct, *shared} & self.seconds.keys(), key=lambda t: self.seconds[t])
        for test in sorted(quick, key=lambda t: (t in shared, t not in naming)):
            function = test.partition("[")[0]
            order.append(((turn[function], test in shared, test not in naming), test))
            turn[function] += 1
        return [test for _, test in sorted(order, key=lambda row: row[0])]

    def _files(self, path: str) -> list[str]:
        files = {t.partition("::")[0] for t in self.seconds}
        return [f for f in files if self._names(f, path)]

    def _names(self, test: str, path: str) -> bool:
        return self._module(path) in self._source(test.partition("::")[0])

    def _module(self, path: str) -> str:
        return path.removesuffix(".py").replace("/", ".")

    def _source(self, file: str) -> frozenset[str]:
        if file not in _SOURCES:
            text = (self.root / file).read_text(encoding="utf-8")
            named = set(re.findall(r"\bcasnb(?:\.\w+)+", text))
            for package, names in re.findall(
                r"from (casnb[\w.]*) import ([^\n(]+|\([^)]*\))", text
            ):
                named |= {f"{package}.{name}" for name in re.findall(r"\w+", names)}
            _SOURCES[file] = frozenset(named)
        return _SOURCES[file]


_SOURCES: dict[str, frozenset[str]] = {}


def learn(root: Path, state: Path, areas: tuple[str, ...], tests: list[str], jobs: int) -> None:
    """Run the tests with coverage, each under its own name, and keep how long each took."""
    settings = state / "coveragerc"
    places = ",".join(str(root / (a if a.endswith(".py") else f"{a}/*")) for a in areas)
    settings.write_text(
        f"[run]\ninclude = {places}\ndata_file = {state}/coverage\n", encoding="utf-8"
    )
    words = ["-q", "-n", str(jobs), "--dist", "worksteal", *tests, "--cov"]
    words += [f"--cov-config={settings}", "--cov-context=test", "--cov-report="]
    words += [f"--junitxml={state}/times.xml"]
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=root, check=False)


def learned(root: Path, state: Path) -> Concern:
    """Return what the last `learn` left; tests that failed or were skipped concern nothing."""
    seconds = _seconds(state / "times.xml")
    by_file = defaultdict(set)
    for test in seconds:
        by_file[test.partition("::")[0]].add(test)
    base = sqlite3.connect(state / "coverage")
    direct: dict[tuple[str, int], set[str]] = defaultdict(set)
    shared: dict[tuple[str, int], set[str]] = defaultdict(set)
    rows = base.execute(
        "select f.path, c.context, l.numbits from line_bits l join file f on f.id = l.file_id"
        " join context c on c.id = l.context_id where c.context != ''"
    )
    for path, context, bits in rows:
        name, _, phase = context.rpartition("|")
        file = Path(path)
        if not file.is_relative_to(root):
            continue
        for line in numbits_to_nums(bits):
            where = file.relative_to(root).as_posix(), line
            direct[where].add(name)
            if phase == "setup":
                shared[where] |= by_file[name.partition("::")[0]]
    base.close()
    return Concern(dict(direct), dict(shared), seconds, root)


def _seconds(times: Path) -> dict[str, float]:
    """Return the seconds of each test that passed, by its name for pytest."""
    out = {}
    for case in ElementTree.parse(times).iter("testcase"):
        if case.find("failure") is None and case.find("error") is None:
            *folders, last = str(case.get("classname")).split(".")
            classes = []
            while last[:1].isupper():
                classes.insert(0, last)
                last = folders.pop()
            path = "/".join([*folders, last]) + ".py"
            name = "::".join([path, *classes, str(case.get("name"))])
            if case.find("skipped") is None:
                out[name] = float(case.get("time") or 0)
    return out
