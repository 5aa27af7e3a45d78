"""docs/sessions.md says what the language does: its table is the data, its example is an error,
its claims are tried.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doctables.checks import fill
from doctables.language import TABLES, members

from casnb.base.errors import EvidenceError, UsageError
from casnb.session.guesses import GUESSES
from casnb.session.session import MEMBERS, Session
from casnb.session.shape import check_shape
from casnb.session.table import REFUSED, TABLE, Member, below
from casnb.session.yaml import read_document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sessions.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_guesses_are_the_data(text):
    """Every guess is listed with its id, for programs too. To renew it: `make docs`."""
    assert fill(text, TABLES) == text
    rows = text.split("<!-- begin guesses -->")[1].splitlines()
    assert [line.split("`")[1] for line in rows if line.startswith("| `")] == list(GUESSES)


def test_a_row_of_the_table_is_everywhere():
    """A member that somebody adds is read, refused where the language does not have it yet, named
    where it is not built, and documented, without another line.
    """
    own = Member("secrets.colour", "text", "red, blue", since=9, page="colours", built=REFUSED)
    told = Member("colour", "text", "red, blue", since=9, check=lambda n: n.choice(("red", "blue")))
    table = {**TABLE, own.path: own, told.path: told}
    assert "| `secrets.colour` | red, blue |  | 0.3.9 | **not built** |" in members(table)

    def check(text: str, version: str = "0.3") -> None:
        check_shape(read_document(text, "session"), version, table)

    check("colour: red")
    with pytest.raises(EvidenceError, match="wanted one of red, blue"):
        check("colour: green")
    with pytest.raises(EvidenceError, match=r"It is there since 0\.3\.9"):
        check("colour: red", "0.3.8")
    with pytest.raises(UsageError, match="casnb has not built this"):
        check("secrets: [{name: a, colour: red}]")
    with pytest.raises(EvidenceError, match="Did you mean colour"):
        check("color: red")


def test_members_are_hashed_in_one_order():
    """Each member of the top has its place."""
    assert set(MEMBERS) == set(below(""))


def test_the_error_on_the_page_is_the_error(text):
    """The example is what the command says."""
    shown = re.search(r"Caused by: (session: secrets.*?mean ascii\?)", " ".join(text.split()))
    with pytest.raises(EvidenceError) as refusal:
        Session.from_yaml("name: s\nversion: 0.3\nsecrets:\n  - name: a\n    kind: asci\n")
    assert shown and shown[1] == str(refusal.value)
