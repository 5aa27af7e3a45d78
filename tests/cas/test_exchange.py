"""One exchange: one deadline for the whole of it, and a TLS context that trusts no old habit."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest

from casnb import AttestationPolicy, SourceError, UsageError
from casnb.tls import exchange as module
from casnb.tls.exchange import client_context, exchange


def ask(port: int, timeout: float) -> None:
    exchange(
        "several.example",
        port,
        "/",
        context=client_context(),
        tls_name="cas",
        timeout=timeout,
    )


@pytest.fixture
def silent():
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def places(port: int, count: int) -> list[tuple[object, ...]]:
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    return [(*kind, ("127.0.0.1", port)) for _ in range(count)]


def test_all_addresses_of_a_name_share_one_deadline(silent, monkeypatch):
    """Each connection gets what is left of the time, never the whole of it again."""
    given: list[float] = []

    class Slow(socket.socket):
        def connect(self, address):
            given.append(self.gettimeout())
            time.sleep(0.05)
            raise TimeoutError

    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **k: places(silent, 50))
    monkeypatch.setattr(module.socket, "socket", Slow)
    with pytest.raises(SourceError):
        ask(silent, 0.3)
    assert given == sorted(given, reverse=True) and given[0] <= 0.3 and len(given) < 50


def test_a_silent_resolver_is_not_waited_for(monkeypatch):
    """The look-up of a name counts too; it has no time limit of its own."""
    end = threading.Event()
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **k: end.wait(60))
    try:
        with pytest.raises(SourceError, match=r"several\.example"):
            ask(443, 0.2)
        assert not end.is_set()
    finally:
        end.set()


def test_a_silent_server_is_not_waited_for(silent, monkeypatch):
    """A server that never answers the handshake ends in a refusal in words."""
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **k: places(silent, 1))
    with pytest.raises(SourceError, match="no complete answer within"):
        ask(silent, 0.3)


def test_a_client_takes_no_name_from_a_common_name_and_renegotiates_nothing():
    """Subject names are not host names, and a session keeps the keys it began with."""
    context = client_context()
    assert not context.hostname_checks_common_name
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


def test_a_pasted_line_without_end_is_a_wrong_call():
    """Forty thousand words are refused at once: the parser takes the square of their number."""
    with pytest.raises(UsageError, match="at most 2000"):
        AttestationPolicy.from_args(["-G"] * 40_000 + ["cas"])
