"""What ties evidence to a key: what the report data says, what it must say, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_OTHER_KEY = "this evidence speaks for another key: anybody can put it into a certificate"


@dataclass(frozen=True)
class Binding:
    """Whether evidence speaks for a key: `got` and `wanted` are compared as text (hex), `rule`
    says what `wanted` is.

    `report_data` (64 bytes) is what the evidence said when this was made: a binding judges no
    other evidence. `why` says what it means that they differ. `fresh`: what is wanted covers a
    nonce that we made up for this evidence alone. An empty `wanted` is never found.
    """

    rule: str
    got: str
    wanted: str
    report_data: bytes
    why: str = _OTHER_KEY
    fresh: bool = False

    @property
    def bound(self) -> bool:
        """Whether the evidence names the key."""
        return bool(self.wanted) and self.got == self.wanted

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if self.bound:
            return f"The evidence names this certificate's key: report data is {self.rule}."
        return f"The evidence does not name this certificate's key: report data is not {self.rule}."

    def to_json(self) -> dict[str, Any]:
        return {"bound": self.bound, "rule": self.rule, "got": self.got, "wanted": self.wanted}
