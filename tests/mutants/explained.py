"""Changes that no test can notice, each with the reason, from `explained.toml`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = Path(__file__).resolve().parent / "explained.toml"


@dataclass(frozen=True)
class Explained:
    """A change, as `changes.Change.key` names it, and why nothing observable depends on it."""

    path: str
    where: str
    text: str
    what: str
    why: str
    nth: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return self.path, self.where, self.text, self.what, self.nth


def explained() -> list[Explained]:
    """Return the rows of the table."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Explained(**row) for row in rows.get("change", ())]
