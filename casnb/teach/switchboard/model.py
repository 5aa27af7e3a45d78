"""The state behind a switchboard: case, flags and MRENCLAVE, and what follows from them. It
knows no widgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshot
from casnb.mallory import attacks as mallory
from casnb.policy.flags import BY_NAME, options
from casnb.policy.policy import NOT_GIVEN, AttestationPolicy
from casnb.policy.smallest import closed
from casnb.teach.facts import Cases, LoadedReport, changed_digit
from casnb.teach.switchboard import view
from casnb.teach.worldmap.changes import Change
from casnb.teach.worldmap.standing import Standing, standings

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.teach.facts import Case

#: The usual habits, one of which may be left out when an attack runs.
HABITS = tuple(h.name for h in mallory.HABITS.values() if h.usual)
#: The attacks that a switch decides, or nothing that anybody was asked: those that a chapter about
#: flags speaks of.
SWITCHED = tuple(
    a.name
    for a in mallory.ATTACKS.values()
    if a.let_in.habits >= mallory.USUAL and set(a.let_in.policy.flags()) <= BY_NAME.keys()
)
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
    `problems`, `error`, `command`. `outcome` is the last run of an attack, None
    again when a switch moves. `change` is what the last move did to Mallory's doors, counted from
    the last legal state; None at first. `turn` counts: it moves once, last, when
    all of that is up to date. `attacks` are the ones that are spoken of.
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
    outcome: Any = traitlets.Any(None, allow_none=True)
    change: Any = traitlets.Any(None, allow_none=True)
    turn = traitlets.Int(0)

    def __init__(
        self,
        cases: Cases | None = None,
        attacks: Iterable[str] = tuple(mallory.ATTACKS),
        **state: Any,
    ) -> None:
        self.cases = cases or Cases()
        self.attacks = tuple(mallory.attack(name).name for name in attacks)
        self._strict: dict[str, Mapping[str, str]] = {}
        self._before: tuple[tuple[str, ...], str, Mapping[str, str]] | None = None
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
        strange = [name for name in chosen if name not in BY_NAME]
        if strange:
            raise traitlets.TraitError(
                f"flags: got {neutral(strange[0], 60)}, wanted names out of {', '.join(BY_NAME)}"
            )
        return tuple(name for name in BY_NAME if name in chosen)

    def _changed(self, change: Any) -> None:
        self.appraise()

    def _forget(self, change: Any) -> None:
        self.outcome = None

    def switch(self, name: str, on: bool) -> None:
        """Set or clear one flag (long name without dashes); the order of `flags` stays the
        catalogue's.
        """
        if name not in BY_NAME:
            raise UsageError("flag", got=name, wanted="one of " + ", ".join(BY_NAME))
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
        self.turn += 1

    def refuse(self, why: str) -> None:
        """Say why a step was refused; everything else stays until the next good step."""
        self.error = why
        self.turn += 1

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

        The first call for a seed runs each of `attacks` once, which takes a second or less.
        """
        if self.problems or self.error:
            return {}
        if not strict:
            return self._foresee(self.defence())
        if self.mrenclave not in self._strict:
            self._strict[self.mrenclave] = self._foresee(self.defence(strict=True))
        return self._strict[self.mrenclave]

    def _foresee(self, defence: mallory.Defence) -> Mapping[str, str]:
        return mallory.foresee(defence, seed=self.cases.seed, names=self.attacks)

    def standing(self) -> tuple[Standing, ...]:
        """Return how each gate of the world map stands."""
        return standings(self.result, self.flags, self.foreseen())

    def compare(self) -> None:
        """Say as `change` what was done since the last call in a legal state, and what came of
        it; the first call only remembers.
        """
        if self.problems or self.error:
            self.change = None
            return
        now = (self.flags, self.mrenclave, self.foreseen())
        if self._before is not None and now[:2] != self._before[:2]:
            flags, choice, foreseen = self._before
            self.change = Change.of(
                _moved(flags, self.flags, choice, self.mrenclave), foreseen, now[2]
            )
        elif self._before is not None:
            self.change = None
        self._before = now

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


def _moved(before: tuple[str, ...], after: tuple[str, ...], was: str, now: str) -> str:
    """Say what was switched, in the words of the line that the doors are told with."""
    added = options(tuple(n for n in after if n not in before))
    taken = options(tuple(n for n in before if n not in after))
    parts = [
        *([f"setting {added}"] if added else []),
        *([f"clearing {taken}"] if taken else []),
        *([f"MRENCLAVE {CHOICES[now]}"] if was != now else []),
    ]
    words = " and ".join(parts)
    return words[:1].upper() + words[1:]


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
        model.standing(),
        case.minimal,
        model.foreseen(),
        model.foreseen(strict=True),
        model.outcome,
    )
