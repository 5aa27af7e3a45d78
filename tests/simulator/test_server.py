"""The TLS listener over real sockets: any client certificate and none, hostile and slow clients,
a quick end.
"""

from __future__ import annotations

import errno
import json
import selectors
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
from cheroot import connections

from casnb.base.errors import SourceError
from casnb.simulator.server import listener as module
from casnb.simulator.server.listener import TlsServer
from casnb.simulator.server.request_reader import BODY_LIMIT
from casnb.simulator.server.tls_context import tls_context
from casnb.simulator.world import World

GET = b"GET /x HTTP/1.1\r\nHost: cas\r\n\r\n"
#: More than a kernel holds for a client that does not read.
LARGE = bytes(range(256)) * 32_768


def mirror(environ, start_response):
    """Say what was received."""
    body = (
        environ["wsgi.input"].read()
        if environ.get("CONTENT_LENGTH") or environ["wsgi.input_terminated"]
        else b""
    )
    if environ["PATH_INFO"] == "/large":
        answer = LARGE
    else:
        answer = json.dumps(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "body": len(body),
                "client": environ.get("SSL_CLIENT_CERT"),
                "verify": environ["SSL_CLIENT_VERIFY"],
            }
        ).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def world() -> World:
    return World("server tests")


@contextmanager
def serving(world, app=mirror, ask_client=True):
    server = TlsServer(
        "127.0.0.1",
        0,
        app,
        tls_context(world.tls_chain_pem, world.tls_leaf.key, ask_client=ask_client),
    )
    server.start_serving()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(world):
    with serving(world) as running:
        yield running


@pytest.fixture(scope="module")
def ca(world, tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "cas.pem"
    path.write_bytes(world.cas_chain_pem)
    return path


def context(ca, client=None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(ca))
    made.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)  # a CAS's chain has no key usage
    if client:
        made.load_cert_chain(client.file)
    return made


def connect(server, ca, client=None, *, tls=None, timeout=20.0) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", server.port), timeout)
    return (tls or context(ca, client)).wrap_socket(raw, server_hostname="cas")


def ended(sock) -> None:
    """Wait until the other side has cut off the connection."""
    with suppress(OSError):
        sock.recv(1)


def first_that_is_closed(socks) -> ssl.SSLSocket:
    """Wait until the other side has ended one of several connections; what else arrives is TLS's
    own.
    """
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        while found := selector.select(20):
            for key, _ in found:
                with suppress(ssl.SSLWantReadError):
                    if key.fileobj.recv(1) == b"":
                        return key.fileobj
    raise AssertionError("none was closed")


def answer(sock) -> tuple[int, bytes]:
    """Read one response that says how long it is."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        assert part, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    parts = [body]
    while length > sum(map(len, parts)):
        part = sock.recv(65536)
        assert part, "the answer was cut off"
        parts.append(part)
    return int(head.split()[1]), b"".join(parts)


def ask(server, ca, client=None, request=GET) -> dict:
    with connect(server, ca, client) as sock:
        sock.sendall(request)
        return json.loads(answer(sock)[1])


# Who is there


def test_no_certificate_is_needed(server, ca):
    """The chain of `show-certificate` vouches for the server under the name `cas`; the client
    stays nobody.
    """
    found = ask(server, ca)
    assert found["client"] is None and found["verify"] == "NONE"


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="the CLI's own, 1975 to 4096, space in the name"),
        pytest.param({"kind": "rsa"}, id="RSA"),
        pytest.param({"kind": "p384"}, id="P-384"),
        pytest.param({"kind": "ed25519"}, id="Ed25519"),
        pytest.param({"years": (2000, 2001)}, id="expired"),
        pytest.param({"years": (2090, 2091)}, id="not yet valid"),
        pytest.param({"name": "cas"}, id="another's name"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_any_certificate_is_taken(server, ca, make_client, how, version):
    """The app sees exactly the certificate whose key was proven in the handshake."""
    client = make_client(**how)
    tls = context(ca, client)
    tls.minimum_version = tls.maximum_version = version
    with connect(server, ca, tls=tls) as sock:
        sock.sendall(GET)
        found = json.loads(answer(sock)[1])
    assert found["client"] == client.pem and found["verify"] == "GENEROUS"


def test_a_certificate_belongs_to_one_connection(server, ca, alice, bob):
    """Clients in turn and at once, also after a session that could be resumed: nobody is taken
    for somebody else.
    """
    for client in (alice, None, bob, None, alice):
        assert ask(server, ca, client)["client"] == (client.pem if client else None)
    tls = context(ca)
    for _ in range(2):
        with connect(server, ca, tls=tls) as sock:
            sock.sendall(GET)
            assert json.loads(answer(sock)[1])["client"] is None
            session = sock.session
    raw = socket.create_connection(("127.0.0.1", server.port), 20)
    with tls.wrap_socket(raw, server_hostname="cas", session=session) as sock:
        sock.sendall(GET)
        assert json.loads(answer(sock)[1])["client"] is None and not sock.session_reused


def test_a_header_is_no_certificate(server, ca, alice):
    """What a client writes into headers does not reach the place of its certificate."""
    names = ("SSL_CLIENT_CERT", "SSL-Client-Cert", "X-SSL-CLIENT-CERT")
    lines = "".join(f"{name}: {alice.pem.splitlines()[1]}\r\n" for name in names)
    assert (
        ask(server, ca, request=f"GET / HTTP/1.1\r\nHost: cas\r\n{lines}\r\n".encode())["client"]
        is None
    )


def test_a_page_server_asks_for_nothing(world, ca, alice):
    """Without `ask_client` a browser is not bothered, and a certificate is not taken."""
    with serving(world, ask_client=False) as quiet:
        assert ask(quiet, ca, alice)["client"] is None


def test_another_world_is_not_taken_for_this_one(server, tmp_path):
    """Same names, other keys: the chain of another CAS does not vouch for this one."""
    other = tmp_path / "other.pem"
    other.write_bytes(World("somebody else").cas_chain_pem)
    with pytest.raises(ssl.SSLError):
        connect(server, other)


def test_old_protocols_are_refused(server, ca):
    """Nothing below TLS 1.2."""
    tls = context(ca)
    tls.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    except ValueError:
        pytest.skip("this Python cannot speak the old protocols")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(server, ca, tls=tls)


# Requests


def test_requests_share_a_connection(server, ca):
    """Keep-alive, one after the other and several sent at once."""
    with connect(server, ca) as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert answer(sock)[0] == 200
        sock.sendall(GET * 3)
        data = b""
        while data.count(b'"method"') < 3:
            data += sock.recv(65536)


def test_a_request_may_arrive_in_pieces(server, ca):
    """Header lines and body split anywhere, each piece a TLS record of its own."""
    request = b"POST /p HTTP/1.1\r\nHost: cas\r\nContent-Length: 300\r\n\r\n" + b"b" * 300
    with connect(server, ca) as sock:
        for n in range(0, len(request), 23):
            sock.sendall(request[n : n + 23])
            time.sleep(0.003)
        assert json.loads(answer(sock)[1]) | {"client": 0} == {
            "method": "POST",
            "path": "/p",
            "body": 300,
            "client": 0,
            "verify": "NONE",
        }


def test_a_large_answer_arrives_whole(server, ca):
    """Also at a client that begins to read late and has room for little: the server waits in the
    middle of it.
    """
    with socket.socket() as raw:
        raw.settimeout(10)
        raw.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 8192
        )  # before the connection: later it would shut an open window
        raw.connect(("127.0.0.1", server.port))
        with context(ca).wrap_socket(raw, server_hostname="cas") as sock:
            sock.sendall(GET.replace(b"/x", b"/large"))
            time.sleep(0.1)
            assert answer(sock) == (200, LARGE)


def test_many_clients_at_once(server, ca):
    """More than there are workers, each with its own answer."""
    found = []
    threads = [
        threading.Thread(
            target=lambda n=n: found.append(
                ask(server, ca, request=GET.replace(b"/x", b"/%d" % n))["path"]
            )
        )
        for n in range(24)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(found) == sorted(f"/{n}" for n in range(24))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_requests_the_library_works(server, ca):
    """A session of the ordinary library, many requests."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, False
        for _ in range(5):
            assert (
                session.post(f"https://127.0.0.1:{server.port}/p", data=b"x" * 100_000).json()[
                    "body"
                ]
                == 100_000
            )


# Bounds


@pytest.mark.parametrize(
    "request_, status",
    [
        pytest.param(
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: cas\r\n\r\n", 414, id="long line"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: cas\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
            413,
            id="long header",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: cas\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
            413,
            id="many headers",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: cas\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1),
            413,
            id="large body",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: cas\r\nContent-Length: 99999999999999999999\r\n\r\n",
            413,
            id="huge body",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: cas\r\nContent-Length: x\r\n\r\n",
            400,
            id="length that is not a number",
        ),
        pytest.param(b"nonsense\r\n\r\n", 400, id="nonsense"),
    ],
)
def test_what_is_too_much_is_refused(server, ca, request_, status):
    """An error status, the connection ends, and the server goes on."""
    with connect(server, ca) as sock:
        sock.sendall(request_)
        assert answer(sock)[0] == status
    assert ask(server, ca)["path"] == "/x"


def test_a_chunked_body_is_bounded(server, ca):
    """Where no length is announced the body is cut off as well."""
    with connect(server, ca) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: cas\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(80):
                sock.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            assert answer(sock)[0] >= 400
        except (ConnectionError, ssl.SSLError, AssertionError):
            pass
    assert ask(server, ca)["path"] == "/x"


def test_plain_http_is_answered_in_plain_http(server, ca):
    """One sentence with status 400 instead of silence; the server goes on."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
        raw.sendall(GET + b"x" * 5000)
        data = b""
        while part := raw.recv(4096):
            data += part
    assert data.startswith(b"HTTP/1.1 400") and b"HTTPS only" in data
    assert ask(server, ca)["path"] == "/x"


@pytest.mark.parametrize(
    "junk", [b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"a" * 500, b"SSH-2.0-x\r\n", b"\x16", b""]
)
def test_junk_instead_of_a_handshake(server, ca, junk, caplog):
    """The connection ends, nothing is printed, the server goes on."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
        raw.sendall(junk)
        with suppress(OSError):  # the server may have hung up by now
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert ask(server, ca)["path"] == "/x"
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR", "CRITICAL")]


SLOW = [
    pytest.param(None, b"", id="says nothing"),
    pytest.param(None, b"\x16\x03\x01\x02\x00\x01", id="half a hello"),
    pytest.param("tls", b"", id="stops after the handshake"),
    pytest.param("tls", b"GET /x HT", id="half a line"),
    pytest.param("tls", b"GET /x HTTP/1.1\r\nHost: cas\r\nX-", id="half a header"),
    pytest.param("tls", b"GET /x HTTP/1.1\r\n\tfolded", id="half a folded header"),
    pytest.param(
        "tls",
        b"POST /x HTTP/1.1\r\nHost: cas\r\nContent-Length: 1000\r\n\r\nname:",
        id="half a body",
    ),
    pytest.param(
        "tls",
        b"POST /x HTTP/1.1\r\nHost: cas\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nna",
        id="half a chunk",
    ),
    pytest.param(
        "tls",
        b"POST /x HTTP/1.1\r\nHost: cas\r\nContent-Length:\r\n 1000\r\n\r\nna",
        id="folded length",
    ),
    pytest.param(
        "tls",
        b"POST /x HTTP/1.1\r\nHost: cas\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        id="waits to be asked for a body",
    ),
]


@pytest.mark.parametrize("how, said", SLOW)
def test_slow_clients_do_not_keep_others_waiting(server, ca, how, said):
    """Far more of them than there are workers: the next client is served while they are still
    there.
    """
    tls = context(ca)
    with ExitStack() as stack:
        for _ in range(24):
            slow = stack.enter_context(
                connect(server, ca, tls=tls)
                if how
                else socket.create_connection(("127.0.0.1", server.port), 20)
            )
            slow.sendall(said)
        time.sleep(0.05)
        assert ask(server, ca)["path"] == "/x"


def test_a_body_may_be_asked_for(server, ca):
    """A client that waits for `100 Continue` before it sends the body gets it."""
    with connect(server, ca) as sock:
        sock.sendall(
            b"POST /p HTTP/1.1\r\nHost: cas\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert sock.recv(4096).startswith(b"HTTP/1.1 100")
        sock.sendall(b"abc")
        assert json.loads(answer(sock)[1])["body"] == 3


@pytest.mark.parametrize("zeros", [1, 30, 5000])
def test_a_length_with_leading_zeros(server, ca, zeros):
    """Still a number, however long it is written."""
    with connect(server, ca) as sock:
        sock.sendall(
            b"POST /p HTTP/1.1\r\nHost: cas\r\nContent-Length: " + b"0" * zeros + b"3\r\n\r\nabc"
        )
        assert answer(sock)[0] in (200, 400)


class Clock:
    """The clock of a server, which a test sets ahead; a connection that is merely idle is kept
    for ever.
    """

    ahead = 0.0

    def __init__(self, monkeypatch) -> None:
        monkeypatch.setattr(module, "IDLE_TIME", 10**6)
        for owner in (module, connections):
            monkeypatch.setattr(owner, "time", self)

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def __getattr__(self, name):
        return getattr(time, name)

    def runs_out(self, sock, said=b"") -> None:
        """Let ten seconds pass again and again, with something said in each, until the other
        side hangs up.
        """
        sock.settimeout(0.1)
        for _ in range(600):
            self.ahead += 10
            try:
                sock.sendall(said)
                if not sock.recv(4096):
                    return
            except TimeoutError:
                continue
            except (ConnectionError, ssl.SSLError):
                return
        pytest.fail("it was kept")


def test_a_slow_request_runs_out_of_time(world, ca, monkeypatch):
    """A client that sends a byte now and then is cut off after a fixed time, however lively it
    is.
    """
    clock = Clock(monkeypatch)
    with serving(world) as slow, connect(slow, ca) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        clock.runs_out(sock, b"y")
        assert ask(slow, ca)["path"] == "/x"


@pytest.mark.parametrize("how, said", SLOW[1:])
def test_what_was_begun_runs_out_of_time(world, ca, monkeypatch, how, said):
    """Half of anything is not kept for long: the connection is closed although the client holds
    it open.
    """
    monkeypatch.setattr(module, "REQUEST_TIME" if how else "HANDSHAKE_TIME", 0.2)
    monkeypatch.setattr(TlsServer, "expiration_interval", 0.1)
    with serving(world) as strict:
        slow = (
            connect(strict, ca) if how else socket.create_connection(("127.0.0.1", strict.port), 20)
        )
        with slow, suppress(ConnectionError, ssl.SSLError):
            slow.sendall(said)
            while slow.recv(4096):
                pass


def test_where_there_are_too_many_connections_the_longest_idle_goes(world, ca, monkeypatch):
    """New clients are always served; who has just been busy stays."""
    monkeypatch.setattr(TlsServer, "keep_alive_conn_limit", 10)
    with serving(world) as small, ExitStack() as stack:
        first = stack.enter_context(connect(small, ca))
        idle = [stack.enter_context(connect(small, ca)) for _ in range(8)]
        first.sendall(GET)
        assert answer(first)[0] == 200
        for _ in range(5):
            assert ask(small, ca)["path"] == "/x"
            idle.append(stack.enter_context(connect(small, ca)))
        first.sendall(GET)
        assert answer(first)[0] == 200
        assert first_that_is_closed(idle) in idle[:8]


class Held:
    """A server whose selector looks only when it is told to, so that all that has arrived by
    then is one batch.
    """

    def __init__(self, server, monkeypatch) -> None:
        self._waits, self._go = threading.Event(), threading.Event()
        select = server._connections._selector.select

        def held(timeout=None):
            self._waits.set()
            self._go.wait(10)
            return select(timeout)

        monkeypatch.setattr(server._connections._selector, "select", held)
        assert self._waits.wait(10)

    def go(self) -> None:
        self._go.set()


def test_who_speaks_while_a_place_is_wanted_is_not_idle(world, ca, monkeypatch, caplog):
    """A newcomer and a request of the longest idle arrive together: the request is answered,
    another one goes.
    """
    monkeypatch.setattr(TlsServer, "keep_alive_conn_limit", 2)
    monkeypatch.setattr(TlsServer, "expiration_interval", 0.1)
    with serving(world) as small, connect(small, ca) as first, connect(small, ca) as second:
        for sock in (first, second):
            sock.sendall(GET)
            assert answer(sock)[0] == 200
        held = Held(small, monkeypatch)
        with socket.create_connection(("127.0.0.1", small.port), 20) as raw:
            first.sendall(GET)
            held.go()
            assert answer(first)[0] == 200
            assert second.recv(1) == b""
            with context(ca).wrap_socket(raw, server_hostname="cas") as newcomer:
                newcomer.sendall(GET)
                assert answer(newcomer)[0] == 200
    assert not caplog.records


def test_where_all_speak_the_newcomer_goes(world, ca, monkeypatch, caplog):
    """Nobody's request is thrown away for a connection that has not said anything."""
    monkeypatch.setattr(TlsServer, "keep_alive_conn_limit", 1)
    monkeypatch.setattr(TlsServer, "expiration_interval", 0.1)
    with serving(world) as small, connect(small, ca) as first:
        first.sendall(GET)
        assert answer(first)[0] == 200
        held = Held(small, monkeypatch)
        with socket.create_connection(("127.0.0.1", small.port), 20) as raw:
            first.sendall(GET)
            held.go()
            assert raw.recv(1) == b""
        assert answer(first)[0] == 200
    assert not caplog.records


class Full:
    """A listening socket of a process that may open no more files, as long as `held` says so."""

    def __init__(self, listening, held) -> None:
        self._listening, self._held = listening, held

    def accept(self):
        if self._held():
            raise OSError(errno.EMFILE, "too many open files")
        return self._listening.accept()

    def __getattr__(self, name):
        return getattr(self._listening, name)


def test_where_no_more_files_may_be_open_the_longest_idle_goes(world, ca, monkeypatch, caplog):
    """A process that has no file left for a newcomer closes an idle connection, and goes on
    answering.
    """
    monkeypatch.setattr(TlsServer, "expiration_interval", 0.1)
    with serving(world) as full, connect(full, ca) as idle:
        idle.sendall(GET)
        assert answer(idle)[0] == 200
        full.socket = Full(full.socket, lambda: bool(full.open))
        with connect(full, ca) as newcomer:
            newcomer.sendall(GET)
            assert answer(newcomer)[0] == 200
        assert idle.recv(1) == b""
    assert not caplog.records


def test_a_connection_that_is_given_back_is_another_workers(server, monkeypatch):
    """As soon as it is watched again another worker may answer on it: what the first one knew of
    it before is what counts.
    """

    class Taken:
        def put(self, given):
            given.last_used, seen[:] = time.time(), [None]

    seen = [time.monotonic() + 1, None]
    conn = module._Connection(
        server,
        module.TlsSocket(server.ssl_adapter.context, socket.socket()),
        server.ssl_adapter.makefile,
    )
    monkeypatch.setattr(
        module._Connection, "due", property(lambda self: seen[0] if len(seen) == 1 else seen.pop(0))
    )
    watched, server._connections = server._connections, Taken()
    try:
        server.put_conn(conn)
    finally:
        server._connections = watched
        conn.close()
    assert conn.last_used < time.time() - module.IDLE_TIME + 2


def test_nothing_is_written_after_the_end(world, ca, monkeypatch, caplog):
    """A client that hangs up in the middle of an answer is sent no more of it, whenever its
    connection is thrown away.
    """
    ends, sent, send = [], [], module.TlsSocket.send
    monkeypatch.setattr(
        module.TlsSocket, "send", lambda sock, *a: (sent.append(sock.fileno()), send(sock, *a))[1]
    )
    with serving(world) as cut:
        with connect(cut, ca) as client:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: cas\r\n\r\n")
            assert client.recv(1)
            ends.extend(cut.open)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ask(cut, ca)
    ends.clear()
    assert sent and -1 not in sent and not caplog.records


# Beginning and end


def test_a_taken_port_is_said(server, world):
    """One sentence with the reason and what to do."""
    other = TlsServer(
        "127.0.0.1",
        server.port,
        mirror,
        tls_context(world.tls_chain_pem, world.tls_leaf.key, ask_client=True),
    )
    with pytest.raises(SourceError, match=r"(?i)in use|only one usage|not permitted"):
        other.start_serving()
    other.stop()


@pytest.mark.parametrize("busy", [0, 5])
def test_it_stops_whoever_is_there(world, ca, busy):
    """Also with open connections and with requests that nobody finishes; the port is free again."""
    with ExitStack() as stack:
        with serving(world) as short:
            port = short.port
            stack.enter_context(connect(short, ca))
            for _ in range(busy):
                stack.enter_context(connect(short, ca)).sendall(b"GET / HT")
            time.sleep(0.1)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()


def test_it_stops_while_somebody_speaks(world, ca, monkeypatch, caplog):
    """A request that arrives with the end is cut off, and nothing is raised or logged."""
    monkeypatch.setattr(TlsServer, "expiration_interval", 0.1)
    with serving(world) as short, connect(short, ca) as client:
        client.sendall(GET)
        assert answer(client)[0] == 200
        held = Held(short, monkeypatch)
        ends = threading.Thread(target=short.stop)
        ends.start()
        with module.Selector() as selector:
            selector.register(short.socket, module.selectors.EVENT_READ)
            assert selector.select(5), "nobody woke the server"
        client.sendall(GET)
        held.go()
        ends.join(5)
        assert not ends.is_alive()
    assert not caplog.records


def test_an_answer_given_after_the_end(world, ca, caplog):
    """A worker that gives its connection back to a server that has just ended closes it."""
    with serving(world) as short, connect(short, ca):
        ready = iter([True])
        late = module._Connection(
            short,
            module.TlsSocket(short.ssl_adapter.context, socket.socket()),
            short.ssl_adapter.makefile,
        )
    short.__class__ = type(
        "Late", (TlsServer,), {"ready": property(lambda self: next(ready, False))}
    )
    short.put_conn(late)
    assert late.socket.fileno() == -1 and not caplog.records


def test_no_connection_is_left_at_the_end(world, ca, monkeypatch):
    """What a worker gives back between the closing of all connections and the end is closed as
    well.
    """
    with serving(world) as short, connect(short, ca) as client:
        client.sendall(GET)
        assert answer(client)[0] == 200
        monkeypatch.setattr(short._connections, "close", short._connections._selector.close)
        short.stop()
        assert client.recv(1) == b"" and not short.open


def test_it_stops_while_it_answers(world, ca):
    """A worker that is busy with an answer is cut off, and nothing is raised."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(environ, start_response):
        asked.set()
        go_on.wait(5)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    server = TlsServer(
        "127.0.0.1", 0, slow, tls_context(world.tls_chain_pem, world.tls_leaf.key, ask_client=False)
    )
    server.start_serving()
    with connect(server, ca) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: cas\r\n\r\n")
        assert asked.wait(5)
        threading.Thread(target=lambda: (ended(client), go_on.set()), daemon=True).start()
        server.stop()
        assert go_on.is_set() and not server.ready


def test_a_process_that_ends_does_not_wait(world):
    """Without `stop` its threads end with the process."""
    program = (
        "from casnb.simulator.server.running import serve; from casnb.simulator.world import"
        " World\nr = serve(World('server tests')); print(r.cas_addr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0 and run.stdout.startswith("127.") and run.stderr == ""
