"""The camera: a storyboard played in a real JupyterLab in Chromium, and a picture of each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from casnb.base.errors import SourceError, UsageError, neutral
from casnb.film.overlay import Step, Target
from casnb.film.pace import seconds_for
from casnb.film.reel import Frame
from casnb.film.said import steady, text_of
from casnb.film.storyboard import Shot, Storyboard
from casnb.film.studio import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WIDTH, HEIGHT = 1920, 1080
#: Milliseconds after which a page that does not get there has failed, on a busy machine too.
_PATIENCE = 120_000
#: Letters are drawn alike whatever the screen is; nothing is smoothed for one.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
#: Seconds: a cell of code, before and a line; an output, before and at most; a click to be seen.
_CODE, _LINE, _CODE_MOST = 1.5, 0.7, 8.0
_OUTPUT, _OUTPUT_MOST, _CLICK, _AFTER = 2.5, 7.0, 1.2, 0.6
_OUTPUT_WORDS, _CARD = 300, 3.0
#: Of a cell that is higher than the picture, how much of the next picture was on the last.
_OVERLAP, _SCREENS = 120, 6


@dataclass
class Take:
    """What was filmed: the frames, and what the cells put out."""

    frames: list[Frame] = field(default_factory=list)
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start the browser at `path`. Raises SourceError where it does not start."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as play:
        try:
            browser = play.chromium.launch(executable_path=path, args=list(_FLAGS))
        except Error as exc:
            raise SourceError(
                "Chromium", got=neutral(exc, 200), wanted="a browser that starts"
            ) from None
        yield browser
        browser.close()


def blank_page(browser: Browser, scale: float = 1.0) -> Page:
    """Return a page of a film's size in which nothing moves; it may ask this machine alone."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=scale,
        reduced_motion="reduce",
        color_scheme="light",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    page.route(
        lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")),
        lambda route: route.abort(),
    )
    return page


def film(
    board: Storyboard, studio: Studio, browser: Browser, folder: Path, tell: Callable[[str], None]
) -> Take:
    """Play a storyboard and keep a picture of each step in `folder`; `tell` is told of each cell.
    Raises UsageError for a click on what is not there, SourceError for a page that fails.
    """
    from playwright.sync_api import Error

    # JupyterLab would ask which kernel a notebook without one takes, and wait.
    board.book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    book = nbformat.writes(board.book)  # type: ignore[no-untyped-call]
    (studio.folder / f"{board.name}.ipynb").write_text(book, "utf-8")
    page = blank_page(browser)
    try:
        page.goto(f"{studio.url}/lab?reset&token={studio.token}")
        page.wait_for_function("() => window.jupyterapp !== undefined")
        page.add_style_tag(content=files(__package__).joinpath("stage.css").read_text("utf-8"))
        page.evaluate(files(__package__).joinpath("stage.js").read_text("utf-8"))
        page.evaluate(
            "([path, title]) => film.open(path, title)", [f"{board.name}.ipynb", board.title]
        )
        camera = _Camera(page, board, folder)
        for shot in board.shots:
            if shot.runs or shot.shown:
                tell(shot.cell)
                camera.shoot(shot)
        return camera.take
    except Error as exc:
        raise SourceError(
            "JupyterLab in Chromium", got=neutral(exc, 300), wanted="a page that answers"
        ) from None
    finally:
        page.context.close()


class _Camera:
    def __init__(self, page: Page, board: Storyboard, folder: Path) -> None:
        self.page, self.board, self.folder = page, board, folder
        self.take = Take()
        self.words = self.part = ""

    def ask(self, call: str, *args: Any) -> Any:
        return self.page.evaluate(f"(args) => film.{call}(...args)", list(args))

    def shoot(self, shot: Shot) -> None:
        if shot.heading:
            self.part = shot.heading
        if not shot.code:
            self.prose(shot)
        elif shot.shown:
            self.code(shot)
        else:
            self.ask("run", shot.index)

    def prose(self, shot: Shot) -> None:
        """A card is the picture; other prose stands under the last one."""
        if shot.card or not self.take.frames:
            self.show(shot, card=True)
            seconds = max(self.speaking(shot.says), _CARD)
            self.picture(shot.cell, "card", seconds, speech=shot.says, heading=shot.heading)
        else:
            self.ask("say", shot.says)
            self.picture(shot.cell, "prose", self.speaking(shot.says), speech=shot.says)
        self.words = shot.says
        self.wait(shot.notes.pause)
        self.steps(shot)

    def code(self, shot: Shot) -> None:
        words = shot.says or self.words
        self.words = words
        # Run first: only with its output is it known how large a cell can be.
        outputs = self.ask("run", shot.index)
        text = text_of(outputs)
        self.take.outputs[shot.cell] = outputs
        self.show(shot, before=True)
        lines = shot.source.count("\n") + 1
        seconds = max(min(_CODE + _LINE * lines, _CODE_MOST), self.speaking(shot.says))
        self.picture(shot.cell, "code", seconds, speech=shot.notes.say, code=shot.source)
        self.show(shot)
        if outputs:
            self.screens(shot.cell, text)
        self.wait(shot.notes.pause)
        self.steps(shot)

    def show(self, shot: Shot, *, card: bool = False, before: bool = False) -> None:
        words = "" if card else self.words
        # What is clicked may grow.
        spare = 1.25 if shot.notes.then else 1.0
        about = {"card": card, "before": before, "part": self.part, "words": words, "spare": spare}
        if card and shot.heading:
            about["part"] = ""
        self.ask("show", shot.index, about)

    def screens(self, cell: str, text: str) -> None:
        """Picture an output, in several where it is higher than the stage."""
        room = self.ask("room")
        step = room["height"] - _OVERLAP
        last = max(0, room["all"] - room["height"])
        places = [*range(0, last, step), last] if last else [0]
        seconds = _OUTPUT + min(_OUTPUT_MOST, seconds_for(text, _OUTPUT_WORDS) if text else 0)
        for place in places[:_SCREENS]:
            self.ask("scroll", place)
            self.picture(cell, "output", round(max(seconds / len(places), 2.5), 2), shows=text)

    def steps(self, shot: Shot) -> None:
        """Do what the overlay says, a picture after each step."""
        for step in shot.notes.then:
            self.step(shot, step)

    def step(self, shot: Shot, step: Step) -> None:
        if step.say:
            self.words = step.say
            self.ask("say", step.say)
        if step.click:
            self.click(shot, step)
        if step.press:
            self.page.keyboard.press(step.press)
            self.ask("idle")
        if step.zoom is not None:
            self.ask("zoom", "")
            if isinstance(step.zoom, Target):
                self.ask("zoom", self.box(self.target(shot, step.zoom, step)))
        seconds = max(self.speaking(step.say), step.pause, 1.0)
        shows = steady(self.ask("text", shot.index)) if shot.code else ""
        what = f"press {step.press}" if step.press else "step"
        self.picture(shot.cell, what, seconds, speech=step.say, shows=shows)

    def click(self, shot: Shot, step: Step) -> None:
        assert step.click
        target = self.target(shot, step.click, step)
        target.scroll_into_view_if_needed()
        self.ask("point", self.box(target))
        self.picture(shot.cell, f"click on {step.click}", _CLICK)
        target.click()
        self.page.mouse.move(1, 1)  # what it points at would look chosen
        self.ask("idle")
        self.ask("point", None)

    def target(self, shot: Shot, wanted: Target, step: Step) -> Locator:
        """Return what is named, inside the cell; the first, where there are several."""
        cell = self.page.locator("#film .jp-Cell.film-on")
        if wanted.kind == "button":
            found = cell.get_by_role("button", name=wanted.name)
        elif wanted.kind == "text":
            found = cell.get_by_text(wanted.name)
        else:
            found = cell.locator(wanted.name)
        if not found.count():
            raise UsageError(
                f"{self.board.overlay.name}: cells.{shot.cell} at line {step.line}",
                got=str(wanted),
                wanted="something on the picture",
                do="Open the notebook and see how it is called there.",
            )
        return found.first

    def box(self, target: Locator) -> dict[str, float]:
        found = target.bounding_box()
        if found is None:
            return {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}
        return {name: found[name] for name in ("x", "y", "width", "height")}

    def speaking(self, text: str) -> float:
        return round(seconds_for(text, self.board.overlay.words) + _AFTER, 2) if text else 0.0

    def wait(self, seconds: float) -> None:
        """Let the last picture stand longer."""
        if seconds and self.take.frames:
            last = self.take.frames[-1]
            self.take.frames[-1] = replace(last, seconds=round(last.seconds + seconds, 2))

    def picture(self, cell: str, what: str, seconds: float, **words: str) -> None:
        """Take a picture; `words` are what is spoken meanwhile and what it shows."""
        file = f"{len(self.take.frames) + 1:04d}.png"
        self.page.screenshot(path=self.folder / file, animations="disabled", caret="hide")
        self.take.frames.append(Frame(file, seconds, cell, what, **words))
