"""Every address of the documentation that commands and notebooks print, to be held against the
pages that there are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from doctables.commands import every_command
from nbformat import NotebookNode

from casnb.base.documentation import BASE
from casnb.explain.line import explain
from casnb.explain.why import explain_message
from casnb.mallory.attacks import ATTACKS
from casnb.teach.course.exercises import CHAPTERS, of_chapter
from casnb.teach.course.glossary import GLOSSARY
from sitebuild import guides
from sitebuild.addresses import addresses
from sitebuild.pages import EVERY_CHECK, EVERY_FLAG, EVERY_MESSAGE

#: Where the site is said to be, so that an address can be told from all other text.
_SITE = "https://docs.invalid"
_WHOLE = re.compile(re.escape(_SITE) + r"/(?P<page>[\w/-]+)\.html(?P<place>#[\w-]+)?")
#: Who prints, and the page and place that it names: `flags/x`, `words#tcb`.
Printed = tuple[str, str]


@contextmanager
def _site_known() -> Iterator[None]:
    before = os.environ.get(BASE)
    os.environ[BASE] = _SITE
    try:
        yield
    finally:
        os.environ.pop(BASE)
        if before is not None:
            os.environ[BASE] = before


def by_commands() -> list[Printed]:
    """Return what `casnb explain` prints for each flag, `casnb why` for each message and check,
    `casnb attack` for each attack and `lab.word` for each term.
    """
    with _site_known():
        return [(who, address) for who, text in told() for address in _whole(text)]


def told() -> Iterator[tuple[str, str]]:
    """Yield each question that is put, and the text that answers it."""
    for flag in EVERY_FLAG.values():
        line = f"scone cas attest {flag.option} cas"
        yield f"casnb explain {line!r}", str(explain(line))
    for row in EVERY_MESSAGE.values():
        for wording in row.wordings:
            yield f"casnb why {wording.sample!r}", str(explain_message(wording.sample))
    for name in EVERY_CHECK:
        message = f"Check {name} failed"
        yield f"casnb why {message!r}", str(explain_message(message))
    for attack in ATTACKS.values():
        yield f"casnb attack {attack.name}", str(attack)
    for word in GLOSSARY:
        yield f"lab.word({word.term!r})", str(word)


def _whole(text: str) -> list[str]:
    return [m["page"] + (m["place"] or "") for m in _WHOLE.finditer(text)]


def by_notebooks(books: Mapping[str, NotebookNode]) -> list[Printed]:
    """Return what notebooks that ran say in their cells' text and outputs, guides included."""
    out = []
    for slug, book in books.items():
        for cell in book.cells:
            for text in (cell.source, *_outputs(cell)):
                found = [*addresses(text), *guides.named(text)]
                out += [(f"{slug}: {cell.id}", address) for address in found]
    return out


def _outputs(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        yield output.get("text", "")
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield data


def guides_named() -> list[Printed]:
    """Return the guides that help texts and exercises name."""
    texts = [(name, found.help or "") for name, found in every_command().items()]
    texts += [(t.id, str(t.given)) for chapter in CHAPTERS for t in of_chapter(chapter)]
    return [(who, page) for who, text in texts for page in guides.named(text)]


def lost(printed: Iterable[Printed], places: Mapping[str, Iterable[str]]) -> list[str]:
    """Return each address that leads nowhere; `places` holds the places of each page, by its path
    without ending.
    """
    out = []
    for who, address in dict.fromkeys(printed):
        page, _, place = address.partition("#")
        if page not in places or (place and place not in places[page]):
            out.append(f"{who} prints {address}, and there is no such place")
    return out
