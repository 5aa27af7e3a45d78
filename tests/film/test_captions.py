"""Captions: WebVTT as players read it, and sentences that can be read while they are spoken."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from casnb.film.captions import cues, spread, webvtt
from casnb.film.reel import Frame
from casnb.film.speech import CAPTION, captions, spoken
from casnb.film.transcript import transcript

FRAMES = [
    Frame("1.png", 6.4, "a", "card", heading="Part", speech="One & two < three. Then --> four."),
    Frame("2.png", 3.0, "b", "code", code="print(1)\n```\n"),
    Frame("3.png", 2.5, "b", "output", shows="1"),
    Frame("4.png", 1.2, "b", "click on button 'Go'"),
    Frame("5.png", 4000.4, "c", "prose", speech="word " * 60 + "end."),
]
TIMING = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})")


def test_the_file_is_webvtt():
    """The signature, a note, then cues: a number, a time that runs on, at most two lines of text in
    which nothing is markup.
    """
    text = webvtt("A --> title", cues(FRAMES))
    first, note, *blocks = text.strip().split("\n\n")
    assert (first, note) == ("WEBVTT", "NOTE A -> title") and text.endswith("\n")
    last = 0.0
    for number, block in enumerate(blocks, 1):
        head, timing, *lines = block.split("\n")
        assert head == str(number) and 1 <= len(lines) <= 2
        found = [int(part) for part in TIMING.fullmatch(timing).groups()]
        start, end = (h * 3600 + m * 60 + s + t / 1000 for h, m, s, t in (found[:4], found[4:]))
        assert last <= start < end
        last = end
        assert not re.search(r"<|-->|&(?!amp;|lt;|gt;)", "\n".join(lines))
    assert "One &amp; two &lt; three." in text and "Then --&gt; four." in text
    assert last <= sum(f.seconds for f in FRAMES)


def test_a_speech_ends_before_its_picture():
    """Nothing is spoken over the next picture, and nothing gets lost."""
    rows = spread(10.0, 20.0, "First sentence. " + "and so on, " * 30 + "end.")
    assert rows[0][0] == 10.0 and rows[-1][1] == 30.0
    assert all(a[1] == b[0] for a, b in pairwise(rows))
    assert " ".join(text for _, _, text in rows).count("and so on,") == 30


SPOKEN = {
    "marks": ("A **CAS**, a *service*, with `code`.", "A CAS, a service, with code."),
    "a link": ("See [the page](https://example.org).", "See the page."),
    "a heading": ("## Heading\n\nText.", "Text."),
    "a table": ("Text.\n\n| a | b |\n| - | - |\n| 1 | 2 |", "Text."),
    "a block of code": ("Text.\n\n```\ncode\n```", "Text."),
    "a list": ("Two:\n\n- one\n- two", "Two: one. two."),
    "only a heading": ("## Heading", ""),
}


@pytest.mark.parametrize("text, wanted", SPOKEN.values(), ids=SPOKEN)
def test_prose_is_spoken(text, wanted):
    """Without marks; what is on the picture alone is not spoken."""
    assert spoken(text) == wanted


@pytest.mark.parametrize(
    "text", ["Short.", "word " * 50, "x" * 300, "One, " * 40, "A. B. C. Version 2.5 of e.g. this."]
)
def test_captions_are_short_and_whole(text):
    """At most two lines each, unless one word is longer; together they are the text."""
    found = captions(text.strip())
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert all(len(one) <= CAPTION or " " not in one for one in found)


def test_a_transcript_can_be_read():
    """Headings with their times, speech, code in a fence that its own text cannot end, clicks."""
    text = transcript("Title", FRAMES)
    assert text.startswith("# Title\n\nTranscript of a film of 66:53 minutes.\n\n## Part (0:00)\n")
    assert "````python\nprint(1)\n```\n\n````" in text and "```text\n1\n```" in text
    assert "*Click on button 'Go'.*" in text
