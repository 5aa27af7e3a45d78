"""Rows about a report of Intel's attestation service: what it says, and when."""

from __future__ import annotations

import json
from datetime import timedelta

from casnb.base import strictjson
from casnb.conformance.avr_forms import member, put, text
from casnb.conformance.avr_row import CURRENT, S, leaf, root, row, several
from casnb.conformance.fault import DAY, SECOND, Harmless, at, reported, resent
from casnb.verify.tcb import TcbStatus

_STATUSES = [
    (s.ias_name, "tcb-status tcb-grace" if s is TcbStatus.REVOKED else "tcb-status")
    for s in TcbStatus
    if s.ias_name and s not in (TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE)
]
SAYS = [
    *[
        row(
            f"status {name}",
            "P24 P10" if fails == "tcb-status" else "P24 P08",
            fails,
            member(isvEnclaveQuoteStatus=name, advisoryIDs=[]),
            status=name,
        )
        for name, fails in [*_STATUSES, ("SIGNATURE_REVOKED", S), ("KEY_REVOKED", S)]
    ],
    *[
        row(
            f"status that says nothing of the platform: {name or 'empty'}",
            "P24",
            "tcb-status",
            member(isvEnclaveQuoteStatus=name),
            status=name,
            known=False,
        )
        for name in (
            "SIGNATURE_INVALID",
            "SIGRL_VERSION_MISMATCH",
            "ok",
            "UpToDate",
            "BRAND_NEW",
            "",
        )
    ],
    row(
        "advisory in an IAS report that is OK",
        "P10 P24",
        "advisories",
        member(advisoryIDs=["INTEL-SA-00161"]),
    ),
    row(
        "IAS report of an old edition", "P16", "tcb-evaluation", member(tcbEvaluationDataNumber=19)
    ),
    row("IAS report of the future", "P25 P28", CURRENT, reported(now=lambda e: e.now + SECOND)),
    row(
        "IAS report two hours ahead, as by local time",
        "P28",
        CURRENT,
        reported(now=lambda e: e.now + timedelta(hours=2)),
    ),
    row(
        "IAS report older than allowed",
        "P25 P16",
        "report-age",
        reported(now=lambda e: e.now - timedelta(hours=1, seconds=1)),
    ),
    row("IAS report shown again a day later", "P25", "report-age", at(lambda e: e.now + DAY)),
    *several(
        "nonce sent to IAS",
        "P25",
        "avr-nonce",
        [
            ("another", reported(nonce="0" * 32)),
            ("none", reported(nonce="")),
            ("its beginning", reported(nonce="fedcba98")),
            ("upper case", reported(nonce=("fedcba9876543210" * 2).upper())),
        ],
    ),
    row(
        "debug enclave in an IAS report", "P20 P25", "debug", reported(body={"attributes_flags": 7})
    ),
    row(
        "IAS report about other report data", "P27", "certificate-binding", reported(data=bytes(64))
    ),
]

IAS_HARMLESS = [
    Harmless(name, pitfalls, change, "ias")
    for name, pitfalls, change in (
        ("nothing changed, IAS", "P32", lambda e: e),
        (
            "IAS report ahead by less than a second",
            "P28",
            member(timestamp="2026-09-01T12:00:00.999999"),
        ),
        (
            "members of the body in another order, signed so",
            "P18",
            text(
                lambda t: strictjson.compact(dict(reversed(list(json.loads(t).items())))).decode()
            ),
        ),
        (
            "spaces in the body, signed so",
            "P24",
            text(lambda t: json.dumps(json.loads(t), indent=1)),
        ),
        ("a member nobody knows, signed so", "P24", put('"version"', '"later":[1],"version"')),
        ("signing chain without its root", "P25", resent(chain_pem=lambda e: leaf(e).cert_pem)),
        (
            "signing chain, root first",
            "P26",
            resent(chain_pem=lambda e: root(e).cert_pem + leaf(e).cert_pem),
        ),
        (
            "signing chain with CRLF",
            "P26",
            resent(
                chain_pem=lambda e: (leaf(e).cert_pem + root(e).cert_pem).replace(b"\n", b"\r\n")
            ),
        ),
        (
            "advisories in headers that nobody signed",
            "P24",
            resent(header_advisory_ids=("INTEL-SA-00161",)),
        ),
        ("timestamp without a fraction", "P28", member(timestamp="2026-09-01T11:59:59")),
        ("report of this very second", "P28", reported(now=lambda e: e.now)),
        ("report as old as allowed", "P16", reported(now=lambda e: e.now - timedelta(hours=1))),
    )
]
