"""The pinned client: what it reads, whom it refuses to speak to, and what it makes of hostile
answers.
"""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
import time
from dataclasses import fields
from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from casnb.base.errors import CasnbError, EvidenceError, SourceError, UsageError, VerificationError
from casnb.cas.attest import AttestedCas, attest
from casnb.cas.client import SESSION_LIMIT, CasClient, CasRefusal, pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.cas.trust import TrustStore
from casnb.session.session import Session
from casnb.simulator.keys import certificate

VALUE = {"kind": "string", "value": "42", "expires": None, "renew": None}
SESSION = """\
name: {name}
version: "0.3"
secrets:
  - name: shown
    kind: ascii
    value: "42"
    export_public: true
  - name: hidden
    kind: ascii
    value: "007"
access_policy:
  read: [CREATOR]
  update: [CREATOR]
"""


@pytest.fixture(scope="module")
def alice() -> ClientIdentity:
    return ClientIdentity.create()


@pytest.fixture
def client(attested) -> CasClient:
    """A client of the assignment's CAS, without a certificate of its own."""
    return CasClient(attested)


@pytest.fixture
def at(public, lenient):
    """Return a client pinned to the assignment's CAS, at whatever address."""

    def make(address, timeout=20, identity=None) -> CasClient:
        pin = attest(address, lenient, roots=public.roots, now=public.now, report=public.attest())
        return CasClient(pin, identity, timeout)

    return make


# What it reads


def test_the_assignments_value(client, public):
    """`example_value` of `example_session` is what this world's CAS holds."""
    held = {**VALUE, "value": public.example_value}
    assert client.value("example_session", "example_value") == held["value"]
    assert client.value_object("example_session", "example_value") == held
    assert client.values("example_session") == {"example_value": held}


def test_from_the_trust_file(attested, tmp_path, public):
    """A pin that was stored and loaded opens the same connection."""
    store = TrustStore(tmp_path / "config.json")
    store.add(attested)
    assert CasClient(store.get()).value("example_session", "example_value") == public.example_value


def test_sessions(attested, alice):
    """Create, read, update under one identity; the history is read by hash, and a private value
    stays private.
    """
    client = CasClient(attested, alice)
    first = client.create_session(SESSION.format(name="client-test"))
    found, text = client.read_session("client-test")
    assert found == first == Session.from_yaml(text).hash
    second = client.create_session(SESSION.format(name="client-test") + f"predecessor: {first}\n")
    assert client.read_session("client-test")[0] == second != first
    assert client.read_session("client-test", first) == (first, text)
    assert client.value("client-test", "shown") == "42"
    with pytest.raises(CasRefusal):
        client.value("client-test", "hidden")


def test_names_with_slashes(attested, alice):
    """A namespace's sessions are addressed by their path, unescaped."""
    client = CasClient(attested, alice)
    client.create_session('name: space\nversion: "0.3"\n')
    client.create_session(SESSION.format(name="space/inner"))
    assert client.value("space/inner", "shown") == "42" and client.read_session("space/inner")[
        1
    ].count("space/inner")


def test_listing_and_version(attested, alice, public, monkeypatch):
    """The names that this client may know of, over as many pages as it takes; and which release
    runs.
    """
    monkeypatch.setattr("casnb.simulator.server.service.LISTED", 1)
    owner, nobody = CasClient(attested, alice), CasClient(attested)
    for n in range(3):
        owner.create_session(SESSION.format(name=f"listed-{n}"))
    assert [name for name in owner.sessions() if name.startswith("listed-")] == [
        "listed-0",
        "listed-1",
        "listed-2",
    ]
    assert not [name for name in nobody.sessions() if name.startswith("listed-")]
    assert nobody.version() == public.enclave.version


def test_a_list_without_end_is_refused(attested, alice, monkeypatch):
    """A CAS that always has one more page, with nothing on it, does not hold its client."""
    client, pages = CasClient(attested, alice), iter(range(1, 10_000))
    answer = {"sessions": []}
    monkeypatch.setattr(client, "_get", lambda *_: answer | {"next": next(pages)})
    with pytest.raises(EvidenceError, match="pages without end"):
        client.sessions()
    assert next(pages) < 3_000


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sessions": "a"},
        {"sessions": [1]},
        {"sessions": ["x" * 600]},
        {"sessions": [], "next": 0},
        {"sessions": [], "next": "1"},
        {"sessions": [], "next": True},
    ],
)
def test_malformed_listing(stub, response, at, body):
    """A list that is none, or that leads in a circle, is an error and ends."""
    server = stub(response(json.dumps(body).encode()))
    with pytest.raises(EvidenceError):
        at(server.address).sessions()


# What the CAS refuses


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda c: c.value("example_sessionx", "example_value"), id="wrong session"),
        pytest.param(lambda c: c.value("example_session", "example_valuex"), id="wrong secret"),
        pytest.param(lambda c: c.values("example_sessionx"), id="values of a wrong session"),
        pytest.param(
            lambda c: c.read_session("example_session"), id="session without a certificate"
        ),
        pytest.param(lambda c: c.read_session("example_sessionx"), id="session that is not there"),
        pytest.param(
            lambda c: c.create_session("name: x\nversion: 0.3\n"),
            id="creating without a certificate",
        ),
    ],
)
def test_refusal(client, ask):
    """The CAS's own words come with the status; the error is a refusal, not a failure to
    connect.
    """
    with pytest.raises(CasRefusal) as caught:
        ask(client)
    assert caught.value.exit_code == 1 and 400 <= caught.value.status < 500
    assert caught.value.messages and all(m in str(caught.value) for m in caught.value.messages[:1])


def test_the_documented_words(client):
    """A wrong session name gives the two sentences that the troubleshooting section quotes."""
    with pytest.raises(CasRefusal) as caught:
        client.value("example_sessionx", "example_value")
    assert caught.value.messages == (
        (
            "Failed to read value 'example_value' of '/session=example_sessionx' requested by a"
            " public client"
        ),
        "Secret does not exist or is not visible for a public client",
    )


def test_another_identity(attested, alice):
    """Who did not create a session reads it neither with another certificate nor with none."""
    CasClient(attested, alice).create_session(SESSION.format(name="alice-own"))
    for identity in (None, ClientIdentity.create()):
        with pytest.raises(CasRefusal):
            CasClient(attested, identity).read_session("alice-own")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda c: c.value("a b", "x"), id="space"),
        pytest.param(lambda c: c.value("", "x"), id="empty"),
        pytest.param(lambda c: c.value("a,secret=b", "x"), id="comma"),
        pytest.param(lambda c: c.value("a", "b/c"), id="slash in a secret"),
        pytest.param(lambda c: c.value("../../attest", "x"), id="path upwards"),
        pytest.param(lambda c: c.value("a//b", "x"), id="empty part"),
        pytest.param(lambda c: c.value("a?x=1", "x"), id="question mark"),
        pytest.param(lambda c: c.value("a\r\nX: y", "x"), id="line end"),
        pytest.param(
            lambda c: c.value("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "x"), id="not ASCII"
        ),
        pytest.param(lambda c: c.value(7, "x"), id="number"),
        pytest.param(lambda c: c.values("%2e%2e"), id="escapes"),
        pytest.param(lambda c: c.read_session("x", "ABC"), id="hash"),
        pytest.param(lambda c: c.read_session("x", "0" * 63 + "&"), id="hash &"),
        pytest.param(
            lambda c: c.create_session("x" * (SESSION_LIMIT + 1)), id="session of more than 1 MiB"
        ),
        pytest.param(lambda c: c.create_session("\ud800"), id="half a character"),
        pytest.param(lambda c: c.create_session(None), id="none"),
    ],
)
def test_wrong_call(at, closed_port, call):
    """What cannot be a name, a hash or a session is refused before a connection."""
    with pytest.raises(UsageError):
        call(at(f"127.0.0.1:{closed_port}"))


@pytest.mark.parametrize(
    "made", ["https://cas:8081", None, object()], ids=["address", "none", "object"]
)
def test_only_an_attested_cas_makes_a_client(made):
    """There is no client of an address."""
    with pytest.raises(UsageError, match="Attest the CAS first"):
        CasClient(made)


# Whom it refuses to speak to


def test_the_pin_and_nothing_else():
    """The context knows two authorities, wants a certificate for a name, and gave up exactly one
    flag.
    """
    from casnb.simulator.world import World
    from casnb.tls.cas_chain import CasChain

    context = pinned_context(CasChain.from_pem(World("pin").cas_chain_pem))
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert context.cert_store_stats() == {"x509": 2, "crl": 0, "x509_ca": 2}
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert plain.verify_flags & ~context.verify_flags in (0, ssl.VERIFY_X509_STRICT)
    assert (
        not context.verify_flags & ssl.VERIFY_X509_STRICT
        and not context.verify_flags & ~plain.verify_flags
    )


def test_it_says_that_strictness_was_relaxed():
    """The one flag that is taken out is named where a reader looks."""
    assert "VERIFY_X509_STRICT" in pinned_context.__doc__


def test_another_cas_at_the_address(elsewhere, at):
    """Another genuine CAS, same names, answers: refused in the handshake, with the usual cause
    in words.
    """
    with pytest.raises(VerificationError, match="another CAS's certificates"):
        at(elsewhere.cas_addr).value("example_session", "example_value")


def issue(signer, names, years=(2020, 4096), key=None):
    """Return a TLS certificate with its key, PEM, issued by a key of the simulated CAS."""
    window = tuple(datetime(y, 1, 1, tzinfo=timezone.utc) for y in years)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
    san = x509.SubjectAlternativeName([x509.DNSName(n) for n in names])
    made = certificate(
        subject, key, signer, 7, window, [(san, False), (x509.BasicConstraints(False, None), True)]
    )
    return made.cert_pem, made.key_pem


@pytest.mark.parametrize(
    ("signer", "names", "years", "told"),
    [
        pytest.param(
            "cas_instance",
            ["cas.example"],
            (2020, 4096),
            "not for this host name",
            id="another name",
        ),
        pytest.param("cas_instance", ["cas"], (2020, 2021), "expired", id="expired"),
        pytest.param("cas_instance", ["cas"], (4000, 4096), "not valid yet", id="not yet valid"),
        pytest.param("tls_leaf", ["cas"], (2020, 4096), "", id="issued by the leaf"),
        pytest.param("site_ca", ["cas"], (2020, 4096), "", id="issued by the web authority"),
        pytest.param(None, ["cas"], (2020, 4096), "self-made", id="self-made"),
    ],
)
def test_wrong_certificate(stub, response, public, at, signer, names, years, told):
    """A certificate that is not one of the attested CAS, for its name and of this time, ends the
    handshake.
    """
    leaf, key = issue(
        getattr(public, signer) if signer else None, names, years, public.tls_leaf.key
    )
    server = stub(
        response(json.dumps(VALUE).encode()),
        chain=leaf + public.tls_leaf.cert_pem + public.cas_chain_pem + key,
    )
    with pytest.raises(VerificationError) as caught:
        at(server.address).value("s", "v")
    assert told in str(caught.value) and not server.requests


def test_the_stub_is_otherwise_accepted(stub, response, public, at):
    """The rows above fail for their reasons alone: a leaf of the CAS's own making is spoken to."""
    leaf, key = issue(public.cas_instance, ["cas"], (2020, 4096), public.tls_leaf.key)
    server = stub(response(json.dumps(VALUE).encode()), chain=leaf + public.cas_chain_pem + key)
    assert at(server.address).value("s", "v") == "42"
    assert server.requests[0].startswith(
        b"GET /v1/values/session=s,secret=v HTTP/1.1\r\nHost: cas:"
    )


def test_environment_stands_aside(client, monkeypatch, closed_port, tmp_path, public):
    """Proxies and authorities of the environment neither redirect nor widen the pin."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert client.value("example_session", "example_value") == public.example_value


def test_system_authorities_stand_aside(at, elsewhere, other, monkeypatch, tmp_path):
    """An authority that the whole machine trusts vouches for no CAS."""
    file = tmp_path / "all.pem"
    file.write_bytes(other.cas_chain_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(VerificationError):
        at(elsewhere.cas_addr).value("example_session", "example_value")


def test_the_clients_key_stays_on_no_disk(attested, alice, monkeypatch, tmp_path):
    """The key that ssl wants in a file is gone from disk when the client is made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    CasClient(attested, alice)
    assert not list(tmp_path.iterdir())


# Hostile answers, from the CAS's own key


def ragged(sock, data):
    """Send and leave without TLS's farewell, as somebody on the way can make it look."""
    sock.sendall(data)
    socket.socket.shutdown(sock, socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        pytest.param(
            lambda r: r(b"", "302 Found", "Location: /v1/values/session=other"),
            CasRefusal,
            "HTTP status 302",
            id="redirect",
        ),
        pytest.param(
            lambda r: r(b"", "301 Moved", "Location: http://127.0.0.1:1/"),
            CasRefusal,
            "HTTP status 301",
            id="redirect to HTTP",
        ),
        pytest.param(
            lambda r: r(b"", "204 No Content"), CasRefusal, "HTTP status 204", id="no content"
        ),
        pytest.param(
            lambda r: r(b"<html>sorry", "503 Oops"), CasRefusal, "HTTP status 503", id="HTML error"
        ),
        pytest.param(
            lambda r: r(b'{"msg": "alone"}', "500 Oops"),
            CasRefusal,
            "\N{LEFT DOUBLE QUOTATION MARK}alone\N{RIGHT DOUBLE QUOTATION MARK}",
            id="msg a text",
        ),
        pytest.param(
            lambda r: r(b'{"msg": [1, {}, null]}', "500 Oops"),
            CasRefusal,
            "HTTP status 500,",
            id="msg no texts",
        ),
        pytest.param(
            lambda r: r(json.dumps({"msg": ["x" * 5000] * 100}).encode(), "400 Bad"),
            CasRefusal,
            "HTTP status 400",
            id="long msg",
        ),
        pytest.param(
            lambda r: r(b"x" * (2 << 20)), EvidenceError, "more than 1048576 bytes", id="2 MB"
        ),
        pytest.param(
            lambda r: r(b"x" * (2 << 20), "500 Oops"),
            EvidenceError,
            "more than 1048576 bytes",
            id="error of 2 MB",
        ),
        pytest.param(
            lambda r: r(b"x" * (2 << 20), length=-1),
            EvidenceError,
            "more than 1048576 bytes",
            id="2 MB unannounced",
        ),
        pytest.param(lambda r: r(b"[]"), EvidenceError, "nothing", id="a list"),
        pytest.param(lambda r: r(b"42"), EvidenceError, "", id="number"),
        pytest.param(lambda r: r(b'{"kind": "string"}'), EvidenceError, "value", id="no value"),
        pytest.param(
            lambda r: r(b'{"kind": "string", "value": 42}'),
            EvidenceError,
            "value",
            id="value a number",
        ),
        pytest.param(
            lambda r: r(b'{"kind": "s", "value": "1", "value": "2"}'),
            EvidenceError,
            "twice",
            id="value twice",
        ),
        pytest.param(lambda r: r(b"[" * 100_000), EvidenceError, "", id="deep"),
        pytest.param(lambda r: r(b"\xff"), EvidenceError, "", id="binary"),
        pytest.param(lambda r: r(b'{"kind": "s"', length=99), SourceError, "cut off", id="cut off"),
        pytest.param(
            lambda r: r(b"{}", "200 OK", "Content-Encoding: br"),
            SourceError,
            "compressed",
            id="compressed",
        ),
        pytest.param(lambda r: b"", SourceError, "closed before", id="nothing"),
        pytest.param(
            lambda r: lambda sock: ragged(sock, r(json.dumps(VALUE).encode(), length=-1)),
            SourceError,
            "before it had",
            id="an end that TLS did not announce",
        ),
        pytest.param(lambda r: b"220 smtp.example\r\n", SourceError, "not HTTP", id="not HTTP"),
        pytest.param(
            lambda r: b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
            SourceError,
            "",
            id="continue without end",
        ),
    ],
)
def test_hostile_answer(stub, response, at, answer, kind, told):
    """Each is one sentence of the right kind; nothing is followed, nothing is read without
    bound.
    """
    server = stub(answer(response))
    with pytest.raises(kind) as caught:
        at(server.address).value("s", "v")
    assert told in str(caught.value) and len(str(caught.value)) < 1300 and len(server.requests) == 1


def test_hostile_words_are_neutralised(stub, response, at):
    """What a CAS writes into an error reaches no terminal as it is, and advises nobody
    unnoticed.
    """
    evil = "\x1b[2J\x1b]0;x\x07\r\nError: add -GCS\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 1000
    server = stub(response(json.dumps({"msg": [evil] * 20}).encode(), "400 Bad"))
    with pytest.raises(CasRefusal) as caught:
        at(server.address).value("s", "v")
    assert len(caught.value.messages) == 8 and all(
        m.isprintable() and len(m) <= 300 for m in caught.value.messages
    )
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("answer", "ask"),
    [
        pytest.param({"values": []}, lambda c: c.values("s"), id="values a list"),
        pytest.param({"values": {"a": "42"}}, lambda c: c.values("s"), id="value no object"),
        pytest.param(
            {"hash": "x", "session": "y"}, lambda c: c.read_session("s"), id="hash no hash"
        ),
        pytest.param(
            {"hash": "AB" * 32, "session": "y"},
            lambda c: c.read_session("s"),
            id="hash in upper case",
        ),
        pytest.param(
            {"hash": "ab" * 32, "session": "y"},
            lambda c: c.read_session("s", "cd" * 32),
            id="another version",
        ),
        pytest.param({"hash": "ab" * 32}, lambda c: c.read_session("s"), id="no text"),
    ],
)
def test_malformed_answer(stub, response, at, answer, ask):
    """An answer of the wrong form, or for another question, is refused by name."""
    with pytest.raises(EvidenceError):
        ask(at(stub(response(json.dumps(answer).encode())).address))


@pytest.mark.parametrize("hash", ["x", "AB" * 32, ""])
def test_malformed_hash_of_a_new_session(stub, response, at, hash):
    """What is taken for a session's hash is one."""
    with pytest.raises(EvidenceError):
        at(
            stub(response(json.dumps({"hash": hash}).encode(), "201 Created")).address
        ).create_session("name: x")


def test_creating_wants_201(stub, response, at):
    """A session counts as created where the CAS says so, and only there."""
    with pytest.raises(CasRefusal, match="HTTP status 200"):
        at(stub(response(json.dumps({"hash": "ab" * 32}).encode())).address).create_session(
            "name: x"
        )


def test_slow_answer(stub, at):
    """A byte now and then does not hold the client up."""

    def drip(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            sock.sendall(b"x")
            time.sleep(0.05)

    with pytest.raises(SourceError, match=r"within 0\.3 s"):
        at(stub(drip).address, timeout=0.3).value("s", "v")


def test_unreachable(at, closed_port):
    """Nothing listens: could not check."""
    with pytest.raises(SourceError, match="connection refused") as caught:
        at(f"127.0.0.1:{closed_port}").value("s", "v")
    assert caught.value.exit_code == 3


def test_it_says_under_which_conditions(client, attested):
    """In text and notebook a client repeats that its CAS must not hold secrets; it shows no key."""
    shown = client._repr_mimebundle_()
    assert all("must not hold secrets" in text for text in shown.values()) and isinstance(
        client.attested, AttestedCas
    )
    identity = ClientIdentity.create()
    known = CasClient(attested, identity)
    assert identity.key_hash in known._repr_mimebundle_()["text/html"]
    secret = identity.key_pem.splitlines()[1]
    assert secret not in repr(known) + "".join(known._repr_mimebundle_().values())


def test_every_error_is_ours():
    """Whoever catches CasnbError catches a refusal too."""
    assert issubclass(CasRefusal, CasnbError) and CasRefusal.exit_code == 1


def test_the_pin_tells_what_a_stranger_may_mean(attested, elsewhere):
    """Other keys at the attested address: measured by which pin, of which day, what it may mean,
    and what to do.
    """
    moved = AttestedCas._reloaded(
        **{f.name: getattr(attested, f.name) for f in fields(attested) if f.name != "seal"}
        | {"host": elsewhere.host, "port": elsewhere.cas_port}
    )
    with pytest.raises(VerificationError) as caught:
        CasClient(moved).value("example_session", "example_value")
    for part in (
        "not the CAS that was attested on 2026-09-01",
        attested.chain.key_hashes[0],
        "set up again",
        "another instance",
        "stands in between",
        "scone cas attest",
        "no secret before",
    ):
        assert part in str(caught.value)
