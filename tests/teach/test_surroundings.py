"""What is around a lesson: programs that it runs, and the real page."""

from __future__ import annotations

import pytest

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.cas.page import scrape
from casnb.teach.surroundings import PROGRAMS, REAL_PAGE, Needs, real_page

PAGE = (
    b"<table><tr><th>Address</th><th>MrEnclave</th></tr><tr><td>cas</td><td>"
    + b"07" * 32
    + b"</td></tr></table>"
)


def test_a_missing_program_is_named_with_its_cure():
    """The reader knows at the start what stands in for it, or is left out, and how to get it."""
    found = Needs(["bash", "jq", "curl"], {"curl": "here"}.get)
    assert found.missing == ("bash", "jq")
    assert "Missing here: bash, jq." in str(found) and PROGRAMS["jq"][0] in str(found)
    assert "stands in for jq" in str(found) and "written for bash is done in Python" in str(found)


def test_nothing_is_missing():
    """Then it says so."""
    assert Needs(["curl"], lambda name: name).sentence.startswith("This machine has all")


def test_an_unknown_program():
    """A notebook can only name programs that the table has."""
    with pytest.raises(UsageError):
        Needs(["awk"], lambda name: name)


def read(url, timeout):
    assert url == REAL_PAGE and timeout <= 10
    return scrape(PAGE)


def fails(error):
    def go(url, timeout):
        raise error("public CAS page", got="this", wanted="that")

    return go


KINDS = {
    "a page": (read, "read", "1 hosts with a value"),
    "no network": (fails(SourceError), "not fetched", "NOT RUN"),
    "a page of another form": (fails(EvidenceError), "refused", "was refused"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_real_page(kind):
    """What came, what was refused and what did not come are told apart, and nothing is raised."""
    reader, status, words = KINDS[kind]
    found = real_page(reader)
    assert found.status == status
    assert words in str(found) and words in found._html()
