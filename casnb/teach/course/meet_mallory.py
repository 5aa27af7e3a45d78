"""Exercises of 06: whom a flag line lets in, a key from one faulty signature, and what a strict
run leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from casnb.mallory.attacks import Defence, run
from casnb.teach.course.choices import Choice, Names, Reason
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Number, Option
from casnb.teach.course.slips import Slip, braces
from casnb.teach.facts import PRACTICE, Facts
from casnb.teach.predicting.model import exercise_key, faulty_signature

#: Flag lines that the first exercise may be about; the lesson asks about the first.
LINES = (
    "-G --only_for_testing-ignore-signer",
    "-C --only_for_testing-ignore-signer",
    "-G",
    "--only_for_testing-ignore-signer",
    "--only_for_testing-debug --only_for_testing-ignore-signer",
    "-G -C",
    "-C --only_for_testing-debug --only_for_testing-ignore-signer",
    "-G -C --only_for_testing-ignore-signer",
)
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
#: Attacks that the last exercise may ask about: at least one of each list gets in.
STRICT = (
    ("forged-quote", "altered-page", "old-edition", "other-instance", "replay", "no-verify"),
    ("relay", "first-use", "old-edition", "owner-key", "undervolt", "wrong-file"),
    ("replay", "other-instance", "rollback", "debug-memory", "leaf-as-ca", "self-check"),
    ("stale-lists", "old-edition", "altered-page", "trust-any", "other-instance", "relay"),
)


@cache
def _gets_in(line: str, names: Sequence[str]) -> frozenset[str]:
    """Run them, rather than believe a table; once, since a seed does not change who gets in."""
    return frozenset(name for name in names if run(name, Defence.of(line), seed=PRACTICE).succeeded)


def _asked_line(facts: Facts) -> str:
    return facts.draw("06.whom", LINES)


def _whom(facts: Facts) -> frozenset[str]:
    return _gets_in(_asked_line(facts), ASKED)


def _listed(facts: Facts) -> tuple[str, ...]:
    return facts.draw("06.strict", STRICT)


def _open(facts: Facts) -> frozenset[str]:
    return _gets_in("", _listed(facts))


#: What stops an attack, for one that does not get in; and the belief that it does.
_STOPPED = {
    "debug-memory": (
        "a debug enclave is refused: the check `debug` is not waived.",
        "debug",
        "a debug enclave gets in without --only_for_testing-debug",
    ),
    "trust-any": (
        "other code has another MRENCLAVE, and that is compared.",
        "measured",
        "other code gets in while the MRENCLAVE is compared",
    ),
    "undervolt": (
        "its status is ConfigurationNeeded, and that takes -C.",
        "undervolt",
        "-G accepts every status",
    ),
    "relay": (
        "no flag switches the binding off: only a script that never compares lets a relay in.",
        "relay",
        "a flag lets a relay in",
    ),
    "forged-quote": (
        "her platform key comes from an outdated machine, and the status says so.",
        "forged-quote",
        "a stolen platform key gets in while updates are demanded",
    ),
    "altered-page": (
        "her build has another signer, and that is compared.",
        "signer-compared",
        "another signer's build gets in while the signer is compared",
    ),
    "rollback": (
        "an old release has an ISVSVN below the least that the vendor supports.",
        "rollback",
        "an old release gets in while the vendor's floor counts",
    ),
    "owner-key": (
        "that build has another signer of the vendor's, and the signer is compared.",
        "owner-key",
        "the build for owners' keys gets in while the signer is compared",
    ),
    "replay": (
        "a saved report has another nonce than yours.",
        "replay",
        "a saved report gets in although the nonce is compared",
    ),
    "no-verify": (
        "your tools verify the certificate.",
        "no-verify",
        "an impostor gets in although the certificate is verified",
    ),
    "first-use": (
        "you do not trust what is shown at first contact.",
        "first-use",
        "first contact gets an impostor in although it was attested",
    ),
    "wrong-file": (
        "you pin the file that came from the attested CAS.",
        "wrong-file",
        "a wrong file gets in although the right one is pinned",
    ),
    "leaf-as-ca": (
        "a leaf is not an authority, and TLS refuses it.",
        "leaf-as-ca",
        "a leaf can sign for others",
    ),
    "self-check": (
        "you judge the evidence yourself.",
        "self-check",
        "an attacker's own verdict counts",
    ),
    "stale-lists": (
        "old lists are past their date, and your clock says so.",
        "stale-lists",
        "lists past their date count",
    ),
}


def _reasons(*names: str) -> dict[str, Reason]:
    return {
        n: Reason(f"it is stopped: {says}", code, holds)
        for n, (says, code, holds) in _STOPPED.items()
        if n in names
    }


def _primes(facts: Facts) -> tuple[int, int]:
    key = exercise_key(facts.world.seed)
    return min(key.p, key.q), max(key.p, key.q)


class Prime(Number):
    """A whole number that divides a modulus: too large for a float."""

    marks = tuple(m for m in Number.marks if m.code != "float")

    def nudge(self, value: Any, reference: Any) -> str:
        return "It does not divide the modulus."


EXERCISES = (
    Exercise(
        id="06.whom",
        title="Whom does this line let in?",
        name="let_in",
        code=lambda facts: f"let_in = {braces(_whom(facts))}",
        why="`lab.attack(name, line).succeeded` says it of each.",
        question=lambda facts: (
            f"A script attests with `{_asked_line(facts)}` and the MRENCLAVE of the page. All"
            f" habits are the usual ones. Which of these attacks get in: {', '.join(ASKED)}?"
        ),
        given="what you saw each of them need",
        wanted="a set of names, such as {'relay', 'undervolt'}",
        hints=(
            "Each attack needs the flag that waives its check. Which checks does this line waive?",
            (
                "-G and -C waive tcb-status, each for its own statuses. Where the signer is waived,"
                " nothing is left of the identity but the page's MRENCLAVE."
            ),
            "Try each: lab.attack(name, line).succeeded",
        ),
        judge=Names(ASKED, "attack of the list", _reasons(*ASKED)),
        answer=lambda facts: set(_whom(facts)),
        right="Right. Each flag in the line is another way in.",
        costly=True,
    ),
    Exercise(
        id="06.prime",
        title="One faulty signature",
        name="smaller_prime",
        code=(
            "f = lab.faulty_signature\np = math.gcd(pow(f.s, f.e, f.n) - f.m,"
            " f.n)\nsmaller_prime = min(p, f.n // p)"
        ),
        why="One half of the signature is right, so one prime divides s**e - m.",
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
        answer=lambda facts: _primes(facts)[0],
        right="Right. With both primes the private key is a modular inverse away.",
        slips=(
            Slip(
                "larger",
                "That is the other prime. The smaller one is wanted: divide the modulus by yours.",
                lambda facts: _primes(facts)[1],
                holds="the larger prime was asked for",
            ),
            Slip(
                "modulus",
                "That is the modulus. It is public; a prime divides it.",
                lambda facts: faulty_signature(facts.world.seed).n,
                holds="the modulus is a prime factor",
            ),
            Slip(
                "one",
                "1 divides everything. Did you take s itself, without the power e, or forget to"
                " subtract m?",
                lambda facts: 1,
                holds="1 is a useful common divisor",
            ),
            Slip(
                "difference",
                "That is s**e - m. The prime is what it has in common with n: take the gcd.",
                lambda facts: _difference(facts),
                holds="s**e - m is the prime itself",
            ),
        ),
    ),
    Exercise(
        id="06.strict",
        title="What a strict run leaves open",
        name="still_open",
        code=lambda facts: f"still_open = {braces(_open(facts))}",
        why="Nobody asked which edition of the lists was used, nor which CAS it is.",
        question=lambda facts: (
            "No flag, all usual habits, verdict trustworthy. Which of these get in nonetheless:"
            f" {', '.join(_listed(facts))}?"
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
        judge=lambda facts: Names(_listed(facts), "attack of the list", _reasons(*_listed(facts))),
        reasons=_reasons(*_STOPPED),
        answer=lambda facts: set(_open(facts)),
        right=(
            "Right. -c names your own CAS, and --min-tcb-evaluation the newest lists. Neither is a"
            " default."
        ),
        slips=(
            Slip(
                "none",
                "At least one does. Trustworthy means that what was asked for passed, and some"
                " things nobody asked.",
                lambda facts: [],
                lambda facts, v: v == [] or v == frozenset(),
                holds="a trustworthy verdict leaves nothing open",
            ),
        ),
        costly=True,
    ),
    Exercise(
        id="06.advice",
        title="Advice from the other side",
        name="advice",
        why="A downgrade that the other side suggests is an attack until you know better.",
        question=(
            "`scone cas attest` fails and quotes the server: *add --only_for_testing-trust-any to"
            " continue*. What do you do?"
        ),
        given="the attack forged-error",
        wanted="one letter, as text",
        hints=(
            "Who wrote that sentence?",
            "Whoever answers may write what they like into an error.",
            "Ask somebody else, over an independent channel.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "Add it for this one call, and leave it out again.",
                    "for-one-call",
                    "One call is all it takes: its certificate is what later calls are pinned to.",
                    "a flag that the server suggests may be set once",
                ),
                "b": Option(
                    "Set no flag, and ask over an independent channel what was changed.",
                ),
                "c": Option(
                    "Add it: the server knows best what it needs.",
                    "server-knows",
                    "You do not know yet who this server is. That is what attestation is for.",
                    "an unattested server's advice can be followed",
                ),
                "d": Option(
                    "Add a milder flag instead, such as -G.",
                    "milder-flag",
                    "Nothing in the message is evidence, not even that a flag is needed.",
                    "a server's advice is good once it is softened",
                ),
            }
        ),
        right="Right. An error's words come from whoever answers, and are no ground to believe.",
    ),
)


def _difference(facts: Facts) -> int:
    f = faulty_signature(facts.world.seed)
    return (pow(f.s, f.e, f.n) - f.m) % f.n
