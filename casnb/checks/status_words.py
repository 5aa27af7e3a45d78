"""A TCB status explained, as a value that can be shown; `casnb.policy.words` writes it."""

from __future__ import annotations

from dataclasses import dataclass

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell


@dataclass(frozen=True)
class StatusWords(Shown):
    """A status explained: `rows` of a heading and a text, `advisories` of an id and a text. Both
    hold text from outside.
    """

    status: str
    rows: tuple[tuple[str, str], ...]
    advisories: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return (
            f"<StatusWords {neutral(self.status, 80)}: {len(self.rows)} rows,"
            f" {len(self.advisories)} advisories>"
        )

    def __str__(self) -> str:
        lines = [f"{neutral(self.status, 80)} in words"]
        lines += [f"  {name + ':':<14}{neutral(text, 600)}" for name, text in self.rows]
        lines += [f"  {neutral(id, 40)}  {neutral(text)}" for id, text in self.advisories]
        return "\n".join(lines)

    def _html(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{cell(name)}</th><td>{cell(text, 600)}</td></tr>'
            for name, text in self.rows
        )
        rows += "".join(
            '<tr><th scope="row"><code'
            f' style="white-space:nowrap">{cell(id, 40)}</code></th><td>{cell(text)}</td></tr>'
            for id, text in self.advisories
        )
        return (
            f"<table><caption>{cell(self.status, 80)} in"
            f" words</caption><tbody>{rows}</tbody></table>"
        )
