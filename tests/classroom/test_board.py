"""The board: what the record says of a class, for its teacher and for the projector."""

from __future__ import annotations

import json
import re

import pytest
from classroom.sealed_class import EXERCISES, SealedClass

from casnb.classroom.board import RULES, board, projector
from casnb.classroom.board_page import board_html, details, projector_html
from casnb.classroom.class_report import holds
from casnb.classroom.course import assignment
from casnb.classroom.record import CHECKED, OPENED, Event
from casnb.classroom.tally import Tally
from casnb.simulator.world import World
from casnb.teach.course import exercises
from casnb.teach.facts import Facts

TASK = assignment("hw1", EXERCISES, tier="sealed")
NOW = 1_800_000_000.0
FIRST, SECOND = EXERCISES[:2]


def minutes(count):
    return NOW - 60 * count


def checked(at, student, status, code="", exercise=FIRST, answer=None):
    value = f"{at} {code}" if answer is None else answer
    return Event(minutes(at), student, CHECKED, exercise, value, status, code, f"About {code}.")


def made(events, students=("u1",), worlds=None, task=TASK):
    return board(task, students, Tally(events), worlds or {}, NOW, minutes(62))


def opened(at, exercise=FIRST, student="u1"):
    return Event(minutes(at), student, OPENED, exercise)


#: What happened: (state and minutes of the row, kind and text of the cell).
STATES = {
    "nothing yet": ([], "not here yet", "none", ""),
    "opened": ([opened(3)], "at work", "open", "…"),
    "one wrong": ([opened(3), checked(2, "u1", "wrong", "mrsigner")], "at work", "wrong", "× 1"),
    "three wrong": (
        [opened(5), *(checked(n, "u1", "wrong", "mrsigner") for n in (4, 3, 2))],
        "stuck 5 min",
        "stuck",
        "× 3",
    ),
    "nine minutes open, and seen since": (
        [opened(9), opened(2, SECOND)],
        "stuck 9 min",
        "stuck",
        "…",
    ),
    "nine minutes, one try": (
        [opened(10), checked(2, "u1", "wrong", "mrsigner")],
        "stuck 10 min",
        "stuck",
        "× 1",
    ),
    "no sign for twelve minutes": ([opened(12)], "quiet 12 min", "open", "…"),
    "stuck, then gone": (
        [opened(30), *(checked(n, "u1", "wrong", "x") for n in (20, 19, 18))],
        "quiet 18 min",
        "wrong",
        "× 3",
    ),
    "right at once": ([opened(3), checked(2, "u1", "right")], "at work", "right", "✓"),
    "right at the third": (
        [checked(4, "u1", "wrong", "a"), checked(3, "u1", "wrong"), checked(2, "u1", "right")],
        "at work",
        "right",
        "✓ 3",
    ),
    "wrong after it was right": (
        [checked(4, "u1", "right"), checked(3, "u1", "wrong", "a")],
        "at work",
        "right",
        "✓",
    ),
    "all right": (
        [checked(4 - n / 9, "u1", "right", exercise=e) for n, e in enumerate(EXERCISES)],
        "finished",
        "right",
        "✓",
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_what_a_row_says(case):
    """Who is stuck, quiet, at work or done, and what the first cell shows."""
    events, note, kind, text = STATES[case]
    row = made(events).rows[0]
    assert (row.note, row.cells[0].kind, row.cells[0].text) == (note, kind, text)
    assert row.cells[0].label("u1").startswith(f"u1, {FIRST}: ")


def test_whoever_is_stuck_stands_first():
    """Longest first; then the quiet, those at work with the fewest right, and the finished."""
    students = [f"u{n}" for n in range(1, 8)]
    events = [
        *[checked(1, "u1", "right", exercise=e, answer=e) for e in EXERCISES],
        opened(20, student="u2"),
        *[opened(10, student="u3"), checked(1, "u3", "wrong", "x")],
        *[opened(11, student="u4"), checked(1, "u4", "wrong", "x")],
        checked(1, "u5", "right"),
        opened(1, student="u6"),
    ]
    found = made(events, students)
    assert [r.student for r in found.rows] == ["u4", "u3", "u2", "u6", "u5", "u7", "u1"]
    assert found.headline == "hw1, minute 62: 2 of 7 are stuck"
    assert found.summary.startswith("1 finished, 1 quiet, 2 at work, 1 not here yet. 0 sealed")
    assert "u4  stuck 11 min" in str(found)


def test_what_is_read_first_is_the_exercise_at_hand():
    """Of whoever comes first, without a pointer."""
    for events in (
        [checked(3, "u1", "right"), checked(2, "u1", "wrong", "tls-attests", SECOND)],
        [checked(3, "u1", "right"), opened(10, SECOND), opened(1, EXERCISES[2])],
    ):
        assert f'data-of="u1/{SECOND}"' in board_html(made(events))


def test_who_opens_all_at_once_is_at_the_first():
    """Run All opens every exercise; minutes count from when the one before was right."""
    events = [opened(30, e) for e in EXERCISES]
    events += [checked(25, "u1", "right"), checked(5, "u1", "right", exercise=SECOND)]
    row = made(events).rows[0]
    assert [c.minutes for c in row.cells[:3]] == [5, 20, 5]
    assert (row.state, row.at) == ("at work", EXERCISES[2])


def test_what_they_hold_is_a_sentence_with_a_denominator():
    """Only those who tried are counted; who was corrected since holds it no longer."""
    students = [f"u{n}" for n in range(1, 6)]
    events = [
        checked(9, "u1", "wrong", "another-row"),
        checked(8, "u1", "right"),
        checked(7, "u2", "wrong", "another-row"),
        checked(6, "u3", "wrong", "mrsigner"),
        checked(5, "u3", "wrong", "form"),
        checked(4, "u4", "wrong", "another-row"),
        checked(3, "u4", "wrong", "mrsigner"),
    ]
    held = made(events, students).held
    rows = {h.code: (h.who(5), h.left(), set(h.students), set(h.still)) for h in held}
    assert rows == {
        "another-row": ("3 of the 4 who tried", "1 still does", {"u1", "u2", "u4"}, {"u2"}),
        "mrsigner": ("2 of the 4 who tried", "1 still does", {"u3", "u4"}, {"u4"}),
    }
    assert list(rows) == ["another-row", "mrsigner"]
    assert held[0].holds == holds(FIRST)["another-row"]


def test_every_misconception_has_its_sentence():
    """Each code that an answer can show is a belief, the end of *held that ...*, or a slip of form
    that says so.
    """
    lacking = []
    for task in exercises.catalogue().values():
        known = holds(task.id)
        for seed in ("casnb", *(f"another {n}" for n in range(6))):
            facts = Facts(World(seed, task.scenarios[0]))
            judge = task.judge_in(facts)
            codes = {s.code for s in task.slips if not s.form}
            codes |= {o.code for o in judge.options.values() if o.code}
            codes |= {r.code for r in getattr(judge, "reasons", {}).values() if r.code}
            lacking += [(task.id, code) for code in codes if not known.get(code)]
        wrong = [h for h in known.values() if h.startswith("that ") or h.endswith(".") or not h]
        lacking += [(task.id, h) for h in wrong]
    assert lacking == []


# The projector


def crowd(size):
    students = [f"student-{n:02}" for n in range(size)]
    events = [checked(9, s, "wrong", "another-row") for s in students[: size - 2]]
    events += [checked(8, s, "right") for s in students[: size // 2]]
    events += [checked(7, students[0], "wrong", "tls-attests", SECOND)]
    return made(events, students), students


def test_the_projector_knows_nobody():
    """No id in it, no row for anybody, no count that would name one."""
    found, students = crowd(12)
    shown = projector(found)
    html = projector_html(shown)
    assert not [s for s in students if s in html or s in repr(shown)]
    assert "all 10 who tried" in html and "4 still do" in html
    assert "tls-attests" not in html and holds(SECOND)["tls-attests"] not in html
    assert (shown.strips[0].right, shown.strips[0].at_work, shown.strips[0].of) == (6, 4, 12)


def test_few_that_still_do_are_not_counted():
    """Two who still hold it would look at each other."""
    students = [f"s{n:02}" for n in range(12)]
    events = [checked(9, s, "wrong", "another-row") for s in students]
    events += [checked(8, s, "right") for s in students[2:]]
    (row,) = projector(made(events, students)).held
    assert row[2] == ""
    assert made(events, students).held[0].left() == "2 still do"


@pytest.mark.parametrize("size", [3, RULES.crowd - 1])
def test_below_ten_there_is_no_count(size):
    """And the view says why."""
    found, _ = crowd(size)
    html = projector_html(projector(found))
    text = re.sub(r"<[^>]*>|\d\d\.[a-z-]+|hw1", " ", html)
    assert "fewer than 10" in html and re.findall(r"\d+", text) == ["10"]
    assert holds(FIRST)["another-row"] not in html


def test_what_a_student_wrote_is_escaped():
    """Ids, codes and messages are strangers' text."""
    nasty = '<img src=x onerror="alert(1)">\u202e'
    event = Event(minutes(1), nasty, CHECKED, FIRST, "x", "wrong", "another-row", nasty * 9)
    found = made([event], (nasty,))
    for html in (board_html(found), *details(found).values()):
        assert "<img" not in html and "\u202e" not in html and 'onerror="' not in html


# As it is served


def view(klass, which="board", tag="", secret=None):
    from casnb.teach.class_line import ask, server_address

    given = klass.server.secret if secret is None else secret
    body = {"view": which, "tag": tag}
    return ask(server_address(klass.url), "/board/api/view", f"Bearer {given}", body)


def test_an_answer_is_on_the_board_at_the_next_look(tmp_path):
    """Whoever knows the board gets a short answer until something changes."""
    klass = SealedClass(tmp_path)
    with klass.serving():
        first = view(klass)
        assert view(klass, tag=first["tag"]) == {"tag": first["tag"]}
        klass.check("01.tls", "z", "u003")
        second = view(klass, tag=first["tag"])
        assert "u003, 01.tls: wrong, 1 try" in second["html"]
        assert json.loads(json.dumps(second["details"]))["u003/01.tls"]
        large = view(klass, "projector")
        assert "fewer than 10" in large["html"] and "u003" not in json.dumps(large)
        assert "Name u003" not in second["html"]


def test_the_shell_holds_no_data(tmp_path):
    """It is sent to everybody; what fills it is asked for with the secret."""
    import urllib.request

    klass = SealedClass(tmp_path)
    with klass.serving() as server:
        klass.check("01.tls", "z")
        for path in ("/board", "/board/projector"):
            with urllib.request.urlopen(klass.url + path, timeout=20) as answer:
                text = answer.read().decode()
            assert "u001" not in text and server.secret not in text
            assert "default-src 'none'" in text
        from casnb.teach.class_line import Refused

        with pytest.raises(Refused, match="open the address that serve printed"):
            view(klass, secret=klass.ticket())
