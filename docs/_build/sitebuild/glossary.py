"""The words of the course on one page, each with the places that use it; and on every page the
words that it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from casnb.teach.course.glossary import GLOSSARY, Word
from sitebuild.markdown import anchor, lines, md, target

#: A use: the page's path without ending, a place on it, and what to call it.
Use = tuple[str, str, str]


def _pattern(word: Word) -> re.Pattern[str]:
    spelled = "|".join(re.escape(s) for s in sorted(word.spellings, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{spelled})(?![\w-])")


PATTERNS = {word.term: _pattern(word) for word in GLOSSARY}


def used(text: str) -> list[Word]:
    """Return the words that a text uses, in the order of the course."""
    return [word for word in GLOSSARY if PATTERNS[word.term].search(text)]


def footer(words: Iterable[Word], up: str = "../") -> str:
    """Return the line below a page that leads to the words it uses."""
    listed = ", ".join(anchor(w.term, f"{up}words.html#{w.name}") for w in words)
    return f'<p class="words">Words: {listed}.</p>' if listed else ""


def page(uses: Mapping[str, list[Use]], book_of: Mapping[str, str]) -> str:
    """Return the page of all words: meaning, where it is introduced, and each place that uses it.

    `uses` holds them by term; lessons come one by one, the rest in a fold. `book_of` names
    the notebook of a cell.
    """
    out: list[str] = []
    for word in GLOSSARY:
        there = uses.get(word.term, [])
        lessons = [u for u in there if u[0].startswith("lessons/")]
        rest = [u for u in there if u not in lessons]
        out += ["", f"## {md(word.term)}", "", target(word.name), "", md(word.sentence), ""]
        first = anchor(word.cell[:2], f"lessons/{book_of[word.cell]}.html#{word.cell}")
        out += [f"Introduced in {first}; used in {_links(lessons)}."]
        if rest:
            out += [
                "",
                f"<details><summary>{len(rest)} pages that use it</summary>",
                f"<p>{_links(rest)}</p></details>",
            ]
    return lines(
        "# Words",
        "",
        "Each term with its meaning, the lesson cell that introduces it, and the pages that use it."
        ' In a notebook: `lab.word("TCB")`.',
        out,
    )


def _links(uses: Iterable[Use]) -> str:
    return ", ".join(
        anchor(words, f"{path}.html" + (f"#{place}" if place else ""))
        for path, place, words in uses
    )
