"""A world that answers: where it listens, what it tells other programs, how it ends, and how it
stands a class of clients.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import sqlite3
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from ipaddress import IPv4Address
from pathlib import Path

import psutil
import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.cas.page import scrape
from casnb.evidence.cas_report import CasReport
from casnb.simulator.server import running as module
from casnb.simulator.server.running import loopback, own_addresses, serve
from casnb.simulator.world import World
from casnb.verify.pki import TrustAnchors

SEED = f"running tests {os.getpid()}"
VALUE = "/v1/values/session=example_session,secret=example_value"
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere there is one loopback address"
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(SEED)


@pytest.fixture(scope="module")
def running(world):
    with serve(world) as found:
        yield found


@pytest.fixture
def everything_taken(monkeypatch, world):
    """Something else listens on port 8081 of every address that the world would take, and on
    8443 of the first.
    """
    monkeypatch.setattr(module, "_TRIES", 2)
    with contextlib.ExitStack() as stack:
        for host in own_addresses(world):
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server((host, 8081)))
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server((host, 8443)))
        yield


def get(
    running, path: str = VALUE, *, world: World | None = None, timeout: float = 10
) -> tuple[int, bytes]:
    """One request on a TLS connection of its own, verified against the world's chain under the
    name `cas`.
    """
    context = ssl.create_default_context(cadata=(world or running.world).cas_chain_pem.decode())
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    with (
        socket.create_connection((running.host, running.cas_port), timeout) as raw,
        context.wrap_socket(raw, server_hostname="cas") as sock,
    ):
        sock.sendall(
            b"GET " + path.encode() + b" HTTP/1.1\r\nHost: cas\r\nConnection: close\r\n\r\n"
        )
        data = b""
        while part := sock.recv(65536):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def is_free(host: str, port: int) -> bool:
    """Whether nobody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) != 0


# What it tells


def test_it_answers_when_serve_returns(running, world):
    """The value, the report and the page, without waiting and without a second try."""
    assert json.loads(get(running)[1])["value"] == world.example_value
    assert (
        CasReport.from_json(get(running, "/v1/attest")[1]).report_body().mrenclave
        == world.mrenclave
    )
    assert (
        scrape(running.page_url, cacert=running.page_ca).mrenclave(running.cas_addr)
        == world.mrenclave
    )


def test_the_environment_leads_there(running, world):
    """The nine variables; each file vouches for what it should, and nothing but loopback is
    named.
    """
    found = running.environment()
    assert list(found) == [
        "CAS_ADDR",
        "CAS_HOST",
        "CAS_PORT",
        "CAS_ENCLAVE_PORT",
        "CAS_PAGE_URL",
        "CAS_PAGE_CA",
        "CASNB_PCS_URL",
        "CASNB_ROOTS",
        "SCONE_CLI_CONFIG",
        "CASNB_SEED",
        "CASNB_SCENARIO",
    ]
    assert (found["CASNB_SEED"], found["CASNB_SCENARIO"]) == (SEED, "public")
    assert scrape(found["CAS_PAGE_URL"], cacert=found["CAS_PAGE_CA"]).values
    anchors = TrustAnchors.from_pem(Path(found["CASNB_ROOTS"]).read_bytes())
    assert (anchors.dcap, anchors.ias) == (world.roots.dcap, world.roots.ias)
    assert (
        found["CAS_ADDR"].partition(":")[0] == running.host
        and int(found["CAS_PORT"]) == running.cas_port
    )
    assert IPv4Address(running.host).is_loopback


@pytest.mark.parametrize("seed", ['it\'s "quoted" $HOME `id`', "a; rm -rf /", "\N{SNOWMAN}"])
def test_a_shell_reads_the_export_lines(tmp_path, seed):
    """One line each, quoted so that a seed is a seed and nothing else."""
    with serve(World(seed), port=0, state_dir=tmp_path / "a folder") as running:
        lines = running.export_lines().splitlines()
        assert [shlex.split(line) for line in lines] == [
            ["export", f"{k}={v}"] for k, v in running.environment().items()
        ]


def test_a_report_carries_the_time_of_the_clock(world):
    """`clock` is asked for each report: a class may be set into any year."""
    with serve(world, port=0, clock=lambda: datetime(2031, 2, 3, tzinfo=timezone.utc)) as running:
        assert b"2031-02-03T00:00:00" in get(running, "/v1/attest")[1]


def test_how_it_shows(running):
    """In a notebook a table of the variables, in a terminal the same, and a short repr."""
    assert "CAS_PAGE_URL" in running._repr_mimebundle_()["text/html"] and "CAS_PAGE_URL" in str(
        running
    )
    assert (
        repr(running)
        == f"<RunningWorld public CAS at {running.cas_addr}, page at {running.page_url}>"
    )


# Where it listens


@linux
def test_addresses_of_its_own(world):
    """They follow from seed and scenario, each part from 1 to 254, all of them loopback."""
    first = list(own_addresses(world))
    assert first == list(own_addresses(World(SEED))) and len(set(first)) == len(first)
    assert all(
        IPv4Address(a).is_loopback and set(map(int, a.split("."))) <= set(range(1, 255))
        for a in first
    )
    assert (
        first[0]
        != next(own_addresses(World(SEED, "production")))
        != next(own_addresses(World("another")))
    )


@linux
def test_two_worlds_side_by_side(running):
    """Each on port 8081 of its own address, each with its own keys: neither's certificate
    vouches for the other.
    """
    with serve(World(f"{SEED} b")) as other:
        assert (running.cas_addr, running.cas_port, other.cas_port) == (
            running.host,
            8081,
            8081,
        ) and running.host != other.host
        assert get(running)[0] == get(other)[0] == 200
        with pytest.raises(ssl.SSLError):
            get(running, world=other.world)
        assert (
            scrape(other.page_url, cacert=other.page_ca).mrenclave(other.cas_addr)
            == other.world.mrenclave
        )


@linux
def test_the_same_world_twice(running, world):
    """The second takes the next address, and says so in its variables."""
    with serve(World(SEED)) as again:
        assert again.host != running.host and again.cas_port == 8081
        assert again.host in again.page_url and get(again, world=world)[0] == 200


@linux
def test_where_no_address_has_port_8081(everything_taken, world):
    """Any free port, carried by CAS_ADDR, and the page still names this host."""
    with serve(world) as running:
        assert running.cas_port != 8081 and running.cas_addr == f"{running.host}:{running.cas_port}"
        assert running.environment()["CAS_ADDR"] == running.cas_addr
        assert get(running)[0] == 200
        assert (
            scrape(running.page_url, cacert=running.page_ca).mrenclave(running.cas_addr)
            == world.mrenclave
        )


def test_where_there_is_one_loopback_address(monkeypatch, world):
    """On other systems 127.0.0.1, at 8081 or any free port."""
    monkeypatch.setattr(module.sys, "platform", "darwin")
    with serve(world) as running, serve(World("another")) as other:
        assert running.host == other.host == "127.0.0.1" and running.cas_port != other.cas_port
        assert running.page_url != other.page_url
        assert get(running)[0] == get(other)[0] == 200


def test_nobody_else_can_reach_it(running):
    """Every socket that listens is bound to this one loopback address."""
    mine = {
        (c.laddr.ip, c.laddr.port)
        for c in psutil.Process().net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }
    page_port = int(running.page_url.split(":")[2].split("/")[0])
    assert {(running.host, running.cas_port), (running.host, page_port)} <= mine
    assert all(IPv4Address(ip).is_loopback for ip, _ in mine)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "192.0.2.1",
        "",
        "::1",
        "::",
        "127.1",
        "cas.example",
        "127.0.0.1:8081",
        " 127.0.0.1",
    ],
)
def test_addresses_that_are_refused(world, address):
    """Everything but an IPv4 loopback address in full, before anything listens."""
    with pytest.raises(UsageError, match="loopback"):
        serve(world, address=address)


@pytest.mark.parametrize("address, host", [("localhost", "127.0.0.1"), ("127.9.8.7", "127.9.8.7")])
def test_addresses_that_are_taken(address, host):
    """As given, and `localhost` as a number: no name service decides where it listens."""
    assert loopback(address) == host


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_that_are_none(world, port):
    """Named with the range."""
    with pytest.raises(UsageError, match="0 to 65535"):
        serve(world, port=port)


def test_a_port_that_was_asked_for_and_is_taken(world):
    """Is said, not replaced by another one, and nothing is left listening."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SourceError, match=f"port {port}"):
            serve(world, address="127.0.0.1", port=port)
    assert is_free("127.0.0.1", port)


# How it ends


def test_stop_frees_what_it_took(world, tmp_path):
    """Ports, threads, files and the temporary folder; a second stop does nothing."""
    process = psutil.Process()
    with serve(world, address="127.0.0.1", port=0) as warm:  # what is loaded once stays
        get(warm)
    threads, files = threading.active_count(), process.num_fds()
    running = serve(world, address="127.0.0.1", port=0)
    get(running)
    folder, port, page_port = (
        running.state_dir,
        running.cas_port,
        int(running.page_url.split(":")[2].split("/")[0]),
    )
    assert folder.is_dir()
    running.stop()
    running.stop()
    assert not folder.exists() and is_free("127.0.0.1", port) and is_free("127.0.0.1", page_port)
    end = time.monotonic() + 20
    while (
        threading.active_count() > threads or process.num_fds() > files
    ) and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= threads and process.num_fds() <= files


def test_it_can_begin_again_at_once(world):
    """Stop and start on the same address and port, several times: what clients left behind does
    not stand in the way.
    """
    places = set()
    for _ in range(3):
        with serve(world) as running:
            assert get(running)[0] == 200
            places.add((running.host, running.cas_port, running.page_url))
        assert is_free(running.host, running.cas_port)
    assert len(places) == 1


def test_a_failure_half_way_leaves_nothing(world, tmp_path, monkeypatch):
    """Where the page cannot listen, the CAS does not either."""
    real = module.TlsServer
    made = []

    class Second(real):
        def start_serving(self):
            made.append(self)
            if len(made) > 1:
                raise SourceError("page")
            super().start_serving()

    monkeypatch.setattr(module, "TlsServer", Second)
    with pytest.raises(SourceError):
        serve(world, address="127.0.0.1", port=0)
    assert is_free("127.0.0.1", made[0].port)


# What it keeps


def test_a_state_folder_is_kept(world, tmp_path):
    """Made where it is missing, with the sessions in it; the two PEM files have the same contents
    the next time.
    """
    folder = tmp_path / "deep" / "state"
    with serve(world, state_dir=folder) as running:
        before = running.page_ca.read_bytes(), running.roots.read_bytes()
    assert (folder / "cas.sqlite3").is_file()
    with serve(world, state_dir=str(folder)) as running:
        assert (running.page_ca.read_bytes(), running.roots.read_bytes()) == before and get(
            running
        )[0] == 200


def test_a_state_folder_of_another_world_is_refused(world, tmp_path):
    """Its sessions belong to another CAS: nothing is changed in it."""
    with serve(world, state_dir=tmp_path):
        pass

    def kept() -> list[str]:
        with contextlib.closing(sqlite3.connect(tmp_path / "cas.sqlite3")) as file:
            return list(file.iterdump())

    before = kept()
    with pytest.raises(UsageError):
        serve(World("another"), state_dir=tmp_path)
    assert kept() == before


def test_a_state_folder_that_is_a_file(world, tmp_path):
    """One sentence that names it."""
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SourceError, match="file"):
            serve(world, state_dir=folder)


# A class


def test_a_class_of_clients_at_once(running):
    """Sixty clients, each with two connections of its own, among thirty that never finish:
    everybody gets their own answer.
    """
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            slow = stack.enter_context(
                socket.create_connection((running.host, running.cas_port), 5)
            )
            slow.sendall(b"\x16\x03\x01\x02\x00\x01")

        def client(n: int) -> tuple[int, str, str]:
            status, body = get(running, f"/v1/attest?nonce={n:032x}")
            return status, CasReport.from_json(body).nonce, json.loads(get(running)[1])["value"]

        with ThreadPoolExecutor(60) as pool:
            found = list(pool.map(client, range(60)))
        assert found == [(200, f"{n:032x}", running.world.example_value) for n in range(60)]
