"""Kill the simulated CAS again and again while clients write, then look for anything that was
acknowledged and is gone.

    python benchmarks/kill_server.py --kills 100

Each round starts `casnb serve` on the same folder, lets the writers work until a random number
of versions was acknowledged, and ends it with SIGKILL a random moment later. Each writer is an
identity of its own with a namespace of its own; it creates sessions and updates them, and where
no answer came it asks what became of the request before it goes on. In the end a fresh server
must have every version that was acknowledged, in one unbroken line to the first, with its public
value; every secret that the CAS made must be what it was; the database must be consistent; and
the signed audit log must verify: whole, but for operations that were undone one at a time.
Prints one JSON object; exit code 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from serving import serve

from casnb.base.errors import SourceError
from casnb.cas.audit import Checkpoints, LogStatus, verify_log
from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.simulator.world import World
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import Answer, exchange

SEED = "kill"
#: Seconds after which a round ends though too little was acknowledged.
LONGEST = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Writer:
    """Writes versions of sessions until told to stop, and remembers what was acknowledged."""

    name: str
    port: int
    chain: CasChain
    identity: ClientIdentity = field(default_factory=ClientIdentity.create)
    #: Session name to its versions as acknowledged, oldest first: hash and public value.
    known: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    unsure: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._context = pinned_context(self.chain, self.identity)

    def ask(self, target: str, text: str | None = None) -> Answer:
        return exchange(
            "127.0.0.1",
            self.port,
            target,
            context=self._context,
            tls_name=TLS_NAME,
            timeout=20,
            method="GET" if text is None else "POST",
            body=None if text is None else text.encode(),
        )

    def read(self, name: str, digest: str | None = None) -> tuple[str, dict[str, object]] | None:
        answer = self.ask(f"/v1/sessions/{name}" + (f"?hash={digest}" if digest else ""))
        if answer.status != 200:
            return None
        found = json.loads(answer.body)
        return found["hash"], yaml.safe_load(found["session"])

    def value(self, name: str, secret: str) -> str | None:
        answer = self.ask(f"/v1/values/session={name},secret={secret}")
        return json.loads(answer.body)["value"] if answer.status == 200 else None

    def work(self, stop: threading.Event, dice: random.Random) -> None:
        """Go on until a server is gone; leave only with a state that is known."""
        while not stop.is_set():
            names = list(self.known)
            name = (
                dice.choice(names)
                if len(names) > 3 and dice.random() < 0.8
                else (f"{self.name}/s{len(names)}" if names else self.name)
            )
            with suppress(SourceError):
                self.step(name)

    def step(self, name: str) -> None:
        """Write the next version of a session; where no answer came before, first find out what
        the server has.
        """
        versions = self.known.get(name, [])
        current = self.read(name)
        if current and current[0] not in [digest for digest, _ in versions]:
            if current[1]["predecessor"] != (versions[-1][0] if versions else None):
                self.problems.append(
                    f"{name}: {current[0]} follows {current[1]['predecessor']}, not what was"
                    " acknowledged last"
                )
            self.unsure += 1
            versions = [*versions, (current[0], str(current[1]["secrets"][0]["value"]))]  # type: ignore[index]
            self.known[name] = versions
        if (current[0] if current else None) != (versions[-1][0] if versions else None):
            self.problems.append(
                f"{name}: {versions[-1][0]} was acknowledged, the server has"
                f" {current and current[0]}"
            )
            return
        value = os.urandom(8).hex()
        text = (
            f"name: {name}\nversion: '0.3'\nsecrets:\n- {{name: given, kind: ascii, value:"
            f" v{value}, export_public: true}}\n- {{name: made, kind: binary, export_public:"
            " true}\n"
        )
        if versions:
            text += f"predecessor: {versions[-1][0]}\n"
        answer = self.ask("/v1/sessions", text)
        if answer.status != 201:
            self.problems.append(f"{name}: status {answer.status}: {answer.body[:200]!r}")
            return
        self.known[name] = [*versions, (json.loads(answer.body)["hash"], "v" + value)]
        made = self.value(name, "made")
        if made is None or self.made.setdefault(name, made) != made:
            self.problems.append(
                f"{name}: the secret that the CAS made is {made}, it was {self.made.get(name)}"
            )

    def judge(self) -> None:
        """Look for every version that was acknowledged, from the newest back to the first."""
        for name, versions in self.known.items():
            line, found = [], self.read(name)
            while found:
                digest, session = found
                line.append((digest, str(session["secrets"][0]["value"])))  # type: ignore[index]
                before = session["predecessor"]
                found = self.read(name, str(before)) if before else None
            line.reverse()
            if line[: len(versions)] != versions or len(line) > len(versions) + 1:
                self.problems.append(
                    f"{name}: {len(versions)} versions were acknowledged, {len(line)} are there"
                )
            if line and self.value(name, "given") != line[-1][1]:
                self.problems.append(
                    f"{name}: another public value than that of its newest version"
                )
            if name in self.made and self.value(name, "made") != self.made[name]:
                self.problems.append(f"{name}: another secret than the CAS made")


def acknowledged(crowd: list[Writer]) -> int:
    return sum(len(versions) for w in crowd for versions in list(w.known.values()))


def run(kills: int, writers: int, seed: int, extra: list[str]) -> dict[str, object]:
    dice = random.Random(seed)
    port, chain = free_port(), CasChain.from_pem(World(SEED).cas_chain_pem)
    crowd = [Writer(f"w{n}", port, chain) for n in range(writers)]
    began, killed = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="casnb-kill-") as folder:
        for _ in range(kills):
            server = serve(SEED, Path(folder), port, extra)
            stop = threading.Event()
            threads = [
                threading.Thread(target=w.work, args=(stop, random.Random(dice.random())))
                for w in crowd
            ]
            for t in threads:
                t.start()
            wanted, end = acknowledged(crowd) + dice.randint(2, 14), time.monotonic() + LONGEST
            while acknowledged(crowd) < wanted and time.monotonic() < end:
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.03))
            if server.poll() is None:
                server.send_signal(signal.SIGKILL)
                killed += 1
            server.wait()
            stop.set()
            for t in threads:
                t.join()
        server = serve(SEED, Path(folder), port, extra)
        try:
            for writer in crowd:
                writer.judge()
            known = Checkpoints.from_json(crowd[0].ask("/v1/audit-log/checkpoints").body)
            verdict = verify_log((Path(folder) / "audit.jsonl").read_bytes(), chain.root, known)
        finally:
            server.terminate()
            server.wait()
        with sqlite3.connect(Path(folder) / "cas.sqlite3") as database:
            consistent = database.execute("PRAGMA integrity_check").fetchone()[0]
        database.close()
    problems = [p for w in crowd for p in w.problems]
    if verdict.status not in (LogStatus.CORRECT, LogStatus.ROLLED_BACK_TRANSACTION):
        problems.append(f"audit log: {verdict.status.words} {' '.join(verdict.remarks)}")
    if consistent != "ok":
        problems.append(f"database: {consistent}")
    return {
        "kills": killed,
        "writers": writers,
        "sessions": sum(len(w.known) for w in crowd),
        "versions acknowledged": acknowledged(crowd),
        "written but not acknowledged": sum(w.unsure for w in crowd),
        "integrity_check": consistent,
        "audit log": f"{int(verdict.status)}, {len(verdict.entries)} events",
        "seconds": round(time.monotonic() - began, 1),
        "problems": problems,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    report = run(args.kills, args.writers, args.seed, ["--audit-log", "signed"])
    print(json.dumps(report, indent=2))
    return 1 if report["problems"] or report["kills"] != args.kills else 0


if __name__ == "__main__":
    sys.exit(main())
