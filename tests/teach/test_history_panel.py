"""The history explorer as a panel: choosers from Python and from the page, what is refused, and
the snapshot.
"""

from __future__ import annotations

import pytest

from casnb.session.history import History, Version
from casnb.session.readers import Readers
from casnb.session.session import Session
from casnb.teach.history.panel import HistoryPanel


@pytest.fixture
def history() -> History:
    """Three versions, the last one open to anybody."""
    versions: list[Version] = []
    for n, read in enumerate(("NONE", "NONE", "ANY"), 1):
        last = versions[-1].hash if versions else "~"
        access = f"{{read: {read}, update: NONE}}"
        session = Session.from_yaml(
            f"name: story\nversion: 0.3\npredecessor: {last}\naccess_policy: {access}\n"
            f"secrets: [{{name: v, kind: ascii, value: <b>{n}}}]\n"
        )
        versions.append(Version(n, session.hash, session.to_yaml(), session))
    return History("story", tuple(versions))


@pytest.fixture
def panel(history, loud):
    made = HistoryPanel(history, Readers(history, {"<i>me": None}))
    yield made
    made.close()


def test_begins_with_the_last_change(panel):
    """The two newest versions are compared, and the line says how far they differ."""
    assert (panel.before.value, panel.after.value) == (2, 3)
    assert "From version 2 to version 3: 3 fields changed." in panel.line.value and panel.live.text
    assert "access_policy.read" in panel.difference.value and "&lt;b&gt;3" in panel.difference.value


def test_both_ways_lead_to_the_same(panel, page_sets):
    """Choosing on the page and calling from Python show the same; the choosers follow."""
    page_sets(panel.before, index=0)
    chosen = panel.difference.value
    assert panel.model.before == 1 and "From version 1 to version 3" in panel.line.value
    panel.compare(2, 3)
    assert panel.difference.value != chosen
    panel.compare(1, 3)
    assert (panel.before.value, panel.difference.value) == (1, chosen)


def test_what_is_no_version_is_said(panel):
    """A number that is none is refused in the line; the difference stays, and the next choice
    works.
    """
    before = panel.difference.value
    panel.compare(1, 9)
    assert "wanted 1 to 3" in panel.line.value and panel.difference.value == before
    panel.compare(1, 2)
    assert "From version 1 to version 2" in panel.line.value and panel.model.error == ""


def test_controls_are_described_and_text_is_escaped(panel):
    """Both choosers have a description; nothing of a session or a name is markup."""
    assert [c.description for c in (panel.before, panel.after)] == [
        "Compare version",
        "with version",
    ]
    html = (
        panel.snapshot()._html() + panel.versions.value + panel.who.value + panel.difference.value
    )
    assert "<b>" not in html and "<i>" not in html and "&lt;i&gt;me" in html


def test_snapshot_keeps_what_was_chosen(panel):
    """Versions, the difference that is shown, and the readers, as text."""
    panel.compare(1, 2)
    text = str(panel.snapshot())
    assert (
        "From version 1 to version 2" in text and "-  value: <b>1" in text and "value of v" in text
    )
    panel.compare(1, 3)
    assert "From version 1 to version 2" not in str(panel.snapshot())


def test_one_version_and_closing(history, loud):
    """A session that never changed is compared with itself; a closed panel is quiet and can be
    closed again.
    """
    alone = HistoryPanel(History("story", history.versions[:1]))
    assert "nothing changed" in alone.line.value
    alone.close()
    alone.close()
    alone.model.after = 7
    assert "nothing changed" in alone.line.value
