"""The glossary: each term is introduced before it is used, and can be looked up."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from casnb.base.errors import UsageError
from casnb.teach.course.glossary import GLOSSARY, Word, word, words

PATHS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
#: Prose in reading order: cell id and source. A title names what the chapter is about before it
#: can explain it.
PROSE = [
    (c.id, c.source)
    for path in PATHS
    for c in nbformat.read(path, as_version=4).cells
    if c.cell_type == "markdown" and "title" not in c.metadata.get("tags", ())
]


def plain(source: str) -> str:
    """Prose as it is read: without code, links' targets and headings."""
    source = re.sub(r"`[^`]*`|\]\([^)]*\)|(?m:^#+ .*$)", " ", source)
    return re.sub(r"<[^>]*>", " ", source)


def uses(term: Word, source: str) -> bool:
    """Whether a text uses a term in one of its spellings."""
    names = "|".join(map(re.escape, term.spellings))
    return re.search(rf"(?<![\w-])(?:{names})(?![\w-])", source) is not None


def first_use(term: Word) -> str:
    """The cell that uses a term first."""
    return next((id for id, source in PROSE if uses(term, plain(source))), "nowhere")


@pytest.mark.parametrize("term", GLOSSARY, ids=lambda w: w.term)
def test_a_term_is_introduced_where_it_is_first_used(term):
    """The first text that uses it is the one that the glossary names, and sets it off."""
    assert first_use(term) == term.cell
    source = dict(PROSE)[term.cell]
    names = "|".join(map(re.escape, term.spellings))
    assert re.search(rf"\*(?:a |an |the )?(?:{names})\*", source, re.IGNORECASE), source


def test_terms_are_in_the_order_of_their_introduction():
    """The table reads as the course does."""
    ids = [id for id, _ in PROSE]
    places = [ids.index(w.cell) for w in GLOSSARY]
    assert places == sorted(places)
    assert len({s.casefold() for w in GLOSSARY for s in {w.term}}) == len(GLOSSARY)


@pytest.mark.parametrize("spelled", ["TCB", "tcb", " Quotes ", "mrenclave"])
def test_a_word_is_found_however_it_is_spelled(spelled):
    """Case, plural and spaces do not matter."""
    found = word(spelled)
    assert found.meaning in str(found) and found.term in words(spelled)._html()


def test_an_unknown_word_names_the_nearest():
    """A typing mistake is answered with the term that was meant."""
    with pytest.raises(UsageError, match="MRENCLAVE"):
        word("MRENCLAV")


def test_all_words_without_a_name():
    """The whole table has every term."""
    assert len(words().words) == len(GLOSSARY)
