"""Exercises of 07: name a CAS by its signer, survive an update, keep old releases out, and know
what green does not prove.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.choices import Choice, Names, Reason, names_in
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.flaglines import Identity, policy_of, read_line
from casnb.teach.course.judges import Number, Option
from casnb.teach.course.slips import Slip, braces
from casnb.teach.facts import Facts

#: The update and the old release of the lesson: version and ISVSVN.
UPDATE, OLD = ("6.1.0", 6), ("5.8.0", 4)
#: Policies that the second exercise may ask about, in words; the lesson asks about the first four.
POLICIES = {
    "hash": "the MRENCLAVE of before",
    "signer": "MRSIGNER, ISVPRODID and ISVSVN of the vendor",
    "both": "the two together",
    "default": "no identity option at all",
    "new-hash": "the MRENCLAVE of the update",
    "next": "MRSIGNER, ISVPRODID, and an ISVSVN one above that of the update",
    "hashes": "the MRENCLAVE of before and that of the update, either of them",
    "product": "MRSIGNER and ISVSVN of the vendor with another ISVPRODID",
}
_ASKED = (
    ("hash", "signer", "both", "default"),
    ("hash", "new-hash", "signer", "next"),
    ("hashes", "both", "default", "product"),
    ("new-hash", "next", "both", "default"),
    ("hashes", "hash", "signer", "product"),
    ("next", "product", "hashes", "default"),
)
_REASONS = {
    "hash": Reason(
        "an update is another build, so its MRENCLAVE is another.",
        "hash",
        "an update keeps its MRENCLAVE",
    ),
    "both": Reason(
        "it compares the MRENCLAVE as well. A policy is as narrow as its narrowest condition.",
        "all-but-hash",
        "a policy of two conditions accepts what one of them accepts",
    ),
    "next": Reason(
        "ISVSVN is a minimum, and the update stays below it.",
        "too-high",
        "ISVSVN need not be reached",
    ),
    "product": Reason(
        "ISVPRODID must be equal: another product is not meant.",
        "product",
        "any product of a signer is accepted",
    ),
}


def floor(facts: Facts) -> int:
    """The least security version that the first exercise asks for."""
    return facts.draw("07.identity", (facts.world.vendor.isvsvn, 6, 7, 8, 9, 10, 11, 12))


def update_svn(facts: Facts) -> int:
    """The security version of the update."""
    return facts.draw("07.floor", (UPDATE[1], 7, 8, 9, 10, 11, 12))


def _signer(facts: Facts, least: int | None = None) -> AttestationPolicy:
    v = facts.world.vendor
    return AttestationPolicy(
        mrsigner=v.mrsigner, isvprodid=v.isvprodid, isvsvn=floor(facts) if least is None else least
    )


def _line(policy: AttestationPolicy) -> str:
    return " ".join(policy.arguments())


def _survivors(facts: Facts) -> frozenset[str]:
    """Try the policies on the update, rather than believe a table."""
    return facts.kept("07.survives", lambda: _tried(facts))


def _tried(facts: Facts) -> frozenset[str]:
    here = facts if facts.world.scenario == "production" else facts.of("production")
    update = here.build(UPDATE[0], isv_svn=update_svn(facts))
    v, old, new = here.world.vendor, here.mrenclave, update.mrenclave
    signer = _signer(here, v.isvsvn)
    policies = {
        "hash": AttestationPolicy(mrenclaves=(old,)),
        "signer": signer,
        "both": replace(signer, mrenclaves=(old,)),
        "default": AttestationPolicy(),
        "new-hash": AttestationPolicy(mrenclaves=(new,)),
        "next": replace(signer, isvsvn=update_svn(facts) + 1),
        "hashes": AttestationPolicy(mrenclaves=(old, new)),
        "product": replace(signer, isvprodid=v.isvprodid + 1),
    }
    return frozenset(n for n in _asked(facts) if update.appraise(policies[n]).accepted)


def _asked(facts: Facts) -> tuple[str, ...]:
    return facts.draw("07.survives", _ASKED)


def _is(value: Any, test: Callable[[AttestationPolicy], bool]) -> bool:
    policy = policy_of(value)
    return policy is not None and test(policy)


EXERCISES = (
    Exercise(
        id="07.identity",
        title="The identity, as options",
        name="identity",
        code=lambda facts: (
            "identity = by_signer.arguments()"
            if facts.practice
            else f"identity = {_line(_signer(facts))!r}"
        ),
        why="`AttestationPolicy(mrsigner=..., isvprodid=..., isvsvn=...).arguments()` writes it.",
        question=lambda facts: (
            "Write the options with which `scone cas attest` names the vendor's CAS without"
            " naming a"
            " build: signer, product, and "
            + (
                "the least security version that the vendor supports."
                if floor(facts) == facts.world.vendor.isvsvn
                else f"ISVSVN {floor(facts)} or later, as an advisory of the vendor asks."
            )
        ),
        given="lab.vendor",
        scenarios=("production", "public"),
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
        answer=lambda facts: _line(_signer(facts)),
        right=(
            "Right. This line accepts every supported build of this product by this signer, and"
            " nothing else."
        ),
        slips=(
            Slip(
                "mrenclave",
                "There is an MRENCLAVE in it. That names one build, and the next update is"
                " refused.",
                lambda facts: _line(_signer(facts)) + f" --mrenclave {facts.mrenclave}",
                lambda facts, v: _is(v, lambda p: bool(p.mrenclaves)),
                holds="a build's MRENCLAVE belongs to the vendor's identity",
            ),
            Slip(
                "insecure-flag",
                "An insecure flag is in it. A production CAS needs none.",
                lambda facts: _line(_signer(facts)) + " -G",
                lambda facts, v: _is(v, lambda p: bool(p.flags())),
                holds="a production CAS needs an insecure flag",
            ),
            Slip(
                "signer-alone",
                lambda facts, v: f"The command refuses it. {_refusal(v)}",
                lambda facts: f"--mrsigner {facts.world.vendor.mrsigner}",
                lambda facts, v: bool(_refusal(v)),
                holds="the signer alone names a CAS",
            ),
            Slip(
                "hash-as-signer",
                "The value of --mrsigner is the MRENCLAVE. It names the code, not the key that"
                " signed it.",
                lambda facts: _line(_signer(facts)).replace(
                    facts.world.vendor.mrsigner, facts.mrenclave
                ),
                lambda facts, v: _is(v, lambda p: p.mrsigner == facts.mrenclave),
                holds="MRENCLAVE names the signer",
            ),
            Slip(
                "test-signer",
                "This MRSIGNER is that of a test build. lab.vendor has the one of the vendor.",
                lambda facts: _line(
                    replace(_signer(facts), mrsigner=facts.of("public").world.mrsigner)
                ),
                lambda facts, v: _is(v, lambda p: p.mrsigner == facts.of("public").world.mrsigner),
                holds="the test signer is the vendor",
            ),
            Slip(
                "big-endian",
                "The product number was read big-endian. Integers in a report are little-endian.",
                lambda facts: _line(replace(_signer(facts), isvprodid=_swapped(facts))),
                lambda facts, v: _is(v, lambda p: p.isvprodid == _swapped(facts)),
                holds="integers in a report are big-endian",
            ),
            Slip(
                "no-floor",
                "With --isvsvn 0 every release ever signed is welcome, those with published holes"
                " included.",
                lambda facts: _line(_signer(facts, 0)),
                lambda facts, v: _is(v, lambda p: p.isvsvn == 0),
                holds="no floor is needed where the signer is right",
            ),
            Slip(
                "other-floor",
                "Signer and product are right. The least security version is another.",
                lambda facts: _line(_signer(facts, floor(facts) + 1)),
                lambda facts, v: _is(
                    v, lambda p: replace(p, isvsvn=floor(facts)) == _signer(facts)
                ),
                holds="another security version is the least that is supported",
            ),
        ),
    ),
    Exercise(
        id="07.survives",
        title="After the update",
        name="survivors",
        code=lambda facts: f"survivors = {braces(_survivors(facts))}",
        why=(
            "An update is other code by the same signer: what compares the old MRENCLAVE"
            " refuses it."
        ),
        question=lambda facts: (
            f"The vendor updates the CAS to {UPDATE[0]}: new code, same signer, same product,"
            f" ISVSVN {update_svn(facts)}. Which of these policies accept it unchanged? "
            + " ".join(f"'{n}': {POLICIES[n]}." for n in _asked(facts))
        ),
        given="lab.build, and the four policies",
        wanted="a set of names, such as {'hash', 'both'}",
        hints=(
            "Which of the four compare MRENCLAVE?",
            "Without identity options the command still expects something: the vendor's own CAS.",
            "Try each: lab.build(version, isv_svn=...).appraise(policy).accepted",
        ),
        judge=lambda facts: Names(
            _asked(facts), "policy", {n: r for n, r in _REASONS.items() if n in _asked(facts)}
        ),
        reasons=_REASONS,
        answer=lambda facts: set(_survivors(facts)),
        right="Right. An update changes what was built, not who signed it.",
        scenarios=("production", "public"),
        slips=(
            Slip(
                "default-expects-nothing",
                "One is missing: without identity options the command expects the vendor's signer,"
                " product and least version, not nothing.",
                lambda facts: _survivors(facts) - {"default"},
                lambda facts, v: (
                    "default" in _survivors(facts)
                    and bool(names_in(v))
                    and names_in(v) == _survivors(facts) - {"default"}
                ),
                holds="no identity option means that nothing is expected",
                when=lambda facts: "default" in _survivors(facts) and len(_survivors(facts)) > 1,
            ),
        ),
    ),
    Exercise(
        id="07.floor",
        title="A hole is found",
        name="floor",
        code=lambda facts: f"floor = {update_svn(facts)}",
        why="The smallest number that no release with the hole reaches.",
        question=lambda facts: (
            f"A hole is found in every release with an ISVSVN below {update_svn(facts)}, the"
            " running one included. Which value of --isvsvn keeps them all out and lets the"
            f" update, whose ISVSVN is {update_svn(facts)}, in?"
        ),
        given="the running CAS says what its ISVSVN is; the update says another",
        wanted="a whole number",
        hints=(
            "ISVSVN is compared as at least.",
            "The value itself is still accepted.",
            "The smallest number that no release with the hole reaches.",
        ),
        judge=Number(),
        answer=update_svn,
        right=(
            "Right. From now on the running CAS is refused, until it is updated: that is what the"
            " number is for."
        ),
        scenarios=("production", "public"),
        slips=(
            Slip(
                "unchanged",
                "With this floor a release that has the hole is still accepted.",
                lambda facts: facts.world.vendor.isvsvn,
                lambda facts, v: type(v) is int and 0 <= v < update_svn(facts),
                holds="the floor may stay below the version that closes the hole",
            ),
            Slip(
                "too-high",
                "That keeps the update out as well.",
                lambda facts: update_svn(facts) + 1,
                lambda facts, v: (
                    type(v) is int and update_svn(facts) < v <= update_svn(facts) + 100
                ),
                holds="the floor lies above the version that closes the hole",
            ),
        ),
    ),
    Exercise(
        id="07.advisories",
        scenarios=("production", "public"),
        title="Green, and no service starts",
        name="mended",
        why="The CAS is judged by your flags, a service by its session. Since SCONE 6.0 the lists"
        " that the CAS fetches name advisories, so the session has to name them too.",
        question=(
            "A session of SCONE 5 tolerates debug-mode and software-hardening-needed, and names no"
            " advisory. After an update to SCONE 6 `scone cas attest` is as green as before, and"
            " the CAS refuses the service: INTEL-SA-00334 and INTEL-SA-00615 stand in its answer."
            " The machine cannot be mended further. What do you do?"
        ),
        given="docs/versions.md; casnb why with the refusal",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "Who judges the service, and by what text?",
            "A flag of scone cas attest is about the CAS. Which member is about single holes?",
            "ignore_advisories lists what you have read, by its id.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "Attest the CAS again, with --ignore-advisories.",
                    "flag-for-the-cas",
                    "That is about what you accept of the CAS. The service is judged by the CAS,"
                    " with"
                    " the session.",
                    holds="a flag of cas attest changes how services are judged",
                ),
                "b": Option(
                    'Write ignore_advisories: "*" into the session.',
                    "every-hole",
                    "That tolerates every hole that Intel will ever publish, unread. SCONE takes it"
                    " together with debug-mode only, where nothing is secret anyway.",
                    holds="all advisories may be waved through to get going",
                ),
                "c": Option(
                    "Read both, and write their two ids into the session's ignore_advisories."
                ),
                "d": Option(
                    "Set attestation: {mode: none} in the session.",
                    "no-attestation",
                    "Then any program that asks is given the secrets.",
                    holds="a service may be left unattested to get going",
                ),
            }
        ),
        right=(
            "Right. Each hole is accepted by its name, by somebody who read it; the next one"
            " stops the service again, as it should."
        ),
    ),
    Exercise(
        id="07.not-proven",
        scenarios=("production", "public"),
        title="What green does not prove",
        name="unproven",
        why="No report says who is near the machine.",
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
                    holds="green says nothing about the signer",
                ),
                "b": Option("Nobody has physical access to the machine's memory bus."),
                "c": Option(
                    "At the time of the report no debugger could be attached.",
                    "debug",
                    "That is the check `debug`: the bit is in the report, and it is not set.",
                    holds="green says nothing about debuggers",
                ),
                "d": Option(
                    "The TLS key that you talk to is the one that the evidence speaks for.",
                    "binding",
                    "That is the check `certificate-binding`, and it passed.",
                    holds="green says nothing about the TLS key",
                ),
            }
        ),
        right=(
            "Right. With a tap on the memory bus the signing key can leave the chip, and every"
            " check stays green."
        ),
    ),
)


def _refusal(value: Any) -> str:
    line = read_line(value)
    return line.refusal if line else ""


def _swapped(facts: Facts) -> int:
    """The product number as a big-endian reader has it."""
    return int.from_bytes(facts.world.vendor.isvprodid.to_bytes(2, "little"), "big")
