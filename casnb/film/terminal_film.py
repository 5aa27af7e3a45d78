"""The terminal story as a film: what it says, its captions, and pictures of its recording."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

from casnb.base.errors import UsageError
from casnb.film.asciicast import Recording
from casnb.film.captions import Cue, spread
from casnb.film.overlay import Overlay
from casnb.film.player import embedded
from casnb.film.reel import Frame
from casnb.film.said import Line, steady

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Seconds: keys typed within this time share one picture; the last picture stands so long.
_TOGETHER, _LAST = 0.5, 4.0


def check_notes(overlay: Overlay, recording: Recording) -> None:
    """Raise UsageError for notes on a chapter that the story does not have, and for what no
    terminal can do.
    """
    numbers = [label.partition(".")[0] for _, label, _ in recording.chapters[1:]]
    for number, notes in overlay.cells.items():
        where = f"{overlay.name}: cells.{number} at line {notes.line}"
        if number not in numbers:
            raise UsageError(
                where,
                got=f"chapter {number!r}",
                wanted=f"one of 1 to {len(numbers)}",
                do="A cell of this film is a chapter, by its number.",
            )
        if notes.then or notes.show is not None:
            raise UsageError(
                where,
                got="then or show",
                wanted="say or pause",
                do="A terminal has nothing to click; take it out.",
            )


def lines_of(recording: Recording) -> list[Line]:
    """Return what the story says, a chapter each."""
    return [
        Line(label.partition(".")[0] if number else "0", says=label, shows=steady(text))
        for number, (_, label, text) in enumerate(recording.chapters)
    ]


def cues_of(recording: Recording) -> list[Cue]:
    """Return its captions: each paragraph while it is to be read."""
    return [cue for at, seconds, text in recording.said for cue in spread(at, seconds, text)]


def frames_of(recording: Recording) -> list[Frame]:
    """Return when the screen changes, and what each stretch begins with; the pictures are not
    there yet.
    """
    times: list[float] = []
    for at, code, _ in recording.events:
        if code == "o" and (not times or at - times[-1] >= _TOGETHER):
            times.append(at)
    # A picture has all that came before the next one.
    ends = [*times[1:], recording.seconds + _LAST]
    starts = [at for at, _, _ in recording.chapters]
    out, last = [], -1
    for number, (start, end) in enumerate(zip(times, ends, strict=True), 1):
        chapter = bisect_right(starts, start) - 1
        _, label, text = recording.chapters[chapter]
        new = chapter != last
        out.append(
            Frame(
                f"{number:04d}.png",
                round(end - start, 3),
                label.partition(".")[0] if chapter else "0",
                "screen",
                heading=label if new and chapter else "",
                shows=text.strip("\n") if new else "",
            )
        )
        last = chapter
    return out


def picture_all(page: Page, recording: Recording, frames: list[Frame], folder: Path) -> None:
    """Draw each frame with the same script that plays the recording in a page."""
    page.set_content(embedded(recording.to_cast(), recording.title, film=True))
    page.wait_for_function("() => window.casnbCasts.length === 1")
    at = 0.0
    for frame in frames:
        at = round(at + frame.seconds, 3)
        page.evaluate("(at) => window.casnbCasts[0].seek(at)", round(at - 0.001, 3))
        page.screenshot(path=folder / frame.file, animations="disabled", caret="hide")
