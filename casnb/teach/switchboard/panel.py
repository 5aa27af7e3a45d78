"""The switchboard: every insecure flag as a switch, what each combination makes of a report, and
whom it lets in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot, Snapshotted
from casnb.base.view import block, cell, html_verdict, page
from casnb.mallory import attacks as mallory
from casnb.policy import flags as catalogue
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.switchboard import view
from casnb.teach.switchboard.model import (
    CHOICES,
    HABITS,
    SwitchboardModel,
    sentence,
    snapshot,
    verdict_name,
)

if TYPE_CHECKING:
    from casnb.teach.facts import Cases

_WIDE = {"width": "auto", "max_width": "60em"}


class Switchboard(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Switches for every insecure flag, what the combination amounts to, and Mallory, who tries
    what it lets her try.

    `model` keeps the state; the public methods are what the controls call, so that a notebook
    can call them too. A click repeats only the appraisal. Attacks run on loopback, when their
    button is pressed.

    Every control answers to Tab, Space and Enter: JupyterLab keeps the arrow keys to itself, so
    there are no radio buttons, and a list is opened with Space first.

    Example: `board = Switchboard(lab.cases, address=lab.address)`, then `board` alone at the end
    of a cell.
    """

    def __init__(
        self, cases: Cases | None = None, *, model: SwitchboardModel | None = None, **state: Any
    ) -> None:
        self._closed, self._busy = True, False
        self.model = model or SwitchboardModel(cases, **state)
        wide = widgets.Layout(**_WIDE)
        plain = {"description_width": "initial"}
        self.scenario = widgets.Dropdown(
            options=self._options(),
            value=self.model.scenario,
            description="Scenario",
            layout=wide,
            style=plain,
        )
        self.path = widgets.Text(
            description="Report file",
            placeholder="a saved answer of /v1/attest",
            style=plain,
            layout=widgets.Layout(flex="1 1 24em", width="auto"),
        )
        self.mrenclave = widgets.Dropdown(
            options=[(said, name) for name, said in CHOICES.items()],
            value=self.model.mrenclave,
            description="MRENCLAVE",
            layout=wide,
            style=plain,
        )
        self.toggles = {name: self._toggle(name) for name in catalogue.BY_NAME}
        self.load_button, self.reset_button, self.remedy_button, self.attack_button = (
            _button(said)
            for said in ("Load the report", "Clear all flags", "Set what is missing", "Let her try")
        )
        self.tries = {name: _button(f"Run {name}", "13em") for name in mallory.ATTACKS}
        self.stopped = widgets.Dropdown(
            options=[],
            description="Stopped attack",
            style=plain,
            layout=widgets.Layout(width="auto", max_width="30em", flex="1 1 16em", min_width="0"),
        )
        self.without = widgets.Dropdown(
            options=[("none", ""), *((f"{n}: {mallory.HABITS[n].otherwise}", n) for n in HABITS)],
            value=self.model.without,
            description="Habit left out",
            layout=wide,
            style=plain,
        )
        self.habits = widgets.HTML(block(view.render_habits()), layout=wide)
        (
            self.story,
            self.loaded,
            self.needs,
            self.verdict,
            self.budget,
            self.command,
            self.checks,
            self.lamps,
            self.outcome,
            self.gains,
        ) = (widgets.HTML(layout=wide) for _ in range(10))
        self._said = {
            name: widgets.HTML(layout=widgets.Layout(flex="1 1 20em", min_width="0"))
            for name in mallory.ATTACKS
        }
        self._rows = {name: _row(self.tries[name], self._said[name]) for name in mallory.ATTACKS}
        self.abilities = widgets.VBox([*self._rows.values()], layout=wide)
        for name in (
            "scenario",
            "story",
            "path",
            "loaded",
            "mrenclave",
            "needs",
            "verdict",
            "budget",
            "command",
            "checks",
            "lamps",
            "abilities",
            "habits",
            "without",
            "stopped",
            "outcome",
            "gains",
        ):
            getattr(self, name).add_class(f"t-{name}")
        for name, button in (
            ("load", self.load_button),
            ("reset", self.reset_button),
            ("remedy", self.remedy_button),
            ("attack", self.attack_button),
        ):
            button.add_class(f"t-{name}")
        super().__init__(
            [
                self.scenario,
                self.story,
                _row(self.path, self.load_button),
                self.loaded,
                self.mrenclave,
                *self._groups(),
                self.needs,
                _row(self.reset_button, self.remedy_button),
                self.verdict,
                self.budget,
                self.lamps,
                self.abilities,
                self.habits,
                self.without,
                _row(self.stopped, self.attack_button),
                self.outcome,
                self.command,
                self.checks,
                self.gains,
            ]
        )
        self.add_class("t-switchboard")
        self._undo: list[Callable[[], None]] = []
        self._watch(self.scenario, self.choose_scenario)
        self._watch(self.mrenclave, self.choose_mrenclave)
        self._watch(self.without, self.leave_out)
        for name, box in self.toggles.items():
            self._watch(box, lambda on, name=name: self.toggle(name, on))  # type: ignore[misc]
        for button, handler in (
            (self.load_button, self.load),
            (self.reset_button, self.clear),
            (self.remedy_button, self.mend),
            (self.attack_button, self.attack),
        ):
            self._press(button, handler)
        for name, button in self.tries.items():
            self._press(button, lambda name=name: self.attack(name))  # type: ignore[misc]
        self.model.observe(self._show, names=_SHOWN)
        self._closed = False
        self.refresh()

    def _options(self) -> list[tuple[str, str]]:
        titles = {name: s.title for name, s in SCENARIOS.items()} | {
            n: r.title for n, r in self.model.cases.loaded.items()
        }
        return [(f"{name}: {title}", name) for name, title in titles.items()]

    def _toggle(self, name: str) -> widgets.Checkbox:
        flag = catalogue.BY_NAME[name]
        label = f"-{flag.short} --{name}" if flag.short else f"--{name}"
        box = widgets.Checkbox(
            value=name in self.model.flags,
            description=label,
            indent=False,
            tooltip=flag.help,
            layout=widgets.Layout(width="auto", flex="0 0 20em"),
        )
        box.add_class("t-flag-" + name)
        return box

    def _groups(self) -> list[widgets.Widget]:
        out: list[widgets.Widget] = []
        for title, flags in catalogue.groups().items():
            out.append(widgets.HTML(block(f"<p><strong>{cell(title)}</strong></p>")))
            for flag in flags:
                said = block(cell(flag.help))
                beside = widgets.HTML(said, layout=widgets.Layout(flex="1 1 16em", min_width="0"))
                out.append(_row(self.toggles[flag.name], beside))
        return out

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

    # What the controls call

    def choose_scenario(self, name: str) -> None:
        """Appraise the report of another scenario, or one that was loaded."""
        self._guarded(lambda: self.model.set_trait("scenario", name))

    def choose_mrenclave(self, choice: str) -> None:
        """Give the MRENCLAVE of the page, one with a digit changed, or none: a key of CHOICES."""
        self._guarded(lambda: self.model.set_trait("mrenclave", choice))

    def leave_out(self, habit: str = "") -> None:
        """Leave out one usual habit (left out: none) when an attack runs; the lamps go on with
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
            self.loaded.value = block(
                html_verdict("loaded", f"Loaded: {cell(report.name)}, {cell(report.title, 200)}.")
            )
        except CasnbError as exc:
            self.loaded.value = block(html_verdict("error", f"Not loaded: {cell(exc, 500)}"))

    def attack(self, name: str = "") -> None:
        """Run an attack (left out: the one chosen among those that are stopped) against the
        switches, and show what came of it.
        """
        chosen = name or self.stopped.value
        try:
            if not chosen:
                raise UsageError(
                    "attack", got="none chosen", wanted="one of " + ", ".join(mallory.ATTACKS)
                )
            self.model.attack(chosen)
        except CasnbError as exc:
            self.outcome.value = block(html_verdict("error", f"Not run: {cell(exc, 500)}"))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a handler's step; what casnb refuses is shown in the verdict line, since a
        callback's exception is not.
        """
        try:
            step()
        except (CasnbError, traitlets.TraitError) as exc:
            self.model.error = neutral(exc, 400)

    def _show(self, change: Any) -> None:
        if change["name"] == "outcome":
            self.outcome.value = (
                block(self.model.outcome._html()) if self.model.outcome is not None else ""
            )
        else:
            self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model, the verdict first."""
        m = self.model
        self.verdict.value = block(view.render_verdict(verdict_name(m), sentence(m), m.problems))
        self._busy = True
        try:
            self._align()
        finally:
            self._busy = False
        self.checks.value = block(view.render_checks(m.result))
        self.command.value = block(view.render_command(m.command))
        self.needs.value = block(view.render_needs(m.flags, m.given))
        self.gains.value = block(view.render_gains(m.flags, m.result))
        try:
            self.story.value = page(f"<p>{cell(m.case.story, 400)}</p>")
            self.budget.value = block(view.render_budget(m.flags, m.case.minimal))
            self._abilities(m.foreseen(), m.foreseen(strict=True))
        except CasnbError as exc:
            self.lamps.value = block(
                html_verdict("error", f"Mallory could not try: {cell(exc, 500)}")
            )

    def _align(self) -> None:
        m, lacks = self.model, self.model.remedy()
        options = self._options()
        if list(self.scenario.options) != options:
            self.scenario.options = options
        self.scenario.value, self.mrenclave.value, self.without.value = (
            m.scenario,
            m.mrenclave,
            m.without,
        )
        for name, box in self.toggles.items():
            box.value = name in m.flags
        self.remedy_button.description = (
            f"Set {lacks.words} too" if lacks else "Set what is missing"
        )
        self.remedy_button.layout.display = None if lacks else "none"

    def _abilities(self, foreseen: Mapping[str, str], strict: Mapping[str, str]) -> None:
        """Light the lamps, and show a button for each attack that gets in; those that are
        stopped share a chooser.

        The buttons are all there from the start and only hidden: making them again would cost a
        click its quickness.
        """
        inside = view.let_in(foreseen)
        self.lamps.value = block(view.render_lamps(foreseen, strict))
        for name, row in self._rows.items():
            if name in inside:
                self._said[name].value = block(
                    view.render_ability(mallory.ATTACKS[name], bool(strict.get(name)))
                )
            row.layout.display = None if name in inside else "none"
        stopped = [(f"{name} ({view.stops(by)})", name) for name, by in foreseen.items() if by]
        if list(self.stopped.options) != stopped:
            kept = self.stopped.value
            self.stopped.options = stopped
            if stopped:
                self.stopped.value = kept if foreseen.get(kept) else stopped[0][1]
        self.attack_button.disabled = self.stopped.disabled = not stopped

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
        self.model.unobserve(self._show, names=_SHOWN)
        super().close()


_SHOWN = ["result", "problems", "error", "command", "without", "outcome"]


def _button(description: str, width: str = "auto") -> widgets.Button:
    return widgets.Button(
        description=description, layout=widgets.Layout(width=width, align_self="flex-start")
    )


def _row(*children: widgets.Widget) -> widgets.HBox:
    return widgets.HBox(
        children,
        layout=widgets.Layout(align_items="center", flex_flow="row wrap", max_width="60em"),
    )
