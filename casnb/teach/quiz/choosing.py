"""Sentences as buttons: the one form in which a lesson asks its reader to choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import cell, prose

_HERE = Path(__file__).parent
#: A mark in words and as a sign; a sign alone says nothing.
MARKS = {
    "right": "\N{CHECK MARK} Right.",
    "wrong": "\N{MULTIPLICATION SIGN} Not this one.",
    "kept": "Kept.",
    "same": "= As you said.",
    "other": "\N{NOT EQUAL TO} Not as you said.",
}


@dataclass(frozen=True)
class Verdict:
    """What is said of a sentence that was chosen: a mark of MARKS, words, and a note below."""

    mark: str
    text: str
    note: str = ""


class Choosing(Snapshotted, anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """A question and its sentences, each a button. `judge` is asked what to say of a choice.

    `chosen` is the key of the pressed button, empty at first. `choose` does what a button does.
    `short` sets the buttons in one row.
    """

    _esm = _HERE / "choosing.js"

    sheet = traitlets.Unicode(read_only=True).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    question = traitlets.Unicode("").tag(sync=True)
    options: Any = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)
    presses = traitlets.Int(0).tag(sync=True)
    verdict: Any = traitlets.Dict().tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    short = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        title: str,
        question: str,
        options: Mapping[str, str],
        judge: Callable[[str], Verdict],
        *,
        note: str = "",
        short: bool = False,
    ) -> None:
        self._judge = judge
        super().__init__(
            title=title,
            question=question,
            options=[{"key": k, "text": text} for k, text in options.items()],
            note=note,
            short=short,
        )
        self.set_trait("sheet", (_HERE / "choosing.css").read_text(encoding="utf-8"))
        self.add_class("widget-box")  # what stands beside a saved form is looked for by this class
        self.observe(self._pressed, names=["presses"])

    def choose(self, key: str) -> None:
        """Press a button, or raise UsageError."""
        keys = [o["key"] for o in self.options]
        if key not in keys:
            raise UsageError("choice", got=key, wanted="one of " + ", ".join(keys))
        self.chosen = key
        self.presses += 1

    def _pressed(self, change: Any) -> None:
        if self.chosen not in [o["key"] for o in self.options]:
            return
        try:
            found = self._judge(self.chosen)
        except CasnbError as exc:
            found = Verdict("wrong", neutral(exc, 400))
        self.verdict = {"mark": found.mark, "word": MARKS[found.mark], "text": found.text}
        self.note = found.note
        self.renew()

    def snapshot(self) -> Snapshot:
        """Return question, sentences and what was said as something that stays readable."""
        lines, items = [], []
        for option in self.options:
            pressed = option["key"] == self.chosen
            lines.append(f"  {'(x)' if pressed else '( )'} {neutral(option['text'], 600)}")
            mark = "<strong>\N{BLACK CIRCLE}</strong>" if pressed else "\N{WHITE CIRCLE}"
            items.append(f"<li>{mark} {prose(option['text'], 600)}</li>")
        said = " ".join(filter(None, (self.verdict.get("word", ""), self.verdict.get("text", ""))))
        tail = [x for x in (said, self.note) if x]
        text = "\n".join(
            [
                f"{self.title}",
                neutral(self.question, 1200),
                *lines,
                *(neutral(t, 800) for t in tail),
            ]
        )
        body = (
            f"<p>{cell(self.title)}</p><p><strong>{prose(self.question, 1200)}</strong></p>"
            f'<ul style="list-style:none;padding-left:0">{"".join(items)}</ul>'
            + "".join(f"<p>{prose(t, 800)}</p>" for t in tail)
        )
        return Snapshot(text.lstrip("\n"), body)
