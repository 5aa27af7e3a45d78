"""The store: what was accepted stays, one successor for each version, clear words when the disk
says no.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.simulator.server.store import Conflict, Store, Version


def first(name: str = "s", hash: str = "a", **more) -> Version:
    return Version(name, hash, None, "text of " + hash, **more)


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "cas.sqlite3", owner="me") as opened:
        yield opened


def test_versions_are_found_by_name_and_by_hash(store):
    """The newest by name, each by name and hash, all in their order."""
    with store.writing() as transaction:
        transaction.append(first())
        transaction.append(Version("s", "b", "a", "text of b", {"pin": "1234"}))
        transaction.append(first("other", "c"))
    with store.reading() as transaction:
        assert transaction.current("s") == Version("s", "b", "a", "text of b", {"pin": "1234"})
        assert transaction.version("s", "a") == first()
        assert transaction.version("other", "a") is None and transaction.current("nobody") is None
        assert transaction.history("s") == ["a", "b"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(first("s", "b"), id="two first versions"),
        pytest.param(Version("s", "a", "x", "t"), id="same hash twice"),
    ],
)
def test_history_does_not_fork(store, second):
    """One version has one successor, whoever asks."""
    with store.writing() as transaction:
        transaction.append(first())
    with pytest.raises(Conflict), store.writing() as transaction:
        transaction.append(second)
    with store.reading() as transaction:
        assert transaction.history("s") == ["a"]


@pytest.mark.parametrize(
    "statement", ["UPDATE sessions SET text = 'forged'", "DELETE FROM sessions"]
)
def test_history_only_grows(store, statement):
    """The file itself refuses to forget or to change a version."""
    with store.writing() as transaction:
        transaction.append(first())
    with (
        sqlite3.connect(store.path) as other,
        pytest.raises(sqlite3.IntegrityError, match="history is kept"),
    ):
        other.execute(statement)
    other.close()


def test_an_error_undoes_the_whole_transaction(store):
    """Nothing of a request that failed half way is stored."""
    with pytest.raises(ZeroDivisionError), store.writing() as transaction:
        transaction.append(first())
        raise ZeroDivisionError
    with store.reading() as transaction:
        assert transaction.current("s") is None


def test_of_many_writers_one_wins(store):
    """Threads that race for the same successor: one is stored, the others are told."""
    with store.writing() as transaction:
        transaction.append(first())
    won, lost, gate = [], [], threading.Barrier(8)

    def race(n: int) -> None:
        gate.wait()
        try:
            with store.writing() as transaction:
                transaction.append(Version("s", f"b{n}", "a", "t"))
            won.append(n)
        except Conflict:
            lost.append(n)

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1 and len(lost) == 7
    with store.reading() as transaction:
        assert transaction.history("s") == ["a", f"b{won[0]}"]


def test_what_was_committed_survives_a_killed_process(tmp_path):
    """A process that is killed right after it said so loses nothing."""
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system has no SIGKILL")
    program = (
        "import os, signal, sys, pathlib; from casnb.simulator.server.store import Store, Version\n"
        "s = Store(pathlib.Path(sys.argv[1]))\n"
        "for n in range(5):\n"
        "    with s.writing() as t: t.append(Version(f's{n}', 'a', None, 't'))\n"
        "print('stored', flush=True)\n"
        "with s.writing() as t:\n"
        "    t.append(Version('half', 'a', None, 't')); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "cas.sqlite3"
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert run.stdout == "stored\n" and run.returncode == -signal.SIGKILL
    with Store(path) as store, store.reading() as transaction:
        assert [transaction.current(f"s{n}") is not None for n in range(5)] == [True] * 5
        assert transaction.current("half") is None


def test_two_processes_share_a_file(tmp_path):
    """Both open it at once, both write, nothing is lost."""
    program = (
        "import sys, pathlib; from casnb.simulator.server.store import Store, Version\n"
        "s = Store(pathlib.Path(sys.argv[1])); sys.stdin.readline()\n"
        "for n in range(20):\n"
        "    with s.writing() as t: t.append(Version(sys.argv[2] + str(n), 'a', None, 't'))\n"
    )
    path = tmp_path / "cas.sqlite3"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), who],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for who in "xy"
    ]
    assert [run.communicate(b"\n")[1] for run in runs] == [b"", b""]
    with Store(path) as store, store.reading() as transaction:
        assert all(transaction.current(f"{who}{n}") for who in "xy" for n in range(20))


# The disk says no


def test_a_full_disk_is_said_and_nothing_is_lost(store):
    """The write fails with the reason; what was there stays, and later writes work."""
    with store.writing() as transaction:
        transaction.append(first())
    connection = store._idle[-1]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SourceError, match="full"), store.writing() as transaction:
        transaction.append(Version("s", "b", "a", "x" * 1_000_000))
    with store.writing() as transaction:
        assert transaction.history("s") == ["a"]
        transaction.append(Version("s", "b", "a", "small"))


def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    """No file can be made there: one sentence with the reason."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceError, match=r"(?i)not a directory|exists|cannot find"):
        Store(tmp_path / "file" / "cas.sqlite3")


def test_a_read_only_store_is_said(store):
    """Reading goes on, writing is refused with the reason."""
    with store.writing() as transaction:
        transaction.append(first())
    store._idle[-1].execute("PRAGMA query_only = ON")
    with pytest.raises(SourceError, match="readonly"), store.writing() as transaction:
        transaction.append(Version("s", "b", "a", "t"))
    with store.reading() as transaction:
        assert transaction.history("s") == ["a"]


@pytest.mark.parametrize(
    "content, kind",
    [
        pytest.param(
            b"this is not a database, and it is long enough to look like one" * 40,
            SourceError,
            id="not a database",
        ),
        pytest.param(None, UsageError, id="another program's database"),
    ],
)
def test_other_files_are_left_alone(tmp_path, content, kind):
    """A file that is not ours is refused, not changed."""
    path = tmp_path / "cas.sqlite3"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE precious (x)")
        other.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(kind):
        Store(path)
    assert path.read_bytes() == before


def test_another_worlds_sessions_are_refused(store):
    """Sessions belong to one CAS; the message says what to do."""
    with pytest.raises(UsageError, match="another simulated CAS"):
        Store(store.path, owner="somebody else")


def test_a_closed_store_says_so(store):
    """No use after the end."""
    store.close()
    with pytest.raises(SourceError, match="closed"), store.reading():
        pass
