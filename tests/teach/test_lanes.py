"""Lanes say who could ever read a value, and agree with `Readers` version by version."""

from __future__ import annotations

import re
from html import unescape

import pytest

from casnb.session.history import History, Version
from casnb.session.readers import Readers
from casnb.session.session import Session
from casnb.teach.history.lanes import (
    STATES,
    Subject,
    headline,
    lanes_text,
    render_lanes,
    states,
    subjects,
    telling,
    times,
)
from casnb.teach.history.panel import HistoryPanel


def story(*reads: str, people=None) -> Readers:
    """A history whose versions are read by these: one value stays and one changes."""
    versions: list[Version] = []
    for n, read in enumerate(reads, 1):
        last = versions[-1].hash if versions else "~"
        session = Session.from_yaml(
            f"name: story\nversion: 0.3\npredecessor: {last}\n"
            f"access_policy: {{read: {read}, update: NONE}}\n"
            "secrets: [{name: kept, kind: ascii, value: 7}, "
            f"{{name: changed, kind: ascii, value: v{n}}}]\n"
        )
        versions.append(Version(n, session.hash, session.to_yaml(), session))
    return Readers(History("story", tuple(versions)), people or {"anybody": None})


#: Who may read, version by version; then the lane of the value that stays, and the verdict.
LANES = {
    "closed too late": (("NONE", "ANY", "NONE"), ["never", "reads", "has"], "rejected"),
    "never open": (("NONE", "NONE"), ["never", "never"], "trustworthy"),
    "open now": (("NONE", "ANY"), ["never", "reads"], "accepted-with-waivers"),
    "opened again": (
        ("ANY", "NONE", "ANY"),
        ["reads", "has", "reads"],
        "accepted-with-waivers",
    ),
    "one version": (("NONE",), ["never"], "trustworthy"),
}


@pytest.mark.parametrize("name", LANES)
def test_a_lane_is_what_readers_say(name):
    """While a version could be read the bar is solid, later it may still have it, and before that
    never; the headline tells which.
    """
    reads, lane, verdict = LANES[name]
    made = story(*reads)
    subject = Subject(1, "kept")
    assert states(made, subject, "anybody") == lane
    words, kind = headline(made, subject)
    assert kind == verdict and ("too late" in words) is (verdict == "rejected")
    html, text = render_lanes(made, subject), lanes_text(made, subject)
    assert re.findall('<td class="([a-z]+)"', html) == lane
    read = unescape(re.sub("<[^>]*>", " ", html))
    for state in lane:
        assert STATES[state] in read and STATES[state] in text
    assert words in read and text.startswith(words)
    could = times(made, subject, "anybody")
    assert [n + 1 for n, s in enumerate(lane) if s == "reads"] == list(could)


def test_a_value_is_one_as_long_as_it_stays():
    """A value that changes is another one in each version, and has no bar before it was there."""
    made = story("ANY", "NONE", "NONE")
    found = subjects(made)
    assert [s for s in found if s.name] == [
        Subject(1, "kept"),
        Subject(1, "changed"),
        Subject(2, "changed"),
        Subject(3, "changed"),
    ]
    assert states(made, Subject(2, "changed"), "anybody") == ["before", "never", "never"]
    assert telling(made) == Subject(1, "kept")
    assert telling(story("NONE", "NONE")) == Subject(2, "changed")


def test_names_of_people_are_text():
    """Whoever names a person after markup sees the markup."""
    made = story("ANY", people={"<img src=x>\x1b[2J": None})
    html = render_lanes(made, Subject(1, "kept"))
    assert "<img" not in html and "\x1b" not in html and "&lt;img" in html


def test_many_versions_keep_the_newest_columns():
    """A long history has a bounded picture, which says so."""
    made = story(*["NONE"] * 20)
    html = render_lanes(made, Subject(1, "kept"))
    assert html.count('<th scope="col">version') == 12 and "Of 20 versions the last 12" in html
    assert len(lanes_text(made, Subject(1, "kept"))) < 1000


def test_the_panel_follows_what_is_looked_at(loud, page_sets):
    """Chosen on the page or from Python, lanes, live region and saved form say the same; what there
    is not is refused in words.
    """
    made = story("NONE", "ANY", "NONE")
    panel = HistoryPanel(made.history, made)
    assert "Closing came too late for kept" in panel.lanes.value
    assert "Closing came too late for kept" in panel.live.text
    page_sets(panel.value, index=panel._subjects.index(Subject(3, "changed")))
    assert "Nobody in this table could ever read changed of version 3" in panel.lanes.value
    assert "Nobody in this table" in str(panel.snapshot())
    panel.look_at(2)
    assert panel._subjects[panel.value.value] == Subject(2) and "text of 2" in panel.lanes.value
    panel.look_at(9, "<b>")
    assert "wanted a value of it" in panel.line.value and "<b>" not in panel.line.value
    panel.look_at(1, "kept")
    assert panel.model.error == ""
    panel.close()
