"""Hand-ins that go through an attested CAS: what is waived on the way, and what a grader says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

from casnb.base.errors import CasnbError, PolicyError, UsageError
from casnb.cas import ClientIdentity
from casnb.classroom.class_cas import notice, seed_of_cas
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.running import serve
from casnb.simulator.world import World
from casnb.teach.course.answer_json import Answer, world_id
from casnb.teach.course.attested_hand_in import session_name
from casnb.teach.course.progress import Progress, receipt
from casnb.teach.handing_in import ClassNotice, hand_in

THREE = ("-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug")


@pytest.fixture
def room(klass, tmp_path):
    """A class with its CAS, and Mallory's beside it: a debug enclave under the same roots."""
    (tmp_path / "class-cas.json").write_text(notice(klass.course))
    klass.notice = ClassNotice.from_file(tmp_path / "class-cas.json")
    seed = seed_of_cas(klass.course)
    klass.cas_world = World(seed, "production")
    with (
        serve(klass.cas_world, address="127.0.0.1", port=0) as own,
        serve(World(seed, "public"), address="127.0.0.1", port=0) as hers,
    ):
        klass.cas, klass.mallory = (f"{s.host}:{s.cas_port}" for s in (own, hers))
        yield klass


def sent(klass, student: str, address: str, *flags: str, path=None, answers=None, me=None):
    """Hand in a student's answers, the right ones unless given, as `lab.hand_in` does."""
    seed = klass.seed(student)
    from casnb.teach.course import exercises
    from casnb.teach.course.answers import plain

    given = klass.key(student) if answers is None else answers
    made = {
        id: Answer(id, plain(a), world_id(seed, exercises.exercise(id).scenarios[0]))
        for id, a in given.items()
    }
    body = receipt(Progress({}), made, chapter="hw1", world="0" * 32, scenario="public")
    world = klass.cas_world
    policy = AttestationPolicy(
        mrenclaves=(world.mrenclave,), expected_signer=world.vendor
    ).with_flags(*flags)
    who = me or ClientIdentity.create()
    return hand_in(body, session_name("hw1", seed), address, policy, klass.notice, who, path)


def in_folder(klass, student: str):
    path = klass.folder / "in" / student / "hw1.json"
    path.parent.mkdir(parents=True)
    return path


#: What a student does: whose CAS, flags, what is said in the row, and the status in JSON.
WAYS = {
    "strictly": ("cas", (), "nothing was waived", "attested"),
    "with flags that the class's CAS does not need": (
        "cas",
        THREE,
        "nothing was waived",
        "attested",
    ),
    "to Mallory, with the three flags": ("mallory", THREE, "attested with waivers", "waived"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_row_says_how_the_answers_came(room, way):
    """By the evidence, judged again: never `attested` where a check was waived. Points are the
    same.
    """
    whose, flags, says, status = WAYS[way]
    said = sent(room, "u001", getattr(room, whose), *flags, path=in_folder(room, "u001"))
    assert ("waivers" in said.sentence) == (status == "waived")
    if status == "waived":
        assert "can have read every answer" in said.sentence
    row = room.grade().rows["u001"]
    assert says in row["notes"] and row["points"] == "14"
    marks = json.loads(room.run("grade", "hw1", room.folder / "in", "--json").stdout)["marks"]
    assert marks[0]["attested"] == status and marks[1]["attested"] is None


def test_without_the_flags_mallory_gets_nothing(room, tmp_path):
    """The attestation fails, nothing is created, nothing written."""
    with pytest.raises(PolicyError):
        sent(room, "u001", room.mallory, path=tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def changed(body, **members):
    return {**body, **members}


def other_answers(body, other):
    return changed(body, receipt=other["receipt"])


#: What is done to an attested hand-in afterwards: (change, what is said).
LIES = {
    "a neighbour's report for one's own answers": (other_answers, "not attested: nonce"),
    "no report": (lambda b, o: changed(b, report=""), "not attested: "),
    "a damaged report": (
        lambda b, o: changed(b, report=base64.b64encode(b'{"a": 1}').decode()),
        "not attested: ",
    ),
    "words of another command": (
        lambda b, o: changed(b, report=o["report"], policy=["--rm", "-rf"]),
        "not attested: ",
    ),
    "a status of one's own": (lambda b, o: changed(b, status="attested"), "nothing was waived"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_the_file_says_of_itself_counts_for_nothing(room, lie):
    """The nonce ties the report to these answers, and the report to the class's CAS."""
    change, says = LIES[lie]
    mine, theirs = in_folder(room, "u001"), in_folder(room, "u002")
    sent(room, "u001", room.cas, path=mine)
    sent(room, "u002", room.cas, path=theirs)
    body, other = json.loads(mine.read_text()), json.loads(theirs.read_text())
    mine.write_text(json.dumps(change(body, other)))
    row = room.grade().rows["u001"]
    assert says in row["notes"], row
    if "not attested" in says:
        assert "attested: this is" not in row["notes"]


#: Files that are no attested hand-in, though they say so.
DAMAGED = {
    "policy of numbers": {"policy": [1]},
    "no base64": {"report": "%%%"},
    "a large report": {"report": base64.b64encode(bytes(300_000)).decode()},
    "no receipt": {"receipt": {}},
    "a list for a receipt": {"receipt": []},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_one_is_a_row(klass, case):
    """Not judged, with a reason, and the others are."""
    body = {"format": "casnb attested hand-in 1", "receipt": {}, "report": "", "policy": []}
    klass.hand_in("u001/hw1.json", body | DAMAGED[case])
    klass.hand_in("u002/hw1.ipynb", klass.notebook("u002"))
    found = klass.grade()
    assert found.code == 3 and found.rows["u001"]["points"] == ""
    assert found.rows["u002"]["points"] == "14"


def test_a_second_file_that_was_not_sealed_makes_it_not_attested(room):
    """Answers that came another way are not covered by the seal."""
    sent(room, "u001", room.cas, path=in_folder(room, "u001"))
    room.hand_in("u001/late.ipynb", room.notebook("u001"))
    marks = json.loads(room.run("grade", "hw1", room.folder / "in", "--json").stdout)["marks"]
    assert marks[0]["attested"] == "not attested"


def test_the_teacher_collects_what_is_in_the_cas(room):
    """Attested strictly, read with the teacher's key, graded as data; whoever put nothing there is
    counted; another CAS is refused.
    """
    sent(room, "u001", room.cas)
    sent(room, "u002", room.cas)
    out = room.folder / "collected"
    result = room.run("collect", "hw1", "--address", room.cas, "--out", out)
    assert result.exit_code == 3 and "2 collected" in result.stderr, result.output
    found = room.grade(out)
    assert [found.rows[s]["points"] for s in ("u001", "u002")] == ["14", "14"]
    assert "nothing was waived" in found.rows["u001"]["notes"]
    other = room.run("collect", "hw1", "--address", room.mallory, "--out", room.folder / "no")
    assert other.exit_code == 1 and not (room.folder / "no").exists()


def test_handing_in_again_is_an_update(room):
    """The last one counts, and the session has a history."""
    me = ClientIdentity.create()
    first = sent(room, "u001", room.cas, me=me)
    again = sent(room, "u001", room.cas, me=me, answers={"01.tls": "z"})
    assert first.session == again.session and first.hash != again.hash
    room.run("collect", "hw1", "--address", room.cas, "--out", room.folder / "out")
    assert room.grade(room.folder / "out").rows["u001"]["points"] == "0"


def test_nobody_else_reads_it_or_takes_its_name(room):
    """A neighbour knows neither the name nor a key that may read."""
    from casnb.cas import AttestedCas, CasClient, CasRefusal, attempt

    said = sent(room, "u001", room.cas)
    assert said.session == session_name("hw1", room.seed("u001"))
    assert said.session != session_name("hw1", room.seed("u002"))
    world = room.cas_world
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    cas = AttestedCas.from_attempt(attempt(room.cas, policy, roots=world.roots))
    with pytest.raises(CasRefusal):
        CasClient(cas, ClientIdentity.create()).read_session(said.session)


def test_a_lab_hands_in_its_answers_and_only_with_a_ticket(room, tmp_path, monkeypatch):
    """`lab.hand_in` in an assignment's lab; in the practice world nobody could say whose it is."""
    from casnb.classroom.tickets import issue
    from casnb.teach import start

    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    lab = start("hw1", ticket=issue(room.course, room.task, "u003").text)
    lab.check("01.tls", room.key("u003")["01.tls"])
    world = room.cas_world
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    told = {"notice": tmp_path / "class-cas.json", "path": in_folder(room, "u003")}
    assert "Nothing was waived" in str(lab.hand_in(room.cas, policy, **told))
    row = room.grade().rows["u003"]
    assert row["01.tls"] == "1" and "nothing was waived" in row["notes"]
    lab.close()
    practice = start("01")
    with pytest.raises(UsageError, match="ticket"):
        practice.hand_in(room.cas, policy, **told)
    practice.close()


def test_a_notice_that_is_none_is_refused(tmp_path):
    """Another file, or another format."""
    path = tmp_path / "x.json"
    for text in ("{}", "[]", '{"format": "x", "roots": "", "reader": ""}'):
        path.write_text(text)
        with pytest.raises(CasnbError):
            ClassNotice.from_file(path)


@pytest.mark.scripts
def test_the_command_runs_it_and_tells_nobody_its_seed(klass, tmp_path):
    """Address and MRENCLAVE on standard output; the seed, from which reports could be forged, is in
    nothing that it prints or writes for others.
    """
    words = [sys.executable, "-u", "-m", "casnb.cli.main", "class", "cas", "--port", "0"]
    words += ["--notice", str(tmp_path / "n.json"), "--course", str(klass.dir)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        lines = []
        for line in run.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        run.terminate()
        lines.append(run.stdout.read())
        assert run.wait() == 0, lines
    told = "".join(lines)
    seed = seed_of_cas(klass.course)
    assert World(seed, "production").mrenclave in told and "address" in told
    assert seed not in told and seed not in (tmp_path / "n.json").read_text()
    assert all(seed.encode() not in p.read_bytes() for p in klass.dir.rglob("*") if p.is_file())
    if os.name == "posix":
        assert (klass.dir / "cas" / "reader.pem").stat().st_mode & 0o077 == 0
        assert (klass.dir / "cas").stat().st_mode & 0o077 == 0
