"""Renew the exercise cells of the notebooks from the chapters' data, the minutes in their titles,
and each cell's type of slide: `make notebooks`. With --check nothing is written, and notebooks that
are behind end with 1.

Ids, tags and other metadata of cells stay as they are. An exercise that has no cells yet is put
behind the last one of its chapter.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from doctables.chapters import minutes
from nbformat import NotebookNode

from casnb.film.audience import slide_types
from casnb.simulator.world import World
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.exercises import CHAPTERS, book_of, of_chapter
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.progress import heading
from casnb.teach.course.questions import Question, questions
from casnb.teach.course.slips import told
from casnb.teach.facts import PRACTICE, Facts

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
_PART = re.compile("-(?:run|answer|check)$")
_TIME = re.compile(r"Time: about \d+ minutes\.")
_CHECK = re.compile(r'lab\.check\("([^"]+)", \w+\)')


def shown_by(task: Exercise) -> str:
    """Return the cell that puts the question in the reader's own world; empty where its words are
    the same in all.
    """
    if isinstance(task.judge, Choice):
        return f'lab.quiz("{task.id}")'
    if isinstance(task.judge, Pairing) or not isinstance(task.question, str):
        return f'lab.task("{task.id}")'
    return ""


def text_of(task: Exercise, facts: Facts) -> str:
    """Return the text above an exercise: the question, unless a cell shows it, and the way on."""
    ask = (
        "The next cell puts the question."
        if shown_by(task)
        else f"{told(task.question, facts)}\n\n**Given:** {told(task.given, facts)}. **Answer:** "
        f"{told(task.wanted, facts)}."
    )
    if isinstance(task.judge, Choice):
        ask = (
            f'Choose a sentence below. Where there are no buttons, `lab.task("{task.id}")` lists'
            " the sentences with letters, and the letter is the answer."
        )
    return (
        f"## {heading(task.title)}\n\n{ask}\n\n"
        f'`lab.hint("{task.id}")` goes one step further each time; `lab.solution("{task.id}")`'
        " opens once you have tried."
    )


def answer_of(task: Exercise) -> str:
    """Return the cell for the answer: one assignment of three dots."""
    form = ""
    if isinstance(task.judge, Pairing):
        form = "# {" + ", ".join(f'"{k}": "?"' for k in task.judge.keys) + "}\n"
    return f"{form}{task.name} = ..."


def cells_of(task: Exercise, base: str, facts: Facts) -> list[NotebookNode]:
    """Return the cells of one exercise: text, question, answer, check."""
    made: list[tuple[str, str, str, str]] = [("", "markdown", "exercise", text_of(task, facts))]
    if shown := shown_by(task):
        made.append(("-run", "code", "", shown))
    made.append(("-answer", "code", "answer", answer_of(task)))
    made.append(("-check", "code", "check", f'lab.check("{task.id}", {task.name})'))
    return [_cell(kind, base + tail, tag, source) for tail, kind, tag, source in made]


def _cell(kind: str, id: str, tag: str, source: str) -> NotebookNode:
    metadata = {"tags": [tag]} if tag else {}
    if kind == "code":
        return nbformat.v4.new_code_cell(source, id=id, metadata=metadata)
    return nbformat.v4.new_markdown_cell(source, id=id, metadata=metadata)


def renewed(book: NotebookNode, name: str) -> NotebookNode:
    """Return a notebook whose exercise cells are those of the data, in its own order."""
    chapter = name[:2]
    facts = Facts(World(PRACTICE))
    tasks = {t.id: t for t in of_chapter(chapter)}
    groups: dict[str, Any] = {}
    place: dict[str, str] = {}
    for cell in book.cells:
        if found := _CHECK.fullmatch(cell.source):
            place[cell.id.removesuffix("-check")] = found[1]
    out: list[NotebookNode] = []
    for cell in book.cells:
        base = next((b for b in place if _PART.sub("", cell.id) == b or cell.id == b), "")
        if not base:
            out.append(cell)
        elif base not in groups and place[base] in tasks:
            groups[base] = cells_of(tasks[place[base]], base, facts)
            out += groups[base]
    last = max((n for n, c in enumerate(out) if "check" in c.metadata.get("tags", [])), default=0)
    new = [t for t in tasks.values() if t.id not in place.values() and book_of(t.id) == name]
    for task in reversed(new):
        base = f"{chapter}-ex-{task.id.partition('.')[2]}"
        out[last + 1 : last + 1] = cells_of(task, base, facts)
    book.cells = with_questions(out, chapter)
    title = book.cells[0]
    title.source = _TIME.sub(f"Time: about {minutes(book)} minutes.", title.source)
    for cell, kind in zip(book.cells, slide_types(book.cells), strict=True):
        cell.metadata["slideshow"] = {"slide_type": kind}
    return book


def with_questions(cells: list[NotebookNode], chapter: str) -> list[NotebookNode]:
    """Return cells with the questions of a chapter where they arise, and before its end what was
    said and how far it is done.
    """
    asked: dict[str, list[Question]] = {}
    here = {c.id for c in cells}
    parts = bool(CHAPTERS[chapter].second)
    for question in questions().values():
        if question.chapter == chapter and (question.after in here or not parts):
            asked.setdefault(question.after, []).append(question)
    out: list[NotebookNode] = []
    for cell in (c for c in cells if "question" not in c.metadata.get("tags", [])):
        if "recap" in cell.metadata.get("tags", []):
            out.append(_cell("code", f"{chapter}-said", "question", "lab.said()"))
            out.append(_cell("code", f"{chapter}-progress", "question", "lab.progress()"))
        out.append(cell)
        for question in asked.pop(cell.id, []):
            call, part = ("predict", "predict") if question.prediction else ("ask", "ask")
            id = f"{chapter}-{part}-{question.id.partition('.')[2]}"
            out.append(_cell("code", id, "question", f'lab.{call}("{question.id}")'))
    if asked:
        raise SystemExit(f"no cell in chapter {chapter}: " + ", ".join(asked))
    return out


def text(path: Path) -> str:
    """Return a notebook file as it should be."""
    book = renewed(nbformat.read(path, as_version=4), path.stem)
    return nbformat.writes(book, indent=1) + "\n"


def main(words: list[str]) -> int:
    """Write, or with `--check` name, every notebook whose exercises are behind the data."""
    stale = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if text(p) != p.read_text("utf-8")]
    for path in stale:
        print(f"notebooks/{path.name}: " + ("behind; run make notebooks" if words else "renewed"))
        if "--check" not in words:
            path.write_text(text(path), "utf-8")
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
