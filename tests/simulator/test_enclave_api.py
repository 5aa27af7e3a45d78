"""Services: an enclave shows its quote, and is given its configuration only where the session
wants this very enclave.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from casnb.base.errors import EvidenceError, UsageError, VerificationError
from casnb.cas.audit_entries import read_log
from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.cli.main import casnb
from casnb.simulator.enclave_protocol import CHALLENGE, CONFIGURATION, ConfigId, service_binding
from casnb.simulator.server import enclave_api
from casnb.simulator.server.http_answers import Refused
from casnb.simulator.server.one_time_passwords import OneTimePasswords
from casnb.simulator.server.running import example_owner, serve
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.store import Store
from casnb.simulator.server.who import Client
from casnb.simulator.service_enclave import Configuration, ServiceEnclave, ServiceRefusal
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import exchange
from casnb.verify.tcb import TcbStatus

SEED = f"services {os.getpid()}"
PROGRAM = b"print('hello')\n"
SESSION = """\
name: {name}
version: "0.3"
services:
- name: web
  attestation: {attestation}
  command: python3 app.py --token $$SCONE::token$$
  environment:
    TOKEN: "$$SCONE::token$$"
    KEY: "$$SCONE::key:base64$$"
    PLAIN: as it is
  pwd: /app
secrets:
- {{name: token, kind: ascii, value: s3cret}}
- {{name: key, kind: binary, size: 16}}
security:
  attestation: {security}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="module")
def running(folder):
    with serve(World(SEED), state_dir=folder, audit_log="signed") as found:
        yield found


@pytest.fixture(scope="module")
def world(running) -> World:
    return running.world


@pytest.fixture(scope="module")
def good(world) -> ServiceEnclave:
    return ServiceEnclave(world, PROGRAM)


@pytest.fixture(scope="module")
def upload(running, folder):
    """Store a session with the service `web`, under a name of its own; return `SESSION/web`."""
    numbers = iter(range(1000))
    with Store(folder / "cas.sqlite3", owner=_owner(running.world)) as store:
        api = ClientApi(running.world, store, lambda: running.world.now)

        def make(attestation: str, security: str = "{}", text: str = SESSION) -> str:
            name = f"app{next(numbers)}"
            api.create(
                text.format(name=name, attestation=attestation, security=security).encode(),
                example_owner(running.world),
            )
            return f"{name}/web"

        yield make


def _owner(world):
    from casnb.simulator.server.running import _owner as owner

    return owner(world)


def ask(enclave: ServiceEnclave, running, config_id: str, **more) -> Configuration:
    return enclave.configure(config_id, running.host, running.enclave_port, **more)


def refusal(enclave: ServiceEnclave, running, config_id: str) -> tuple[str, ...]:
    with pytest.raises(ServiceRefusal) as caught:
        ask(enclave, running, config_id)
    return caught.value.messages


# What is given


def test_the_wanted_enclave_is_given_everything(running, good, upload, folder):
    """Command, environment and directory, secrets filled in; and the audit log knows of it, and
    of the end.
    """
    config_id = upload(f"{{mrenclave: {good.mrenclave}}}")
    given = ask(good, running, config_id)
    assert given.command == "python3 app.py --token s3cret" and given.pwd == "/app"
    assert dict(given.environment) | {"KEY": 0} == {
        "TOKEN": "s3cret",
        "PLAIN": "as it is",
        "KEY": 0,
    }
    assert len(base64.b64decode(given.environment["KEY"])) == 16
    assert ask(good, running, config_id).environment == given.environment, (
        "the same again for the next run"
    )
    good.exit(running.host, running.enclave_port)
    good.exit(running.host, running.enclave_port)
    last = [e.event for e in read_log((folder / "audit.jsonl").read_bytes())[0]][-3:]
    assert [e["type"] for e in last] == ["service_attested", "service_attested", "service_exited"]
    assert all(f"{e['session']}/{e['service']}" == config_id for e in last)
    assert "s3cret" not in repr(given)


def test_the_bytes_of_a_program_are_its_measurement(world):
    """Signer, debugging and machine change nothing of it, one byte does."""
    other = ServiceEnclave(
        world, PROGRAM, signer="test", debug=True, isv_svn=9, status=TcbStatus.OUT_OF_DATE
    )
    assert (
        other.mrenclave == ServiceEnclave(world, PROGRAM).mrenclave
        and other.mrsigner != ServiceEnclave(world, PROGRAM).mrsigner
    )
    assert (
        len(
            {
                ServiceEnclave(world, p).mrenclave
                for p in (PROGRAM, PROGRAM + b"\n", b"", b"x" * 4096, b"x" * 4097)
            }
        )
        == 5
    )


def test_by_its_signer(running, world, upload):
    """Product and lowest version of a signer, whatever the measurement."""
    config_id = upload(
        f"{{signer: {{mrsigner: {ServiceEnclave(world, b'').mrsigner}, isvprodid: 1, isvsvn_min:"
        " 3}}"
    )
    assert ask(ServiceEnclave(world, b"anything", isv_svn=3), running, config_id).pwd == "/app"
    assert "Unexpected enclave version (ISVSVN, 2) - Expected 3 or later" in refusal(
        ServiceEnclave(world, PROGRAM, isv_svn=2), running, config_id
    )
    assert any(
        "Unexpected enclave signer (MRSIGNER" in m
        for m in refusal(
            ServiceEnclave(world, PROGRAM, signer="test", isv_svn=3), running, config_id
        )
    )


def test_without_evidence_where_none_is_asked_for(running, world, upload):
    """Mode none gives the configuration to any program, debugging and all."""
    config_id = upload(
        "{}", "{mode: none}", SESSION.replace("  attestation: {attestation}\n", "", 1)
    )
    assert (
        ask(
            ServiceEnclave(world, b"x", debug=True, status=TcbStatus.REVOKED), running, config_id
        ).pwd
        == "/app"
    )


# What is refused, and in which words


def test_other_code_is_refused(running, world, good, upload):
    """The documented words, with what was measured and what was expected."""
    other = ServiceEnclave(world, b"print('mallory')")
    said = refusal(other, running, upload(f"{{mrenclave: {good.mrenclave}}}"))
    assert said == (
        "DCAP quote verification failed",
        "Failed to verify DCAP report",
        "The program enclave is not trustworthy",
        "None of the required enclave properties are met by the enclave",
        (
            f"Unexpected enclave measurement (MRENCLAVE, {other.mrenclave}) - Expected"
            f" {good.mrenclave}"
        ),
    )


def test_each_alternative_is_named(running, world, good, upload):
    """Where several would do, each is said with its number."""
    said = refusal(
        ServiceEnclave(world, b"x"),
        running,
        upload(f"[{{mrenclave: [{good.mrenclave}, {'ab' * 32}]}}]"),
    )
    assert [m[:14] for m in said if m.startswith("Error")] == ["Error 1 of 2: ", "Error 2 of 2: "]


@pytest.mark.parametrize(
    "how, word, told",
    [
        pytest.param(
            {"debug": True},
            "debug-mode",
            "Debug mode is enabled. Enclave protection is turned off, all secrets can be "
            "extracted with a debugger",
            id="debug",
        ),
        pytest.param(
            {"status": TcbStatus.OUT_OF_DATE},
            "outdated-tcb",
            "  - The TCB is outdated and may be vulnerable",
            id="outdated",
        ),
        pytest.param(
            {"status": TcbStatus.CONFIGURATION_NEEDED},
            "hyperthreading",
            "  - The platform's configuration may make it vulnerable",
            id="configuration",
        ),
        pytest.param(
            {"status": TcbStatus.SW_HARDENING_NEEDED},
            "software-hardening-needed",
            "  - The program must be compiled with mitigations",
            id="hardening",
        ),
    ],
)
def test_a_weakness_is_refused_until_it_is_tolerated(running, world, good, upload, how, word, told):
    """The refusal names what to add; with it, and with the advisories named, the configuration
    is given.
    """
    enclave = ServiceEnclave(world, PROGRAM, **how)
    wanted = f"{{mrenclave: {good.mrenclave}}}"
    said = refusal(enclave, running, upload(wanted))
    assert told in said and f"`tolerate: [{word}]`" in said[-1]
    named = sorted(set(re.findall(r"INTEL-SA-\d{5}", " ".join(said))))
    security = (
        f"{{tolerate: [{word}], ignore_advisories: [{', '.join(named)}]}}"
        if named
        else f"{{tolerate: [{word}]}}"
    )
    assert ask(enclave, running, upload(wanted, security)).pwd == "/app"
    if named:
        assert refusal(enclave, running, upload(wanted, f"{{tolerate: [{word}]}}")), (
            "category and advisory must both be named"
        )


def test_what_intel_gave_up_is_refused_whatever_is_tolerated(running, world, good, upload):
    """No word of `tolerate` accepts a revoked platform."""
    every = (
        "[debug-mode, hyperthreading, insecure-igpu, software-hardening-needed, outdated-tcb,"
        " insecure-configuration]"
    )
    config_id = upload(
        f"{{mrenclave: {good.mrenclave}}}", f'{{tolerate: {every}, ignore_advisories: "*"}}'
    )
    enclave = ServiceEnclave(world, PROGRAM, status=TcbStatus.REVOKED)
    assert "The enclave's TCB is not trustworthy" in refusal(enclave, running, config_id)


def test_an_unknown_service_and_an_unknown_session_are_one(running, good, upload):
    """One answer for both, but for the name that was asked for."""
    session = upload(f"{{mrenclave: {good.mrenclave}}}").partition("/")[0]
    said = {name: refusal(good, running, name) for name in (f"{session}/nobody", "nothing/nobody")}
    assert (
        len({tuple(m.replace(name, "X") for m in messages) for name, messages in said.items()}) == 1
    )
    assert said["nothing/nobody"][0] == "Failed to retrieve service attestation configuration"


def test_what_casnb_does_not_check_lets_nobody_in(running, good, upload):
    """Platforms by their number are part of the session and not compared: the refusal says so."""
    platforms = "\n  platforms: ['INTEL_QE_ID:" + "0" * 32 + "']"
    said = refusal(good, running, upload(f"{{mrenclave: {good.mrenclave}}}{platforms}"))
    assert any("platforms" in m for m in said)


SHARED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_one_time_passwords(running, good, upload):
    """Asked for behind the evidence, in the documented words; each is good once, for its session's
    secret, which may be a secret of the session.
    """
    secret = f"\n  one_time_password_shared_secret: {SHARED}"
    config_id = upload(f"{{mrenclave: {good.mrenclave}}}{secret}")
    totp = TOTP(base64.b32decode(SHARED), 6, SHA1(), 30)
    code = totp.generate(int(time.time())).decode()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert refusal(good, running, config_id)[-1].startswith("An One-time Password is required")
    assert refusal(good, running, f"{config_id}@{wrong}")[-1].startswith("The given One-time")
    assert ask(good, running, f"{config_id}@{code}").environment["TOKEN"] == "s3cret"
    assert refusal(good, running, f"{config_id}@{code}")[-1].startswith("A One-time Password was")
    whole = "{one_time_password_shared_secret: $$SCONE::key:base32nopad$$}"
    text = SESSION.replace("size: 16", "value: 000102030405060708090a0b0c0d0e0f")
    config_id = upload(f"{{mrenclave: {good.mrenclave}}}", whole, text)
    code = TOTP(bytes(range(16)), 6, SHA1(), 30).generate(int(time.time())).decode()
    assert ask(good, running, f"{config_id}@{code}").pwd == "/app"


def test_the_window_of_a_one_time_password():
    """Its own half minute and the next; afterwards, and after a later one, it is none."""
    now = [datetime(2026, 9, 2, 12, 0, 5, tzinfo=timezone.utc)]
    passwords = OneTimePasswords(lambda: now[0])
    totp = TOTP(base64.b32decode(SHARED), 6, SHA1(), 30)
    first, second, third = (totp.generate(now[0].timestamp() + 30 * n).decode() for n in range(3))
    with pytest.raises(Refused, match="invalid"):
        passwords.spend(SHARED, second)
    now[0] += timedelta(seconds=30)
    passwords.spend(SHARED.lower(), first)
    passwords.spend(SHARED, second)
    with pytest.raises(Refused, match="already used"):
        passwords.spend(SHARED, first)
    now[0] += timedelta(seconds=60)
    with pytest.raises(Refused, match="invalid"):
        passwords.spend(SHARED, second)
    passwords.spend(SHARED, third)


def test_a_secret_that_cannot_be_had_is_said(running, good, upload):
    """An import that leads nowhere gives no configuration."""
    text = SESSION.replace("value: s3cret", "import: {{session: nowhere, secret: token}}")
    assert "Failed to make the configuration of the service" in refusal(
        good, running, upload(f"{{mrenclave: {good.mrenclave}}}", "{}", text)
    )


# Whose quote it is


def post(running, identity, body: bytes) -> tuple[int, dict]:
    context = pinned_context(CasChain.from_pem(running.world.cas_chain_pem), identity)
    answer = exchange(
        running.host,
        running.enclave_port,
        CONFIGURATION,
        context=context,
        tls_name="cas",
        method="POST",
        body=body,
    )
    return answer.status, json.loads(answer.body)


def nonce(running) -> str:
    context = pinned_context(CasChain.from_pem(running.world.cas_chain_pem))
    answer = exchange(
        running.host, running.enclave_port, CHALLENGE, context=context, tls_name="cas"
    )
    return json.loads(answer.body)["nonce"]


def body(config_id: str, challenge: str, quote: bytes | None) -> bytes:
    return json.dumps(
        {
            "config_id": config_id,
            "nonce": challenge,
            "quote": None if quote is None else base64.b64encode(quote).decode(),
        }
    ).encode()


def test_a_quote_serves_its_own_key_alone(running, good, upload):
    """Mallory passes on a genuine quote over a connection of her own: the quote names another
    key.
    """
    config_id, mallory = upload(f"{{mrenclave: {good.mrenclave}}}"), ClientIdentity.create()
    challenge = nonce(running)
    status, said = post(
        running,
        mallory,
        body(config_id, challenge, good.quote(service_binding(challenge, good.key))),
    )
    assert status == 403 and any(
        "the evidence was made for somebody else" in m for m in said["msg"]
    )


def test_a_quote_serves_once(running, good, upload):
    """The nonce is spent by the first use, also by a failed one, and one that was not given out
    is worth nothing.
    """
    config_id = upload(f"{{mrenclave: {good.mrenclave}}}")
    challenge = nonce(running)
    message = body(config_id, challenge, good.quote(service_binding(challenge, good.key)))
    assert post(running, good._identity, message)[0] == 200
    status, said = post(running, good._identity, message)
    assert status == 400 and "was used" in said["msg"][1]
    other = "ab" * 32
    assert (
        post(
            running,
            good._identity,
            body(config_id, other, good.quote(service_binding(other, good.key))),
        )[0]
        == 400
    )


def test_a_quote_of_an_old_challenge_is_refused(running, good, upload):
    """A fresh nonce, and a quote that repeats another one."""
    config_id = upload(f"{{mrenclave: {good.mrenclave}}}")
    old, new = nonce(running), nonce(running)
    assert (
        post(
            running,
            good._identity,
            body(config_id, new, good.quote(service_binding(old, good.key))),
        )[0]
        == 403
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda q: None, id="no quote"),
        pytest.param(lambda q: b"", id="empty"),
        pytest.param(lambda q: q[:500], id="cut"),
        pytest.param(lambda q: q[:200] + bytes([q[200] ^ 1]) + q[201:], id="a bit"),
        pytest.param(lambda q: b"\xff" * 5000, id="junk"),
    ],
)
def test_a_quote_that_is_none_is_refused(running, good, upload, change):
    """403 and the reason; nothing is given."""
    config_id, challenge = upload(f"{{mrenclave: {good.mrenclave}}}"), nonce(running)
    quote = change(good.quote(service_binding(challenge, good.key)))
    status, said = post(running, good._identity, body(config_id, challenge, quote))
    assert status == 403 and said["msg"][:2] == [
        "DCAP quote verification failed",
        "Failed to verify DCAP report",
    ]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"config_id": 1}',
        body("x", "y", b""),
        body("a/b@123456", "y", b""),
        body("/web", "y", b""),
        b'{"config_id": "a/b", "nonce": "", "quote": "%%%"}',
        b"[" * 5000,
    ],
)
def test_other_requests_are_invalid(running, good, message):
    """400, whatever was sent."""
    assert post(running, good._identity, message)[0] == 400


def test_a_program_without_a_key_is_nobody(running, good, upload):
    """Without a client certificate nobody would know to whom the secrets go."""
    config_id, challenge = upload(f"{{mrenclave: {good.mrenclave}}}"), nonce(running)
    assert (
        post(
            running,
            None,
            body(config_id, challenge, good.quote(service_binding(challenge, good.key))),
        )[0]
        == 400
    )


def test_a_nonce_grows_old(world, tmp_path):
    """Five minutes; and of very many the oldest goes."""
    at = [world.now]
    with Store(tmp_path / "x") as store:
        api = enclave_api.EnclaveApi(world, store, lambda: at[0])
        first, second = api.challenge()["nonce"], api.challenge()["nonce"]
        at[0] += timedelta(minutes=6)
        client = Client(example_owner(world).certificate, b"key")
        with pytest.raises(Exception, match="too old"):
            api.configure(body("a/b", first, b""), client)
        at[0] -= timedelta(minutes=6)
        with pytest.raises(Exception, match="No session has a service"):
            api.configure(body("a/b", second, b""), client)
        oldest = api.challenge()["nonce"]
        for _ in range(enclave_api.NONCES):
            api.challenge()
        with pytest.raises(Exception, match="not one that"):
            api.configure(body("a/b", oldest, b""), client)


# Towards the CAS


def test_a_service_believes_whoever_answers_unless_it_is_pinned(world, good, tmp_path):
    """Another CAS at the address gives a configuration of its own: only a pinned service
    notices.
    """
    chain = CasChain.from_pem(world.cas_chain_pem)
    with (
        serve(World(SEED + " mallory"), state_dir=tmp_path) as elsewhere,
        Store(tmp_path / "cas.sqlite3", owner=_owner(elsewhere.world)) as store,
    ):
        api = ClientApi(elsewhere.world, store, lambda: world.now)
        text = SESSION.replace("  attestation: {attestation}\n", "", 1).format(
            name="app", security="{mode: none}"
        )
        api.create(text.replace("s3cret", "hers").encode(), example_owner(elsewhere.world))
        assert ask(good, elsewhere, "app/web").environment["TOKEN"] == "hers"
        with pytest.raises(VerificationError):
            ask(good, elsewhere, "app/web", chain=chain)


@pytest.mark.parametrize(
    "text", ["", "web", "/web", "a/", "a/b@1", "a/b c", "a/\x00", "x" * 800 + "/web"]
)
def test_config_ids_are_read_strictly(text):
    """SESSION/SERVICE and nothing else."""
    with pytest.raises(UsageError, match="SCONE_CONFIG_ID"):
        ConfigId.parse(text)
    assert ConfigId.parse("a/b/c") == ConfigId("a/b", "c")
    assert ConfigId.parse("a/b@123456") == ConfigId("a", "b", "123456")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"command": 1, "environment": {}, "pwd": ""}',
        b'{"command": "", "environment": {"A": 1}, "pwd": ""}',
    ],
)
def test_configurations_are_read_strictly(data):
    """What is not a configuration is an error."""
    with pytest.raises(EvidenceError):
        Configuration.from_json(data)


# The command


@pytest.fixture
def command(running, tmp_path, monkeypatch):
    (tmp_path / "app.py").write_bytes(PROGRAM)
    env = {
        "CASNB_SEED": SEED,
        "CAS_ADDR": running.host,
        "CAS_ENCLAVE_PORT": str(running.enclave_port),
    }

    def run(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(casnb, ["service", *words], env=env)
        return done.exit_code, done.stdout, done.stderr

    return run, str(tmp_path / "app.py")


def test_measured_named_and_run(command, upload, good):
    """The measurement goes into a session, and the program gets its configuration; another
    program does not.
    """
    run, program = command
    code, measured, _ = run("measure", program)
    assert (code, measured) == (0, good.mrenclave + "\n")
    config_id = upload(f"{{mrenclave: {measured.strip()}}}")
    code, out, err = run("run", config_id, program)
    assert code == 0 and "TOKEN=s3cret\n" in out and "does not know which CAS answers" in err
    assert json.loads(run("run", "--json", config_id, program)[1])["pwd"] == "/app"
    code, out, err = run("run", "--debug", config_id, program)
    assert (
        (code, out) == (1, "")
        and "Caused by: Debug mode is enabled." in err
        and "using service ID " + config_id in err
    )
    err = run("run", "--debug", "--platform", "outdated", config_id, program)[2].splitlines()
    assert "  - The TCB is outdated and may be vulnerable" in err and err[-3].startswith(
        "  - See advisory INTEL-SA-"
    )
    assert "add `tolerate: [debug-mode, outdated-tcb]`" in err[-2] and err[-1].startswith(
        "Note: Connecting to CAS at"
    )


def test_wrong_use_is_said(command):
    """A name that is none, and a program that is not there."""
    run, program = command
    assert run("run", "web", program)[0] == 2
    assert run("measure", program + "x")[0] == 3
