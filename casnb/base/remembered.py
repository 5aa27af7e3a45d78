"""Reading the same bytes gives the same value: the last ones are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

_Of = TypeVar("_Of")
_Is = TypeVar("_Is")
_REMEMBERED: list[Callable[[], None]] = []


def remembered(action: Callable[[_Of], _Is]) -> Callable[[_Of], _Is]:
    """Remember what the last 64 values were read as, by their exact bytes: reading is the same
    for the same bytes. Whether they are genuine is never remembered.
    """
    cached = lru_cache(maxsize=64)(action)
    _REMEMBERED.append(cached.cache_clear)
    return cached


def forget() -> None:
    """Forget all that was read; this is for measurements."""
    for clear in _REMEMBERED:
        clear()
