"""A class starting at once: many clients, each with a key and a namespace of its own and a new
TLS connection for every request.

    python benchmarks/bench_server.py --clients 500

First all clients create a namespace, a session in it, update that, read it back and read its
public value, all at the same time; then every answer is compared with what was written: one
error or one lost update makes the exit code 1. Then the same clients read one public value of
the CAS, and the same JSON as a file from nginx behind the same certificates, in turn in one run.
With wrk there is the same comparison by a client in C. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from serving import serve

from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain

SEED = "load"
VALUE = "/v1/values/session=example_session,secret=example_value"
BODY = b'{\n  "kind": "string",\n  "value": "42",\n  "expires": null,\n  "renew": null\n}'
_NGINX = """\
daemon off; worker_processes auto; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/json; server_tokens off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port} ssl backlog=1024; root {folder}/www;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    ssl_session_cache off; ssl_session_tickets off;
    ssl_verify_client optional_no_ca; ssl_verify_depth 1;
  }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def ask(
    port: int, context: ssl.SSLContext, target: str, body: bytes | None = None
) -> tuple[int, bytes, float]:
    """One request on a TLS connection of its own: status, body, seconds from the start of the
    connection to its end.
    """
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="cas"
    )
    head = (
        f"{'GET' if body is None else 'POST'} {target} HTTP/1.1\r\nHost: cas\r\nConnection:"
        " close\r\n"
    )
    writer.write(
        head.encode()
        + (b"\r\n" if body is None else b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    )
    answer = await reader.read()
    writer.close()
    status, _, rest = answer.partition(b" ")[2].partition(b" ")
    return int(status), rest.partition(b"\r\n\r\n")[2], time.perf_counter() - start


class Pupil:
    """One client: what it writes, and what it expects to find again."""

    def __init__(self, number: int, chain: CasChain) -> None:
        self.name = f"class-{number}"
        self.context = pinned_context(chain, ClientIdentity.create())
        self.hash, self.problems, self.times = "", [], []

    async def _expect(self, port: int, status: int, target: str, body: bytes | None = None) -> Any:
        try:
            found, answer, took = await ask(port, self.context, target, body)
        except (OSError, ValueError) as exc:
            self.problems.append(f"{self.name}: {type(exc).__name__}: {exc}")
            return {}
        self.times.append(took)
        if found != status:
            self.problems.append(f"{self.name}: {target}: status {found}: {answer[:200]!r}")
            return {}
        return json.loads(answer)

    def _policy(self, value: str, predecessor: str = "") -> bytes:
        text = (
            f"name: {self.name}/mine\nversion: '0.3'\nsecrets:\n- {{name: open, kind: ascii, value:"
            f" {self.name}-{value}, export_public: true}}\n- {{name: key, kind: binary}}\n"
        )
        return (text + (f"predecessor: {predecessor}\n" if predecessor else "")).encode()

    async def start(self, port: int) -> None:
        """What a student does first."""
        await self._expect(
            port, 201, "/v1/sessions", f"name: {self.name}\nversion: '0.3'\n".encode()
        )
        first = await self._expect(port, 201, "/v1/sessions", self._policy("1"))
        second = await self._expect(
            port, 201, "/v1/sessions", self._policy("2", first.get("hash", ""))
        )
        self.hash = second.get("hash", "")
        await self.check(port)

    async def check(self, port: int) -> None:
        """Whether the last acknowledged version is the current one."""
        found = await self._expect(port, 200, f"/v1/sessions/{self.name}/mine")
        value = await self._expect(port, 200, f"/v1/values/session={self.name}/mine,secret=open")
        if found and (found["hash"] != self.hash or value.get("value") != f"{self.name}-2"):
            self.problems.append(f"{self.name}: the update is gone")

    async def fetch(self, port: int, target: str) -> None:
        found = await self._expect(port, 200, target)
        if found and found["value"] != "42":
            self.problems.append(f"{self.name}: another value")


def at_once(
    pupils: list[Pupil], action: Callable[[Pupil], Coroutine[Any, Any, None]]
) -> dict[str, float]:
    """Let all act at the same time; requests per second, and percentiles of what one request
    took.
    """

    async def everybody() -> None:
        await asyncio.gather(*(action(p) for p in pupils))

    for p in pupils:
        p.times = []
    start = time.perf_counter()
    asyncio.run(everybody())
    took = time.perf_counter() - start
    times = sorted(t for p in pupils for t in p.times) or [0.0]
    at = {
        f"p{q}_ms": round(times[min(len(times) - 1, len(times) * q // 100)] * 1e3, 1)
        for q in (50, 95, 99)
    }
    return {
        "requests": len(times),
        "per_second": round(len(times) / took, 1),
        **at,
        "max_ms": round(times[-1] * 1e3, 1),
    }


@contextmanager
def simulator(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    process = serve(SEED, folder, port)
    try:
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(folder: Path, world: World) -> Iterator[int | None]:
    if not shutil.which("nginx"):
        print("nginx is not installed: nothing to compare with", file=sys.stderr)
        yield None
        return
    port = free_port()
    file = folder / "www" / VALUE.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(BODY)
    (folder / "chain.pem").write_bytes(world.tls_chain_pem)
    (folder / "key.pem").write_bytes(world.tls_leaf.key_pem)
    (folder / "conf").write_text(_NGINX.format(folder=folder, port=port))
    for above in (folder.parent, folder):
        above.chmod(0o755)
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(folder / "conf")], stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def by_wrk(port: int, *, new: bool, seconds: int) -> dict[str, float]:
    """What wrk measures with 32 connections."""
    header = ["-H", "Connection: close"] if new else []
    out = subprocess.run(
        [
            "wrk",
            "-t1",
            "-c32",
            f"-d{seconds}s",
            "--latency",
            *header,
            f"https://127.0.0.1:{port}{VALUE}",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    at = {
        f"p{q}_ms": round(float(m[1]) * unit[m[2]], 2)
        for q in (50, 99)
        if (m := re.search(rf"{q}%\s+([\d.]+)(us|ms|s)", out))
    }
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    return {
        "per_second": float(rate[1]) if rate else 0.0,
        **at,
        "failed": float("Non-2xx" in out or "Socket errors" in out),
    }


def pair(
    rounds: int, ours: Callable[[], dict[str, float]], theirs: Callable[[], dict[str, float]] | None
) -> dict[str, Any]:
    """Both in turn; the round with the median rate of each, and the ratio of the medians (ours
    to nginx).
    """
    taken: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for _ in range(rounds):
        taken[0].append(ours())
        if theirs:
            taken[1].append(theirs())
    middle = [sorted(t, key=lambda r: r["per_second"])[len(t) // 2] for t in taken if t]
    found: dict[str, Any] = {"casnb": middle[0]}
    if theirs:
        ratios = [a["per_second"] / b["per_second"] for a, b in zip(*taken, strict=True)]
        found |= {"nginx": middle[1], "ratio": round(statistics.median(ratios), 3)}
    return found


def run(clients: int, rounds: int, seconds: int = 4) -> dict[str, Any]:
    world = World(SEED)
    chain = CasChain.from_pem(world.cas_chain_pem)
    pupils = [Pupil(n, chain) for n in range(clients)]
    report: dict[str, Any] = {"clients": clients, "cores": psutil.cpu_count()}
    with tempfile.TemporaryDirectory(prefix="casnb-load-") as name:
        folder = Path(name)
        (folder / "nginx").mkdir()
        with (
            simulator(folder / "state") as (port, process),
            nginx(folder / "nginx", world) as other,
        ):
            before = process.memory_info().rss
            report["class starts"] = at_once(pupils, lambda p: p.start(port))
            report["all is there"] = at_once(pupils, lambda p: p.check(port))
            if rounds:
                report["one value, new connections"] = pair(
                    rounds,
                    lambda: at_once(pupils, lambda p: p.fetch(port, VALUE)),
                    (lambda: at_once(pupils, lambda p: p.fetch(other, VALUE))) if other else None,
                )
                if shutil.which("wrk"):
                    for what, new in (
                        ("wrk, new connections", True),
                        ("wrk, kept connections", False),
                    ):
                        report[what] = pair(
                            rounds,
                            lambda new=new: by_wrk(port, new=new, seconds=seconds),
                            (
                                (lambda new=new: by_wrk(other, new=new, seconds=seconds))
                                if other
                                else None
                            ),
                        )
            report["memory_mb"] = {
                "before": round(before / 1e6, 1),
                "after": round(process.memory_info().rss / 1e6, 1),
            }
    report["problems"] = [problem for p in pupils for problem in p.problems][:20]
    return report


def rows(runs: int) -> list[dict[str, object]]:
    """For `make bench`: seconds a request takes of the server's time, all clients together,
    against nginx.
    """
    report = run(200, max(1, runs // 5), 2)
    if report["problems"]:
        raise SystemExit("\n".join(report["problems"]))
    out: list[dict[str, object]] = []
    for what in ("one value, new connections", "wrk, new connections", "wrk, kept connections"):
        found = report.get(what)
        if found:
            row: dict[str, object] = {
                "what": f"server: {what}",
                "median": 1 / found["casnb"]["per_second"],
            }
            if "nginx" in found:
                row |= {
                    "against": 1 / found["nginx"]["per_second"],
                    "ratio": 1 / found["ratio"],
                    "target": "see docs/server.md",
                }
            out.append(row)
    return out + beside_attackers()


def beside_attackers() -> list[dict[str, object]]:
    """For `make bench`: the longest that an honest client waits for a small request, beside each
    attacker, against the longest beside nobody.
    """
    import attackers

    found = attackers.run(list(attackers.KINDS))

    def longest(kind: str) -> float:
        if found[kind]["failed"]:
            raise SystemExit(f"an honest client was refused beside {kind}: {found[kind]['failed']}")
        return max(found[kind][f"{what}_ms"]["max"] for what in ("read", "create")) / 1e3

    return [
        {
            "what": f"server: honest client beside {kind}, longest wait",
            "median": longest(kind),
            "against": longest("nobody"),
            "ratio": longest(kind) / longest("nobody"),
            "target": "see docs/server.md",
        }
        for kind in attackers.KINDS
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    report = run(args.clients, args.rounds)
    print(json.dumps(report, indent=2))
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
