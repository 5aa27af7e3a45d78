"""Slides: each cell's type, one idea a slide, and a page that needs nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from casnb.film.audience import ALONE, parts, slide_types

BOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
def test_every_cell_has_its_type_of_slide(path):
    """The notebooks carry what the rule says; no cell shares a slide with another; a chapter begins
    with a slide, and what a reader does alone is none.
    """
    cells = nbformat.read(path, 4).cells
    kinds = [c.metadata["slideshow"]["slide_type"] for c in cells]
    assert kinds == slide_types(cells) and set(kinds) == {"slide", "subslide", "skip"}
    assert kinds[0] == "slide"
    for part, kind in zip(parts(cells), kinds, strict=True):
        assert (kind == "skip") == (part in ALONE)
