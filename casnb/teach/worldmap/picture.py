"""The world map as a value that a cell ends with: how the gates stand, as picture and as text."""

from __future__ import annotations

from collections.abc import Sequence

from casnb.base.errors import neutral
from casnb.base.view import Shown
from casnb.checks.view import html_sentence
from casnb.teach.worldmap.standing import Standing, doors
from casnb.teach.worldmap.view import STYLE, map_text, render_map, render_map_text


class WorldMap(Shown):
    """How every gate stands for one report and one set of flags, and who comes through.

    `verdict` and `sentence` are the appraisal's. Where there is width for it each gate has a row,
    elsewhere two walls, or one; the text form says the same.
    """

    def __init__(self, standing: Sequence[Standing], verdict: str, sentence: str) -> None:
        self.standing, self.verdict, self.sentence = tuple(standing), verdict, sentence

    @property
    def inside(self) -> tuple[str, ...]:
        """The attacks that come through: the arrows of the map."""
        return tuple(a.name for a in doors(self.standing))

    def __str__(self) -> str:
        return f"{neutral(self.sentence, 700)}\n\n{map_text(self.standing)}"

    def __repr__(self) -> str:
        return f"<WorldMap: {len(self.inside)} doors open>"

    def _html(self) -> str:
        return (
            STYLE
            + html_sentence(self.verdict, self.sentence)
            + f'<div class="wide">{render_map(self.standing)}</div>'
            + render_map_text(self.standing)
        )
