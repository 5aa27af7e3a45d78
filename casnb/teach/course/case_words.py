"""What the case file asks, and what it says about each decision in each chapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: The question of every chapter.
QUESTION = "May the customer's secret go into this CAS?"
#: What can be signed, and the sentence on its button.
DECISIONS: Mapping[str, str] = {
    "trust": "Trust: it may go in.",
    "not yet": "Not yet: something has to change, or be shown, first.",
    "never": "Never: not into this one.",
}


@dataclass(frozen=True)
class CaseChapter:
    """A chapter's page in the case file: what to say about each decision. None of them is marked:
    what counts is the reason.
    """

    replies: Mapping[str, str]


def _page(trust: str, not_yet: str, never: str) -> CaseChapter:
    return CaseChapter(dict(zip(DECISIONS, (trust, not_yet, never), strict=True)))


CHAPTERS: Mapping[str, CaseChapter] = {
    "00": _page(
        "Three checks failed, and you have explained none of them away. Her secret would be in"
        " memory that the host can read.",
        "Three checks failed, and you have not seen yet what each of them costs. That is a"
        " reason you can defend.",
        "For this CAS that will turn out right. Keep the decision, and see by chapter 03 whether"
        " you can say why for each of the three reasons.",
    ),
    "01": _page(
        "So far you hold a number from a page. Nobody has shown you that this CAS runs that code,"
        " or that the page is right.",
        "You know which code to expect, and have looked at no signature yet.",
        "You may be right, but the page gives no reason for it: it says nothing about this CAS.",
    ),
    "02": _page(
        "The report is genuine and names the right code. It also says DEBUG: you have read the bit"
        " yourself.",
        "Genuine is not the same as wanted: you have not judged the report yet.",
        "The DEBUG bit alone is reason enough. Say so in your reason.",
    ),
    "03": _page(
        "Accepted with three waivers, and the verdict says that this CAS must not hold secrets."
        " Exit code 0 is not an opinion.",
        "What would have to change? Firmware and signer can be mended; a debug build has to be"
        " replaced.",
        "Right for this build: each of its three failures is enough, and you know who walks in.",
    ),
    "04": _page(
        "You are sure who answers. The host of a debug enclave can answer with the same key.",
        "The channel is sound, and what is at its end was waived. Only another CAS would help.",
        "The pin keeps the waivers, and so should your decision.",
    ),
    "05": _page(
        "A policy binds the CAS. It does not bind whoever reads the memory of the CAS.",
        "Your policies are in order. They rest on the same three waivers.",
        "Right: whatever the policy says, the host of this CAS reads her key.",
    ),
    "06": _page(
        "You have just seen it taken, with the very flags that you would need.",
        "Name the attacks that would have to fail first; your own line lists them.",
        "Right, and now you can say which attack takes it.",
    ),
    "07": _page(
        "This is another CAS: nothing is waived, and you named its signer, product, version and"
        " key. Tell her what is not proven: the bus, the vendor, and whether it answers tomorrow.",
        "A reason you can defend, if you name what is missing: a second source for the values, a"
        " backup, premises you know.",
        "Then no report will ever convince you, and that is a position: say which assumption you"
        " reject.",
    ),
    "08": _page(
        "You computed the number yourself, so the page is no longer your only source. What you"
        " trust now is the code itself, and its vendor.",
        "Two sources agree. Ask how independent they are before you ask for a third.",
        "You know what the code is, not whether it is good. Who would have to read it for you?",
    ),
}
