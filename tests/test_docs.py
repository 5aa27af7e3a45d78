"""The documentation says what the code does: its tables are made of the data, and every choice
it claims is tried.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doctables.checks import advisories, checks, fill, statuses
from doctables.connections import TABLES

from casnb.base.errors import UsageError
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE
from casnb.explain.messages import MESSAGES
from casnb.explain.releases import RELEASES, SINCE
from casnb.policy.advisories import ADVISORIES
from casnb.simulator.world import World
from casnb.tls.diagnoses import DIAGNOSES
from casnb.tls.recipes import RECIPES
from casnb.verify.tcb import TcbStatus

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verification.md"


@pytest.fixture(scope="module")
def world() -> World:
    return World("docs", "production")


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_tables_are_the_data(text):
    """The page is what `fill` makes of it. To renew it: `make docs`."""
    assert fill(text) == text
    for name, made in (("statuses", statuses), ("checks", checks), ("advisories", advisories)):
        assert text.count(f"<!-- begin {name} -->\n{made()}\n<!-- end {name} -->") == 1


def test_measurement_page_is_the_data():
    """The page on measuring carries the tables of fields and checks as they are. To renew it:
    `make docs`.
    """
    text = PAGE.with_name("measurement.md").read_text(encoding="utf-8")
    assert fill(text) == text
    assert (
        all(text.count(f"| `{id}` |") == 1 for id in BUILD_CHECKS)
        and text.count("| `ssa_frame_size` |") == 1
    )


def test_every_row_is_there():
    """No status, check or advisory is left out, and no cell is empty."""
    tables = (
        (statuses(), [s.dcap_name for s in TcbStatus]),
        (checks(), list(CATALOGUE)),
        (advisories(), list(ADVISORIES)),
    )
    for table, names in tables:
        rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
        assert len({len(row) for row in rows}) == 1 and all(
            cell.strip() for row in rows for cell in row
        )
        assert [re.sub(r"[`\[]|\].*", "", row[0]) for row in rows[2:]] == names


def test_certificates_page_is_the_data():
    """The page on certificates carries the table of diagnoses as it is. To renew it: `make
    docs`.
    """
    text = PAGE.with_name("certificates.md").read_text(encoding="utf-8")
    assert fill(text, TABLES) == text and all(text.count(f"(`{id}`)") == 1 for id in DIAGNOSES)


def test_messages_page_is_the_data():
    """The page of messages carries every row of the table once, and is renewed by `make docs`."""
    text = PAGE.with_name("messages.md").read_text(encoding="utf-8")
    assert fill(text, TABLES) == text and all(text.count(f"(`{id}`)") == 1 for id in MESSAGES)


def test_versions_page_is_the_data():
    """The page of releases carries every change and every option once."""
    text = PAGE.with_name("versions.md").read_text(encoding="utf-8")
    assert fill(text, TABLES) == text
    assert all(text.count(c.what) == 1 for r in RELEASES.values() for c in r.changes)
    assert all(f"| `{name}` |" in text for name in SINCE)


def test_recipes_page_is_the_data():
    """The page of recipes shows the texts that the tests run, word for word."""
    text = PAGE.with_name("recipes.md").read_text(encoding="utf-8")
    assert fill(text, TABLES) == text and all(
        f"```{r.language}\n{r.text()}```" in text for r in RECIPES.values()
    )


def test_unknown_table():
    """A block with a name that is not a table is a mistake, not an empty block."""
    with pytest.raises(UsageError):
        fill("<!-- begin nothing -->\n<!-- end nothing -->")


def test_page_stands_alone(text):
    """No other product is named, nothing is fetched but Intel's own pages, and the paragraph on
    stolen keys is there.
    """
    assert not re.search(
        r"dcap-qvl|gramine|marblerun|phala|automata|open enclave", text, re.IGNORECASE
    )
    assert {re.match(r"https://[^/]+", url)[0] for url in re.findall(r"https?://\S+", text)} == {
        "https://www.intel.com"
    }
    assert "no bytes to" in text and "take\nthe attestation key out of a genuine" in text
