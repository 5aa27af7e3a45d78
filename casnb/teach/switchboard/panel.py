"""The switchboard: every insecure flag as a switch, what each combination makes of a report, and
whom it lets in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, neutral
from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import block, cell, html_verdict, page
from casnb.mallory import attacks as mallory
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.copying import CopyButton
from casnb.teach.fold import Fold
from casnb.teach.live import Live
from casnb.teach.switchboard import needs, view
from casnb.teach.switchboard.controls import Doors, Switches
from casnb.teach.switchboard.model import (
    CHOICES,
    HABITS,
    SwitchboardModel,
    sentence,
    snapshot,
    verdict_name,
)
from casnb.teach.worldmap.changes import let_in, tally
from casnb.teach.worldmap.view import render_map, render_map_text

if TYPE_CHECKING:
    from casnb.teach.facts import Cases


class Switchboard(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Switches for every insecure flag, what the combination amounts to, and Mallory, who tries
    what it lets her try.

    `model` keeps the state; the public methods are what the controls call, so that a notebook
    can call them too. A click repeats only the appraisal. Attacks run on loopback, when their
    button is pressed; `attacks` are those that are spoken of, all unless some are named.

    Switches stand left, their effect right, in one view of a projector: verdict, map, doors and
    what the last click did to them, command line. What is not needed at every click is folded, and
    made when it is opened.

    Every control answers to Tab, Space and Enter: JupyterLab keeps the arrow keys to itself, so
    there are no radio buttons, and a list is opened with Space first.

    Example: `board = Switchboard(lab.cases, address=lab.address)`, then `board` alone at the end
    of a cell.
    """

    def __init__(
        self,
        cases: Cases | None = None,
        *,
        model: SwitchboardModel | None = None,
        attacks: Iterable[str] = tuple(mallory.ATTACKS),
        **state: Any,
    ) -> None:
        self._closed, self._busy = True, False
        self.model = model or SwitchboardModel(cases, attacks, **state)
        self._make_controls()
        left = widgets.VBox([self.scenario, self.about, self.switches, self.buttons])
        card = widgets.VBox([self.verdict, self.tally, self.map, self.command])
        columns = widgets.Box([left, card])
        for name, box in (("left", left), ("card", card), ("columns", columns)):
            box.add_class(f"t-{name}")
        style = widgets.HTML(page(view.STYLE))
        super().__init__([style, columns, self.doors, *self.folds.values(), self.live])
        self.add_class("t-switchboard")
        self._undo: list[Callable[[], None]] = []
        self._watch(self.scenario, self.choose_scenario)
        self._watch(self.mrenclave, self.choose_mrenclave)
        self._watch(self.without, self.leave_out)
        self._watch(self.switches, lambda names: self.set_flags(*names))
        for button, handler in (
            (self.load_button, self.load),
            (self.reset_button, self.clear),
            (self.remedy_button, self.mend),
        ):
            self._press(button, handler)
        self.doors.on_msg(self._asked)
        self.model.observe(self._show, names=_SHOWN)
        self._closed = False
        self.refresh()

    def _make_controls(self) -> None:
        plain = {"description_width": "initial"}
        wide = {"width": "auto", "max_width": "60em"}
        self.scenario = widgets.Dropdown(
            options=self._options(),
            value=self.model.scenario,
            description="CAS",
            layout=widgets.Layout(width="auto"),
            style=plain,
        )
        self.about = widgets.HTML()
        self.copy = CopyButton(label="Copy the line")
        self.path = widgets.Text(
            description="Report file",
            placeholder="a saved answer of /v1/attest",
            style=plain,
            layout=widgets.Layout(**wide),
        )
        self.mrenclave = widgets.Dropdown(
            options=[(said, name) for name, said in CHOICES.items()],
            value=self.model.mrenclave,
            description="MRENCLAVE",
            layout=widgets.Layout(**wide),
            style=plain,
        )
        self.switches = Switches(value=list(self.model.flags))
        self.load_button, self.reset_button, self.remedy_button = (
            widgets.Button(description=said, layout=widgets.Layout(width="auto"))
            for said in ("Load the report", "Clear all flags", "Set what is missing")
        )
        self.buttons = widgets.HBox(
            [self.reset_button, self.remedy_button, self.copy],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self.without = widgets.Dropdown(
            options=[("none", ""), *((f"{n}: {mallory.HABITS[n].otherwise}", n) for n in HABITS)],
            value=self.model.without,
            description="Habit left out",
            layout=widgets.Layout(**wide),
            style=plain,
        )
        self.verdict, self.map, self.tally, self.command, self.loaded = (
            widgets.HTML() for _ in range(5)
        )
        self.doors = Doors(self.model.attacks)
        self.live = Live()
        self.folds = {
            "checks": Fold(
                "All checks", render=lambda: block(view.render_checks(self.model.result))
            ),
            "needs": Fold(
                "What the flags need, and which of them this report needs", render=self._needs
            ),
            "gains": Fold(
                "What each flag gives away",
                render=lambda: block(needs.render_gains(self.model.flags, self.model.result)),
            ),
            "habits": Fold(
                needs.HABITS_TITLE, self.without, render=lambda: block(needs.render_habits())
            ),
            "report": Fold(
                "Another MRENCLAVE, or a report from a file",
                self.mrenclave,
                self.path,
                self.load_button,
                self.loaded,
                render=lambda: block(f"<p>{cell(self.model.case.story, 400)}</p>"),
            ),
            "text": Fold("The map as text", render=self._map_text),
        }
        named = {
            "scenario": self.scenario,
            "path": self.path,
            "mrenclave": self.mrenclave,
            "verdict": self.verdict,
            "map": self.map,
            "tally": self.tally,
            "command": self.command,
            "loaded": self.loaded,
            "without": self.without,
            "load": self.load_button,
            "reset": self.reset_button,
            "remedy": self.remedy_button,
            **self.folds,
        }
        for name, control in named.items():
            control.add_class(f"t-{name}")

    def _options(self) -> list[tuple[str, str]]:
        """The names alone: a chooser cuts long texts, and `about` says what each one is."""
        return [(name, name) for name in (*SCENARIOS, *self.model.cases.loaded)]

    def _needs(self) -> str:
        m = self.model
        return block(
            needs.render_budget(m.flags, m.case.minimal) + needs.render_needs(m.flags, m.given)
        )

    def _map_text(self) -> str:
        return block(render_map_text(self.model.standing()))

    def _watch(self, control: Any, step: Callable[[Any], None]) -> None:
        def changed(change: Any) -> None:
            if not self._busy:
                step(change["new"])

        control.observe(changed, names="value")
        self._undo.append(lambda: control.unobserve(changed, names="value"))

    def _press(self, button: Any, step: Callable[[], None]) -> None:
        def clicked(_: Any) -> None:
            step()

        button.on_click(clicked)
        self._undo.append(lambda: button.on_click(clicked, remove=True))

    def _asked(self, widget: Any, content: Any, buffers: Any) -> None:
        """Run the attack whose button was pressed; anything else is not a message of ours."""
        name = content.get("attack") if isinstance(content, dict) else None
        if isinstance(name, str) and not self._closed:
            self.attack(name)

    # What the controls call

    def choose_scenario(self, name: str) -> None:
        """Appraise the report of another scenario, or one that was loaded."""
        self._guarded(lambda: self.model.set_trait("scenario", name))

    def choose_mrenclave(self, choice: str) -> None:
        """Give the MRENCLAVE of the page, one with a digit changed, or none: a key of CHOICES."""
        self._guarded(lambda: self.model.set_trait("mrenclave", choice))

    def leave_out(self, habit: str = "") -> None:
        """Leave out one usual habit (left out: none) when an attack runs; the doors go on with
        all of them.
        """
        self._guarded(lambda: self.model.set_trait("without", habit))

    def toggle(self, name: str, on: bool | None = None) -> None:
        """Set, clear or (without `on`) turn over one flag, by its long name without dashes."""
        self._guarded(
            lambda: self.model.switch(name, name not in self.model.flags if on is None else on)
        )

    def set_flags(self, *names: str) -> None:
        """Set exactly these flags, by long names without dashes or as options like `-G`."""
        self._guarded(
            lambda: self.model.set_trait("flags", AttestationPolicy().with_flags(*names).flags())
        )

    def clear(self) -> None:
        """Clear every flag."""
        self.set_flags()

    def mend(self) -> None:
        """Set what an illegal combination lacks."""
        self._guarded(self.model.mend)

    def load(self, path: str | Path = "") -> None:
        """Judge a report out of a file (left out: the one that stands in the field) in place of
        a scenario.
        """
        try:
            report = self.model.load(path or self.path.value)
            name, said = "loaded", f"Loaded: {report.name}, {neutral(report.title, 200)}."
        except CasnbError as exc:
            name, said = "error", f"Not loaded: {neutral(exc, 500)}"
        self.loaded.value = block(html_verdict(name, cell(said, 800)))
        self.live.text = said

    def attack(self, name: str) -> None:
        """Run an attack against the switches, and show what came of it under its button."""
        try:
            self.model.attack(name)
        except CasnbError as exc:
            said = f"Not run: {neutral(exc, 500)}"
            at = name if name in self.model.attacks else next(iter(self.model.attacks), "")
            self.doors.outcome = {"name": at, "html": html_verdict("error", cell(said, 600))}
            self.live.text = said

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a handler's step; what casnb refuses is shown in the verdict, since a callback's
        exception is not.
        """
        try:
            step()
        except (CasnbError, traitlets.TraitError) as exc:
            self.model.refuse(neutral(exc, 400))

    def _show(self, change: Any) -> None:
        if change["name"] == "outcome":
            self._tell()
        elif change["name"] == "without":
            self.without.value = change["new"]
        else:
            self.refresh()

    def _tell(self) -> None:
        """Show the last run of an attack under its button, or nothing once a switch moved."""
        outcome = self.model.outcome
        if outcome is None:
            if self.doors.outcome["name"]:
                self.doors.outcome = {"name": "", "html": ""}
            return
        self.doors.outcome = {"name": outcome.attack.name, "html": outcome._html()}
        self.live.text = outcome.sentence
        self.renew()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model, the verdict first."""
        m = self.model
        self.verdict.value = block(view.render_verdict(verdict_name(m), sentence(m), m.problems))
        self._busy = True
        try:
            self._align()
        finally:
            self._busy = False
        self.command.value = block(view.render_command(m.command))
        self.copy.text = m.command
        try:
            self._doors()
        except CasnbError as exc:
            self.map.value = block(
                html_verdict("error", f"Mallory could not try: {cell(exc, 500)}")
            )
        for fold in self.folds.values():
            fold.renew()
        self.renew()

    def _align(self) -> None:
        m, lacks = self.model, self.model.remedy()
        options = self._options()
        if list(self.scenario.options) != options:
            self.scenario.options = options
        self.about.value = block(f'<p class="small">{cell(m.case.title)}</p>')
        self.scenario.value, self.mrenclave.value, self.without.value = (
            m.scenario,
            m.mrenclave,
            m.without,
        )
        self.switches.value = list(m.flags)
        self.remedy_button.description = (
            f"Set {lacks.words} too" if lacks else "Set what is missing"
        )
        self.remedy_button.layout.display = None if lacks else "none"

    def _doors(self) -> None:
        """Draw the map, count the doors, and say what the last move did to them."""
        m = self.model
        m.compare()
        foreseen, strict, change = m.foreseen(), m.foreseen(strict=True), m.change
        accepted = m.result is None or m.result.accepted
        new = change.opened if change else ()
        self.map.value = block(render_map(m.standing(), new, compact=True))
        self.tally.value = block(view.render_tally(foreseen, strict, change, accepted=accepted))
        doors, why = tally(foreseen, strict)
        inside = len(let_in(foreseen))
        self.doors.doors = view.doors_of(foreseen, strict)
        self.doors.head = (
            f"{inside} open door{'' if inside == 1 else 's'}: let her try, and see what she takes"
            if foreseen
            else ""
        )
        self.doors.note = view.HERS if foreseen else ""
        told = f" {change}" if change else ""
        self.live.text = f"{sentence(m)} Mallory: {doors}, {why}{told}"

    def snapshot(self) -> Snapshot:
        """Return the present state as something that stays readable in an export."""
        return snapshot(self.model)

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for undo in self._undo:
            undo()
        self._undo.clear()
        self.doors.on_msg(self._asked, remove=True)
        self.model.unobserve(self._show, names=_SHOWN)
        super().close()


_SHOWN = ["turn", "without", "outcome"]
