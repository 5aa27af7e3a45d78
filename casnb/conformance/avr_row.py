"""What rows about a report of Intel's attestation service share."""

from __future__ import annotations

from typing import Any

from casnb.conformance.fault import Change, Evidence, Fault, each
from casnb.simulator.keys import KeyPair

FORMAT, CHAIN, SIGNATURE, CURRENT = "avr-format", "avr-chain", "avr-signature", "avr-current"
LEAF = "SIMULATED Intel SGX Attestation Report Signing"
S = "tcb-status tcb-grace"


def leaf(e: Evidence) -> KeyPair:
    return e.world.intel.ias_leaf


def root(e: Evidence) -> KeyPair:
    return e.world.intel.ias_root


def row(name: str, pitfalls: str, fails: str, change: Change, **others: Any) -> Fault:
    return Fault(name, pitfalls, fails, change, kind="ias", **{"status": "OK", **others})


def several(
    name: str, pitfalls: str, fails: str, changes: list[tuple[str, Change]], **others: Any
) -> list[Fault]:
    return each(name, pitfalls, fails, changes, kind="ias", **{"status": "OK", **others})
