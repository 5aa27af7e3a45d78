"""Exercises of 00: which decision this is about, and who plays which part in it."""

from __future__ import annotations

from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Option
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.slips import Slip

_PARTIES = {
    "a": Option("the enclave in which the CAS runs, on its machine"),
    "b": Option("Intel, who signs what is known about CPUs and their firmware"),
    "c": Option("the publisher of the public CAS page, who says which MRENCLAVE to expect"),
    "d": Option(
        "the program that checks signatures and applies your flags, such as scone cas attest"
    ),
    "e": Option("you, who must decide whether to send a secret"),
}

_ROLES = {
    "attester": "a",
    "endorser": "b",
    "reference value provider": "c",
    "verifier": "d",
    "relying party": "e",
}

EXERCISES = (
    Exercise(
        id="00.decision",
        title="What a passed attestation says",
        name="decision",
        why=(
            "The one that speaks only of code, hardware, and the key at the other end of"
            " the connection."
        ),
        question=(
            "You attested a CAS without a single flag and every check passed. Which conclusion"
            " follows?"
        ),
        given="nothing but what you have read so far",
        wanted="one letter, as text: 'a' to 'e'",
        hints=(
            "Ask of each sentence: which signed statement would have to say so?",
            (
                "The report holds a measurement of code, who signed that code, the state of the"
                " platform, and 64 bytes that name a certificate. It holds nothing about people,"
                " pages or the future."
            ),
            (
                "Look for the sentence that speaks only of code, hardware, and the key that you"
                " talk to."
            ),
        ),
        judge=Choice(
            {
                "a": Option(
                    "Whoever runs the machine is honest.",
                    "operator-is-honest",
                    "No check looks at people. Attestation is for the case that the operator is not"
                    " honest: it says what an operator cannot change unnoticed.",
                    holds="a CAS that passes shows that its operator is honest",
                ),
                "b": Option(
                    "The code you expect runs in an enclave on a platform without known holes, and"
                    " the certificate you will pin is its own."
                ),
                "c": Option(
                    "The code has no bugs.",
                    "no-bugs",
                    "A measurement says which code runs, not whether it is good code. A bug in the"
                    " right code is measured too.",
                    holds="a measured program has no bugs",
                ),
                "d": Option(
                    "The CAS will answer tomorrow as well.",
                    "availability",
                    "Nothing promises that. The operator can switch the machine off at any time;"
                    " attestation is not about availability.",
                    holds="attestation promises that the CAS will still answer tomorrow",
                ),
                "e": Option(
                    "The web page that named the MRENCLAVE is right.",
                    "page-is-right",
                    "It is the other way round: you assumed the page to be right when you took the"
                    " expected value from it. What an expectation is compared with cannot prove the"
                    " expectation.",
                    holds="a pass proves the expected value right",
                ),
            }
        ),
        right=(
            "Right: expected code, genuine and patched platform, and the key at the other end. No"
            " more than that."
        ),
    ),
    Exercise(
        id="00.roles",
        title="Who plays which part",
        name="roles",
        why=(
            "The attester is the CAS's enclave, the endorser Intel, the reference value"
            " provider the page. Your own program verifies, and you are the relying party."
        ),
        question=(
            "RFC 9334 names five parts in a remote attestation. Who plays them when you attest a"
            " CAS?"
        ),
        given="the parties a to e",
        wanted=(
            "a dictionary with the five keys 'attester', 'endorser', 'reference value provider',"
            " 'verifier', 'relying party', each with one letter"
        ),
        hints=(
            "Start with the two ends: who makes a claim about itself, and who carries the risk?",
            (
                "Evidence comes from the attester, endorsements from the endorser, reference values"
                " from their provider. All three go into the verifier, and what comes out serves"
                " the relying party."
            ),
            (
                "Intel vouches for platforms; it does not look at your CAS. Your own program does"
                " the checking."
            ),
        ),
        judge=Pairing(
            tuple(_ROLES),
            _PARTIES,
            {
                "attester": "The attester makes a claim about itself: who is to be trusted?",
                "endorser": "The endorser vouches for hardware, and knows nothing of your CAS.",
                "reference value provider": "That part says which value to expect.",
                "verifier": "The verifier compares evidence with expectations.",
                "relying party": "The relying party carries the loss when the answer was wrong.",
            },
        ),
        answer=lambda facts: dict(_ROLES),
        right=(
            "Right. Keep the reference value provider in mind: everything hangs on a value that"
            " nobody signed."
        ),
        slips=(
            Slip(
                "intel-verifies",
                "Intel does not verify your CAS here. It signs what is known about CPUs; your own"
                " program compares. (The old IAS service did judge a quote, and still left"
                " MRENCLAVE and debug to you.)",
                lambda facts: _ROLES | {"verifier": "b", "endorser": "d"},
                lambda facts, v: isinstance(v, dict) and v.get("verifier") == "b",
                holds="Intel verifies the CAS",
            ),
            Slip(
                "cas-verifies",
                "A CAS verifies services that want secrets from it. In this story it is the one"
                " that is verified.",
                lambda facts: _ROLES | {"verifier": "a", "attester": "d"},
                lambda facts, v: isinstance(v, dict) and v.get("verifier") == "a",
                holds="the CAS is the verifier here",
            ),
            Slip(
                "page-endorses",
                "The page vouches for no platform. It tells which measurement to expect: that is a"
                " reference value.",
                lambda facts: _ROLES | {"endorser": "c", "reference value provider": "b"},
                lambda facts, v: isinstance(v, dict) and v.get("endorser") == "c",
                holds="the page vouches for the platform",
            ),
            Slip(
                "program-relies",
                "A program checks; it does not carry the loss when the answer was wrong. Who does?",
                lambda facts: _ROLES | {"relying party": "d", "verifier": "e"},
                lambda facts, v: isinstance(v, dict) and v.get("relying party") == "d",
                holds="the program that checks is the one that relies",
            ),
        ),
    ),
)
