"""A film's pictures in their order: how long each stands, and what is spoken meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """A picture, how many seconds it stands, and what it is of: a cell, and `what` of it. `speech`
    is spoken meanwhile, `shows` and `code` is what can be read on it.
    """

    file: str
    seconds: float
    cell: str
    what: str
    heading: str = ""
    speech: str = ""
    code: str = ""
    shows: str = ""


def starts(frames: Sequence[Frame]) -> list[float]:
    """Return when each frame begins, in seconds."""
    out, at = [], 0.0
    for frame in frames:
        out.append(round(at, 3))
        at += frame.seconds
    return out


def length(frames: Sequence[Frame]) -> float:
    """Return how long a film is, in seconds."""
    return round(sum(frame.seconds for frame in frames), 3)


def clock(seconds: float) -> str:
    """Return a time in a film for people, like 3:05."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
