"""What a film says: captions, code and outputs; a changed lesson is noticed, and where."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat
import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.film import said
from casnb.film.overlay import Overlay, read_overlay
from casnb.film.said import Line, differences, lines_of, read_record, text_of, write_record
from casnb.film.storyboard import read_storyboard, storyboard

ROOT = Path(__file__).resolve().parents[2]
FILMS = sorted((ROOT / "docs" / "films").glob("[0-9]*.yaml"))


def lesson(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook of some cells."""
    return nbformat.v4.new_notebook(cells=list(cells))


def prose(id: str, text: str, *tags: str) -> nbformat.NotebookNode:
    """A cell of prose."""
    return nbformat.v4.new_markdown_cell(text, id=id, metadata={"tags": list(tags)})


def code(id: str, text: str, *tags: str) -> nbformat.NotebookNode:
    """A cell of code."""
    return nbformat.v4.new_code_cell(text, id=id, metadata={"tags": list(tags)})


BOOK = lesson(
    prose("t-title", "# Title\n\nThe **first** words of `casnb`."),
    code("t-setup", "import json", "setup"),
    prose("t-why", "Look at [the sum](https://example.org)."),
    code("t-sum", "1 + 1"),
    prose("t-ex", "## Exercise\n\nAdd.", "exercise"),
    code("t-ex-run", "print('question')"),
    code("t-ex-answer", "answer = ...", "answer"),
    code("t-ex-check", "check(answer)", "check"),
    prose("t-decide", "## Decide\n\nPut a value in place of the dots."),
    code("t-decide-run", "mine = ...\nsign(mine)"),
    code("t-ask", "ask()", "question"),
    prose("t-end", "The end."),
)
OUTPUTS = {"t-sum": [{"output_type": "execute_result", "data": {"text/plain": "2"}}]}


def test_prose_is_spoken_and_exercises_are_left_out():
    """Marks of Markdown are not spoken; what a reader does alone is neither shown nor run."""
    board = storyboard("t", BOOK, Overlay())
    assert [(s.cell, s.says) for s in board.shown] == [
        ("t-title", "The first words of casnb."),
        ("t-why", "Look at the sum."),
        ("t-sum", ""),
        ("t-end", "The end."),
    ]
    assert [s.cell for s in board.shots if s.runs] == ["t-setup", "t-sum"]
    assert (board.title, board.shots[0].card, board.shots[2].card) == ("Title", True, False)


def test_an_overlay_of_another_lesson_is_refused(tmp_path):
    """A cell that was renamed is named, with its line and the nearest one."""
    path = tmp_path / "t.yaml"
    path.write_text("film: 1\ncells:\n  t-tittle: {pause: 1}\n")
    with pytest.raises(UsageError, match=r"t\.yaml: cells\.t-tittle at line 3.*mean t-title\?"):
        storyboard("t", BOOK, read_overlay(path))


def changed(cell: str, source: str) -> nbformat.NotebookNode:
    """The lesson with another source of one cell."""
    book = copy.deepcopy(BOOK)
    next(c for c in book.cells if c.id == cell).source = source
    return book


def without(cell: str) -> nbformat.NotebookNode:
    """The lesson without a cell."""
    book = copy.deepcopy(BOOK)
    book.cells = [c for c in book.cells if c.id != cell]
    return book


def swapped() -> nbformat.NotebookNode:
    """The lesson with its last prose first."""
    book = copy.deepcopy(BOOK)
    book.cells.insert(0, book.cells.pop())
    return book


CHANGES = {
    "a word of prose": (
        changed("t-why", "Look at the product."),
        OUTPUTS,
        "t-why: caption: got 'Look at the product.', wanted 'Look at the sum.'.",
    ),
    "code": (changed("t-sum", "1 + 2"), OUTPUTS, "t-sum: code: got '1 + 2', wanted '1 + 1'."),
    "an output": (
        BOOK,
        {"t-sum": [{"output_type": "stream", "text": "3"}]},
        "t-sum: output: got '3', wanted '2'.",
    ),
    "an output less": (BOOK, {}, "t-sum: output: got nothing, wanted '2'."),
    "an output more": (
        BOOK,
        {"t-sum": [*OUTPUTS["t-sum"], {"output_type": "stream", "text": "again"}]},
        "t-sum: output: line 2: got 'again', wanted nothing.",
    ),
    "a cell less": (
        without("t-why"),
        OUTPUTS,
        "t-why: got no such cell, wanted the one of the last film.",
    ),
    "another order": (
        swapped(),
        OUTPUTS,
        "t-title: got another place, wanted the order of the last film.",
    ),
}


@pytest.mark.parametrize("book, outputs, sentence", CHANGES.values(), ids=CHANGES)
def test_a_change_is_named(book, outputs, sentence):
    """One sentence for each change: the cell, what it says, what the last film said."""
    wanted = lines_of(storyboard("t", BOOK, Overlay()), OUTPUTS)
    assert differences(wanted, wanted) == []
    assert differences(lines_of(storyboard("t", book, Overlay()), outputs), wanted) == [sentence]


def test_a_new_cell_is_named():
    """A cell that no film has."""
    wanted = lines_of(storyboard("t", without("t-why"), Overlay()), OUTPUTS)
    assert differences(lines_of(storyboard("t", BOOK, Overlay()), OUTPUTS), wanted) == [
        "t-why: got a cell, wanted none: it is not in the last film."
    ]


def test_the_record_is_what_was_written(tmp_path):
    """Reading gives back what was written; another form is refused."""
    lines = [Line("a", says="\u201cYes\u201d"), Line("b", code="1\n2", shows="3")]
    path = tmp_path / "film.said.json"
    path.write_text(write_record(lines), encoding="utf-8")
    assert read_record(path) == lines
    path.write_text(json.dumps({"film": 1, "said": [{"cell": "a", "sings": "la"}]}))
    with pytest.raises(Exception, match="got another form"):
        read_record(path)
    with pytest.raises(SourceError, match="Make the film once"):
        read_record(tmp_path / "absent.json")


STEADY = {
    "an address": ("CAS at 127.4.5.6:41873", "CAS at 127.x.y.z"),
    "a line of OpenSSL's source": ("failed (_ssl.c:1006)", "failed (_ssl.c)"),
    "an error of curl": ("curl: (35) OpenSSL/3.0.22: error", "curl: (refused)"),
    "a place in memory": ("<object at 0x7f00aa11bb22>", "<object at 0x>"),
    "colours": ("\x1b[1mbold\x1b[0m", "bold"),
    "spaces at the end": ("a  \nb", "a\nb"),
}


@pytest.mark.parametrize("text, wanted", STEADY.values(), ids=STEADY)
def test_what_differs_between_machines_is_no_difference(text, wanted):
    """Ports, memory and other people's error numbers are not the lesson."""
    assert said.steady(text) == wanted


def test_a_value_is_a_difference():
    """What only looks like chance, such as a hash, counts."""
    assert said.steady("ab12" * 16) != said.steady("ab13" * 16)


def test_outputs_say_what_a_viewer_sees():
    """HTML without its style, an error by its words; a panel alive says nothing here."""
    html = "<style>p{}</style><table><tr><th>a</th><td>1</td></tr><tr><td>b</td></tr></table>"
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Panel(id=7)"}
    assert text_of([{"data": {"text/html": html}}, {"data": widget}]) == "a 1\nb"
    assert text_of([{"ename": "ValueError", "evalue": "no"}]) == "ValueError: no"


@pytest.mark.parametrize("path", FILMS, ids=lambda p: p.stem)
def test_overlays_of_the_project_fit_their_lessons(path):
    """Each overlay names cells that there are, and beside it is kept what its film says. Whether
    that is still what the lesson says, `casnb screencast NN --check` finds out.
    """
    board = read_storyboard(ROOT / "notebooks" / f"{path.stem}.ipynb", read_overlay(path))
    kept = {line.cell for line in read_record(said.record_path(path))}
    assert len(board.shown) > 20 and {s.cell for s in board.shown[:3]} & kept
