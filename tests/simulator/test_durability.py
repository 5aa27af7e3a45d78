"""What was acknowledged stays: servers that are killed, disks that are full or read-only, two
servers on one database.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.simulator.world import World
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import exchange

ROOT = Path(__file__).resolve().parents[2]
SEED = f"durability {os.getpid()}"
POLICY = (
    "name: {name}\nversion: 0.3\nsecrets:\n- {{name: open, kind: ascii, value: '{value}',"
    " export_public: true}}\n"
)
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]


class Server:
    """`casnb serve` as a process of its own, and requests to it on connections of their own."""

    def __init__(
        self, folder: Path, limit: int | None = None, through: list[str] | None = None
    ) -> None:
        program = (
            f"import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit},"
            " resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\nimport signal;"
            " signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            if limit
            else ""
        )
        program += (
            "import sys; sys.dont_write_bytecode = True\nfrom casnb.cli.main import main; main()\n"
        )
        self.process = subprocess.Popen(
            [
                *(through or []),
                sys.executable,
                "-c",
                program,
                "serve",
                "--seed",
                SEED,
                "--state",
                str(folder),
                "--address",
                "127.0.0.1",
                "--port",
                "0",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines: dict[str, str] = {}
        while "CAS_PORT" not in lines:
            line = self.process.stdout.readline()
            if not line:
                self.refusal = self.process.communicate()[1]
                self.port = 0
                return
            name, _, value = line.removeprefix("export ").strip().partition("=")
            lines[name] = value
        self.port = int(lines["CAS_PORT"])

    def ask(
        self, who: ClientIdentity | None, target: str, text: str | None = None
    ) -> tuple[int, dict]:
        answer = exchange(
            "127.0.0.1",
            self.port,
            target,
            context=pinned_context(CHAIN, who),
            tls_name=TLS_NAME,
            timeout=30,
            method="POST" if text else "GET",
            body=text.encode() if text else None,
        )
        return answer.status, json.loads(answer.body)

    def create(
        self, who: ClientIdentity, name: str, value: str, predecessor: str | None = None
    ) -> tuple[int, dict]:
        more = f"predecessor: {predecessor}\n" if predecessor else ""
        return self.ask(who, "/v1/sessions", POLICY.format(name=name, value=value) + more)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate()


CHAIN = CasChain.from_pem(World(SEED).cas_chain_pem)


@pytest.fixture(scope="module")
def alice() -> ClientIdentity:
    return ClientIdentity.create()


@pytest.mark.scripts
def test_killed_again_and_again(tmp_path):
    """Five times SIGKILL in the middle of writing: nothing that was acknowledged is gone, every
    history is one line.
    """
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "kill_server.py", "--kills", "5", "--writers", "3"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    report = json.loads(run.stdout)
    assert run.returncode == 0 and report["problems"] == [] and report["kills"] == 5, run.stderr
    assert report["versions acknowledged"] >= 10 and report["integrity_check"] == "ok"


@pytest.mark.scripts
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_says_so_and_the_server_goes_on(tmp_path, alice):
    """Writes fail with 500 and the reason while files cannot grow, reads go on; with room again
    writes do, and nothing is gone.
    """
    stored: dict[str, str] = {}
    with Server(tmp_path, limit=300_000) as server:
        for n in range(60):
            status, body = server.create(alice, f"s{n}", "x" * 20_000)
            if status != 201:
                break
            stored[f"s{n}"] = body["hash"]
        assert (
            status == 500
            and body["msg"][0] == "The CAS could not use its database"
            and "disk" in body["msg"][1]
        )
        assert "Nothing that was stored before is lost" in body["msg"][-1]
        assert 0 < len(stored) < 60
        for name, digest in stored.items():
            assert server.ask(alice, f"/v1/sessions/{name}")[1]["hash"] == digest
        assert (
            server.ask(None, "/v1/values/session=example_session,secret=example_value")[1]["value"]
            == World(SEED).example_value
        )
    with Server(tmp_path) as server:
        assert server.create(alice, "later", "x" * 20_000)[0] == 201
        for name, digest in stored.items():
            assert server.ask(alice, f"/v1/sessions/{name}")[1]["hash"] == digest
        assert server.ask(alice, f"/v1/sessions/s{len(stored)}")[0] == 404, (
            "what was refused is not there"
        )


@pytest.mark.scripts
def test_room_that_comes_back_needs_no_restart(tmp_path, alice):
    """The server that could not write writes again once it can."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system cannot change the limits of another process")
    with Server(tmp_path, limit=300_000) as server:
        while server.create(alice, f"s{os.urandom(4).hex()}", "x" * 20_000)[0] == 201:
            pass
        resource.prlimit(
            server.process.pid,
            resource.RLIMIT_FSIZE,
            (resource.RLIM_INFINITY, resource.RLIM_INFINITY),
        )
        assert server.create(alice, "later", "x" * 20_000)[0] == 201


@pytest.mark.scripts
@pytest.mark.skipif(
    not hasattr(os, "geteuid"), reason="this system has no users to take rights from"
)
def test_a_read_only_folder_is_said(tmp_path, alice):
    """A server that may not write its database ends with code 3 and says what to do; the file
    stays as it was.
    """
    with Server(tmp_path) as server:
        digest = server.create(alice, "mine", "1")[1]["hash"]
    before = (tmp_path / "cas.sqlite3").read_bytes()
    for path in (*tmp_path.iterdir(), tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    tmp_path.parent.chmod(0o755)
    try:
        plain = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
        if plain and not shutil.which("setpriv"):
            pytest.skip("root may write everywhere, and setpriv is missing")
        with Server(tmp_path, through=plain) as server:
            assert (
                server.process.returncode == 3 and "Make room or permit writing" in server.refusal
            )
        assert (tmp_path / "cas.sqlite3").read_bytes() == before
    finally:
        for path in (tmp_path, *tmp_path.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
    with Server(tmp_path) as server:
        assert server.ask(alice, "/v1/sessions/mine")[1]["hash"] == digest


@pytest.mark.scripts
def test_two_servers_on_one_database(tmp_path, alice):
    """Both write at once to namespaces of their own and to one session: one line of history,
    nothing lost.
    """
    with Server(tmp_path) as one, Server(tmp_path) as two:
        first = one.create(alice, "shared", "0")[1]["hash"]
        won: list[str] = [first]
        lock = threading.Lock()
        problems: list[object] = []

        def work(server: Server, who: str) -> None:
            for n in range(15):
                status, body = server.create(alice, f"{who}{n}", "v")
                if status != 201:
                    problems.append(body)
                with lock:
                    latest = won[-1]
                status, body = server.create(alice, "shared", f"{who}{n}", latest)
                if status == 201:
                    with lock:
                        won.append(body["hash"])
                elif body["msg"][0] != "Could not create successor session":
                    problems.append(body)

        threads = [threading.Thread(target=work, args=(s, w)) for s, w in ((one, "a"), (two, "b"))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not problems
        line, found = [], two.ask(alice, "/v1/sessions/shared")[1]
        while found:
            line.append(found["hash"])
            before = next(
                x.split()[1] for x in found["session"].splitlines() if x.startswith("predecessor:")
            )
            found = (
                one.ask(alice, f"/v1/sessions/shared?hash={before}")[1]
                if before != "null"
                else None
            )
        assert line[::-1] == won
        assert all(
            one.ask(alice, f"/v1/sessions/b{n}")[0]
            == two.ask(alice, f"/v1/sessions/a{n}")[0]
            == 200
            for n in range(15)
        )
    with contextlib.closing(sqlite3.connect(tmp_path / "cas.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
