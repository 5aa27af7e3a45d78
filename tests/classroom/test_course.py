"""A course from its folder to marks: made, released, worked on, graded."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys

import nbformat
import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.classroom.course import create, found
from casnb.classroom.roster import parse_roster
from casnb.classroom.tickets import seed_of
from casnb.teach.course.ticket import read_ticket

MOODLE = (
    "\ufeffIdentifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,"
    "Feedback comments\n"
    "Participant 901,Ada Lovelace,u001,ada@example.org,Submitted,,100,\n"
    "Participant 902,Bob Builder,u002,bob@example.org,Submitted,,100,\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Old (12)\n"
    "    Points Possible,,,,,10\n"
    '"Lovelace, Ada",501,s1,u001,A,7\n'
    '"Builder, Bob",502,s2,u002,A,8\n'
)


@pytest.mark.parametrize(
    ("text", "kind", "ids"),
    [
        ("id,name,email\nu1,Ada,a@b.c\n", "plain", ["u1"]),
        ("id;name\nu1;Ada\n\nu2;Bob\n", "plain", ["u1", "u2"]),
        ("student\tname\nu1\tAda\n", "plain", ["u1"]),
        (MOODLE, "moodle", ["u001", "u002"]),
        (
            "First name,Last name,ID number,Email address\nAda,L,,ada@example.org\n",
            "moodle",
            ["ada@example.org"],
        ),
        (CANVAS, "canvas", ["u001", "u002"]),
    ],
    ids=["plain", "semicolons", "tabs", "moodle worksheet", "moodle participants", "canvas"],
)
def test_rosters_are_read_as_they_are_exported(text, kind, ids):
    """Whatever the platform calls its columns."""
    for data in (text.encode(), text.lstrip("\ufeff").encode("utf-16")):
        roster = parse_roster(data)
        assert (roster.kind, [s.id for s in roster]) == (kind, ids)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name,email\nAda,a@b\n",
        "id\n../x\n",
        "id\nu1\nU1\n",
        "id\nCON\n",
        "id\n=1+1\n",
        "id\n" + "x" * 70,
        "id\na b\n",
    ],
    ids=["empty", "no id", "a path", "twice", "a device", "a formula", "too long", "a blank"],
)
def test_a_roster_that_could_do_harm_is_refused(text):
    """An id names files, so it is what a file's name may be, once."""
    with pytest.raises(SourceError):
        parse_roster(text.encode())


def test_the_key_stays_private_and_a_course_is_made_once(tmp_path):
    """0600, refused when others can read it, and never replaced."""
    course = create(tmp_path / "c", "T", "2026w")
    assert stat.S_IMODE((tmp_path / "c" / "course.key").stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="already"):
        create(tmp_path / "c", "T", "2026w")
    assert len(course.key) == 32
    if os.name == "posix":
        (tmp_path / "c" / "course.key").chmod(0o644)
        with pytest.raises(SourceError, match="0600"):
            _ = course.key


def test_seeds_differ_by_all_they_follow_from():
    """Key, term, assignment and student; and nothing else."""
    one = (b"k" * 32, "2026w", "hw1", "u001")
    others = [(b"j" * 32, *one[1:]), (one[0], "2027s", *one[2:]), (*one[:2], "hw2", "u001")]
    seeds = {seed_of(*a) for a in [one, *others, (*one[:3], "u002")]}
    assert len(seeds) == 5 and all(re.fullmatch("[a-z2-7]{26}", s) for s in seeds)
    assert seed_of(*one) == seed_of(*one)


@pytest.mark.parametrize(
    "words",
    [
        ("assignment", "01", "--chapters", "01"),
        ("assignment", "../x", "--chapters", "01"),
        ("assignment", "hw2", "--chapters", "77"),
        ("assignment", "hw2", "--exercises", "01.nothing"),
        ("assignment", "hw2"),
        ("assignment", "hw2", "--chapters", "01", "--points", "03.command=2"),
        ("assignment", "hw2", "--chapters", "01", "--points", "01.tls=much"),
        ("assignment", "hw2", "--chapters", "01", "--due", "soon"),
        ("grade", "hw9", "x"),
        ("show", "hw1", "--student", "u777"),
        ("report", "hw1"),
        ("grade", "hw1", "x", "--csv", "canvas"),
    ],
    ids=" ".join,
)
def test_wrong_calls_are_told_what_to_do(klass, words):
    """Exit code 2, one message, no traceback."""
    result = klass.run(*words)
    assert result.exit_code == 2 and result.stderr.startswith(("Error: ", "Usage: "))


def test_an_assignment_is_kept_in_its_file(klass):
    """With points and due date, and read again the same."""
    words = ("--chapters", "01,04", "--without", "01.history", "--points", "01.tls=2.5")
    assert klass.run("assignment", "hw2", *words, "--due", "2026-12-24").exit_code == 0
    task = found(klass.dir).assignment("hw2")
    assert task.worth("01.tls") == 2.5 and "01.history" not in task.exercises
    assert task.due == "2026-12-24" and task.of == len(task.exercises) + 1.5
    assert found(klass.dir).assignment("hw1") == klass.task


def test_what_is_released(klass):
    """Valid notebooks without outputs and solutions, one for all and one for each with a ticket."""
    out = klass.folder / "release"
    assert klass.run("release", "hw1", "--out", out).exit_code == 0
    tickets = {
        r["student"]: r["ticket"] for r in csv.DictReader((out / "tickets.csv").open(newline=""))
    }
    shared = (out / "hw1.ipynb").read_text()
    assert not any(t in shared for t in tickets.values())
    for student, ticket in tickets.items():
        path = out / "students" / student / "hw1.ipynb"
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        found_ticket = read_ticket(book.metadata.casnb.ticket)
        assert ticket == book.metadata.casnb.ticket and found_ticket.seed == klass.seed(student)
        code = [c for c in book.cells if c.cell_type == "code"]
        assert all(not c.outputs and len(c.source.splitlines()) <= 15 for c in code)
        sources = [c.source for c in book.cells]
        for id in klass.task.exercises:
            at = next(n for n, s in enumerate(sources) if s.startswith(f'lab.check("{id}", '))
            name = sources[at].split(", ")[1].rstrip(")")
            assert sources[at - 1].splitlines()[-1] == f"{name} = ..."
        assert "solution" not in path.read_text()


FILL = """
import json, re, sys
book, key = (json.load(open(p)) for p in sys.argv[1:3])
sources = [c["source"] for c in book["cells"] if c["cell_type"] == "code"]
def value(a):
    return set(a["set"]) if isinstance(a, dict) and set(a) == {"set"} else a
out = {}
for source in sources:
    if found := re.match(r'lab\\.check\\("([^"]+)", (\\w+)\\)', source):
        out[found[1]] = eval(source)._repr_mimebundle_()
        continue
    if source.rstrip().endswith("= ..."):
        name = source.rstrip().split("\\n")[-1].removesuffix(" = ...")
        check = next(s for s in sources if s.startswith("lab.check") and s.endswith(f" {name})"))
        source = f"{name} = " + repr(value(key[check.split('"')[1]]))
    exec(source)
for cell in book["cells"]:
    if found := re.match(r'lab\\.check\\("([^"]+)"', cell["source"]):
        cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": out[found[1]]}]
json.dump(book, open(sys.argv[1], "w"))
if len(sys.argv) > 3:
    lab.receipt(sys.argv[3])
"""


@pytest.mark.scripts
def test_from_release_to_marks(klass):
    """A student's own notebook, run with the right answers, earns all points; so does a receipt."""
    assert klass.run("assignment", "hw1", "--chapters", "03,07").exit_code == 0
    klass.run("release", "hw1", "--out", klass.folder / "release", "--each")
    key = klass.folder / "key.json"
    key.write_text(klass.run("show", "hw1", "--student", "u002", "--json").stdout)
    path = klass.folder / "release" / "students" / "u002" / "hw1.ipynb"
    receipt = klass.folder / "u002.json"
    words = [sys.executable, "-c", FILL, str(path), str(key), str(receipt)]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CAS_", "CASNB_", "SCONE_"))}
    env |= {"CASNB_PROGRESS": str(klass.folder / "progress.json")}
    run = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    for handed_in in (path, receipt):
        found_rows = klass.grade(handed_in)
        row = found_rows.rows["u002"]
        assert found_rows.code == 0 and row["points"] == row["of"] == "10" and row["notes"] == ""


def test_moodle_and_canvas_from_archive_to_import(tmp_path, klass):
    """What the platform collects is graded, and written as it imports it."""
    import zipfile

    names = {
        "moodle": ("Ada Lovelace_901_assignsubmission_file_/x.ipynb", MOODLE),
        "canvas": ("lovelaceada_LATE_501_7788_x-2.ipynb", CANVAS),
    }
    for kind, (name, text) in names.items():
        (klass.dir / "roster.csv").write_text(text)
        archive = tmp_path / f"{kind}.zip"
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr(name, json.dumps(klass.notebook("u001")))
        result = klass.run("grade", "hw1", archive, "--csv", kind)
        assert result.exit_code == 0, result.output
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        if kind == "moodle":
            assert rows[0]["Grade"] == "14" and rows[0]["Identifier"] == "Participant 901"
            assert rows[1]["Grade"] == "0"
        else:
            assert rows[0]["Student"] == "    Points Possible" and rows[0]["hw1"] == "14"
            assert (rows[1]["ID"], rows[1]["hw1"]) == ("501", "14")


@pytest.mark.parametrize(
    "name",
    [
        "u001/hw1.ipynb",
        "hw1_u001.ipynb",
        "u001 (1).ipynb",
        "U001@example.org/x.ipynb",
        "x/u001.json",
    ],
)
def test_whose_it_is(klass, name):
    """By folder, or by a file's name."""
    book = klass.notebook("u001")
    klass.hand_in(name, book)
    assert klass.grade().rows["u001"]["points"] == "14"


def test_a_ticket_says_whose_it_is_where_nothing_else_does(klass):
    """Signed by the course, for this assignment, and never against a folder."""
    path = klass.hand_in("homework.ipynb", klass.notebook("u003"))
    row = klass.grade(path.parent).rows["u003"]
    assert row["points"] == "14" and "by its ticket alone" in row["notes"]


def test_many_processes_give_the_same_rows(klass, monkeypatch):
    """Whether one process judges or two."""
    import casnb.cli.class_command.spread as spread

    for student in ("u001", "u002", "u003"):
        klass.hand_in(f"{student}/hw1.ipynb", klass.notebook(student))
    alone = klass.grade(klass.folder / "in", "--jobs", 1).text
    monkeypatch.setattr(spread, "FEW", 0)
    assert klass.grade(klass.folder / "in", "--jobs", 2).text == alone


def test_feedback_says_nothing_that_would_solve_an_exercise(klass):
    """Each student's page has their own points and answers, and no right ones."""
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001", {"01.mrenclave": "0" * 64}))
    pages = klass.folder / "pages"
    klass.grade(klass.folder / "in", "--feedback", pages)
    text = (pages / "u001.html").read_text()
    assert "0 of 14 points" in text and "<script" not in text
    assert klass.key("u001")["01.mrenclave"] not in text


def test_an_answer_is_escaped_in_feedback(klass):
    """It is a stranger's text."""
    klass.hand_in(
        "u001/hw1.ipynb", klass.notebook("u001", {"03.command": "<script>alert(1)</script>"})
    )
    klass.grade(klass.folder / "in", "--feedback", klass.folder / "pages")
    assert "<script>" not in (klass.folder / "pages" / "u001.html").read_text()


def test_a_ticket_is_for_one_assignment(begun_ticket):
    """Another assignment's is refused with a reason."""
    from casnb.teach import start

    with pytest.raises(UsageError, match="one for hw1"):
        start("hw2", ticket=begun_ticket)
    with pytest.raises(UsageError, match="no course wrote"):
        start("hw1", ticket="nonsense")


@pytest.fixture
def begun_ticket(klass):
    from casnb.classroom.tickets import issue

    return issue(klass.course, klass.task, "u001").text
