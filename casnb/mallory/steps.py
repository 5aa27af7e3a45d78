"""What happens in a run of an attack: steps, and in the end loot or a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """One thing that really happened in a run: who did it, and what.

    `to` is the other party, empty where there is none. `kind` says what a picture draws: a `note`
    at who, a `message` to the other, an `answer` from the other, or a `verdict`, which is a message
    and, after the first colon, what came of it.
    """

    who: str
    did: str
    to: str = ""
    kind: str = "note"


class Loot(NamedTuple):
    """What Mallory holds in the end: in words, and the values themselves by name."""

    words: str
    values: Mapping[str, str]


class Taken(NamedTuple):
    """The customer's secret in Mallory's hands, and how she got it: a verb and what she did."""

    value: str
    how: str


class Stopped(Exception):
    """Something of the relying party's stopped the attack: the id of a check, or a name of
    `casnb.mallory.story.REFUSALS`.
    """

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by
