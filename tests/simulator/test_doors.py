"""Many worlds on one selector and one set of workers."""

from __future__ import annotations

import socket
import ssl
import threading
import urllib.request

import pytest

from casnb.base.errors import SourceError
from casnb.cas.asking import attempt
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.doors import SharedServer
from casnb.simulator.server.running import run_at
from casnb.simulator.world import World

SEEDS = ("one", "two", "three")


@pytest.fixture
def shared():
    server = SharedServer()
    server.start_serving()
    yield server
    server.stop()


def served(shared, seed, tmp_path):
    world = World(seed)
    world.public_name = "a sealed world"
    return run_at(
        [("127.0.0.1", 0)],
        world,
        tmp_path / seed,
        listener=shared.open_door,
    )


def page(running):
    context = ssl.create_default_context(cafile=str(running.page_ca))
    with urllib.request.urlopen(running.page_url, context=context, timeout=20) as answer:
        return answer.read().decode()


def test_worlds_share_their_threads(shared, tmp_path):
    """Each answers at its own port under its own certificate; a world more costs no thread."""
    first = served(shared, SEEDS[0], tmp_path)
    threads = threading.active_count()
    others = [served(shared, seed, tmp_path) for seed in SEEDS[1:]]
    assert threading.active_count() == threads
    for running in (first, *others):
        tried = attempt(running.cas_addr, AttestationPolicy(), roots=running.world.roots)
        assert tried.report.report_body().mrenclave == running.world.mrenclave
        text = page(running)
        assert running.world.mrenclave in text
        assert "a sealed world" in text and f"seed {running.world.seed}" not in text
        running.stop()


def test_a_world_that_stops_leaves_the_others(shared, tmp_path):
    """Its ports are free again, also for itself, and whoever holds a connection to it is let go."""
    first, second = (served(shared, seed, tmp_path) for seed in SEEDS[:2])
    held = socket.create_connection((first.host, first.cas_port), 20)
    held.settimeout(20)
    shared.wake()
    first.stop()
    assert held.recv(1) == b""
    with pytest.raises(OSError):
        socket.create_connection((first.host, first.cas_port), 20)
    assert second.world.mrenclave in page(second)
    again = run_at(
        [(first.host, first.cas_port)],
        World(SEEDS[0]),
        tmp_path / SEEDS[0],
        listener=shared.open_door,
    )
    assert again.cas_port == first.cas_port


def test_a_place_that_is_taken_is_an_error(shared, tmp_path):
    """As with a server of its own."""
    first = served(shared, SEEDS[0], tmp_path)
    with pytest.raises(SourceError, match="wanted a free one"):
        run_at(
            [(first.host, first.cas_port)],
            World("two"),
            tmp_path / "two",
            listener=shared.open_door,
        )
