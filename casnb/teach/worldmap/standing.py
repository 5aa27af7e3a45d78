"""How each gate of the wall stands: open or closed, by what, and who comes through."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from re import findall
from typing import TYPE_CHECKING

from casnb.checks.result import PROOF_IDS
from casnb.mallory.attacks import ATTACKS
from casnb.mallory.defence import HABITS, USUAL
from casnb.mallory.gates import GATES, Gate, flags_of
from casnb.policy.flags import FLAGS, NEWER

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult, Check
    from casnb.mallory.story import Attack

#: States in which somebody can come through.
OPEN = frozenset({"waived", "spare", "skipped", "not-asked", "no-gate"})
#: State to the words that stand beside it; `{}` is the flag, or how many checks.
WORDS: Mapping[str, str] = {
    "passed": "\N{CHECK MARK} passed",
    "failed": "\N{MULTIPLICATION SIGN} FAILED",
    "waived": "\N{TILDE OPERATOR} WAIVED {}",
    "spare": "open: {}",
    "skipped": "\N{CLOCKWISE TOP SEMICIRCLE ARROW} skipped",
    "not-asked": "not asked",
    "closed": "closed",
    "kept": "habit kept",
    "no-gate": "? no gate",
    "nothing": "nothing sent",
}


@dataclass(frozen=True)
class Standing:
    """One gate at one moment: `state` is a key of `WORDS`, `flags` are options that opened it,
    `inside` the attacks that come through now, `outside` those that would if it were open.
    """

    gate: Gate
    state: str
    flags: tuple[str, ...] = ()
    passed: int = 0
    inside: tuple[Attack, ...] = ()
    outside: tuple[Attack, ...] = ()

    @property
    def words(self) -> str:
        """The state in a word or two."""
        if self.state == "passed" and self.passed > 1:
            return f"\N{CHECK MARK} {self.passed} passed"
        return WORDS[self.state].format(", ".join(_brief(f) for f in self.flags)).strip()

    @property
    def open(self) -> bool:
        return self.state in OPEN


def standings(
    result: AttestationResult | None,
    flags: Collection[str],
    foreseen: Mapping[str, str],
    habits: Collection[str] = USUAL,
) -> tuple[Standing, ...]:
    """Return how every gate stands, in the order of `GATES`.

    `result` is the appraisal of the reader's report, None where nothing was sent; `flags` are
    long names; `foreseen` says of each attack what stops it, empty where it gets in, and names
    only the attacks that are to be shown.
    """
    inside: dict[str, list[Attack]] = {}
    outside: dict[str, list[Attack]] = {}
    for name, by in foreseen.items():
        chosen = ATTACKS[name]
        (outside if by else inside).setdefault(chosen.gate, []).append(chosen)
    out = []
    for gate in GATES.values():
        state, by_flags, passed = _state(gate, result, flags, habits)
        found = Standing(
            gate,
            state,
            by_flags,
            passed,
            tuple(inside.get(gate.id, ())),
            tuple(outside.get(gate.id, ())),
        )
        out.append(found)
    return tuple(out)


def _state(
    gate: Gate, result: AttestationResult | None, flags: Collection[str], habits: Collection[str]
) -> tuple[str, tuple[str, ...], int]:
    """State, the flags that opened it, and how many of its checks passed."""
    if not gate.stands:
        return "no-gate", (), 0
    if result is None:
        return "nothing", (), 0
    if gate.habit and gate.habit not in habits:
        return ("skipped" if HABITS[gate.habit].usual else "not-asked"), (), 0
    checks = [c for c in result.checks if c.id in gate.checks and _concerns(gate, c, result)]
    status = [c.status.value for c in checks]
    if opened := tuple(f.option for f in flags_of(gate) if f.name in flags):
        waived = any(o in (c.flag or "").split() for c in checks for o in opened)
        return ("waived" if waived else "spare"), opened, 0
    if "failed" in status:
        return "failed", (), 0
    # Beside its telling check others say only where they failed: an attack is stopped by that one.
    telling = [c for c in checks if c.id in PROOF_IDS or c.id == gate.checks[0]]
    if passed := sum(c.status.value == "passed" for c in telling):
        return "passed", (), passed
    if gate.habit:
        return "kept", (), 0
    asked = not telling or not all(c.optional for c in telling)
    return ("closed" if asked else "not-asked"), (), 0


def _concerns(gate: Gate, check: Check, result: AttestationResult) -> bool:
    """Whether a check that stands on several gates is about this one: which of them, the status
    says, unless it passed.
    """
    sharing = [g for g in GATES.values() if check.id in g.checks]
    if len(sharing) == 1 or check.status.value == "passed":
        return True
    for one in sharing:
        words = {w for f in flags_of(one) for w in findall(r"\w+", f"{f.ias} {f.dcap}")}
        if result.tcb_status in words and one is gate:
            return True
    known = {w for f in (*FLAGS, *NEWER) for w in findall(r"\w+", f"{f.ias} {f.dcap}")}
    return result.tcb_status not in known and sharing[0] is gate


def _brief(option: str) -> str:
    """A flag as a picture has room for it."""
    return option.removeprefix("--only_for_testing-").removeprefix("--")


def doors(standing: tuple[Standing, ...]) -> tuple[Attack, ...]:
    """Return the attacks that come through, in the order of the gates: the arrows of the map."""
    return tuple(a for s in standing for a in s.inside)
