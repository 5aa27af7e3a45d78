"""Rows about a report of Intel's attestation service: its signature, its certificates, its text,
its status, its time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base import strictjson
from casnb.conformance.fault import (
    DAY,
    MALLORY,
    SECOND,
    Change,
    Evidence,
    Fault,
    Harmless,
    at,
    each,
    reported,
    resent,
    under,
)
from casnb.conformance.forging import flip, issue
from casnb.simulator.intel import VALID
from casnb.simulator.keys import KeyPair, packaged, sign
from casnb.verify.pki import intel_roots
from casnb.verify.tcb import TcbStatus

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


# Text, validly signed


def text(change: Callable[[str], str]) -> Change:
    """The body as other text, signed by the service."""

    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        body = change(e.avr.body.decode()).encode("utf-8", "surrogatepass")
        return replace(e, avr=replace(e.avr, body=body, signature=sign(leaf(e).key, body)))

    return made


def put(old: str, new: str) -> Change:
    def change(body: str) -> str:
        assert old in body
        return body.replace(old, new, 1)

    return text(change)


def member(**values: Any) -> Change:
    """Members of the body replaced (None drops one), and the report signed again."""
    return reported(members=values)


def body_of(change: Callable[[bytes], bytes]) -> Change:
    """The quote inside cut or bent, and the report signed again."""

    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        quote = base64.b64decode(json.loads(e.avr.body)["isvEnclaveQuoteBody"])
        return member(isvEnclaveQuoteBody=base64.b64encode(change(quote)).decode())(e)

    return made


def quote_text(change: Callable[[str], str]) -> Change:
    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        return member(isvEnclaveQuoteBody=change(json.loads(e.avr.body)["isvEnclaveQuoteBody"]))(e)

    return made


FORM = [
    *several(
        "IAS report",
        "P18 P32",
        FORMAT,
        [
            ("empty", text(lambda t: "")),
            ("a list", text(lambda t: f"[{t}]")),
            ("cut short", text(lambda t: t[:-1])),
            ("byte order mark", text(lambda t: "\ufeff" + t)),
            ("text behind", text(lambda t: t + "x")),
            ("a second object behind", text(lambda t: t + t)),
            ("NaN", put('"version":5', '"version":NaN')),
            ("lone surrogate", put('"version"', '"x":"\\ud800","version"')),
            ("nested deep", put('"version"', '"x":' + "[" * 1000 + "]" * 1000 + ',"version"')),
        ],
    ),
    *several(
        "IAS report, a member twice",
        "P18 P24",
        FORMAT,
        [
            (
                "status",
                put(
                    '"isvEnclaveQuoteStatus"',
                    '"isvEnclaveQuoteStatus":"GROUP_REVOKED","isvEnclaveQuoteStatus"',
                ),
            ),
            (
                "status, escaped",
                put(
                    '"isvEnclaveQuoteStatus"',
                    '"isvEnclaveQuoteStatu\\u0073":"GROUP_REVOKED","isvEnclaveQuoteStatus"',
                ),
            ),
            ("nonce", put('"nonce"', '"nonce":"","nonce"')),
        ],
        choice="duplicate member",
    ),
    *several(
        "version of the IAS report",
        "P24",
        FORMAT,
        [(repr(v), member(version=v)) for v in (1, 2, 6, "5", 5.0, True)],
    ),
    *several(
        "IAS report without",
        "P24 P32",
        FORMAT,
        [
            (n, member(**{n: None}))
            for n in ("id", "timestamp", "isvEnclaveQuoteStatus", "isvEnclaveQuoteBody")
        ],
    ),
    *several(
        "timestamp of the IAS report",
        "P28",
        FORMAT,
        [
            (w, member(timestamp=t))
            for w, t in (
                ("with Z", "2026-09-01T11:59:59Z"),
                ("with an offset", "2026-09-01T11:59:59+02:00"),
                ("30 February", "2026-02-30T00:00:00"),
                ("29 February of a common year", "2023-02-29T00:00:00"),
                ("leap second", "2026-06-30T23:59:60"),
                ("seven decimals", "2026-09-01T11:59:59.0000000"),
                ("a number", 1788264000),
                ("empty", ""),
            )
        ],
        choice="date form",
    ),
    *several(
        "quote in the IAS report",
        "P23 P32",
        FORMAT,
        [
            ("431 bytes", body_of(lambda q: q[:431])),
            ("433 bytes", body_of(lambda q: q + b"\0")),
            ("436 bytes", body_of(lambda q: q + bytes(4))),
            ("1116 bytes", body_of(lambda q: q + bytes(684))),
            ("nothing", body_of(lambda q: b"")),
            ("not base64", quote_text(lambda t: "!" + t[1:])),
            ("base64 with a line end", quote_text(lambda t: t[:76] + "\n" + t[76:])),
            ("base64 of URLs", quote_text(lambda t: t[:-4] + "-_-_")),
            ("base64 with something behind", quote_text(lambda t: t + "AAAA")),
            ("a quote of version 3", body_of(lambda q: b"\3\0" + q[2:])),
        ],
    ),
    row(
        "INIT bit clear in the IAS report",
        "P20",
        FORMAT,
        reported(body={"attributes_flags": 4}),
        choice="INIT bit",
    ),
    *several(
        "reserved part of the report used, IAS",
        "P20",
        FORMAT,
        [
            ("bit 3", reported(body={"attributes_flags": 0xD})),
            ("bytes", reported(body={"reserved1": b"\1" + bytes(11)})),
            ("CONFIGID without its bit", reported(body={"config_id": b"\1" * 64})),
        ],
        choice="reserved bits",
    ),
    *several(
        "advisories of the IAS report",
        "P24 P32",
        FORMAT,
        [
            ("a string", member(advisoryIDs="INTEL-SA-00161")),
            ("numbers", member(advisoryIDs=[161])),
            ("101", member(advisoryIDs=["INTEL-SA-00161"] * 101)),
        ],
    ),
    row("nonce of 33 characters", "P25", FORMAT, member(nonce="0" * 33)),
]

# Who signed, and what


def issued(signer: Callable[[Evidence], KeyPair | None], name: str = LEAF, **kwargs: Any) -> Change:
    """A report signed with another certificate, truly issued by `signer`."""

    def made(e: Evidence) -> Evidence:
        values = {k: v(e) if callable(v) else v for k, v in kwargs.items()}
        return reported(
            sign_with=issue(e.world, name, signer(e), **{"key": packaged("test_signer"), **values})
        )(e)

    return made


def forged_root(e: Evidence) -> Evidence:
    """A root of the attacker's own with the pinned name, a signer of it, and the report signed
    by that.
    """
    fake = issue(e.world, root(e).cert.subject, None, ca=0, key=packaged("vendor_signer"))
    signer = issue(e.world, LEAF, fake, key=packaged("test_signer"))
    e = reported(sign_with=signer)(e)
    assert e.avr is not None
    return replace(e, avr=replace(e.avr, chain_pem=signer.cert_pem + fake.cert_pem))


def signature(change: Callable[[bytes], bytes]) -> Change:
    return resent(signature=lambda e: change(e.avr.signature))


_P256 = ec.derive_private_key(11, ec.SECP256R1())


def _of_another(e: Evidence) -> bytes:
    other = reported(members={"id": "1"})(e).avr
    assert other is not None
    return other.signature


WHO = [
    row(
        "report of the attacker's own service",
        "P25",
        CHAIN,
        reported(sign_with=lambda e: MALLORY.intel.ias_leaf),
    ),
    row("report of the attacker's own service, root and all", "P25", CHAIN, forged_root),
    row("judged under Intel's roots, IAS", "P25", CHAIN, under(lambda e: intel_roots())),
    row("signer that certified itself with Intel's name", "P25", CHAIN, issued(lambda e: None)),
    row(
        "signer certified by the attacker in the root's name",
        "P25",
        CHAIN,
        issued(lambda e: KeyPair(root(e).cert, packaged("vendor_signer"))),
    ),
    row(
        "signer under the other kind of root",
        "P25 P14",
        CHAIN,
        issued(lambda e: e.world.intel.root),
    ),
    row("signer of another name", "P25", CHAIN, issued(root, "SIMULATED Intel SGX Other Signing")),
    row("signer that is an authority", "P29 P25", CHAIN, issued(root, ca=0)),
    row("signer whose key may not sign", "P29", CHAIN, issued(root, usage=("key_agreement",))),
    row(
        "signer with a key on P-256",
        "P29",
        CHAIN,
        lambda e: resent(
            chain_pem=lambda e: issue(e.world, LEAF, root(e), key=_P256).cert_pem + root(e).cert_pem
        )(e),
    ),
    *several(
        "signer out of date",
        "P16 P25",
        CHAIN,
        [
            ("expired a second ago", issued(root, valid=lambda e: (VALID[0], e.now - SECOND))),
            ("valid in a second", issued(root, valid=lambda e: (e.now + SECOND, VALID[1]))),
        ],
    ),
    *several(
        "signing chain",
        "P25 P26",
        CHAIN,
        [
            ("missing", resent(chain_pem=b"")),
            ("the root alone", resent(chain_pem=lambda e: root(e).cert_pem)),
            ("signer twice", resent(chain_pem=lambda e: leaf(e).cert_pem * 2)),
            (
                "a third certificate",
                resent(chain_pem=lambda e: leaf(e).cert_pem + root(e).cert_pem * 2),
            ),
            ("cut short", resent(chain_pem=lambda e: leaf(e).cert_pem[:-40])),
            ("ten bytes", resent(chain_pem=b"0123456789")),
        ],
    ),
    row(
        "report signed by another key under the genuine certificate",
        "P25",
        SIGNATURE,
        reported(sign_with=lambda e: KeyPair(leaf(e).cert, packaged("test_signer"))),
    ),
    *several(
        "IAS report not as it was signed",
        "P24 P18",
        SIGNATURE,
        [
            ("printed again", resent(body=lambda e: json.dumps(json.loads(e.avr.body)).encode())),
            ("line end behind", resent(body=lambda e: e.avr.body + b"\n")),
            (
                "another status",
                resent(body=lambda e: e.avr.body.replace(b'"OK"', b'"GROUP_OUT_OF_DATE"')),
            ),
            ("another MRENCLAVE", resent(body=lambda e: _bent_quote(e, 48 + 64))),
            (
                "another nonce in front",
                resent(body=lambda e: e.avr.body.replace(b'"version":5', b'"version":4')),
            ),
        ],
        choice="bytes as received",
    ),
    *several(
        "signature of the IAS report",
        "P24",
        SIGNATURE,
        [
            ("missing", resent(signature=b"")),
            ("one bit", signature(lambda x: flip(x, 100))),
            ("reversed", signature(lambda x: x[::-1])),
            ("cut short", signature(lambda x: x[:-1])),
            ("a byte more", signature(lambda x: x + b"\0")),
            ("zeros", signature(lambda x: bytes(256))),
            (
                "of another report",
                resent(signature=_of_another),
            ),
        ],
    ),
]


def _bent_quote(e: Evidence, at: int) -> bytes:
    """The body with one bit of the quote inside flipped, written as before."""
    value = json.loads(e.avr.body) if e.avr else {}
    quote = flip(base64.b64decode(value["isvEnclaveQuoteBody"]), 8 * at)
    return strictjson.compact({**value, "isvEnclaveQuoteBody": base64.b64encode(quote).decode()})


# What it says, and when

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

IAS_FAULTS = [*FORM, *WHO, *SAYS]

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
