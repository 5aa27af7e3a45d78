"""Measure what the project promises, side by side in one run; `make bench` calls this.

Each row is a median over interleaved runs, with the limit it is held against and their ratio
where there is one. `--json` prints the same for a machine; `--quick` takes fewer runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, object]


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def python(code: str) -> None:
    """Run one fresh interpreter, with byte code cached as a reader's would be."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env=env, stdout=subprocess.DEVNULL
    )


def imports(runs: int) -> list[Row]:
    """`import casnb` and `casnb --help` against `import cryptography.x509`, as whole processes,
    taken in turn.
    """
    ours, theirs, help = [], [], []
    for _ in range(runs):
        help.append(
            seconds(
                lambda: python(
                    "import sys; sys.argv = ['casnb', '--help']; from casnb.cli.main import main;"
                    " main()"
                )
            )
        )
        theirs.append(seconds(lambda: python("import cryptography.x509")))
        ours.append(seconds(lambda: python("import casnb")))
    against = statistics.median(theirs)
    timed = {
        "import casnb / import cryptography.x509": (ours, 1.5),
        "casnb --help / import cryptography.x509": (help, 2.0),
    }
    return [
        {
            "what": what,
            "median": statistics.median(times),
            "against": against,
            "ratio": statistics.median(times) / against,
            "target": target,
        }
        for what, (times, target) in timed.items()
    ]


def serving(runs: int) -> list[Row]:
    """`casnb serve` from the start of the process to the first answered request."""
    import requests
    import urllib3

    urllib3.disable_warnings()
    times = []
    for n in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            env_file = Path(folder) / "cas.env"
            start = time.perf_counter()
            server = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "casnb.cli.main",
                    "serve",
                    "--seed",
                    f"bench-{n}",
                    "--env-file",
                    str(env_file),
                ],
                stdout=subprocess.DEVNULL,
            )
            try:
                while not env_file.exists():
                    time.sleep(0.005)
                text = env_file.read_text()
                lines = dict(
                    line.removeprefix("export ").split("=", 1)
                    for line in text.splitlines()
                    if "=" in line
                )
                address, port = lines["CAS_ADDR"].strip("'\""), lines["CAS_PORT"].strip("'\"")
                session = requests.Session()
                session.trust_env = False
                host = address.split(":")[0]
                answer = session.get(f"https://{host}:{port}/v1/attest", verify=False, timeout=5)
                answer.raise_for_status()
                times.append(time.perf_counter() - start)
            finally:
                server.terminate()
                server.wait(10)
    return [
        {
            "what": "casnb serve: start to first attestation report",
            "median": statistics.median(times),
            "target_seconds": 2.0,
        }
    ]


def notebooks(_: int) -> list[Row]:
    """Each notebook headless in a fresh kernel, one after another, exercises unanswered."""
    import nbformat
    from nbclient import NotebookClient

    rows: list[Row] = []
    total = 0.0
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        client = NotebookClient(
            book,
            timeout=60,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )
        took = seconds(client.execute)
        total += took
        rows.append({"what": f"notebook {path.stem}", "median": took, "target_seconds": 10.0})
    rows.append({"what": "all notebooks, in turn", "median": total, "target_seconds": 60.0})
    return rows


def panel(runs: int) -> list[Row]:
    """Each panel of a lab drawn for the first time, in processor time; and a click on a flag, from
    the trait change to the new verdict text, in Python.
    """
    from casnb.teach import start
    from casnb.teach.lab import Lab
    from casnb.teach.opening import openings

    lab = start("06")
    rows: list[Row] = []
    for opening in openings(Lab):
        began = time.process_time()
        shown = eval(opening.line, {"lab": lab})  # the project's own rows
        if hasattr(shown, "_repr_mimebundle_"):
            shown._repr_mimebundle_()
        rows.append(
            {
                "what": f"panel: first drawing of {opening.name} (processor time)",
                "median": time.process_time() - began,
                "target_seconds": 1.0,
            }
        )
    board, name = lab.panel(), "only_for_testing-debug"
    times = [seconds(lambda: board.toggle(name)) for _ in range(2 * runs)]
    click = {
        "what": f"panel: click on {name} to new verdict (Python side)",
        "median": statistics.median(times),
        "target_seconds": 0.1,
    }
    return [*rows, click]


def amount(value: float, unit: str) -> str:
    if unit:
        return f"{value:.1f} {unit}"
    return (
        f"{value * 1e6:.1f} us"
        if value < 0.001
        else f"{value * 1e3:.2f} ms"
        if value < 1
        else f"{value:.2f} s "
    )


def show(row: Row) -> str:
    unit = str(row.get("unit", ""))
    line = f"{row['what']:<58} {amount(float(str(row['median'])), unit):>12}"
    if "ratio" in row:
        line += (
            f"   {row['ratio']:.2f} of {amount(float(str(row['against'])), unit)} (target"
            f" {row['target']})"
        )
    elif "target_seconds" in row:
        line += f"   target {row['target_seconds']} s"
    return line + (f"   {row['note']}" if "note" in row else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--only",
        default="",
        help=(
            "comma-joined:"
            " verify,batch,hostile,class,sealed,imports,serving,server,notebooks,panel,explorer,"
            "switchboard"
        ),
    )
    args = parser.parse_args()
    runs = 5 if args.quick else 15
    from bench_batch import rows as batch
    from bench_class import rows as classroom
    from bench_explorer import rows as explorer
    from bench_hostile import rows as hostile
    from bench_sealed import rows as sealed
    from bench_server import rows as server
    from bench_switchboard import rows as switchboard
    from bench_verify import rows as verification

    parts: dict[str, Callable[[int], list[Row]]] = {
        "verify": verification,
        "batch": batch,
        "hostile": hostile,
        "class": classroom,
        "sealed": sealed,
        "imports": imports,
        "serving": serving,
        "server": server,
        "panel": panel,
        "explorer": explorer,
        "switchboard": switchboard,
        "notebooks": notebooks,
    }
    wanted = args.only.split(",") if args.only else list(parts)
    out: list[Row] = []
    for name in wanted:
        for row in parts[name](runs):
            out.append(row)
            if not args.json:
                print(show(row), flush=True)
    if args.json:
        print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
