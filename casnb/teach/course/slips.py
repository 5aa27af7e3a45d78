"""Slips: named ways to be wrong, and texts that depend on the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casnb.teach.course.answers import plain, same

if TYPE_CHECKING:
    from casnb.teach.facts import Facts

#: What may depend on the world: a text, or how it follows from the facts.
Told = str | Callable[["Facts"], str]


def told(text: Told, facts: Facts) -> str:
    """Return a text as it is in this world."""
    return text if isinstance(text, str) else text(facts)


@dataclass(frozen=True)
class Slip:
    """A named way to be wrong: what to say about it, and an answer that shows it.

    Without `match` the value of `example` is meant, however it is written. `match` gets the facts
    and the answer in its plain form, and so does a `message` that depends on them. `holds` is the
    belief behind it, as the end of *held that ...*; a slip of `form` has none: its value is right,
    or there is none. An `early` one is looked for before any value is. `when` says in which worlds
    there is such a slip; left out, in all.
    """

    code: str
    message: str | Callable[[Facts, Any], str]
    example: Callable[[Facts], object]
    match: Callable[[Facts, Any], bool] | None = None
    holds: str = ""
    form: bool = False
    early: bool = False
    when: Callable[[Facts], bool] | None = None

    def says(self, facts: Facts, value: Any) -> str:
        """Return the message for this answer."""
        return self.message if isinstance(self.message, str) else self.message(facts, value)

    def fits(self, facts: Facts, value: Any, like: Callable[[Any, Any], bool] = same) -> bool:
        """Return whether the plain answer `value` is this slip."""
        if self.match:
            return self.match(facts, value)
        known = plain(self.example(facts))
        return like(value, known)


def braces(names: Iterable[str]) -> str:
    """Return a set of words as Python writes it, in order."""
    return "{" + ", ".join(f'"{n}"' for n in sorted(names)) + "}"
