"""A terminal session as text: the file format asciicast, version 2, one JSON value a line.

The first line is the header, an object; each further line is `[seconds, code, data]`: `o` for
what a terminal was sent, `m` for a marker, here a chapter. Time is the story's own, not a clock's,
so that the same story is the same file. Source: asciinema's documentation, page *asciicast v2*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, cast

from rich.console import Console

from casnb.film.overlay import CellNotes

WIDTH, HEIGHT = 80, 24
#: Control sequences of a terminal (ECMA-48); a story uses only those for colours.
#: The number of a chapter, which nobody speaks.
_NUMBER = re.compile(r"^\d{1,2}\. ")
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def _plain(sent: Iterable[str]) -> str:
    lines = _CONTROL.sub("", "".join(sent)).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


@dataclass
class Recording:
    """What was written, and when; to be written to like a file."""

    title: str
    width: int = WIDTH
    height: int = HEIGHT
    seconds: float = 0.0
    events: list[tuple[float, str, str]] = field(default_factory=list)
    #: What is said while it can be read: from when, how long, which words.
    said: list[tuple[float, float, str]] = field(default_factory=list)
    notes: Mapping[str, CellNotes] = field(default_factory=dict)
    _instead: str = ""

    def write(self, text: str) -> int:
        """Take what a terminal is sent; a line ends in CR LF, as a terminal has it."""
        if text:
            self._add("o", text.replace("\r\n", "\n").replace("\n", "\r\n"))
        return len(text)

    def flush(self) -> None:
        """Do nothing: every write is an event."""

    def wait(self, seconds: float) -> None:
        """Let time pass in the recording."""
        self.seconds = round(self.seconds + seconds, 3)

    def mark(self, label: str) -> None:
        """Begin a chapter; `notes` may have it wait, or be introduced in other words."""
        notes = self.notes.get(label.partition(".")[0])
        if notes:
            self.wait(notes.pause)
            self._instead = notes.say
        self._add("m", label)

    def heard(self, text: str, seconds: float) -> None:
        """Note what is read from now on, and how long that takes."""
        words = " ".join(self._instead.split() or _NUMBER.sub("", text.strip()).split())
        self._instead = ""
        self.said.append((self.seconds, seconds, words))

    def _add(self, code: str, data: str) -> None:
        if code == "o" and self.events and self.events[-1][:2] == (self.seconds, "o"):
            data = self.events.pop()[2] + data
        self.events.append((self.seconds, code, data))

    def console(self) -> Console:
        """Return a console that writes here in the colours of every terminal, whatever this
        process's own terminal can do.
        """
        return Console(
            file=cast("IO[str]", self),
            force_terminal=True,
            color_system="standard",
            width=self.width,
            height=self.height,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
            _environ={},
        )

    @property
    def text(self) -> str:
        """What can be read in the end, without colours."""
        return _plain(data for _, code, data in self.events if code == "o")

    @property
    def chapters(self) -> list[tuple[float, str, str]]:
        """When each chapter begins, its heading, and what can be read in it; what comes before
        the first one has the title for a heading.
        """
        out: list[tuple[float, str, list[str]]] = [(0.0, self.title, [])]
        for at, code, data in self.events:
            if code == "m":
                out.append((at, data, []))
            else:
                out[-1][2].append(data)
        return [(at, label, _plain(sent)) for at, label, sent in out]

    def to_cast(self) -> str:
        """Return the file, ASCII only."""
        header = {
            "version": 2,
            "width": self.width,
            "height": self.height,
            "duration": self.seconds,
            "title": self.title,
            "env": {"TERM": "xterm-256color"},
        }
        return "".join(json.dumps(row) + "\n" for row in (header, *self.events))
