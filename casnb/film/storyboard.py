"""A film before it is shot: which cells are shown, run and spoken, in the order of the lesson."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from casnb.base.errors import SourceError, UsageError
from casnb.film.audience import parts, source_of
from casnb.film.overlay import CellNotes, Overlay
from casnb.film.speech import heading_of, spoken

#: Bytes that a notebook may have.
_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Shot:
    """One cell: whether it runs and is shown; `says` is spoken, and stands under the picture
    until the next prose. A `card` is prose that is the picture itself: it has a heading or a
    table.
    """

    cell: str
    index: int
    code: bool
    shown: bool
    runs: bool
    source: str
    says: str = ""
    heading: str = ""
    card: bool = False
    notes: CellNotes = field(default_factory=CellNotes)


@dataclass(frozen=True)
class Storyboard:
    """A notebook's shots, in order."""

    name: str
    title: str
    book: NotebookNode
    overlay: Overlay
    shots: tuple[Shot, ...]

    @property
    def shown(self) -> list[Shot]:
        """The shots that a viewer sees."""
        return [shot for shot in self.shots if shot.shown]


def read_storyboard(path: Path, overlay: Overlay) -> Storyboard:
    """Read a notebook as a film. Raises SourceError for a file that is not a notebook, UsageError
    for an overlay that speaks of cells which it does not have.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise ValueError(f"more than {_LIMIT} bytes")
        book = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(book)
    except OSError as exc:
        raise SourceError(
            str(path), got=exc.strerror or type(exc).__name__, wanted="a notebook"
        ) from None
    except Exception as exc:  # nbformat and jsonschema have errors of many kinds
        raise SourceError(str(path), got=f"{exc}".split("\n")[0], wanted="a notebook") from None
    return storyboard(path.stem, book, overlay)


def storyboard(name: str, book: NotebookNode, overlay: Overlay) -> Storyboard:
    """Return a notebook's shots under an overlay."""
    known = [str(cell.get("id", "")) for cell in book.cells]
    _refuse_unknown(overlay, known, name)
    shots = tuple(
        _shot(index, cell, part, overlay.cells)
        for index, (cell, part) in enumerate(zip(book.cells, parts(book.cells), strict=True))
    )
    title = next((s.heading for s in shots if s.heading), name)
    return Storyboard(name, title, book, overlay, shots)


def _refuse_unknown(overlay: Overlay, known: Sequence[str], name: str) -> None:
    for id, notes in overlay.cells.items():
        if id not in known:
            near = get_close_matches(id, known, 1, 0.6)
            raise UsageError(
                f"{overlay.name}: cells.{id} at line {notes.line}",
                got=f"cell {id!r}",
                wanted=f"a cell of {name}",
                do=f"Did you mean {near[0]}?" if near else "Take it out.",
            )


def _shot(index: int, cell: NotebookNode, part: str, all_notes: Mapping[str, CellNotes]) -> Shot:
    notes = all_notes.get(cell.get("id", ""), CellNotes())
    code, source = cell.cell_type == "code", source_of(cell)
    by_itself = part in ("idea", "shown")
    shown = (by_itself if notes.show is None else notes.show) and notes.run
    heading = "" if code else heading_of(source)
    return Shot(
        cell=str(cell.get("id", index)),
        index=index,
        code=code,
        shown=shown,
        # What opens the lab has to run; what waits for a reader's answer has not.
        runs=code and notes.run and (shown or by_itself or part == "setup"),
        source=source,
        says=notes.say or ("" if code else spoken(source)),
        heading=heading,
        card=not code and (bool(heading) or "\n|" in source),
        notes=notes,
    )
