"""The guides of docs/ as pages: those for readers below `reference`, those for teachers below
`teach`, and the way in for teachers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from doctables.commands import every_command
from doctables.teaching import chapters

from sitebuild.commands import first_line, page_name
from sitebuild.markdown import code, contents, lines, md

DOCS = Path(__file__).resolve().parents[2]
GUIDES = sorted(DOCS.glob("*.md"))
#: The guide itself first.
TEACHING = sorted((DOCS / "teach").glob("*.md"), key=lambda p: (p.stem != "index", p.stem))
#: Guides for all that a teacher needs too.
ALSO_TEACHING = ("films", "widgets")
#: Students read the site as well; it has the questions and not what is right.
_ANSWER = re.compile(r"^Right on the practice seed: .*?(?=^#{2,3} |^<!-- end|\Z)", re.M | re.S)
_TELLS = ", with right answers"
_MARKER = re.compile(r"^<!-- (?:begin|end) [a-z]+ -->\n", re.M)
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s:#]+)(#[^)\s]*)?\)")


def page_of(guide: Path) -> str:
    """Return the page of a guide, without its ending: `reference/flags`, `teach/index`."""
    folder = "teach" if guide.parent.name == "teach" else "reference"
    return f"{folder}/{guide.stem}"


def heading(guide: Path) -> str:
    """Return the heading of a guide."""
    return guide.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def rehoused(text: str, guide: Path) -> str:
    """Return a guide's text as a page of the site: the markers of its tables are no text, a link
    to another guide leads to its page, and one to what is only in a checkout is its words.
    """

    def link(found: re.Match[str]) -> str:
        words, goal, place = found[1], (guide.parent / found[2]).resolve(), found[3] or ""
        if goal not in (*GUIDES, *TEACHING):
            return words
        return f"[{words}](../{page_of(goal)}.md{place})"

    return _LINK.sub(link, _MARKER.sub("", text))


def guide_pages(*, answers: bool = False) -> Iterator[tuple[str, str]]:
    """Yield path and Markdown of every guide; with `answers`, also the right answers of the
    exercises, for a site that only teachers read.
    """
    for guide in (*GUIDES, *TEACHING):
        text = rehoused(guide.read_text(encoding="utf-8"), guide)
        yield f"{page_of(guide)}.md", text if answers else without_answers(text)


def without_answers(text: str) -> str:
    """Return a guide without the right answers of exercises and what is told about wrong ones,
    and with a line that says where they are.
    """
    if not _ANSWER.search(text):
        return text
    first, _, rest = _ANSWER.sub("", text).partition("\n")
    return (
        f"{first.removesuffix(_TELLS)}\n\nRight answers and misconceptions are not"
        " on this site, for students read it: they are in `docs/teach/exercises.md` of a checkout,"
        f" and `make site ARGS=--answers` puts them here.\n{rest}"
    )


def teach(*, answers: bool = False) -> str:
    """Return the way in for teachers: guides, the commands of a class, and what each chapter
    takes.
    """
    told = {g: heading(g) if answers else heading(g).removesuffix(_TELLS) for g in TEACHING}
    told |= {g: heading(g) for g in GUIDES if g.stem in ALSO_TEACHING}
    of_class = {n: c for n, c in every_command().items() if n.startswith("casnb class ")}
    return lines(
        "# Teach",
        "",
        "Assignments whose answers differ for each student, marks made of data, and what to show on"
        " a projector. Begin with the guide: five minutes lead from a list of students to marks.",
        "",
        [f"- [{words}]({page_of(g)}.md)" for g, words in told.items()],
        "",
        "## Commands of a class",
        "",
        [
            f"- [{code(n)}](commands/{page_name(n)}.md): {md(first_line(c))}"
            for n, c in of_class.items()
        ],
        "",
        "## The chapters",
        "",
        chapters(),
        contents(map(page_of, TEACHING)),
    )


def named(text: str) -> Sequence[str]:
    """Return the pages of the guides that a text names as they lie in a checkout."""
    found = re.findall(
        r"(?<![\w./-])docs/(?:(teach)/)?([a-z-]+)\.md|(?<![\w./-])docs/(teach)/", text
    )
    return [
        "teach/index" if whole else page_of(DOCS / folder / f"{name}.md")
        for folder, name, whole in found
    ]
