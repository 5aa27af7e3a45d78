"""Exercises of 01: take one value from a web page, and know how that goes wrong."""

from __future__ import annotations

from typing import Any

from casnb.simulator.site import LAYOUTS
from casnb.teach.exercises import Exercise, Slip
from casnb.teach.facts import Facts
from casnb.teach.judges import Choice, Hex, Names, Option


def _another_row(facts: Facts, value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower().removeprefix("0x") in facts.other_rows.values()


def _page_for(value: Any) -> bool:
    return isinstance(value, str) and "<" in value and len(value) > 64


EXERCISES = (
    Exercise(
        id="01.mrenclave",
        title="The expected measurement",
        question="Which MRENCLAVE does the public CAS page give for the CAS of this lab?",
        given="the page at lab.page_url, to be fetched over TLS with lab.page_ca; the row is that of lab.host",
        wanted="text: 64 lower-case hex digits (32 bytes), no prefix, no blanks",
        hints=("Fetch the page and look at its first table before you write any pattern. Which column names the host?",
               "Find the columns by their header text, then the row whose address is exactly lab.host; a search for 64 hex digits "
               "finds the values of all rows.",
               "casnb.scrape(lab.page_url, cacert=lab.page_ca) holds the rows; ask it for the MRENCLAVE of lab.host."),
        judge=Hex(32),
        reference=lambda facts: facts.world.mrenclave,
        right="Right. Remember what it rests on: one page, one TLS certificate, and whoever can edit that page.",
        slips=(
            Slip("another-row", "This is the MRENCLAVE of another row: another release at another address. Take the row whose "
                                "address is exactly lab.host.",
                 lambda facts: sorted(facts.other_rows.values())[0], _another_row),
            Slip("mrsigner", "This is MRSIGNER: it says who signed the enclave, not which code is in it. The page does not "
                             "even list it.",
                 lambda facts: facts.world.mrsigner),
            Slip("vendor-signer", "This is the MRSIGNER that production builds of this world have. Wanted is the measurement "
                                  "of the code.",
                 lambda facts: facts.world.vendor.mrsigner),
            Slip("not-available", "N/A is what the page says where it has no value. Another row was read.", lambda facts: "N/A"),
            Slip("empty", "An empty text: the search found nothing and did not say so. An empty shell variable does the same harm.",
                 lambda facts: "", lambda facts, v: isinstance(v, str) and not v.strip()),
            Slip("nothing", "None: the search found nothing, or a function printed a value instead of returning it.",
                 lambda facts: None),
            Slip("whole-page", "This is a piece of the page, not the value inside it. Take the text of the one cell.",
                 lambda facts: "<td><code>" + facts.world.mrenclave + "</code></td>", lambda facts, v: _page_for(v)),
        ),
    ),
    Exercise(
        id="01.trap",
        title="The dangerous layout",
        question="A well-known script takes the ninth word of the last line that contains `scone cas attest`. The page had four "
                 "layouts. For which of them does the script print a value of the right form that belongs to another CAS?",
        given="lab.page(layout) for the layouts " + ", ".join(LAYOUTS) + "; the CAS is lab.host",
        wanted="a set of layout names, such as {'today'}",
        hints=("Write the script as one Python function of the page's text, and run it over the four layouts.",
               "Sort what comes out into three heaps: the right value, 64 hex digits of somebody else, and anything else.",
               "Compare each result with the value from exercise 01.mrenclave. Only the middle heap is dangerous: nothing "
               "downstream complains about its form."),
        judge=Names(LAYOUTS, "layout"),
        reference=lambda facts: facts.layouts("wrong"),
        right="Right. A scraper that prints nonsense is noticed; one that prints a neat wrong value is believed.",
        slips=(
            Slip("noise", "In these layouts the script prints a flag or a word: bad, and loud. Asked is where it prints 64 hex "
                          "digits that are not those of this CAS.",
                 lambda facts: facts.layouts("noise"),
                 lambda facts, v: _set(v) is not None and bool(facts.layouts("noise")) and _set(v) == facts.layouts("noise")),
            Slip("all-failures", "These are all layouts in which the script goes wrong. Only those count here whose result "
                                 "looks right.",
                 lambda facts: facts.layouts("wrong") | facts.layouts("noise"),
                 lambda facts, v: _set(v) == facts.layouts("wrong") | facts.layouts("noise")),
        ),
    ),
    Exercise(
        id="01.tls",
        title="What TLS adds",
        question="You fetched the page over TLS and the certificate was in order. What do you know about the MRENCLAVE on it?",
        given="the page at lab.page_url",
        wanted="one letter, as text: 'a' to 'd'",
        hints=("TLS protects a way. Where does that way end?",
               "The server's owner, and everybody who can edit what it serves, stands behind the end of the way.",
               "The page is not signed, and no enclave was asked."),
        judge=Choice({
            "a": Option("Intel vouches for it.", "intel-vouches",
                        "Intel signs statements about CPUs and firmware. It never saw this page, nor the CAS's code."),
            "b": Option("It is what the owner of that web server serves, and nobody changed it on the way."),
            "c": Option("The CAS runs in an enclave with this measurement.", "tls-attests",
                        "No enclave has been asked yet. The page says what to expect; whether the CAS meets it is the next step."),
            "d": Option("Nothing at all: TLS is worthless here.", "tls-worthless",
                        "Without TLS anybody on the way could put in his own value. With it that is left to those who control the "
                        "server. Little, and not nothing."),
        }),
        reference=lambda facts: "b",
        right="Right: unchanged on its way, and as trustworthy as the one who serves it. A second, independent source would help.",
    ),
)


def _set(value: Any) -> frozenset[str] | None:
    if isinstance(value, (list, frozenset)) and all(isinstance(v, str) for v in value):
        return frozenset(value)
    return None
