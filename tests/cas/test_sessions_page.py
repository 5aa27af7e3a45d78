"""docs/sessions.md says what the language does: its table is the data, its example is an error,
its claims are tried.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doctables.checks import fill
from doctables.connections import TABLES

from casnb.base.errors import EvidenceError
from casnb.session.guesses import GUESSES
from casnb.session.secrets import KINDS, UNBUILT_KINDS
from casnb.session.session import MEMBERS, Session

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sessions.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_guesses_are_the_data(text):
    """Every guess is listed with its id, for programs too. To renew it: `make docs`."""
    assert fill(text, TABLES) == text
    rows = text.split("<!-- begin guesses -->")[1].splitlines()
    assert [line.split("`")[1] for line in rows if line.startswith("| `")] == list(GUESSES)


def test_members_stand_in_the_order_of_the_hash(text):
    """The table of members is the order that is hashed."""
    rows = [
        re.findall(r"`(\w+)`", line.split("|")[1])
        for line in text.split("## Members")[1].split("\n\n")[1].splitlines()[2:]
    ]
    assert [name for row in rows for name in row] == list(MEMBERS)


def test_kinds_that_are_made_and_kinds_that_are_refused(text):
    """All kinds of the language are on the page, on the right side."""
    assert f"| all | {', '.join(KINDS)} |" in text
    assert all(
        kind in text.split("Refused by name: the kinds")[1].split(";")[0] for kind in UNBUILT_KINDS
    )


def test_the_error_on_the_page_is_the_error(text):
    """The example is what the command says."""
    shown = re.search(r"Caused by: (session: secrets.*?mean ascii\?)", " ".join(text.split()))
    with pytest.raises(EvidenceError) as refusal:
        Session.from_yaml("name: s\nversion: 0.3\nsecrets:\n  - name: a\n    kind: asci\n")
    assert shown and shown[1] == str(refusal.value)
