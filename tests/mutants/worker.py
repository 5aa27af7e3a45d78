"""A process that has pytest and the libraries loaded, and forks itself for each question: do these
tests fail in this copy of the checkout? Starting anew would take longer than most answers do.

One question a line on standard input, as JSON: `{"tests": [...], "seconds": 12.5}`, with the
seconds that they took before; one answer a line: `{"failed": "...", "code": 1}`, with the name of
the first test that failed, or "" where none did. `code` is pytest's, or less than 0 for a run that
was ended because it took far too long.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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
#: Seconds of processor time, and seconds of the clock, after which a run is one that does not end:
#: so many, and so many times what the tests took. A busy machine slows the clock's alone.
PROCESSOR, CLOCK, TIMES = 30, 300, 4


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


def tests(names: list[str], folder: Path, to: int) -> int:
    """Run the tests in this process, until one fails; return pytest's code."""
    import pytest

    listed = folder / "names.txt"
    listed.write_text("\n".join(names), encoding="utf-8")
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
    words += ["-p", "no:randomly", "--hypothesis-seed=0", f"--rootdir={folder}", f"@{listed}"]
    return int(pytest.main(words, plugins=[First(to)]))


@contextlib.contextmanager
def forked(names: list[str], seconds: float, folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the process that runs the tests and the end of a pipe to read from; end it and all that
    it started.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.setsid()
        os.close(reading)
        most = int(PROCESSOR + TIMES * seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
        with (folder / "log.txt").open("wb") as log:
            for n in (1, 2):
                os.dup2(log.fileno(), n)
        code = 3
        try:
            code = tests(names, folder, writing)
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


def answer(names: list[str], seconds: float, folder: Path) -> dict[str, object]:
    """Return the first test that fails and the code."""
    with forked(names, seconds, folder) as (process, reading):
        until = time.monotonic() + CLOCK + 5 * TIMES * seconds
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
    for name in LIBRARIES:
        importlib.import_module(name)
    if loaded := [name for name in sys.modules if name.partition(".")[0] == "casnb"]:
        raise SystemExit(f"loaded before the change was made: {loaded}")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        asked = json.loads(line)
        print(
            json.dumps(answer(asked["tests"], asked["seconds"], folder)), file=answers, flush=True
        )


if __name__ == "__main__":
    main()
