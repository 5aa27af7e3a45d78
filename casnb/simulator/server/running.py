"""A simulated world that can be reached: CAS on ports 8081 and 18765, page on 8443, on an
address of its own where it can.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from OpenSSL import SSL

from casnb.base.errors import SourceError, UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.simulator.enclave_protocol import ENCLAVE_PORT
from casnb.simulator.keys import Seed, certificate, distinguished_name
from casnb.simulator.server.audit_log import AuditLog
from casnb.simulator.server.client_app import create_app, plant_example
from casnb.simulator.server.collateral_api import CollateralApi, with_collateral
from casnb.simulator.server.enclave_api import EnclaveApi, create_enclave_app
from casnb.simulator.server.listener import TlsServer
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.site import create_site
from casnb.simulator.server.store import Store
from casnb.simulator.server.tls_context import tls_context
from casnb.simulator.server.who import Client
from casnb.simulator.world import World

CAS_PORT, PAGE_PORT = 8081, 8443
_TRIES = 24
_ALT_NAME = re.compile(
    r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*|[0-9a-fA-F:]*:[0-9a-fA-F:.]+"
)
_FOREVER = (datetime(1975, 1, 1, tzinfo=timezone.utc), datetime(4096, 1, 1, tzinfo=timezone.utc))


class RunningWorld(Shown):
    """A world that answers. `cas_addr` is what `scone cas attest` is given, `page_ca` and
    `roots` are PEM files that every account of the machine may read; `state_dir` is for this one.

    Ends with `stop()`, at the end of a `with` block, or with the process.
    """

    def __init__(
        self,
        world: World,
        host: str,
        cas_port: int,
        page_port: int,
        folder: Path,
        public: Path,
        cleanup: ExitStack,
        enclave_port: int = 0,
    ) -> None:
        self.world, self.host, self.cas_port, self.enclave_port = (
            world,
            host,
            cas_port,
            enclave_port,
        )
        self.state_dir = folder
        self.page_url = f"https://{host}:{page_port}/latest/public-CAS/"
        self.pcs_url = f"https://{host}:{page_port}"
        self.page_ca = public / "page-authority.pem"
        self.roots = public / "simulated-roots.pem"
        self._cleanup = cleanup
        self._lock = threading.Lock()

    @property
    def cas_addr(self) -> str:
        """The CAS's address, with the port only where it is not 8081."""
        return self.host if self.cas_port == CAS_PORT else f"{self.host}:{self.cas_port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that scripts and other processes find this world by."""
        return {
            "CAS_ADDR": self.cas_addr,
            "CAS_HOST": self.host,
            "CAS_PORT": str(self.cas_port),
            "CAS_ENCLAVE_PORT": str(self.enclave_port),
            "CAS_PAGE_URL": self.page_url,
            "CAS_PAGE_CA": str(self.page_ca),
            "CASNB_PCS_URL": self.pcs_url,
            "CASNB_ROOTS": str(self.roots),
            "SCONE_CLI_CONFIG": str(self.state_dir / "scone" / "config.json"),
            "CASNB_SEED": self.world.seed,
            "CASNB_SCENARIO": self.world.scenario,
        }

    def export_lines(self) -> str:
        """Return the same as lines for a POSIX shell, each with a newline."""
        return "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in self.environment().items()
        )

    def stop(self) -> None:
        """Stop answering and close the store; a temporary folder is removed. A second call does
        nothing.
        """
        with self._lock:
            cleanup, self._cleanup = self._cleanup, ExitStack()
        cleanup.close()

    def __enter__(self) -> RunningWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _rows(self) -> list[tuple[str, str]]:
        return [*self.environment().items()]

    def __repr__(self) -> str:
        return (
            f"<RunningWorld {self.world.scenario} CAS at {self.cas_addr}, page at {self.page_url}>"
        )

    def __str__(self) -> str:
        return text_table(("variable", "value"), self._rows())

    def _html(self) -> str:
        return html_table(
            ("variable", "value"), self._rows(), "A simulated world that answers", code=(0, 1)
        )


def utc_now() -> datetime:
    """Return the time by this machine's clock, in UTC."""
    return datetime.now(timezone.utc)


def serve(
    world: World,
    *,
    address: str | None = None,
    port: int | None = None,
    state_dir: Path | str | None = None,
    clock: Callable[[], datetime] = utc_now,
    audit_log: str = "disabled",
    alt_names: Sequence[str] = (),
) -> RunningWorld:
    """Let a world answer, in threads of this process, and return when it does.

    Without `address` a world takes, on Linux, a loopback address that follows from its seed and
    scenario, or the next one where port 8081 is taken; elsewhere 127.0.0.1. Without `port` that
    is 8081 if it is free and else any. Sessions are kept in `state_dir`, or until the end in a
    temporary folder. `clock` gives the time that reports carry. `audit_log` is disabled,
    unsigned or signed; the log is `audit.jsonl` in the same folder. The CAS's certificate names
    `cas`, `localhost`, the address that it listens on, and `alt_names`. Raises UsageError for an
    address that is not loopback and for a folder of another world, SourceError if the port that
    was asked for is taken or the folder cannot be used.
    """
    host = None if address is None else loopback(address)
    names = [alt_name(name) for name in alt_names]
    if port is not None and not 0 <= port <= 65535:
        raise UsageError("port", got=port, wanted="0 to 65535")
    return run_at(_places(world, host, port), world, state_dir, clock, audit_log, names)


def run_at(
    places: Sequence[tuple[str, int]],
    world: World,
    state_dir: Path | str | None = None,
    clock: Callable[[], datetime] = utc_now,
    audit_log: str = "disabled",
    names: Sequence[str] = (),
    *,
    more: Sequence[int] = (),
    known_as: str = "",
    listener: Callable[[str, int, Any, SSL.Context], Listener] | None = None,
) -> RunningWorld:
    """Let a world answer at the first of these places that can be had, which may be any: `serve` is
    for callers who do not choose.

    `more` are the ports for the enclave API and for the page, else the usual ones or any.
    `known_as` is the host by which clients know that place, such as the name of a machine that
    listens on all its addresses. `listener` returns what answers at an address; left out, a server
    of its own.
    """
    listener = listener or _own_server
    enclave_port, page_port = more or (ENCLAVE_PORT, PAGE_PORT)
    with ExitStack() as cleanup:
        folder = _folder(state_dir, cleanup)
        store = cleanup.enter_context(Store(folder / "cas.sqlite3", owner=_owner(world)))
        log = AuditLog(world, store, folder / "audit.jsonl", audit_log, clock)
        log.start()
        cleanup.callback(log.stop)
        audit = None if audit_log == "disabled" else log
        plant_example(ClientApi(world, store, clock, audit), example_owner(world))

        def own_context(at: str) -> SSL.Context:
            chain = world.tls_chain_for(tuple(dict.fromkeys((known_as or at, *names))))
            return tls_context(chain, world.tls_leaf.key, ask_client=True)

        cas = _listen(
            listener, places, create_app(world, store, clock, audit), own_context, cleanup
        )
        where = str(cas.bind_addr[0])
        enclaves = _listen(
            listener,
            [(where, enclave_port), (where, 0)],
            create_enclave_app(EnclaveApi(world, store, clock, audit)),
            own_context,
            cleanup,
        )
        host = known_as or where
        site = world.site_certificate([host])
        page_context = tls_context(site.cert_pem + world.site_ca_pem, site.key, ask_client=False)
        page = _listen(
            listener,
            [(where, page_port), (where, 0)],
            with_collateral(create_site(world, (host,)), CollateralApi(world, clock)),
            lambda at: page_context,
            cleanup,
        )
        public = _public_folder(cleanup)
        running = RunningWorld(
            world, host, cas.port, page.port, folder, public, cleanup.pop_all(), enclaves.port
        )
    try:
        for path, content in (
            (running.page_ca, world.site_ca_pem),
            (running.roots, world.roots_pem),
        ):
            path.write_bytes(content)
            path.chmod(0o644)
    except OSError as exc:
        running.stop()
        raise _unusable(public, exc) from None
    return running


def loopback(address: str) -> str:
    """Return an IPv4 loopback address; `localhost` is 127.0.0.1. Raises UsageError for any
    other.
    """
    try:
        found = IPv4Address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        found = None
    if found is None or not found.is_loopback:
        raise UsageError(
            "address",
            got=address,
            wanted="a loopback address: localhost or 127.x.y.z",
            do="A simulated CAS protects nothing, so nobody else may reach it.",
        )
    return str(found)


def alt_name(name: str) -> str:
    """Return a name for the CAS's certificate: a host name or an IP address; raise UsageError for
    any other.
    """
    if not _ALT_NAME.fullmatch(name) or len(name) > 253:
        raise UsageError(
            "--alt-name", got=name, wanted="a host name or an IP address, like cas.example"
        )
    return name


def own_addresses(world: World) -> Iterator[str]:
    """Yield the loopback addresses 127.x.y.z that a world tries, each part from 1 to 254: the
    same in each run.
    """
    for n in range(_TRIES):
        parts = hashlib.sha256(f"{world.seed}\0{world.scenario}\0{n}".encode()).digest()[:3]
        yield "127." + ".".join(str(1 + b % 254) for b in parts)


def example_owner(world: World) -> Client:
    """Return who created the example session: a client with a self-made certificate, as the CLI
    makes them.
    """
    seed, label = Seed(world.seed), "owner of the example session"
    names = x509.SubjectAlternativeName([x509.DNSName("scone cli")])
    made = certificate(
        distinguished_name(CN="rcgen self signed cert"),
        seed.p256(label),
        None,
        seed.serial(label, 8),
        _FOREVER,
        [(names, False)],
    )
    return Client(made.cert_pem.decode(), made.spki)


def _owner(world: World) -> str:
    return hashlib.sha256(world.cas_root.spki).hexdigest()


def _places(world: World, host: str | None, port: int | None) -> list[tuple[str, int]]:
    if host is not None or sys.platform != "linux":
        at = host or "127.0.0.1"
        return [(at, CAS_PORT), (at, 0)] if port is None else [(at, port)]
    hosts = list(own_addresses(world))
    return [(h, CAS_PORT if port is None else port) for h in hosts] + (
        [(hosts[0], 0)] if port is None else []
    )


class Listener(Protocol):
    """What answers at one address."""

    @property
    def bind_addr(self) -> Any:
        """Host and port."""

    @property
    def port(self) -> int:
        """The port that it listens on."""

    def stop(self) -> None:
        """Stop listening."""


def _own_server(host: str, port: int, app: Any, context: SSL.Context) -> TlsServer:
    server = TlsServer(host, port, app, context)
    server.start_serving()
    return server


def _listen(
    listener: Callable[[str, int, Any, SSL.Context], Listener],
    places: Sequence[tuple[str, int]],
    app: Any,
    context: Callable[[str], SSL.Context],
    cleanup: ExitStack,
) -> Listener:
    """Listen at the first place that can be had; `context` is what it shows there."""
    for n, (host, port) in enumerate(places, 1):
        try:
            server = listener(host, port, app, context(host))
        except SourceError:
            if n == len(places):
                raise
            continue
        cleanup.callback(server.stop)
        return server
    raise SourceError("address", got="none", wanted="one to listen on")


def _folder(state_dir: Path | str | None, cleanup: ExitStack) -> Path:
    folder = Path(state_dir or tempfile.gettempdir()).absolute()
    try:
        if state_dir is None:
            return Path(
                cleanup.enter_context(
                    tempfile.TemporaryDirectory(prefix="casnb-", ignore_cleanup_errors=True)
                )
            )
        # The store has everybody's secrets: a folder that is made here is for this account alone.
        # One that was there before may be anything; its files are private all the same.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise _unusable(folder, exc) from None
    return folder


def _public_folder(cleanup: ExitStack) -> Path:
    """A folder that other accounts may read, for what they need to attach: nothing secret."""
    try:
        made = cleanup.enter_context(
            tempfile.TemporaryDirectory(prefix="casnb-public-", ignore_cleanup_errors=True)
        )
        Path(made).chmod(0o755)
    except OSError as exc:
        raise _unusable(Path(tempfile.gettempdir()), exc) from None
    return Path(made)


def _unusable(folder: Path, exc: OSError) -> SourceError:
    return SourceError(
        f"state folder {folder}",
        got=exc.strerror or "an error",
        wanted="a folder that can be written",
    )
