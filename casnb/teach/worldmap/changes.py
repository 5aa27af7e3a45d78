"""What the last click did: which doors it opened, and which it closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def let_in(foreseen: Mapping[str, str]) -> tuple[str, ...]:
    """The attacks that get in."""
    return tuple(name for name, by in foreseen.items() if not by)


@dataclass(frozen=True)
class Change:
    """The difference between two states in which something could be attacked: `cause` in words,
    and the attacks that got in with it, or no longer do.
    """

    cause: str
    opened: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    @classmethod
    def of(cls, cause: str, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
        """Compare what `foresee` said before and says now."""
        then, now = let_in(before), let_in(after)
        return cls(
            cause, tuple(n for n in now if n not in then), tuple(n for n in then if n not in now)
        )

    @property
    def sentences(self) -> tuple[tuple[str, str], ...]:
        """Direction (`opened`, `closed`, `none`) and words."""
        out = [
            (how, f"{self.cause} {how}: {', '.join(names)}")
            for how, names in (("opened", self.opened), ("closed", self.closed))
            if names
        ]
        return tuple(out) or (("none", f"{self.cause} opened no door and closed none."),)

    def __str__(self) -> str:
        return " ".join(words for _, words in self.sentences)


def tally(foreseen: Mapping[str, str], strict: Mapping[str, str]) -> tuple[str, str]:
    """Say how many doors are open, and why; `strict` is the same without any flag."""
    if not foreseen:
        return "Nothing was sent", "so there is nothing to attack."
    inside = let_in(foreseen)
    by_flags = sum(bool(strict.get(n)) for n in inside)
    doors = f"{len(inside)} door{'' if len(inside) == 1 else 's'} open"
    parts = [
        *([f"{by_flags} by flags"] if by_flags else []),
        *([f"{len(inside) - by_flags} that nobody asked about"] if len(inside) > by_flags else []),
    ]
    return doors, (", ".join(parts) or "to any of the attacks shown") + "."
