"""Exercises of 01: take one value from a web page, and know how that goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from casnb.simulator.server.site import LAYOUTS
from casnb.teach.course.by_page import ByPage
from casnb.teach.course.choices import Choice, Names
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Hex, Option
from casnb.teach.course.slips import Slip, braces
from casnb.teach.facts import Facts, ninth_word
from casnb.teach.scraping.page_history import STATES, page_history

#: The first exercise asks for this row. It is neither the first nor the last of the page, nor the
#: one that the example command names: each crude way finds another value.
ASKED = "5-9-0.scone-cas.cf"


def _asked(facts: Facts) -> str:
    return facts.rows[ASKED]


def _another_row(facts: Facts, value: Any) -> bool:
    return isinstance(value, str) and value in set(facts.rows.values()) - {_asked(facts)}


def _which_row(facts: Facts, value: Any) -> str:
    address = next((a for a, m in reversed(facts.rows.items()) if m == value), "another host")
    crude = {
        "scone-cas.cf": " It is the first 64 hex digits on the page.",
        "5-10-0.scone-cas.cf": " It is the release that the example command names.",
        "5-8-0.scone-cas.cf": " It is the last 64 hex digits of the table.",
    }
    return (
        f"This is the MRENCLAVE of another row: that of {address}.{crude.get(address, '')} Take the"
        f" row whose address is exactly {ASKED}."
    )


def _page_for(value: Any) -> bool:
    return isinstance(value, str) and re.search(r"<(?:td|tr|table|html|p|pre)\b", value) is not None


@dataclass(frozen=True)
class Script:
    """A pipeline that takes one word of the last line that contains the command."""

    word: int

    @property
    def says(self) -> str:
        number = {6: "sixth", 8: "eighth", 9: "ninth"}[self.word]
        return f"the {number} word of the last line"

    def takes(self, html: str) -> str:
        """Return what it prints; empty where there is nothing."""
        lines = [line for line in html.splitlines() if "scone cas attest" in line]
        words = lines[-1].split() if lines else []
        return words[self.word - 1] if len(words) >= self.word else ""


#: The scripts that an exercise may be about; the lesson's is the first.
SCRIPTS = (Script(9), Script(8), Script(6))


def _script(facts: Facts) -> Script:
    return facts.draw("01.trap", SCRIPTS)


def _layouts(facts: Facts, kind: str) -> frozenset[str]:
    """Return the layouts for which the script prints a value of one kind, or noise."""
    return frozenset(
        name for name in LAYOUTS if _kind(facts, _script(facts).takes(facts.page(name))) == kind
    )


def _kind(facts: Facts, word: str) -> str:
    if word == facts.mrenclave:
        return "right"
    return "wrong" if re.fullmatch("[0-9a-f]{64}", word) else "noise"


def _history(facts: Facts) -> dict[str, str | None]:
    return {state.name: state.expected for state in page_history(facts.world)}


def _pipeline(facts: Facts) -> dict[str, str]:
    return {state.name: ninth_word(state.html) for state in page_history(facts.world)}


EXERCISES = (
    Exercise(
        id="01.mrenclave",
        title="The measurement of an older release",
        name="older_mrenclave",
        code=f'older_mrenclave = by_hand(rows, "{ASKED}")',
        why=f"With one call: `found.mrenclave('{ASKED}')`.",
        question=f"Which MRENCLAVE does the public CAS page give for `{ASKED}`?",
        given="the page at lab.page_url, to be fetched over TLS with lab.page_ca",
        wanted="text: 64 lower-case hex digits (32 bytes), no prefix, no spaces",
        hints=(
            (
                "Fetch the page and look at its first table before you write any pattern. Which"
                " column names the host?"
            ),
            (
                "Find the columns by their header text, then the row whose address is exactly the"
                " one that is asked for; a search for 64 hex digits finds the values of all rows."
            ),
            (
                "casnb.scrape(lab.page_url, cacert=lab.page_ca) holds the rows; its method"
                " mrenclave"
                " takes an address."
            ),
        ),
        judge=Hex(32),
        answer=_asked,
        right=(
            "Right. Remember what it rests on: one page, one TLS certificate, and whoever can edit"
            " that page."
        ),
        slips=(
            Slip(
                "another-row",
                _which_row,
                lambda facts: facts.mrenclave,
                _another_row,
                holds="the row above or below would do",
            ),
            Slip(
                "mrsigner",
                "This is MRSIGNER: it says who signed the enclave, not which code is in it. The"
                " page does not even list it.",
                lambda facts: facts.world.mrsigner,
                holds="MRSIGNER is the measurement",
            ),
            Slip(
                "vendor-signer",
                "This is the MRSIGNER that production builds of this world have. Wanted is the"
                " measurement of the code.",
                lambda facts: facts.world.vendor.mrsigner,
                holds="the vendor's MRSIGNER is the measurement",
            ),
            Slip(
                "not-available",
                "N/A is what the page says where it has no value. Another row was read.",
                lambda facts: "N/A",
                lambda facts, v: isinstance(v, str) and v.upper() in ("N/A", "NA", "N A"),
                holds="N/A is a value",
            ),
            Slip(
                "empty",
                "An empty text: the search found nothing and did not say so. An empty shell"
                " variable does the same harm.",
                lambda facts: "",
                lambda facts, v: isinstance(v, str) and not v.strip(),
                form=True,
            ),
            Slip(
                "nothing",
                "None: the search found nothing, or a function printed a value instead of"
                " returning it.",
                lambda facts: None,
                form=True,
            ),
            Slip(
                "whole-page",
                "This is a piece of the page, not the value inside it. Take the text of the one"
                " cell.",
                lambda facts: "<td><code>" + _asked(facts) + "</code></td>",
                lambda facts, v: _page_for(v),
                form=True,
            ),
        ),
    ),
    Exercise(
        id="01.trap",
        title="The dangerous layout",
        name="dangerous",
        code=lambda facts: f"dangerous = {braces(_layouts(facts, 'wrong'))}",
        why="The others give a word or a flag, which the next program refuses.",
        question=lambda facts: (
            f"A script takes {_script(facts).says} that contains `scone cas attest`. The page had"
            " four layouts. For which of them does the script print a value of the right form that"
            " belongs to another CAS?"
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
                "Compare each result with the MRENCLAVE of lab.host. Only the middle heap is"
                " dangerous: nothing downstream complains about its form."
            ),
        ),
        judge=Names(LAYOUTS, "layout"),
        answer=lambda facts: _layouts(facts, "wrong"),
        right=(
            "Right. A scraper that prints nonsense is noticed; one that prints a neat wrong value"
            " is believed."
        ),
        slips=(
            Slip(
                "noise",
                "In these layouts the script prints a flag or a word: bad, and loud. The"
                " question is where"
                " it prints 64 hex digits that are not those of this CAS.",
                lambda facts: _layouts(facts, "noise"),
                lambda facts, v: _set(v) == _layouts(facts, "noise") != frozenset(),
                holds="the layouts that print nonsense are the dangerous ones",
            ),
            Slip(
                "all-failures",
                "These are all layouts in which the script goes wrong. Only those count here whose"
                " result looks right.",
                lambda facts: _layouts(facts, "wrong") | _layouts(facts, "noise"),
                lambda facts, v: _set(v) == _layouts(facts, "wrong") | _layouts(facts, "noise"),
                holds="every failure of a scraper is equally dangerous",
            ),
        ),
    ),
    Exercise(
        id="01.history",
        title="A scraper for the page's history",
        name="my_values",
        code=(
            "def careful(html):\n    return"
            ' scrape(html.encode()).mrenclave("scone-cas.cf")\n\n\nmy_values ='
            " lab.scrape_lab(careful).values"
        ),
        why="`scrape` keeps all the rules; an exception counts as a refusal.",
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
                "Read tables; find the columns by their header, table by table. Take rows whose"
                " address is equal. Refuse where there is no such row, where its value has not the"
                " form, and where two rows disagree."
            ),
            (
                "scrape(html.encode()).mrenclave('scone-cas.cf') keeps all these rules;"
                " lab.scrape_lab(f).values is the dictionary."
            ),
        ),
        judge=ByPage(),
        answer=_history,
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
                holds="the old pipeline reads every state of the page",
            ),
            Slip(
                "refuses-all",
                "A scraper that always refuses is never wrong, and of no use: five of these pages"
                " do give the value.",
                lambda facts: dict.fromkeys(STATES),
                holds="refusing everything is safe enough",
            ),
            Slip(
                "never-refuses",
                "The value is right where there is one, and given as well where there is none on"
                " the page, or two. A refusal is None.",
                lambda facts: dict.fromkeys(STATES, facts.world.mrenclave),
                holds="a scraper must always give a value",
            ),
        ),
    ),
    Exercise(
        id="01.tls",
        title="What TLS adds",
        name="tls_says",
        why=(
            "It is what the owner of that server serves, unchanged on the way. Nobody"
            " signed the page, and no enclave was asked."
        ),
        question=(
            "You fetched the page over TLS and the certificate was in order. What do you know about"
            " the MRENCLAVE on it?"
        ),
        given="the page at lab.page_url",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "TLS protects a way. Where does that way end?",
            (
                "The server's owner, and everybody who can edit what it serves, is at the end of"
                " that way."
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
                    holds="Intel vouches for the page",
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
                    holds="TLS to the page attests the CAS",
                ),
                "d": Option(
                    "Nothing at all: TLS is worthless here.",
                    "tls-worthless",
                    "Without TLS anybody on the way could put in his own value. With it that is"
                    " left to those who control the server. Little, and not nothing.",
                    holds="TLS to the page is worth nothing",
                ),
            }
        ),
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
