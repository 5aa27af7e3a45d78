"""Slides: each cell's type, one idea a slide, and a page that needs nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from casnb.base.errors import SourceError
from casnb.film import equipment
from casnb.film.audience import ALONE, parts, slide_types
from casnb.film.overlay import CellNotes, Overlay
from casnb.film.slideshow import page, slides_of
from casnb.film.storyboard import storyboard

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


@pytest.fixture
def reveal(tmp_path):
    """A folder as reveal.js has it, in which little is done."""
    for name in ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f'"{name}</script>"\n//# sourceMappingURL=x.map\n')
    return tmp_path


@pytest.fixture
def board():
    """A lesson with something for each kind of part, and what its speaker says at one of them."""
    make = nbformat.v4
    cells = [
        make.new_markdown_cell("# Title & more", id="x-title"),
        make.new_code_cell("secret_setup = 1", id="x-setup", metadata={"tags": ["setup"]}),
        make.new_code_cell("panel", id="x-panel"),
        make.new_code_cell("lab.check('x', y)", id="x-check", metadata={"tags": ["check"]}),
    ]
    notes = Overlay(cells={"x-panel": CellNotes(say="Look at the second row.")})
    return storyboard("x", make.new_notebook(cells=cells), notes)


WIDGET = "application/vnd.jupyter.widget-view+json"
OUTPUTS = {
    "x-panel": [
        {
            "output_type": "display_data",
            "data": {WIDGET: {}, "text/plain": "VBox()"},
            "metadata": {},
        },
        {
            "output_type": "display_data",
            "data": {"text/html": "<p>saved form</p>", "text/plain": "plain"},
            "metadata": {},
        },
    ]
}


def test_a_slide_has_what_an_audience_sees(board, reveal):
    """Prose, code and a panel's saved form; no live panel, nothing that a reader does alone; what
    is spoken is a note.
    """
    made = slides_of(board, OUTPUTS)
    kinds = [c.metadata.slideshow.slide_type for c in made.cells]
    assert kinds == ["slide", "subslide", "notes"]
    html = page(made, reveal)
    for seen in ("<title>Title &amp; more", "<p>saved form</p>", "Look at the second row."):
        assert seen in html
    for unseen in ("secret_setup", "lab.check", "VBox()", WIDGET):
        assert unseen not in html


def test_the_page_loads_nothing(board, reveal):
    """No script, style, picture or frame has an address, and no text of reveal.js ends its
    element.
    """
    guard = pytest.importorskip("sitebuild.guard")
    path = reveal / "x.html"
    path.write_text(page(slides_of(board, OUTPUTS), reveal), encoding="utf-8")
    (read,) = guard.read(path.parent).values()
    assert read.loads == [] and guard.faults(path.parent) == []
    text = path.read_text(encoding="utf-8")
    assert text.count("</script>") == 3 and "sourceMappingURL" not in text


def test_reveal_is_found_or_asked_for(casnb, monkeypatch, reveal, tmp_path):
    """A folder that the reader names counts first; without any, the error says how to get one."""
    monkeypatch.setenv(equipment.REVEAL_VARIABLE, str(reveal))
    assert equipment.find(equipment.REVEAL) == [str(reveal)]
    monkeypatch.setenv(equipment.REVEAL_VARIABLE, str(tmp_path / "nowhere"))
    run = casnb("slides", "00", "--out", tmp_path / "out")
    assert run.exit_code == 3 and "slides: got no reveal.js" in run.stderr
    assert "pip install 'casnb[slides]'" in run.stderr and not (tmp_path / "out").exists()


def test_a_damaged_reveal_is_named(board, reveal):
    """A part that is not there is told by its name."""
    (reveal / "plugin/notes/notes.js").unlink()
    with pytest.raises(SourceError, match=r"notes\.js"):
        page(slides_of(board, OUTPUTS), reveal)
