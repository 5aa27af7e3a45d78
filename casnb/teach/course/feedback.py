"""What is said to a reader about an exercise: feedback on an answer, hints, the solution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, prose
from casnb.teach.course.answer_json import MIME

NOT_YET, RIGHT, WRONG = "not yet", "right", "wrong"
_MARK = {NOT_YET: "\N{HORIZONTAL ELLIPSIS}", RIGHT: "\N{CHECK MARK}", WRONG: "\N{MULTIPLICATION X}"}


@dataclass(frozen=True)
class Feedback(Shown):
    """What became of one answer: `status` is 'not yet', 'right' or 'wrong'; `code` names the
    misconception, if one was seen.
    """

    exercise: str
    status: str
    message: str
    code: str = ""
    notes: tuple[str, ...] = ()
    #: The answer as JSON that travels, where the notebook is to carry it.
    sent: Mapping[str, Any] | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown: dict[str, Any] = super()._repr_mimebundle_(include, exclude)
        return shown if self.sent is None else {**shown, MIME: dict(self.sent)}

    @property
    def right(self) -> bool:
        return self.status == RIGHT

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        lines = [f"{self.status.upper()}  {self.exercise}: {neutral(self.message, 800)}"]
        return "\n".join(lines + [f"note: {neutral(n, 400)}" for n in self.notes])

    def _html(self) -> str:
        style = {RIGHT: "s-passed", WRONG: "s-failed", NOT_YET: "s-not-run"}[self.status]
        notes = "".join(f"<p>note: {cell(n, 400)}</p>" for n in self.notes)
        return (
            f'<div class="feedback" data-exercise="{escape(self.exercise)}"'
            f' data-status="{self.status}" data-code="{escape(self.code)}"><span class="s'
            f' {style}">{_MARK[self.status]} {self.status.upper()}</span>'
            f" <code>{escape(self.exercise)}</code> {prose(self.message, 800)}{notes}</div>"
        )


@dataclass(frozen=True)
class Awaited(Feedback):
    """What stands under a check cell while its question has buttons that nobody pressed yet:
    `shown` gets a handle of the output, so that the answer can take its place.
    """

    shown: Callable[[Any], None] | None = None

    def _ipython_display_(self) -> None:
        from IPython.display import display

        handle = display(self._repr_mimebundle_(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if handle is not None and self.shown is not None:
            self.shown(handle)


@dataclass(frozen=True)
class Hint(Shown):
    """One of three steps towards the answer; the next call goes one further."""

    exercise: str
    step: int
    of: int
    text: str

    def __str__(self) -> str:
        return f"Hint {self.step} of {self.of} for {self.exercise}: {self.text}"

    def _html(self) -> str:
        return (
            f'<p class="hint"><strong>Hint {self.step} of {self.of}</strong>'
            f" <code>{escape(self.exercise)}</code> {prose(self.text, 800)}</p>"
        )


@dataclass(frozen=True)
class Solution(Shown):
    """How an exercise is solved: code for its answer cell, and why; no code while it was not
    tried.
    """

    exercise: str
    code: str
    why: str

    def __str__(self) -> str:
        why = f"Solution of {self.exercise}: {self.why}"
        return f"{why}\n\n{self.code}" if self.code else why

    def _html(self) -> str:
        code = f"<pre><code>{escape(self.code)}</code></pre>" if self.code else ""
        return (
            f'<div class="solution"><p><strong>Solution</strong> <code>{escape(self.exercise)}'
            f"</code> {prose(self.why, 800)}</p>{code}</div>"
        )
