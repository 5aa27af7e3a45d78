"""Why a genuine signature does not fit: every known mishap is named, on simulated and on real
evidence, and none of them is ever accepted.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from casnb.checks.result import CheckStatus
from casnb.evidence.avr import SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.simulator.world import World
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements, verify_endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.misfits import MISHAPS, Held, explain
from casnb.verify.pki import intel_roots

WORLD = World("mishaps", "production")
PUBLIC = World("mishaps", "public")
TOLD = {m.name: m.told for m in MISHAPS}


def der(signature: str) -> str:
    raw = bytes.fromhex(signature)
    r, s = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
    return encode_dss_signature(r, s).hex()


#: What happened to TCB info, its signature or its chain, by the name of the mishap.
LISTS: dict[str, list[Any]] = {
    "final-newline": [
        lambda e: {"tcb_info": e.tcb_info + "\n"},
        lambda e: {"tcb_info": e.tcb_info + "\r\n"},
    ],
    "printed-again": [
        lambda e: {"tcb_info": json.dumps(json.loads(e.tcb_info), indent=2)},
        lambda e: {"tcb_info": json.dumps(json.loads(e.tcb_info))},
    ],
    "whole-answer": [
        lambda e: {"tcb_info": f'{{"tcbInfo":{e.tcb_info},"signature":"{e.tcb_info_signature}"}}'},
        lambda e: {"tcb_info": json.dumps({"status": 200, "body": e.tcb_info})},
        lambda e: {"tcb_info": "HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + e.tcb_info},
    ],
    "encoded-twice": [
        lambda e: {"tcb_info_signature": e.tcb_info_signature.encode().hex()},
        lambda e: {
            "tcb_info_signature": base64.b64encode(bytes.fromhex(e.tcb_info_signature)).decode()
        },
    ],
    "trailing-zero": [
        lambda e: {"tcb_info_signature": e.tcb_info_signature + "00"},
        lambda e: {"tcb_info": e.tcb_info + "\0"},
    ],
    "der-signature": [lambda e: {"tcb_info_signature": der(e.tcb_info_signature)}],
    "exchanged-chain": [
        lambda e: {
            "tcb_info_issuer_chain": e.pck_crl_issuer_chain,
            "pck_crl_issuer_chain": e.tcb_info_issuer_chain,
        }
    ],
    "exchanged-signature": [
        lambda e: {
            "tcb_info_signature": e.qe_identity_signature,
            "qe_identity_signature": e.tcb_info_signature,
        }
    ],
    "changed-case": [
        lambda e: {"tcb_info": e.tcb_info.upper()},
        lambda e: {"tcb_info": e.tcb_info.lower()},
    ],
}
ROWS = [
    pytest.param(name, change, id=f"{name}-{n}")
    for name, changes in LISTS.items()
    for n, change in enumerate(changes, 1)
]


def named(reason: str) -> set[str]:
    """Which mishaps a reason tells of."""
    return {name for name, told in TOLD.items() if reason.startswith(told.split("{")[0])}


def test_every_mishap_has_a_row():
    """No row of the table is left without a case of its own."""
    assert list(LISTS) == [m.name for m in MISHAPS]


@pytest.mark.parametrize("name, change", ROWS)
def test_it_is_named_and_not_accepted(name, change):
    """The check fails, as before, and its reason says what happened."""
    lists = WORLD.endorsements()
    check = verify_endorsements(
        replace(lists, **change(lists)), roots=WORLD.roots, now=WORLD.now
    ).checks[0]
    assert check.id == "tcb-info-signature" and check.status is CheckStatus.FAILED
    assert named(check.reason) == {name}


@pytest.mark.parametrize("name, change", ROWS)
def test_it_is_named_on_real_lists(vectors, name, change):
    """Intel's own lists, as their services sent them."""
    lists = Endorsements.from_json(
        (vectors / "dcap" / "dcapqvl-sample-202506" / "collateral.json").read_bytes()
    )
    now = datetime(2025, 6, 20, tzinfo=timezone.utc)
    assert (
        verify_endorsements(lists, roots=intel_roots(), now=now).checks[0].status.value == "passed"
    )
    check = verify_endorsements(
        replace(lists, **change(lists)), roots=intel_roots(), now=now
    ).checks[0]
    assert check.status is CheckStatus.FAILED and named(check.reason) == {name}


REPORTS = {
    "final-newline": lambda r: replace(r, body=r.body + b"\n"),
    "printed-again": lambda r: replace(r, body=json.dumps(json.loads(r.body), indent=1).encode()),
    "encoded-twice": lambda r: replace(r, signature=base64.b64encode(r.signature)),
    "trailing-zero": lambda r: replace(r, signature=r.signature + b"\0"),
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("real", [False, True], ids=["simulated", "real"])
def test_an_ias_report(request, name, real):
    """The same for the body of an IAS report and its signature."""
    if real:
        folder = request.getfixturevalue("vectors") / "avr" / "phala-2021"
        signature = base64.b64decode((folder / "signature.b64").read_bytes())
        report = SignedAvr(
            (folder / "body.json").read_bytes(), signature, (folder / "chain.pem").read_bytes()
        )
        roots, now = intel_roots(), report.avr.timestamp
    else:
        report = CasReport.from_json(PUBLIC.attest("IASReport")).signed_avr()
        roots, now = PUBLIC.roots, PUBLIC.now
    assert verify_avr(report, roots=roots, now=now).check("avr-signature").status.value == "passed"
    check = verify_avr(REPORTS[name](report), roots=roots, now=now).check("avr-signature")
    assert check.status is CheckStatus.FAILED and named(check.reason) == {name}


def test_a_list_of_the_other_authority():
    """A list of the wrong authority's platforms, or the root's, is called what it is."""
    intel = WORLD.intel
    good = WORLD.endorsements()
    quote = WORLD.quote(bytes(64))
    other = replace(good, pck_crl=intel.pck_crl(WORLD.now, authority=intel.processor_ca).hex())
    for lists, told in (
        (other, "Processor CA, and the platform's certificate is from"),
        (replace(other, pck_crl_issuer_chain=""), "fetch the list with ca=platform"),
        (replace(good, pck_crl=good.root_ca_crl), "two lists were exchanged"),
    ):
        check = verify_quote(quote, lists, roots=WORLD.roots, now=WORLD.now).check("pck-revocation")
        assert check.status is CheckStatus.FAILED and told in check.reason


def test_what_no_mishap_explains_gets_no_reason():
    """A changed text, another signer's signature and noise are not explained away."""
    good = WORLD.endorsements()
    for change in (
        {"tcb_info": good.tcb_info.replace('"svn":16', '"svn":15', 1)},
        {"tcb_info_signature": World("other", "production").endorsements().tcb_info_signature},
        {"tcb_info_signature": "ab" * 64},
    ):
        check = verify_endorsements(
            replace(good, **change), roots=WORLD.roots, now=WORLD.now
        ).checks[0]
        assert check.status is CheckStatus.FAILED and not named(check.reason)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({f"m{n}": "x" for n in range(1000)}).encode(),
        b"[" * 5000,
        b"\xff" * 100,
        b'{"a":1}' + b" " * (1 << 20),
        b"",
    ],
    ids=["members", "nested", "no-text", "long", "empty"],
)
def test_the_work_is_bounded(text):
    """Hostile bytes cost a bounded number of attempts, and raise nothing."""
    tried: list[Held] = []
    chains = tuple((f"c{n}", b"x%d" % n) for n in range(1000))
    held = Held(text, b"\x30" + b"\0" * 70, chains=chains)
    assert explain(held, lambda h: bool(tried.append(h))) == "" and len(tried) <= 48
