"""What an appraisal leaves open, because nobody asked or because the evidence cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casnb.base.times import stamp
from casnb.checks.result import Check, CheckStatus
from casnb.checks.unasked import QUESTIONS, NotAsked

if TYPE_CHECKING:
    from casnb.checks.binding import Binding
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.proof import Proof

#: Clocks that are set by a network differ by less; a verification time further off is another
#: time.
DRIFT = timedelta(minutes=5)


def left_open(
    proof: Proof,
    policy: AttestationPolicy,
    checks: Sequence[Check],
    *,
    binding: Binding | None = None,
    of_cas: bool = False,
    clock: datetime | None = None,
) -> tuple[NotAsked, ...]:
    """Return the questions of the table that these checks leave open, in its order.

    A check that a flag waived is named by the verdict already. `of_cas`: the evidence came in a
    CAS report.
    """
    state = {c.id: c.status for c in checks}
    done = {
        id for id, status in state.items() if status in (CheckStatus.PASSED, CheckStatus.WAIVED)
    }
    # What answers a question although no check did, or makes it none.
    answered = {
        "freshness": binding is not None and binding.fresh and binding.bound,
        "instance": not of_cas,
        "revocation": proof.kind != "ias",
    }
    # Questions whose words depend on the case; without words there is nothing to ask.
    words = {
        "time": _another_time(proof, policy, clock),
        "advisories": _advisories(proof, state.get("tcb-status")),
        "version": _version(policy, state.get("isvsvn")),
    }
    # A question that no check answers is there by its words alone.
    asked = [q for q in QUESTIONS.values() if words.get(q.id, "".join(q.checks))]
    return tuple(
        NotAsked.of(q.id, words.get(q.id, ""))
        for q in asked
        if done.isdisjoint(q.checks) and not answered.get(q.id)
    )


def _advisories(proof: Proof, status: CheckStatus | None) -> str:
    """Say what is not known of advisories; those behind a status that a flag waived are its."""
    if proof.unlisted:
        return f"whether security advisories apply: {proof.unlisted}"
    if proof.advisories and status is CheckStatus.PASSED:
        n = len(proof.advisories)
        return f"{n} {'advisory is' if n == 1 else 'advisories are'} listed, and none was judged"
    return ""


def _another_time(proof: Proof, policy: AttestationPolicy, clock: datetime | None) -> str:
    """Say of a verdict that is not about now which time it is about."""
    if clock is not None:
        other = abs(proof.at - clock) > DRIFT
    else:
        other = policy.verification_time is not None or not proof.simulated
    if not other:
        return ""
    said = f", and the clock says {stamp(clock)}" if clock else ""
    return f"whether this holds now: it was judged as of {stamp(proof.at)}{said}"


def _version(policy: AttestationPolicy, status: CheckStatus | None) -> str:
    """Say where a least version was asked for that the signer itself no longer supports."""
    e = policy.expected_signer
    if (
        status is not CheckStatus.PASSED
        or policy.mrenclaves
        or policy.isvsvn is None
        or policy.isvsvn >= e.isvsvn
        or (policy.mrsigner or e.mrsigner) != e.mrsigner
        or (policy.isvprodid if policy.isvprodid is not None else e.isvprodid) != e.isvprodid
    ):
        return ""
    return f"--isvsvn {policy.isvsvn} is below {e.isvsvn}, the least version that {e.name} supports"
