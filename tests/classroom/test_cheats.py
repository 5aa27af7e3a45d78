"""What dishonest hand-ins earn, one row each; and what an honest course can not prevent."""

from __future__ import annotations

import csv
import io
import json

import pytest
from classroom.sealed_class import SealedClass
from itsdangerous import URLSafeSerializer

from casnb.base.errors import UsageError
from casnb.classroom.judging import TRIES
from casnb.classroom.tickets import issue, seed_of
from casnb.simulator.world import World
from casnb.teach import start
from casnb.teach.class_line import Refused, ask, server_address
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


# The sealed tier: what is tried on a class server, before the marks are made from its record


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    return SealedClass(tmp_path)


def refused(sealed, code, /, **body):
    """Send a request, and expect to be refused."""
    with pytest.raises(Refused) as caught:
        sealed.ask("check", **{"exercise": "07.floor", "answer": 1, **body})
    assert caught.value.status == code, caught.value


def on_a_ticket(sealed, change, key):
    """Right answers, sent with a ticket that somebody signed with a key of their own."""
    body = URLSafeSerializer(b"guess", salt=SALT).loads_unsafe(sealed.ticket("u002"))[1]
    ticket = URLSafeSerializer(key, salt=SALT).dumps(body | change)
    refused(sealed, 401, ticket=ticket, answer=sealed.key()["07.floor"])


def forged_ticket(sealed):
    on_a_ticket(sealed, {"s": "u001"}, "guess")


def ticket_with_a_seed(sealed):
    on_a_ticket(sealed, {"s": "u001", "k": "easy"}, sealed.course.id)


def changed_ticket(sealed):
    """A neighbour's ticket with one's own name in it, under its old signature."""
    head, _, signature = sealed.ticket("u002").rpartition(".")
    own = sealed.ticket("u001").rpartition(".")[0]
    assert own != head
    refused(sealed, 401, ticket=f"{own}.{signature}")


def on_anothers_ticket(sealed):
    """What is answered on a neighbour's ticket is the neighbour's, in the neighbour's world."""
    for id, answer in sealed.key("u001").items():
        sealed.check(id, answer, "u002")
    assert {e["student"] for e in sealed.lines()} == {"u002"}


def sealed_neighbours_answers(sealed):
    for id in ("01.mrenclave", "03.command"):
        assert sealed.check(id, sealed.key("u002")[id])["status"] == "wrong"


def open_tiers_answers(sealed):
    """What `lab.reference` gives in a world of the same term under the open tier's seed."""
    seed = seed_of(sealed.course.key, "2026w", "hw1", "u001")
    facts = Facts(World(seed))
    for id in ("01.mrenclave", "03.command"):
        sealed.check(id, exercises.exercise(id).reference(facts))


def replayed_answer(sealed):
    """One right answer sent ten times: it counts once."""
    right = sealed.key()["07.floor"]
    said = [sealed.check("07.floor", right) for _ in range(10)]
    assert {(s["tries"], s["worth"]) for s in said} == {(1, 1.0)} and len(sealed.lines()) == 1


def answer_of_another_exercise(sealed):
    """A right answer, sent as the answer to every other exercise."""
    for id in sealed.task.exercises:
        if id != "01.mrenclave":
            sealed.check(id, sealed.key()["01.mrenclave"])


def four_letters(sealed):
    """The right one last."""
    right = sealed.key()["01.tls"]
    for letter in sorted("abcd", key=lambda x: x == right):
        sealed.check("01.tls", letter)


def many_tries(sealed):
    """All numbers in turn, until no more are taken."""
    for n in range(TRIES):
        sealed.check("07.floor", 1000 + n)
    refused(sealed, 403, answer=sealed.key()["07.floor"])


def tries_back(sealed):
    """Wrong tries stay after a reset of the world, and after another start of the server."""
    right = sealed.key()["01.tls"]
    for letter in sorted("abcd", key=lambda x: x == right)[:3]:
        sealed.check("01.tls", letter)
    sealed.server.judge.reset("u001")
    assert sealed.check("01.tls", right)["tries"] == 4


def says_right(sealed):
    """A status, points or a time in the request."""
    for more in ({"status": "right"}, {"points": 5}, {"tries": 0}, {"worth": 1.0}):
        refused(sealed, 400, **more)


def teachers_paths(sealed):
    """The board, names and reset, with a ticket."""
    for what in ("view", "names", "reset"):
        credential = f"Bearer {sealed.ticket()}"
        with pytest.raises(Refused) as caught:
            ask(server_address(sealed.url), f"/board/api/{what}", credential, {"student": "u001"})
        assert caught.value.status == 401


def huge_body(sealed):
    refused(sealed, 413, answer="a" * 200_000)


def nested_answer(sealed):
    deep = []
    for _ in range(200):
        deep = [deep]
    refused(sealed, 400, answer=deep)


def every_answer_in_one(sealed):
    sealed.check("01.tls", ["a", "b", "c", "d"])
    sealed.check("07.floor", list(range(20)))


def computed(sealed):
    """There is nothing to compute with: neither seed nor reference is on the student's machine."""
    lab = start("hw1", ticket=sealed.ticket())
    try:
        for name in ("reference", "world", "facts"):
            with pytest.raises(UsageError, match="sealed"):
                getattr(lab, name)
        guess = Facts(World(lab.address))
        lab.check("01.mrenclave", exercises.exercise("01.mrenclave").reference(guess))
    finally:
        lab.close()


#: How: (what is sent as u001, the points of five that it earns).
SEALED_CHEATS = {
    "a forged ticket": (forged_ticket, 0),
    "a ticket with a seed of one's own": (ticket_with_a_seed, 0),
    "a neighbour's ticket under one's own name": (changed_ticket, 0),
    "one's own answers on a neighbour's ticket": (on_anothers_ticket, 0),
    "a neighbour's answers": (sealed_neighbours_answers, 0),
    "the open tier's answers": (open_tiers_answers, 0),
    "one right answer, sent ten times": (replayed_answer, 1),
    "a right answer to everything": (answer_of_another_exercise, 0),
    "four letters in turn": (four_letters, 0.7),
    "a thousand numbers in turn": (many_tries, 0),
    "a reset to have one's tries back": (tries_back, 0.7),
    "a status in the request": (says_right, 0),
    "the teacher's requests": (teachers_paths, 0),
    "a huge request": (huge_body, 0),
    "an answer nested 200 deep": (nested_answer, 0),
    "every answer at once": (every_answer_in_one, 0),
    "lab.reference": (computed, 0),
}


@pytest.mark.parametrize("case", SEALED_CHEATS)
def test_what_a_cheat_earns_in_the_sealed_tier(case, sealed):
    """Exactly what an honest answer at that try earns, or nothing; no file is read for marks."""
    act, points = SEALED_CHEATS[case]
    with sealed.serving():
        act(sealed)
    claims = sealed.dir.parent / "u001.json"
    claims.write_text('{"format": "casnb receipt 2", "marks": 5, "of": 5, "answers": []}')
    result = sealed.run("grade", "hw1", claims)
    assert result.exit_code == 0, result.output
    row = next(r for r in csv.DictReader(io.StringIO(result.stdout)) if r["student"] == "u001")
    print(f"{case}: {row['points']} of {row['of']}")
    assert float(row["points"] or 0) == points
