"""The terminal story as a recording: the format that players read, the same bytes each time, and a
pace that changes no word.
"""

from __future__ import annotations

import json

import pytest

from casnb.cli.walkthrough_story import tell
from casnb.film.asciicast import Recording
from casnb.film.pace import Pace, seconds_for

TITLE = "May I trust this CAS with a secret?"


@pytest.fixture(scope="module")
def story():
    """The story told at a pace, recorded."""
    recording = Recording(TITLE)
    assert tell("public", "film test", pace=Pace(recording.wait), recording=recording).ok
    return recording


def test_the_recording_is_asciicast_2(story):
    """A header of the known members, then rows of a time that never runs back, a code that the
    format has, and text whose lines end as a terminal's do.
    """
    text = story.to_cast()
    assert text.isascii() and text.endswith("\n")
    header, *events = map(json.loads, text.splitlines())
    assert header["version"] == 2 and header["title"] == TITLE
    assert (header["width"], header["height"]) == (80, 24)
    assert set(header) <= {
        *("version", "width", "height", "timestamp", "duration", "idle_time_limit", "command"),
        *("title", "env", "theme"),
    }
    times = [row[0] for row in events]
    assert all(isinstance(t, float) and t >= 0 for t in times) and times == sorted(times)
    assert times[-1] <= header["duration"]
    assert {code for _, code, _ in events} == {"o", "m"}
    for _, code, data in events:
        assert isinstance(data, str) and data
        assert code == "m" or "\n" not in data.replace("\r\n", "")
    assert all(len(line) <= 80 for line in story.text.splitlines())


def test_the_same_story_is_the_same_file(story):
    """Neither chance nor a clock stands in a recording."""
    again = Recording(TITLE)
    tell("public", "film test", pace=Pace(again.wait), recording=again)
    assert again.to_cast() == story.to_cast()


def test_chapters_are_markers(story):
    """A player can jump to each heading, which is also on the screen."""
    marks = [data for _, code, data in story.events if code == "m"]
    assert [m.partition(".")[0] for m in marks] == [str(n) for n in range(1, len(marks) + 1)]
    assert len(marks) >= 9 and all(m in story.text.replace("\n", " ") for m in marks)


def test_commands_are_typed_and_paragraphs_are_read(story):
    """A command comes key by key; after a paragraph as much time passes as its words take."""
    keys = [i for i, (_, _, data) in enumerate(story.events) if data.endswith("mM\x1b[0m")]
    assert keys, "no key of MRENCLAVE=... was pressed by itself"
    gaps = [b[0] - a[0] for a, b in zip(story.events, story.events[1:], strict=False)]
    assert max(gaps) < 20 and sum(g < 0.2 for g in gaps) > 200
    assert seconds_for("word " * 200, 200) == 60


def test_a_pace_changes_no_word(casnb, monkeypatch):
    """`casnb walkthrough --pace` tells what `casnb walkthrough` tells, and waits in between."""
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr(
        Pace.__init__, "__defaults__", (waited.append, *Pace.__init__.__defaults__[1:])
    )
    plain = casnb("walkthrough", "--seed", "film test")
    before = len(waited)
    paced = casnb("walkthrough", "--seed", "film test", "--pace")
    assert (paced.stdout, paced.exit_code) == (plain.stdout, 0)
    assert len(waited) - before > 300


def test_a_pace_and_json_exclude_each_other(casnb):
    """--json tells no story that could be paced."""
    run = casnb("walkthrough", "--pace", "--json")
    assert run.exit_code == 2 and "leave one of them out" in run.stderr
