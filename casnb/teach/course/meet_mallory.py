"""Exercises of 06: whom a flag line lets in, a key from one faulty signature, and what a strict
run leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from casnb.mallory.attacks import Defence, run
from casnb.teach.course.answers import said
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Judge, Names, names_in
from casnb.teach.facts import Facts
from casnb.teach.predicting.model import exercise_key, faulty_signature

#: The flag line of the first exercise, and the attacks it asks about.
LINE = "-G --only_for_testing-ignore-signer"
ASKED = (
    "debug-memory",
    "forged-quote",
    "undervolt",
    "altered-page",
    "rollback",
    "trust-any",
    "owner-key",
    "relay",
)
STRICT = ("forged-quote", "altered-page", "old-edition", "other-instance", "replay", "no-verify")


@cache
def _gets_in(seed: str, line: str, names: Sequence[str]) -> frozenset[str]:
    """Run them, rather than believe a table."""
    return frozenset(name for name in names if run(name, Defence.of(line), seed=seed).succeeded)


def _whom(facts: Facts) -> frozenset[str]:
    return _gets_in(facts.world.seed, LINE, ASKED)


def _open(facts: Facts) -> frozenset[str]:
    return _gets_in(facts.world.seed, "", STRICT)


def _primes(facts: Facts) -> tuple[int, int]:
    key = exercise_key(facts.world.seed)
    return min(key.p, key.q), max(key.p, key.q)


class Prime(Judge):
    """A whole number."""

    def problem(self, value: Any) -> str:
        return "" if type(value) is int else f"got {said(value)}, which is no whole number"

    def nudge(self, value: Any, reference: Any) -> str:
        return "It does not divide the modulus."


EXERCISES = (
    Exercise(
        id="06.whom",
        title="Whom does this line let in?",
        question=(
            f"A script attests with `{LINE}` and the MRENCLAVE of the page. All habits are the"
            f" usual ones. Which of these attacks get in: {', '.join(ASKED)}?"
        ),
        given="what you saw each of them need",
        wanted="a set of names, such as {'relay', 'undervolt'}",
        hints=(
            (
                "Each attack needs the flag that waives its check. Which checks do -G and"
                " ignore-signer waive?"
            ),
            (
                "-G waives tcb-status where the status is OutOfDate. Without the signer nothing is"
                " left but the page's MRENCLAVE."
            ),
            "Try each: lab.attack(name, line).succeeded",
        ),
        judge=Names(ASKED, "attack of the list"),
        reference=lambda facts: set(_whom(facts)),
        right="Right. Two flags, and each of these is another way in.",
        slips=(
            Slip(
                "debug",
                "A debug enclave is still refused: no flag in this line waives `debug`.",
                lambda facts: {*_whom(facts), "debug-memory"},
                lambda facts, v: bool(names_in(v) & {"debug-memory", "trust-any"}),
            ),
            Slip(
                "undervolt",
                "Its status is ConfigurationNeeded, and that takes -C: -G accepts another one.",
                lambda facts: {*_whom(facts), "undervolt"},
                lambda facts, v: "undervolt" in names_in(v),
            ),
            Slip(
                "relay",
                "No flag switches the binding off: only a script that never compares lets a"
                " relay in.",
                lambda facts: {*_whom(facts), "relay"},
                lambda facts, v: "relay" in names_in(v),
            ),
            Slip(
                "signer-only",
                "Two more get in with a measurement that is right, or was right once: nobody asks"
                " who signed, nor how old the release is.",
                lambda facts: {"forged-quote", "altered-page"},
                lambda facts, v: names_in(v) == {"forged-quote", "altered-page"},
            ),
        ),
    ),
    Exercise(
        id="06.prime",
        title="One faulty signature",
        question=(
            "An enclave signed an invoice while its voltage was too low. You have the modulus n,"
            " the exponent e, the padded message m as a number, and the faulty signature s. Compute"
            " the smaller of the two primes."
        ),
        given="lab.faulty_signature",
        wanted="a whole number of 512 bits",
        hints=(
            "One half of the signature is right: modulo one prime, s to the power of e still is m.",
            "So that prime divides both s**e - m and n. The other one does not.",
            (
                "p = math.gcd(pow(s, e, n) - m, n), and the other prime is n // p. The smaller of"
                " the two is wanted."
            ),
        ),
        judge=Prime(),
        reference=lambda facts: _primes(facts)[0],
        right="Right. With both primes the private key is a modular inverse away.",
        slips=(
            Slip(
                "larger",
                "That is the other prime. The smaller one is wanted: divide the modulus by yours.",
                lambda facts: _primes(facts)[1],
            ),
            Slip(
                "modulus",
                "That is the modulus. It is public; a prime divides it.",
                lambda facts: faulty_signature(facts.world.seed).n,
            ),
            Slip(
                "one",
                "1 divides everything. Did you take s itself, without the power e, or forget to"
                " subtract m?",
                lambda facts: 1,
            ),
            Slip(
                "difference",
                "That is s**e - m. The prime is what it has in common with n: take the gcd.",
                lambda facts: _difference(facts),
            ),
            Slip(
                "text",
                "The right digits, as text. Wanted is a number.",
                lambda facts: str(_primes(facts)[0]),
            ),
        ),
    ),
    Exercise(
        id="06.strict",
        title="What a strict run leaves open",
        question=(
            "No flag, all usual habits, verdict trustworthy. Which of these get in nonetheless:"
            f" {', '.join(STRICT)}?"
        ),
        given="lab.attack(name) runs an attack against exactly this defence",
        wanted="a set of names",
        hints=(
            "Which of them need neither a flag nor a missing habit?",
            (
                "Attestation says which software runs. What does it not say, and who chose the"
                " lists that judged it?"
            ),
            "Run all six and look.",
        ),
        judge=Names(STRICT, "attack of the list"),
        reference=lambda facts: set(_open(facts)),
        right=(
            "Right. -c names your own CAS, and --min-tcb-evaluation the newest lists. Neither is a"
            " default."
        ),
        slips=(
            Slip(
                "none",
                "Two do. Trustworthy means that what was asked for passed, and some things nobody"
                " asked.",
                lambda facts: [],
                lambda facts, v: v == [] or v == frozenset(),
            ),
            Slip(
                "stopped",
                "At least one of yours is stopped where no flag is set: run it and read which check"
                " does it.",
                lambda facts: {*_open(facts), "replay"},
                lambda facts, v: bool(names_in(v) - _open(facts)) and names_in(v) <= set(STRICT),
            ),
        ),
    ),
)


def _difference(facts: Facts) -> int:
    f = faulty_signature(facts.world.seed)
    return (pow(f.s, f.e, f.n) - f.m) % f.n
