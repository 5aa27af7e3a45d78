"""Progress survives crashes, damage, two notebooks at once, and a disk that takes nothing."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from casnb.base import strictjson
from casnb.base.errors import SourceError
from casnb.teach.course import progress_file as module
from casnb.teach.course.answer_json import Answer, parse_receipt, world_id
from casnb.teach.course.exercises import catalogue
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG, Feedback
from casnb.teach.course.progress import Entry, receipt
from casnb.teach.course.progress_file import FILE_LIMIT, ProgressFile


@pytest.fixture
def file(tmp_path):
    return ProgressFile(tmp_path / "deep" / "progress.json")


def say(status, code="", id="01.mrenclave"):
    return Feedback(id, status, "", code)


def test_answers_are_counted_and_a_right_one_stays(file):
    """Best status, number of answers and the misconceptions met are kept; a later wrong answer
    does not undo a right one.
    """
    for feedback in (
        say(WRONG, "upper-case"),
        say(WRONG, "upper-case"),
        say(RIGHT),
        say(WRONG, "other"),
    ):
        assert file.record(feedback) == ""
    entry = file.load()[0]["01.mrenclave"]
    assert (entry.status, entry.tries, entry.codes) == (
        RIGHT,
        4,
        ("upper-case", "other"),
    ) and entry.at.endswith("Z")


def test_not_yet_is_not_an_answer(file):
    """Running a notebook from top to bottom with its exercises unanswered writes nothing."""
    file.record(say(NOT_YET))
    assert not file.path.exists()


def test_a_chapter_is_full_when_every_exercise_is_right(file):
    """Marks count right exercises; full means all of them."""
    ids = [e.id for e in catalogue().values() if e.chapter == "00"]
    for id in ids[:-1]:
        file.record(say(RIGHT, id=id))
    assert not file.progress("00").full
    file.record(say(RIGHT, id=ids[-1]))
    done = file.progress("00")
    assert (
        done.full
        and f"{len(ids)} of {len(ids)} exercises are right. That is all of them." == done.sentence
    )
    assert not file.progress().full


def one_entry(**changes) -> bytes:
    entry = {**Entry(RIGHT, 1).to_json(), **changes}
    return as_file({"01.mrenclave": entry})


def as_file(entries) -> bytes:
    """A progress file of one world, the practice seed's."""
    world = {"used": "", "exercises": entries, "said": {}}
    worlds = {world_id("casnb", "public"): world}
    return json.dumps({"format": module.FORMAT, "worlds": worlds}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"format": "casnb progress 2", "worlds": {"01.m', id="cut short"),
        pytest.param(b"\x00" * 50, id="zeros after a crash"),
        pytest.param(b'{"format": "casnb progress 9", "worlds": {}}', id="another format"),
        pytest.param(b'{"format": "casnb progress 2", "worlds": []}', id="wrong type"),
        pytest.param(b"[" * 10000, id="deep"),
        pytest.param(b" " * (FILE_LIMIT + 1), id="too large"),
        pytest.param(one_entry(tries=-1), id="out of bounds"),
        pytest.param(one_entry(codes=[5]), id="a code that is not text"),
        pytest.param(one_entry(status="excellent"), id="a status that is none"),
    ],
)
def test_a_damaged_file_is_moved_aside_and_said(file, damage):
    """The reader learns of it, the bytes are still there under another name, and progress goes
    on.
    """
    file.path.parent.mkdir()
    file.path.write_bytes(damage)
    note = file.record(say(RIGHT))
    assert note.startswith("The progress file was damaged; it was moved to progress.json.damaged-1")
    assert file.path.with_name("progress.json.damaged-1").read_bytes() == damage
    assert file.load()[0]["01.mrenclave"].status == RIGHT and file.record(say(RIGHT)) == ""


def test_a_second_damaged_file_does_not_replace_the_first(file):
    """Moving aside never overwrites."""
    file.path.parent.mkdir()
    for n in (1, 2):
        file.path.write_bytes(b"damage %d" % n)
        file.load()
    assert [file.path.with_name(f"progress.json.damaged-{n}").read_bytes() for n in (1, 2)] == [
        b"damage 1",
        b"damage 2",
    ]


def test_a_write_that_fails_leaves_the_old_file(file, monkeypatch):
    """A full disk costs the new entry, not the old ones, and leaves no litter."""
    file.record(say(RIGHT))
    before = file.path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    note = file.record(say(RIGHT, id="01.trap"))
    assert (
        note == "Progress is not kept: progress.json cannot be written (No space left on device)."
    )
    assert before == file.path.read_bytes() and [p.name for p in file.path.parent.iterdir()] == [
        "progress.json"
    ]


def test_where_no_file_can_be_it_is_said(tmp_path):
    """A folder that cannot be made is one sentence, not an exception."""
    (tmp_path / "a-file").write_text("")
    assert (
        ProgressFile(tmp_path / "a-file" / "progress.json")
        .record(say(RIGHT))
        .startswith("Progress is not kept")
    )


def test_two_notebooks_lose_nothing(tmp_path):
    """Answers recorded at the same time are all there afterwards."""
    files = [ProgressFile(tmp_path / "progress.json") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda f=f: [f.record(say(WRONG)) for _ in range(10)])
        for f in files
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert files[0].load()[0]["01.mrenclave"].tries == 40


def test_a_lock_left_behind_is_broken_up(tmp_path, monkeypatch):
    """A notebook that was killed while it wrote does not block the next one."""
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    file = ProgressFile(tmp_path / "progress.json")
    file.path.with_name("progress.json.lock").write_text("")
    assert file.record(say(RIGHT)) == "" and file.load()[0]["01.mrenclave"].status == RIGHT


def test_unknown_exercises_are_ignored_and_the_file_stays_small(file):
    """Only known ids are kept, so the file cannot grow."""
    file.path.parent.mkdir()
    entry = Entry(RIGHT, 1).to_json()
    file.path.write_bytes(as_file({"99.other": entry, "01.trap": entry}))
    for _ in range(30):
        file.record(say(WRONG, "c" * 60))
    assert {"01.trap", "01.mrenclave"} == set(file.load()[0]) and file.path.stat().st_size < 2000


def test_progress_can_be_deleted(file, tmp_path):
    """Deleting twice is fine; what cannot be deleted is said."""
    file.record(say(RIGHT))
    file.delete()
    file.delete()
    assert not file.path.exists() and file.load() == ({}, "")
    with pytest.raises(SourceError, match="by hand"):
        ProgressFile(tmp_path).delete()


def test_worlds_have_progress_of_their_own(file):
    """What was earned under one seed or scenario is not there under another."""
    other = ProgressFile(file.path, world_id("another", "public"))
    file.record(say(RIGHT))
    assert other.load() == ({}, "")
    other.record(say(WRONG, "upper-case"))
    assert file.load()[0]["01.mrenclave"].status == RIGHT
    assert other.load()[0]["01.mrenclave"].status == WRONG


def test_the_worlds_that_are_kept_are_few(file):
    """The one that was used longest ago goes first."""
    for n in range(module.WORLD_LIMIT + 3):
        ProgressFile(file.path, world_id(f"seed {n}", "public")).record(say(RIGHT))
    assert len(json.loads(file.path.read_text())["worlds"]) == module.WORLD_LIMIT
    assert ProgressFile(file.path, world_id("seed 0", "public")).load() == ({}, "")


def test_what_was_said_first_stays(file):
    """A prediction that is changed afterwards is still the first one."""
    for said in ("out", "in"):
        assert file.record_said("debug-memory", said, "in") == ""
    said = file.said()["debug-memory"]
    assert (said.first, said.last, said.was, said.right) == ("out", "in", "in", False)


def test_a_receipt_says_what_it_is_about(file):
    """Marks, entries, world, answers, and a digest that anybody can compute again."""
    file.record(say(RIGHT))
    world = world_id("s", "public")
    given = {"01.trap": Answer("01.trap", frozenset({"today"}), world)}
    body = receipt(file.progress("01"), given, chapter="01", world=world, scenario="public")
    text = json.dumps(body)
    digest = body.pop("sha256")
    assert digest == hashlib.sha256(strictjson.compact(body)).hexdigest()
    assert (body["marks"], body["of"], body["world"]) == (1, 4, world)
    assert parse_receipt(text).answers == given


def test_progress_shows_itself(file):
    """A table of exercises with words for their status, in text and HTML."""
    file.record(say(RIGHT))
    shown = file.progress("01")._repr_mimebundle_()
    assert (
        "01.mrenclave" in shown["text/plain"]
        and "1 of 4 exercises are right." in shown["text/plain"]
    )
    assert "not yet" in shown["text/html"]


def test_the_file_can_be_named_by_the_environment(monkeypatch, tmp_path):
    """CASNB_PROGRESS names another place, for a course machine or a test."""
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "mine.json"))
    assert ProgressFile().path == tmp_path / "mine.json"


def test_links_lead_to_the_readers_notebooks(tmp_path, monkeypatch):
    """Beside the notebooks a link is a name; in an update or a projector's copy it leads up."""
    from casnb.teach.course.exercises import catalogue
    from casnb.teach.course.progress import link_to

    id = next(id for id in catalogue() if id.startswith("03."))
    book = link_to(id).partition("#")[0]
    (tmp_path / book).write_text("{}")
    for folder, up in ((".", ""), ("present", "../"), ("updates/0.2.0", "../../")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        assert link_to(id).partition("#")[0] == up + book
