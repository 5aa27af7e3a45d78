"""What a built page gets besides: names for landmarks, a keyboard's way to what scrolls, the
reader's way back; and the short addresses that lead to pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from urllib.parse import quote

from casnb.base.documentation import SHORT, docs_path
from casnb.base.way_back import report_to
from casnb.mallory.attacks import ATTACKS
from casnb.teach.course.glossary import GLOSSARY
from casnb.tls.recipes import RECIPES
from sitebuild.lessons import SLUGS
from sitebuild.pages import EVERY_CHECK, EVERY_FLAG, EVERY_MESSAGE

WITH_WAY_BACK = (
    "lessons",
    "flags",
    "checks",
    "attacks",
    "messages",
    "recipes",
    "commands",
    "python",
    "reference",
    "teach",
)


def polished(page: str, name: str) -> str:
    """Return a page of the theme with what a screen reader and a keyboard need besides, and the
    reader's way back.
    """
    kind, _, row = name.removesuffix(".html").rpartition("/")
    if (kind in WITH_WAY_BACK and row != "index") or name == "words.html":
        where = f"{kind}/{row}".lstrip("/")
        to = report_to(where) or f"{'../' if kind else ''}wrong.html?{quote(where)}"
        back = (
            f'<p class="way-back"><a href="{escape(to)}">Something is wrong here</a>: opens a text'
            " that you can send; nothing is sent by itself.</p></article>"
        )
        page = back.join(page.rsplit("</article>", 1))
    page = page.replace("<h1>", f"{_crumb(kind, row)}<h1>", 1)
    for old, new in _NAMED:
        page = page.replace(old, new)
    return page


def _crumb(kind: str, row: str) -> str:
    """Return where a page stands: the way in, and the list that it is in."""
    if not kind:
        return ""
    if kind == "lessons":
        first, last = SLUGS[0][:2], SLUGS[-1][:2]
        way = f'<a href="../learn.html">Learn</a>, lesson {row[:2]} of {first} to {last}'
    elif kind == "teach":
        way = '<a href="../teach.html">Teach</a>'
    else:
        way = '<a href="../reference.html">Reference</a>'
        way += (
            f', <a href="index.html">{kind}</a>' if kind != "reference" and row != "index" else ""
        )
    return f'<p class="crumb">{way}</p>'


#: What the theme leaves without a name, and what scrolls and no key reaches.
_NAMED = (
    ('<aside class="sidebar-drawer"', '<aside aria-label="Site" class="sidebar-drawer"'),
    ('<aside class="toc-drawer', '<aside aria-label="On this page" class="toc-drawer'),
    (
        '<div class="output text_html">',
        '<div class="output text_html" role="group" aria-label="Output" tabindex="0">',
    ),
    ("<pre>", '<pre tabindex="0">'),
    (
        '<div class="table-wrapper',
        '<div role="group" aria-label="Table" tabindex="0" class="table-wrapper',
    ),
)


def short_names() -> Mapping[str, Mapping[str, str]]:
    """Return what may be written behind each kind's letter, and the page that it is about."""
    return {
        "flags": {n: f.name for f in EVERY_FLAG.values() for n in (f.name, f.option)},
        "checks": {i: i for i in EVERY_CHECK},
        "attacks": {a: a for a in ATTACKS},
        "messages": {m: m for m in EVERY_MESSAGE},
        "recipes": {r: r for r in RECIPES},
        # A chapter's number leads to its first notebook.
        "lessons": {n: slug for slug in reversed(SLUGS) for n in (slug, slug[:2])},
        "words": {w.name: w.name for w in GLOSSARY},
    }


def short_addresses() -> Iterator[tuple[str, str]]:
    """Yield each short address, `f/-G`, and the address that it leads to from the site's root."""
    letters = {kind: letter for letter, kind in SHORT.items()}
    for kind, names in short_names().items():
        for written, name in names.items():
            page, _, place = docs_path(kind, name).partition("#")
            yield f"{letters[kind]}/{written}", f"{page}.html" + (f"#{place}" if place else "")


def leading_to(address: str) -> str:
    """Return the page at a short address. It is the index of a folder, so that any server, and
    the address without an ending, finds it.
    """
    there = escape(f"../../{address}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="0; url={there}"><title>casnb: {escape(address)}'
        f'</title></head><body><main><a href="{there}">{escape(address)}</a></main></body></html>\n'
    )
