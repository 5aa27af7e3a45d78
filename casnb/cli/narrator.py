"""A story told on a terminal: headings, paragraphs, commands to paste, and a record of what was
expected and what came.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from casnb.checks.result import Check

if TYPE_CHECKING:
    from rich.console import Console

    from casnb.film.asciicast import Recording
    from casnb.film.pace import Pace

#: With the indent, a prompt and a backslash 80 columns.
_COMMAND_WIDTH = 73


class Narrator:
    """What was tried, what was expected, what came; printed as it goes unless `quiet`, at a
    `pace` where one is given, and into a `recording` instead of on this terminal.
    """

    def __init__(
        self, *, quiet: bool, pace: Pace | None = None, recording: Recording | None = None
    ) -> None:
        self.steps: list[dict[str, Any]] = []
        self.out: Console | None = None
        self.pace, self.recording = pace, recording
        self._number = 0
        if recording is not None:
            self.out = recording.console()
        elif not quiet:
            from casnb.cli.terminal import console

            self.out = console()

    @property
    def ok(self) -> bool:
        """Whether every step went as expected; whether a value was read is another question."""
        return all(step["ok"] for step in self.steps)

    def heading(self, text: str) -> None:
        """Begin a chapter."""
        self._number += 1
        if self.recording:
            self.recording.mark(f"{self._number}. {text}")
        self._print(f"\n{self._number}. {text}", "bold")

    def say(self, text: str, style: str = "") -> None:
        """Say a paragraph."""
        self._print(text, style, indent=3)

    def type_(self, command: str) -> None:
        """Show the command a reader would type for the same thing, so that it can be pasted."""
        lines = wrap(command, _COMMAND_WIDTH, break_long_words=False, break_on_hyphens=False)
        shown = "$ " + " \\\n    ".join(lines)
        if self.pace and self.out:
            self._typed(shown, "cyan", indent=3)
        else:
            self._print(shown, "cyan", indent=3)

    def _typed(self, text: str, style: str, indent: int) -> None:
        """Print a command key by key; its prompt, and the margin of a further line, are there at
        once.
        """
        assert self.pace and self.out
        from rich.text import Text

        def put(key: str) -> None:
            assert self.out
            self.out.print(Text(key, style), end="", soft_wrap=True)
            self.out.file.flush()

        for line in text.split("\n"):
            at = len(line) - len(line.lstrip("$ "))
            put(" " * indent + line[:at])
            self.pace.type(line[at:], put)
            self.out.print()

    def checks(self, checks: Sequence[Check]) -> None:
        """Show rows of the check list."""
        if self.out:
            from rich.padding import Padding

            from casnb.cli.terminal import checks_table

            self.out.print(Padding(checks_table(checks), (0, 0, 0, 3), expand=False))
            if self.pace:
                self.pace.read(" ".join(f"{c.id} {c.reason}" for c in checks))

    def _print(self, text: str, style: str, indent: int = 0) -> None:
        """Print paragraphs, wrapped; no line ends in spaces, so that a command can be copied
        over several lines.
        """
        if self.out:
            from rich.text import Text

            for line in text.split("\n"):
                for part in wrap(
                    line,
                    self.out.width - indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                    drop_whitespace=True,
                    replace_whitespace=False,
                    subsequent_indent=" " * _hanging(line),
                ) or [""]:
                    self.out.print(Text((" " * indent + part).rstrip(), style), soft_wrap=True)
            if self.pace:
                self.pace.read(text)

    def step(self, what: str, expected: str, got: str) -> bool:
        """Note what was expected and what came; say so where they differ."""
        ok = expected == got
        self.steps.append({"step": what, "expected": expected, "got": got, "ok": ok})
        if not ok:
            self.say(f"UNEXPECTED: {what}: wanted {expected}, got {got}", "bold red")
        return ok


def _hanging(line: str) -> int:
    """How far the further lines of a list item stand to the right."""
    return 2 if line.startswith(("- ", "-> ")) else 0
