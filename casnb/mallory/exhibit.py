"""What Mallory showed in one real run of an attack, kept, so that other policies are judged
against it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from casnb.base.errors import UsageError
from casnb.mallory.defence import USUAL, Defence
from casnb.mallory.stage import Shown, Stage
from casnb.mallory.steps import Stopped
from casnb.policy.appraise import appraise

if TYPE_CHECKING:
    from casnb.mallory.story import Attack


@dataclass(frozen=True)
class Exhibit:
    """The evidence of a run that went as far as usual habits let it. `shown` is None where no
    report came.

    `fixed` are checks that failed whatever a policy asks; `later` is what stopped the attack
    after, or instead of, the appraisal.
    """

    attack: Attack
    seed: str
    page: str
    shown: Shown | None
    fixed: frozenset[str]
    later: str

    @classmethod
    def of(cls, attack: Attack, seed: str) -> Exhibit:
        """Run an attack once, with the flags that it needs and every usual habit."""
        defence = replace(attack.let_in, habits=attack.let_in.habits | USUAL)
        later = ""
        with Stage(seed, defence) as stage:
            try:
                attack.story(stage)
            except Stopped as exc:
                later = exc.by
        shown, result = stage.shown, stage.result
        if shown is None or result is None:
            return cls(attack, seed, stage.page, None, frozenset(), later)
        fixed = {c.id for c in result.failures} - {
            c.id for c in appraise(shown.proof, shown.policy, report=shown.report).failures
        }
        return cls(
            attack, seed, stage.page, shown, frozenset(fixed), later if result.accepted else ""
        )

    def stopper(self, defence: Defence) -> str:
        """Return what stops the attack against a defence, as a run would name it; empty where
        nothing does.

        Only the appraisal is repeated, so this is as true as the usual habits are kept: raises
        UsageError where one is missing, and for a policy that contradicts itself.
        """
        if missing := sorted(USUAL - defence.habits):
            raise UsageError(
                "exhibit",
                got="a defence without " + ", ".join(missing),
                wanted="every usual habit",
                do="Run the attack.",
            )
        try:
            policy = Stage(self.seed, defence).policy(self.page)
        except Stopped as exc:
            return exc.by
        if self.shown is None:
            return self.later
        result = appraise(
            self.shown.proof,
            replace(policy, nonce=self.shown.policy.nonce),
            report=self.shown.report,
        )
        failing = [c.id for c in result.failures] + sorted(self.fixed)
        if not failing and result.accepted:
            return self.later
        return next(
            (s for s in self.shown.stops if s in failing),
            failing[0] if failing else "certificate-binding",
        )
