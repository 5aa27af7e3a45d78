"""The flag panel: every insecure flag as a switch, and what each combination makes of a report."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from casnb import flags as catalogue
from casnb.errors import CasnbError, UsageError, neutral
from casnb.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.facts import Cases, changed_digit
from casnb.view import Shown, cell, html_result, html_verdict, page, text_result

if TYPE_CHECKING:
    from casnb.checks import AttestationResult

#: What the reader may give as MRENCLAVE, and how a radio button says it.
CHOICES = {"given": "from the page", "one digit wrong": "with one digit changed", "none": "not given"}

#: A sentence beside each switch; the flag itself is its label.
GROUPS = {
    "Accept what Intel reports about the platform": ("accept-group-out-of-date", "accept-configuration-needed",
                                                     "accept-sw-hardening-needed"),
    "For testing only": ("only_for_testing-debug", "only_for_testing-ignore-signer", "only_for_testing-trust-any"),
}


class FlagModel(traitlets.HasTraits):
    """Scenario, flags and MRENCLAVE that a reader chose, and what follows: a result, or the problems of the combination.

    `scenario`: a name of `casnb.simulator.scenario.SCENARIOS`. `flags`: long names without dashes. `mrenclave`: a key of
    CHOICES. Computed: `result` (None while the combination is illegal), `problems`, `error`, `command`, `milliseconds`.
    """

    scenario = traitlets.Enum(tuple(SCENARIOS), default_value="public")
    flags = traitlets.Tuple()
    mrenclave = traitlets.Enum(tuple(CHOICES), default_value="given")
    address = traitlets.Unicode("cas")

    result: Any = traitlets.Any(None, allow_none=True)
    problems = traitlets.Tuple()
    error = traitlets.Unicode("")
    command = traitlets.Unicode("")
    milliseconds = traitlets.Float(0.0)

    def __init__(self, cases: Cases | None = None, **state: Any) -> None:
        self.cases = cases or Cases()
        super().__init__(**state)
        self.observe(self._changed, names=["scenario", "flags", "mrenclave", "address"])
        self.appraise()

    @traitlets.validate("flags")
    def _known(self, proposal: Any) -> tuple[str, ...]:
        chosen = proposal["value"]
        strange = [name for name in chosen if name not in catalogue.BY_NAME]
        if strange:
            raise traitlets.TraitError(f"flags: got {neutral(strange[0], 60)}, wanted names out of {', '.join(catalogue.BY_NAME)}")
        return tuple(name for name in catalogue.BY_NAME if name in chosen)

    def _changed(self, change: Any) -> None:
        self.appraise()

    def switch(self, name: str, on: bool) -> None:
        """Set or clear one flag (long name without dashes); the order of `flags` stays the catalogue's."""
        if name not in catalogue.BY_NAME:
            raise UsageError("flag", got=name, wanted="one of " + ", ".join(catalogue.BY_NAME))
        self.flags = tuple(n for n in self.flags if n != name) + ((name,) if on else ())

    def policy(self) -> AttestationPolicy:
        """Return the policy that the switches stand for."""
        value = self.cases.get(self.scenario).world.mrenclave
        given = {"given": (value,), "one digit wrong": (changed_digit(value),), "none": ()}[self.mrenclave]
        return AttestationPolicy(mrenclaves=given).with_flags(*self.flags)

    def appraise(self) -> None:
        """Recompute everything from the switches; a CasnbError becomes `error`, never an exception."""
        began = time.perf_counter()
        result: AttestationResult | None = None
        problems: tuple[str, ...] = ()
        error = command = ""
        try:
            policy = self.policy()
            command = policy.command(self.address)
            problems = tuple(policy.problems())
            if not problems:
                result = self.cases.get(self.scenario).appraise(policy)
        except CasnbError as exc:
            error = str(exc)
        with self.hold_trait_notifications():
            self.result, self.problems, self.error, self.command = result, problems, error, command
            self.milliseconds = (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def sentence(model: FlagModel) -> str:
    """Return the verdict in words, or why there is none."""
    if model.error:
        return f"Could not be checked: {model.error}"
    if model.problems:
        return "Not a legal combination (usage error, exit code 2): nothing was sent and nothing was checked."
    return str(model.result.sentence)


def verdict_name(model: FlagModel) -> str:
    """Return the verdict as JSON spells it, 'usage-error', or 'error'."""
    return "error" if model.error else "usage-error" if model.problems else str(model.result.verdict.value)


def render_verdict(name: str, words: str, problems: Sequence[str] = ()) -> str:
    """Return the verdict line, announced to screen readers, with the problem sentences as the command prints them."""
    lines = "".join(f"<br><code>Error: {cell(p, 400)}</code>" for p in problems)
    return html_verdict(name, cell(words, 700) + lines, live=True)


def render_checks(result: AttestationResult | None) -> str:
    """Return the check table of a result, with its remarks; a sentence where there is none."""
    if result is None:
        return "<p>No check was made.</p>"
    return html_result(result.checks, "", result.remarks)


def render_command(line: str) -> str:
    """Return the command line that stands for the switches; it breaks between words only, as long as one fits the window."""
    def kept(word: str) -> str:
        text = html.escape(word)
        return f'<span style="display:inline-block;max-width:100%">{text}</span>' if len(word) > 8 else text

    words = " ".join(kept(word) for word in line.split(" "))
    return ('<p>The same in a terminal:</p><pre class="command" style="white-space:pre-wrap;overflow-wrap:anywhere">'
            f"<code>{words}</code></pre>")


def render_gains(names: Sequence[str], result: AttestationResult | None = None) -> str:
    """Return what an attacker gains by each flag that is set, and whether this report needed it."""
    if not names:
        return "<p>No insecure flag is set: nobody gains anything.</p>"
    needed = " ".join(c.flag or "" for c in result.waivers) if result is not None else ""
    rows = []
    for name in names:
        flag = catalogue.BY_NAME[name]
        used = "" if result is None else " (waives a check here)" if flag.option in needed.split() else " (waives nothing here)"
        rows.append(f"<li><strong><code>{cell(flag.option)}</code>{used}</strong>: {cell(flag.gains, 600)} "
                    f"Least harmful: {cell(flag.mildest, 300)}</li>")
    return f"<p>What an attacker gains:</p><ul>{''.join(rows)}</ul>"


class Snapshot(Shown):
    """The state of a panel at one moment, as plain text and static HTML: it stays readable where widgets do not."""

    def __init__(self, text: str, body: str) -> None:
        self.text, self.body = text, body

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _html(self) -> str:
        return self.body


def snapshot(model: FlagModel) -> Snapshot:
    """Return the present state of a model."""
    story = SCENARIOS[model.scenario]
    head = f"Scenario {model.scenario}: {story.title}. MRENCLAVE {CHOICES[model.mrenclave]}."
    result = model.result
    text = [head, f"$ {model.command}", "", sentence(model), *(f"Error: {p}" for p in model.problems)]
    if result is not None:
        text += ["", text_result(result.checks, "", result.remarks)]
    body = (f"<p>{cell(head, 400)}</p>" + render_command(model.command)
            + render_verdict(verdict_name(model), sentence(model), model.problems) + render_checks(result))
    return Snapshot("\n".join(text), body)


class FlagPanel(widgets.VBox):  # type: ignore[misc]
    """Switches for every insecure flag, a scenario chooser, and below them what the combination amounts to.

    `model` keeps the state; the public methods are what the controls call, so that a notebook can call them too. Nothing is
    sent anywhere: each scenario's report is made and verified once, and only the appraisal is repeated.

    Example: `panel = FlagPanel(lab.cases, address=lab.address)`, then `panel` alone at the end of a cell.
    """

    def __init__(self, cases: Cases | None = None, *, model: FlagModel | None = None, **state: Any) -> None:
        self._closed = True
        self.model = model or FlagModel(cases, **state)
        wide = widgets.Layout(width="auto", max_width="60em")
        self.scenario = widgets.Dropdown(
            options=[(f"{s.name}: {s.title}", s.name) for s in SCENARIOS.values()], value=self.model.scenario,
            description="Scenario", layout=wide, style={"description_width": "initial"})
        self.mrenclave = widgets.RadioButtons(
            options=[(said, name) for name, said in CHOICES.items()], value=self.model.mrenclave, description="MRENCLAVE",
            layout=wide, style={"description_width": "initial"})
        self.toggles = {name: self._toggle(name) for name in catalogue.BY_NAME}
        self.reset_button = widgets.Button(description="Clear all flags",
                                           layout=widgets.Layout(width="auto", align_self="flex-start"))
        self.story, self.verdict, self.command, self.checks, self.gains = (widgets.HTML(layout=wide) for _ in range(5))
        for name, control in (("scenario", self.scenario), ("mrenclave", self.mrenclave), ("reset", self.reset_button),
                              ("story", self.story), ("verdict", self.verdict), ("command", self.command),
                              ("checks", self.checks), ("gains", self.gains)):
            control.add_class(f"t-{name}")
        super().__init__([self.scenario, self.story, self.mrenclave, *self._groups(), self.reset_button, self.verdict,
                          self.command, self.checks, self.gains])
        self.add_class("t-flag-panel")
        self._watched: list[tuple[Any, Callable[[Any], None], Any]] = []
        self._watch(self.scenario, lambda change: self.choose_scenario(change["new"]))
        self._watch(self.mrenclave, lambda change: self.choose_mrenclave(change["new"]))
        for name, box in self.toggles.items():
            self._watch(box, lambda change, name=name: self.toggle(name, change["new"]))  # type: ignore[misc]
        self.reset_button.on_click(self.clear)
        self.model.observe(self._show, names=["result", "problems", "error", "command"])
        self._closed = False
        self.refresh()

    def _toggle(self, name: str) -> widgets.Checkbox:
        flag = catalogue.BY_NAME[name]
        label = f"-{flag.short} --{name}" if flag.short else f"--{name}"
        box = widgets.Checkbox(value=name in self.model.flags, description=label, indent=False, tooltip=flag.help,
                               layout=widgets.Layout(width="auto", flex="0 0 20em"))
        box.add_class("t-flag-" + name)
        return box

    def _groups(self) -> list[widgets.Widget]:
        out: list[widgets.Widget] = []
        for title, names in GROUPS.items():
            out.append(widgets.HTML(page(f"<p><strong>{cell(title)}</strong></p>")))
            for name in names:
                said = widgets.HTML(page(cell(catalogue.BY_NAME[name].help)), layout=widgets.Layout(flex="1 1 0", min_width="0"))
                out.append(widgets.HBox([self.toggles[name], said], layout=widgets.Layout(align_items="center", max_width="60em")))
        return out

    def _watch(self, control: Any, handler: Callable[[Any], None]) -> None:
        control.observe(handler, names="value")
        self._watched.append((control, handler, "value"))

    # What the controls call

    def choose_scenario(self, name: str) -> None:
        """Appraise the report of another scenario."""
        self._guarded(lambda: self.model.set_trait("scenario", name))

    def choose_mrenclave(self, choice: str) -> None:
        """Give the MRENCLAVE of the page, one with a digit changed, or none: a key of CHOICES."""
        self._guarded(lambda: self.model.set_trait("mrenclave", choice))

    def toggle(self, name: str, on: bool | None = None) -> None:
        """Set, clear or (without `on`) turn over one flag, by its long name without dashes."""
        self._guarded(lambda: self.model.switch(name, name not in self.model.flags if on is None else on))

    def set_flags(self, *names: str) -> None:
        """Set exactly these flags, by long names without dashes or as options like `-G`."""
        self._guarded(lambda: self.model.set_trait("flags", AttestationPolicy().with_flags(*names).flags()))

    def clear(self, button: Any = None) -> None:
        """Clear every flag."""
        self.set_flags()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a handler's step; what casnb refuses is shown in the verdict line, since a callback's exception is not."""
        try:
            step()
        except (CasnbError, traitlets.TraitError) as exc:
            self.model.error = neutral(exc, 400)

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model."""
        m = self.model
        self.scenario.value, self.mrenclave.value = m.scenario, m.mrenclave
        for name, box in self.toggles.items():
            box.value = name in m.flags
        self.story.value = page(f"<p>{cell(SCENARIOS[m.scenario].story)}</p>")
        self.verdict.value = page(render_verdict(verdict_name(m), sentence(m), m.problems))
        self.command.value = page(render_command(m.command))
        self.checks.value = page(render_checks(m.result))
        self.gains.value = page(render_gains(m.flags, m.result))

    def snapshot(self) -> Snapshot:
        """Return the present state as something that stays readable in an export."""
        return snapshot(self.model)

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for control, handler, name in self._watched:
            control.unobserve(handler, names=name)
        self._watched.clear()
        self.reset_button.on_click(self.clear, remove=True)
        self.model.unobserve(self._show, names=["result", "problems", "error", "command"])
        super().close()
