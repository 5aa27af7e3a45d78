"""Build the documentation as a site: `make site`. Ends with 1 for a warning of Sphinx, a link to
nowhere, anything from elsewhere, or what axe finds.

Sources are made in build/site-src: the pages of docs/, a page for each row of the data, and the
notebooks as they ran. The site is build/site; open build/site/index.html.

`--as-run` takes the notebooks as they ran last, `--no-browser` leaves axe out, `--pictures` has axe
look at every page in both themes and widths and keeps what it saw in build/site-shots, `--answers`
puts the right answers of the exercises on the teachers' pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from sitebuild import (
    commands,
    glossary,
    guard,
    guides,
    lessons,
    pages,
    polish,
    printed,
    python_names,
    story,
)
from sitebuild.markdown import contents, fence, lines

from casnb.base.way_back import READER, report_text

ROOT = Path(__file__).resolve().parents[2]
SOURCE, SITE = ROOT / "build" / "site-src", ROOT / "build" / "site"
SHOTS = ROOT / "build" / "site-shots"
#: Pages that a browser looks at: one of each kind.
LOOKED_AT = (
    "index.html",
    "learn.html",
    "reference.html",
    "lessons/03-attest-and-flags.html",
    "flags/accept-group-out-of-date.html",
    "checks/tcb-status.html",
    "attacks/forged-quote.html",
    "messages/unknown-issuer.html",
    "recipes/curl.html",
    "commands/scone-cas-attest.html",
    "python/casnb.html",
    "words.html",
    "walkthrough.html",
    "reference/verification.html",
    "teach.html",
    "teach/index.html",
)
KINDS = ("flags", "checks", "attacks", "messages", "recipes", "commands", "python")


def write(name: str, text: str) -> None:
    """Write a source page; one that has not changed keeps its time, so that Sphinx skips it."""
    path = SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    _WRITTEN.add(path)


_WRITTEN: set[Path] = set()


def write_sources(again: bool, answers: bool) -> dict[str, NotebookNode]:
    """Write every page of the site, and return the notebooks as they ran; unless `again`, those
    that ran once count as they are.
    """
    uses: dict[str, list[glossary.Use]] = {}
    write("index.md", pages.front())
    told = story.record(ROOT / "build" / "site-story", again)
    books = lessons.run_all(ROOT / "build" / "site-runs", again)
    _write_lessons(deepcopy(books), uses)
    for name, text in (*pages.data_pages(), *commands.command_pages()):
        _write_with_words(name, text, uses)
    for name, text in python_names.python_pages():
        write(name, text)
    write("wrong.md", WRONG)
    write("walkthrough.md", story.page(*told))
    for name, text in guides.guide_pages(answers=answers):
        _write_with_words(name, text, uses)
    write("words.md", glossary.page(uses, lessons.BOOK_OF))
    write("teach.md", guides.teach(answers=answers))
    write("reference.md", reference())
    for path in SOURCE.rglob("*"):
        if path.is_file() and path not in _WRITTEN:
            path.unlink()
    return books


def _write_lessons(books: dict[str, NotebookNode], uses: dict[str, list[glossary.Use]]) -> None:
    """Write the notebooks as they ran, and the page that lists them; note where a word is used."""
    listed, side = [], []
    for slug, book in books.items():
        number, title = slug[:2], lessons.title(book)
        listed.append(f"- [**{number} {title}**](lessons/{slug}.ipynb) {lessons.question(book)}")
        side.append(f"{number} {title} <lessons/{slug}>")
        for cell in book.cells:
            for word in glossary.used(cell.source) if cell.cell_type == "markdown" else ():
                there = uses.setdefault(word.term, [])
                if not any(page == f"lessons/{slug}" for page, _, _ in there):
                    there.append((f"lessons/{slug}", cell.id, number))
        write(f"lessons/{slug}.ipynb", nbformat.writes(lessons.lesson(book, slug)) + "\n")
    write(
        "learn.md",
        "\n".join(
            [
                "# Learn",
                "",
                "Ten notebooks, a CAS of your own, no account. Start at 00: `make lab`, or "
                "`casnb lab` where casnb is installed.",
                "",
                *listed,
                "- [**The story in the terminal**](walkthrough.md) The whole way in five minutes,"
                " to watch or to read.",
                *contents([*side, "walkthrough"]),
            ]
        ),
    )


def _write_with_words(name: str, text: str, uses: dict[str, list[glossary.Use]]) -> None:
    """Write a page with the words that it uses below it, and note the page with each of them."""
    page = name.removesuffix(".md")
    found = [] if page.endswith("/index") else glossary.used(text)
    for word in found:
        uses.setdefault(word.term, []).append((page, "", page.rpartition("/")[2]))
    write(name, text + (f"\n{glossary.footer(found)}\n" if found else ""))


WRONG = "\n".join(
    [
        "---",
        "orphan: true",
        "---",
        "# Something is wrong here",
        "",
        "Copy this text, fill it in, and give it to whoever gave you this course. Nothing is sent"
        " by itself. `casnb doctor --report PAGE` prints it with what casnb sees on your machine;"
        " read that before you send it.",
        *fence(report_text("")),
        f"Whoever builds this site can name a reader: `{READER}`.",
    ]
)


def reference() -> str:
    """Return the way in to whatever is looked up."""
    return lines(
        "# Reference",
        "",
        "Pages made of the data that judges and explains.",
        "",
        [f"- [{kind.capitalize()}]({kind}/index.md)" for kind in KINDS],
        "- [Words](words.md)",
        [f"- [{guides.heading(g)}]({guides.page_of(g)}.md)" for g in guides.GUIDES],
        contents(
            [*(f"{kind}/index" for kind in KINDS), "words", *map(guides.page_of, guides.GUIDES)]
        ),
    )


def main(words: list[str]) -> int:
    """Write the sources, build, and look at what was built."""
    books = write_sources("--as-run" not in words, "--answers" in words)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-j", "2"]
    command += [
        "-c",
        str(ROOT / "docs" / "_build" / "sphinx"),
        "-d",
        str(ROOT / "build/site-doctrees"),
    ]
    if subprocess.run([*command, str(SOURCE), str(SITE)], check=False).returncode:
        return 1
    for path in SITE.rglob("*.html"):
        name = path.relative_to(SITE).as_posix()
        path.write_text(polish.polished(path.read_text("utf-8"), name), encoding="utf-8")
    for short, address in polish.short_addresses():
        folder = SITE / short
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(polish.leading_to(address), encoding="utf-8")
    built = guard.read(SITE)
    found = guard.faults(SITE, built)
    said = (*printed.by_commands(), *printed.guides_named(), *printed.by_notebooks(books))
    found += printed.lost(said, guard.places(SITE, built))
    if not guard.chromium() and os.environ.get("CASNB_REQUIRE_BROWSER"):
        found.append("no browser, so axe looked at nothing")
    if guard.chromium() and "--no-browser" not in words:
        found += guard.axe_faults(SITE, LOOKED_AT, SHOTS if "--pictures" in words else None)
    for fault in found:
        print(fault)
    made = len(list(SITE.rglob("*.html")))
    print(f"{SITE.relative_to(ROOT)}: {made} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    shutil.rmtree(SITE, ignore_errors=True)
    sys.exit(main(sys.argv[1:]))
