"""Predictions: what a reader commits to before a cell shows what came."""

from __future__ import annotations

from casnb.teach.course.judges import Option
from casnb.teach.course.questions import Question, no


def _ask(id: str, after: str, question: str, right: str, *wrong: Option) -> Question:
    """Return a prediction; `right` is the sentence that comes true."""
    return Question(id, after, question, (Option(right), *wrong), "So it was.", prediction=True)


QUESTIONS = (
    _ask(
        "00.first-verdict",
        "00-appraisal",
        "The measurement is the expected one. What will the verdict be?",
        "Rejected: something else about this CAS is wrong.",
        no(
            "Trustworthy: the code is the right one.",
            "code-is-all",
            "Right code on an outdated platform, as a debug enclave, protects nothing.",
            "the right measurement is all that counts",
        ),
        no(
            "Rejected: the report is not genuine.",
            "not-genuine",
            "The signatures hold under the lab's roots.",
            "a refused report is a forged one",
        ),
        no(
            "Accepted with waivers.",
            "waived-by-itself",
            "Nothing is waived unless you set a flag.",
            "checks are waived by themselves",
        ),
    ),
    _ask(
        "00.wrong-root",
        "00-wrong-root",
        "The evidence is the same, and the roots are Intel's real ones. Which check fails first?",
        "The certificate chain: it ends in a root that is not among them.",
        no(
            "The signature of the report.",
            "signature-first",
            "A signature is checked with a key, and no key is believed yet.",
            "a signature is checked before its key is trusted",
        ),
        no(
            "MRENCLAVE: another root measures something else.",
            "root-measures",
            "Roots measure nothing. What is not genuine is not appraised at all.",
            "the root has a say in the measurement",
        ),
        no(
            "None: the report has not changed.",
            "roots-do-not-matter",
            "Whom you believe is up to you, and decides everything.",
            "a report is genuine whatever root is trusted",
        ),
    ),
    _ask(
        "01.first-hash",
        "01-history-lab",
        "A scraper takes the first 64 hex digits of a page. How does it fare over ten states?",
        "It gives some values that look right and are not: its score is below zero.",
        no(
            "It is right on every page: the newest release comes first.",
            "first-is-right",
            "On old layouts another row, or no measurement at all, comes first.",
            "the first hash on a page is the one that is meant",
        ),
        no(
            "It refuses wherever there is no value.",
            "regex-refuses",
            "Where any hash is on the page it finds one, whoever's it is.",
            "a pattern refuses what it does not mean",
        ),
        no(
            "It fails loudly on old layouts, and is never wrong.",
            "fails-loudly",
            "It is silent, which costs most.",
            "a scraper that errs is noticed",
        ),
    ),
    _ask(
        "02.flips",
        "02-break-it",
        "One character is changed inside the quote that Intel's report carries. Who notices first?",
        "The signature over the report, before anything in the quote is read.",
        no(
            "The check of MRENCLAVE.",
            "mrenclave-notices",
            "It is not reached: what is not genuine is not appraised.",
            "policy checks find forgeries",
        ),
        no(
            "Nobody: the quote is only data in the report.",
            "nobody-notices",
            "It is data that the signature covers, every byte of it.",
            "a signature covers the envelope alone",
        ),
        no(
            "The hash in report_data.",
            "binding-notices",
            "That hash covers the certificates and the nonce, not the quote itself.",
            "report_data covers the whole report",
        ),
    ),
    _ask(
        "03.strict",
        "03-strict",
        "A strict policy, with the right MRENCLAVE, meets the public CAS. What fails?",
        "Three checks: tcb-status, debug and mrsigner.",
        no(
            "Nothing: the CAS on the page is meant to be used.",
            "page-vouches",
            "It is meant for trying things out, and its makers say so.",
            "a CAS that is on the page is accepted",
        ),
        no(
            "One check, tcb-status.",
            "status-only",
            "Its mode and its signer are wrong as well.",
            "only the platform can be wrong",
        ),
        no(
            "All checks: one failure spoils the rest.",
            "all-fail",
            "Each check stands for itself; most of them pass.",
            "one failure makes all checks fail",
        ),
    ),
    _ask(
        "03.first-flag",
        "03-crude",
        "You set -G, for the failure that comes first. Is the CAS accepted?",
        "No: two other checks still fail.",
        no(
            "Yes, with one waiver.",
            "first-failure-only",
            "A flag waives its own check and no other.",
            "the first failure is the only one",
        ),
        no(
            "Yes, and it is trustworthy.",
            "flag-is-trust",
            "With a waiver nothing is trustworthy.",
            "a waived check counts as passed",
        ),
        no(
            "No: the command refuses -G without another flag.",
            "flag-needs-flag",
            "-G may be set alone. Debug may not.",
            "no flag may be set alone",
        ),
    ),
    _ask(
        "03.second-flag",
        "03-rung-2",
        "Next you set --only_for_testing-ignore-signer. Which line turns WAIVED?",
        "mrsigner.",
        no(
            "mrenclave.",
            "ignores-mrenclave",
            "MRENCLAVE is still compared, and becomes mandatory.",
            "ignoring the signer ignores the measurement",
        ),
        no(
            "The signature over the report.",
            "ignores-signature",
            "Signatures are never waived. The signer here is who signed the enclave.",
            "ignore-signer switches signatures off",
        ),
        no(
            "debug.",
            "ignores-debug",
            "Debug has a flag of its own.",
            "ignoring the signer ignores debug mode",
        ),
    ),
    _ask(
        "03.third-flag",
        "03-rung-3",
        "You waive debug as well. How does the verdict read?",
        "Accepted with waivers.",
        no(
            "Trustworthy.",
            "waived-is-passed",
            "WAIVED is never a kind of PASSED.",
            "a waived check counts as passed",
        ),
        no(
            "Rejected: nothing accepts a debug enclave.",
            "debug-never",
            "A flag does; it is called only_for_testing for a reason.",
            "no flag accepts a debug enclave",
        ),
        no(
            "Genuine.",
            "genuine-is-verdict",
            "That the report is genuine was never in doubt. The verdict is about your policy.",
            "genuine is a verdict",
        ),
    ),
    _ask(
        "05.second-run",
        "05-crude",
        "The script makes up a name and creates a session. You run it a second time. What happens?",
        "It creates another session, under another name.",
        no(
            "It finds the first one and does nothing.",
            "script-remembers",
            "Nothing is kept between the two runs.",
            "a script remembers what it made up",
        ),
        no(
            "The CAS refuses: the session exists.",
            "cas-refuses",
            "The name is new, so for the CAS it is another session.",
            "a CAS knows that a session was created already",
        ),
        no(
            "It replaces the first session.",
            "session-replaced",
            "A session is replaced under its own name only, by who names its hash.",
            "creating a session replaces an older one",
        ),
    ),
    _ask(
        "05.race",
        "05-race",
        "Two updates were made from the same version. The first was accepted. And the second?",
        "It is refused: its predecessor is no longer the current version.",
        no(
            "It is accepted, and undoes the first.",
            "last-wins",
            "That is what the predecessor is there to prevent.",
            "the last writer wins",
        ),
        no(
            "It is accepted, and both changes are in it.",
            "cas-merges",
            "A CAS merges nothing: a version is the text that was sent.",
            "a CAS merges two changes",
        ),
        no(
            "It waits until the first is done.",
            "cas-queues",
            "There is nothing to wait for: the first is done, and the second does not know it.",
            "a CAS queues updates",
        ),
    ),
    _ask(
        "05.tolerate",
        "05-tolerate",
        "You add `tolerate: [outdated-tcb]`. Is the service on the old machine given its secret?",
        "No: each advisory has to be named as well.",
        no(
            "Yes: that is what the refusal asked for.",
            "one-line-is-enough",
            "A kind of weakness is tolerated now, and no single hole is.",
            "tolerating a kind tolerates every hole",
        ),
        no(
            "No: a CAS never gives a secret to an outdated machine.",
            "never",
            "It does where the policy says so, hole by hole.",
            "an outdated machine is never given a secret",
        ),
        no(
            "Yes, but a warning is printed.",
            "with-warning",
            "A CAS gives a secret or does not.",
            "a CAS warns and gives",
        ),
    ),
    _ask(
        "07.how-many-flags",
        "07-idea",
        "How many insecure flags does a production CAS need?",
        "None.",
        no(
            "One, for the signer.",
            "signer-flag",
            "Its signer is the one that is expected by default.",
            "the vendor's signer must be waived",
        ),
        no(
            "Three, as before.",
            "always-three",
            "The three were for three faults. This CAS has none of them.",
            "every CAS needs the same flags",
        ),
        no(
            "One, for the newer form of evidence.",
            "dcap-flag",
            "A form of evidence needs no flag.",
            "a DCAP quote needs a flag",
        ),
    ),
    _ask(
        "07.update",
        "07-crude",
        "Your policy names one MRENCLAVE. The vendor ships an update. What does the policy say?",
        "It refuses the update: other code has another MRENCLAVE.",
        no(
            "It accepts it: the signer is the same.",
            "signer-saves",
            "This policy does not ask about the signer.",
            "the same signer makes up for another hash",
        ),
        no(
            "It accepts it with a waiver.",
            "update-waived",
            "Nobody set a flag.",
            "an update is waived by itself",
        ),
        no(
            "It fetches the new value from the page.",
            "policy-fetches",
            "A policy knows what you wrote into it.",
            "a policy follows the page",
        ),
    ),
    _ask(
        "07.no-floor",
        "07-break-it",
        "With --isvsvn 0 an old release with a known hole is judged. What is the verdict?",
        "Trustworthy.",
        no(
            "Rejected: isvsvn.",
            "floor-by-default",
            "The floor was set to zero, and every release reaches that.",
            "there is always a floor",
        ),
        no(
            "Accepted with waivers.",
            "floor-waived",
            "Nothing was waived: the policy never asked.",
            "a low floor is a waiver",
        ),
        no(
            "Rejected: the signature has expired.",
            "signature-expires",
            "A SIGSTRUCT never expires.",
            "old releases expire",
        ),
    ),
    _ask(
        "08.other-measurement",
        "08-bench",
        "One thing at a time is changed. What gives another MRENCLAVE?",
        "A bit, a swapped page, another heap; not debug, and not another signer.",
        no(
            "All five of them.",
            "all-measured",
            "Debug and signer stand beside the record.",
            "everything about an enclave is measured",
        ),
        no(
            "The bit alone: only code is measured.",
            "code-only",
            "Where pages stand, in which order, and how many are measured as well.",
            "only the code is measured",
        ),
        no(
            "A bit, a swapped page, another heap, and debug.",
            "debug-measured",
            "DEBUG is an attribute, and attributes are not measured.",
            "DEBUG is measured",
        ),
    ),
)
