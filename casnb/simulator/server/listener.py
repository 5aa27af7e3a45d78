"""A TLS listener for WSGI apps: asks for a client certificate where wanted, accepts any,
requires none; bounded throughout.
"""

from __future__ import annotations

import logging
import re
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from cheroot import errors, wsgi
from cheroot.connections import ConnectionManager
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter
from OpenSSL import SSL

from casnb.base.errors import SourceError
from casnb.simulator.server.http_rules import bad_request, head_problem, origin_form
from casnb.simulator.server.tls_context import Later, Selector, TlsSocket

#: Bytes of request line and headers, and of a body.
HEADER_LIMIT = 16 * 1024
BODY_LIMIT = 1 << 20
#: Seconds for a handshake, for reading one request, for answering it, and until an idle connection
#: is closed. A class that starts at once on one small machine needs many; a connection that waits
#: takes no worker, and the longest idle one goes first.
HANDSHAKE_TIME, REQUEST_TIME, IDLE_TIME = 30.0, 30.0, 30
#: Workers, and how many of them may wait for a body of which nobody knows how long it is.
_WORKERS, _PATIENT = 8, 4
_QUEUE = 1024
#: Open files that a server process asks for.
_FILES = 4096
#: Bytes of requests that have not wholly arrived, all connections of one server together.
WAITING_BYTES = 32 << 20
#: What one record of TLS holds.
_RECORD = 16 * 1024
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection:"
    b" close\r\n\r\n"
)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BODY_FIELD = re.compile(
    rb"\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)

_log = logging.getLogger("casnb.simulator")


class Dropped(Exception):
    """What had arrived of this request was given up: others needed the room."""


class Waiting:
    """What all connections hold of requests that have not wholly arrived.

    Where that is too much, whoever holds most loses it, so that somebody who sends halves of large
    bodies pushes out himself, and not those whose small request is on its way.
    """

    def __init__(self, most: int = WAITING_BYTES) -> None:
        self.most, self.held, self.dropped = most, 0, 0
        self._sizes: dict[_Reader, int] = {}
        self._lock = threading.Lock()

    def leave(self, reader: _Reader) -> None:
        """Somebody works on this connection again, or it is closed."""
        with self._lock:
            self.held -= self._sizes.pop(reader, 0)

    def enter(self, reader: _Reader, size: int) -> None:
        """Nobody works on this connection any more until more arrives."""
        with self._lock:
            self._sizes[reader] = size
            self.held += size
            while self.held > self.most:
                most = max(self._sizes, key=self._sizes.__getitem__)
                self.held -= self._sizes.pop(most)
                most.drop()
                self.dropped += 1


class _Reader:
    """What a client sent: as much as has arrived is taken in at once, so that a worker starts on
    whole requests only.
    """

    #: What cheroot asks of a reader before it cuts off a connection that a worker is still busy
    #: with.
    closed = False

    def __init__(self, sock: TlsSocket, waiting: Waiting) -> None:
        self._sock, self._held = sock, bytearray()
        self._looked = self.bytes_read = 0
        self._waiting, self._dropped = waiting, False

    def drop(self) -> None:
        """Forget what has arrived, for good."""
        self._held, self._dropped = bytearray(), True

    def arrived(self) -> bool | None:
        """Take in what is there. True: a request can be answered without waiting. None: it must
        be read to know where it ends. Raises Dropped where its beginning was given up.
        """
        self._waiting.leave(self)
        if self._dropped:
            raise Dropped
        whole = self._take_in()
        if whole is False:
            self._waiting.enter(self, len(self._held))
        return whole

    def _take_in(self) -> bool | None:
        try:
            while len(self._held) < HEADER_LIMIT + BODY_LIMIT:
                part = self._sock.recv(65536, patient=False)
                self._held += part
                if not part:
                    return True
        except Later:
            pass
        head = _HEAD_END.search(self._held, 0, HEADER_LIMIT)
        fields = (
            {name.lower(): value for name, value in _BODY_FIELD.findall(self._held, 0, head.end())}
            if head
            else {}
        )
        length = fields.get(b"content-length", b"0").strip()
        if head is None:
            whole: bool | None = len(self._held) >= HEADER_LIMIT
        elif len(fields.keys() - {b"content-length"}) or not length.isdigit():
            whole = None
        else:
            size = int(length.lstrip(b"0")[:20] or b"0")
            whole = size > BODY_LIMIT or len(self._held) - head.end() >= size
        self._looked = len(self._held) if whole is False else 0
        return whole

    def problem(self) -> str:
        """Say what is wrong with the head of the request that has arrived, if anything."""
        head = _HEAD_END.search(self._held, 0, HEADER_LIMIT)
        if head is None:
            return ""
        fields = origin_form(bytes(self._held[: head.start()]))
        self._held[: head.start()] = fields
        return head_problem(fields)

    def has_data(self) -> bool:
        """Whether something is here that `arrived` has not seen."""
        return len(self._held) > self._looked or self._sock.pending() > 0

    def _more(self) -> bool:
        part = self._sock.recv(65536)
        self._held += part
        return bool(part)

    def _take(self, size: int) -> bytes:
        out = bytes(self._held[:size])
        del self._held[:size]
        self._looked, self.bytes_read = 0, self.bytes_read + len(out)
        return out

    def read(self, size: int) -> bytes:
        while len(self._held) < size and self._more():
            pass
        return self._take(size)

    def readline(self, size: int = HEADER_LIMIT) -> bytes:
        while (
            (end := self._held.find(b"\n", 0, size)) < 0 and len(self._held) < size and self._more()
        ):
            pass
        return self._take(size if end < 0 else end + 1)

    def close(self) -> None:
        """Give the room back; the socket is closed by whoever holds it."""
        self._waiting.leave(self)


class _Writer:
    """What a client is sent: at once, so that nothing is left for the end of a connection;
    cheroot's own writes it there again.
    """

    def __init__(self, sock: TlsSocket) -> None:
        self._sock, self.bytes_written = sock, 0

    def write(self, data: bytes) -> int:
        sent = 0
        while sent < len(data):
            sent += self._sock.send(data[sent : sent + _RECORD])
        self.bytes_written += sent
        return sent


class _Adapter(Adapter):
    """Between cheroot and TlsSocket; cheroot's own loses what it has read when a record arrives
    in two parts.
    """

    def __init__(self, context: SSL.Context) -> None:
        self.context, self.waiting = context, Waiting()

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[TlsSocket, dict[str, str]]:
        wrapped = TlsSocket(self.context, sock)
        return wrapped, wrapped.environ

    def get_environ(self) -> dict[str, str]:
        return {}

    def makefile(self, sock: TlsSocket, mode: str = "r", bufsize: int = -1) -> Any:
        return _Reader(sock, self.waiting) if "r" in mode else _Writer(sock)


class _Connection(HTTPConnection):
    #: Until when (monotonic clock) what has begun must have arrived; None between requests.
    due: float | None = None

    def __init__(self, server: TlsServer, sock: TlsSocket, makefile: Any) -> None:
        super().__init__(server, sock, makefile)
        server.open.add(self)

    def close(self) -> None:
        """Close it, whatever its other end does."""
        self.server.open.discard(self)
        super().close()

    def communicate(self) -> bool:
        """Shake hands, then answer one request, as far as what has arrived allows; True keeps
        the connection.

        A worker waits for no client: what is not there yet is left to the selector. After the
        end of the server none is answered.
        """
        if not self.server.ready:
            return False
        tls: TlsSocket = self.socket
        tls.allow(HANDSHAKE_TIME)
        try:
            if not tls.ready:
                tls.handshake()
                self.due = None
            whole = self.rfile.arrived()
        except Later:
            return self._wait(HANDSHAKE_TIME)
        except Dropped:
            with suppress(errors.FatalSSLAlert, OSError):
                self.wfile.write(_BUSY)
            return False
        except errors.NoSSLError:
            tls.refuse_plain()
            return False
        except (errors.FatalSSLAlert, OSError) as exc:
            _log.debug("connection ended: %s", exc)
            return False
        if problem := self.rfile.problem():
            with suppress(errors.FatalSSLAlert, OSError):
                self.wfile.write(bad_request(problem))
            return False
        if whole is False:
            return self._wait(REQUEST_TIME)
        self.due = None
        tls.allow(REQUEST_TIME)
        try:
            return self._answer() if whole else self._read_and_answer()
        except (errors.FatalSSLAlert, OSError) as exc:
            _log.debug("connection ended while a refusal was written: %s", exc)
            return False

    def _answer(self) -> bool:
        return bool(super().communicate())  # type: ignore[no-untyped-call]

    def _read_and_answer(self) -> bool:
        if not self.server.patience.acquire(blocking=False):
            self.wfile.write(_BUSY)
            return False
        try:
            return self._answer()
        finally:
            self.server.patience.release()

    def _wait(self, seconds: float) -> bool:
        now = time.monotonic()
        self.due = self.due or now + seconds
        return now < self.due


class _Connections(ConnectionManager):
    """cheroot's, but for a process that has as many files open as it may: there the longest idle
    connection makes room.
    """

    def _from_server_socket(self, server_socket: socket.socket) -> Any:
        try:
            return super()._from_server_socket(server_socket)  # type: ignore[misc]
        except OSError as exc:
            _log.debug("connection not accepted: %s", exc)
            if not self.server.drop_the_idlest():
                time.sleep(0.05)
            return None


def allow_many_connections() -> None:
    """Let this process have as many files open as a class of clients needs, where the system
    leaves that to the process.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _connections_limit() -> int:
    """How many connections may be open: three servers together use three quarters of a process's
    files.
    """
    try:
        import resource
    except ImportError:
        return 400
    return max(40, min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))


def _speaks(fd: int) -> bool:
    with Selector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return bool(selector.select(0))


class TlsServer(wsgi.Server):
    """One listening address with one app behind it; `start_serving` returns when it answers,
    `stop` when it no longer does.

    Its threads are daemons: a process that ends does not wait for them.
    """

    ConnectionClass = _Connection
    max_request_header_size = HEADER_LIMIT
    max_request_body_size = BODY_LIMIT
    #: Open connections; 0: as many as the process may have.
    keep_alive_conn_limit = 0
    expiration_interval = 1.0
    _connections: Any

    def __init__(self, host: str, port: int, app: Any, context: SSL.Context) -> None:
        super().__init__(
            (host, port),
            app,
            numthreads=_WORKERS,
            server_name="casnb",
            request_queue_size=_QUEUE,
            timeout=IDLE_TIME,
            shutdown_timeout=0,
        )
        self.keep_alive_conn_limit = self.keep_alive_conn_limit or _connections_limit()
        self.ssl_adapter = _Adapter(context)
        self.patience = threading.BoundedSemaphore(_PATIENT)
        self.open: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port that it listens on, also where any was asked for."""
        return int(self.bind_addr[1])

    def prepare(self) -> None:
        """Listen, with connections as they are kept here."""
        super().prepare()
        self._connections.close()
        self._connections = _Connections(self)

    def start_serving(self) -> None:
        """Listen and answer, in threads of its own; raise SourceError if the address cannot be
        had.
        """
        prepared, failure = threading.Event(), []

        def run() -> None:
            try:
                self.prepare()
            except OSError as exc:
                failure.append(exc.__cause__ or exc)
                return
            finally:
                prepared.set()
            self.serve()

        threading.Thread(target=run, name=f"casnb {self.bind_addr}", daemon=True).start()
        prepared.wait()
        if failure:
            reason = getattr(failure[0], "strerror", None) or str(failure[0])
            raise SourceError(
                f"address {self.bind_addr[0]} port {self.bind_addr[1]}",
                got=reason.lower(),
                wanted="a free one",
                do="Give another --address or --port, or stop what listens there.",
            ) from failure[0]

    def process_conn(self, conn: Any) -> None:
        """Give a connection to a worker only once there is something to read; where there are
        too many, the longest idle goes.
        """
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self.ready and (self.can_add_keepalive_connection or self.drop_the_idlest()):
            self._connections.put(conn)
        else:
            conn.close()

    def put_conn(self, conn: Any) -> None:
        """Let the selector watch a connection until something arrives, or until what has begun
        should have arrived.

        Once it is watched another worker may have it.
        """
        due = conn.due
        try:
            super().put_conn(conn)
        except (ValueError, KeyError):
            if self.ready:
                raise
            conn.close()  # the selector was closed meanwhile
            return
        if due is not None:
            conn.last_used = time.time() - IDLE_TIME + due - time.monotonic()

    def drop_the_idlest(self) -> bool:
        """Close the connection that has been idle longest; whether there was one.

        Only the thread of the selector calls this, and only it takes connections out. One that
        has something to say may be among those that the selector has just reported: it is not
        idle, and it stays.
        """
        watched = self._connections._selector
        waiting = [
            (conn.last_used, fd, conn) for fd, conn in watched.connections if conn is not self
        ]
        for _, fd, conn in sorted(waiting, key=lambda w: w[:2]):
            if not _speaks(fd):
                watched.unregister(fd)
                conn.close()
                return True
        return False

    def stop(self) -> None:
        """Stop listening, close every connection; a second call does nothing, and does not wait
        for the first.
        """
        if not self.ready:
            return
        stopped = threading.Event()
        address = self.bind_addr

        def wake() -> None:
            while not stopped.wait(0.005):
                with suppress(OSError):
                    socket.create_connection(address, 0.05).close()

        waker = threading.Thread(target=wake, name="casnb stop", daemon=True)
        waker.start()
        try:
            super().stop()
        finally:
            stopped.set()
            waker.join()
        for conn in list(
            self.open
        ):  # given back by a worker, or accepted, while the others were closed
            conn.close()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Keep cheroot's remarks off the terminal."""
        _log.log(
            min(level, logging.INFO) if not traceback else logging.WARNING,
            "%s",
            msg,
            exc_info=traceback,
        )
