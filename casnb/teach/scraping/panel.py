"""The scrape lab: the public CAS page through its history, and what three scrapers make of each
state of it.
"""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import cell, html_table, html_verdict, page, scrolling, short
from casnb.simulator.world import World
from casnb.teach.live import Live
from casnb.teach.scraping import model as scrapers
from casnb.teach.scraping.model import Card, Scraper
from casnb.teach.scraping.page_history import PageState, page_history


class ScrapeModel(traitlets.HasTraits):
    """The states of the page, the scrapers' cards, and which state is looked at.

    `state`: a name out of `page_history.STATES`. `scraper`: the reader's function, page text to
    value, or None. Computed: `cards` (the pipeline's, the reader's, casnb's), `error`.
    """

    state = traitlets.Unicode("today")
    scraper: Any = traitlets.Any(None, allow_none=True)

    cards: Any = traitlets.Tuple()
    error = traitlets.Unicode("")

    def __init__(
        self, world: World | None = None, scraper: Scraper | None = None, **state: Any
    ) -> None:
        self.states = page_history(world or World())
        super().__init__(scraper=scraper, **state)
        self.observe(lambda change: self.score(), names="scraper")
        self.score()

    @traitlets.validate("state")
    def _known(self, proposal: Any) -> str:
        names = [s.name for s in self.states]
        if proposal["value"] not in names:
            raise traitlets.TraitError(
                f"page: got {neutral(proposal['value'], 60)}, wanted one of {', '.join(names)}"
            )
        return str(proposal["value"])

    @traitlets.validate("scraper")
    def _callable(self, proposal: Any) -> Any:
        if proposal["value"] is not None and not callable(proposal["value"]):
            raise UsageError(
                "scraper",
                got=type(proposal["value"]).__name__,
                wanted="a function that takes the page's text",
            )
        return proposal["value"]

    def score(self) -> None:
        """Run every scraper over every state again; a CasnbError becomes `error`."""
        try:
            self.cards, self.error = scrapers.cards(self.states, self.scraper), ""
        except CasnbError as exc:
            self.cards, self.error = (), neutral(exc, 400)

    @property
    def chosen(self) -> PageState:
        """The state that is looked at."""
        return next(s for s in self.states if s.name == self.state)

    @property
    def mine(self) -> Card | None:
        """The reader's card, where there is a scraper of theirs."""
        return next((c for c in self.cards if c.name == "your scraper"), None)

    @property
    def values(self) -> dict[str, str | None]:
        """What the reader's scraper gave for each state, None where it refused."""
        return self.mine.values if self.mine else {}

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def sentence(model: ScrapeModel) -> str:
    """Return the scores in words, or why there are none."""
    return (
        f"Could not be scored: {model.error}"
        if model.error
        else " ".join(c.sentence for c in model.cards)
    )


def render_page_state(model: ScrapeModel) -> str:
    """Return the chosen state: what is special, its source where scrapers look, and what each of
    them said.
    """
    state = model.chosen
    at = [s.name for s in model.states].index(state.name)
    rows = [(c.name, c.how, c.answers[at].outcome, short(c.answers[at].said)) for c in model.cards]
    wanted = f"wanted: {short(state.expected)}" if state.expected else "wanted: a refusal"
    table = html_table(("scraper", "run as", "outcome", "said"), rows, wanted, code=(1,))
    return scrapers.render_page_lines(state) + scrolling("What each scraper said", table)


def snapshot(model: ScrapeModel) -> Snapshot:
    """Return the scoreboard as plain text and static HTML."""
    text = "\n\n".join([*(str(c) for c in model.cards), scrapers.RULES, sentence(model)])
    return Snapshot(text, html_verdict("scores", _lines(model)) + _board(model))


def _lines(model: ScrapeModel) -> str:
    return (
        cell(sentence(model), 900)
        if model.error
        else "<br>".join(cell(c.sentence) for c in model.cards)
    )


def _board(model: ScrapeModel) -> str:
    return scrapers.render_board(model.cards) + f"<p>{scrapers.RULES}</p>" if model.cards else ""


class ScrapePanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Choose a state of the page, see its source and what each scraper said; below, all states
    and all scores.

    `model` keeps the state; `look_at`, `use` and `run_again` are what the controls call.

    Example: `lab.scrape_lab(my_scraper)`, where `my_scraper(html)` returns the MRENCLAVE of
    `scone-cas.cf`, or None, or raises.
    """

    def __init__(
        self,
        world: World | None = None,
        scraper: Scraper | None = None,
        *,
        model: ScrapeModel | None = None,
        **state: Any,
    ) -> None:
        self._closed = True
        self.model = model or ScrapeModel(world, scraper, **state)
        wide = widgets.Layout(width="auto", max_width="72em")
        self.chooser = widgets.Dropdown(
            options=[(f"{s.name}: {s.story}", s.name) for s in self.model.states],
            value=self.model.state,
            description="Page of",
            layout=wide,
            style={"description_width": "initial"},
        )
        self.button = widgets.Button(
            description="Run all scrapers again",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
        )
        self.scores, self.seen, self.board = (widgets.HTML(layout=wide) for _ in range(3))
        for name, control in (
            ("page", self.chooser),
            ("again", self.button),
            ("scores", self.scores),
            ("seen", self.seen),
            ("board", self.board),
        ):
            control.add_class(f"t-scrape-{name}")
        self.live = Live()
        super().__init__([self.chooser, self.seen, self.button, self.scores, self.board, self.live])
        self.add_class("t-scrape-lab")
        self.chooser.observe(self._chosen, names="value")
        self.button.on_click(self.run_again)
        self.model.observe(self._show, names=["state", "cards", "error"])
        self._closed = False
        self.refresh()

    # What the controls call

    def look_at(self, state: str) -> None:
        """Show another state of the page, by its name."""
        self.model.state = state

    def use(self, scraper: Scraper) -> None:
        """Score another scraper of the reader's."""
        self.model.scraper = scraper

    def run_again(self, button: Any = None) -> None:
        """Run every scraper over every state again."""
        self.model.score()

    @property
    def values(self) -> dict[str, str | None]:
        """What the reader's scraper gave for each state, None where it refused."""
        return self.model.values

    def _chosen(self, change: Any) -> None:
        self.look_at(change["new"])

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model."""
        m = self.model
        self.chooser.value = m.state
        self.scores.value = page(html_verdict("error" if m.error else "scores", _lines(m)))
        self.seen.value = page(render_page_state(m))
        self.board.value = page(_board(m))
        self.live.text = sentence(m)
        self.renew()

    def snapshot(self) -> Snapshot:
        """Return the scoreboard as something that stays readable in an export."""
        return snapshot(self.model)

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.chooser.unobserve(self._chosen, names="value")
        self.button.on_click(self.run_again, remove=True)
        self.model.unobserve(self._show, names=["state", "cards", "error"])
        super().close()
