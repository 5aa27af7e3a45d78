"""The sealed tier: world, judge and tries are on the class server, and nothing that it sends lets a
student compute an answer.
"""

from __future__ import annotations

import csv
import http.client
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from classroom.sealed_class import EXERCISES, SealedClass
from cryptography import x509

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.classroom.class_server import Listen, announce, listen_at, reset_students
from casnb.classroom.course import assignment, end_of, needs_its_world
from casnb.classroom.judging import TRIES
from casnb.classroom.record import Record
from casnb.classroom.tickets import issue, seed_of
from casnb.simulator.world import World
from casnb.teach import start
from casnb.teach.class_line import PIN, Refused, ask, server_address
from casnb.teach.course import exercises
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG
from casnb.teach.facts import Facts
from casnb.teach.lab import Lab
from casnb.teach.sealed_lab import SealedLab


@pytest.fixture
def klass(tmp_path, monkeypatch):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    return SealedClass(tmp_path)


def marks(klass):
    result = klass.run("grade", "hw1")
    assert result.exit_code == 0, result.output
    return {r["student"]: r for r in csv.DictReader(io.StringIO(result.stdout))}


def test_from_a_ticket_to_a_mark(klass):
    """A student works in a world that is elsewhere; the mark comes from the server's own record."""
    with klass.serving():
        lab = start("hw1", ticket=klass.ticket())
        try:
            assert isinstance(lab, SealedLab) and lab.exercises == EXERCISES
            assert lab.check("01.tls").status == NOT_YET
            assert lab.task("01.tls").question
            right = klass.key()
            letters = [x for x in "abcd" if x != right["01.tls"]]
            said = [lab.check("01.tls", x) for x in (*letters[:2], right["01.tls"])]
            assert [s.status for s in said] == [WRONG, WRONG, RIGHT]
            assert "Right at try 3: 90% of its points." in said[-1].notes
            command = right["03.command"].replace("127.0.0.1", lab.address)
            assert lab.check("03.command", command).status == RIGHT
            progress = lab.progress()
            assert progress.entries["01.tls"].tries == 3 and progress.marks == 2
            assert lab.run("env").stdout.count(lab.address) >= 1
            own = Facts(World(klass.server.worlds.seed("u001")))
            assert lab.case.minimal.flags == own.case.minimal.flags
            for layout in ("today", "2021-10"):
                assert "Simulated world, a world of the class server" in lab.page(layout)
            assert len(lab.scrape_lab(len).values) == 10
        finally:
            lab.close()
    row = marks(klass)["u001"]
    assert (row["points"], row["01.tls"], row["03.command"]) == ("1.9", "0.9", "1")
    assert row["01.mrenclave"] in ("", "0")


def test_nothing_that_is_sent_tells_a_seed(klass):
    """Whatever is asked, whatever is answered: neither the seed nor another student's."""
    with klass.serving():
        seeds = [klass.server.worlds.seed(s) for s in klass.students]
        sent = [klass.ask("lab", scenario=s) for s in ("public", "production")]
        sent += [klass.ask("pages"), klass.ask("progress")]
        for id in EXERCISES:
            sent += [klass.ask("task", exercise=id)]
            sent += [klass.ask("hint", exercise=id) for _ in range(3)]
            sent += [
                klass.check(id, a) for a in ("wrong", "a", ["-G"], 7, klass.key("u002")[id])[:4]
            ]
        lab = start("hw1", ticket=klass.ticket())
        sent += [{"page": lab.page(), "env": dict(lab.env)}]
        lab.close()
        text = json.dumps(sent)
        assert klass.server.worlds.seed("u001").isalnum()
        assert not [s for s in seeds if s in text or s in klass.ticket()]
        values = [v for v in klass.key().values() if isinstance(v, str) and len(v) == 64]
        given = json.dumps([klass.ask("task", exercise=id) for id in EXERCISES])
        assert values and not [v for v in values if v in given]


def test_a_sealed_assignment_has_other_seeds(klass):
    """What the open tier told before is no answer here."""
    one = (klass.course.key, "2026w", "hw1", "u001")
    assert seed_of(*one) != seed_of(*one, "sealed")
    shown = klass.run("show", "hw1", "--student", "u001", "--json")
    with klass.serving():
        answer = json.loads(shown.stdout)["01.mrenclave"]
        assert klass.check("01.mrenclave", answer)["status"] == RIGHT


@pytest.mark.parametrize("name", ["world", "reference", "build", "elsewhere", "facts", "panel"])
def test_what_would_need_the_seed_says_sealed(klass, name):
    """And says where it can be had."""
    with klass.serving():
        lab = start("hw1", ticket=klass.ticket())
        try:
            with pytest.raises(UsageError, match="sealed: the world is on the class server"):
                getattr(lab, name)
            with pytest.raises(AttributeError):
                lab.nonsense  # noqa: B018
        finally:
            lab.close()


def test_every_exercise_names_only_what_a_sealed_lab_has():
    """Or it is refused there, with what it needs; and each name is one that some lab has."""
    refused = {}
    for id in exercises.catalogue():
        if needed := needs_its_world(id):
            refused[id] = needed
            assert hasattr(Lab, needed)
            with pytest.raises(UsageError, match=f"which needs lab.{needed}"):
                assignment("hw1", [id], tier="sealed")
        else:
            assert assignment("hw1", [id], tier="sealed").sealed
    print(refused)
    assert 0 < len(refused) < 10


# Tries


def test_the_same_answer_again_is_no_try(klass):
    """Running all cells again costs nothing, also after the server was started anew."""
    with klass.serving():
        first = klass.check("07.floor", 1)
        assert first["tries"] == 1
    with klass.serving(between=3600.0):
        again = klass.check("07.floor", 1)
        assert (again["status"], again["message"], again["tries"]) == (WRONG, first["message"], 1)
        assert "does not count" in again["note"]
        assert klass.check("07.floor", 1)["tries"] == 1
    assert [e["event"] for e in klass.lines()] == ["checked"]


def test_after_a_right_answer_nothing_counts(klass):
    """What was earned stays earned."""
    right = klass.key()["07.floor"]
    with klass.serving():
        assert klass.check("07.floor", right)["worth"] == 1.0
        later = klass.check("07.floor", right + 9)
        assert (later["status"], later["tries"], later["right"]) == (WRONG, 1, True)
        assert "right at try 1 already" in later["note"]
    assert marks(klass)["u001"]["07.floor"] == "1"


def test_letters_cannot_be_tried_out_at_once(klass):
    """One new answer in five seconds; the lab waits and sends it again, and a student who does not
    wait is told how long. Nobody else waits.
    """
    with klass.serving(between=5.0):
        klass.check("01.tls", "a")
        with pytest.raises(Refused, match="One new answer in 5 seconds"):
            klass.check("01.mrenclave", "b")
        assert klass.check("01.tls", "a", "u002")["tries"] == 1
        klass.clock.at += 5
        assert klass.check("01.mrenclave", "b")["tries"] == 1
    waits = []

    def wait(seconds):
        waits.append(seconds)
        klass.clock.at += seconds

    with klass.serving(between=5.0):
        for letter in "bc":
            body = {"exercise": "01.tls", "answer": letter}
            credential = f"Bearer {klass.ticket('u003')}"
            ask(server_address(klass.url), "/api/1/check", credential, body, wait=wait)
    assert len(waits) == 1 and 5 <= waits[0] < 6


def test_tries_are_bounded(klass):
    """So that one student fills no disk."""
    with klass.serving():
        for n in range(TRIES):
            klass.check("07.floor", 1000 + n)
        with pytest.raises(Refused, match="no more are"):
            klass.check("07.floor", 5000)
    assert len(klass.lines()) == TRIES


def test_after_it_was_due_no_answer_is_taken(tmp_path):
    """What was given before is still shown."""
    klass = SealedClass(tmp_path, due="2026-12-24")
    klass.clock.at = datetime(2026, 12, 24, 23, 0).timestamp()
    with klass.serving():
        klass.check("07.floor", 1)
        klass.clock.at += 7200
        with pytest.raises(Refused, match="was due 2026-12-24"):
            klass.check("07.floor", 2)
        assert klass.check("07.floor", 1)["status"] == WRONG
        assert klass.ask("progress")["exercises"]["07.floor"]["tries"] == 1


@pytest.mark.parametrize(
    ("due", "hour", "day"),
    [
        ("2026-12-24", 23, 24),
        ("2026-12-24T18:00", 18, 24),
        ("2026-12-24 18:00:30", 18, 24),
        ("2026-12-24, at noon", 23, 24),
    ],
)
def test_when_an_assignment_is_over(due, hour, day):
    """At the time that is named, else at the end of that day, by this machine's clock."""
    end = end_of(due)
    assert end is not None and (end.hour, end.day, end.month) == (hour, day, 12)
    assert end.tzinfo is not None and end_of("") is None


# What comes from the network


def raw(klass, method="POST", path="/api/1/check", body=b"{}", ticket=None):
    """One request as it is, and its status and object."""
    parts = urlsplit(klass.url)
    line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    text = klass.ticket() if ticket is None else ticket
    headers = {"Authorization": text if " " in text or not text else f"Bearer {text}"}
    line.request(method, path, body, {k: v for k, v in headers.items() if v})
    answer = line.getresponse()
    data = answer.read()
    line.close()
    return answer.status, json.loads(data)


def other_course(klass):
    (klass.dir.parent / "b").mkdir(exist_ok=True)
    other = SealedClass(klass.dir.parent / "b")
    return issue(other.course, other.task, "u001", klass.url).text


def signed_elsewhere(klass):
    from casnb.classroom.tickets import _signer

    course = klass.course
    body = issue(course, klass.task, "u001", klass.url).to_json() | {"c": "Another course"}
    return _signer(course.key).dumps(body)


TICKETS = {
    "none": (lambda k: "", 401, "No ticket"),
    "no bearer": (lambda k: f"Basic {k.ticket()}", 401, "No ticket"),
    "a word": (lambda k: "ticket", 401, "not one that this course signed"),
    "cut short": (lambda k: k.ticket()[:-3], 401, "not one that this course signed"),
    "one character changed": (lambda k: "x" + k.ticket()[1:], 401, "not one that this course"),
    "too long for one": (lambda k: "a" * 9000, 401, "not one that this course signed"),
    "of another course": (other_course, 401, "not one that this course signed"),
    "signed for another course": (signed_elsewhere, 403, "Another course"),
    "of another assignment": (lambda k: k.ticket(name="hw2"), 403, "hw2 of"),
    "of the open tier": (lambda k: k.ticket(tier="open", server=""), 403, "open tier"),
    "of nobody in the class": (lambda k: k.ticket("u999"), 403, "not, or no longer"),
}


@pytest.mark.parametrize("case", TICKETS)
def test_a_ticket_that_does_not_count_is_one_sentence(case, klass):
    """Whatever is wrong with it; and nothing is written down."""
    make, status, says = TICKETS[case]
    body = json.dumps({"exercise": "07.floor", "answer": 1}).encode()
    with klass.serving():
        got, answer = raw(klass, body=body, ticket=make(klass))
        assert (got, list(answer)) == (status, ["error"]) and says in answer["error"]
        if case == "of the open tier":
            with pytest.raises(Refused, match="open tier"):
                klass.ask("lab", ticket=make(klass), scenario="public")
    assert klass.lines() == []


def sent(**body):
    return json.dumps(body).encode()


REQUESTS = {
    "no JSON": ("check", b"\xff\xfe", 400),
    "an empty body": ("check", b"", 400),
    "a list": ("check", b"[]", 400),
    "a member too few": ("check", sent(exercise="07.floor"), 400),
    "a member too many": ("check", sent(exercise="07.floor", answer=1, status="right"), 400),
    "a member twice": ("check", b'{"exercise":"07.floor","answer":1,"answer":2}', 400),
    "NaN": ("check", b'{"exercise":"07.floor","answer":NaN}', 400),
    "an id that is no text": ("check", sent(exercise=7, answer=1), 400),
    "an exercise of another assignment": ("check", sent(exercise="02.product", answer=1), 404),
    "no exercise": ("task", sent(exercise="../../course.key"), 404),
    "an unknown tag": ("check", sent(exercise="07.floor", answer={"set": 1}), 400),
    "nested 10,000 deep": (
        "check",
        b'{"exercise":"07.floor","answer":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        400,
    ),
    "100 KB": ("check", sent(exercise="07.floor", answer="a" * 100_000), 413),
    "more values than an answer has": (
        "check",
        sent(exercise="07.floor", answer=list(range(9000))),
        400,
    ),
    "an unknown scenario": ("lab", sent(scenario="../x"), 400),
    "nothing by this name": ("world", b"{}", 404),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_that_is_none_is_one_sentence(case, klass):
    """And the next one is answered as if it had never come."""
    what, body, status = REQUESTS[case]
    with klass.serving():
        got, answer = raw(klass, path=f"/api/1/{what}", body=body)
        assert (got, list(answer)) == (status, ["error"]) and len(answer["error"]) < 1300
        assert klass.lines() == []
        assert klass.check("07.floor", 1)["tries"] == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(method, klass):
    """In JSON as well."""
    with klass.serving():
        assert raw(klass, method)[0] == 405
        assert raw(klass, method, "/nothing")[0] == 404


def test_a_student_waits_only_for_themselves(klass):
    """A request beside another one of the same student is put off, not queued; others go on."""
    with klass.serving() as server, server.judge.turn("u001"):
        status, answer = raw(klass, body=sent(exercise="07.floor", answer=1))
        assert status == 429 and 0 < answer["wait"] < 1
        done = []
        other = threading.Thread(
            target=lambda: done.append(klass.check("07.floor", 1, "u002")), daemon=True
        )
        other.start()
        other.join(60)
        assert done and done[0]["tries"] == 1


def test_half_a_request_holds_nobody_up(klass):
    """More connections than there are workers, each with half a request."""
    import socket

    with klass.serving():
        parts = urlsplit(klass.url)
        held = [socket.create_connection((parts.hostname, parts.port), 20) for _ in range(40)]
        try:
            for line in held:
                line.sendall(
                    b"POST /api/1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"
                )
            assert klass.check("07.floor", 1)["tries"] == 1
        finally:
            for line in held:
                line.close()


# The record


def test_the_record_is_for_its_owner_alone(klass):
    """Record, key and sessions; nothing of them may be read by another account."""
    with klass.serving() as server:
        klass.ask("lab", scenario="public")
        announce(server)
    names = ["record", "record/hw1.jsonl", "course.key", "sealed", "sealed/hw1", "server.json"]
    for path in [klass.dir / n for n in names] + list((klass.dir / "sealed").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


#: Run by another account: what it gets with its ticket, and which files it can read.
_OTHER = """
import http.client, json, sys
port, ticket, *paths = sys.argv[1:]
line = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
body = json.dumps({"exercise": "07.floor", "answer": 1})
line.request("POST", "/api/1/check", body, {"Authorization": "Bearer " + ticket})
said = json.loads(line.getresponse().read())
read = []
for path in paths:
    try:
        open(path, "rb").close()
        read.append(path)
    except PermissionError:
        pass
print(json.dumps([said, read]))
"""


def runs(other, python):
    """Whether another account can run this interpreter."""
    try:
        return other(python, "pass").returncode == 0
    except PermissionError:
        return False


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root may run another account's process"
)
def test_another_account_reaches_the_server_and_reads_none_of_its_files(monkeypatch):
    """As students of one machine do: the folder is in a place that all may enter."""
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("CASNB_PROGRESS", f"{name}/progress.json")
        klass = SealedClass(Path(name))
        klass.dir.chmod(0o755)

        def other(python, *words):
            return subprocess.run(
                [python, "-I", "-c", *map(str, words)],
                user=nobody,
                group=nobody,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                timeout=120,
            )

        with klass.serving() as server:
            klass.ask("lab", scenario="public")
            announce(server)
            open_to_all = klass.dir / "open"
            open_to_all.write_text("")
            open_to_all.chmod(0o644)
            private = ["course.key", "record/hw1.jsonl", "server.json"]
            files = [klass.dir / n for n in private]
            files += [p for p in (klass.dir / "sealed").rglob("*") if p.is_file()]
            pythons = [sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")]
            python = next((p for p in pythons if p and runs(other, p)), None)
            if python is None:
                pytest.skip("another account can run no interpreter here")
            port, ticket = urlsplit(klass.url).port, klass.ticket("u002")
            done = other(python, _OTHER, port, ticket, open_to_all, *files)
            assert done.returncode == 0, done.stderr
            said, read = json.loads(done.stdout)
        assert (said["status"], said["tries"]) == (WRONG, 1)
        assert read == [str(open_to_all)] and len(files) > 3
        assert [e["student"] for e in klass.lines()] == ["u002"]


DAMAGE = {
    "a line of something else": lambda lines: [*lines, '{"event":"checked"}'],
    "a status that is none": lambda lines: [lines[0], lines[1].replace('"wrong"', '"great"', 1)],
    "a member more": lambda lines: [lines[0], lines[1][:-1] + ',"points":9}'],
    "an empty line": lambda lines: [lines[0], "", *lines[1:]],
    "another assignment's": lambda lines: [lines[0].replace("hw1", "hw2"), *lines[1:]],
    "no first line": lambda lines: lines[1:],
    "a time that is none": lambda lines: [lines[0], lines[1].replace('"at":', '"at":true,"x":')],
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_record_is_an_error(case, klass):
    """For marks and for the server alike: nobody's tries are guessed."""
    with klass.serving():
        klass.check("07.floor", 1)
    path = klass.course.record("hw1")
    path.write_text("\n".join(DAMAGE[case](path.read_text().splitlines())) + "\n")
    result = klass.run("grade", "hw1")
    assert result.exit_code == 3 and "a damaged line" in result.stderr
    with pytest.raises(SourceError, match="a damaged line"), klass.serving():
        pass


def test_an_answer_that_nobody_heard_of_is_cut_off(klass):
    """The machine went down while a line was written: its student was told nothing."""
    with klass.serving():
        klass.check("07.floor", 1)
    path = klass.course.record("hw1")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at":1,"student":"u001","event":"chec')
    assert marks(klass)["u001"]["07.floor"] == "0"
    with klass.serving():
        assert klass.check("07.floor", 2)["tries"] == 2
    assert path.read_bytes().startswith(whole) and len(klass.lines()) == 2


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_one_server_at_a_time(klass):
    """Two that count tries would count them wrong."""
    with klass.serving(), pytest.raises(SourceError, match="another class server"):
        Record(klass.course, klass.task)
    Record(klass.course, klass.task).close()


def test_a_disk_that_is_full_counts_nothing(klass, monkeypatch):
    """The student hears that the server cannot, and no half line stays behind."""
    with klass.serving() as server:
        klass.check("07.floor", 1)
        before = klass.course.record("hw1").read_bytes()

        def full(data):
            os.write(server.judge.record._handle, data[:5])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(server.judge.record, "_write", full)
        status, answer = raw(klass, body=sent(exercise="07.floor", answer=2))
        assert status == 503 and "cannot do this now" in answer["error"]
        monkeypatch.undo()
        assert klass.course.record("hw1").read_bytes() == before
        assert klass.check("07.floor", 2)["tries"] == 2


def test_who_left_the_class_is_a_row(klass):
    """Their answers stay in the record, and are not judged."""
    with klass.serving():
        klass.check("07.floor", 1, "u004")
    roster = klass.dir / "roster.csv"
    roster.write_text("\n".join(roster.read_text().splitlines()[:-1]) + "\n")
    result = klass.run("grade", "hw1")
    assert result.exit_code == 3 and "u004: unknown student" in result.stderr


# Worlds


def test_a_world_that_nobody_uses_is_dropped_and_comes_back(klass, monkeypatch):
    """At the same address, with its sessions."""
    monkeypatch.setattr("casnb.classroom.class_server._LOOK", 3600.0)  # it looks for itself here
    with klass.serving() as server:
        first = klass.ask("lab", scenario="public")
        now = server.worlds.clock()
        server.worlds.clock = lambda: now + 400
        assert server.worlds.state("u001")[0] == "idle" and server.worlds.idle() == []
        server.worlds.clock = lambda: now + 2000
        assert server.worlds.idle() == ["u001"]
        server.worlds.drop("u001")
        assert server.worlds.state("u001")[0] == "dropped"
        again = klass.ask("lab", scenario="public")
        assert {**again, "now": ""} == {**first, "now": ""}
        assert server.worlds.state("u001")[0] == "running"


def test_a_reset_gives_a_new_world_of_the_same_seed(klass):
    """Sessions are gone; address, values, answers and tries stay. With a server and without one."""
    folder = klass.dir / "sealed" / "hw1"
    with klass.serving() as server:
        announce(server)
        first = klass.ask("lab", scenario="public")
        klass.ask("lab", "u002", scenario="public")
        klass.check("07.floor", 1)
        assert klass.run("reset", "u001").exit_code == 0
        assert [p.name[:4] for p in folder.iterdir()] == ["u002"]
        again = klass.ask("lab", scenario="public")
        assert {**again, "now": ""} == {**first, "now": ""}
        assert klass.ask("progress")["exercises"]["07.floor"]["tries"] == 1
    assert klass.run("reset", "--all").exit_code == 0
    assert list(folder.iterdir()) == []
    for words in ((), ("u001", "--all"), ("u999",)):
        assert klass.run("reset", *words).exit_code == 2
    reset_students(klass.course, ["u001"])


def test_the_boards_secret_is_the_teachers(klass):
    """A ticket is none, and neither is a guess."""
    with klass.serving() as server:
        for credential in (f"Bearer {klass.ticket()}", "Bearer x", f"Basic {server.secret}", ""):
            got, _ = raw(
                klass, path="/board/api/reset", body=sent(student="u001"), ticket=credential
            )
            assert got == 401
        good = f"Bearer {server.secret}"
        assert raw(klass, path="/board/api/reset", body=sent(student="u001"), ticket=good)[0] == 200
        assert raw(klass, path="/board/api/reset", body=sent(student="u9"), ticket=good)[0] == 400


# Where it listens

LISTENS = {
    "loopback by itself": ("", "", Listen("127.0.0.1", 8600)),
    "another port": ("", "127.0.0.1:9000", Listen("127.0.0.1", 9000)),
    "all addresses, tickets for loopback": ("", "0.0.0.0:8600", "no ticket for it"),
    "a public address, tickets for loopback": ("", "192.0.2.7:8600", "no ticket for it"),
    "a name": ("", "class.example:8600", "no ticket for it"),
    "tickets for a machine, and no word where": ("https://class.example:8600", "", "--listen"),
    "tickets for a machine": (
        "https://class.example:8600",
        "0.0.0.0:8600",
        Listen("0.0.0.0", 8600, "class.example", 8601),
    ),
    "no port": ("", "127.0.0.1", "HOST:PORT"),
    "a port that is none": ("", "127.0.0.1:99999", "HOST:PORT"),
}


@pytest.mark.parametrize("case", LISTENS)
def test_where_it_listens(case, tmp_path):
    """On loopback; elsewhere only where tickets name the server, over TLS."""
    server, text, wanted = LISTENS[case]
    klass = SealedClass(tmp_path, **({"server": server} if server else {}))
    if isinstance(wanted, Listen):
        assert listen_at(klass.course, klass.task, text) == wanted
    else:
        with pytest.raises(UsageError, match=wanted):
            listen_at(klass.course, klass.task, text)
        if text:
            assert klass.run("serve", "hw1", "--listen", text).exit_code == 2


def test_listening_elsewhere_wants_somebody_with_a_ticket(tmp_path):
    """An empty roster has none; and the open tier is served by nobody."""
    klass = SealedClass(tmp_path, students=0, server="https://class.example:8600")
    with pytest.raises(UsageError, match="the roster is empty"):
        listen_at(klass.course, klass.task, "0.0.0.0:8600")
    klass.course.assignments["hw2"] = assignment("hw2", ["01.tls"])
    klass.course.save()
    result = klass.run("serve", "hw2")
    assert result.exit_code == 2 and "open tier" in result.stderr


@pytest.mark.parametrize(
    "server",
    ["http://class.example:8600", "ftp://x", "https://", "https://a b", "https://x?y", "8600"],
)
def test_plain_http_is_for_this_machine_alone(server):
    """A ticket over it could be read by all in between."""
    with pytest.raises(UsageError):
        assignment("hw1", ["01.tls"], tier="sealed", server=server)


def test_over_tls_the_ticket_names_the_certificate(tmp_path):
    """Made once, pinned by every ticket: no authority is asked, and another certificate gets
    nothing, not even the ticket.
    """
    klass = SealedClass(tmp_path, server="https://localhost:8600")
    ticket = issue(klass.course, klass.task, "u001")
    address, mark, pin = ticket.server.partition(PIN)
    assert (address, mark) == ("https://localhost:8600", PIN)
    assert issue(klass.course, klass.task, "u002").server == ticket.server
    assert not stat.S_IMODE((klass.dir / "server.pem").stat().st_mode) & 0o077
    with klass.serving() as server:
        where = server.url
        assert where.startswith("https://")
        found = ask(server_address(where + PIN + pin), "/api/1/progress", f"Bearer {ticket.text}")
        assert list(found["exercises"]) == list(EXERCISES)
        other = server_address(where + PIN + "0" * 64)
        with pytest.raises(EvidenceError, match="another certificate than your ticket names"):
            ask(other, "/api/1/progress", f"Bearer {ticket.text}")
        with pytest.raises(SourceError):
            ask(server_address(where), "/api/1/progress", f"Bearer {ticket.text}")


def free_ports():
    """The first of some ports that were free a moment ago, above those that the system hands out
    for connections.
    """
    import random
    import socket

    for _ in range(50):
        first = random.randrange(61_000, 65_000)
        try:
            for port in range(first, first + 9):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    pytest.skip("no free ports here")


def test_a_machine_with_a_name_is_judged_under_it(tmp_path):
    """The name by which a student reaches the server is right for the marks too."""
    named = SealedClass(tmp_path).named("class.example")
    with named.serving(at=Listen("127.0.0.1", 0, "class.example", free_ports()), reach="127.0.0.1"):
        address = named.ask("lab", scenario="public")
        assert address["host"] == "class.example"
        authority = x509.load_pem_x509_certificate(address["page_ca"].encode())
        may = authority.extensions.get_extension_for_class(x509.NameConstraints).value
        assert x509.DNSName("class.example") in (may.permitted_subtrees or ())
        where = f"class.example:{address['port']}"
        line = named.key()["03.command"].replace("127.0.0.1", where)
        assert named.check("03.command", line)["status"] == RIGHT
    assert marks(named)["u001"]["03.command"] == "1"


def test_a_server_that_is_not_there_is_no_wrong_answer(klass):
    """Nothing was decided, and the lab says whom to ask."""
    klass.url = "http://127.0.0.1:9"
    with pytest.raises(SourceError, match="casnb class serve"):
        start("hw1", ticket=klass.ticket())


def test_released_notebooks_say_what_is_sealed(klass, tmp_path):
    """Every question is put by the server, tickets hold no seed, and nothing is handed in."""
    out = tmp_path / "release"
    assert klass.run("release", "hw1", "--out", out).exit_code == 0
    text = (out / "students" / "u001" / "hw1.ipynb").read_text()
    assert "Nothing is handed in" in text and "Hand in this file" not in text
    for id in EXERCISES:
        assert f'lab.task(\\"{id}\\")' in text
    assert seed_of(klass.course.key, "2026w", "hw1", "u001", "sealed") not in text
