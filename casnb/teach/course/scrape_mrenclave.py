"""Exercises of 01: take one value from a web page, and know how that goes wrong."""

from __future__ import annotations

import re
from typing import Any

from casnb.simulator.server.site import LAYOUTS
from casnb.teach.course.answers import said
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Hex, Judge, Names, Option
from casnb.teach.facts import Facts, ninth_word
from casnb.teach.scraping.page_history import STATES, page_history


def _another_row(facts: Facts, value: Any) -> bool:
    return (
        isinstance(value, str)
        and value.strip().lower().removeprefix("0x") in facts.other_rows.values()
    )


def _page_for(value: Any) -> bool:
    return isinstance(value, str) and "<" in value and len(value) > 64


class ByPage(Judge):
    """A dictionary that gives each state of the page a measurement, or None for a refusal."""

    def problem(self, value: Any) -> str:
        if not isinstance(value, dict):
            return f"got {said(value)}, which is no dictionary"
        missing = [name for name in STATES if name not in value]
        strange = [said(name) for name in value if name not in STATES]
        if missing or strange:
            return (
                f"{missing[0]!r} has no answer"
                if missing
                else f"{strange[0]} is no state of the page"
            )
        odd = [said(v) for v in value.values() if v is not None and not isinstance(v, str)]
        return f"got {odd[0]}, which is neither text nor None" if odd else ""

    def nudge(self, value: Any, reference: Any) -> str:
        """Count what went wrong, and name one page of the worst kind."""
        refused = [n for n in STATES if value[n] is None and reference[n] is not None]
        wrong = [n for n in STATES if value[n] is not None and value[n] != reference[n]]
        believed = [n for n in wrong if re.fullmatch("[0-9a-f]{64}", value[n])]
        worst = f" Look first at {(believed or wrong or refused)[0]!r}." if wrong or refused else ""
        good = len(STATES) - len(refused) - len(wrong)
        return (
            f"{good} of {len(STATES)} pages are as they should be; {len(refused)} refused without"
            f" need, {len(wrong)} wrong, {len(believed)} of these would be believed.{worst}"
        )


def _history(facts: Facts) -> dict[str, str | None]:
    return {state.name: state.expected for state in page_history(facts.world)}


def _pipeline(facts: Facts) -> dict[str, str]:
    return {state.name: ninth_word(state.html) for state in page_history(facts.world)}


EXERCISES = (
    Exercise(
        id="01.mrenclave",
        title="The expected measurement",
        question="Which MRENCLAVE does the public CAS page give for the CAS of this lab?",
        given=(
            "the page at lab.page_url, to be fetched over TLS with lab.page_ca; the row is that of"
            " lab.host"
        ),
        wanted="text: 64 lower-case hex digits (32 bytes), no prefix, no blanks",
        hints=(
            (
                "Fetch the page and look at its first table before you write any pattern. Which"
                " column names the host?"
            ),
            (
                "Find the columns by their header text, then the row whose address is exactly"
                " lab.host; a search for 64 hex digits finds the values of all rows."
            ),
            (
                "casnb.scrape(lab.page_url, cacert=lab.page_ca) holds the rows; ask it for the"
                " MRENCLAVE of lab.host."
            ),
        ),
        judge=Hex(32),
        reference=lambda facts: facts.world.mrenclave,
        right=(
            "Right. Remember what it rests on: one page, one TLS certificate, and whoever can edit"
            " that page."
        ),
        slips=(
            Slip(
                "another-row",
                "This is the MRENCLAVE of another row: another release at another address. Take the"
                " row whose address is exactly lab.host.",
                lambda facts: sorted(facts.other_rows.values())[0],
                _another_row,
            ),
            Slip(
                "mrsigner",
                "This is MRSIGNER: it says who signed the enclave, not which code is in it. The"
                " page does not even list it.",
                lambda facts: facts.world.mrsigner,
            ),
            Slip(
                "vendor-signer",
                "This is the MRSIGNER that production builds of this world have. Wanted is the"
                " measurement of the code.",
                lambda facts: facts.world.vendor.mrsigner,
            ),
            Slip(
                "not-available",
                "N/A is what the page says where it has no value. Another row was read.",
                lambda facts: "N/A",
            ),
            Slip(
                "empty",
                "An empty text: the search found nothing and did not say so. An empty shell"
                " variable does the same harm.",
                lambda facts: "",
                lambda facts, v: isinstance(v, str) and not v.strip(),
            ),
            Slip(
                "nothing",
                "None: the search found nothing, or a function printed a value instead of"
                " returning it.",
                lambda facts: None,
            ),
            Slip(
                "whole-page",
                "This is a piece of the page, not the value inside it. Take the text of the one"
                " cell.",
                lambda facts: "<td><code>" + facts.world.mrenclave + "</code></td>",
                lambda facts, v: _page_for(v),
            ),
        ),
    ),
    Exercise(
        id="01.trap",
        title="The dangerous layout",
        question=(
            "A well-known script takes the ninth word of the last line that contains `scone cas"
            " attest`. The page had four layouts. For which of them does the script print a value"
            " of the right form that belongs to another CAS?"
        ),
        given="lab.page(layout) for the layouts " + ", ".join(LAYOUTS) + "; the CAS is lab.host",
        wanted="a set of layout names, such as {'today'}",
        hints=(
            (
                "Write the script as one Python function of the page's text, and run it over the"
                " four layouts."
            ),
            (
                "Sort what comes out into three heaps: the right value, 64 hex digits of somebody"
                " else, and anything else."
            ),
            (
                "Compare each result with the value from exercise 01.mrenclave. Only the middle"
                " heap is dangerous: nothing downstream complains about its form."
            ),
        ),
        judge=Names(LAYOUTS, "layout"),
        reference=lambda facts: facts.layouts("wrong"),
        right=(
            "Right. A scraper that prints nonsense is noticed; one that prints a neat wrong value"
            " is believed."
        ),
        slips=(
            Slip(
                "noise",
                "In these layouts the script prints a flag or a word: bad, and loud. Asked is where"
                " it prints 64 hex digits that are not those of this CAS.",
                lambda facts: facts.layouts("noise"),
                lambda facts, v: (
                    _set(v) is not None
                    and bool(facts.layouts("noise"))
                    and _set(v) == facts.layouts("noise")
                ),
            ),
            Slip(
                "all-failures",
                "These are all layouts in which the script goes wrong. Only those count here whose"
                " result looks right.",
                lambda facts: facts.layouts("wrong") | facts.layouts("noise"),
                lambda facts, v: _set(v) == facts.layouts("wrong") | facts.layouts("noise"),
            ),
        ),
    ),
    Exercise(
        id="01.history",
        title="A scraper for the page's history",
        question=(
            "Which value should a scraper give for scone-cas.cf on each of the ten states that the"
            " page was in, and where must it refuse? Make yours do so."
        ),
        given=(
            "lab.scrape_lab(your_function), which runs a function of a page's text over the ten"
            " states, and its member values"
        ),
        wanted=(
            "a dictionary with each state's name: the MRENCLAVE as text, or None where nothing can"
            " be said for certain"
        ),
        hints=(
            (
                "Look at the board: which of your answers are wrong, and which of these would be"
                " believed?"
            ),
            (
                "Read tables; find the columns by their header, in each table anew. Take rows whose"
                " address is equal. Refuse where there is no such row, where its value has not the"
                " form, and where two rows disagree."
            ),
            (
                "scrape(html.encode()).mrenclave('scone-cas.cf') keeps all these rules;"
                " lab.scrape_lab(f).values is the dictionary."
            ),
        ),
        judge=ByPage(),
        reference=_history,
        right=(
            "Right on every page, the refusals among them. That half of the answers are refusals is"
            " as it should be."
        ),
        slips=(
            Slip(
                "ninth-word",
                "These are the words that the old pipeline prints. It never refuses: where it finds"
                " no value it prints whatever stands in the ninth place.",
                _pipeline,
            ),
            Slip(
                "refuses-all",
                "A scraper that always refuses is never wrong, and of no use: five of these pages"
                " do give the value.",
                lambda facts: dict.fromkeys(STATES),
            ),
            Slip(
                "never-refuses",
                "The value is right where there is one, and given as well where there is none on"
                " the page, or two. A refusal is None.",
                lambda facts: dict.fromkeys(STATES, facts.world.mrenclave),
            ),
        ),
    ),
    Exercise(
        id="01.tls",
        title="What TLS adds",
        question=(
            "You fetched the page over TLS and the certificate was in order. What do you know about"
            " the MRENCLAVE on it?"
        ),
        given="the page at lab.page_url",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "TLS protects a way. Where does that way end?",
            (
                "The server's owner, and everybody who can edit what it serves, stands behind the"
                " end of the way."
            ),
            "The page is not signed, and no enclave was asked.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "Intel vouches for it.",
                    "intel-vouches",
                    "Intel signs statements about CPUs and firmware. It never saw this page, nor"
                    " the CAS's code.",
                ),
                "b": Option(
                    "It is what the owner of that web server serves, and nobody changed it on the"
                    " way."
                ),
                "c": Option(
                    "The CAS runs in an enclave with this measurement.",
                    "tls-attests",
                    "No enclave has been asked yet. The page says what to expect; whether the CAS"
                    " meets it is the next step.",
                ),
                "d": Option(
                    "Nothing at all: TLS is worthless here.",
                    "tls-worthless",
                    "Without TLS anybody on the way could put in his own value. With it that is"
                    " left to those who control the server. Little, and not nothing.",
                ),
            }
        ),
        reference=lambda facts: "b",
        right=(
            "Right: unchanged on its way, and as trustworthy as the one who serves it. A second,"
            " independent source would help."
        ),
    ),
)


def _set(value: Any) -> frozenset[str] | None:
    if isinstance(value, (list, frozenset)) and all(isinstance(v, str) for v in value):
        return frozenset(value)
    return None
