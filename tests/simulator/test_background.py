"""A simulator that outlives its starter: started, found again, stopped, and never mistaken for
another process.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.cas.page import scrape
from casnb.simulator.server import background as module
from casnb.simulator.server.background import start_background, stop_background

pytestmark = pytest.mark.scripts

SEED = f"background tests {os.getpid()}"


@pytest.fixture
def folder(tmp_path):
    """A state folder; whatever was started with it is stopped in the end."""
    yield tmp_path / "state"
    stop_background(tmp_path / "state")


@pytest.fixture
def stranger():
    """A process of somebody else."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        assert process.poll() is None, "somebody else's process was ended"
        process.kill()


def start(folder, *words, **more):
    return start_background(["--seed", SEED, "--state", str(folder), *words], **more)


def variables(lines: str) -> dict[str, str]:
    return dict(shlex.split(line)[1].split("=", 1) for line in lines.splitlines())


def record(folder) -> dict:
    return json.loads((folder / "serve.json").read_text())


def ended(pid: int) -> bool:
    """Whether a process is gone, or is only waiting to be counted."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_start_find_again_stop(folder, tmp_path):
    """It answers when the call returns; a second start is refused and leaves it alone; stop ends
    it, a second stop has none.
    """
    lines = start(folder, env_file=tmp_path / "cas.env")
    found = variables(lines)
    assert (tmp_path / "cas.env").read_text() == lines and found["CASNB_SEED"] == SEED
    assert scrape(found["CAS_PAGE_URL"], cacert=found["CAS_PAGE_CA"]).mrenclave(found["CAS_ADDR"])
    pid = record(folder)["pid"]
    assert pid != os.getpid() and psutil.Process(pid).is_running()

    with pytest.raises(UsageError, match=rf"process {pid}.*casnb stop --state"):
        start(folder, env_file=tmp_path / "cas.env")
    assert (tmp_path / "cas.env").read_text() == lines and record(folder)["pid"] == pid
    assert scrape(found["CAS_PAGE_URL"], cacert=found["CAS_PAGE_CA"]).values

    assert stop_background(folder) is True and ended(pid)
    with pytest.raises(SourceError):
        scrape(found["CAS_PAGE_URL"], cacert=found["CAS_PAGE_CA"])
    assert stop_background(folder) is False and not (folder / "serve.json").exists()


def test_one_that_was_killed_does_not_stand_in_the_way(folder):
    """Its record is stale: the next start goes through, and the sessions of before are there."""
    start(folder)
    first = record(folder)["pid"]
    psutil.Process(first).kill()
    psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], timeout=60)
    start(folder)
    assert record(folder)["pid"] != first and (folder / "cas.sqlite3").exists()
    assert stop_background(folder) is True


STALE = [
    pytest.param(
        lambda pid, began: {"pid": pid, "began": began},
        id="the number now belongs to somebody else",
    ),
    pytest.param(
        lambda pid, began: {"pid": pid, "began": began - 1000},
        id="same number, started at another time",
    ),
    pytest.param(lambda pid, began: {"pid": 2**22 + 1, "began": began}, id="no such process"),
    pytest.param(lambda pid, began: {"pid": -1, "began": began}, id="a number that is none"),
    pytest.param(lambda pid, began: {"pid": "x"}, id="not a number"),
    pytest.param(lambda pid, began: {"pid": pid}, id="no time"),
    pytest.param(lambda pid, began: [pid], id="not an object"),
    pytest.param(lambda pid, began: None, id="nothing in it"),
]


@pytest.mark.parametrize("content", STALE)
def test_another_process_is_left_alone(folder, stranger, content):
    """A record that does not fit a simulator of ours is forgotten, and no process is touched."""
    folder.mkdir()
    (folder / "serve.json").write_text(
        json.dumps(content(stranger.pid, psutil.Process(stranger.pid).create_time()))
    )
    assert stop_background(folder) is False
    assert stranger.poll() is None and not (folder / "serve.json").exists()


def test_a_simulator_that_is_not_the_recorded_one_is_left_alone(folder, tmp_path):
    """Same program, another start time: a number that was used again."""
    start(folder)
    (tmp_path / "other").mkdir()
    content = record(folder) | {"began": record(folder)["began"] - 60}
    (tmp_path / "other" / "serve.json").write_text(json.dumps(content))
    assert stop_background(tmp_path / "other") is False
    assert not ended(record(folder)["pid"])


def test_a_damaged_record(folder):
    """Counts as none."""
    folder.mkdir()
    (folder / "serve.json").write_bytes(b"\xff{")
    assert stop_background(folder) is False


def test_starts_at_the_same_time(folder):
    """One of them starts it, the others are told that it runs; nothing is left that `stop` would
    not find.
    """
    outcomes = []

    def go() -> None:
        try:
            outcomes.append(variables(start(folder))["CAS_ADDR"])
        except UsageError as exc:
            outcomes.append(f"told {exc}")

    threads = [threading.Thread(target=go) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (
        sum("runs already" in o for o in outcomes) == 2
        and sum(o.startswith("127.") for o in outcomes) == 1
    )
    mine = [p for p in psutil.Process().children() if SEED in p.cmdline()]
    assert len(mine) == 1 and stop_background(folder) is True and ended(mine[0].pid)


@pytest.mark.parametrize(
    "words, told",
    [
        (["--scenario", "nope"], r"^world: scenario: got nope, wanted one of public.*\.$"),
        (["--address", "192.0.2.1"], "^address: got 192.0.2.1, wanted a loopback address"),
        (["--frob"], "^No such option.*--frob"),
    ],
)
def test_what_the_process_said_is_told(folder, words, told):
    """Where it ends because it was called wrongly, its own words are the error, as in the
    foreground.
    """
    with pytest.raises(UsageError, match=told):
        start(folder, *words)
    assert not (folder / "serve.json").exists() and not (folder / "serve.env").exists()


def test_a_port_that_is_taken(folder):
    """Could not be started: the reason is told, no process and no record is left."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(SourceError, match="in use"),
    ):
        start(folder, "--address", "127.0.0.1", "--port", str(other.getsockname()[1]))
    assert not (folder / "serve.json").exists()


def test_a_process_that_breaks(folder, monkeypatch):
    """Any other end is told with the exit code and what was printed last."""
    monkeypatch.setattr(module, "_MODULE", "no_such_module")
    with pytest.raises(
        SourceError, match=r"got exit code 1, .*It said: .*No module named no_such_module"
    ):
        start(folder)


def test_one_that_never_answers_is_ended(folder, monkeypatch):
    """After the time that a start may take nothing of it is left."""
    monkeypatch.setattr(module, "START_TIME", 0.01)
    children = {p.pid for p in psutil.Process().children(recursive=True)}
    with pytest.raises(SourceError, match="no answer within"):
        start(folder)
    assert {
        p.pid for p in psutil.Process().children(recursive=True) if not ended(p.pid)
    } <= children
    assert not (folder / "serve.json").exists()


def test_lines_of_an_earlier_run_are_not_taken_for_an_answer(folder, tmp_path):
    """The file is removed first: who waits for it never reads the address of before."""
    (tmp_path / "cas.env").write_text("export CAS_ADDR=127.0.0.1\nexport CASNB_SCENARIO=public\n")
    with pytest.raises(UsageError):
        start(folder, "--scenario", "nope", env_file=tmp_path / "cas.env")
    assert not (tmp_path / "cas.env").exists()


def test_a_folder_that_cannot_be_used(tmp_path):
    """One sentence that names it."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="file"):
        start(tmp_path / "file" / "below")


def test_without_a_folder_the_readers_own_is_used(tmp_path, monkeypatch):
    """`casnb stop` without arguments finds what `casnb serve --background` without --state
    started.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    lines = start_background(["--seed", SEED])
    try:
        assert (tmp_path / "casnb" / "serve.json").exists() and (
            tmp_path / "casnb" / "serve.env"
        ).read_text() == lines
    finally:
        assert stop_background() is True


@pytest.mark.parametrize(
    "words, found",
    [
        (["--state", "a"], "a"),
        (["--state=a", "--seed", "b"], "a"),
        (["--seed", "--state"], None),
        ([], None),
        (["--state"], None),
    ],
)
def test_the_folder_is_found_among_the_arguments(words, found):
    """In both spellings."""
    assert module._state_of(words) == found
