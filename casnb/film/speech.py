"""Prose as speech: Markdown without its marks, and sentences cut into captions of two lines."""

from __future__ import annotations

import re

import mistune
from bs4 import BeautifulSoup

#: Characters of one caption: two lines of 42, which everybody can read while it is spoken.
CAPTION = 84
_SENTENCE = re.compile(r"(?<=[.?!])[\"')\u201d]?\s+(?=[^a-z\s])")
_PAUSES = (re.compile(r"(?<=[,;:])\s+"), re.compile(r"\s+"))


def heading_of(markdown: str) -> str:
    """Return the heading that a cell begins with; empty where there is none."""
    found = re.match(r"#{1,4} +(.+)", markdown)
    return spoken(found[1]) if found else ""


def spoken(markdown: str) -> str:
    """Return prose as it is spoken: paragraphs and items of lists. Headings, tables and blocks of
    code are on the picture alone.
    """
    if "\n" not in markdown and not markdown.startswith("#"):
        return _plain(str(mistune.html(markdown)))
    page = BeautifulSoup(str(mistune.html(markdown)), "html.parser")
    for part in page.find_all(["h1", "h2", "h3", "h4", "table", "pre"]):
        part.decompose()
    rows = [_ended(_plain(str(p))) for p in page.find_all(["p", "li"]) if not p.find("p")]
    return " ".join(filter(None, rows))


def shown_text(html: str) -> str:
    """Return what a reader sees of HTML, line by line; style and script are not seen."""
    page = BeautifulSoup(html, "html.parser")
    for part in page.find_all(["style", "script", "template"]):
        part.decompose()
    for part in page.find_all(["tr", "li", "p", "div", "h2", "h3", "h4", "caption", "br", "pre"]):
        part.insert_before("\n")
    lines = (" ".join(line.split()) for line in page.get_text(" ").split("\n"))
    return "\n".join(line for line in lines if line)


def _plain(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").get_text().split())


def _ended(text: str) -> str:
    return text if not text or text[-1] in ".?!:" else text + "."


def captions(text: str) -> list[str]:
    """Return a text in captions, each of at most `CAPTION` characters where words allow it: whole
    sentences where they fit, else cut at a comma, else between words.
    """
    out: list[str] = []
    for sentence in filter(None, _SENTENCE.split(text)):
        out += _cut(sentence)
    return out


def _cut(sentence: str) -> list[str]:
    count = -(-len(sentence) // CAPTION)
    if count <= 1:
        return [sentence]
    middle = len(sentence) / count
    for pause in _PAUSES:
        places = [m for m in pause.finditer(sentence) if m.start() <= CAPTION]
        if pause is _PAUSES[0]:
            places = [m for m in places if m.start() >= CAPTION // 3]
        if places:
            at = min(places, key=lambda m: abs(m.start() - middle))
            return [sentence[: at.start()], *_cut(sentence[at.end() :])]
    return [sentence]
