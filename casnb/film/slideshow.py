"""A lesson as slides: one page of HTML that holds all it needs, made by nbconvert and shown by
reveal.js, whose code is put into the page. Nothing is fetched when it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from casnb.base.errors import SourceError
from casnb.film.audience import SIZES
from casnb.film.storyboard import Shot, Storyboard

#: A picture of so many pixels; a browser scales it to its window.
WIDTH, HEIGHT = 1920, 1080
_WIDGET = "application/vnd.jupyter.widget-view+json"
#: What reveal.js consists of, below its folder.
_PARTS = {
    "reveal_css": "dist/reveal.css",
    "reveal_js": "dist/reveal.js",
    "notes_js": "plugin/notes/notes.js",
}

Outputs = Mapping[str, Sequence[Mapping[str, Any]]]


def slides_of(board: Storyboard, outputs: Outputs) -> NotebookNode:
    """Return a notebook of slides alone: each cell that an audience sees, code with what came of
    it, is one. What the overlay speaks at a cell are the speaker's notes.

    The page's script parts code from its output, and cuts an output below a row, where a slide
    would be higher than the picture: only a browser knows how high something is.
    """
    book: NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    book.metadata["title"] = board.title
    for shot in board.shown:
        of_cell = board.book.cells[shot.index].metadata.get("slideshow", {}).get("slide_type", "")
        kind = "slide" if of_cell == "slide" or not book.cells else "subslide"
        book.cells.append(_slide(shot, kind, outputs.get(shot.cell, ())))
        if shot.notes.say:
            notes = nbformat.v4.new_markdown_cell(shot.notes.say)  # type: ignore[no-untyped-call]
            book.cells.append(_typed(notes, "notes"))
    return book


def _slide(shot: Shot, kind: str, outputs: Sequence[Mapping[str, Any]]) -> NotebookNode:
    if not shot.code:
        return _typed(nbformat.v4.new_markdown_cell(shot.source), kind)  # type: ignore[no-untyped-call]
    made = nbformat.v4.new_code_cell(shot.source)  # type: ignore[no-untyped-call]
    made.outputs = [_still(output) for output in outputs if _seen(output)]
    return _typed(made, kind)


def _typed(cell: NotebookNode, kind: str) -> NotebookNode:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _seen(output: Mapping[str, Any]) -> bool:
    """A live panel is not: its saved form stands beside it."""
    data = output.get("data", {})
    return _WIDGET not in data or "text/html" in data


def _still(output: Mapping[str, Any]) -> NotebookNode:
    made: NotebookNode = nbformat.from_dict(dict(output))  # type: ignore[no-untyped-call]
    if "data" in made:
        made.data = {k: v for k, v in made.data.items() if k != _WIDGET}
    return made


def page(book: NotebookNode, reveal: Path) -> str:
    """Return slides as one page; `reveal` is the folder of reveal.js. Raises SourceError where a
    part of it is not there.
    """
    from nbconvert.exporters import SlidesExporter

    here = files(__package__)
    with as_file(here.joinpath("slides")) as folder:
        exporter = SlidesExporter(  # type: ignore[no-untyped-call]
            template_name="slides", extra_template_basedirs=[str(folder.parent)]
        )
        exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
        parts = {name: _part(reveal / path) for name, path in _PARTS.items()}
        parts |= {
            "page_css": here.joinpath("slides/slides.css").read_text("utf-8"),
            "page_js": here.joinpath("slides/slides.js").read_text("utf-8"),
            "sizes": "".join(f"--jp-{name}:{size}px;" for name, size in SIZES.items()),
        }
        html, _ = exporter.from_notebook_node(
            book, resources={"casnb": {**parts, "width": WIDTH, "height": HEIGHT}}
        )
    return str(html)


def _part(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as exc:
        raise SourceError(
            f"reveal.js: {path.name}",
            got=getattr(exc, "strerror", None) or type(exc).__name__,
            wanted="a file of reveal.js 5",
            do="pip install --force-reinstall sphinx-revealjs",
        ) from None
    # Inside a page no text of it may end the element that holds it, or name a file beside it.
    lines = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL")]
    return "\n".join(lines).replace("</script", "<\\/script").replace("</style", "<\\/style")
