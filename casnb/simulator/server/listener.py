"""A TLS listener for WSGI apps: asks for a client certificate where wanted, accepts any,
requires none; bounded throughout.

Why not a server as it comes: a CAS knows its clients by self-made certificates, and Python's `ssl`
(and every WSGI server on it) refuses those in the handshake. pyOpenSSL lets a callback accept them.
Of cheroot we rely on its threads and its reading of HTTP; what it leaves open is closed here: a
client that sends slowly, that holds many connections, or whose bodies add up, is bounded in time,
number and memory, and never costs another client a thread.
"""

from __future__ import annotations

import logging
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
from casnb.simulator.server.http_rules import bad_request
from casnb.simulator.server.request_reader import (
    BODY_LIMIT,
    HEADER_LIMIT,
    Dropped,
    Reader,
    Waiting,
    Writer,
)
from casnb.simulator.server.tls_context import Later, PlainSocket, Selector, TlsSocket

#: Seconds for a handshake, for reading one request, for answering it, and until an idle connection
#: is closed. A class that starts at once on one small machine needs many; a connection that waits
#: takes no worker, and the longest idle one goes first.
HANDSHAKE_TIME, REQUEST_TIME, IDLE_TIME = 30.0, 30.0, 30
#: Workers, and how many of them may wait for a body of which nobody knows how long it is.
_WORKERS, _PATIENT = 8, 4
_QUEUE = 1024
#: Open files that a server process asks for.
_FILES = 4096
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection:"
    b" close\r\n\r\n"
)

_log = logging.getLogger("casnb.simulator")


class SocketAdapter(Adapter):
    """Between cheroot and our sockets; cheroot's own loses what it has read when a record arrives
    in two parts. Without a context plain HTTP is spoken.
    """

    def __init__(self, context: SSL.Context | None, waiting: Waiting | None = None) -> None:
        self.context, self.waiting = context, waiting or Waiting()

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[TlsSocket, dict[str, str]]:
        wrapped = TlsSocket(self.context, sock) if self.context else PlainSocket(sock)
        return wrapped, wrapped.environ

    def get_environ(self) -> dict[str, str]:
        return {}

    def makefile(self, sock: TlsSocket, mode: str = "r", bufsize: int = -1) -> Any:
        return Reader(sock, self.waiting) if "r" in mode else Writer(sock)


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
            # Somebody typed http://: in plain text they can read why it fails.
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


class Connections(ConnectionManager):
    """cheroot's, except for a process that has as many files open as it may: there the longest idle
    connection makes room.
    """

    def _from_server_socket(self, server_socket: socket.socket) -> Any:
        try:
            return super()._from_server_socket(server_socket)  # type: ignore[misc]
        except OSError as exc:
            _log.debug("connection not accepted: %s", exc)
            if not self.server.drop_the_idlest():
                time.sleep(0.05)  # the socket is readable still: without a pause this loop spins
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


def speaks(fd: int) -> bool:
    """Whether something has arrived that nobody has read."""
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

    def __init__(self, host: str, port: int, app: Any, context: SSL.Context | None) -> None:
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
        self.ssl_adapter = SocketAdapter(context)
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
        self._connections = Connections(self)

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
            (conn.last_used, fd, conn) for fd, conn in watched.connections if conn in self.open
        ]
        for _, fd, conn in sorted(waiting, key=lambda w: w[:2]):
            if not speaks(fd):
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

        # cheroot's selector sleeps until something happens: a connection of our own is that.
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
