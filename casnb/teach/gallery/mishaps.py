"""Servers that are wrong in one way each: the same names as the CAS, and something amiss with
certificate, key or protocol.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509

from casnb.base import strictjson
from casnb.base.errors import UsageError
from casnb.simulator.keys import KeyPair, Seed, certificate
from casnb.simulator.server.listener import TlsServer
from casnb.simulator.server.tls_context import tls_context
from casnb.simulator.world import World

_DAY = timedelta(days=1)

Chain = tuple[bytes, KeyPair]


def _value_app(value: str) -> Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]:
    body = strictjson.compact({"kind": "string", "value": value, "expires": None, "renew": None})

    def app(environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def _leaf(
    world: World,
    valid: tuple[datetime, datetime],
    signer: KeyPair,
    label: str,
    key: KeyPair | None = None,
) -> KeyPair:
    """Return the CAS's TLS certificate made again: the same names and extensions, other dates,
    signer or key.
    """
    seed, old = Seed(world.seed), world.tls_leaf
    extensions = [(e.value, e.critical) for e in old.cert.extensions]
    return certificate(
        old.cert.subject,
        key.key if key else old.key,
        signer,
        seed.serial(f"mishap {label}", 8),
        valid,
        extensions,
    )


def _dates(world: World, first: timedelta, last: timedelta) -> tuple[datetime, datetime]:
    return world.now + first, world.now + last


def _foreign(world: World) -> Chain:
    other = impostor(world)
    return other.tls_chain_pem, other.tls_leaf


def _expired(world: World) -> Chain:
    leaf = _leaf(world, _dates(world, -90 * _DAY, -60 * _DAY), world.cas_instance, "expired")
    return leaf.cert_pem + world.cas_chain_pem, leaf


def _early(world: World) -> Chain:
    leaf = _leaf(world, _dates(world, 600 * _DAY, 900 * _DAY), world.cas_instance, "early")
    return leaf.cert_pem + world.cas_chain_pem, leaf


def _signed_by_leaf(world: World) -> Chain:
    """Whoever has the key of the TLS certificate makes another one with it, though that
    certificate is not an authority.
    """
    names = [(x509.SubjectAlternativeName([x509.DNSName("cas")]), False)]
    key = Seed(world.seed).p256("mishap below the leaf")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "below")])
    below = certificate(
        subject, key, world.tls_leaf, 7, (world.now - _DAY, world.now + 900 * _DAY), names
    )
    return below.cert_pem + world.tls_chain_pem, below


def _self_made(world: World) -> Chain:
    other = impostor(world)
    names = [(x509.SubjectAlternativeName([x509.DNSName("cas")]), False)]
    made = certificate(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cas.example")]),
        other.tls_leaf.key,
        None,
        8,
        (world.now - _DAY, world.now + 900 * _DAY),
        names,
    )
    return made.cert_pem, made


#: Kind of server: how its chain is made, and whether it is the CAS that answers, with its true
#: value. `plain` speaks no TLS at all.
_KINDS: Mapping[str, tuple[Callable[[World], Chain] | None, bool]] = {
    "foreign": (_foreign, False),
    "expired": (_expired, True),
    "early": (_early, True),
    "signed-by-leaf": (_signed_by_leaf, False),
    "self-made": (_self_made, False),
    "plain": (None, False),
}


def impostor(world: World) -> World:
    """Return another CAS: the same names in its certificates, keys of its own."""
    return World(f"{world.seed}, somebody else", world.setup, world.now)


class Mishaps:
    """Such servers for one world, on loopback, each started when it is first asked for; `stop()`
    or a `with` block ends them.
    """

    KINDS = tuple(_KINDS)

    def __init__(self, world: World, host: str = "127.0.0.1") -> None:
        self.world, self.host = world, host
        self._cleanup = ExitStack()
        self._ports: dict[str, int] = {}
        self._lock = threading.Lock()

    def port(self, kind: str) -> int:
        """Return the port on which a server of this kind answers."""
        if kind not in _KINDS:
            raise UsageError("mishap", got=kind, wanted="one of " + ", ".join(_KINDS))
        with self._lock:
            if kind not in self._ports:
                self._ports[kind] = self._start(*_KINDS[kind])
            return self._ports[kind]

    def chain_pem(self, kind: str) -> bytes:
        """Return the certificates that a server of this kind presents, leaf first; none for the
        one without TLS.
        """
        chain = _KINDS[kind][0]
        return chain(self.world)[0] if chain else b""

    def _start(self, chain: Callable[[World], Chain] | None, true: bool) -> int:
        value = self.world.example_value if true else self.world.false_value
        if chain is None:
            return self._start_plain(value)
        pem, leaf = chain(self.world)
        server = TlsServer(
            self.host, 0, _value_app(value), tls_context(pem, leaf.key, ask_client=False)
        )
        server.start_serving()
        self._cleanup.callback(server.stop)
        return server.port

    def _start_plain(self, value: str) -> int:
        app = _value_app(value)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                def start(status: str, headers: list[tuple[str, str]]) -> None:
                    self.send_response(int(status.split()[0]))
                    for name, text in headers:
                        self.send_header(name, text)
                    self.end_headers()

                self.wfile.writelines(app({}, start))

            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

        server = ThreadingHTTPServer((self.host, 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), name="casnb plain", daemon=True
        )
        thread.start()
        for last in (server.server_close, server.shutdown):
            self._cleanup.callback(last)
        return int(server.server_address[1])

    def __iter__(self) -> Iterator[str]:
        return iter(_KINDS)

    def stop(self) -> None:
        """Stop them all; a second call does nothing."""
        with self._lock:
            self._ports.clear()
            self._cleanup.close()

    def __enter__(self) -> Mishaps:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
