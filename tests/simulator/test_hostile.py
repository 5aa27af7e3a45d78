"""Clients that mean harm are refused, and a student who works at the same time notices nothing
of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.simulator.server.running import serve
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain

pytestmark = pytest.mark.soak

ROOT = Path(__file__).resolve().parents[2]
VALUE = "/v1/values/session=example_session,secret=example_value"
HEAD = b"POST /v1/sessions HTTP/1.1\r\nHost: cas\r\nContent-Length: %d\r\n\r\n"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%b]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("k"))
)


@pytest.fixture(scope="module")
def running():
    with serve(World(f"hostile {os.getpid()}")) as found:
        yield found


@pytest.fixture(scope="module")
def context(running) -> ssl.SSLContext:
    return pinned_context(CasChain.from_pem(running.world.cas_chain_pem), ClientIdentity.create())


class Line:
    """A TLS connection to the CAS that can say anything."""

    def __init__(self, running, context) -> None:
        raw = socket.create_connection((running.host, running.cas_port), 20)
        self.sock = context.wrap_socket(raw, server_hostname="cas")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def say(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.sock.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        data = b""
        with contextlib.suppress(OSError):
            while part := self.sock.recv(65536):
                data += part
                head, end, body = data.partition(b"\r\n\r\n")
                if end and b"content-length: %d\r" % len(body) in head.lower() + b"\r":
                    break
        return int(data.split()[1]) if data else 0, data.partition(b"\r\n\r\n")[2]


def get(running, context, path: str = VALUE) -> tuple[int, bytes]:
    with Line(running, context) as line:
        line.say(f"GET {path} HTTP/1.1\r\nHost: cas\r\nConnection: close\r\n\r\n".encode())
        return line.answer()


class Student:
    """Reads the public value again and again, and keeps every answer."""

    def __init__(self, running, context) -> None:
        self.ask = lambda: get(running, context)
        self.answers, self.news = [], queue.Queue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        while not self.stop.is_set():
            try:
                self.answers.append(self.ask())
            except OSError as exc:
                self.answers.append(exc)
            self.news.put(None)

    def is_served(self) -> None:
        """Wait for two answers from now on: the second was asked for after this was called."""
        while not self.news.empty():
            self.news.get()
        for _ in range(2):
            self.news.get(timeout=60)


@pytest.fixture
def student(running, context):
    """Works while the test runs, and is served after it; every answer must be the right one."""
    one = Student(running, context)
    one.thread.start()
    yield one
    one.is_served()
    one.stop.set()
    one.thread.join()
    wrong = [
        a
        for a in one.answers
        if not isinstance(a, tuple)
        or a[0] != 200
        or json.loads(a[1])["value"] != running.world.example_value
    ]
    assert not wrong, wrong[:3]


def yaml(text: bytes) -> bytes:
    return HEAD % len(text) + text


@pytest.mark.parametrize(
    "said, status",
    [
        pytest.param(
            yaml(b"name: x\nversion: 0.3\nsecurity: " + b"[" * 100_000), 400, id="deep YAML, flow"
        ),
        pytest.param(
            yaml(b"\n".join(b" " * n + b"a:" for n in range(600))), 400, id="deep YAML, blocks"
        ),
        pytest.param(yaml(BOMB), 400, id="alias bomb"),
        pytest.param(
            yaml(b"name: x\nversion: 0.3\nsecurity: {" + b"a: 1, " * 30_000 + b"}"),
            400,
            id="many members",
        ),
        pytest.param(
            yaml(b"name: x\nversion: 0.3\nsecurity: [" + b"1, " * 60_000 + b"]"),
            400,
            id="many values",
        ),
        pytest.param(
            yaml(b"name: !!python/object/apply:os.system [id]\nversion: 0.3"), 400, id="tag"
        ),
        pytest.param(yaml(b"? {a: b}\n: c"), 400, id="mapping as a key"),
        pytest.param(yaml(b"name: ../../etc/passwd\nversion: 0.3"), 400, id="dots in a name"),
        pytest.param(yaml(b'name: "mine\\0"\nversion: 0.3'), 400, id="NUL in a name"),
        pytest.param(yaml(b"name: mine\0\nversion: 0.3"), 400, id="NUL in the text"),
        pytest.param(
            yaml("name: ex\u0430mple_session\nversion: 0.3".encode()), 400, id="Cyrillic look-alike"
        ),
        pytest.param(
            yaml("name: \uff45xample_session\nversion: 0.3".encode()),
            400,
            id="full-width look-alike",
        ),
        pytest.param(
            yaml(b"name: x\nversion: 0.3\nsecrets: [{name: a, kind: ascii, size: 999999999}]"),
            400,
            id="huge secret",
        ),
        pytest.param(yaml(b"x" * (1 << 20)), 400, id="1 MB of text"),
        pytest.param(HEAD % (1 << 40), 413, id="a terabyte announced"),
        pytest.param(HEAD % (1 << 21) + b"x" * (1 << 21), 413, id="2 MB sent"),
        pytest.param(
            b"GET /v1/sessions/" + b"../" * 5000 + b" HTTP/1.1\r\nHost: cas\r\n\r\n",
            404,
            id="long path of dots",
        ),
        pytest.param(
            b"GET /v1/sessions/%00 HTTP/1.1\r\nHost: cas\r\n\r\n", 404, id="NUL in a path"
        ),
        pytest.param(
            b"GET /v1/sessions/x?hash=" + b"0" * 15_000 + b" HTTP/1.1\r\nHost: cas\r\n\r\n",
            404,
            id="long hash",
        ),
    ],
)
def test_harm_is_refused(running, context, student, said, status):
    """Six at once, each with its answer, or told to come back; meanwhile the student is served."""
    found: list[int] = []

    def attack() -> None:
        with Line(running, context) as line:
            line.say(said)
            found.append(line.answer()[0])

    threads = [threading.Thread(target=attack) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 6 and status in found and set(found) <= {status, 503}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="says nothing"),
        pytest.param(b"GET /v1/va", id="half a line"),
        pytest.param(HEAD % 1000 + b"name", id="half a body"),
        pytest.param(
            b"POST /v1/sessions HTTP/1.1\r\nHost: cas\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nn",
            id="half a chunk",
        ),
    ],
)
def test_dawdlers_keep_nobody_waiting(running, context, student, said):
    """Forty connections that send a byte each now and then; the student is served in between."""
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(Line(running, context)) for _ in range(40)]
        for line in lines:
            line.say(said)
        for drop in (b"x", b"y", b"z"):
            for line in lines:
                line.say(drop)
            student.is_served()


def test_memory_stays_bounded(running, context):
    """Hundreds of large bodies that are no sessions leave nothing behind."""
    text = yaml(b"name: x\nversion: 0.3\n# " + b"y" * 250_000)
    process = psutil.Process()

    def attack(times: int) -> int:
        for _ in range(times):
            with Line(running, context) as line:
                line.say(text)
                line.answer()
        return int(process.memory_info().rss)

    warm = attack(30)
    assert attack(150) < warm + 40_000_000


@pytest.mark.scripts
def test_a_class_that_starts_at_once(tmp_path):
    """Each with its own key and namespace, a new connection for every request: no error, no lost
    update.
    """
    run = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "bench_server.py",
            "--clients",
            "60",
            "--rounds",
            "0",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["class starts"]["requests"] == 300 and report["problems"] == []


@pytest.mark.scripts
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_few_files_are_not_few_connections(tmp_path):
    """Where a shell allows few open files, `casnb serve` asks for more: every connection of a
    class stays open.
    """
    resource = pytest.importorskip("resource")
    world = World(f"files {os.getpid()}")
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200,"
        " resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\nfrom casnb.cli.main import main; main()"
    )
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000:
        pytest.skip("this system allows few open files")
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "serve",
            "--seed",
            world.seed,
            "--address",
            "127.0.0.1",
            "--port",
            "0",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = next(
            int(line.split("=")[1]) for line in server.stdout if line.startswith("export CAS_PORT=")
        )
        context = pinned_context(CasChain.from_pem(world.cas_chain_pem))
        with contextlib.ExitStack() as stack:
            lines = []
            for _ in range(120):
                raw = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
                lines.append(stack.enter_context(context.wrap_socket(raw, server_hostname="cas")))
            for sock in lines:
                sock.sendall(
                    f"GET {VALUE} HTTP/1.1\r\nHost: cas\r\nConnection: close\r\n\r\n".encode()
                )
                assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        server.terminate()
        server.communicate()
