"""Sessions of a simulated CAS on disk: SQLite with a write-ahead log, history that only grows."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from casnb.base.errors import SourceError, UsageError

#: Names the file format; another number is somebody else's file, or a later casnb's.
_FORMAT = 1
_BUSY = 5.0

_SCHEMA = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, hash"
        " TEXT NOT NULL, predecessor TEXT NOT NULL, text TEXT NOT NULL, generated TEXT NOT NULL,"
        " UNIQUE (name, hash), UNIQUE (name, predecessor))"
    ),
    (
        "CREATE TRIGGER sessions_stay BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'history"
        " is kept'); END"
    ),
    (
        "CREATE TRIGGER sessions_hold BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'history"
        " is kept'); END"
    ),
    f"PRAGMA user_version = {_FORMAT}",
)


class Conflict(Exception):
    """Somebody else wrote the successor of that version first."""


@dataclass(frozen=True)
class Version:
    """One version of a session as it was accepted: its text, and the secrets that CAS made for
    it.
    """

    name: str
    hash: str
    predecessor: str | None
    text: str
    generated: Mapping[str, str] = field(default_factory=dict, repr=False)


class Transaction:
    """What may be done inside one transaction; it sees one state of the store from start to end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def current(self, name: str) -> Version | None:
        """Return the newest version of a session, or None."""
        return self._one("SELECT * FROM sessions WHERE name = ? ORDER BY number DESC LIMIT 1", name)

    def version(self, name: str, hash: str) -> Version | None:
        """Return the version of a session with this hash, or None."""
        return self._one("SELECT * FROM sessions WHERE name = ? AND hash = ?", name, hash)

    def history(self, name: str) -> list[str]:
        """Return the hashes of a session, oldest first."""
        return [
            row[0]
            for row in self._connection.execute(
                "SELECT hash FROM sessions WHERE name = ? ORDER BY number", (name,)
            )
        ]

    def firsts(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Return number and name of sessions in the order in which they were created, those
        after number `after`.
        """
        return list(
            self._connection.execute(
                "SELECT number, name FROM sessions WHERE predecessor = '' AND number > ? ORDER BY"
                " number LIMIT ?",
                (after, limit),
            )
        )

    def fact(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def facts(self, prefix: str) -> list[tuple[str, str]]:
        """Return name and value of what was noted under names that begin so, by name."""
        return list(
            self._connection.execute(
                "SELECT name, value FROM facts WHERE substr(name, 1, ?) = ? ORDER BY name",
                (len(prefix), prefix),
            )
        )

    def set_fact(self, name: str, value: str) -> None:
        """Note something under a name, in the place of what was noted there."""
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def append(self, version: Version) -> None:
        """Add a version; raise Conflict if its predecessor already has a successor, or there is
        such a version.
        """
        try:
            self._connection.execute(
                "INSERT INTO sessions (name, hash, predecessor, text, generated) VALUES (?, ?, ?,"
                " ?, ?)",
                (
                    version.name,
                    version.hash,
                    version.predecessor or "",
                    version.text,
                    json.dumps(dict(version.generated)),
                ),
            )
        except sqlite3.IntegrityError:
            raise Conflict(version.name) from None

    def _one(self, query: str, *values: str) -> Version | None:
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            return None
        _, name, digest, predecessor, text, generated = row
        return Version(name, digest, predecessor or None, text, json.loads(generated))


class Store:
    """A file of sessions, shared by threads and processes.

    `owner` names the CAS whose sessions these are: a file of another one is refused with
    UsageError. What was committed survives a killed process; whatever fails (full disk,
    read-only folder, broken file) raises SourceError and leaves the file as it was.
    """

    def __init__(self, path: Path, owner: str = "") -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        #: Writers of this process wait here, in turn: SQLite lets them try again after pauses, and
        #: some for long.
        self._queue = threading.Lock()
        self._closed = False
        with self._sentences():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _private(path)
            with self._borrowed() as connection:
                self._prepare(connection, owner)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read within one transaction."""
        with self._transaction("BEGIN") as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Write within one transaction, alone: committed when the block ends, undone when it
        raises.
        """
        # IMMEDIATE: with a plain BEGIN two that read first and write then cannot both go on, and
        # SQLite ends one of them without waiting.
        with self._queue, self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    def close(self) -> None:
        """Close every connection; what is still under way closes its own. A second call does
        nothing.
        """
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        with self._sentences(), self._borrowed() as connection:
            connection.execute(begin)
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        """A connection from the shelf or a new one; one that failed is not put back."""
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the store is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            # isolation_level None: Python's module begins no transactions of its own; where each
            # begins and ends is written out here.
            connection = sqlite3.connect(
                self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._put_back(connection)
            raise
        self._put_back(connection)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < 8:
                self._idle.append(connection)
                return
        connection.close()

    def _prepare(self, connection: sqlite3.Connection, owner: str) -> None:
        """Make the tables in a new file; leave alone what is not ours."""
        if (
            not self._is_new(connection)
            and connection.execute("PRAGMA user_version").fetchone()[0] != _FORMAT
        ):
            raise UsageError(
                f"sessions in {self.path}",
                got="a file of another kind or of a later casnb",
                wanted="sessions of a simulated CAS",
                do="Choose another folder.",
            )
        _use_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Looked at again inside: another process may have made the tables meanwhile.
            if self._is_new(connection):
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("INSERT INTO facts VALUES ('owner', ?)", (owner,))
            whose = connection.execute("SELECT value FROM facts WHERE name = 'owner'").fetchone()
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        if whose != (owner,):
            raise UsageError(
                f"sessions in {self.path}",
                got="those of another simulated CAS",
                wanted="this one's",
                do="Choose another folder, or the seed and scenario that it was made with.",
            )

    @staticmethod
    def _is_new(connection: sqlite3.Connection) -> bool:
        return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise SourceError(
                f"sessions in {self.path}",
                got=reason,
                wanted="a file that can be read and written",
                do=(
                    "Make room or permit writing, then try again. Nothing that was stored before is"
                    " lost."
                ),
            ) from None


def _private(path: Path) -> None:
    """Let this account alone read the file, before anything is in it: SQLite gives its log, and
    what it shares between processes, the same mode. A file of somebody else stays as it is.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with suppress(PermissionError):
        path.chmod(0o600)


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; where another process is at it, SQLite does not wait by
    itself.
    """
    end = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > end:
                raise
            time.sleep(0.02)
