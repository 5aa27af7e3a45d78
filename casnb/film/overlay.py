"""What a film adds to a lesson: a YAML file that says, by the ids of cells, what is clicked,
waited for, enlarged, and said in other words.

    film: 1
    cells:
      02-decode:
        then:
          - click: {button: mr_signer}
            say: Each field is a button.
          - zoom: {css: .cn-bytes}
            pause: 2
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.film.pace import SPEAKING
from casnb.session.nodes import Node
from casnb.session.yaml import LIMIT, read_document
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import LESSON_TIME

#: The world of a film, and the version of this file's format.
SEED, VERSION = "film", 1
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")
#: How a thing on the picture is named, one way each time.
TARGETS = ("button", "text", "css")
_STEP = ("click", "press", "zoom", "say", "pause")
_CELL = ("show", "run", "say", "pause", "then")
_FILM = ("film", "seed", "scenario", "clock", "words", "cells")
_SAID = 1200


@dataclass(frozen=True)
class Target:
    """A thing on the picture: a button by its name, a text, or a CSS selector."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


@dataclass(frozen=True)
class Step:
    """What is done in a cell after it ran, in this order: click, press a key, enlarge (None: as
    before; "": no longer), speak, wait.
    """

    click: Target | None = None
    press: str = ""
    zoom: Target | str | None = None
    say: str = ""
    pause: float = 0.0
    line: int = 0


@dataclass(frozen=True)
class CellNotes:
    """What is said of one cell: whether it is shown (None: as its tags have it) and run, words in
    place of its own, seconds to wait, and steps.
    """

    show: bool | None = None
    run: bool = True
    say: str = ""
    pause: float = 0.0
    then: tuple[Step, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Overlay:
    """A film's own words; every one of them may be left out."""

    path: Path | None = None
    seed: str = SEED
    scenario: str = ""
    clock: datetime = LESSON_TIME
    words: int = SPEAKING
    cells: dict[str, CellNotes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How errors call it."""
        return self.path.name if self.path else "overlay"


def read_overlay(path: Path) -> Overlay:
    """Read an overlay. Raises UsageError, with the line and a cure, for whatever is not in the
    format above: an unknown member, a value of another kind, one out of bounds;
    SourceError for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as exc:
        raise SourceError(
            str(path), got=exc.strerror or type(exc).__name__, wanted="an overlay of a film"
        ) from None
    try:
        return _film(read_document(data, path.name), path)
    except EvidenceError as exc:
        raise UsageError(exc.subject, got=exc.got, wanted=exc.wanted, do=exc.do) from None


def _film(at: Node, path: Path) -> Overlay:
    found = at.members(_FILM)
    if at.get("film").value != VERSION:
        raise at.get("film").refuse(str(VERSION), "Begin the file with the line `film: 1`.")
    notes = {id: _cell(node) for id, node in at.get("cells").mapping("cells by their ids").items()}
    seed = found["seed"].text("1 to 200 printable characters") if "seed" in found else SEED
    if not 1 <= len(seed) <= 200 or not seed.isprintable():
        raise found["seed"].refuse("1 to 200 printable characters")
    return Overlay(
        path=path,
        seed=seed,
        scenario=found["scenario"].choice(tuple(SCENARIOS)) if "scenario" in found else "",
        clock=_moment(found["clock"]) if "clock" in found else LESSON_TIME,
        words=at.get("words").number(60, 300, SPEAKING),
        cells=notes,
    )


def _moment(at: Node) -> datetime:
    wanted = "a day or a moment in UTC, like 2026-09-01 or 2026-09-01T12:00:00Z"
    text = at.matching(_MOMENT, wanted)
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise at.refuse(wanted, "The calendar has no such day or hour.") from None
    return found.replace(tzinfo=timezone.utc)


def _cell(at: Node) -> CellNotes:
    found = at.members(_CELL, "show, run, say, pause or then")
    return CellNotes(
        show=found["show"].truth() if "show" in found else None,
        run=at.get("run").truth(True),
        say=_words(found["say"]) if "say" in found else "",
        pause=_pause(found["pause"]) if "pause" in found else 0.0,
        then=tuple(_step(row) for row in at.get("then").rows("a list of steps")),
        line=at.key_line,
    )


def _step(at: Node) -> Step:
    found = at.members(_STEP, "click, press, zoom, say or pause")
    if not found:
        raise at.refuse("click, press, zoom, say or pause", "Take the dash out.")
    zoom: Target | str | None = None
    if "zoom" in found:
        zoom = "" if found["zoom"].value in ("off", False) else _target(found["zoom"], ", or off")
    return Step(
        click=_target(found["click"]) if "click" in found else None,
        press=found["press"].matching(re.compile(r"[!-~]{1,30}"), "the name of a key, like Enter")
        if "press" in found
        else "",
        zoom=zoom,
        say=_words(found["say"]) if "say" in found else "",
        pause=_pause(found["pause"]) if "pause" in found else 0.0,
        line=at.line,
    )


def _target(at: Node, more: str = "") -> Target:
    wanted = f"one of {{button: NAME}}, {{text: WORDS}}, {{css: SELECTOR}}{more}"
    if not isinstance(at.value, dict):
        raise at.refuse(wanted, "Say in braces what kind of thing it is.")
    found = at.members(TARGETS, wanted)
    if len(found) != 1:
        raise at.refuse(wanted, "Name it in one way.", got=f"{len(found)} of them")
    ((kind, node),) = found.items()
    name = node.text("a name")
    if not 1 <= len(name) <= 200:
        raise node.refuse("1 to 200 characters")
    return Target(kind, name)


def _words(at: Node) -> str:
    text = " ".join(at.text("what is said").split())
    if not 1 <= len(text) <= _SAID:
        raise at.refuse(f"1 to {_SAID} characters", "Say less, or take the member out.")
    return text


def _pause(at: Node) -> float:
    wanted = "seconds, 0 to 60, like 1.5"
    found = float(at.matching(_SECONDS, wanted, "Write digits alone, without a unit."))
    if found > 60:
        raise at.refuse(wanted)
    return found
