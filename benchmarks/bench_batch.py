"""Thousands of quotes through `casnb verify DIR`, a process of its own: quotes a second and
core, and whether memory stays flat.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

Row = dict[str, object]
JOBS = 2
SIZES = (1_000, 10_000)


def folder_of(world: object, path: Path, count: int) -> None:
    """Write so many different quotes of one platform."""
    for n in range(count):
        (path / f"{n:05}").write_bytes(world.quote(n.to_bytes(64, "big")))  # type: ignore[attr-defined]


def memory(process: psutil.Process) -> int:
    """Resident bytes of a process and all below it, those that it shares counted each time."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def judge(folder: Path, options: list[str]) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of processor time of the whole tree, and peak memory of
    judging a folder.
    """
    command = [
        sys.executable,
        "-m",
        "casnb.cli.main",
        "verify",
        str(folder),
        *options,
        "--jobs",
        str(JOBS),
    ]
    start, peak, busy = time.perf_counter(), 0, 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        process = psutil.Process(running.pid)
        while running.poll() is None:
            try:
                peak = max(peak, memory(process))
                busy = max(
                    busy,
                    sum(
                        sum(p.cpu_times()[:2]) for p in (process, *process.children(recursive=True))
                    ),
                )
            except psutil.Error:
                pass
            time.sleep(0.05)
        told = running.stdout.read().decode() if running.stdout else ""
    if running.returncode:
        raise SystemExit(f"bench_batch: casnb verify returned {running.returncode}: {told[-400:]}")
    return time.perf_counter() - start, busy, peak


def rows(_: int) -> list[Row]:
    """Time and memory of a small and a large folder, one after the other."""
    from casnb.simulator.world import World

    world = World("bench", "production")
    found = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "roots.pem").write_bytes(world.roots_pem)
        (home / "lists.json").write_text(json.dumps(world.endorsements().to_json()))
        options = [
            "--endorsements",
            str(home / "lists.json"),
            "--simulated-roots",
            str(home / "roots.pem"),
            "--at",
            world.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "--mrenclave",
            world.mrenclave,
        ]
        for size in SIZES:
            (home / str(size)).mkdir()
            folder_of(world, home / str(size), size)
            found[size] = judge(home / str(size), options)
    (small, _, few), (large, busy, many) = (found[size] for size in SIZES)
    more = SIZES[1] - SIZES[0]
    each, steady = SIZES[1] / large / JOBS, more / (large - small) / JOBS
    return [
        {
            "what": f"casnb verify DIR: {SIZES[1]} quotes, {JOBS} processes",
            "median": large,
            "note": f"{each:.0f} quotes a second and process; {steady:.0f} without the start",
        },
        {
            "what": "casnb verify DIR: processor time of one quote",
            "median": busy / SIZES[1],
            "note": f"{SIZES[1] / busy:.0f} quotes a second of processor time, start included",
        },
        {
            "what": f"casnb verify DIR: memory at {SIZES[1]} / at {SIZES[0]} files",
            "median": many / 1e6,
            "against": few / 1e6,
            "ratio": many / few,
            "target": 1.1,
            "unit": "MB",
        },
    ]
