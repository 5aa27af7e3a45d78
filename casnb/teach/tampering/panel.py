"""The tamper lab as a panel: an explorer whose bytes can be changed, a choice of what Mallory
signs with, and who notices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, neutral
from casnb.base.snapshot import Snapshotted
from casnb.base.view import Shown, block, cell, html_table, html_verdict, page
from casnb.checks.result import Check
from casnb.checks.view import html_result
from casnb.teach.explorer.panel import ByteExplorer
from casnb.teach.explorer.view import View, view
from casnb.teach.facts import Facts
from casnb.teach.live import Live
from casnb.teach.tampering.model import Outcome, Tamper, render_before, render_verdict


class TamperModel(traitlets.HasTraits):
    """The bytes as they are now, what Mallory signs with, and what follows.

    `data`: the bytes of the evidence. `means`: a name out of `tamper.means`. Computed:
    `outcome`, and `error` where something was refused.
    """

    data = traitlets.Bytes(b"")
    means = traitlets.Unicode("none")
    outcome: Any = traitlets.Any(None, allow_none=True)
    error = traitlets.Unicode("")

    def __init__(self, tamper: Tamper, **state: Any) -> None:
        self.tamper = tamper
        super().__init__(**{"data": tamper.map.data, **state})
        self.observe(self._changed, names=["data", "means"])
        self.judge()

    def _changed(self, change: Any) -> None:
        self.judge()

    def judge(self) -> None:
        """Verify and appraise again; a CasnbError becomes `error`."""
        try:
            self.outcome, self.error = self.tamper.judge(self.data, self.means), ""
        except CasnbError as exc:
            self.error = neutral(exc, 400)

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def render(model: TamperModel) -> str:
    """Return the verdict line with what was done below it."""
    if model.error:
        return html_verdict("error", cell(model.error, 500))
    outcome: Outcome = model.outcome
    return render_verdict(outcome) + html_table(
        ("tampered", "with"), [row for row in outcome.rows() if row[0] != "outcome"]
    )


class Snapshot(Shown):
    """Bytes and outcome at one moment, as plain text and static HTML."""

    def __init__(self, outcome: Outcome, seen: View) -> None:
        self.outcome, self.seen = outcome, seen

    def __str__(self) -> str:
        return str(self.outcome)

    __repr__ = __str__

    def _html(self) -> str:
        return (
            f"{self.outcome._html()}<details><summary>Its"
            f" bytes</summary>{self.seen._html()}</details>"
        )


class TamperPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Change bytes in the grid or from Python, choose what Mallory signs with, and read which
    check notices first.

    `model` keeps the state; `edit`, `flip`, `sign_with` and `restore` are what the controls
    call. Every change is verified and appraised by the real code; nothing is sent anywhere.

    Example: `panel = TamperPanel(Facts(World(scenario="production")))`, then `panel` at the end
    of a cell, or `panel.flip(96, 2)`.
    """

    def __init__(
        self, facts: Facts | None = None, *, tamper: Tamper | None = None, means: str = "none"
    ) -> None:
        self._closed, self._asked = True, False
        if tamper is None:
            if facts is None:
                from casnb.simulator.world import World

                facts = Facts(World(scenario="production"))
            tamper = Tamper(facts)
        self.model = TamperModel(tamper, means=means)
        wide = widgets.Layout(width="auto", max_width="60em")
        first = view(tamper.report, self.model.outcome.result)
        self.explorer = ByteExplorer(first, editable=True, layer="changes", judge=self._judge)
        self.chooser = widgets.Dropdown(
            options=[(m.words, m.name) for m in tamper.means],
            value=means,
            description="Mallory signs with",
            layout=wide,
            style={"description_width": "initial"},
        )
        self.verdict, self.checks = widgets.HTML(layout=wide), widgets.HTML(layout=wide)
        for name, control in (
            ("means", self.chooser),
            ("verdict", self.verdict),
            ("checks", self.checks),
        ):
            control.add_class(f"t-{name}")
        self.live = Live()
        style = widgets.HTML(page(""))
        super().__init__([style, self.chooser, self.verdict, self.explorer, self.checks, self.live])
        self.add_class("t-tamper")
        self.chooser.observe(self._chosen, names="value")
        self.model.observe(self._show, names=["outcome", "error"])
        self._closed = False
        self.refresh()

    # What the controls call

    def edit(self, offset: int, value: int) -> Outcome:
        """Change one byte, and return what becomes of it."""
        self.explorer.edit(offset, value)
        return self.outcome

    def flip(self, offset: int, bit: int = 1) -> Outcome:
        """Turn over the bit of this value (1, 2, 4, ... 128) in one byte, and return what
        becomes of it.
        """
        self.explorer.flip(offset, bit)
        return self.outcome

    def sign_with(self, means: str) -> None:
        """Let Mallory sign with something else: a name out of `model.tamper.means`."""
        self.model.means = self.model.tamper.with_means(means).name

    def restore(self) -> None:
        """Bring every byte back; what Mallory signs with stays."""
        self.explorer.restore()

    @property
    def outcome(self) -> Outcome:
        """What became of the bytes as they are now."""
        found: Outcome = self.model.outcome
        return found

    def _judge(self, data: bytes) -> tuple[Check, ...]:
        """Judge bytes that the explorer is about to show; the panel's own lines follow the
        model.
        """
        self._asked = True
        try:
            self.model.data = data
        finally:
            self._asked = False
        checks: tuple[Check, ...] = self.outcome.result.checks
        return checks

    def _chosen(self, change: Any) -> None:
        self.model.means = change["new"]

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model."""
        m = self.model
        self.chooser.value = m.means
        result = m.outcome.result
        table = html_result(result.checks, result.sentence, (), result.verdict.value)
        self.verdict.value = block(render(m))
        self.checks.value = block(render_before(m.outcome) + table)
        if not self._asked and m.outcome.result.checks != self.explorer.view.checks:
            self.explorer.show(replace(self.explorer.view, checks=m.outcome.result.checks))
        self.live.text = m.error or m.outcome.sentence
        self.renew()

    def snapshot(self) -> Snapshot:
        """Return the present state as something that stays readable in an export."""
        return Snapshot(self.outcome, self.explorer.snapshot())

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.chooser.unobserve(self._chosen, names="value")
        self.model.unobserve(self._show, names=["outcome", "error"])
        self.model.close()
        super().close()
