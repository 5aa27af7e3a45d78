"""What dishonest hand-ins earn, one row each; and what an honest course can not prevent."""

from __future__ import annotations

import json

import pytest
from itsdangerous import URLSafeSerializer

from casnb.classroom.tickets import issue, seed_of
from casnb.simulator.world import World
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import MIME, world_id
from casnb.teach.course.feedback import Feedback
from casnb.teach.course.ticket import SALT
from casnb.teach.course.workbook import Workbook
from casnb.teach.facts import Facts


def rights(klass, facts_seed: str):
    """The right answers in the world of a seed."""
    out = {}
    for id in klass.task.exercises:
        task = exercises.exercise(id)
        out[id] = task.reference(Facts(World(facts_seed, task.scenarios[0])))
    return out


class Equal(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def wrong(klass):
    return dict.fromkeys(klass.task.exercises, "wrong")


def said_right(klass):
    book = klass.notebook("u001", wrong(klass))
    for cell in book["cells"]:
        for output in cell.get("outputs", []):
            output["data"][MIME] |= {"status": "right", "right": True, "points": 1, "marks": 14}
            output["data"]["text/html"] = '<div data-status="right">RIGHT</div>'
    return book


def in_metadata(klass):
    book = klass.notebook("u001", {})
    book["metadata"]["casnb"] |= {"points": 14, "grade": "14", "status": "right", "seed": "casnb"}
    return book


def html_only(klass):
    book = klass.notebook("u001", {})
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "display_data", "data": {"text/html": "RIGHT"}}]
    return book


def feedback_right(klass, monkeypatch):
    monkeypatch.setattr(Feedback, "right", property(lambda self: True))
    return klass.notebook("u001", wrong(klass))


def judges_equal(klass):
    return klass.notebook("u001", {id: Equal("no") for id in klass.task.exercises})


def forged_progress(klass):
    from casnb.teach.course.progress_file import ProgressFile

    for id in klass.task.exercises:
        ProgressFile(world=world_id(klass.seed("u001"), "public")).record(Feedback(id, "right", ""))
    book = Workbook("hw1", Facts(World(klass.seed("u001"))), klass.task.exercises)
    return json.loads(json.dumps(book.receipt()))


def receipt_of_marks(klass):
    return {
        "format": "casnb receipt 2",
        "chapter": "hw1",
        "marks": 14,
        "of": 14,
        "answers": [],
        "sha256": "0" * 64,
    }


def neighbours_file(klass):
    return klass.notebook("u002")


def neighbours_answers(klass):
    return klass.notebook("u001", klass.key("u002"))


def edited_world(klass):
    """A neighbour's answers under one's own world id: what `notebook` writes anyway."""
    book = klass.notebook("u002")
    own = world_id(klass.seed("u001"), "public")
    for cell in book["cells"]:
        for output in cell.get("outputs", []):
            output["data"][MIME]["world"] = own
    book["metadata"]["casnb"]["ticket"] = issue(klass.course, klass.task, "u001").text
    return book


def practice(klass):
    return klass.notebook("u001", rights(klass, "casnb"))


def own_seed(klass):
    """Answers of a world of one's own choice, with a ticket that says so."""
    body = issue(klass.course, klass.task, "u001").to_json() | {"k": "easy"}
    ticket = URLSafeSerializer("guess", salt=SALT).dumps(body)
    return klass.notebook("u001", rights(klass, "easy"), ticket)


def cut_signature(klass):
    text = issue(klass.course, klass.task, "u001").text
    return klass.notebook("u001", wrong(klass), text[:-4] + "AAAA")


def other_term(klass):
    seed = seed_of(klass.course.key, "2025s", "hw1", "u001")
    return klass.notebook("u001", rights(klass, seed))


def other_assignment(klass):
    seed = seed_of(klass.course.key, "2026w", "hw2", "u001")
    return klass.notebook("u001", rights(klass, seed))


def other_course(klass):
    return klass.notebook("u001", rights(klass, seed_of(b"k" * 32, "2026w", "hw1", "u001")))


def every_letter(klass):
    book = klass.notebook("u001", {})
    raw = next(iter(klass.outputs("u001", {"01.tls": "a"}).values()))
    book["cells"][-1] = {
        "cell_type": "code",
        "outputs": [{"data": {MIME: raw | {"answer": letter}}} for letter in "abcd"],
    }
    return book


def every_answer_at_once(klass):
    return klass.notebook(
        "u001",
        {
            "01.tls": {"set": ["a", "b", "c", "d"]},
            "03.gain": ["a", "b", "c", "d"],
            "01.mrenclave": " ".join(klass.key(s)["01.mrenclave"] for s in ("u001", "u002")),
            "03.waived": {"debug", "mrsigner", "tcb-status", "mrenclave", "isvsvn", "root"},
        },
    )


def longer_than_asked(klass):
    return klass.notebook("u001", {"01.tls": "abcd", "03.gain": "a or b", "07.not-proven": ""})


#: How: (what is handed in, the most it may earn, what a remark says).
CHEATS = {
    "status set": (said_right, 0, ""),
    "points in the metadata": (in_metadata, 0, "no answer in it"),
    "a cell that shows RIGHT": (html_only, 0, "no answer in it"),
    "Feedback.right replaced": (feedback_right, 0, ""),
    "__eq__ that is always true": (judges_equal, 0, ""),
    "progress recorded without answers": (forged_progress, 0, "no answer in it"),
    "a receipt with marks": (receipt_of_marks, None, "digest"),
    "a neighbour's file": (neighbours_file, 7, "the ticket is that of u002"),
    "a neighbour's answers": (neighbours_answers, 7, ""),
    "a world id edited": (edited_world, 7, ""),
    "the practice world": (practice, 7, ""),
    "a ticket with a seed of one's own": (own_seed, 7, "forged"),
    "a ticket whose signature was changed": (cut_signature, 0, "forged"),
    "another term's seed": (other_term, 7, ""),
    "another assignment's seed": (other_assignment, 7, ""),
    "another course's key": (other_course, 7, ""),
    "every letter, one after the other": (every_letter, 1, "more than once"),
    "every answer at once": (every_answer_at_once, 0, ""),
    "letters joined": (longer_than_asked, 0, ""),
}


@pytest.mark.parametrize("case", CHEATS)
def test_what_a_cheat_earns(case, klass, monkeypatch):
    """No more than chance, of 14 points; and a remark where there is one to make."""
    make, most, says = CHEATS[case]
    book = make(klass, monkeypatch) if make is feedback_right else make(klass)
    klass.hand_in(
        f"u001/{'hw1.json' if 'receipt' in str(book.get('format')) else 'hw1.ipynb'}", book
    )
    row = klass.grade(klass.folder / "in", "--jobs", 1).rows["u001"]
    print(f"{case}: {row['points'] or 'not judged'} of {row['of']}. {row['notes']}")
    if most is None:
        assert row["points"] == ""
    else:
        assert float(row["points"]) <= most
    assert says in row["notes"]


def test_the_open_tier_computes_every_answer(klass):
    """Said openly: who holds the generator has the answers, and `lab.reference` gives them. The
    open tier stops copying, not computing.
    """
    book = Workbook("hw1", Facts(World(klass.seed("u001"))), klass.task.exercises)
    answers = {id: book.reference(id) for id in klass.task.exercises}
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001", answers))
    assert klass.grade().rows["u001"]["points"] == "14"


def test_a_neighbours_answers_are_found(klass):
    """The report says in whose world an answer is right, and calls it no verdict."""
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001", klass.key("u002")))
    klass.hand_in("u002/hw1.ipynb", klass.notebook("u002"))
    assert klass.grade().code == 0
    report = json.loads(klass.run("report", "hw1", "--json").stdout)
    rows = {e["exercise"]: e for e in report["elsewhere"]}
    assert rows["01.mrenclave"]["right_for"] == ["u002"]
    assert "u001's 03.command is right in the world of u002" in rows["03.command"]["sentence"]
    assert {e["student"] for e in report["elsewhere"]} == {"u001"}
    assert "no verdict" in report["caution"]


def test_a_line_with_a_neighbours_measurement_is_found(klass):
    """However else the line differs."""
    other = klass.key("u002")["01.mrenclave"]
    value = next(w for w in klass.key("u002")["03.command"].split() if len(w) == 64)
    line = f"scone cas attest --mrenclave {value} 127.0.0.9"
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001", {"03.command": line}))
    klass.grade()
    report = json.loads(klass.run("report", "hw1", "--json").stdout)
    assert [(e["exercise"], e["right_for"]) for e in report["elsewhere"]] == [
        ("03.command", ["u002"])
    ]
    assert other
