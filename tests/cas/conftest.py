"""Servers for the relying party's side: a simulated CAS that answers, and a stub that answers
whatever a test wants.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from casnb.cas.attest import AttestedCas, attest
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.running import RunningWorld, serve
from casnb.simulator.world import World

#: Real worlds of their own seed, so that these tests share no address with others.
SEED = "cas side"
Answer = bytes | Callable[[socket.socket], None]


@dataclass
class Stub:
    """A server on loopback that was asked `requests` so far and sent `sent` bytes."""

    port: int
    host: str = "127.0.0.1"
    requests: list[bytes] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        return f"https://{self.address}/"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def reply(
    body: bytes = b"", status: str = "200 OK", *headers: str, length: int | None = None
) -> bytes:
    """Return one HTTP response; `length` announces another length than the body has, -1 none at
    all. It says that the connection ends with it, as it does: who goes on in it would lose a race.
    """
    announced = (
        [] if length == -1 else [f"Content-Length: {len(body) if length is None else length}"]
    )
    lines = [f"HTTP/1.1 {status}", "Connection: close", *announced, *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _serve(
    stub: Stub, raw: socket.socket, context: ssl.SSLContext | None, answers: list[Answer]
) -> None:
    with suppress(OSError), raw:
        raw.settimeout(20)
        sock = context.wrap_socket(raw, server_side=True) if context else raw
        with sock:
            data = b""
            while b"\r\n\r\n" not in data and (context or not data):
                if not (part := sock.recv(65536)):
                    return
                data += part
            answer = answers[min(len(stub.requests), len(answers) - 1)]
            stub.requests.append(data)
            if callable(answer):
                answer(sock)
            else:
                sock.sendall(answer)
                stub.sent += len(answer)
            if context:
                sock.unwrap()


@contextmanager
def stub_server(
    *answers: Answer, chain: bytes = b"", tls: bool = True, host: str = "127.0.0.1", folder: Path
) -> Iterator[Stub]:
    """Answer the n-th request with the n-th answer, the last one again and again; `chain` is PEM
    with its key.

    Without TLS anything that arrives counts as a request.
    """
    context = None
    if tls:
        file = folder / "chain.pem"
        file.write_bytes(chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
    with socket.create_server((host, 0)) as listener:
        stub = Stub(listener.getsockname()[1], host)

        def loop() -> None:
            with suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    threading.Thread(
                        target=_serve, args=(stub, connection, context, answers), daemon=True
                    ).start()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield stub
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.fixture(scope="session")
def response():
    """How one HTTP response is put together."""
    return reply


@pytest.fixture(scope="session")
def public() -> World:
    """The assignment's CAS."""
    return World(SEED)


@pytest.fixture(scope="session")
def other() -> World:
    """Another CAS: same names, other keys."""
    return World(SEED + ", other")


@pytest.fixture(scope="session")
def running(public: World) -> Iterator[RunningWorld]:
    """The assignment's CAS, answering, its reports made at the lesson's time."""
    with serve(public, clock=lambda: public.now) as found:
        yield found


@pytest.fixture(scope="session")
def elsewhere(other: World) -> Iterator[RunningWorld]:
    """Another CAS, answering."""
    with serve(other, clock=lambda: other.now) as found:
        yield found


@pytest.fixture(scope="session")
def lenient(public: World) -> AttestationPolicy:
    """The assignment's flags, and the right MRENCLAVE."""
    return AttestationPolicy(
        mrenclaves=(public.mrenclave,),
        accept_group_out_of_date=True,
        only_for_testing_debug=True,
        only_for_testing_ignore_signer=True,
        expected_signer=public.vendor,
    )


@pytest.fixture(scope="session")
def attested(running: RunningWorld, public: World, lenient: AttestationPolicy) -> AttestedCas:
    """The pin of the assignment's CAS, attested over the wire."""
    return attest(running.cas_addr, lenient, roots=public.roots, now=public.now)


@pytest.fixture
def stub(public: World, tmp_path: Path) -> Iterator[Callable[..., Stub]]:
    """Start a stub server; without `chain` it presents the CAS's own TLS certificate."""
    with ExitStack() as stack:
        own = public.tls_chain_pem + public.tls_leaf.key_pem

        def start(*answers: Answer, chain: bytes = own, **more: Any) -> Stub:
            return stack.enter_context(stub_server(*answers, chain=chain, folder=tmp_path, **more))

        yield start


@pytest.fixture
def closed_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
