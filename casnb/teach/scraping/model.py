"""Scrapers held against the page's history: the classic pipeline, a reader's own, casnb's;
right, wrong or refused, with points.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from casnb.base.errors import CasnbError, SourceError, neutral
from casnb.base.view import Shown, cell, html_table, scrolling, short, text_table
from casnb.cas.page import scrape
from casnb.teach.course.answers import plain, said
from casnb.teach.facts import ninth_word
from casnb.teach.scraping.page_history import HOST, PageState

Scraper = Callable[[str], object]
PIPELINE = """grep "scone cas attest" | tail -1 | awk '{print $9}'"""
_HASH = re.compile(r"[0-9a-f]{64}")
_SECONDS = 10

#: What became of one page, with its points: a wrong value that looks right costs most, since
#: nothing after it complains.
POINTS = {
    "right": 1,
    "refused rightly": 1,
    "refused": 0,
    "wrong, and noticed": -1,
    "wrong, and believed": -5,
}
_MARK = {"right": "\N{CHECK MARK}", "refused rightly": "\N{CHECK MARK}", "refused": "\N{EN DASH}"}


@dataclass(frozen=True)
class Answer:
    """What one scraper said of one page: `value` is text (None for a refusal), `said` what a
    reader sees of it.
    """

    state: PageState
    value: str | None
    said: str

    @property
    def outcome(self) -> str:
        """A key of POINTS."""
        if self.value is None:
            return "refused rightly" if self.state.expected is None else "refused"
        if self.value == self.state.expected:
            return "right"
        return "wrong, and believed" if _HASH.fullmatch(self.value) else "wrong, and noticed"

    @property
    def points(self) -> int:
        return POINTS[self.outcome]


@dataclass(frozen=True)
class Card(Shown):
    """One scraper's answers over the history. `how` says what was really run."""

    name: str
    how: str
    answers: tuple[Answer, ...] = field(repr=False)

    @property
    def points(self) -> int:
        return sum(a.points for a in self.answers)

    @property
    def values(self) -> dict[str, str | None]:
        """The value for each state by name, None where it refused."""
        return {a.state.name: a.value for a in self.answers}

    def count(self, outcome: str) -> int:
        """How many pages had an outcome that begins with this word: right, refused, wrong."""
        return sum(a.outcome.startswith(outcome) for a in self.answers)

    @property
    def sentence(self) -> str:
        """The score in words."""
        rightly = sum(a.outcome == "refused rightly" for a in self.answers)
        believed = sum(a.outcome == "wrong, and believed" for a in self.answers)
        right, refused, wrong = (self.count(word) for word in ("right", "refused", "wrong"))
        return (
            f"{self.name}: {self.points} of {len(self.answers)} points. {right} right, {refused}"
            f" refused ({rightly} rightly), {wrong} wrong ({believed} believed)."
        )

    def __str__(self) -> str:
        return f"{neutral(self.sentence)}\n" + text_table(("page", "outcome", "said"), self._rows())

    def _html(self) -> str:
        return f"<p>{cell(self.sentence)}</p>" + html_table(
            ("page", "outcome", "said"), self._rows(), self.how
        )

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(a.state.name, a.outcome, short(a.said)) for a in self.answers]


def run_pipeline(html: str) -> str:
    """Return what the pipeline prints for a page: run by bash where there is one, else by the same
    steps in Python.
    """
    if not pipeline_is_real():
        return ninth_word(html)
    try:
        done = subprocess.run(  # noqa: S603
            ["bash", "-c", PIPELINE],  # noqa: S607
            input=html.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise SourceError(
            "the pipeline", got=type(exc).__name__, wanted=f"an answer within {_SECONDS} s"
        ) from None
    return done.stdout.decode("utf-8", "replace").removesuffix("\n")


@lru_cache(maxsize=1)
def pipeline_is_real() -> bool:
    """Whether this machine has what the pipeline needs."""
    return all(shutil.which(tool) for tool in ("bash", "grep", "tail", "awk"))


def _careful(html: str) -> str:
    return scrape(html.encode()).mrenclave(HOST)


def classic(states: Iterable[PageState]) -> Card:
    """Return the card of the pipeline. It never refuses: where it finds nothing it prints nothing,
    and reports success.
    """
    how = PIPELINE + (
        ""
        if pipeline_is_real()
        else "  (by the same steps in Python: this machine lacks bash, grep or awk)"
    )
    answers = []
    for state in states:
        word = run_pipeline(state.html)
        answers.append(Answer(state, word, neutral(word, 80) or "nothing, with exit code 0"))
    return Card("classic pipeline", how, tuple(answers))


def own(scraper: Scraper, states: Iterable[PageState]) -> Card:
    """Return the card of a reader's function: it takes the page's text and returns a value; None
    or an exception is a refusal.
    """
    name = getattr(scraper, "__name__", type(scraper).__name__)
    return Card(
        "your scraper", f"{neutral(name, 60)}(html)", tuple(_ask(scraper, s) for s in states)
    )


def casnb(states: Iterable[PageState]) -> Card:
    """Return the card of `casnb.scrape`."""
    return Card(
        "casnb", f"casnb.scrape(html).mrenclave({HOST!r})", tuple(_ask(_careful, s) for s in states)
    )


def _ask(scraper: Scraper, state: PageState) -> Answer:
    try:
        found = plain(scraper(state.html))
    except CasnbError as exc:
        return Answer(state, None, f"refused: {neutral(exc, 160)}")
    except Exception as exc:  # whatever a reader's function raises is its refusal
        return Answer(state, None, f"refused: {neutral(f'{type(exc).__name__}: {exc}', 160)}")
    if found is None:
        return Answer(state, None, "refused: None")
    return Answer(
        state,
        found if isinstance(found, str) else "",
        (
            neutral(found, 80)
            if isinstance(found, str) and found
            else f"{said(found)}, which is not a value"
        ),
    )


def cards(states: Sequence[PageState], scraper: Scraper | None = None) -> tuple[Card, ...]:
    """Return the cards: the pipeline's, the reader's where there is one, casnb's."""
    return (
        classic(states),
        *([own(scraper, states)] if scraper is not None else []),
        casnb(states),
    )


def render_board(found: Sequence[Card]) -> str:
    """Return all pages against all scrapers as one table, outcome in words and framed, and the
    totals.
    """
    head = "".join(f'<th scope="col">{cell(c.name)}</th>' for c in found)
    rows = []
    for answers in zip(*(c.answers for c in found), strict=True):
        state = answers[0].state
        cells = "".join(
            f'<td data-outcome="{a.outcome}"><span class="s'
            f' s-{_CLASS[a.outcome]}">{_MARK.get(a.outcome, _CROSS)}'
            f" {a.outcome.upper()}</span><br>{cell(short(a.said), 90)}</td>"
            for a in answers
        )
        rows.append(
            f'<tr data-page="{state.name}"><th scope="row"><code'
            f' style="white-space:nowrap">{cell(state.name)}</code></th>{cells}</tr>'
        )
    total = "".join(f"<td><strong>{c.points} points</strong></td>" for c in found)
    table = (
        f"<table><caption>The page through its history, for {HOST}</caption><thead><tr><th"
        f' scope="col">page</th>{head}</tr></thead><tbody>{"".join(rows)}<tr><th'
        f' scope="row">total</th>{total}</tr></tbody></table>'
    )
    return scrolling("Scrapers and pages", table)


_CROSS = "\N{MULTIPLICATION X}"
_CLASS = {
    "right": "passed",
    "refused rightly": "passed",
    "refused": "not-run",
    "wrong, and noticed": "waived",
    "wrong, and believed": "failed",
}
RULES = (
    "Right or rightly refused: 1 point. Refused without need: 0. Wrong: -1 where the next program"
    " notices it, -5 where it looks right and is believed."
)


def render_page_lines(state: PageState) -> str:
    """Return the source lines of a page that scrapers look at: those with the command, and those
    of the host's rows.
    """
    lines = state.html.splitlines()
    picked = [n for n, line in enumerate(lines) if "scone cas attest" in line]
    rows = [n for n, line in enumerate(lines) if line.startswith(f"<td>{HOST.partition('.')[0]}")]
    near = {m for n in rows for m in range(n, min(n + 3, len(lines)))}
    shown = [cell(f"{n + 1}: {lines[n]}", 400) for n in sorted({*picked[-2:], *near})]
    source = "\n".join(shown) or "(no line with the command, and no row of the host)"
    return f"<p>{cell(state.story)}</p>" + scrolling(
        "Page source", f"<pre><code>{source}</code></pre>"
    )
