"""What a relying party does: the options of `scone cas attest`, and the habits beside them that
no option shows.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from casnb.base.errors import UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.policy.identities import ExpectedSigner
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.intel import EVALUATION


@dataclass(frozen=True)
class Habit:
    """Something one does, or does not, around an attestation. `usual`: who uses the tools as
    they are meant to does it.
    """

    name: str
    usual: bool
    does: str
    otherwise: str


#: Usual habits first: leaving one out lets somebody in. Then precautions: taking one keeps somebody
#: out.
HABITS: Mapping[str, Habit] = {
    h.name: h
    for h in (
        Habit(
            "nonce",
            True,
            "send a fresh nonce, and want it back in the report",
            "take any report that is shown",
        ),
        Habit(
            "binding",
            True,
            "compare the report data with the certificates of the server that answers",
            "look at the quote alone, and take whatever certificate the server shows",
        ),
        Habit(
            "clock",
            True,
            "judge by the clock",
            "judge by a day in the past (--verification-time), because then it works",
        ),
        Habit(
            "reference",
            True,
            "take the expected MRENCLAVE from elsewhere than the evidence",
            "take it from the evidence, and find that both are equal",
        ),
        Habit(
            "own-judgement",
            True,
            "decide about flags oneself",
            "add the flags that an error message advises",
        ),
        Habit(
            "attest-first",
            True,
            "attest, and keep the certificates that the report names",
            "keep what the server shows (openssl s_client), and trust it from then on",
        ),
        Habit("verify-tls", True, "let TLS verify the server", "switch that off (curl -k)"),
        Habit(
            "own-file",
            True,
            "name the certificates of this CAS",
            "name those of another CAS, which were at hand",
        ),
        Habit(
            "authority",
            True,
            "leave the chain to TLS, which asks who may issue",
            "check the chain by hand: each certificate is signed by the next",
        ),
        Habit(
            "only-pin",
            True,
            "trust the attested certificates and no others",
            "let the system's store vouch for the server as well",
        ),
        Habit(
            "page-value",
            False,
            "give --mrenclave with the value of the page",
            "name no build; the signer stands for it",
        ),
        Habit(
            "second-source",
            False,
            "compare the page's value with a second source",
            "believe the page",
        ),
        Habit(
            "instance",
            False,
            "give -c with the key hash of one's own CAS",
            "accept any instance of the right code",
        ),
        Habit(
            "floor",
            False,
            "give --isvsvn with the least version that is still supported",
            "set no floor beside an MRENCLAVE",
        ),
        Habit(
            "edition",
            False,
            "give --min-tcb-evaluation with the newest edition of Intel's lists",
            "accept any list that has not expired",
        ),
    )
}
USUAL = frozenset(h.name for h in HABITS.values() if h.usual)
#: What the habits `floor` and `edition` ask for.
FLOOR, EDITION = 5, EVALUATION


@dataclass(frozen=True)
class Defence(Shown):
    """What a relying party checks: a policy, whose expected values the story fills in where they
    are left out, and habits.

    >>> flags = "-G --only_for_testing-debug --only_for_testing-ignore-signer"
    >>> Defence.of(flags, skip=("nonce",)).title
    '-G --only_for_testing-ignore-signer --only_for_testing-debug, without nonce'
    """

    policy: AttestationPolicy = field(default_factory=AttestationPolicy)
    habits: frozenset[str] = USUAL

    def __post_init__(self) -> None:
        for name in sorted(self.habits - HABITS.keys()):
            raise UsageError("habit", got=name, wanted="one of " + ", ".join(HABITS))

    @classmethod
    def of(
        cls,
        line: str | Sequence[str] = "",
        *,
        skip: Collection[str] = (),
        add: Collection[str] = (),
    ) -> Defence:
        """Read options of `scone cas attest`, as text or words; leave usual habits out with
        `skip`, take others up with `add`.

        Raises UsageError for an unknown option or habit; the combination is judged
        when an attack runs.
        """
        if twice := sorted(set(skip) & set(add)):
            raise UsageError(
                "habit", got=f"{twice[0]}, left out and taken up", wanted="one of the two"
            )
        words = shlex.split(line) if isinstance(line, str) else list(line)
        named = cls(AttestationPolicy.from_args(words), USUAL | frozenset(add) | frozenset(skip))
        return replace(named, habits=named.habits - frozenset(skip))

    def follows(self, habit: str) -> bool:
        """Whether the relying party has this habit."""
        return habit in self.habits

    def asks(self, vendor: ExpectedSigner, *, page: str = "", own: str = "") -> AttestationPolicy:
        """Return the policy with the values of a world: its vendor, the MRENCLAVE that the page
        shows, the own CAS's key hash.

        The page's value is used where the flags demand one, and where it is a habit. Raises
        UsageError for a contradiction.
        """
        p = replace(self.policy, expected_signer=vendor)
        wants = self.follows("page-value") or (
            p.only_for_testing_ignore_signer and not p.only_for_testing_trust_any
        )
        if page and wants and not p.mrenclaves:
            p = replace(p, mrenclaves=(page,))
        if own and self.follows("instance") and p.cas_key_hash is None:
            p = replace(p, cas_key_hash=own)
        if self.follows("floor") and p.isvsvn is None:
            p = replace(p, isvsvn=FLOOR)
        if self.follows("edition") and p.min_tcb_evaluation is None:
            p = replace(p, min_tcb_evaluation=EDITION)
        return p.require_valid()

    @property
    def options(self) -> str:
        """The options alone, as a shell takes them."""
        return shlex.join(self.policy.arguments())

    @property
    def title(self) -> str:
        """Options, and the habits that differ from the usual ones."""
        skipped = [h for h in HABITS if h in USUAL and h not in self.habits]
        added = [h for h in HABITS if h not in USUAL and h in self.habits]
        parts = [
            self.options or "no flag",
            *(["without " + ", ".join(skipped)] if skipped else []),
            *(["with " + ", ".join(added)] if added else []),
        ]
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the options as words, and each habit with whether it is followed."""
        return {
            "title": self.title,
            "options": self.policy.arguments(),
            "habits": {h: h in self.habits for h in HABITS},
        }

    def _rows(self) -> list[tuple[str, str, str]]:
        return [
            (
                h.name,
                "yes" if h.name in self.habits else "no",
                h.does if h.name in self.habits else h.otherwise,
            )
            for h in HABITS.values()
        ]

    def __str__(self) -> str:
        return (
            f"scone cas attest {self.options}".rstrip()
            + "\n"
            + text_table(("habit", "followed", "so they"), self._rows())
        )

    def _html(self) -> str:
        return html_table(
            ("habit", "followed", "so they"), self._rows(), f"Defence: {self.title}", code=(0,)
        )
