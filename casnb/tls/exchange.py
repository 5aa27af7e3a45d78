"""One bounded exchange over TLS: no proxies, no redirects, no system trust, a deadline for the
whole of it.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any

from casnb.base.errors import EvidenceError, SourceError, UsageError, VerificationError, neutral
from casnb.tls.tls_errors import Explanation, explain_tls_error

#: No answer of the client API comes near this many bytes.
LIMIT = 1 << 20
PORT = 8081
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?"
)


def parse_address(address: str) -> tuple[str, str, int, str]:
    """Split what a user typed (`cas`, `cas:8081`, `https://cas:8081`, `[::1]`) into name, host,
    port and URL.

    The name is the address as typed; a missing port is 8081, also after `https://`; the URL
    always carries the port and a final slash. Raises UsageError for anything that is not a host
    with a port.

    >>> parse_address("cas")
    ('cas', 'cas', 8081, 'https://cas:8081/')
    """
    text = address if isinstance(address, str) else repr(address)
    scheme, mark, rest = text.partition("://")
    if not text:
        raise UsageError(
            "CAS address",
            got="an empty value",
            wanted="a host such as scone-cas.cf",
            do="Is a shell variable empty?",
        )
    if mark and scheme.lower() != "https":
        raise UsageError(
            "CAS address",
            got=text,
            wanted="a host, host:port or https:// URL",
            do="A CAS speaks HTTPS only.",
        )
    host, tail = _host_and_rest(rest.removesuffix("/") if mark else text)
    port = _PORT.fullmatch(tail or f":{PORT}")
    if not host or port is None or not 0 < int(port[1]) < 65536:
        raise UsageError(
            "CAS address", got=text, wanted="a host such as scone-cas.cf, or host:port"
        )
    shown = f"[{host}]" if ":" in host else host
    return text, host, int(port[1]), f"https://{shown}:{int(port[1])}/"


#: What follows a host.
_PORT = re.compile(":([0-9]{1,5})")


def _host_and_rest(text: str) -> tuple[str, str]:
    """Split a name, or an address in brackets, from what follows it; an empty host where it
    is neither.
    """
    if not text.startswith("["):
        name, colon, number = text.partition(":")
        return (name if _HOST.fullmatch(name) else ""), colon + number
    inner, bracket, tail = text[1:].partition("]")
    try:
        return (str(IPv6Address(inner)) if bracket else ""), tail
    except ValueError:
        return "", tail


def is_loopback(host: str) -> bool:
    """Whether a host as `parse_address` returns it is this machine by its very form: `localhost`,
    127.x.y.z or ::1. What a name server would say does not count.
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Answer:
    """What a server answered: status, headers (lower-case names), whole body, and the
    certificate it presented (DER).
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    leaf_der: bytes = field(repr=False)


class Mistrusted(VerificationError):
    """The server's certificate was refused; `explanation` says why."""

    def __init__(
        self,
        subject: str,
        explanation: Explanation,
        *,
        wanted: str = "a certificate under the attested one",
        do: str = "",
    ) -> None:
        self.explanation = explanation
        super().__init__(subject, got=explanation.cause, wanted=wanted, do=do or explanation.cure)


def client_context() -> ssl.SSLContext:
    """Return a TLS context of a client: 1.2 or later, no renegotiation, and no host name out of a
    certificate's common name. It trusts nobody yet.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= getattr(ssl, "OP_NO_RENEGOTIATION", 0)
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    return context


def exchange(
    host: str,
    port: int,
    target: str,
    *,
    context: ssl.SSLContext,
    tls_name: str,
    method: str = "GET",
    body: bytes | None = None,
    content_type: str = "",
    timeout: float = 10,
    limit: int = LIMIT,
) -> Answer:
    """Connect to `host:port`, speak TLS to it as `tls_name`, send one request and return the
    whole answer, whatever its status.

    `timeout` (seconds) bounds the exchange as a whole, so that a server which sends a byte now
    and then cannot hold it up. Raises SourceError where no answer came, VerificationError where
    the context refuses the certificate, EvidenceError for an answer of more than `limit` bytes;
    such a body is not read to its end. Redirects and proxies do not exist here.
    """
    where = f"CAS at {host}:{port}"
    end = time.monotonic() + timeout
    try:
        raw = _connect(host, port, end)
    except (OSError, UnicodeError) as exc:
        raise SourceError(
            where,
            got=_unreachable(exc, timeout),
            wanted="a connection",
            do="Is it running, and is the address right?",
        ) from None
    late = threading.Event()
    with raw:
        try:
            # The handshake comes later, under the timer. Ragged ends count: TLS tells a cut-off
            # answer from a whole one only where the end itself is signed.
            tls = context.wrap_socket(
                raw,
                server_hostname=tls_name,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        except (OSError, ValueError) as exc:
            why = explain_tls_error(exc)
            raise SourceError(
                where, got=why.cause, wanted="a TLS connection", do=why.cure
            ) from None
        with tls:
            # A socket's timeout starts again with each byte; one timer cuts off all of it.
            watch = threading.Timer(max(0.05, end - time.monotonic()), _cut, (tls, late))
            watch.daemon = True
            watch.start()
            try:
                tls.do_handshake()
                return _speak(tls, tls_name, port, method, target, body, content_type, limit, where)
            except ssl.SSLCertVerificationError as exc:
                why = explain_tls_error(exc)
                raise Mistrusted(f"{where}: its certificate", why) from None
            except (OSError, http.client.HTTPException, ValueError) as exc:
                if late.is_set() or isinstance(exc, TimeoutError):
                    raise SourceError(
                        where, got=f"no complete answer within {timeout:g} s", wanted="an answer"
                    ) from None
                got, cure = _broken(exc)
                raise SourceError(where, got=got, wanted="an HTTPS answer", do=cure) from None
            finally:
                watch.cancel()


def _connect(host: str, port: int, end: float) -> socket.socket:
    """Try each address of a name until the deadline, which is one for all of them, the look-up
    included: a resolver that is silent has no time limit of its own.
    """
    found: list[Any] = []

    def resolve() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as exc:
            found.append(exc)

    waiting = threading.Thread(target=resolve, daemon=True)
    waiting.start()
    waiting.join(max(0.0, end - time.monotonic()))
    answer = found[0] if found else TimeoutError()
    if isinstance(answer, Exception):
        raise answer
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, place in answer:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        raw = socket.socket(family, kind, protocol)
        try:
            raw.settimeout(left)
            raw.connect(place)
            raw.settimeout(max(0.05, end - time.monotonic()))
            return raw
        except OSError as exc:
            raw.close()
            failure = exc
    raise failure


def _speak(
    tls: ssl.SSLSocket,
    tls_name: str,
    port: int,
    method: str,
    target: str,
    body: bytes | None,
    content_type: str,
    limit: int,
    where: str,
) -> Answer:
    leaf = tls.getpeercert(binary_form=True) or b""
    connection = http.client.HTTPConnection(tls_name, port)
    connection.sock = tls
    # Written by hand: a session's name may hold `/` unescaped, and an unasked-for compressed answer
    # could unfold to more than the limit.
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    shown = f"[{tls_name}]" if ":" in tls_name else tls_name
    headers = {
        "Host": f"{shown}:{port}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body is not None:
        headers |= {"Content-Length": str(len(body)), "Content-Type": content_type}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    announced = answer.length
    data = b"" if announced and announced > limit else answer.read(limit + 1)
    if len(data) > limit or (announced and announced > limit):
        raise EvidenceError(
            where,
            got=f"an answer of more than {limit} bytes",
            wanted=f"at most {limit}",
            do="Too large to be genuine; it was not read to its end.",
        )
    if answer.getheader("content-encoding", "identity").lower() != "identity":
        raise http.client.HTTPException("a compressed answer that nobody asked for")
    if announced is not None and len(data) != announced:
        raise http.client.HTTPException(f"an answer cut off after {len(data)} of {announced} bytes")
    return Answer(answer.status, data, {k.lower(): v for k, v in answer.getheaders()}, leaf)


def _cut(tls: ssl.SSLSocket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(tls, socket.SHUT_RDWR)


def _unreachable(exc: OSError | UnicodeError, timeout: float) -> str:
    if isinstance(exc, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(exc, socket.gaierror):
        return "no such host name"
    if isinstance(exc, UnicodeError):
        return "a name that is not a host name"
    if isinstance(exc, ConnectionRefusedError):
        return "connection refused"
    known = {errno.EHOSTUNREACH: "no route to the host", errno.ENETUNREACH: "no network"}
    return known.get(exc.errno or 0, exc.strerror or str(exc))


def _broken(exc: Exception) -> tuple[str, str]:
    """What broke off an exchange, and what to do about it."""
    if isinstance(exc, ssl.SSLError):
        why = explain_tls_error(exc)
        return why.cause, why.cure
    if isinstance(exc, ConnectionError):
        return "a connection that was closed before the answer", ""
    if isinstance(exc, http.client.BadStatusLine):
        return "something that is not HTTP", ""
    return str(exc) or type(exc).__name__, ""


_MARKS = str.maketrans(
    {'"': "'", "\N{LEFT DOUBLE QUOTATION MARK}": "'", "\N{RIGHT DOUBLE QUOTATION MARK}": "'"}
)


def quoted(messages: Sequence[str]) -> str:
    """Return a server's messages as a quotation in a sentence of ours; empty for none.

    At most 180 characters, and marks inside become plain ones: the quotation ends where it seems
    to, whatever it says.
    """
    said = neutral("; ".join(messages), 180).translate(_MARKS)
    return (
        f"\N{LEFT DOUBLE QUOTATION MARK}{said}\N{RIGHT DOUBLE QUOTATION MARK}" if messages else ""
    )


def error_messages(body: bytes, most: int = 8) -> tuple[str, ...]:
    """Return the messages of a CAS's error body `{"msg": [...]}`, outermost first, at most
    `most`; empty for anything else.
    """
    from casnb.base import strictjson

    try:
        found = strictjson.loads(body, "error answer", limit=1 << 16)
    except EvidenceError:
        return ()
    messages = found.get("msg") if isinstance(found, dict) else None
    messages = [messages] if isinstance(messages, str) else messages
    return (
        tuple(m for m in messages if isinstance(m, str))[:most]
        if isinstance(messages, list)
        else ()
    )
