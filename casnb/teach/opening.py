"""What a lab opens to click or to look at, as rows: each stands beside the method that opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Opening:
    """One panel or picture: `line` opens an example of it in any lab, `shows` says what is seen."""

    name: str
    line: str
    shows: str


def opens(line: str, shows: str) -> Callable[[F], F]:
    """Mark a method of a lab as one that opens a panel or picture, and so give it a row."""

    def mark(method: F) -> F:
        method.__dict__["opening"] = Opening(method.__name__, line, shows)
        return method

    return mark


def openings(lab: type) -> tuple[Opening, ...]:
    """Return the row of each method that opens something, those of the class's own first."""
    rows: dict[str, Opening] = {}
    for kind in lab.__mro__:
        for method in vars(kind).values():
            if isinstance(row := getattr(method, "opening", None), Opening):
                rows.setdefault(row.name, row)
    return tuple(rows.values())
