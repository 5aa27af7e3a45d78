"""Honest clients beside those who want the server's time, memory and disk for themselves.

    python benchmarks/attackers.py [--only imports,bodies]

One honest client reads a public value and creates a small session, in turn, with a new TLS
connection each time, while an attacker of each kind does his worst. Printed is what the honest
client waited, what became of the attacker's requests, and what the server took meanwhile:
seconds of processor time, memory at its highest, bytes on disk. One JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from bench_server import SEED, VALUE, ask, simulator

from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.simulator.server.running import _owner
from casnb.simulator.server.store import Store, Version
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain

#: Whoever waits longer has no answer.
PATIENCE = 60.0
LANES, HOPS = 32, 8
#: What makes a session as slow to read as one can be: 19,000 values in 240 kB.
_SLOW = "services:\n- name: s\n  command: x\n  environment:\n" + "".join(
    f"    e{n:05}: v{n:012}\n" for n in range(9_400)
)
_OPEN = "security:\n  attestation:\n    mode: none\n"
_PUBLIC = "access_policy:\n  read: ANY\n  update: ANY\n"


def lane(number: int, hop: int) -> str:
    return f"t/imports-{number:02}-{hop}"


def _imports(number: int, hop: int) -> str:
    name = lane(number, hop)
    where = f"session: {lane(number, hop + 1)}, secret: v" if hop < HOPS else ""
    value = f"import: {{{where}}}" if where else "value: '1'"
    secret = f"- {{name: v, kind: ascii, {value}, export_public: true}}\n"
    if where:
        there = where.replace("secret: v", "secret: a")
        secret += f"- {{name: a, kind: x509-ca, import: {{{there}}}, export: {{namespace: t}}}}\n"
    return f"name: {name}\nversion: '0.3'\nsecrets:\n{secret}{_SLOW}{_PUBLIC}{_OPEN}"


def sessions() -> list[tuple[str, str]]:
    """What the attackers stored before: names and texts."""
    found = [(lane(n, h), _imports(n, h)) for n in range(LANES) for h in range(1, HOPS + 1)]
    many = "".join(
        f"- {{name: v{n}, kind: ascii, export_public: true, import: {{session: {lane(n, 1)},"
        " secret: v}}\n"
        for n in range(LANES)
    )
    found.append(("t", f"name: t\nversion: '0.3'\n{_PUBLIC}"))
    found.append(("imports", f"name: imports\nversion: '0.3'\nsecrets:\n{many}{_PUBLIC}"))
    return found


def prepare(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with (
        Store(folder / "cas.sqlite3", owner=_owner(World(SEED))) as store,
        store.writing() as transaction,
    ):
        for n, (name, text) in enumerate(sessions()):
            transaction.append(Version(name, f"{n:064x}", None, text))


class Attack:
    """What all attackers share: how they ask, and how they count what became of it."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port, self.context = port, context
        self.answers: Counter[str] = Counter()

    async def request(self, target: str, body: bytes | None = None) -> None:
        try:
            status, _, _ = await asyncio.wait_for(
                ask(self.port, self.context, target, body), PATIENCE
            )
            self.answers[str(status)] += 1
        except (OSError, ValueError, asyncio.TimeoutError) as exc:
            self.answers[type(exc).__name__] += 1

    async def imports(self) -> None:
        """Eight requests of 50 bytes, each for 32 imports that lead through eight sessions."""
        await asyncio.gather(*(self.request("/v1/values/session=imports") for _ in range(8)))

    async def issuers(self) -> None:
        """Eight sessions whose certificates want authorities that lead through as many."""
        secrets = "- {name: k, kind: private-key}\n" + "".join(
            f"- {{name: a{n}, kind: x509-ca, import: {{session: {lane(n, 1)}, secret: a}}}}\n"
            f"- {{name: c{n}, kind: x509, private_key: k, issuer: a{n}}}\n"
            for n in range(LANES)
        )
        await asyncio.gather(
            *(
                self.request(
                    "/v1/sessions", f"name: t/i{n}\nversion: '0.3'\nsecrets:\n{secrets}".encode()
                )
                for n in range(8)
            )
        )

    async def listing(self) -> None:
        """Eight requests for the list of all sessions, which are large."""
        await asyncio.gather(*(self.request("/v1/sessions") for _ in range(8)))

    async def reading(self) -> None:
        """Eight clients that read other large sessions, one after another, for 10 seconds."""
        end = time.monotonic() + 10

        async def one(first: int) -> None:
            n = first
            while time.monotonic() < end:
                name = lane(n // HOPS % LANES, n % HOPS + 1)
                await self.request(f"/v1/values/session={name},secret=none")
                n += 8

        await asyncio.gather(*(one(n) for n in range(8)))

    async def creating(self) -> None:
        """Eight clients that send large sessions, one after another, for 10 seconds."""
        end, run = time.monotonic() + 10, time.time_ns()

        async def one(first: int) -> None:
            n = 0
            while time.monotonic() < end:
                text = f"name: w{run}-{first}-{n}\nversion: '0.3'\n{_SLOW}{_PUBLIC}{_OPEN}"
                await self.request("/v1/sessions", text.encode())
                n += 1

        await asyncio.gather(*(one(n) for n in range(8)))

    async def bodies(self) -> None:
        """300 connections that send all but the last byte of a body of a megabyte, then wait."""

        async def one() -> None:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, ssl=self.context, server_hostname="cas"
                )
                head = f"POST /v1/sessions HTTP/1.1\r\nHost: cas\r\nContent-Length: {1 << 20}\r\n"
                writer.write(head.encode() + b"\r\n" + b"x" * ((1 << 20) - 1))
                with suppress(asyncio.TimeoutError):
                    answer = await asyncio.wait_for(reader.read(), 15)
                    self.answers[answer.split(b" ")[1].decode() if answer else "closed"] += 1
                writer.transport.abort()

        await asyncio.gather(*(one() for _ in range(300)))

    async def filling(self) -> None:
        """One key that stores sessions of 200 kB as fast as it can, for 10 seconds."""
        end, run = time.monotonic() + 10, time.time_ns()
        rows = "".join(f"- {{name: s{n}, kind: ascii, value: {'x' * 50_000}}}\n" for n in range(4))

        async def one(first: int) -> None:
            n = 0
            while time.monotonic() < end:
                text = f"name: f{run}-{first}-{n}\nversion: '0.3'\nsecrets:\n{rows}"
                await self.request("/v1/sessions", text.encode())
                n += 1

        await asyncio.gather(*(one(n) for n in range(4)))


KINDS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    name: getattr(Attack, name)
    for name in (
        "imports",
        "issuers",
        "listing",
        "reading",
        "creating",
        "bodies",
        "filling",
    )
}


class Honest:
    """Somebody who has one thing to read and one to write, again and again."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port, self.context, self.count = port, context, 0
        self.name = f"honest-{time.time_ns()}"

    async def work(self, until: asyncio.Future[Any], least: float) -> dict[str, Any]:
        times: dict[str, list[float]] = {"read": [], "create": []}
        failed: Counter[str] = Counter()
        begun = time.monotonic()
        while not until.done() or time.monotonic() - begun < least:
            for what, target, body, wanted in (
                ("read", VALUE, None, 200),
                (
                    "create",
                    "/v1/sessions",
                    f"name: {self.name}-{self.count}\nversion: '0.3'\n".encode(),
                    201,
                ),
            ):
                start = time.monotonic()
                try:
                    status, _, _ = await asyncio.wait_for(
                        ask(self.port, self.context, target, body), PATIENCE
                    )
                    if status != wanted:
                        failed[f"{what}: {status}"] += 1
                except (OSError, ValueError, asyncio.TimeoutError) as exc:
                    failed[f"{what}: {type(exc).__name__}"] += 1
                times[what].append(time.monotonic() - start)
            self.count += 1
            await asyncio.sleep(0.05)
        return {
            **{
                f"{what}_ms": {
                    "p50": round(sorted(t)[len(t) // 2] * 1e3, 1),
                    "max": round(max(t) * 1e3, 1),
                    "n": len(t),
                }
                for what, t in times.items()
            },
            "failed": dict(failed),
        }


def watched(process: psutil.Process, folder: Path, go: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Run it, and add what the server took meanwhile."""

    async def run() -> dict[str, Any]:
        peak = 0.0

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, process.memory_info().rss / 1e6)
                await asyncio.sleep(0.05)

        watcher = asyncio.ensure_future(watch())
        before, start = sum(process.cpu_times()[:2]), time.monotonic()
        found = await go
        watcher.cancel()
        return found | {
            "seconds": round(time.monotonic() - start, 1),
            "server_cpu_s": round(sum(process.cpu_times()[:2]) - before, 1),
            "memory_mb": round(peak, 1),
            "disk_mb": round(sum(f.stat().st_size for f in folder.rglob("*")) / 1e6, 1),
        }

    return asyncio.run(run())


def run(kinds: list[str]) -> dict[str, Any]:
    """Honest alone, then beside each attacker; each against a server of its own."""
    chain = CasChain.from_pem(World(SEED).cas_chain_pem)
    report: dict[str, Any] = {"cores": psutil.cpu_count()}
    for kind in ("nobody", *kinds):
        with tempfile.TemporaryDirectory(prefix="casnb-attackers-") as name:
            folder = Path(name)
            prepare(folder)
            with simulator(folder) as (port, process):
                attack = Attack(port, pinned_context(chain, ClientIdentity.create()))
                honest = Honest(port, pinned_context(chain, ClientIdentity.create()))

                async def both(
                    kind: str = kind, attack: Attack = attack, honest: Honest = honest
                ) -> dict[str, Any]:
                    attacker = asyncio.ensure_future(
                        asyncio.sleep(5) if kind == "nobody" else KINDS[kind](attack)
                    )
                    await asyncio.sleep(0.2)
                    found = await honest.work(attacker, 3)
                    await attacker
                    return found | {"attacker": dict(attack.answers)}

                report[kind] = watched(process, folder, both())
                print(kind, json.dumps(report[kind]), file=sys.stderr, flush=True)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(KINDS), help="comma-joined kinds of attackers")
    args = parser.parse_args()
    print(json.dumps(run(args.only.split(",")), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
