"""The trust file: what it remembers, what it refuses, and that nothing in it is lost."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from casnb.base.errors import CasnbError, EvidenceError, PolicyError, SourceError, UsageError
from casnb.cas import trust as module
from casnb.cas.attest import AttestedCas, Waiver, attest
from casnb.cas.client_identity import ClientIdentity
from casnb.cas.trust import TrustStore
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.keys import certificate
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain


def pin(name: str, world: World, *flags: str) -> AttestedCas:
    """Return a pin made offline from a report of the world."""
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    policy = policy.with_flags(
        *(flags or ("-G", "only_for_testing-ignore-signer", "only_for_testing-debug"))
    )
    return attest(
        name, policy, roots=world.roots, now=world.now, report=world.attest(world.setup.evidence[0])
    )


@pytest.fixture(scope="module")
def cas(public) -> AttestedCas:
    return pin("127.0.0.1", public)


@pytest.fixture(scope="module")
def production() -> AttestedCas:
    world = World("trust file", "production")
    policy = AttestationPolicy(expected_signer=world.vendor)
    return attest(
        "127.0.0.2:9000",
        policy,
        roots=world.roots,
        now=world.now,
        report=world.attest("DCAP"),
    )


@pytest.fixture
def store(tmp_path) -> TrustStore:
    return TrustStore(tmp_path / "cas" / "config.json")


@pytest.fixture
def filled(store, cas, production) -> TrustStore:
    """A store with two CASes."""
    store.add(cas)
    store.add(production)
    return store


def parsed(store: TrustStore) -> dict:
    return json.loads(store.path.read_bytes())


def left_over(store: TrustStore) -> list[str]:
    """Names in the store's folder beside the file and its lock."""
    return sorted(
        p.name
        for p in store.path.parent.iterdir()
        if p.name not in {"config.json", "config.json.lock"}
    )


# What it remembers


def test_reload(filled, cas, production):
    """A pin comes back as it was stored, waivers, time, evidence and roots included."""
    assert filled.get("127.0.0.1") == cas and filled.get("127.0.0.2:9000") == production
    assert filled.names() == ("127.0.0.1", "127.0.0.2:9000")
    again = TrustStore(filled.path)
    assert again.get("127.0.0.1").waivers == (
        Waiver("tcb-status", "-G"),
        Waiver("debug", "--only_for_testing-debug"),
        Waiver("mrsigner", "--only_for_testing-ignore-signer"),
    )


def test_waivers_are_said_again(filled):
    """Whoever loads a pin, or lists them, reads under which conditions it was accepted."""
    sentence = filled.get("127.0.0.1").sentence
    assert (
        "with waivers (tcb-status by -G, debug by --only_for_testing-debug" in sentence
        and "must not hold secrets" in sentence
    )
    assert "nothing was waived" in filled.get("127.0.0.2:9000").sentence
    for shown in filled._repr_mimebundle_().values():
        assert "must not hold secrets" in shown and "nothing was waived" in shown


def test_the_first_is_the_default(filled, cas):
    """The first CAS attested stays the default until another one is named."""
    assert filled.default == "127.0.0.1" and filled.get() == cas
    filled.set_default("127.0.0.2:9000")
    assert filled.default == filled.get().name == "127.0.0.2:9000"


def test_attesting_again_renews_the_pin(filled, cas, public):
    """The newest attestation of the same CAS counts, and the pin that stood there comes back;
    the others stay.
    """
    newer = pin(
        "127.0.0.1",
        public,
        "-G",
        "-C",
        "only_for_testing-ignore-signer",
        "only_for_testing-debug",
    )
    assert filled.add(newer) == cas and filled.get("127.0.0.1") == newer
    assert filled.add(pin("127.0.0.9", public)) is None
    assert len(filled.names()) == 3 and filled.default == "127.0.0.1"


def test_a_changed_root_key_is_refused(filled, cas, other):
    """Another root key under the same name never takes the pin's place by itself: both hashes,
    what it may mean, what to do.
    """
    before = filled.path.read_bytes()
    changed = pin("127.0.0.1", other)
    with pytest.raises(PolicyError) as caught:
        filled.add(changed)
    for part in (
        cas.chain.key_hashes[0],
        changed.chain.key_hashes[0],
        "attested 2026-09-01",
        "set up again",
        "another instance",
        "somebody else's",
        "scone cas attest -c HASH",
        "replace=True",
    ):
        assert part in str(caught.value)
    assert filled.path.read_bytes() == before and "also waives" not in str(caught.value)
    assert filled.add(changed, replace=True) == cas
    assert filled.get("127.0.0.1").chain.to_pem() == other.cas_chain_pem


def test_a_changed_key_on_weaker_grounds(filled, public):
    """Where the new attestation waives what the old one did not, the refusal says which checks."""
    with pytest.raises(PolicyError, match="also waives debug, mrsigner, tcb-status"):
        filled.add(pin("127.0.0.2:9000", public))


def test_an_update_is_no_change_of_identity(filled, public):
    """A new instance key under the same root, as an update brings, is stored."""
    key = ec.generate_private_key(ec.SECP256R1())
    old = public.cas_instance.cert
    made = certificate(
        old.subject,
        key,
        public.cas_root,
        77,
        (old.not_valid_before_utc, old.not_valid_after_utc),
        [(x509.BasicConstraints(True, None), True)],
    )
    updated = replace_chain(filled.get("127.0.0.1"), made.cert_pem + public.cas_root.cert_pem)
    assert filled.add(updated).chain.to_pem() == public.cas_chain_pem
    assert filled.get("127.0.0.1").chain.to_pem() == made.cert_pem + public.cas_root.cert_pem


def replace_chain(old: AttestedCas, chain: bytes) -> AttestedCas:
    """The pin with other certificates."""
    names = [f.name for f in fields(old) if f.name not in ("chain", "seal")]
    members = {n: getattr(old, n) for n in names}
    return AttestedCas._reloaded(**members, chain=CasChain.from_pem(chain))


def test_how_it_was_obtained_is_said_whole(filled, cas):
    """A pin that is loaded says when, with which waivers, by which evidence and under whose
    roots it was obtained.
    """
    memory = filled.get("127.0.0.1").memory
    for part in (cas.sentence, f"SHA-256 {cas.evidence_sha256}", "IASReport under", cas.roots):
        assert part in memory
    assert len(cas.evidence_sha256) == 64


def test_addresses_are_kept_as_typed(store, public):
    """A host alone, with its port and as a URL are three entries, as in the SCONE CLI."""
    names = ("localhost", "localhost:8081", "https://localhost:8081")
    for name in names:
        store.add(pin(name, public))
    assert store.names() == names
    assert {store.get(n).url for n in names} == {"https://localhost:8081/"}


def test_the_form_is_the_scone_clis(filled, cas):
    """Members and their order are those that scripts read with jq."""
    found = parsed(filled)
    assert list(found) == ["default_cas", "identity", "cas_db"]
    entry = found["cas_db"]["127.0.0.1"]
    assert (
        list(entry) == ["url", "chain", "ias_report", "casnb"]
        and entry["chain"].encode() == cas.chain.to_pem()
    )
    assert list(entry["ias_report"]) == [
        "request_id",
        "report_signature",
        "signing_certificate",
        "advisory_url",
        "advisory_ids",
        "body",
    ]
    assert "ias_report" not in found["cas_db"]["127.0.0.2:9000"]
    text = filled.path.read_text()
    assert text.endswith("}\n") and "%" not in found["identity"] and text.count('"identity"') == 1


def test_a_stored_report_can_be_judged_again(filled, public):
    """What was accepted is kept whole: the IAS report in the file verifies as it did."""
    from casnb.evidence.avr import SignedAvr, decode_base64
    from casnb.verify.ias import verify_avr

    report = parsed(filled)["cas_db"]["127.0.0.1"]["ias_report"]
    signature = decode_base64(report["report_signature"], "x")
    signed = SignedAvr(report["body"].encode(), signature, report["signing_certificate"].encode())
    assert verify_avr(signed, roots=public.roots, now=public.now).genuine


def test_real_entry_of_another_program(vectors, tmp_path):
    """A file of the SCONE CLI of 2020 is read; that its waivers are unknown is said, and it is
    kept when others are added.
    """
    file = tmp_path / "config.json"
    file.write_bytes((vectors / "cas-attest" / "cli-config-cas_db-2020.json").read_bytes())
    before = json.loads(file.read_bytes())["cas_db"]["mycas"]
    store = TrustStore(file)
    found = store.get("mycas")
    assert (found.url, found.waivers, found.proof_type) == (
        "https://mycas:8081/",
        None,
        "IASReport",
    )
    assert (
        found.sentence
        == "CAS mycas was attested by another program: which checks were waived, and what was"
        " not asked, is not recorded."
    )
    assert "unknown waivers" in repr(found) and "not recorded" in str(found)
    store.set_default("mycas")
    assert parsed(store)["cas_db"]["mycas"] == before


def test_unknown_members_are_kept(filled, cas):
    """What newer programs wrote stays where it was: in the file, in other entries, and in an
    entry that is replaced.
    """
    found = parsed(filled)
    found["session_signing_keypair_ed25519_seed"] = [1, {"two": None}]
    for name in found["cas_db"]:
        found["cas_db"][name]["newer"] = {"x": "\N{SNOWMAN}"}
    filled.path.write_text(json.dumps(found))
    filled.add(cas)
    after = parsed(filled)
    assert after["session_signing_keypair_ed25519_seed"] == [1, {"two": None}]
    assert [entry["newer"] for entry in after["cas_db"].values()] == [{"x": "\N{SNOWMAN}"}] * 2
    assert after == found


def test_a_proof_of_another_kind_leaves_no_old_report(filled):
    """An address whose CAS now shows a DCAP quote keeps no IAS report of another enclave."""
    world = World("trust file", "dcap-debug")
    filled.add(pin("127.0.0.1", world), replace=True)
    assert "ias_report" not in parsed(filled)["cas_db"]["127.0.0.1"]


def test_where_the_file_is(monkeypatch, tmp_path):
    """SCONE_CLI_CONFIG names it, else it is in the home folder; an argument wins."""
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(tmp_path / "here.json"))
    assert (
        TrustStore().path == tmp_path / "here.json"
        and TrustStore(tmp_path / "x").path == tmp_path / "x"
    )
    monkeypatch.delenv("SCONE_CLI_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert (
        TrustStore().path == tmp_path / ".cas" / "config.json"
        and TrustStore("~/c.json").path == tmp_path / "c.json"
    )


@pytest.mark.parametrize("name", ["127.0.0.1:8081", "LOCALHOST", "", None, "mycas"])
def test_never_attested(store, public, name):
    """An address is looked up as typed; one that is not there is a wrong call that says what is."""
    if name is not None:
        store.add(pin("127.0.0.1", public))
    with pytest.raises(UsageError, match="not attested"):
        store.get(name)
    with pytest.raises(UsageError, match="not attested"):
        store.set_default(name or "nobody")


# The file itself


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_nobody_else_may_read_it(store, cas):
    """Mode 0600 from the first moment on, also where an older file was open to all; a new folder
    is 0700.
    """
    store.identity()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    store.path.chmod(0o644)
    store.add(cas)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_the_temporary_file_is_closed_to_others_too(store, cas, monkeypatch):
    """While it is being written nobody else may read the key, whatever the umask."""
    modes = []
    real = os.fsync

    def fsync(handle):
        modes.append(os.fstat(handle).st_mode)
        real(handle)

    old = os.umask(0)
    try:
        monkeypatch.setattr(os, "fsync", fsync)
        store.add(cas)
    finally:
        os.umask(old)
    assert stat.S_IMODE(modes[0]) == 0o600 and stat.S_ISREG(modes[0])


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_a_link_stays_a_link(tmp_path, cas):
    """A configuration that is a link to elsewhere is replaced there."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "config.json"
    link.symlink_to(tmp_path / "real" / "c.json")
    TrustStore(link).add(cas)
    assert link.is_symlink() and TrustStore(tmp_path / "real" / "c.json").get() == cas


def test_readers_see_the_old_or_the_new_file(filled, cas):
    """While another thread writes again and again, a reader never finds half a file or none."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            filled.add(cas)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(150):
            assert TrustStore(filled.path).names() == ("127.0.0.1", "127.0.0.2:9000")
    finally:
        stop.set()
        thread.join(10)


_ADDER = """
import sys
sys.path.insert(0, sys.argv[1])
from test_trust import World, TrustStore, pin
store, world = TrustStore(sys.argv[2]), World(sys.argv[3])
pins = [pin(f"127.0.{ord(sys.argv[3])}.{n}", world) for n in range(12)]
print("ready", flush=True)
sys.stdin.readline()
for one in pins:
    store.add(one)
print(store.identity().key_hash)
"""


def test_processes_at_once_lose_nothing(store):
    """Three processes that add a dozen CASes each leave all 36, one identity, and one of the
    first as the default.
    """
    words = [sys.executable, "-c", _ADDER, str(Path(__file__).parent), str(store.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([*words, seed], **pipes) for seed in ("a", "b", "c")]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    said = set()
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        said.add(process.communicate(timeout=120)[0].strip())
        assert process.returncode == 0
    first = {f"127.0.{ord(seed)}.0" for seed in "abc"}
    wanted = {f"127.0.{ord(seed)}.{n}" for seed in "abc" for n in range(12)}
    assert set(store.names()) == wanted and len(store.names()) == 36
    assert said == {store.identity().key_hash}
    assert store.default in first and not left_over(store)


def test_a_lock_that_is_never_given_back(filled, cas, monkeypatch):
    """Another process that holds the lock is waited for, not forever; reading needs no lock."""
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.1)
    before = filled.path.read_bytes()
    with filled._locked():
        with pytest.raises(SourceError, match="a lock that another process holds"):
            filled.add(cas)
        assert filled.get() == cas
    assert filled.path.read_bytes() == before
    filled.add(cas)


# Nothing is lost


def fail(number):
    def call(*_, **__):
        raise OSError(number, os.strerror(number))

    return call


def a_little(monkeypatch):
    """Let two writes through, then the disk is full."""
    real, calls = os.write, []

    def write(handle, data):
        calls.append(1)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, bytes(data)[:100])

    monkeypatch.setattr(os, "write", write)


TROUBLE = [
    pytest.param(
        lambda m: m.setattr(os, "write", fail(errno.ENOSPC)),
        "No space left",
        id="disk full at the first byte",
    ),
    pytest.param(a_little, "No space left", id="disk full in the middle"),
    pytest.param(
        lambda m: m.setattr(os, "fsync", fail(errno.ENOSPC)),
        "No space left",
        id="disk full at fsync",
    ),
    pytest.param(
        lambda m: m.setattr(os, "fsync", fail(errno.EIO)), "nput/output error", id="disk broken"
    ),
    pytest.param(
        lambda m: m.setattr(tempfile, "mkstemp", fail(errno.EACCES)),
        "Permission denied",
        id="folder not writable",
    ),
    pytest.param(
        lambda m: m.setattr(tempfile, "mkstemp", fail(errno.EROFS)),
        "Read-only",
        id="file system read-only",
    ),
    pytest.param(
        lambda m: m.setattr(Path, "replace", fail(errno.EPERM)),
        "not permitted",
        id="file cannot be replaced",
    ),
    pytest.param(
        lambda m: m.setattr(os, "open", fail(errno.EACCES)),
        "Permission denied",
        id="lock cannot be made",
    ),
]


@pytest.mark.parametrize(("trouble", "told"), TROUBLE)
def test_trouble_leaves_the_old_file(filled, cas, other, monkeypatch, trouble, told):
    """The old file stands byte for byte, nothing half-written is left, and the error says so in
    a sentence.
    """
    before = filled.path.read_bytes()
    with monkeypatch.context() as patch:
        trouble(patch)
        with pytest.raises(SourceError, match="What was there before is untouched") as caught:
            filled.add(pin("127.0.0.3", other))
    assert told in str(caught.value) and caught.value.exit_code == 3
    assert filled.path.read_bytes() == before and not left_over(filled)
    filled.add(pin("127.0.0.3", other))
    assert len(filled.names()) == 3


@pytest.mark.parametrize(("trouble", "told"), TROUBLE)
def test_trouble_at_the_first_time(store, monkeypatch, trouble, told):
    """Where there was nothing, there is nothing afterwards, and no identity is handed out that
    was not kept.
    """
    with monkeypatch.context() as patch:
        trouble(patch)
        with pytest.raises(SourceError):
            store.identity()
    assert not store.path.exists()


def test_short_writes_are_completed(store, cas, monkeypatch):
    """A system that takes a few bytes at a time gets them all."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data)[:700]))
    store.add(cas)
    assert store.get() == cas


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom modes bind")
def test_read_only_folder(filled, cas):
    """A folder that may not be written: refused, unchanged, and still read."""
    before = filled.path.read_bytes()
    filled.path.parent.chmod(0o500)
    try:
        with pytest.raises(SourceError):
            filled.add(cas)
        assert filled.path.read_bytes() == before and filled.get() == cas
    finally:
        filled.path.parent.chmod(0o700)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: p.mkdir(), id="a folder"),
        pytest.param(lambda p: p.parent.joinpath("f").write_text("x"), id="under a file"),
    ],
)
def test_a_place_that_cannot_be_a_file(tmp_path, cas, make):
    """A path that cannot hold the file is one clear error."""
    path = tmp_path / "config.json"
    make(path)
    store = TrustStore(path if path.exists() else tmp_path / "f" / "config.json")
    with pytest.raises(SourceError):
        store.add(cas)
    assert not list(tmp_path.glob(".config.json.*"))


CORRUPTED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="cut off"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"cas_db": []}', id="cas_db a list"),
    pytest.param(b'{"cas_db": null}', id="cas_db null"),
    pytest.param(b'{"identity": 1}', id="identity a number"),
    pytest.param(b'{"default_cas": {}}', id="default an object"),
    pytest.param(b'{"cas_db": {}, "cas_db": {}}', id="member twice"),
    pytest.param(b"\xff\xfe{}", id="no UTF-8"),
    pytest.param(b"{}" + bytes(100), id="zeros behind"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(b" " * (module.FILE_LIMIT + 10), id="larger than 16 MiB"),
]


@pytest.mark.parametrize("content", CORRUPTED)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda store, cas: store.add(cas), id="add"),
        pytest.param(lambda store, cas: store.identity(), id="identity"),
        pytest.param(lambda store, cas: store.names(), id="names"),
        pytest.param(lambda store, cas: store.set_default("x"), id="default"),
    ],
)
def test_a_corrupted_file_is_refused_and_never_overwritten(tmp_path, cas, content, act):
    """A file that is not what it should be is left as it is, for its owner to save what can be
    saved.
    """
    store = TrustStore(tmp_path / "config.json")
    store.path.write_bytes(content)
    with pytest.raises(SourceError, match=r"config\.json"):
        act(store, cas)
    assert store.path.read_bytes() == content and not left_over(store)


def damage(store, **members):
    found = parsed(store)
    entry = found["cas_db"]["127.0.0.1"]
    entry.update({k: v for k, v in members.items() if k != "casnb"})
    if isinstance(members.get("casnb"), dict):
        entry["casnb"].update(members["casnb"])
    elif "casnb" in members:
        entry["casnb"] = members["casnb"]
    store.path.write_text(json.dumps(found))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"url": 1}, id="URL a number"),
        pytest.param({"url": "http://cas:8081/"}, id="URL without TLS"),
        pytest.param({"url": "https://cas:8081/x"}, id="URL with a path"),
        pytest.param({"chain": None}, id="no chain"),
        pytest.param({"chain": "no PEM"}, id="chain no PEM"),
        pytest.param({"casnb": []}, id="ours a list"),
        pytest.param({"casnb": {"waivers": None}}, id="waivers null"),
        pytest.param({"casnb": {"waivers": ["debug"]}}, id="waivers texts"),
        pytest.param({"casnb": {"waivers": [{"check": "debug"}]}}, id="waiver without flag"),
        pytest.param({"casnb": {"waivers": [{"check": 1, "flag": "-G"}]}}, id="waiver of a number"),
        pytest.param({"casnb": {"attested_at": "yesterday"}}, id="time in words"),
        pytest.param({"casnb": {"attested_at": 5}}, id="time a number"),
        pytest.param({"casnb": {"roots": 7}}, id="roots a number"),
    ],
)
def test_a_damaged_entry_is_no_pin(filled, members):
    """One damaged entry is refused, named in the list, and does not keep the others from being
    used.
    """
    damage(filled, **members)
    with pytest.raises(SourceError) as caught:
        filled.get("127.0.0.1")
    assert str(caught.value).isprintable()
    assert filled.get("127.0.0.2:9000").waivers == ()
    assert "damaged" in str(filled) and "damaged" in filled._repr_mimebundle_()["text/html"]
    before = parsed(filled)["cas_db"]["127.0.0.1"]
    filled.set_default("127.0.0.2:9000")
    assert parsed(filled)["cas_db"]["127.0.0.1"] == before


def test_a_mixed_chain_is_no_pin(filled, other, public):
    """Certificates of two CASes put together are refused when the entry is read."""
    damage(filled, chain=(public.cas_instance.cert_pem + other.cas_root.cert_pem).decode())
    with pytest.raises(SourceError, match="signature"):
        filled.get("127.0.0.1")


def test_hostile_text_in_the_file_is_shown_escaped(filled):
    """Names and waivers that somebody wrote into the file reach neither terminal nor notebook as
    they are.
    """
    evil = "<script>\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}"
    damage(
        filled, casnb={"waivers": [{"check": evil, "flag": evil}], "mrenclave": evil, "roots": evil}
    )
    found = parsed(filled)
    found["cas_db"][evil] = found["cas_db"]["127.0.0.1"]
    filled.path.write_text(json.dumps(found))
    with pytest.raises(PolicyError) as caught:
        filled.get(evil)
    assert "\x1b" not in str(caught.value)
    for shown in (filled.get("127.0.0.1"), filled):
        both = "".join(shown._repr_mimebundle_().values()) + repr(shown)
        assert "\x1b" not in both and "\N{RIGHT-TO-LEFT OVERRIDE}" not in both
        assert "<script>" not in shown._repr_mimebundle_()["text/html"]


# The identity


def test_identity_is_made_once(store):
    """The first command that needs one makes it; then it stays."""
    made = store.identity()
    assert store.identity() == made == ClientIdentity.from_pem(parsed(store)["identity"])
    assert (
        "identity" in parsed(store)
        and parsed(store)["cas_db"] == {}
        and "default_cas" not in parsed(store)
    )


def test_identity_is_the_scone_clis():
    """Same subject, name, dates, key kind and order of the two blocks as the SCONE CLI makes."""
    made = ClientIdentity.create()
    certificate = made.certificate
    assert (
        certificate.subject == certificate.issuer
        and certificate.subject.rfc4514_string() == "CN=rcgen self signed cert"
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (
        names.get_values_for_type(x509.DNSName) == ["scone cli"]
        and len(certificate.extensions) == 1
    )
    assert certificate.not_valid_before_utc == datetime(1975, 1, 1, tzinfo=timezone.utc)
    assert certificate.not_valid_after_utc == datetime(4096, 1, 1, tzinfo=timezone.utc)
    assert (
        isinstance(certificate.public_key().curve, ec.SECP256R1)
        and 0 < certificate.serial_number < 1 << 64
    )
    certificate.verify_directly_issued_by(certificate)
    lines = made.pem.splitlines()
    marks = [line for line in lines if line.startswith("-----")]
    assert marks == [
        f"-----{a} {b}-----" for b in ("PRIVATE KEY", "CERTIFICATE") for a in ("BEGIN", "END")
    ]
    assert made.pem.endswith("-----\n") and "\r" not in made.pem and "" not in lines
    assert len(made.key_hash) == 50 and ClientIdentity.create() != made


def test_the_key_is_never_shown():
    """Neither repr, nor text, nor notebook, nor an error shows the private key."""
    made = ClientIdentity.create()
    secret = made.key_pem.splitlines()[1]
    shown = made._repr_mimebundle_()
    assert secret not in repr(made) + str(made) + shown["text/html"] + shown["text/plain"] + repr(
        replace(made)
    )
    with pytest.raises(EvidenceError) as caught:
        ClientIdentity.from_pem(made.key_pem)
    assert secret not in str(caught.value)


def another_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(lambda made: "", id="empty"),
        pytest.param(lambda made: made.key_pem, id="key alone"),
        pytest.param(lambda made: made.certificate_pem, id="certificate alone"),
        pytest.param(lambda made: made.certificate_pem + made.key_pem, id="certificate first"),
        pytest.param(lambda made: another_key() + made.certificate_pem, id="another key"),
        pytest.param(lambda made: made.pem[:-60], id="cut off"),
        pytest.param(lambda made: b"\xff" * 50, id="binary"),
    ],
)
def test_bad_identity(pem):
    """What is not a key with its certificate is refused when it is read, not in the middle of a
    handshake.
    """
    with pytest.raises(EvidenceError):
        ClientIdentity.from_pem(pem(ClientIdentity.create()))


def test_a_bad_identity_in_the_file_is_not_replaced(filled):
    """A damaged identity is refused; making a new one would lose who owns the sessions."""
    found = parsed(filled)
    found["identity"] = "gone"
    filled.path.write_text(json.dumps(found))
    with pytest.raises(CasnbError):
        filled.identity()
    assert parsed(filled)["identity"] == "gone"


def test_a_hundred_entries_are_kept(store, cas):
    """Adding one leaves all the others as they are."""
    store.add(cas)
    found = parsed(store)
    entry = found["cas_db"]["127.0.0.1"]
    real = {**entry, "casnb": {**entry["casnb"], "simulated": False, "roots": "Intel"}}
    found["cas_db"].update({f"cas-{n}": real for n in range(100)})
    store.path.write_text(json.dumps(found))
    store.add(cas)
    assert len(parsed(store)["cas_db"]) == 101
    assert store.get("cas-99").name == "cas-99"
