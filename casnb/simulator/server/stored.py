"""Sessions as one request sees them: read with their secrets, with a way to those that they
import from, and with bounds on the work that all of it may cost.

Whoever may store sessions chooses what reading them costs: the slowest text takes a fifth of a
second, and imports lead from one to eight others. So a request reads each version once and only so
many of them, texts that are slow to read are read one at a time and by half of the workers at
most, and what was read is kept up to a number of bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from casnb.session.session import Session
from casnb.session.values import Stored
from casnb.simulator.server.http_answers import Refused
from casnb.simulator.server.store import Transaction, Version

#: What one request may follow imports to: versions, characters in all of their texts, and times
#: that it asks for any of them. A refusal does not depend on what happens to be in the cache.
MOST_SOURCES, MOST_CHARACTERS, MOST_LOOKUPS = 64, 512 * 1024, 2048
#: Characters of the texts whose sessions are kept; a session takes some thirty times the memory.
CACHE = 2 << 20
#: A text of more characters is read in turn; so many requests may stand in that queue at a time.
SLOW, QUEUE = 16 * 1024, 4


class TooFar(Refused):
    """Imports lead further than one request follows them."""


_standing = threading.BoundedSemaphore(QUEUE)
_turn = threading.Lock()
_own = threading.local()


@contextmanager
def in_turn(slow: bool) -> Iterator[None]:
    """Do what takes long alone; raise Refused where too many others wait to. What is not slow, or
    is part of something slow, is done at once.
    """
    if not slow or getattr(_own, "turn", False):
        yield
        return
    if not _standing.acquire(blocking=False):
        raise Refused(503, "The CAS is busy", "Too many large sessions at a time: try again soon")
    try:
        with _turn:
            _own.turn = True
            try:
                yield
            finally:
                _own.turn = False
    finally:
        _standing.release()


class Cache:
    """Sessions by their stored texts, the least recently used ones first to go."""

    def __init__(self, most: int = CACHE) -> None:
        self.most, self.characters = most, 0
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def session(self, text: str) -> Session:
        """Return the session in a text; raise Refused where it is large and too many others are
        being read.
        """
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        with in_turn(len(text) > SLOW):
            session = Session.from_yaml(text)
        with self._lock:
            if text not in self._kept:
                self._kept[text] = session
                self.characters += len(text)
            while self.characters > self.most:
                self.characters -= len(self._kept.popitem(last=False)[0])
        return session


_cache = Cache()


class Sources:
    """The lookup of one request: sessions as they are in its transaction.

    `again` carries what was read over to another transaction of the same request, so that nothing
    slow is done while others wait to write.
    """

    def __init__(self, transaction: Transaction, cache: Cache = _cache) -> None:
        self._transaction, self._cache = transaction, cache
        self._versions: dict[tuple[str, str | None], Version | None] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self._followed: set[tuple[str, str]] = set()
        self._count = [0]
        self._characters = self._lookups = 0

    def again(self, transaction: Transaction) -> Sources:
        """Return the same for a later transaction: versions are looked for again, and none is read
        twice.
        """
        later = Sources(transaction, self._cache)
        later._sessions = self._sessions
        return later

    def afresh(self) -> Sources:
        """Return the same for another question of this request: what was read stays read, and
        imports are counted again.
        """
        other = Sources(self._transaction, self._cache)
        other._versions, other._sessions, other._count = self._versions, self._sessions, self._count
        return other

    @property
    def characters(self) -> int:
        """How many characters this request has asked to read."""
        return self._count[0]

    def current(self, name: str) -> Version | None:
        """Return the newest version of a session, or None."""
        return self.version(name, None)

    def version(self, name: str, hash: str | None) -> Version | None:
        """Return the version of a session with this hash, the current one for None."""
        key = name, hash
        if key not in self._versions:
            self._versions[key] = (
                self._transaction.current(name)
                if hash is None
                else self._transaction.version(name, hash)
            )
        return self._versions[key]

    def session(self, version: Version) -> Session:
        """Return the session of a version."""
        key = version.name, version.hash
        if key not in self._sessions:
            self._count[0] += len(version.text)
            self._sessions[key] = self._cache.session(version.text)
        return self._sessions[key]

    def stored(self, version: Version) -> Stored:
        """Return a version with the values that were made for it."""
        return Stored(self.session(version), version.generated)

    def __call__(self, name: str, hash: str | None) -> Stored | None:
        """Follow an import; raise Refused where this request has followed too many."""
        self._lookups += 1
        found = self.version(name, hash)
        if found is not None and (found.name, found.hash) not in self._followed:
            self._followed.add((found.name, found.hash))
            self._characters += len(found.text)
        if (
            self._lookups > MOST_LOOKUPS
            or len(self._followed) > MOST_SOURCES
            or self._characters > MOST_CHARACTERS
        ):
            raise TooFar(
                400,
                "Imports lead too far",
                f"One request follows them to at most {MOST_SOURCES} versions of sessions,"
                f" {MOST_CHARACTERS} characters in all, in {MOST_LOOKUPS} steps",
            )
        return self.stored(found) if found is not None else None
