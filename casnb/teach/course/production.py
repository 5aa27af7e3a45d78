"""Exercises of 07: name a CAS by its signer, survive an update, keep old releases out, and know
what green does not prove.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.answers import said
from casnb.teach.course.attest_and_flags import parsed
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Judge, Names, Number, Option, names_in
from casnb.teach.facts import Cases, Facts

_POLICIES = ("hash", "signer", "both", "default")
#: The update and the old release of the lesson: version and ISVSVN.
UPDATE, OLD = ("6.1.0", 6), ("5.8.0", 4)


def _signer(facts: Facts, floor: int | None = None) -> AttestationPolicy:
    v = facts.world.vendor
    return AttestationPolicy(
        mrsigner=v.mrsigner, isvprodid=v.isvprodid, isvsvn=v.isvsvn if floor is None else floor
    )


def _line(policy: AttestationPolicy) -> str:
    return " ".join(policy.arguments())


class Identity(Judge):
    """A flag line as text or a list of words, compared by the identity that it names."""

    def same(self, value: Any, reference: Any) -> bool:
        policy = parsed(value)
        return isinstance(policy, AttestationPolicy) and policy == parsed(reference)

    def problem(self, value: Any) -> str:
        policy = parsed(value)
        if not isinstance(policy, AttestationPolicy):
            return policy or f"got {said(value)}"
        return "there is no option in it" if policy == AttestationPolicy() else ""

    def nudge(self, value: Any, reference: Any) -> str:
        return "The options can be read; at least one value differs from what the vendor publishes."


def _is(value: Any, test: Any) -> bool:
    policy = parsed(value)
    return isinstance(policy, AttestationPolicy) and bool(test(policy))


@cache
def _survivors(seed: str) -> frozenset[str]:
    """Try the four policies on the update, rather than believe a table."""
    facts = Cases(seed).get("production")
    update = Facts(facts.world.with_build(UPDATE[0], isv_svn=UPDATE[1]))
    v, value = facts.world.vendor, facts.world.mrenclave
    policies = {
        "hash": AttestationPolicy(mrenclaves=(value,)),
        "signer": _signer(facts),
        "both": AttestationPolicy(
            mrenclaves=(value,), mrsigner=v.mrsigner, isvprodid=v.isvprodid, isvsvn=v.isvsvn
        ),
        "default": AttestationPolicy(),
    }
    return frozenset(name for name, policy in policies.items() if update.appraise(policy).accepted)


def _survive(facts: Facts) -> frozenset[str]:
    return _survivors(facts.world.seed)


EXERCISES = (
    Exercise(
        id="07.identity",
        title="The identity, as options",
        question=(
            "Write the options with which `scone cas attest` names the vendor's CAS without naming"
            " a build: signer, product, and the least security version that the vendor supports."
        ),
        given="lab.vendor",
        wanted=(
            "a list of words or one text, such as '--mrsigner HEX --isvprodid NUMBER --isvsvn"
            " NUMBER'"
        ),
        hints=(
            (
                "Three options belong together: a signer signs more than one product, and more than"
                " one version of each."
            ),
            "--mrsigner takes 64 hex digits, the other two take plain numbers. No MRENCLAVE.",
            "AttestationPolicy(mrsigner=..., isvprodid=..., isvsvn=...).arguments() writes them.",
        ),
        judge=Identity(),
        reference=lambda facts: _line(_signer(facts)),
        right=(
            "Right. This line accepts every supported build of this product by this signer, and"
            " nothing else."
        ),
        slips=(
            Slip(
                "mrenclave",
                "There is an MRENCLAVE in it. That names one build, and the next update is"
                " refused.",
                lambda facts: _line(_signer(facts)) + f" --mrenclave {facts.world.mrenclave}",
                lambda facts, v: _is(v, lambda p: p.mrenclaves),
            ),
            Slip(
                "insecure-flag",
                "An insecure flag is in it. A production CAS needs none.",
                lambda facts: _line(_signer(facts)) + " -G",
                lambda facts, v: _is(v, lambda p: p.flags()),
            ),
            Slip(
                "signer-alone",
                lambda facts, v: f"The command refuses it. {_problem(v)}",
                lambda facts: f"--mrsigner {facts.world.vendor.mrsigner}",
                lambda facts, v: bool(_problem(v)),
            ),
            Slip(
                "hash-as-signer",
                "The value behind --mrsigner is the MRENCLAVE. It names the code, not the key that"
                " signed it.",
                lambda facts: _line(_signer(facts)).replace(
                    facts.world.vendor.mrsigner, facts.world.mrenclave
                ),
                lambda facts, v: _is(v, lambda p: p.mrsigner == facts.world.mrenclave),
            ),
            Slip(
                "no-floor",
                "With --isvsvn 0 every release ever signed is welcome, those with published holes"
                " included.",
                lambda facts: _line(_signer(facts, 0)),
                lambda facts, v: _is(v, lambda p: p.isvsvn == 0),
            ),
        ),
    ),
    Exercise(
        id="07.survives",
        title="After the update",
        question=(
            f"The vendor updates the CAS to {UPDATE[0]}: new code, same signer, same product,"
            f" ISVSVN {UPDATE[1]}. Which of these policies accept it unchanged? 'hash': the"
            " MRENCLAVE of before. 'signer': MRSIGNER, ISVPRODID and ISVSVN. 'both': the two"
            " together. 'default': no identity option at all."
        ),
        given="lab.build, and the four policies",
        wanted="a set of names, such as {'hash', 'both'}",
        hints=(
            "Which of the four compare MRENCLAVE?",
            "Without identity options the command still expects something: the vendor's own CAS.",
            "Try each: lab.build(version, isv_svn=...).appraise(policy).accepted",
        ),
        judge=Names(_POLICIES, "policy"),
        reference=lambda facts: set(_survive(facts)),
        right="Right. An update changes what was built, not who signed it.",
        slips=(
            Slip(
                "all-but-hash",
                "'both' compares the MRENCLAVE as well. A policy is as narrow as its narrowest"
                " condition.",
                lambda facts: {"signer", "both", "default"},
                lambda facts, v: names_in(v) == {"signer", "both", "default"},
            ),
            Slip(
                "signer-only",
                "One is missing: without identity options the command expects the vendor's signer,"
                " product and least version, not nothing.",
                lambda facts: {"signer"},
            ),
            Slip(
                "hash",
                "An update is another build, so its MRENCLAVE is another.",
                lambda facts: {"hash", "signer"},
                lambda facts, v: "hash" in names_in(v),
            ),
        ),
    ),
    Exercise(
        id="07.floor",
        title="A hole is found",
        question=(
            f"A hole is found in every release with an ISVSVN below {UPDATE[1]}, the running one"
            " included. Which value of --isvsvn keeps them all out and lets the update in?"
        ),
        given=f"the running CAS says what its ISVSVN is; the update says {UPDATE[1]}",
        wanted="a whole number",
        hints=(
            "ISVSVN is compared as at least.",
            "The value itself is still accepted.",
            "The smallest number that no holed release reaches.",
        ),
        judge=Number(),
        reference=lambda facts: UPDATE[1],
        right=(
            "Right. From now on the running CAS is refused, until it is updated: that is what the"
            " number is for."
        ),
        slips=(
            Slip(
                "unchanged",
                "With this floor the running release, which has the hole, is still accepted.",
                lambda facts: facts.world.vendor.isvsvn,
                lambda facts, v: type(v) is int and 0 <= v <= facts.world.vendor.isvsvn,
            ),
            Slip(
                "too-high",
                "That keeps the update out as well.",
                lambda facts: UPDATE[1] + 1,
                lambda facts, v: type(v) is int and v > UPDATE[1],
            ),
            Slip(
                "text",
                "The right digits, as text. Wanted is a number.",
                lambda facts: str(UPDATE[1]),
            ),
        ),
    ),
    Exercise(
        id="07.not-proven",
        title="What green does not prove",
        question=(
            "A production CAS is trustworthy by every check, nothing waived. Which sentence may"
            " still be false?"
        ),
        given="the verdict, and the last sections of this notebook",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "Three of the sentences are each the subject of one check.",
            (
                "Checks compare what is in the report. Which sentence speaks of something no report"
                " contains?"
            ),
            "Who stands beside the machine is in no report.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "The build was signed with the key that the policy names.",
                    "signer",
                    "That is the check `mrsigner`, and it passed.",
                ),
                "b": Option("Nobody has physical access to the machine's memory bus."),
                "c": Option(
                    "At the time of the report no debugger could be attached.",
                    "debug",
                    "That is the check `debug`: the bit is in the report, and it is not set.",
                ),
                "d": Option(
                    "The TLS key that you talk to is the one that the evidence speaks for.",
                    "binding",
                    "That is the check `certificate-binding`, and it passed.",
                ),
            }
        ),
        reference=lambda facts: "b",
        right=(
            "Right. With a tap on the memory bus the signing key can leave the chip, and every"
            " check stays green."
        ),
    ),
)


def _problem(value: Any) -> str:
    policy = parsed(value)
    return (policy.problems() or [""])[0] if isinstance(policy, AttestationPolicy) else ""
