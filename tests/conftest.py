"""Fixtures for the whole suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A shell that starts the suite in the background has Ctrl-C ignored, and every process that a test
# starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let `--dist loadfile` keep all browser tests together too: they share a server and a browser,
    which each process would start for itself.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if "/browser/" in nodeid else super()._split_scope(nodeid)

    return Together(config, log)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of real quotes, reports and pages; tests that need it are skipped where it is
    not there.
    """
    folder = Path(os.environ.get("CASNB_VECTORS", ROOT.parent / "shared" / "vectors"))
    if not (folder / "manifest.json").is_file():
        pytest.skip(f"no real vectors in {folder} (set CASNB_VECTORS)")
    return folder


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of their own, one a test: counted, for to look for the next free name among those of
    ten thousand tests takes longer than most of these.
    """
    base = tmp_path_factory.mktemp("readers")
    return (base / str(n) for n in count())


@pytest.fixture(autouse=True)
def nothing_of_the_readers(readers: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a reader's own configuration, progress and running simulator out of every test."""
    own = next(readers)
    own.mkdir()
    for name in list(os.environ):
        if name.startswith(("CAS_", "CASNB_", "SCONE_")) and name not in {
            "CASNB_VECTORS",
            "CASNB_REQUIRE_BROWSER",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(own / "config.json"))
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(own / name.lower()))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(scope="session")
def cluster():
    """Two worker processes of one thread each, on loopback."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"
    ) as made:
        yield made
