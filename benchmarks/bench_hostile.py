"""The worst that one megabyte can do: the longest time and the most memory over every entry and
every hostile input.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

Row = dict[str, object]
#: Names that go before an input where the entry has several parts.
PARTS = {
    "verify-lists": ("tcb_info", "qe_identity", "root_ca_crl", "pck_crl", "tcb_info_issuer_chain"),
    "verify-lists-signed-anew": ("tcb_info", "qe_identity"),
    "verify-ias-report": ("body", "signature", "chain_pem"),
}


def rows(_: int) -> list[Row]:
    """Processor time of every pair once, the best of three for the slowest ten, then their
    memory.
    """
    from fuzz.hostile import INPUTS
    from fuzz.targets import TARGETS

    warnings.simplefilter("ignore")
    for target in TARGETS.values():
        for sample in target.samples():
            target.outcome(sample.data)

    def seconds(target: str, data: bytes) -> float:
        start = time.process_time()
        TARGETS[target].outcome(data)
        return time.process_time() - start

    times: list[tuple[float, str, str, bytes]] = []
    for name, make in INPUTS.items():
        data = make()
        for target in TARGETS:
            for part in PARTS.get(target, ("",)):
                whole = part.encode() + b"\n" + data if part else data
                times.append((seconds(target, whole), f"{target} {part}".strip(), name, whole))
        times = sorted(times, key=lambda row: row[0], reverse=True)[:10]
    worst = max(
        (
            (min(took, *(seconds(target.split()[0], data) for _ in range(2))), target, name)
            for took, target, name, data in times
        ),
        key=lambda row: row[0],
    )
    held = (0.0, "", "")
    for _, target, name, data in times:
        tracemalloc.start()
        TARGETS[target.split()[0]].outcome(data)
        held = max(held, (tracemalloc.get_traced_memory()[1] / 1e6, target, name))
        tracemalloc.stop()
    return [
        {
            "what": "hostile megabyte: longest",
            "median": worst[0],
            "target_seconds": 1.0,
            "note": f"{worst[1]}: {worst[2]}",
        },
        {
            "what": "hostile megabyte: most memory",
            "median": held[0],
            "unit": "MB",
            "note": f"{held[1]}: {held[2]}; target 50 MB",
        },
    ]
