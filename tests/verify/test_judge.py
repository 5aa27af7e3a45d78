"""A second verifier, not ours, judges every simulated quote and every row of the table of
faults; each difference has its reason.

The rows are bytes: what both were given is the same. The judge is `dcap-qvl` under the simulated
root, as its Python API allows.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from casnb.conformance.fault import Evidence, good
from casnb.conformance.fault_table import FAULTS, HARMLESS
from casnb.simulator.world import SCENARIOS, World
from casnb.verify.dcap import verify_quote
from casnb.verify.tcb import TcbStatus

dcap_qvl: Any = pytest.importorskip("dcap_qvl", reason="the independent verifier is not installed")
REFUSED = ("refused", ())
ROWS = {row.name: row for row in (*FAULTS, *HARMLESS) if row.kind == "dcap"}

#: Rows that casnb judges more severely, by the choice of docs/verification.md which is the reason.
STRICTER = {
    "TCB signer: role": (
        "lists signed by the platform's key, with its whole chain",
        "TCB signer with an SGX extension",
        "TCB signer issued by the PCK authority",
        "TCB signer whose key may not sign",
        "TCB signer that may certify",
    ),
    "TCB signer: name": (
        "TCB signer of another name",
        "TCB signer whose name only begins as Intel's",
    ),
    "PCK certificate: role": (
        "leaf with another role in its name",
        "leaf whose key may not sign",
        "leaf without key usage",
    ),
    "exact chain": (
        "root of the attacker's own with the pinned name",
        "leaf issued by the root itself",
        "certificates in the quote: no root",
        "certificates in the quote: leaf twice",
        "certificates in the quote: root twice",
        "certificates in the quote: a fourth",
        "certificates in the quote: cut short",
        "certificates in the quote: too long",
        "signer's chain of the TCB info: without root",
        "signer's chain of the TCB info: with another root",
        "signer's chain of the TCB info: with a third certificate",
    ),
    "PCK extension": (
        "SGX extension: PCEID of one byte",
        "SGX extension: a byte behind it",
        "platform setting that is neither true nor false",
    ),
    "component range": ("SGX extension: component 511", "SGX extension: component negative"),
    "PCEID": ("TCB info of another platform model: PCEID",),
    "TCB type": ("type of the TCB info: 1", "type of the TCB info: 255"),
    "list version": ("version of the TCB info: 4",),
    "future issue date": ("list of the future: of platforms", "list of the future: of the root"),
    "duplicate member": ("TCB info, a member twice: in a member nobody reads",),
    "JSON text": (
        "TCB info: nested a hundred thousand deep",
        "TCB info: ten million bytes",
        "TCB info: lone surrogate",
        "TCB info: 501 levels",
    ),
    "trailing bytes": (
        "bytes after the quote: one",
        "bytes after the quote: 16",
        "bytes after the quote: 4096",
        "one bit flipped: certification length",
    ),
    "INIT bit": ("INIT bit clear",),
    "reserved bits": (
        *(
            f"reserved part of the report used: {part}"
            for part in (
                "bit 3",
                "bit 63",
                "after MISCSELECT",
                "after MRENCLAVE",
                "after MRSIGNER",
                "after CONFIGSVN",
            )
        ),
        *(
            f"key separation and sharing used without its bit: {part}"
            for part in ("CONFIGID", "CONFIGSVN", "ISVFAMILYID", "ISVEXTPRODID")
        ),
        *(
            f"reserved part of the quoting enclave's report used: {part}"
            for part in ("bytes", "CONFIGID")
        ),
    ),
    "matching": ("CPUSVN octets newer than the components of one certificate",),
    "unsorted levels": ("level twice with two statuses", "level of the QE identity twice"),
    "16 components": ("components of a level: none",),
    "date form": (
        "date of the TCB info: offset",
        "date of the TCB info: small z",
        "date of the TCB info: fraction",
        "date of the TCB info: leap second",
        "date of the TCB info: a space for T",
        "date of a level",
    ),
    "QE identity masks": (
        "QE identity with a mask of zeros",
        "quoting enclave never initialised under a mask that leaves INIT out",
    ),
    "QE status": ("status of a quoting enclave that only a platform has: ConfigurationNeeded",),
    "QE report data": ("second half of the QE's report data used",),
}
#: Rows that the judge refuses (or judges more severely) and casnb does not, each with the reason.
MILDER = {
    "genuine as it is; to refuse debug is for the policy, where the check `debug` fails": (
        "debug enclave",
    ),
    "Intel's own sample has none, and the QE's report binds that there is none": (
        "no authentication data",
    ),
    "Intel's own library reads it: the same parts, laid out a little differently": (
        "whole quote of version 4, for SGX",
    ),
    "the level is found with the components, not with the octets": (
        "CPUSVN octets older than the components",
    ),
    "real quotes carry their certificates in more than one order": tuple(
        f"certificates in the order {order}"
        for order in ("ca, leaf, root", "ca, root, leaf", "root, leaf, ca", "root, ca, leaf")
    ),
    "the authority's certificate is in the quote": (
        "list of platforms without its issuer's chain",
    ),
    "the same list in another coding": ("lists in PEM",),
    "levels are sorted before one is chosen": ("levels of the QE identity in another order",),
    "served until 2023, and still what many captures hold": ("TCB info in version 2",),
    "counts as outdated, which a flag may accept, as Intel's own library has it": (
        "status of a quoting enclave that only a platform has: SWHardeningNeeded",
    ),
}


def theirs(e: Evidence) -> tuple[str, tuple[str, ...]]:
    """The judge's status and advisories, or REFUSED."""
    try:
        lists = dcap_qvl.QuoteCollateralV3.from_json(json.dumps(e.lists.to_json()))
        root = e.roots.dcap[0]
        found = dcap_qvl.verify_with_root_ca(e.quote, lists, root, int(e.now.timestamp()))
    except ValueError:
        return REFUSED
    return found.status, tuple(found.advisory_ids)


def ours(e: Evidence) -> tuple[str, tuple[str, ...]]:
    """The same of casnb: what a proof says, before any policy. The judge calls a revoked
    platform refused, so do we here.
    """
    proof = verify_quote(e.quote, e.lists, roots=e.roots, now=e.now)
    return (
        (proof.status_text, proof.advisories)
        if proof.genuine and proof.tcb_status is not TcbStatus.REVOKED
        else REFUSED
    )


def severity(verdict: tuple[str, tuple[str, ...]]) -> int:
    """How bad a verdict is: a place in the list of statuses, refused last."""
    return [*(s.dcap_name for s in TcbStatus), "refused"].index(verdict[0])


def listed(table: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {name: reason for reason, names in table.items() for name in names}


@pytest.mark.parametrize("name", ROWS)
def test_both_judge_alike(name):
    """The same verdict, status and advisories from both, but for exactly the rows that are
    listed with a reason.
    """
    row = ROWS[name]
    evidence = row.change(good("dcap"))
    mine, other = ours(evidence), theirs(evidence)
    if name in listed(STRICTER):
        assert severity(mine) > severity(other) and row.choice == listed(STRICTER)[name]
    elif name in listed(MILDER):
        assert severity(mine) < severity(other)
    else:
        assert mine == other


def test_every_difference_is_a_row():
    """The two tables name rows that there are, each once."""
    names = [name for table in (STRICTER, MILDER) for names in table.values() for name in names]
    assert len(names) == len(set(names)) and set(names) <= set(ROWS)


@pytest.mark.parametrize("debug", [False, True], ids=["production build", "debug build"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario(scenario, debug):
    """Whatever machine a scenario has, both say the same of its quote; of a debug enclave they
    differ, for the reason above.
    """
    world = World("independent", scenario)
    base = good("dcap")
    quote = world.quote(bytes(64), body={"attributes_flags": 7 if debug else 5})
    evidence = Evidence(
        world, base.report, base.policy, world.roots, world.now, quote, world.endorsements()
    )
    status, level = world.setup.status, world.platform.level
    wanted = REFUSED if status is TcbStatus.REVOKED else (status.dcap_name, level.advisories)
    assert ours(evidence) == wanted
    assert theirs(evidence) == (REFUSED if debug else wanted)
