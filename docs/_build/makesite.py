"""Build the documentation as a site: `make site`. Ends with 1 for a warning of Sphinx, a link to
nowhere, anything from elsewhere, or what axe finds.

Sources are made in build/site-src: the pages of docs/, a page for each row of the data, and the
notebooks as they ran. The site is build/site; open build/site/index.html.

`--as-run` takes the notebooks as they ran last, `--no-browser` leaves axe out, `--pictures` keeps
what axe looked at in build/site-shots.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import nbformat
from sitebuild import guard, lessons, pages
from sitebuild.markdown import contents, fence

from casnb.base.way_back import READER, report_text, report_to

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
)
WITH_WAY_BACK = ("lessons", "flags", "checks", "attacks", "messages", "recipes", "reference")
KINDS = ("flags", "checks", "attacks", "messages", "recipes")


def write(name: str, text: str) -> None:
    """Write a source page; one that has not changed keeps its time, so that Sphinx skips it."""
    path = SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    _WRITTEN.add(path)


_WRITTEN: set[Path] = set()


def write_sources(again: bool) -> None:
    """Write every page of the site; unless `again`, notebooks that ran once count as they are."""
    write("index.md", pages.front())
    for name, text in pages.data_pages():
        write(name, text)
    books = lessons.run_all(ROOT / "build" / "site-runs", again)
    listed = []
    for slug, book in books.items():
        listed.append(
            f"- [**{slug[:2]} {lessons.title(book)}**](lessons/{slug}.ipynb) "
            f"{lessons.question(book)}"
        )
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
                *contents(f"lessons/{slug}" for slug in books),
            ]
        ),
    )
    write(
        "wrong.md",
        "\n".join(
            [
                "---",
                "orphan: true",
                "---",
                "# Something is wrong here",
                "",
                "Copy this text, fill it in, and give it to whoever gave you this course. Nothing"
                " is sent by itself. `casnb doctor --report PAGE` prints it with what casnb sees on"
                " your machine; read that before you send it.",
                *fence(report_text("")),
                f"Whoever builds this site can name a reader: `{READER}`.",
            ]
        ),
    )
    guides = sorted((ROOT / "docs").glob("*.md"))
    for guide in guides:
        write(f"reference/{guide.name}", rehoused(guide.read_text(encoding="utf-8")))
    teach = [g for g in guides if g.stem in TEACH]
    rest = [g for g in guides if g not in teach]
    write("teach.md", _list("Teach", "What a teacher needs.", teach))
    kinds = [f"- [{kind.capitalize()}]({kind}/index.md)" for kind in KINDS]
    write(
        "reference.md",
        _list("Reference", "Pages made of the data that judges and explains.", rest, kinds, KINDS),
    )
    for path in SOURCE.rglob("*"):
        if path.is_file() and path not in _WRITTEN:
            path.unlink()


#: Guides that are for teachers.
TEACH = ("classroom", "teaching", "widgets")


def _list(
    title: str,
    words: str,
    guides: list[Path],
    first: Sequence[str] = (),
    kinds: tuple[str, ...] = (),
) -> str:
    rows = [f"- [{_heading(g)}](reference/{g.name})" for g in guides]
    return "\n".join(
        [
            f"# {title}",
            "",
            words,
            "",
            *first,
            *rows,
            *contents([*(f"{k}/index" for k in kinds), *(f"reference/{g.stem}" for g in guides)]),
        ]
    )


def _heading(guide: Path) -> str:
    return guide.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def rehoused(text: str) -> str:
    """Return a guide as a page of the site: the markers of its tables are no text, and a link to
    what is only in a checkout is its words.
    """
    text = re.sub(r"^<!-- (?:begin|end) [a-z]+ -->\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\[([^\]\n]+)\]\(\.\./[^)\s]+\)", r"\1", text)


def polish(page: str, name: str) -> str:
    """Return a page of the theme with what a screen reader and a keyboard need besides, and the
    reader's way back.
    """
    kind, _, row = name.removesuffix(".html").rpartition("/")
    if kind in WITH_WAY_BACK and row != "index":
        where = f"{kind}/{row}"
        to = report_to(where) or f"../wrong.html?{quote(where)}"
        back = (
            f'<p class="way-back"><a href="{escape(to)}">Something is wrong here</a>: opens a text'
            " that you can send; nothing is sent by itself.</p></article>"
        )
        page = back.join(page.rsplit("</article>", 1))
    page = page.replace(
        '<aside class="sidebar-drawer"', '<aside aria-label="Site" class="sidebar-drawer"'
    )
    page = page.replace(
        '<aside class="toc-drawer', '<aside aria-label="On this page" class="toc-drawer'
    )
    page = page.replace(
        '<div class="output text_html">',
        '<div class="output text_html" role="group" aria-label="Output" tabindex="0">',
    )
    return page.replace("<pre>", '<pre tabindex="0">')


def main(words: list[str]) -> int:
    """Write the sources, build, and look at what was built."""
    write_sources("--as-run" not in words)
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
        path.write_text(polish(path.read_text(encoding="utf-8"), name), encoding="utf-8")
    found = guard.faults(SITE)
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
