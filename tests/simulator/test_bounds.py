"""What one client may cost the others: work, memory and disk have bounds, and a refusal says
which.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import ExitStack
from datetime import datetime, timezone

import pytest

from casnb.base.errors import EvidenceError
from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.session.filling import FILLED, configuration
from casnb.session.session import Session
from casnb.session.values import Stored
from casnb.simulator.server import quota, request_reader, stored
from casnb.simulator.server.client_app import create_app
from casnb.simulator.server.listener import TlsServer
from casnb.simulator.server.store import Store
from casnb.simulator.server.stored import Cache, in_turn
from casnb.simulator.server.tls_context import tls_context
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain

NOON = datetime(2026, 9, 2, 12, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def world() -> World:
    return World("bounds tests")


class Cas:
    """A CAS in a folder, asked without a network."""

    def __init__(self, world: World, store: Store) -> None:
        self.http = create_app(world, store, lambda: NOON).test_client()

    def get(self, path: str, client=None) -> tuple[int, dict]:
        return self._ask("GET", path, client, None)

    def create(self, text: str, client=None) -> tuple[int, dict]:
        return self._ask("POST", "/v1/sessions", client, text.encode())

    def _ask(self, method, path, client, data) -> tuple[int, dict]:
        environ = {"SSL_CLIENT_CERT": client.pem} if client else {}
        self.last = self.http.open(path, method=method, data=data, environ_overrides=environ)
        return self.last.status_code, json.loads(self.last.data)


@pytest.fixture
def cas(world, tmp_path):
    with Store(tmp_path / "cas.sqlite3") as store:
        yield Cas(world, store)


def session(name: str, *secrets: str, more: str = "") -> str:
    rows = "".join(f"- {{{row}}}\n" for row in secrets)
    if "access_policy" not in more:
        more += "access_policy: {read: ANY, update: ANY}\n"
    return f"name: {name}\nversion: '0.3'\n" + (f"secrets:\n{rows}" if rows else "") + more


def lends(name: str, value: str = "1") -> str:
    return session(name, f"name: v, kind: ascii, value: '{value}', export_public: true")


def takes(name: str, *sources: str) -> str:
    rows = (
        f"name: v{n}, kind: ascii, import: {{session: {s}, secret: v}}, export_public: true"
        for n, s in enumerate(sources)
    )
    return session(name, *rows)


#: What an import may lead to: the bound that is lowered, how many it allows, and what is asked for.
BOUNDS = {
    "versions": ("MOST_SOURCES", 3, lambda n: [f"s{i}" for i in range(n)]),
    "steps": ("MOST_LOOKUPS", 3, lambda n: ["s0"] * n),
    "characters": ("MOST_CHARACTERS", 3, lambda n: [f"s{i}" for i in range(n)]),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_imports_lead_so_far_and_no_further(cas, monkeypatch, bound):
    """As many as are allowed are shown; with one more the whole request is refused in words, and
    one value alone is still to be had.
    """
    name, most, sources = BOUNDS[bound]
    for n in range(most + 1):
        assert cas.create(lends(f"s{n}"))[0] == 201
    cas.create(takes("enough", *sources(most)))
    cas.create(takes("more", *sources(most + 1)))
    limit = 2 * most if bound == "steps" else most  # one step for the kind, one for the value
    if bound == "characters":
        limit = most * len(Session.from_yaml(lends("s0")).to_yaml())
    monkeypatch.setattr(stored, name, limit)
    assert len(cas.get("/v1/values/session=enough")[1]["values"]) == most
    status, body = cas.get("/v1/values/session=more")
    assert status == 400 and body["msg"][0] == "Imports lead too far"
    assert cas.get("/v1/values/session=more,secret=v0")[0] == 200


def test_a_session_whose_issuers_lead_too_far_is_not_created(cas, monkeypatch):
    """The same bound holds while values are made."""
    cas.create(session("ns"))
    key = "name: k, kind: private-key"
    for n in range(3):
        authority = "name: ca, kind: x509-ca, private_key: k, export: {namespace: ns}"
        assert cas.create(session(f"ns/ca{n}", key, authority))[0] == 201
    rows = [
        row
        for n in range(3)
        for row in (
            f"name: a{n}, kind: x509-ca, import: {{session: ns/ca{n}, secret: ca}}",
            f"name: c{n}, kind: x509, private_key: k, issuer: a{n}",
        )
    ]
    monkeypatch.setattr(stored, "MOST_SOURCES", 2)
    status, body = cas.create(session("ns/me", key, *rows))
    assert status == 400 and body["msg"][0] == "Imports lead too far"
    monkeypatch.setattr(stored, "MOST_SOURCES", 3)
    assert cas.create(session("ns/me", key, *rows))[0] == 201


def test_a_request_reads_each_version_once(cas, monkeypatch):
    """Forty imports from one session, and nothing in the cache: two texts are read."""
    cas.create(lends("s"))
    cas.create(takes("many", *["s"] * 40))
    read = []
    monkeypatch.setattr(stored.Sources.__init__, "__defaults__", (Cache(most=0),))
    original = Session.from_yaml
    monkeypatch.setattr(
        Session, "from_yaml", classmethod(lambda cls, text: read.append(text) or original(text))
    )
    assert len(cas.get("/v1/values/session=many")[1]["values"]) == 40
    assert len(read) == len(set(read)) == 2


def test_the_cache_keeps_so_many_characters():
    """What was used last stays; a text larger than the whole cache is read and not kept."""
    texts = [lends(f"s{n}") for n in range(5)]
    cache = Cache(most=3 * len(texts[0]))
    first = cache.session(texts[0])
    for text in texts[1:3]:
        cache.session(text)
    assert cache.session(texts[0]) is first and cache.characters == cache.most
    for text in texts[3:]:
        cache.session(text)
    assert cache.session(texts[0]) is first and cache.characters == cache.most
    cache.session(lends("large", "x" * 2000))
    assert cache.characters == 0


SLOW = session("large", more="services: []\n") + f"# {'x' * stored.SLOW}\n"


def test_large_sessions_wait_in_turn_and_not_all_workers_with_them(cas):
    """While as many wait as may, another large session is refused, to be sent again soon, and a
    small one is stored.
    """
    with ExitStack() as stack:
        entered = [threading.Event() for _ in range(stored.QUEUE)]
        go = threading.Event()

        def wait(mine: threading.Event) -> None:
            mine.set()
            with in_turn(True):
                go.wait(20)

        threads = [threading.Thread(target=wait, args=(e,)) for e in entered]
        stack.callback(lambda: [t.join() for t in threads])
        stack.callback(go.set)
        for thread, event in zip(threads, entered, strict=True):
            thread.start()
            event.wait(20)
        while stored._standing._value:
            pass
        status, body = cas.create(SLOW)
        assert (status, cas.last.headers["Retry-After"]) == (503, "1")
        assert body["msg"][0] == "The CAS is busy"
        assert cas.create(lends("small"))[0] == 201
    assert cas.create(SLOW)[0] == 201


def test_what_is_part_of_something_slow_does_not_wait_for_itself():
    """A large text read while a large session is made."""
    with in_turn(True), in_turn(True):
        pass
    assert stored._standing._value == stored.QUEUE
    with pytest.raises(ValueError), in_turn(True):
        raise ValueError
    assert stored._standing._value == stored.QUEUE


def test_a_page_of_the_listing_ends_where_it_has_read_enough(cas, alice, monkeypatch):
    """By characters as well as by number; the pages together are the whole list."""
    open_ = "access_policy: {read: ANY, update: CREATOR}\n"
    names = [f"s{n}" for n in range(7)]
    for name in names:
        cas.create(session(name, more=open_), alice)
    size = len(json.dumps(cas.get("/v1/sessions/s0")[1]["session"]))
    monkeypatch.setattr("casnb.simulator.server.service.LISTED_CHARACTERS", 2 * size)
    found, after, pages = [], 0, 0
    while after is not None:
        _, body = cas.get(f"/v1/sessions?after={after}")
        found, after, pages = found + body["sessions"], body["next"], pages + 1
    assert found == names and pages == 3


def test_a_configuration_has_a_size():
    """A short text of placeholders for a long value is refused before it is made."""
    text = session(
        "s",
        f"name: v, kind: ascii, value: {'x' * 65_000}",
        more="services:\n- name: s\n  command: "
        + "$$SCONE::v$$" * 14
        + "\n  environment: {A: $$SCONE::v$$, B: $$SCONE::v$$, C: $$SCONE::v$$}"
        + "\nsecurity: {attestation: {mode: none}}\n",
    )
    with pytest.raises(EvidenceError, match=f"at most {FILLED} bytes"):
        configuration(Stored(Session.from_yaml(text)), "s")
    fits = text.replace(", C: $$SCONE::v$$", "")
    assert len(configuration(Stored(Session.from_yaml(fits)), "s")["command"]) == 910_000


def test_a_policy_that_leads_too_far_spoils_no_listing(cas, alice, monkeypatch):
    """Whose access policy is a variable with too long a way admits nobody; its neighbours are
    listed, and each policy has a way of its own.
    """
    open_ = "access_policy: {read: ANY, update: CREATOR}\n"
    cas.create(
        session("where", "name: p, kind: ascii, value: ANY, export_public: true", more=open_), alice
    )
    for n in range(3):
        row = "name: p, kind: ascii, import: {session: where, secret: p}"
        policy = "access_policy: {read: $$SCONE::p$$, update: CREATOR}\n"
        status, body = cas.create(session(f"s{n}", row, more=policy), alice)
        assert status == 201, body
    cas.create(session("plain", more=open_), alice)
    assert cas.get("/v1/sessions")[1]["sessions"] == ["where", "s0", "s1", "s2", "plain"]
    monkeypatch.setattr(stored, "MOST_LOOKUPS", 4)
    assert cas.get("/v1/sessions")[1]["sessions"] == ["where", "s0", "s1", "s2", "plain"]
    monkeypatch.setattr(stored, "MOST_LOOKUPS", 0)
    assert cas.get("/v1/sessions")[1]["sessions"] == ["where", "plain"]


# Half-sent bodies


def test_whoever_holds_most_of_half_sent_bodies_loses_it(world, tmp_path, monkeypatch):
    """Room for two large halves: the first ones are given up, a small half stays and is answered
    when its rest arrives; afterwards nothing is held.
    """
    monkeypatch.setattr(request_reader.Waiting.__init__, "__defaults__", (250_000,))

    def app(environ, start_response):
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    server = TlsServer(
        "127.0.0.1", 0, app, tls_context(world.tls_chain_pem, world.tls_leaf.key, ask_client=True)
    )
    server.start_serving()
    context = pinned_context(CasChain.from_pem(world.cas_chain_pem), ClientIdentity.create())
    waiting = server.ssl_adapter.waiting
    try:
        small = half(server, context, 30, 20)
        large = [half(server, context, 110_000, 100_000) for _ in range(8)]
        settle(lambda: waiting.dropped == 6)
        assert waiting.held <= waiting.most and len(waiting._sizes) == 3
        assert sum(finished(sock, 10_000) for sock in large) == 2
        assert finished(small, 10)
        for sock in (small, *large):
            sock.close()
        settle(lambda: waiting.held == 0 and not waiting._sizes)
    finally:
        server.stop()


def half(server: TlsServer, context: ssl.SSLContext, size: int, sent: int) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", server.port), 20)
    sock = context.wrap_socket(raw, server_hostname="cas")
    sock.sendall(b"POST / HTTP/1.1\r\nHost: cas\r\nContent-Length: %d\r\n\r\n" % size + b"x" * sent)
    return sock


def finished(sock: ssl.SSLSocket, rest: int) -> bool:
    """Send the rest; whether the request is answered, and not refused or cut off."""
    try:
        sock.sendall(b"x" * rest)
        return b" 200 " in sock.recv(100)
    except OSError:
        return False


def settle(done) -> None:
    """Wait until something is so, for as long as a busy machine may need."""
    for _ in range(2000):
        if done():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


# Quotas


@pytest.mark.parametrize("by", ["versions", "bytes"])
def test_a_key_may_store_so_much(world, tmp_path, alice, bob, monkeypatch, by):
    """One more is refused, whether it is new or an update; another key has an account of its own,
    and a restart forgets nothing.
    """
    monkeypatch.setattr(
        quota,
        "KEY_VERSIONS" if by == "versions" else "KEY_BYTES",
        3 if by == "versions" else 12_000,
    )
    value = "x" * 3000 if by == "bytes" else "1"
    with Store(tmp_path / "cas.sqlite3") as store:
        cas = Cas(world, store)
        made = [cas.create(lends(f"a{n}", value), alice) for n in range(4)]
        assert [status for status, _ in made] == [201, 201, 201, 403]
        assert "it may store" in made[3][1]["msg"][1]
    with Store(tmp_path / "cas.sqlite3") as store:
        cas = Cas(world, store)
        again = lends("a0", value * 2) + f"predecessor: {made[0][1]['hash']}\n"
        assert cas.create(again, alice)[0] == 403 and cas.create(again, bob)[0] == 201
        assert cas.create(lends("b", value), bob)[0] == 201
        assert cas.create(lends("n", value))[0] == 201


def test_all_keys_together_may_store_so_much(cas, make_client, monkeypatch):
    """Keys cost nothing: so the sum has a bound too."""
    monkeypatch.setattr(quota, "ALL_VERSIONS", 3)
    made = [cas.create(lends(f"s{n}"), make_client())[0] for n in range(4)]
    assert made == [201, 201, 201, 403]


def test_what_is_refused_is_not_counted(cas, alice, monkeypatch):
    """A session that exists already costs nothing of the account."""
    monkeypatch.setattr(quota, "KEY_VERSIONS", 2)
    assert [cas.create(lends("same"), alice)[0] for _ in range(4)] == [201, 400, 400, 400]
    assert cas.create(lends("other"), alice)[0] == 201
