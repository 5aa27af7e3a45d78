"""Slides in a real browser: nothing is fetched, nothing is cut off, nothing is small."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from casnb.film import equipment
from casnb.film.overlay import Overlay
from casnb.film.slideshow import HEIGHT, WIDTH, page, slides_of
from casnb.film.storyboard import read_storyboard, storyboard
from casnb.teach.render import Way

BOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
ROWS = "".join(
    f"<tr><td>check {n}</td><td>{'compared, and found equal ' * 3}</td></tr>" for n in range(70)
)
TABLE = f'<div class="casnb"><table><tbody>{ROWS}</tbody></table></div>'
PROSE = " ".join(["A check that was switched off is waived, never passed."] * 24)

#: What is seen of the present slide: its height, how far right it reaches, and its smallest words.
SEEN = """() => {
  const there = [...document.querySelectorAll("section.present")];
  const slide = there.find((s) => !s.querySelector("section"));
  const room = slide.querySelector(".slide-room"), sizes = [], words = [];
  const texts = document.createTreeWalker(room, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement, range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const at = range.getBoundingClientRect();
    if (!texts.currentNode.textContent.trim() || e.closest("style") || at.width < 2) continue;
    const drawn = e.closest("text"), size = parseFloat(getComputedStyle(e).fontSize);
    sizes.push(size * (drawn ? drawn.getScreenCTM().a : e.currentCSSZoom));
    if (at.bottom <= innerHeight && at.top >= 0) words.push(texts.currentNode.textContent);
  }
  return {
    height: room.getBoundingClientRect().height,
    right: Math.max(...[...room.querySelectorAll("*")].map((e) => e.getBoundingClientRect().right)),
    least: Math.min(...sizes),
    words,
  };
}"""


#: The same of all slides, one after another.
ALL = """() => {
  const seen = SEEN, out = [];
  for (let n = Reveal.getTotalSlides(); n; n--, Reveal.next()) out.push(seen());
  return out;
}""".replace("SEEN", SEEN)


def fits(seen):
    """Whether a slide is within the picture and its words can be read from the last row."""
    inside = seen["height"] <= HEIGHT + 1 and seen["right"] <= WIDTH + 1
    return inside and seen["least"] >= 23


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A page of slides: short and long prose, code, a small output, a picture, a table that is
    several slides high.
    """
    made = [
        (nbformat.v4.new_markdown_cell("# A small lesson\n\nOne and one."), ()),
        (nbformat.v4.new_markdown_cell(PROSE), ()),
        (nbformat.v4.new_code_cell("1 + 1"), [{"text/plain": "2"}]),
        (nbformat.v4.new_code_cell("Way()"), [{"text/html": Way()._html()}]),
        (nbformat.v4.new_code_cell("checks"), [{"text/html": TABLE}]),
    ]
    outputs = {}
    for number, (cell, shown) in enumerate(made):
        cell["id"] = f"x-{number}"
        outputs[cell["id"]] = [nbformat.v4.new_output("display_data", data) for data in shown]
    board = storyboard("x", nbformat.v4.new_notebook(cells=[c for c, _ in made]), Overlay())
    (reveal,) = equipment.find(equipment.REVEAL)
    path = tmp_path_factory.mktemp("slides") / "x.html"
    path.write_text(page(slides_of(board, outputs), Path(reveal)), encoding="utf-8")
    return path


def opened(path, context):
    """Return a page of slides once they stand, and what it asked for."""
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.wait_for_function("document.body.classList.contains('ready') && Reveal.isReady()")
    return tab, asked


@pytest.fixture
def room(browser):
    """Windows of the size of the picture."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    yield context
    context.close()


def test_each_slide_fits_and_can_be_read(lesson, room):
    """From first to last: no slide is higher or wider than the picture, no words are under 23 px,
    every row of the table is on some slide, and the page asked for itself alone.
    """
    tab, asked = opened(lesson, room)
    count = tab.evaluate("Reveal.getTotalSlides()")
    assert count > 5, "the table alone is several slides high"
    words: list[str] = []
    for number in range(count):
        seen = tab.evaluate(SEEN)
        assert fits(seen), (number, seen)
        words += seen["words"]
        tab.keyboard.press("Space")
    assert {f"check {n}" for n in range(70)} <= set(words)
    assert len(asked) == 1


@pytest.mark.soak
def test_prose_and_code_of_every_lesson_fit(room, tmp_path):
    """Of all notebooks, before anything has run: no slide of prose or code is cut or small, and no
    lesson's prose takes more than a slide for an idea.
    """
    (reveal,) = equipment.find(equipment.REVEAL)
    for book in BOOKS:
        board = read_storyboard(book, Overlay())
        path = tmp_path / f"{book.stem}.html"
        path.write_text(page(slides_of(board, {}), Path(reveal)), encoding="utf-8")
        tab, asked = opened(path, room)
        slides = tab.evaluate(ALL)
        assert [n for n, seen in enumerate(slides) if not fits(seen)] == [], book.stem
        assert len(slides) == len(board.shown) and len(asked) == 1, book.stem
        tab.close()


def test_slides_are_there_without_a_script(lesson, browser):
    """They stand one below another."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(lesson.as_uri())
    assert tab.get_by_role("heading", name="A small lesson").is_visible()
    assert tab.get_by_text("check 69").is_visible()
    context.close()
