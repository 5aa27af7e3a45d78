"""A TLS listener for WSGI apps: asks for a client certificate where wanted, accepts any, requires none; bounded throughout."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from cheroot import errors, wsgi
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter
from cryptography import x509
from OpenSSL import SSL, crypto

from casnb.errors import SourceError
from casnb.simulator.keys import Key

#: Bytes of request line and headers, and of a body.
HEADER_LIMIT = 16 * 1024
BODY_LIMIT = 1 << 20
#: Seconds for a handshake, for reading one request, and until an idle connection is closed.
HANDSHAKE_TIME, REQUEST_TIME, IDLE_TIME = 5.0, 15.0, 20
_WORKERS = 8
_CONNECTIONS = 200
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 60\r\nConnection: close\r\n\r\n" \
         b"This port speaks HTTPS only; the request was in plain HTTP.\n"

_log = logging.getLogger("casnb.simulator")
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def tls_context(chain_pem: bytes, key: Key, *, ask_client: bool) -> SSL.Context:
    """Return the server side's context: `chain_pem` is what is sent, leaf first; TLS 1.2 and later, no session is resumed.

    With `ask_client` a certificate is requested and any is accepted, also one that no authority signed or that has expired:
    the handshake proves possession of its key, and that is all that it means.
    """
    leaf, *others = x509.load_pem_x509_certificates(chain_pem)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(leaf)
    for certificate in others:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(key)
    context.check_privatekey()
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"casnb")
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
    if ask_client:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


class TlsSocket:
    """A TLS connection with the manners of a blocking socket: waits as long as its deadline allows, then raises TimeoutError."""

    def __init__(self, context: SSL.Context, raw: socket.socket) -> None:
        raw.setblocking(False)
        self._raw, self._tls = raw, SSL.Connection(context, raw)
        self._tls.set_accept_state()
        self._deadline = 0.0
        self.ready = False
        self.environ: dict[str, str] = {"wsgi.url_scheme": "https", "HTTPS": "on", "SSL_CLIENT_VERIFY": "NONE"}

    def allow(self, seconds: float) -> None:
        """Set how long all that follows may take together."""
        self._deadline = time.monotonic() + seconds

    def handshake(self) -> None:
        """Finish the handshake; afterwards `environ` holds the client's certificate, if it sent one."""
        self._do(self._tls.do_handshake)
        certificate = self._tls.get_peer_certificate()
        if certificate is not None:
            self.environ["SSL_CLIENT_CERT"] = crypto.dump_certificate(crypto.FILETYPE_PEM, certificate).decode("ascii")
            self.environ["SSL_CLIENT_VERIFY"] = "GENEROUS"
        self.ready = True

    def refuse_plain(self) -> None:
        """Tell a client that speaks plain HTTP so, in plain HTTP; read what it still sends, so that the answer arrives."""
        self.allow(1.0)
        with suppress(OSError):
            self._raw.send(_PLAIN)
            self._raw.shutdown(socket.SHUT_WR)
            for _ in range(16):
                self._wait(selectors.EVENT_READ)
                if not self._raw.recv(65536):
                    break

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int | None = None) -> int:
        return int(self._do(self._tls.recv_into, buffer, nbytes or len(buffer)) or 0)

    def send(self, data: bytes, flags: int = 0) -> int:
        return int(self._do(self._tls.send, bytes(data), writing=True))

    def pending(self) -> int:
        """Bytes that were decrypted and not yet read; the kernel does not know of them."""
        return self._tls.pending() if self.ready else 0

    def shutdown(self, how: int) -> None:
        """Say goodbye if that is possible at once, and end the connection, whoever is still reading or writing."""
        if how == socket.SHUT_RDWR and self.ready:
            with suppress(SSL.Error, OSError):
                self._tls.shutdown()
        with suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._raw.close()

    def fileno(self) -> int:
        return self._raw.fileno()

    def getsockname(self) -> Any:
        return self._raw.getsockname()

    def settimeout(self, seconds: float | None) -> None:
        """Ignored: deadlines are set by `allow`."""

    def _decref_socketios(self) -> None:
        """Part of what `socket.SocketIO` expects of a socket."""

    def _do(self, call: Callable[..., Any], *arguments: Any, writing: bool = False) -> Any:
        while True:
            try:
                return call(*arguments)
            except SSL.WantReadError:
                self._wait(selectors.EVENT_READ)
            except SSL.WantWriteError:
                self._wait(selectors.EVENT_WRITE)
            except SSL.ZeroReturnError:
                return 0
            except SSL.SysCallError as exc:
                if exc.args[:1] == (-1,) and not writing and self.ready:
                    return 0
                raise ConnectionResetError(errno.ECONNRESET, "the connection was reset") from None
            except SSL.Error as exc:
                _raise(exc)

    def _wait(self, event: int) -> None:
        with _Selector() as selector:
            try:
                selector.register(self._raw, event)
            except (ValueError, KeyError):
                raise ConnectionResetError(errno.ECONNRESET, "the connection was closed") from None
            left = self._deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError("timed out")


def _raise(exc: SSL.Error) -> NoReturn:
    reasons = [str(e[-1]) for e in exc.args[0]] if exc.args and isinstance(exc.args[0], (list, tuple)) else []
    if "http request" in reasons or "https proxy request" in reasons:
        raise errors.NoSSLError(*reasons) from None
    raise errors.FatalSSLAlert("; ".join(reasons)) from None


class _Reader(StreamReader):
    def __init__(self, sock: TlsSocket, mode: str, size: int) -> None:
        super().__init__(sock, mode, size)
        self.sock = sock

    def has_data(self) -> bool:
        return bool(super().has_data() or self.sock.pending())  # type: ignore[no-untyped-call]


class _Adapter(Adapter):
    """Between cheroot and TlsSocket; cheroot's own loses what it has read when a record arrives in two parts."""

    def __init__(self, context: SSL.Context) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[TlsSocket, dict[str, str]]:
        wrapped = TlsSocket(self.context, sock)
        return wrapped, wrapped.environ

    def get_environ(self) -> dict[str, str]:
        return {}

    def makefile(self, sock: TlsSocket, mode: str = "r", bufsize: int = -1) -> Any:
        return _Reader(sock, mode, bufsize) if "r" in mode else StreamWriter(sock, mode, bufsize)


class _Connection(HTTPConnection):
    def communicate(self) -> bool:
        """Shake hands the first time, later answer one request; a worker never waits for a client that is silent."""
        tls: TlsSocket = self.socket
        if tls.ready:
            tls.allow(REQUEST_TIME)
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        tls.allow(HANDSHAKE_TIME)
        try:
            tls.handshake()
        except errors.NoSSLError:
            tls.refuse_plain()
        except (errors.FatalSSLAlert, OSError) as exc:
            _log.debug("handshake failed: %s", exc)
        return tls.ready


class TlsServer(wsgi.Server):
    """One listening address with one app behind it; `start_serving` returns when it answers, `stop` when it no longer does.

    Its threads are daemons: a process that ends does not wait for them.
    """

    ConnectionClass = _Connection
    max_request_header_size = HEADER_LIMIT
    max_request_body_size = BODY_LIMIT
    keep_alive_conn_limit = _CONNECTIONS
    expiration_interval = 1.0
    _connections: Any

    def __init__(self, host: str, port: int, app: Any, context: SSL.Context) -> None:
        super().__init__((host, port), app, numthreads=_WORKERS, server_name="casnb", request_queue_size=64, timeout=IDLE_TIME,
                         shutdown_timeout=0)
        self.ssl_adapter = _Adapter(context)

    @property
    def port(self) -> int:
        """The port that it listens on, also where any was asked for."""
        return int(self.bind_addr[1])

    def start_serving(self) -> None:
        """Listen and answer, in threads of its own; raise SourceError if the address cannot be had."""
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
            raise SourceError(f"address {self.bind_addr[0]} port {self.bind_addr[1]}", got=reason.lower(), wanted="a free one",
                              do="Give another --address or --port, or stop what listens there.") from failure[0]

    def process_conn(self, conn: Any) -> None:
        """Give a connection to a worker only once there is something to read; beyond 200 connections close new ones."""
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self.can_add_keepalive_connection:
            self._connections.put(conn)
        else:
            conn.close()

    def stop(self) -> None:
        """Stop listening, close every connection."""
        stopped = threading.Event()
        address = self.bind_addr

        def wake() -> None:
            while not stopped.wait(0.005):
                with suppress(OSError):
                    socket.create_connection(address, 0.05).close()

        if self.ready:
            threading.Thread(target=wake, name="casnb stop", daemon=True).start()
        try:
            super().stop()
        finally:
            stopped.set()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Keep cheroot's remarks off the terminal."""
        _log.log(min(level, logging.INFO) if not traceback else logging.WARNING, "%s", msg, exc_info=traceback)
