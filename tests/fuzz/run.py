"""Mutate and judge any number of inputs, and count what became of them: `make fuzz
ARGS="--inputs 1000000"`.

A run is made of rounds of 100,000 inputs, shared out among the targets; every round of every
target has random numbers of its own, so that one seed always gives the same inputs. After each
part of a round counts go to the state file, and the same command goes on from there. Exit code 1
where an input was accepted that nobody signed, or raised what nobody foresaw; each of those is
kept as a file.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from fuzz.targets import TARGETS, Broken, Forged, Target  # noqa: E402

ROUND = 100_000
#: What counts against us: an accept without explanation, a promise broken, an exception that is not
#: casnb's own.
BAD = ("FORGED", "BROKEN", "UNTYPED")
#: Kinds of outcome that are counted one by one; an input could put anything into others.
KINDS = 60


def outcome(target: Target, data: bytes) -> str:
    try:
        return target.outcome(data)
    except Forged as exc:
        return f"FORGED: {exc}"
    except Broken as exc:
        return f"BROKEN: {exc}"
    except Exception as exc:
        return f"UNTYPED: {type(exc).__name__}: {str(exc)[:100]}"


class Run:
    """Counts of a run, kept in a file between rounds."""

    def __init__(self, seed: str, state: Path | None, keep: Path) -> None:
        self.state, self.keep = state, keep
        self.found: dict[str, Any] = {
            "seed": seed,
            "rounds": 0,
            "partial": {},
            "cpu_seconds": 0.0,
            "counts": {},
            "slowest": {},
            "cpu": {},
        }
        if state and state.exists():
            self.found = json.loads(state.read_text())
            if self.found["seed"] != seed:
                raise SystemExit(
                    f"{state} belongs to the seed {self.found['seed']!r}: give that one, or another"
                    " --state."
                )

    def go(self, inputs: int, names: list[str]) -> None:
        rounds = -(-inputs // ROUND)
        while self.found["rounds"] < rounds:
            for name in names:
                if name in self.found["partial"]:
                    continue
                self.slice(TARGETS[name], self.found["rounds"], min(1.0, inputs / ROUND))
                self.found["partial"][name] = 1
                self.save()
            self.found["rounds"] += 1
            self.found["partial"] = {}
            self.save()
            print(
                f"round {self.found['rounds']} of {rounds}, {self.total()} inputs, {self.bad()}"
                f" bad, {self.found['cpu_seconds']:.0f} s of CPU",
                file=sys.stderr,
                flush=True,
            )

    def slice(self, target: Target, number: int, part: float) -> None:
        """One target's share of a round."""
        random, mutator = Random(f"{self.found['seed']} {number} {target.name}"), target.mutator
        samples = {sample.data for sample in mutator.samples}
        counts: Counter[str] = Counter(self.found["counts"].get(target.name, {}))
        slowest, clock = self.found["slowest"].get(target.name, 0.0), time.process_time
        begun = clock()
        for _ in range(round(target.share * ROUND / 1000 * part)):
            data = mutator.mutant(random)
            if data in samples:
                counts["the sample itself"] += 1
                continue
            start = clock()
            word = outcome(target, data)
            took = clock() - start
            if took > slowest:
                slowest = took
            if word.startswith(BAD):
                self.keep.mkdir(parents=True, exist_ok=True)
                (self.keep / f"{target.name}-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(
                    data
                )
            counts[
                (
                    word
                    if word in counts or len(counts) < KINDS or word.startswith(BAD)
                    else f"{word.split(':')[0]}: other"
                )
            ] += 1
        took = clock() - begun
        self.found["counts"][target.name], self.found["slowest"][target.name] = (
            dict(counts),
            slowest,
        )
        self.found["cpu"][target.name] = self.found["cpu"].get(target.name, 0.0) + took
        self.found["cpu_seconds"] += took

    def save(self) -> None:
        if self.state:
            self.state.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.state.with_suffix(".new")
            fresh.write_text(json.dumps(self.found, indent=1))
            fresh.replace(self.state)

    def total(self) -> int:
        return sum(sum(counts.values()) for counts in self.found["counts"].values())

    def bad(self) -> int:
        return sum(
            n
            for counts in self.found["counts"].values()
            for word, n in counts.items()
            if word.startswith(BAD)
        )

    def report(self) -> str:
        """The counts as text: a line a target, then every kind of outcome."""
        groups = ("read", "malformed", "refused", "unchanged", "accepted", "other")
        lines = [
            f"{'target':<26}{'inputs':>10}"
            + "".join(f"{g:>10}" for g in groups)
            + f"{'forged':>8}{'untyped':>9}{'mean us':>9}{'worst ms':>9}"
        ]
        sums: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for name, counts in self.found["counts"].items():
            row: Counter[str] = Counter()
            for word, n in counts.items():
                first = word.split(":")[0]
                row[first if first in groups or first in BAD else "other"] += n
                kinds[word if not word.startswith("malformed") else f"{word}"] += n
            total = sum(counts.values())
            sums += row
            sums["inputs"] += total
            sums["full"] += total if TARGETS[name].full else 0
            lines.append(
                f"{name:<26}{total:>10}"
                + "".join(f"{row[g]:>10}" for g in groups)
                + f"{row['FORGED']:>8}{row['UNTYPED'] + row['BROKEN']:>9}"
                + f"{self.found['cpu'][name] / max(total, 1) * 1e6:>9.0f}"
                + f"{self.found['slowest'][name] * 1e3:>9.1f}"
            )
        lines.append(
            f"{'all':<26}{sums['inputs']:>10}"
            + "".join(f"{sums[g]:>10}" for g in groups)
            + f"{sums['FORGED']:>8}{sums['UNTYPED'] + sums['BROKEN']:>9}"
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lines.append(
            f"\nseed {self.found['seed']!r}, {sums['full']} inputs through whole verification, "
            f"{self.found['cpu_seconds']:.0f} s of CPU, at most {peak:.0f} MB of memory\n"
        )
        lines += [f"{n:>10}  {word}" for word, n in kinds.most_common(120)]
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--inputs",
        type=int,
        default=ROUND,
        help="how many, in whole rounds of 100,000  [default: one round]",
    )
    parser.add_argument("--seed", default="casnb")
    parser.add_argument("--only", default="", help="comma-joined: " + ",".join(TARGETS))
    parser.add_argument("--state", type=Path, help="file of counts, to go on from later")
    parser.add_argument(
        "--keep",
        type=Path,
        default=ROOT / ".fuzz",
        help="folder for inputs that must not be  [default: .fuzz]",
    )
    parser.add_argument(
        "--input",
        type=Path,
        help="judge this one file by the targets of --only and show what comes of it",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        help="write the samples into this folder, one folder a target, and stop",
    )
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if args.corpus:
        for name in names:
            (args.corpus / name).mkdir(parents=True, exist_ok=True)
            for number, sample in enumerate(TARGETS[name].samples()):
                (args.corpus / name / f"{number:02}").write_bytes(sample.data)
        return 0
    if args.input:
        for name in names:
            print(f"{name}: {outcome(TARGETS[name], args.input.read_bytes())}")
        return 0
    for name in names:
        for sample in TARGETS[name].samples():
            TARGETS[name].outcome(sample.data)
    gc.collect()
    gc.freeze()
    run = Run(args.seed, args.state, args.keep)
    try:
        run.go(args.inputs, names)
    except KeyboardInterrupt:
        print("Interrupted; the last whole part of a round is kept.", file=sys.stderr)
    print(run.report())
    return 1 if run.bad() else 0


if __name__ == "__main__":
    sys.exit(main())
