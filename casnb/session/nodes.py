"""A value from a YAML text that knows where it stands: readers ask it for what they want, and it
refuses in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from casnb.base.errors import EvidenceError, UsageError


def _near(word: str, known: Sequence[str]) -> str:
    """Ask for the known word that was most likely meant, whatever its capitals; an empty string
    where none is near.
    """
    found = get_close_matches(word.lower(), [k.lower() for k in known], 1, 0.7)
    return f"Did you mean {next(k for k in known if k.lower() == found[0])}?" if found else ""


@dataclass(frozen=True, eq=False)
class Node:
    """A mapping, list, text, whole number, truth or nothing (`value`), and the line and column
    where it begins.

    `key` (a name, or a number in brackets) is its place in `up`; a path is put together when an
    error wants one. `key_line` is the line of its key, where it is a member. Members and rows
    are Nodes. One that is not there is a Node without value at the place of what it is missing
    from; so is one for which a variable stands, whose text is in `hole`.
    """

    value: Any
    key: str = ""
    up: Node | None = field(default=None, repr=False)
    line: int = 0
    column: int = 0
    what: str = "session"
    key_line: int = 0
    hole: str = ""

    @classmethod
    def of(cls, value: Any, key: str = "", up: Node | None = None, what: str = "session") -> Node:
        """Return plain data as Nodes, without lines."""
        if isinstance(value, dict):
            here = cls({}, key, up, what=what)
            here.value.update({k: cls.of(v, str(k), here, what) for k, v in value.items()})
            return here
        if isinstance(value, (list, tuple)):
            here = cls([], key, up, what=what)
            here.value.extend(cls.of(v, f"[{n}]", here, what) for n, v in enumerate(value))
            return here
        return cls(value, key, up, what=what)

    @property
    def path(self) -> str:
        """The way from the document to here: `secrets[0].kind`."""
        above = self.up.path if self.up else ""
        return above + self.key if not above or self.key.startswith("[") else f"{above}.{self.key}"

    @property
    def place(self) -> str:
        """Where this is, for the head of a sentence: `session: secrets[0].kind at line 5 column
        11`.
        """
        where = f" at line {self.line} column {self.column}" if self.line else ""
        return (f"{self.what}: {self.path}" if self.path else self.what) + where

    @property
    def shown(self) -> str:
        """The value as an error quotes it."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, (dict, list)):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        return str(self.value).lower() if isinstance(self.value, bool) else repr(self.value)[:80]

    @property
    def there(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def refuse(self, wanted: str, do: str = "", got: object = None) -> EvidenceError:
        """Return the error that says what stands here and what should; raise it."""
        return EvidenceError(
            self.place, got=self.shown if got is None else got, wanted=wanted, do=do
        )

    def unbuilt(self, what: str, do: str) -> UsageError:
        """Return the error for what the language has and casnb does not; raise it."""
        return UsageError(
            self.place,
            got=what,
            wanted="what casnb knows",
            do=f"The language has more; casnb has not built this. {do}",
        )

    def holes(self) -> bool:
        """Return whether a variable stands for this, or for anything in it."""
        inner = self.value.values() if isinstance(self.value, dict) else self.value
        return bool(self.hole) or (
            isinstance(self.value, (dict, list)) and any(node.holes() for node in inner)
        )

    # What a reader asks for

    def get(self, name: str) -> Node:
        """Return a member of a mapping; where it is missing, a Node without value."""
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return (
            found
            if found is not None
            else Node(None, name, self, self.line, self.column, self.what)
        )

    def members(self, allowed: Sequence[str], wanted: str = "a mapping") -> dict[str, Node]:
        """Return the members of a mapping that has none but those allowed; nothing counts as an
        empty one.
        """
        found = self.mapping(wanted)
        for name, node in found.items():
            if name not in allowed:
                near = _near(name, allowed)
                raise EvidenceError(
                    (
                        f"{self.what}: {node.path} at line {node.key_line}"
                        if node.key_line
                        else self.place
                    ),
                    got=f"member {name!r}",
                    wanted="one of " + ", ".join(allowed),
                    do=near or "Take it out.",
                )
        return found

    def mapping(self, wanted: str) -> dict[str, Node]:
        """Return the members of a mapping, whatever their names; nothing counts as an empty one."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.refuse(
                wanted,
                (
                    "Take off the dashes: its members are no list."
                    if isinstance(self.value, list)
                    else "Write each member on a line of its own, further in: `key: value`."
                ),
            )
        return dict(self.value)

    def rows(self, wanted: str = "a list") -> list[Node]:
        """Return the items of a list; nothing counts as an empty one."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.refuse(wanted, "Write each item on a line of its own, after a dash.")
        return list(self.value)

    def one_or_rows(self, wanted: str) -> list[Node]:
        """Return the items of a list, or the one value that stands instead of a list; empty
        items are left out.
        """
        rows = self.value if isinstance(self.value, list) else [self]
        return [row for row in rows if row.there or isinstance(row.value, (dict, list))]

    def text(self, wanted: str = "text", do: str = "") -> str:
        """Return text; a whole number counts as what was typed."""
        if isinstance(self.value, bool) or not isinstance(self.value, (str, int)):
            raise self.refuse(
                wanted, do or ("In quotes it is text." if isinstance(self.value, bool) else "")
            )
        return str(self.value)

    def matching(self, form: re.Pattern[str], wanted: str, do: str = "") -> str:
        """Return text of a form."""
        found = self.text(wanted, do)
        if not form.fullmatch(found):
            raise self.refuse(wanted, do)
        return found

    def choice(self, words: Sequence[str], do: str = "") -> str:
        """Return one of some words."""
        found = self.text("one of " + ", ".join(words), do)
        if found not in words:
            raise self.refuse("one of " + ", ".join(words), do or _near(found, words))
        return found

    def truth(self, default: bool = False) -> bool:
        """Return true or false."""
        if self.value is None:
            return default
        if not isinstance(self.value, bool):
            raise self.refuse("true or false", "Write one of these words, without quotes.")
        return self.value

    def number(self, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number within bounds."""
        if self.value is None and default is not None:
            return default
        if (
            isinstance(self.value, bool)
            or not isinstance(self.value, int)
            or not least <= self.value <= most
        ):
            raise self.refuse(
                f"a number from {least} to {most}",
                "Write digits alone, without quotes." if isinstance(self.value, str) else "",
            )
        return self.value

    def plain(self) -> Any:
        """Return the value as plain data, members by name at every depth: the order of an upload
        must not matter.
        """
        if self.hole:
            return self.hole
        if isinstance(self.value, dict):
            return {k: self.value[k].plain() for k in sorted(self.value)}
        return [row.plain() for row in self.value] if isinstance(self.value, list) else self.value
