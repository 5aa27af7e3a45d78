"""The audit log: each way to tamper with a real one has its exit code, and what a killed CAS
leaves is not a tampering.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError
from casnb.cas.attest import attest
from casnb.cas.audit import LogStatus, verify_log
from casnb.cas.audit_entries import Checkpoints, attested_binding, read_log
from casnb.cas.client import CasClient, CasRefusal
from casnb.cas.client_identity import ClientIdentity
from casnb.cas.trust import TrustStore
from casnb.cli.scone.main import scone
from casnb.simulator.server import audit_log as module
from casnb.simulator.server.audit_log import AuditLog, audit_key
from casnb.simulator.server.running import serve
from casnb.simulator.server.store import Store, Version
from casnb.simulator.world import World

SEED = f"audit {os.getpid()}"
POLICY = "name: {}\nversion: 0.3\n"


@pytest.fixture(scope="module")
def alice() -> ClientIdentity:
    return ClientIdentity.create()


@pytest.fixture(scope="module")
def world() -> World:
    return World(SEED)


@contextmanager
def cas(world, folder: Path, lenient, identity, mode="signed"):
    """A CAS with an audit log in `folder`, and a client that attested it."""
    with serve(world, state_dir=folder, audit_log=mode) as running:
        yield CasClient(
            attest(
                running.cas_addr, replace(lenient, mrenclaves=(world.mrenclave,)), roots=world.roots
            ),
            identity,
        )


def log(folder: Path) -> Path:
    return folder / "audit.jsonl"


def lines(folder: Path) -> list[bytes]:
    return log(folder).read_bytes().splitlines(keepends=True)


def judge(client: CasClient, data: bytes | Path, **more) -> LogStatus:
    raw = data.read_bytes() if isinstance(data, Path) else data
    return verify_log(raw, client.attested.chain.root, client.audit_checkpoints(), **more).status


@contextmanager
def asked(world, folder: Path, lenient, identity):
    with cas(world, folder, lenient, identity) as client:
        for n in range(4):
            client.create_session(POLICY.format(f"s{n}"))
        client.read_session("s0")
        client.create_session(
            POLICY.format("s0") + f"predecessor: {client.read_session('s0')[0]}\n"
        )
        yield client, folder


@pytest.fixture
def busy(world, tmp_path, lenient, alice):
    """A CAS that was asked for this and that, its client, and its folder."""
    with asked(world, tmp_path, lenient, alice) as found:
        yield found


@pytest.fixture(scope="module")
def kept(world, tmp_path_factory, lenient, alice):
    """The same, for tests that change nothing of it."""
    with asked(world, tmp_path_factory.mktemp("kept"), lenient, alice) as found:
        yield found


# What is written


def test_events_are_written_in_their_order(busy):
    """Switched on, started, attested, the example session, then what clients did: numbered from
    1, each after the one before.
    """
    client, folder = busy
    entries, remarks = read_log(log(folder).read_bytes())
    kinds = [e.kind for e in entries]
    assert kinds == [
        "audit_log_enabled",
        "cas_started",
        "audit_log_attestation_report",
        "session_created",
        *["session_created"] * 4,
        "session_read",
        "session_read",
        "session_updated",
    ]
    assert [e.number for e in entries] == list(range(1, 12)) and remarks == ()
    assert [e.predecessor for e in entries] == ["", *(e.signature for e in entries[:-1])]
    assert entries[-1].event == {
        "type": "session_updated",
        "session": "s0",
        "session_hash": client.read_session("s0")[0],
    }


def test_refusals_and_values_are_no_events(busy, lenient, world):
    """What was not done is not in the log, nor what anybody may read."""
    client, folder = busy
    before = log(folder).read_bytes()
    stranger = CasClient(client.attested, ClientIdentity.create())
    for refused in (
        lambda: stranger.read_session("s0"),
        lambda: client.create_session(POLICY.format("s0")),
    ):
        with pytest.raises(CasRefusal):
            refused()
    assert client.value("example_session", "example_value") == World(SEED).example_value
    assert log(folder).read_bytes() == before
    assert judge(client, log(folder)) is LogStatus.CORRECT


def test_nothing_is_written_unless_asked_for(world, tmp_path, lenient, alice):
    """By default there is no log, and nothing to ask for."""
    with cas(world, tmp_path, lenient, alice, "disabled") as client:
        client.create_session(POLICY.format("s"))
        with pytest.raises(CasRefusal):
            client.audit_checkpoints()
    assert not log(tmp_path).exists()


def test_a_log_goes_on_where_it_ended(world, tmp_path, lenient, alice):
    """Stopped, started, switched off and on again: one log, and each change is in it."""
    for mode in ("signed", "signed", "disabled", "signed"):
        with cas(world, tmp_path, lenient, alice, mode) as client:
            pass
    with cas(world, tmp_path, lenient, alice) as client:
        assert judge(client, log(tmp_path)) is LogStatus.CORRECT
        kinds = [e.kind for e in read_log(log(tmp_path).read_bytes())[0]]
    assert kinds.count("cas_exited") == 3 and kinds.count("cas_started") == 4
    assert [k for k in kinds if k.startswith("audit_log_") and "report" not in k] == [
        "audit_log_enabled",
        "audit_log_disabled",
        "audit_log_enabled",
    ]


def test_an_unsigned_log_proves_nothing(world, tmp_path, lenient, alice):
    """It can be read and not verified; a signed one does not go on in its file."""
    with cas(world, tmp_path, lenient, alice, "unsigned") as client:
        client.create_session(POLICY.format("s"))
        verdict = verify_log(
            log(tmp_path).read_bytes(), client.attested.chain.root, client.audit_checkpoints()
        )
        assert verdict.status is LogStatus.BROKEN and "not signed" in verdict.remarks[0]
        assert json.loads(lines(tmp_path)[-1])["event"]["session"] == "s"
    with cas(world, tmp_path, lenient, alice) as client:
        assert judge(client, log(tmp_path)) is LogStatus.CORRECT


# Each exit code, by tampering with a real log


def flip(data: bytes) -> bytes:
    return data.replace(b'"s2"', b'"s9"', 1)


_WIDE = {ord("0") + n: 0xFF10 + n for n in range(10)}


def repeated(data: bytes, n: int, spell: Callable[[str], str]) -> bytes:
    """One line once more, at the end, its signature spelled otherwise."""
    line = data.splitlines()[n]
    head, signature, rest = line[:-130], line[-130:-2].decode(), line[-2:]
    return data + head + spell(signature).encode() + rest + b"\n"


@pytest.mark.parametrize(
    "change, status",
    [
        pytest.param(lambda d: d, LogStatus.CORRECT, id="0 nothing"),
        pytest.param(lambda d: d[:-1], LogStatus.CORRECT, id="0 the last newline is gone"),
        pytest.param(flip, LogStatus.BROKEN, id="20 another name"),
        pytest.param(
            lambda d: d.replace(b'"sequence_number":4', b'"sequence_number":40', 1),
            LogStatus.BROKEN,
            id="20 another number",
        ),
        pytest.param(
            lambda d: d + d.splitlines(keepends=True)[-1], LogStatus.BROKEN, id="20 an event twice"
        ),
        pytest.param(
            lambda d: d.replace(b'":"s1"', b'": "s1"'), LogStatus.BROKEN, id="20 spelled otherwise"
        ),
        *(
            pytest.param(lambda d, n=n, f=f: repeated(d, n, f), LogStatus.BROKEN, id=f"20 {id}")
            for n in (-1, -2, 5)
            for id, f in (
                (f"event {n} again in capitals", str.upper),
                (f"event {n} again with a space", lambda s: s[:64] + " " + s[64:]),
                (f"event {n} again with a line end", lambda s: s + "\\n"),
                (f"event {n} again with full-width digits", lambda s: s.translate(_WIDE)),
            )
        ),
        pytest.param(lambda d: b"{}\n" + d, LogStatus.BROKEN, id="20 a line that is not an event"),
        pytest.param(lambda d: b"\n" + d, LogStatus.BROKEN, id="20 an empty line"),
        pytest.param(lambda d: b"\xff" * 100 + d, LogStatus.BROKEN, id="20 bytes"),
        pytest.param(lambda d: d + bytes(1000), LogStatus.BROKEN, id="20 zeros at the end"),
        pytest.param(lambda d: b"[[[[", LogStatus.BROKEN, id="20 nothing that a CAS wrote"),
        pytest.param(
            lambda d: b"".join(d.splitlines(keepends=True)[:5] + d.splitlines(keepends=True)[7:]),
            LogStatus.ROLLBACK_OR_MISSING,
            id="17 events in the middle are gone",
        ),
        pytest.param(
            lambda d: b"".join(d.splitlines(keepends=True)[1:]),
            LogStatus.OLD_MISSING,
            id="15 the first event is gone",
        ),
        pytest.param(
            lambda d: b"".join(d.splitlines(keepends=True)[:-3]),
            LogStatus.ROLLBACK_NOT_EXCLUDED,
            id="16 the last events are gone, and no checkpoint is near",
        ),
        pytest.param(
            lambda d: d[:-200], LogStatus.ROLLBACK_NOT_EXCLUDED, id="16 cut within the last line"
        ),
    ],
)
def test_tampering_is_told(kept, change, status):
    """Each kind by its own code."""
    client, folder = kept
    assert judge(client, change(log(folder).read_bytes())) is status


def test_14_recent_events_are_missing(world, tmp_path, lenient, alice, monkeypatch):
    """Where a checkpoint vouches for what is there, what is gone at the end is only that."""
    monkeypatch.setattr(module, "EVERY", 5)
    with cas(world, tmp_path, lenient, alice) as client:
        for n in range(8):
            client.create_session(POLICY.format(f"s{n}"))
        assert judge(client, log(tmp_path)) is LogStatus.CORRECT
        assert judge(client, b"".join(lines(tmp_path)[:10])) is LogStatus.RECENT_MISSING


def test_19_another_cas_wrote_it(kept, lenient, alice, tmp_path_factory):
    """A log that is whole, and somebody else's."""
    client, _ = kept
    folder = tmp_path_factory.mktemp("other")
    with cas(World(SEED + ", other"), folder, lenient, alice):
        pass
    assert judge(client, log(folder)) is LogStatus.FOREIGN


def test_18_the_database_was_set_back(world, tmp_path, lenient, alice):
    """An old copy of the database under a log that has gone on: what happened since was undone,
    and the log shows it.
    """
    with cas(world, tmp_path, lenient, alice) as client:
        client.create_session(POLICY.format("old"))
    shutil.copytree(tmp_path, tmp_path.with_name("kept"))
    with cas(world, tmp_path, lenient, alice) as client:
        for n in range(3):
            client.create_session(POLICY.format(f"undone{n}"))
    for name in ("cas.sqlite3", "cas.sqlite3-wal", "cas.sqlite3-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path.with_name("kept") / "cas.sqlite3", tmp_path / "cas.sqlite3")
    with cas(world, tmp_path, lenient, alice) as client:
        client.create_session(POLICY.format("new"))
        assert judge(client, log(tmp_path)) is LogStatus.ROLLBACK
        both = verify_log(log(tmp_path).read_bytes(), client.attested.chain.root, None)
        assert both.status is LogStatus.ROLLBACK, "two long branches say so without the CAS"


def test_10_an_operation_failed_after_it_was_written(busy, world):
    """The log has an event of which the database knows nothing; the next one takes its number,
    and all is well.
    """
    client, folder = busy
    with Store(folder / "cas.sqlite3", owner=_owner(world)) as store:
        audit = AuditLog(world, store, log(folder), "signed", lambda: world.now)
        with pytest.raises(ZeroDivisionError), store.writing() as transaction:
            transaction.append(Version("never", "00" * 32, None, "x"))
            audit.record(
                transaction,
                {"type": "session_created", "session": "never", "session_hash": "00" * 32},
            )
            raise ZeroDivisionError
    assert judge(client, log(folder)) is LogStatus.ROLLED_BACK_TRANSACTION, "right after it"
    client.create_session(POLICY.format("next"))
    assert judge(client, log(folder)) is LogStatus.ROLLED_BACK_TRANSACTION, (
        "and with another in its place"
    )
    assert [e.number for e in read_log(log(folder).read_bytes())[0]][-2:] == [12, 12]


def test_16_the_cas_cannot_be_asked(kept):
    """Without what the CAS remembers a whole log proves that nobody changed it, and not that it
    is the latest.
    """
    client, folder = kept
    assert (
        verify_log(log(folder).read_bytes(), client.attested.chain.root, None).status
        is LogStatus.ROLLBACK_NOT_EXCLUDED
    )


def _owner(world: World) -> str:
    from casnb.simulator.server.running import _owner as owner

    return owner(world)


# A killed CAS, a full disk, a long log


def test_a_torn_last_line_is_told_apart(busy, world):
    """Half an event at the end is none: it is remarked on, and the next event takes its place."""
    client, folder = busy
    whole = log(folder).read_bytes()
    log(folder).write_bytes(whole + whole.splitlines()[-1][:77])
    verdict = verify_log(
        log(folder).read_bytes(), client.attested.chain.root, client.audit_checkpoints()
    )
    assert verdict.status is LogStatus.CORRECT and "ends after 77 bytes" in verdict.remarks[0]
    client.create_session(POLICY.format("next"))
    assert (
        log(folder).read_bytes().startswith(whole)
        and judge(client, log(folder)) is LogStatus.CORRECT
    )


def test_no_event_no_deed(busy):
    """Where the log cannot be written nothing is done, the error says so, and later both go on."""
    client, folder = busy
    log(folder).rename(folder / "aside")
    log(folder).mkdir()
    with pytest.raises(CasRefusal, match=r"(?i)could not use its database.*directory"):
        client.create_session(POLICY.format("refused"))
    log(folder).rmdir()
    (folder / "aside").rename(log(folder))
    client.create_session(POLICY.format("refused"))
    assert judge(client, log(folder)) is LogStatus.CORRECT


def test_a_long_log_is_put_aside_in_parts(world, tmp_path, lenient, alice, monkeypatch):
    """Each part is verified for itself, told what it lies between; all together are one log."""
    monkeypatch.setattr(module, "FILE_LIMIT", 6_000)
    with cas(world, tmp_path, lenient, alice) as client:
        for n in range(30):
            client.create_session(POLICY.format(f"s{n}"))
        parts = [*sorted(tmp_path.glob("audit-*.jsonl")), log(tmp_path)]
        assert len(parts) > 2
        whole = b"".join(p.read_bytes() for p in parts)
        assert judge(client, whole) is LogStatus.CORRECT
        first, second = (read_log(p.read_bytes())[0] for p in parts[:2])
        known = client.audit_checkpoints()
        for part, before, last in (
            (parts[0], "", second[0].predecessor),
            (parts[1], first[-1].signature, second[-1].signature),
        ):
            verdict = verify_log(
                part.read_bytes(), client.attested.chain.root, known, predecessor=before, last=last
            )
            assert verdict.status is LogStatus.CORRECT, verdict.remarks
        assert judge(client, parts[0]) is LogStatus.RECENT_MISSING


# By evidence, and from the command line


def test_the_binding_is_the_documented_string(world):
    """With the space after the comma, over the key in hex."""
    import hashlib

    key = bytes(range(32))
    text = '{"type":"CasAuditLogSigningKey", "signing_key":"' + key.hex() + '"}'
    assert attested_binding(key) == hashlib.sha512(text.encode()).digest()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"last": {}}',
        b'{"last": {"sequence_number": 1, "signature": ""}}',
        *(
            strictjson.compact(
                {
                    "last": {"sequence_number": last, "signature": signature},
                    "checkpoints": [{"sequence_number": 1, "signature": "cd" * 64}],
                }
            )
            for last, signature in (
                (1, "ab" * 64),
                (-1, "ab" * 64),
                (1 << 63, "ab" * 64),
                (2, "AB" * 64),
                (2, "ab" * 63 + " a b"),
                (2, "ab"),
            )
        ),
    ],
)
def test_checkpoints_are_read_strictly(data):
    """What is no answer of a CAS is an error."""
    with pytest.raises(EvidenceError):
        Checkpoints.from_json(data)


@pytest.fixture(scope="module")
def command(kept, world, tmp_path_factory):
    """Run `scone cas ...` as somebody who attested this CAS; exit code, standard output,
    standard error.
    """
    client, folder = kept
    home = tmp_path_factory.mktemp("home")
    TrustStore(home / "config.json").add(client.attested)
    (home / "roots.pem").write_bytes(world.roots_pem)

    def run(*words: str) -> tuple[int, str, str]:
        roots = ("--simulated-roots", str(home / "roots.pem"))
        done = CliRunner().invoke(
            scone,
            [
                *("-c", str(home / "config.json"), "cas", *words),
                *(roots if words[0] == "attest-audit-log" else ()),
            ],
            env={"SCONE_CLI_RETRIES": "0"},
        )
        return done.exit_code, done.stdout, done.stderr

    return run, folder


def test_the_command_ends_with_the_status(command, tmp_path):
    """0 with the events printed, 20 with the line, 16 where the CAS is gone, 3 without a file."""
    run, folder = command
    code, out, _ = run("verify-audit-log", "-p", str(log(folder)))
    assert (
        code == 0
        and out.count("\n") == 12
        and "session_updated  session=s0" in out
        and "correct and complete" in out
    )
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(flip(log(folder).read_bytes()))
    code, out, err = run("verify-audit-log", str(bad))
    assert code == 20 and "broken" in out and "line 7" in err
    assert run("verify-audit-log", str(tmp_path / "none"))[0] == 3
    assert run("verify-audit-log", "--last", "zz", str(log(folder)))[0] == 2
    kept = tmp_path / "checkpoints.json"
    kept.write_text(
        json.dumps({"last": {"sequence_number": 1, "signature": "ab" * 64}, "checkpoints": []})
    )
    assert run("verify-audit-log", "--checkpoints-json", str(kept), str(log(folder)))[0] == 18


def test_a_log_is_attested_by_its_own_evidence(command, world):
    """The flags decide as they do for a CAS; evidence about another key, or a stricter policy,
    leaves the log foreign.
    """
    run, folder = command
    flags = (
        "-G",
        "--mrenclave",
        world.mrenclave,
        "--only_for_testing-ignore-signer",
        "--only_for_testing-debug",
    )
    code, _, err = run("attest-audit-log", str(log(folder)), *flags)
    assert (code, "is accepted with 3 waivers" in err) == (0, True), err
    code, _, err = run("attest-audit-log", str(log(folder)), "--mrenclave", world.mrenclave)
    assert code == 19 and "not trustworthy" in err
    wrong = (*flags[:2], "0" * 63 + "1", *flags[3:])
    assert run("attest-audit-log", str(log(folder)), *wrong)[0] == 19


def test_evidence_about_another_key_vouches_for_none(command, world, tmp_path):
    """A genuine report that names somebody else's key, signed into a log by who wants to pass
    for a CAS.
    """
    run, folder = command
    path = tmp_path / "forged.jsonl"
    path.write_bytes(forged(log(folder).read_bytes(), lambda event: None))
    code, _, err = run(
        "attest-audit-log",
        str(path),
        "-G",
        "--mrenclave",
        world.mrenclave,
        "--only_for_testing-ignore-signer",
        "--only_for_testing-debug",
    )
    assert code == 19 and "about another key" in err
    assert run("verify-audit-log", str(path))[0] == 19


def forged(data: bytes, change: Callable[[dict], None]) -> bytes:
    """The whole log written again by who wants to pass for a CAS; `change` bends each event."""
    mallory, before, out = audit_key(World("mallory")), "", b""
    for row in map(json.loads, data.splitlines()):
        entry = {
            **row,
            "predecessor": before,
            "signing_key": mallory.public_key().public_bytes_raw().hex(),
        }
        del entry["signature"]
        change(entry["event"])
        before = mallory.sign(strictjson.compact(entry)).hex()
        out += strictjson.compact({**entry, "signature": before}) + b"\n"
    return out


def set_at(path: tuple[str, ...], value: object) -> Callable[[dict], None]:
    def change(event: dict) -> None:
        place = event
        for name in path[:-1]:
            place = place.get(name, {})
        if path[-1] in place:
            place[path[-1]] = value

    return change


#: What no reader may take for a defect of its own.
_HOSTILE = (
    None,
    True,
    0,
    -1,
    1 << 70,
    1.5,
    "",
    "\u202e",
    "A" * 4000,
    [],
    [[]],
    [1, 2],
    {},
    {"": {}},
)


@pytest.mark.parametrize("value", _HOSTILE, ids=lambda v: str(v)[:12])
def test_hostile_events_leave_a_log_foreign(command, world, tmp_path, value):
    """Whatever stands where evidence or certificates should, a stranger's log is a stranger's."""
    run, folder = command
    path = tmp_path / "forged.jsonl"
    data = log(folder).read_bytes()
    proof = next(
        row["event"]["proof_data"]
        for row in map(json.loads, data.splitlines())
        if "proof_data" in row["event"]
    )
    places = [("certificate_chain",), ("proof_data",), *(("proof_data", n) for n in proof)]
    for place in places:
        path.write_bytes(forged(data, set_at(place, value)))
        for words in (("attest-audit-log", str(path), "-G"), ("verify-audit-log", str(path))):
            code, out, err = run(
                *words, *(("--mrenclave", world.mrenclave) if "-G" in words else ())
            )
            assert code == 19 and "defect" not in err, (place, value, out, err)


def test_a_log_that_cannot_be_opened_stops_the_start(world, tmp_path, lenient, alice):
    """A CAS that shall keep a log and cannot does not run."""
    log(tmp_path).mkdir()
    with (
        pytest.raises(SourceError, match="audit log"),
        serve(world, state_dir=tmp_path, audit_log="signed"),
    ):
        pass
