"""The state behind a switchboard: case, flags and MRENCLAVE, and what follows from them. It
knows no widgets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot
from casnb.mallory import attacks as mallory
from casnb.policy import flags as catalogue
from casnb.policy.policy import NOT_GIVEN, AttestationPolicy
from casnb.policy.smallest import closed
from casnb.teach.facts import Cases, LoadedReport, changed_digit
from casnb.teach.switchboard import view

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.teach.facts import Case

#: The usual habits, one of which may be left out when an attack runs.
HABITS = tuple(h.name for h in mallory.HABITS.values() if h.usual)
#: What the reader may give as MRENCLAVE, and how the chooser says it.
CHOICES = {
    "given": "from the page",
    "one digit wrong": "with one digit changed",
    "none": "not given",
}


@dataclass(frozen=True)
class Remedy:
    """What would make an illegal combination legal: these flags, and this choice of MRENCLAVE."""

    flags: tuple[str, ...]
    mrenclave: str
    words: str


class SwitchboardModel(traitlets.HasTraits):
    """Case, flags and MRENCLAVE that a reader chose, and what follows: a result, or the problems
    of the combination.

    `scenario`: a name out of `cases.names`, loaded reports included. `flags`: long names without
    dashes. `mrenclave`: a key of CHOICES. `without`: the usual habit that is left out when an
    attack runs, empty for none. Computed: `result` (None while the combination is illegal),
    `problems`, `error`, `command`, `milliseconds`. `outcome` is the last run of an attack, None
    again when a switch moves.
    """

    scenario = traitlets.Unicode("public")
    flags = traitlets.Tuple()
    mrenclave = traitlets.Enum(tuple(CHOICES), default_value="given")
    without = traitlets.Enum(("", *HABITS), default_value="")
    address = traitlets.Unicode("cas")

    result: Any = traitlets.Any(None, allow_none=True)
    problems = traitlets.Tuple()
    error = traitlets.Unicode("")
    command = traitlets.Unicode("")
    milliseconds = traitlets.Float(0.0)
    outcome: Any = traitlets.Any(None, allow_none=True)

    def __init__(self, cases: Cases | None = None, **state: Any) -> None:
        self.cases = cases or Cases()
        super().__init__(**state)
        self.observe(self._changed, names=["scenario", "flags", "mrenclave", "address"])
        self.observe(self._forget, names="without")
        self.appraise()

    @traitlets.validate("scenario")
    def _case(self, proposal: Any) -> str:
        name = proposal["value"]
        if name not in self.cases.names:
            raise traitlets.TraitError(
                f"scenario: got {neutral(name, 60)}, wanted one of {', '.join(self.cases.names)}"
            )
        return str(name)

    @traitlets.validate("flags")
    def _known(self, proposal: Any) -> tuple[str, ...]:
        chosen = proposal["value"]
        strange = [name for name in chosen if name not in catalogue.BY_NAME]
        if strange:
            raise traitlets.TraitError(
                f"flags: got {neutral(strange[0], 60)}, wanted names out of"
                f" {', '.join(catalogue.BY_NAME)}"
            )
        return tuple(name for name in catalogue.BY_NAME if name in chosen)

    def _changed(self, change: Any) -> None:
        self.appraise()

    def _forget(self, change: Any) -> None:
        self.outcome = None

    def switch(self, name: str, on: bool) -> None:
        """Set or clear one flag (long name without dashes); the order of `flags` stays the
        catalogue's.
        """
        if name not in catalogue.BY_NAME:
            raise UsageError("flag", got=name, wanted="one of " + ", ".join(catalogue.BY_NAME))
        self.flags = tuple(n for n in self.flags if n != name) + ((name,) if on else ())

    @property
    def case(self) -> Case:
        """The scenario or loaded report that is judged."""
        return self.cases.case(self.scenario)

    @property
    def given(self) -> bool:
        """Whether the command names an MRENCLAVE at all."""
        return self.mrenclave != "none"

    def policy(self) -> AttestationPolicy:
        """Return the policy that the switches stand for."""
        value = self.case.mrenclave
        given = {"given": (value,), "one digit wrong": (changed_digit(value),), "none": NOT_GIVEN}[
            self.mrenclave
        ]
        return AttestationPolicy(mrenclaves=given).with_flags(*self.flags)

    def appraise(self) -> None:
        """Recompute everything from the switches; a CasnbError becomes `error`, never an
        exception.
        """
        began = time.perf_counter()
        result: AttestationResult | None = None
        problems: tuple[str, ...] = ()
        error = command = ""
        try:
            policy = self.policy()
            command = policy.command(self.address)
            problems = tuple(policy.problems())
            if not problems:
                result = self.case.appraise(policy)
        except CasnbError as exc:
            error = str(exc)
        with self.hold_trait_notifications():
            self.result, self.problems, self.error, self.command = result, problems, error, command
            self.outcome = None
            self.milliseconds = (time.perf_counter() - began) * 1000

    def remedy(self) -> Remedy | None:
        """Return what an illegal combination lacks, None where it is legal. It never asks for
        less checking of the code.
        """
        if not self.problems:
            return None
        choice = "given" if not self.given else self.mrenclave
        names = closed(set(self.flags), AttestationPolicy(mrenclaves=("00" * 32,)))
        wants = [f"--{name}" for name in names if name not in self.flags]
        if "only_for_testing-trust-any" in names:
            choice = self.mrenclave
        wants += ["--mrenclave"] if choice != self.mrenclave else []
        return Remedy(names, choice, " and ".join(wants)) if wants else None

    def mend(self) -> None:
        """Set what is missing."""
        if found := self.remedy():
            with self.hold_trait_notifications():
                self.mrenclave, self.flags = found.mrenclave, found.flags

    def load(self, path: str | Path) -> LoadedReport:
        """Judge a CAS report out of a file under Intel's roots at its own time, and choose it;
        raise what `LoadedReport` raises.
        """
        if not str(path).strip():
            raise UsageError(
                "report file", got="no name", wanted="the path of a saved answer of /v1/attest"
            )
        report = self.cases.load(LoadedReport.from_file(Path(str(path).strip()).expanduser()))
        report.proof  # noqa: B018
        if self.scenario == report.name:
            self.appraise()
        self.scenario = report.name
        return report

    # Mallory

    def defence(self, *, strict: bool = False) -> mallory.Defence:
        """Return flags (`strict`: none) and MRENCLAVE as a defence with the usual habits, in
        Mallory's own worlds.
        """
        names = () if strict else self.flags
        wrong = (
            (changed_digit(self.case.mrenclave),)
            if self.mrenclave == "one digit wrong"
            else NOT_GIVEN
        )
        policy = AttestationPolicy(mrenclaves=wrong).with_flags(*names)
        usual = mallory.Defence().habits
        return mallory.Defence(
            policy, usual | {"page-value"} if self.mrenclave == "given" else usual
        )

    def foreseen(self, *, strict: bool = False) -> Mapping[str, str]:
        """Return what stops each attack, empty where it gets in; nothing while the combination
        is illegal.

        The first call for a seed runs every attack once, which takes a second or two.
        """
        if self.problems or self.error:
            return {}
        return mallory.foresee(self.defence(strict=strict), seed=self.cases.seed)

    def attack(self, name: str) -> mallory.Outcome:
        """Really run an attack against the switches, on loopback, and keep what became of it as
        `outcome`.
        """
        defence = self.defence()
        self.outcome = mallory.run(
            name, replace(defence, habits=defence.habits - {self.without}), seed=self.cases.seed
        )
        found: mallory.Outcome = self.outcome
        return found

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def sentence(model: SwitchboardModel) -> str:
    """Return the verdict in words, or why there is none."""
    if model.error:
        return f"Could not be checked: {model.error}"
    if model.problems:
        return (
            "Not a legal combination (usage error, exit code 2): nothing was sent and nothing was"
            " checked."
        )
    return str(model.result.sentence)


def verdict_name(model: SwitchboardModel) -> str:
    """Return the verdict as JSON spells it, 'usage-error', or 'error'."""
    return (
        "error"
        if model.error
        else "usage-error"
        if model.problems
        else str(model.result.verdict.value)
    )


def snapshot(model: SwitchboardModel) -> Snapshot:
    """Return the present state of a model."""
    case = model.case
    head = (
        f"Scenario {neutral(case.name, 60)}: {neutral(case.title, 200)}. MRENCLAVE"
        f" {CHOICES[model.mrenclave]}."
    )
    verdict = (verdict_name(model), sentence(model), model.problems)
    return view.render_snapshot(
        head,
        model.command,
        verdict,
        model.result,
        model.flags,
        model.given,
        case.minimal,
        model.foreseen(),
        model.foreseen(strict=True),
        model.outcome,
    )
