"""You said, it was: what a reader predicted and chose in a chapter, beside what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, prose
from casnb.teach.course.progress import Said
from casnb.teach.course.questions import questions


@dataclass(frozen=True)
class Hindsight(Shown):
    """What was said first of each question, and what it was; `waiting` are questions that nobody
    answered yet.
    """

    said: Mapping[str, Said]
    waiting: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How often it came as said, without praise or blame."""
        if not self.said:
            return "Nothing was predicted or chosen in this chapter yet."
        same = sum(s.right for s in self.said.values())
        left = f" {len(self.waiting)} questions were not answered." if self.waiting else ""
        return f"{same} of {len(self.said)} came as you first said.{left}"

    def __str__(self) -> str:
        lines = [self.sentence]
        for s in self.said.values():
            sign = "=" if s.right else "\N{NOT EQUAL TO}"
            lines += [
                "",
                neutral(s.question, 300),
                f"  you said  {neutral(s.first, 300)}",
                f"{sign} it was    {neutral(s.was, 300)}",
            ]
        return "\n".join(lines)

    def _html(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{prose(s.question, 300)}</th><td>{prose(s.first, 300)}</td>'
            f"<td>{'=' if s.right else chr(0x2260)}</td><td>{prose(s.was, 300)}</td></tr>"
            for s in self.said.values()
        )
        head = (
            '<thead><tr><th scope="col">question</th><th scope="col">you said</th>'
            '<th scope="col">came so</th><th scope="col">it was</th></tr></thead>'
        )
        caption = f"<caption>{cell(self.sentence)}</caption>"
        return (
            f"<table>{caption}{head}<tbody>{rows}</tbody></table>"
            if rows
            else (f"<p>{cell(self.sentence)}</p>")
        )


def open_questions(chapter: str, said: Mapping[str, Said]) -> tuple[str, ...]:
    """Return the questions of a chapter that were not answered."""
    return tuple(q.id for q in questions().values() if q.chapter == chapter and q.id not in said)
