"""An overlay is read strictly: each slip is named by its line, with what is right, and a cure."""

from __future__ import annotations

import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.film.overlay import CellNotes, Overlay, Step, Target, read_overlay

WHOLE = """\
film: 1
seed: lecture
clock: 2026-10-01T08:30:00Z
words: 120
cells:
  00-title:
    say: Welcome.
    pause: 1.5
  00-run:
    show: true
    then:
      - click: {button: Verify}
        say: It is verified.
      - press: Enter
      - zoom: {css: table}
        pause: 2
      - zoom: off
"""


@pytest.fixture
def read(tmp_path):
    """Write an overlay and read it."""

    def go(text: str | bytes) -> Overlay:
        path = tmp_path / "lesson.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_overlay(path)

    return go


def test_all_of_it_is_read(read):
    """Every member of the format arrives."""
    found = read(WHOLE)
    assert (found.seed, found.words) == ("lecture", 120)
    assert f"{found.clock:%Y-%m-%d %H:%M %Z}" == "2026-10-01 08:30 UTC"
    assert found.cells["00-title"] == CellNotes(say="Welcome.", pause=1.5, line=6)
    assert found.cells["00-run"].then == (
        Step(click=Target("button", "Verify"), say="It is verified.", line=12),
        Step(press="Enter", line=14),
        Step(zoom=Target("css", "table"), pause=2.0, line=15),
        Step(zoom="", line=17),
    )


def test_all_of_it_may_be_left_out(read):
    """One line is an overlay; what it leaves out is as if there were none."""
    found = read("film: 1\n")
    assert found.cells == {} and found.seed == Overlay().seed and found.clock == Overlay().clock


def cell(*lines: str) -> str:
    """An overlay of one cell."""
    return "film: 1\ncells:\n  00-title:\n" + "".join(f"    {line}\n" for line in lines)


WRONG = {
    "no version": ("cells: {}\n", "film", "Begin the file with the line `film: 1`."),
    "another version": ("film: 2\n", "line 1", "got 2, wanted 1"),
    "a member there is none of": ("film: 1\nspeed: 2\n", "line 2", "got member 'speed'"),
    "a slip in a member": (cell("pauze: 2"), "line 4", "Did you mean pause?"),
    "a time with its unit": (cell("pause: 2s"), "line 4", "without a unit"),
    "a time too long": (cell("pause: 61"), "line 4", "seconds, 0 to 60"),
    "a time that is negative": (cell("pause: -1"), "line 4", "seconds, 0 to 60"),
    "show that is no truth": (cell("show: maybe"), "line 4", "wanted true or false"),
    "nothing said": (cell("say: ''"), "line 4", "Say less, or take the member out."),
    "too much said": (cell("say: " + "word " * 400), "line 4", "1 to 1200 characters"),
    "steps without dashes": (cell("then:", "  click: {button: A}"), "line 5", "after a dash"),
    "a step that does nothing": (cell("then:", "  - {}"), "line 5", "Take the dash out."),
    "a click on a bare word": (cell("then:", "  - click: Verify"), "line 5", "in braces"),
    "a click named in two ways": (
        cell("then:", "  - click: {button: A, text: B}"),
        "line 5",
        "Name it in one way.",
    ),
    "a click on an unknown kind": (
        cell("then:", "  - click: {link: A}"),
        "line 5",
        "got member 'link'",
    ),
    "a key with a blank": (cell("then:", "  - press: Page Up"), "line 5", "the name of a key"),
    "a day that does not exist": ("film: 1\nclock: 2026-02-30\n", "line 2", "no such day"),
    "a clock without a zone": ("film: 1\nclock: 2026-02-03 12:00\n", "line 2", "moment in UTC"),
    "a scenario there is none of": (
        "film: 1\nscenario: publik\n",
        "line 2",
        "Did you mean public?",
    ),
    "a pace nobody can follow": ("film: 1\nwords: 900\n", "line 2", "a number from 60 to 300"),
    "one cell twice": ("film: 1\ncells:\n  a: {pause: 1}\n  a: {pause: 2}\n", "line 4", "twice"),
    "a tab": ("film: 1\ncells:\n\ta: {pause: 1}\n", "line 3", "not with tabs"),
    "an anchor": ("film: 1\ncells: &all {}\n", "line 2", ""),
    "not UTF-8": (b"film: 1\nseed: \xff\n", "line 2", "Save the file as UTF-8."),
    "a list": ("- film\n", "lesson.yaml", "a mapping"),
    "nothing": ("", "lesson.yaml", "film: 1"),
}


@pytest.mark.parametrize("text, place, cure", WRONG.values(), ids=WRONG)
def test_a_slip_is_named_with_its_line_and_a_cure(read, text, place, cure):
    """The overlay was written wrongly: exit 2, where it is, what would be right."""
    with pytest.raises(UsageError) as found:
        read(text)
    said = str(found.value)
    assert said.startswith("lesson.yaml") and place in said and cure in said


def test_a_file_that_is_not_there_is_another_thing(tmp_path):
    """It could not be read: exit 3."""
    with pytest.raises(SourceError, match=r"absent\.yaml"):
        read_overlay(tmp_path / "absent.yaml")


def test_too_much_is_refused_before_it_is_parsed(read):
    """A file of megabytes is no overlay."""
    with pytest.raises(UsageError, match="at most"):
        read("film: 1\n" + "# filler\n" * 100_000)
