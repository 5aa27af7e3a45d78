"""The server's side of TLS: a context that accepts any client certificate, a socket that waits
no longer than it may.

pyOpenSSL's connections do not know timeouts: each read and write here waits with `select` and a
deadline of its own. What the callback accepts is not yet an identity: the handshake proves that
the client has the key, and policies compare keys.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from cheroot import errors
from cryptography import x509
from OpenSSL import SSL, crypto

from casnb.simulator.keys import Key

_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 60\r\nConnection:"
    b" close\r\n\r\nThis port speaks HTTPS only; the request was in plain HTTP.\n"
)
#: SSL_MODE_RELEASE_BUFFERS: a connection that waits holds no buffers, 32 KB each.
_RELEASE_BUFFERS = 0x10
#: For one socket at a time; the poll of most systems knows no upper limit of descriptors.
Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def tls_context(chain_pem: bytes, key: Key, *, ask_client: bool) -> SSL.Context:
    """Return the server side's context: `chain_pem` is what is sent, leaf first; TLS 1.2 and
    later, no session is resumed.

    With `ask_client` a certificate is requested and any is accepted, also one that no authority
    signed or that has expired: the handshake proves possession of its key, and that is all that
    it means.
    """
    leaf, *others = x509.load_pem_x509_certificates(chain_pem)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(leaf)
    for certificate in others:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(key)
    context.check_privatekey()
    # A resumed session would bring a client certificate along without a proof of its key.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"casnb")
    context.set_mode(_RELEASE_BUFFERS)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
    if ask_client:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


class Later(Exception):
    """Nothing more can be read from a client before it sends more."""


class TlsSocket:
    """A TLS connection with the manners of a blocking socket: waits as long as its deadline
    allows, then raises TimeoutError.
    """

    def __init__(self, context: SSL.Context, raw: socket.socket) -> None:
        raw.setblocking(False)
        self._raw, self._tls = raw, SSL.Connection(context, raw)
        self._tls.set_accept_state()
        self._deadline = 0.0
        self.ready = False
        self.environ: dict[str, str] = {
            "wsgi.url_scheme": "https",
            "HTTPS": "on",
            "SSL_CLIENT_VERIFY": "NONE",
        }

    def allow(self, seconds: float) -> None:
        """Set how long all that follows may take together."""
        self._deadline = time.monotonic() + seconds

    def handshake(self) -> None:
        """Take the handshake as far as what has arrived allows: to its end, or raise Later.

        Afterwards `environ` holds the client's certificate, if it sent one.
        """
        self._do(self._tls.do_handshake, patient=False)
        certificate = self._tls.get_peer_certificate()
        if certificate is not None:
            self.environ["SSL_CLIENT_CERT"] = crypto.dump_certificate(
                crypto.FILETYPE_PEM, certificate
            ).decode("ascii")
            self.environ["SSL_CLIENT_VERIFY"] = "GENEROUS"
        self.ready = True

    def refuse_plain(self) -> None:
        """Tell a client that speaks plain HTTP so, in plain HTTP; read what it still sends, so
        that the answer arrives.
        """
        self.allow(1.0)
        with suppress(OSError):
            self._raw.send(_PLAIN)
            self._raw.shutdown(socket.SHUT_WR)
            for _ in range(16):
                self._wait(selectors.EVENT_READ)
                if not self._raw.recv(65536):
                    break

    def recv(self, size: int, *, patient: bool = True) -> bytes:
        """Return what was sent, empty at the end; unless `patient` raise Later where nothing has
        arrived.
        """
        return self._do(self._tls.recv, size, patient=patient) or b""

    def send(self, data: bytes, flags: int = 0) -> int:
        return int(self._do(self._tls.send, bytes(data), writing=True))

    def pending(self) -> int:
        """Bytes that were decrypted and not yet read; the kernel does not know of them."""
        return self._tls.pending() if self.ready else 0

    def shutdown(self, how: int) -> None:
        """Say goodbye if that is possible at once, and end the connection, whoever is still
        reading or writing.
        """
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

    def _do(
        self, call: Callable[..., Any], *arguments: Any, writing: bool = False, patient: bool = True
    ) -> Any:
        while True:
            try:
                return call(*arguments)
            except SSL.WantReadError:
                if not patient:
                    raise Later from None
                self._wait(selectors.EVENT_READ)
            except SSL.WantWriteError:
                self._wait(selectors.EVENT_WRITE)
            except SSL.ZeroReturnError:
                if writing:
                    raise ConnectionResetError(
                        errno.ECONNRESET, "the other end has ended the connection"
                    ) from None
                return 0
            except SSL.SysCallError as exc:
                if exc.args[:1] == (-1,) and not writing and self.ready:
                    return 0
                raise ConnectionResetError(errno.ECONNRESET, "the connection was reset") from None
            except SSL.Error as exc:
                _raise(exc)

    def _wait(self, event: int) -> None:
        with Selector() as selector:
            try:
                selector.register(self._raw, event)
            except (ValueError, KeyError):
                raise ConnectionResetError(errno.ECONNRESET, "the connection was closed") from None
            left = self._deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError("timed out")


class PlainSocket(TlsSocket):
    """The same manners without TLS: for a listener on loopback whose proxy ends TLS."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        self._raw, self._deadline, self.ready = raw, 0.0, True
        self.environ = {"wsgi.url_scheme": "http"}

    def recv(self, size: int, *, patient: bool = True) -> bytes:
        while True:
            try:
                return self._raw.recv(size)
            except BlockingIOError:
                if not patient:
                    raise Later from None
                self._wait(selectors.EVENT_READ)

    def send(self, data: bytes, flags: int = 0) -> int:
        while True:
            try:
                return self._raw.send(data)
            except BlockingIOError:
                self._wait(selectors.EVENT_WRITE)

    def pending(self) -> int:
        return 0

    def shutdown(self, how: int) -> None:
        with suppress(OSError):
            self._raw.shutdown(how)


def _raise(exc: SSL.Error) -> NoReturn:
    reasons = (
        [str(e[-1]) for e in exc.args[0]]
        if exc.args and isinstance(exc.args[0], (list, tuple))
        else []
    )
    if "http request" in reasons or "https proxy request" in reasons:
        raise errors.NoSSLError(*reasons) from None
    raise errors.FatalSSLAlert("; ".join(reasons)) from None
