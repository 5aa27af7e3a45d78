"""A process that is loaded once and forks itself for each question: do these tests fail? Starting
anew would take longer than most answers do.

`worker.py FOLDER` has pytest and the libraries loaded, but nothing of the package: its forks import
the copy in FOLDER as it then is. `worker.py FOLDER TESTS...` has the package loaded too and the
tests collected: its forks take a change inside a function into their memory, where every name of
that function sees it.

One question a line on standard input, as JSON: `{"tests": [...], "seconds": 12.5, "change":
["casnb/x.py", 7]}`, with the seconds that the tests took before and, for a worker that is loaded,
the change; one answer a line: `{"failed": "...", "code": 1}`, with the name of the first test that
failed, or "" where none did. `code` is pytest's, or less than 0 for a run that was ended because it
took far too long, or ANEW where the change cannot be made in memory.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType

#: What the tests or the package import, and what takes long to load. Never the package itself.
LIBRARIES = (
    "pytest",
    "hypothesis",
    "bs4",
    "cheroot.wsgi",
    "click.testing",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "cryptography.x509",
    "dcap_qvl",
    "flask",
    "IPython.display",
    "ipywidgets",
    "jsonschema",
    "nbformat",
    "OpenSSL.SSL",
    "requests",
    "rich.console",
    "yaml",
)
WORDS = ("-x", "-q", "-s", "--hypothesis-seed=0")
WITHOUT = ("cacheprovider", "xdist", "cov", "randomly")
#: Seconds of processor time, and seconds of the clock, after which a run is one that does not end:
#: so many, and what the tests took when they passed. A busy machine slows the clock's alone.
PROCESSOR, CLOCK, TIMES = 20, 300, 5
#: The code of a fork that could not make its change in memory.
ANEW = 99


class First:
    """A plugin that tells the name of the first test that fails, by a pipe."""

    def __init__(self, to: int) -> None:
        self.to = to

    def pytest_runtest_logreport(self, report) -> None:  # type: ignore[no-untyped-def]
        if report.failed:
            os.write(self.to, report.nodeid.encode() + b"\n")

    def pytest_collectreport(self, report) -> None:  # type: ignore[no-untyped-def]
        if report.failed:
            os.write(self.to, (report.nodeid or "collection").encode() + b"\n")


class Bare:
    """Forks import the package and the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in LIBRARIES:
            importlib.import_module(name)
        if loaded := [name for name in sys.modules if name.partition(".")[0] == "casnb"]:
            raise SystemExit(f"loaded before a change is made: {loaded}")

    def run(self, asked: dict, to: int) -> int:  # type: ignore[type-arg]
        import pytest

        listed = self.folder / "names.txt"
        listed.write_text("\n".join(asked["tests"]), encoding="utf-8")
        without = [word for name in WITHOUT for word in ("-p", f"no:{name}")]
        words = [*WORDS, *without, f"--rootdir={self.folder}", f"@{listed}"]
        return int(pytest.main(words, plugins=[First(to)]))


class Loaded:
    """Forks run tests that were collected already."""

    def __init__(self, folder: Path, tests: list[str]) -> None:
        from _pytest.config import _prepareconfig
        from _pytest.main import Session

        self.folder = folder
        without = [word for name in WITHOUT for word in ("-p", f"no:{name}")]
        self.config = _prepareconfig([*WORDS, *without, f"--rootdir={folder}", *tests])
        self.config._do_configure()
        self.session = Session.from_config(self.config)
        self.config.hook.pytest_sessionstart(session=self.session)
        self.config.hook.pytest_collection(session=self.session)
        self.items = {item.nodeid: item for item in self.session.items}
        if threading.active_count() > 1:
            raise SystemExit(f"threads do not outlast a fork: {threading.enumerate()}")
        there = gc.get_objects()
        self.functions: dict[tuple[str, int], list[FunctionType]] = {}
        for found in there:
            if type(found) is FunctionType and found.__code__.co_filename.startswith(str(folder)):
                code = found.__code__
                self.functions.setdefault((code.co_filename, code.co_firstlineno), []).append(found)
        self.caches: list[Callable[[], None]] = [
            found.cache_clear
            for found in there
            if isinstance(found, functools._lru_cache_wrapper)
            and str(getattr(found, "__module__", "")).startswith("casnb")
        ]
        gc.freeze()

    def run(self, asked: dict, to: int) -> int:  # type: ignore[type-arg]
        if asked["change"] and not self.change(*asked["change"]):
            return ANEW
        for clear in self.caches:
            clear()
        self.config.pluginmanager.register(First(to))
        self.session.items = [self.items[name] for name in asked["tests"] if name in self.items]
        self.session.testscollected = len(self.session.items)
        try:
            self.config.hook.pytest_runtestloop(session=self.session)
        except self.session.Failed:
            return 1
        return 1 if self.session.testsfailed else 0

    def change(self, path: str, number: int) -> bool:
        """Put the changed code in place of the functions' own; False where none was loaded."""
        from changes import compiled

        file = self.folder / path
        before, after = compiled(file, -1), compiled(file, number)
        done = False
        for old, new in pairs(before, after):
            for function in self.functions.get((str(file), old.co_firstlineno), ()):
                if function.__code__ == old:
                    function.__code__, done = new, True
        return done


def pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the codes that differ between two compilations of a module, each with its other."""
    inner: dict[tuple[str, int], list[CodeType]] = {}
    for code in new.co_consts:
        if isinstance(code, CodeType):
            inner.setdefault((code.co_name, code.co_firstlineno), []).append(code)
    for code in old.co_consts:
        if isinstance(code, CodeType) and (
            there := inner.get((code.co_name, code.co_firstlineno), [])
        ):
            other = there.pop(0)
            if code != other:
                yield code, other
                yield from pairs(code, other)


@contextlib.contextmanager
def forked(asked: dict, kept: Bare | Loaded) -> Iterator[tuple[int, int]]:  # type: ignore[type-arg]
    """Yield the process that runs the tests and the end of a pipe to read from; end it and all that
    it started.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        code = 3
        try:
            os.setsid()
            os.close(reading)
            most = int(PROCESSOR + asked["seconds"])
            resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
            with (kept.folder / "log.txt").open("wb") as log:
                for n in (1, 2):
                    os.dup2(log.fileno(), n)
            code = kept.run(asked, writing)
        finally:
            os._exit(code)
    os.close(writing)
    try:
        yield process, reading
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, 0)
        os.close(reading)


def answer(asked: dict, kept: Bare | Loaded) -> dict[str, object]:  # type: ignore[type-arg]
    """Return the first test that fails and the code."""
    with forked(asked, kept) as (process, reading):
        until = time.monotonic() + CLOCK + TIMES * asked["seconds"]
        while True:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() > until:
                code = -1
                break
            time.sleep(0.02)
        os.set_blocking(reading, False)
        try:
            told = os.read(reading, 65536).decode(errors="replace").splitlines()
        except BlockingIOError:
            told = []
    return {"failed": told[0] if told else "", "code": code}


def main() -> None:
    folder = Path(sys.argv[1])
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    kept = Loaded(folder, sys.argv[2:]) if sys.argv[2:] else Bare(folder)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), kept)), file=answers, flush=True)


if __name__ == "__main__":
    main()
