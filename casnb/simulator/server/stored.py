"""Sessions as the store has them, read: with their secrets, and with a way to those that they
import from.
"""

from __future__ import annotations

from functools import lru_cache

from casnb.session.session import Session
from casnb.session.values import Lookup, Stored
from casnb.simulator.server.store import Transaction, Version


def stored(version: Version) -> Stored:
    """Return a version with the values that were made for it."""
    return Stored(parsed(version.text), version.generated)


def lookup(transaction: Transaction) -> Lookup:
    """Return how imports find other sessions: as they are in this transaction."""

    def find(name: str, hash: str | None) -> Stored | None:
        found = transaction.current(name) if hash is None else transaction.version(name, hash)
        return stored(found) if found else None

    return find


def parsed(text: str) -> Session:
    """Return the session in a stored text; of short ones, which nearly all are, many are kept: a
    class and its namespaces.
    """
    return _short(text) if len(text) <= 4096 else _long(text)


@lru_cache(maxsize=2048)
def _short(text: str) -> Session:
    return Session.from_yaml(text)


@lru_cache(maxsize=16)
def _long(text: str) -> Session:
    return Session.from_yaml(text)
