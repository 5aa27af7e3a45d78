"""Thirty students on one sealed server: how long a check and a look at the board take, beside the
same while nobody else asks.

The server is a process of its own; the students are threads here, each with a new wrong answer at a
time. *In a lesson* each gives one in five seconds, as fast as the judge takes them; *at once* all
thirty send theirs at the same moment, time and again, which no lesson does. Medians in seconds;
times depend on the machine, the ratio less so.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

STUDENTS, ROUNDS, PACE = 30, 4, 5.0
EXERCISES = ("01.mrenclave", "01.tls", "03.minimal-flags", "03.command", "04.connect-to")
_SERVE = """
import sys, pathlib
from casnb.classroom.class_server import ClassServer, Listen
from casnb.classroom.course import found
course = found(pathlib.Path(sys.argv[1]))
with ClassServer(course, course.assignment("hw1"), Listen("127.0.0.1", 0), between=0) as server:
    print(server.url, server.secret, flush=True)
    sys.stdin.read()
"""


def rows(runs: int) -> list[dict[str, Any]]:  # noqa: C901
    """Return the rows of this benchmark; `runs` is how often an idle request is made."""
    from casnb.classroom.course import assignment, create, found
    from casnb.classroom.tickets import issue
    from casnb.teach.class_line import ask, server_address

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = [f"u{n:03}" for n in range(STUDENTS + 1)]
        (folder / "people.csv").write_text("id\n" + "\n".join(ids) + "\n")
        course = create(folder / "course", "Benchmark", "now", folder / "people.csv")
        course.assignments["hw1"] = assignment(  # type: ignore[index]
            "hw1", EXERCISES, tier="sealed"
        )
        course.save()
        course = found(folder / "course")
        task = course.assignment("hw1")
        words = [sys.executable, "-c", _SERVE, str(folder / "course")]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None and server.stdin is not None
            url, secret = server.stdout.readline().split()
            where = server_address(url)
            tickets = {s: issue(course, task, s, url).text for s in ids}

            def request(path: str, credential: str, body: dict[str, Any]) -> float:
                start = time.perf_counter()
                ask(where, path, f"Bearer {credential}", body)
                return time.perf_counter() - start

            def check(student: str, n: int) -> float:
                body = {"exercise": EXERCISES[n % len(EXERCISES)], "answer": f"wrong {n}"}
                return request("/api/1/check", tickets[student], body)

            def look() -> float:
                return request("/board/api/view", secret, {"view": "board", "tag": ""})

            def lab(student: str) -> float:
                return request("/api/1/lab", tickets[student], {"scenario": "public"})

            lab(ids[-1])
            for n in range(len(EXERCISES)):
                check(ids[-1], n)
            idle = {
                "check": [check(ids[-1], 100 + n) for n in range(max(runs, 10))],
                "board": [look() for _ in range(max(runs, 10))],
            }
            first: list[float] = []
            lesson: dict[str, list[float]] = {"check": [], "board": []}
            burst: dict[str, list[float]] = {"check": [], "board": []}
            starts = {id: PACE * n / STUDENTS for n, id in enumerate(ids[:-1])}
            gate = threading.Barrier(STUDENTS)

            def paced(id: str) -> None:
                first.append(lab(id))
                gate.wait()
                time.sleep(starts[id])
                for n in range(ROUNDS):
                    took = check(id, n)
                    lesson["check"].append(took)
                    time.sleep(max(0.0, PACE - took))

            def rushed(id: str) -> None:
                for n in range(ROUNDS):
                    gate.wait()
                    burst["check"].append(check(id, 10 + n))

            for act, into in ((paced, lesson), (rushed, burst)):
                threads = [threading.Thread(target=act, args=(id,)) for id in ids[:-1]]
                for thread in threads:
                    thread.start()
                while any(t.is_alive() for t in threads):
                    if len(first) == STUDENTS:
                        into["board"].append(look())
                    time.sleep(0.5 if act is paced else 0.05)
            held = _held(server.pid)
            server.stdin.close()
    out = []
    for what in ("check", "board"):
        alone = statistics.median(idle[what])
        out.append({"what": f"sealed server, {what}: nobody else", "median": alone})
        for when, timed in (("30 in a lesson", lesson), ("30 at once", burst)):
            many = statistics.median(timed[what])
            out.append(
                {
                    "what": f"sealed server, {what}: {when}",
                    "median": many,
                    "against": alone,
                    "ratio": many / alone,
                    "target": 10.0 if timed is lesson else STUDENTS,
                    "note": f"worst {max(timed[what]):.2f} s",
                }
            )
    what = "sealed server: the first request of 30 at once, their worlds made"
    return [*out, {"what": what, "median": statistics.median(first), "note": held}]


def _held(pid: int) -> str:
    """Threads and memory of the server with all worlds made, where the system says."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    found = dict(line.split(":", 1) for line in text.splitlines())
    memory = int(found["VmRSS"].split()[0]) // 1024
    return f"{found['Threads'].strip()} threads, {memory} MB with {STUDENTS + 1} worlds"


if __name__ == "__main__":
    print(json.dumps(rows(20), indent=2))
