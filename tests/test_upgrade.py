"""What casnb 0.1.0 left on a reader's machine, as it wrote it: it is read by this version."""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256

from casnb import __version__
from casnb.cas.attest import attest
from casnb.cas.trust import TrustStore
from casnb.cli.copies import lay_out
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.store import Store, Version
from casnb.simulator.world import World
from casnb.teach.course.answer_json import world_id
from casnb.teach.course.feedback import RIGHT, Feedback
from casnb.teach.course.progress_file import ProgressFile

PROGRESS = {
    "format": "casnb progress 1",
    "exercises": {
        "03.gain": {"status": "not yet", "tries": 0, "hints": 1, "codes": [], "at": ""},
        "03.minimal-flags": {
            "status": "right",
            "tries": 2,
            "hints": 0,
            "codes": ["other"],
            "at": "2026-11-23T18:00:00Z",
        },
        "03.gone": {"status": "right", "tries": 1, "hints": 0, "codes": [], "at": ""},
    },
}
STORE = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, hash TEXT"
    " NOT NULL, predecessor TEXT NOT NULL, text TEXT NOT NULL, generated TEXT NOT NULL,"
    " UNIQUE (name, hash), UNIQUE (name, predecessor))",
    "INSERT INTO facts VALUES ('owner', 'me')",
    "INSERT INTO sessions VALUES (1, 's', 'a', '', 'text of a', '{\"pin\": \"1234\"}')",
    "PRAGMA user_version = 1",
)


def test_progress_is_kept(tmp_path):
    """Progress of 0.1.0 is that of the lessons' own world: nothing is moved aside, the next answer
    is added to it, and what it had no word for is empty.
    """
    path = tmp_path / "progress.json"
    path.write_text(json.dumps(PROGRESS, indent=1))
    file = ProgressFile(path)
    entries, note = file.load()
    assert note == "" and set(entries) == {"03.gain", "03.minimal-flags"}
    kept = entries["03.minimal-flags"]
    assert (kept.status, kept.tries, kept.codes) == (RIGHT, 2, ("other",))
    assert (kept.solutions, kept.answer, entries["03.gain"].hints) == (0, None, 1)
    assert file.record(Feedback("03.gain", RIGHT, "right")) == ""
    assert file.load()[0]["03.minimal-flags"] == kept
    assert [p.name for p in tmp_path.iterdir()] == ["progress.json"]
    other = ProgressFile(path, world_id("another", "public"))
    assert other.load() == ({}, "")


def test_damaged_progress_of_0_1_0_is_no_progress(tmp_path):
    """Counters out of bounds are moved aside, as in a file of today."""
    path = tmp_path / "progress.json"
    body = json.loads(json.dumps(PROGRESS))
    body["exercises"]["03.gain"]["hints"] = -1
    path.write_text(json.dumps(body))
    assert "moved" in ProgressFile(path).load()[1]


def test_a_pin_is_kept(tmp_path):
    """A CAS that 0.1.0 attested is still trusted as far as it was, and says what it does not know:
    0.1.0 wrote neither what was not asked nor which time was judged.
    """
    world = World("upgrade", "public")
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,)).with_flags(
        "-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug"
    )
    report = world.attest(world.setup.evidence[0])
    pinned = attest("127.0.0.1", policy, roots=world.roots, now=world.now, report=report)
    store = TrustStore(tmp_path / "cas" / "config.json")
    store.add(pinned)
    body = json.loads(store.path.read_text())
    for name in ("not_asked", "judged_at", "simulated"):
        del body["cas_db"]["127.0.0.1"]["casnb"][name]
    store.path.write_text(json.dumps(body, indent=2))
    found = TrustStore(store.path).get()
    assert found.chain.to_pem() == pinned.chain.to_pem() and found.waivers == pinned.waivers
    assert "What was not asked is not recorded" in found.sentence


def test_the_state_of_a_cas_is_kept(tmp_path):
    """Sessions that a simulated CAS of 0.1.0 stored are there, with their generated values, and
    their history goes on.
    """
    path = tmp_path / "cas.sqlite3"
    connection = sqlite3.connect(path)
    for statement in STORE:
        connection.execute(statement)
    connection.commit()
    connection.close()
    with Store(path, owner="me") as store:
        with store.reading() as transaction:
            assert transaction.current("s") == Version("s", "a", None, "text of a", {"pin": "1234"})
        with store.writing() as transaction:
            transaction.append(Version("s", "b", "a", "text of b"))
        with store.reading() as transaction:
            assert transaction.history("s") == ["a", "b"]


def test_edited_notebooks_are_kept(tmp_path):
    """Over a folder that 0.1.0 laid out: an edited notebook stays byte for byte, one that was not
    touched is brought up to date, and what 0.1.0 put beside stays.
    """
    folder = tmp_path / "lab"
    folder.mkdir()
    old = {"00-start-here.ipynb": "{}", "03-attest-and-flags.ipynb": '{"old": 1}'}
    for name, text in old.items():
        (folder / name).write_text(text)
    record = {name: sha256(text.encode()).hexdigest() for name, text in old.items()}
    (folder / ".casnb-laid-out.json").write_text(json.dumps(record, indent=2))
    (folder / "03-attest-and-flags.ipynb").write_text("mine")
    (folder / "02-decode-the-report.new.ipynb").write_text("beside")
    lay_out(folder)
    assert (folder / "03-attest-and-flags.ipynb").read_text() == "mine"
    assert (folder / "02-decode-the-report.new.ipynb").read_text() == "beside"
    updates = folder / "updates" / __version__
    assert [p.name for p in updates.iterdir()] == ["03-attest-and-flags.ipynb"]
    shown = json.loads((folder / "00-start-here.ipynb").read_text())
    assert shown["nbformat"] == 4
    new = (updates / "03-attest-and-flags.ipynb").read_text()
    assert "](../../04-use-the-certificate.ipynb)" in new
    assert (updates / "../../04-use-the-certificate.ipynb").is_file()
