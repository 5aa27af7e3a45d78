"""Rows about Intel's lists: who signed them, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casnb.base import strictjson
from casnb.conformance.fault import (
    ATTACKER,
    MALLORY,
    SECOND,
    Change,
    Evidence,
    Fault,
    certified,
    each,
    listed,
    members,
    remade,
    rewritten,
    signed_by,
)
from casnb.conformance.forging import issue, sgx_of
from casnb.conformance.quote_bytes import BENT
from casnb.conformance.quote_chain import EXACT, intel, pck
from casnb.simulator.intel import VALID
from casnb.simulator.keys import KeyPair

TCB, QE = "tcb-info-signature", "qe-identity-signature"
BOTH = f"{TCB} {QE}"
SIGNER = "SIMULATED Intel SGX TCB Signing"
ROLE, NAME = "TCB signer: role", "TCB signer: name"


def root(e: Evidence) -> KeyPair:
    return intel(e).root


def signer(name: str = SIGNER, **kwargs: Any) -> Callable[[Evidence], KeyPair]:
    """A signer of lists, truly certified by the root: arguments of `issue`."""
    return certified(name, root, **kwargs)


def enclave_key(e: Evidence) -> KeyPair:
    """What an enclave may hold: a key under the platform's certificate."""
    return issue(e.world, SIGNER, pck(e))


def own_signer(e: Evidence) -> KeyPair:
    """The attacker's signer, with exactly Intel's name."""
    return KeyPair(intel(e).tcb_signer.cert, ATTACKER)


# Who signed

WHO = [
    Fault(
        "lists of the attacker's own world",
        "P01 P06",
        BOTH,
        lambda e: replace(
            e,
            lists=replace(
                MALLORY.endorsements(),
                root_ca_crl=e.lists.root_ca_crl,
                pck_crl=e.lists.pck_crl,
                pck_crl_issuer_chain=e.lists.pck_crl_issuer_chain,
            ),
        ),
    ),
    Fault(
        "lists signed by the attacker under Intel's certificate", "P01", BOTH, signed_by(own_signer)
    ),
    Fault("lists signed by the platform's key", "P14", BOTH, signed_by(pck), choice=ROLE),
    Fault(
        "lists signed by the platform's key, with its whole chain",
        "P14",
        BOTH,
        signed_by(pck, lambda e: intel(e).pck_ca, root),
        choice=ROLE,
    ),
    Fault(
        "lists signed by a key that an enclave holds",
        "P14",
        BOTH,
        signed_by(enclave_key, pck, root),
        choice=ROLE,
    ),
    Fault(
        "lists signed by the PCK authority",
        "P14",
        BOTH,
        signed_by(lambda e: intel(e).pck_ca),
        choice=ROLE,
    ),
    Fault("lists signed by the root itself", "P14", BOTH, signed_by(root), choice=ROLE),
    Fault("TCB signer that is an authority", "P14 P29", BOTH, signed_by(signer(ca=0)), choice=ROLE),
    Fault(
        "TCB signer with an SGX extension",
        "P14",
        BOTH,
        signed_by(signer(sgx=lambda e: sgx_of(pck(e)))),
        choice=ROLE,
    ),
    Fault(
        "TCB signer issued by the PCK authority",
        "P14",
        BOTH,
        signed_by(certified(SIGNER, lambda e: intel(e).pck_ca), lambda e: intel(e).pck_ca, root),
        choice=ROLE,
    ),
    Fault(
        "TCB signer of another name",
        "P14",
        BOTH,
        signed_by(signer("SIMULATED Intel SGX TCB Signer")),
        choice=NAME,
    ),
    Fault(
        "TCB signer whose name only begins as Intel's",
        "P14",
        BOTH,
        signed_by(signer(SIGNER + " Test")),
        choice=NAME,
    ),
    Fault(
        "TCB signer whose key may not sign",
        "P29",
        BOTH,
        signed_by(signer(usage=("key_agreement",))),
        choice=ROLE,
    ),
    Fault(
        "TCB signer that may certify",
        "P29",
        BOTH,
        signed_by(signer(usage=("digital_signature", "key_cert_sign"))),
        choice=ROLE,
    ),
    *each(
        "TCB signer out of date",
        "P16",
        BOTH,
        [
            ("expired a second ago", signed_by(signer(valid=lambda e: (VALID[0], e.now - SECOND)))),
            ("valid in a second", signed_by(signer(valid=lambda e: (e.now + SECOND, VALID[1])))),
        ],
    ),
    *each(
        "signer's chain of the TCB info",
        "P06 P32",
        TCB,
        [
            ("missing", members(tcb_info_issuer_chain="")),
            (
                "without root",
                members(tcb_info_issuer_chain=lambda e: intel(e).tcb_signer.cert_pem.decode()),
            ),
            (
                "with another root",
                members(
                    tcb_info_issuer_chain=lambda e: (
                        intel(e).tcb_signer.cert_pem + MALLORY.intel.root.cert_pem
                    ).decode()
                ),
            ),
            (
                "with a third certificate",
                members(
                    tcb_info_issuer_chain=lambda e: (
                        e.lists.tcb_info_issuer_chain + pck(e).cert_pem.decode()
                    )
                ),
            ),
            ("not PEM", members(tcb_info_issuer_chain="no chain")),
        ],
        choice=EXACT,
    ),
    Fault(
        "signer's chain of the QE identity missing", "P01", QE, members(qe_identity_issuer_chain="")
    ),
]

# The signature, and the text under it


def signature(change: Callable[[str], str], name: str = "tcb_info") -> Change:
    return members(**{f"{name}_signature": lambda e: change(getattr(e.lists, f"{name}_signature"))})


def _as_bent(how: str) -> Callable[[str], str]:
    return lambda x: BENT[how](bytes.fromhex(x)).hex()


SIGNATURES = [
    Fault(
        "QE identity signed by the attacker",
        "P01",
        QE,
        rewritten(lambda t: t, "qe_identity", own_signer),
    ),
    Fault(
        "QE identity forged to name the attacker's enclave",
        "P01",
        QE,
        rewritten(lambda t: t.replace("8C4F", "0000", 1), "qe_identity", own_signer),
    ),
    Fault(
        "only the signature of the QE identity exchanged",
        "P01",
        QE,
        members(qe_identity_signature=lambda e: e.lists.tcb_info_signature),
    ),
    Fault(
        "QE identity changed, signature kept",
        "P01",
        QE,
        members(
            qe_identity=lambda e: e.lists.qe_identity.replace('"isvprodid":1', '"isvprodid":2')
        ),
    ),
    Fault("no QE identity", "P01", QE, members(qe_identity="")),
    Fault("QE identity without signature", "P01", QE, members(qe_identity_signature="")),
    Fault(
        "TCB info in the place of the QE identity",
        "P01 P13",
        QE,
        members(
            qe_identity=lambda e: e.lists.tcb_info,
            qe_identity_signature=lambda e: e.lists.tcb_info_signature,
        ),
    ),
    Fault("no TCB info", "P04", TCB, members(tcb_info="")),
    Fault(
        "TCB info signed by the attacker",
        "P14",
        TCB,
        rewritten(lambda t: t, "tcb_info", own_signer),
    ),
    Fault(
        "TCB info: status changed, signature kept",
        "P08",
        TCB,
        members(tcb_info=lambda e: e.lists.tcb_info.replace("Revoked", "UpToDate")),
    ),
    Fault(
        "QE identity in the place of the TCB info",
        "P13",
        TCB,
        members(
            tcb_info=lambda e: e.lists.qe_identity,
            tcb_info_signature=lambda e: e.lists.qe_identity_signature,
        ),
    ),
    *each(
        "signature of the TCB info",
        "P19",
        TCB,
        [(how, signature(_as_bent(how))) for how in BENT],
    ),
    *each(
        "signature of the TCB info, in text",
        "P19 P32",
        TCB,
        [
            ("missing", signature(lambda x: "")),
            ("with 0x", signature(lambda x: "0x" + x)),
            ("126 digits", signature(lambda x: x[:126])),
            ("130 digits", signature(lambda x: x + "00")),
            ("an odd digit", signature(lambda x: x[:-1])),
            ("a space inside", signature(lambda x: x[:64] + " " + x[64:])),
            ("a line end behind", signature(lambda x: x + "\n")),
            (
                "full-width digits",
                signature(lambda x: x.translate({48 + d: 0xFF10 + d for d in range(10)})),
            ),
        ],
    ),
    *each(
        "TCB info not as it was signed",
        "P18",
        TCB,
        [
            ("space behind", members(tcb_info=lambda e: e.lists.tcb_info + " ")),
            ("line end in front", members(tcb_info=lambda e: "\n" + e.lists.tcb_info)),
            (
                "spaces after commas",
                members(tcb_info=lambda e: e.lists.tcb_info.replace(",", ", ")),
            ),
            (
                "members in another order",
                members(
                    tcb_info=lambda e: strictjson.compact(
                        dict(reversed(list(json.loads(e.lists.tcb_info).items())))
                    ).decode()
                ),
            ),
            (
                "other case of hex",
                members(tcb_info=lambda e: e.lists.tcb_info.replace("00606A", "00606a")),
            ),
        ],
        choice="bytes as received",
    ),
    Fault(
        "QE identity not as it was signed",
        "P18",
        QE,
        members(qe_identity=lambda e: e.lists.qe_identity + " "),
        choice="bytes as received",
    ),
]

# How a list is written; all of it validly signed


def put(old: str, new: str, name: str = "tcb_info") -> Change:
    """The first `old` of a signed text replaced, and signed again."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return rewritten(change, name)


def edition(value: str) -> Change:
    return put('"tcbEvaluationDataNumber":20', f'"tcbEvaluationDataNumber":{value}')


def rows(change: Callable[[list[Any]], list[Any]], name: str = "tcb_info") -> Change:
    """The levels of a list changed, and the list signed again."""
    return lambda e: remade(
        e, {name: {"tcbLevels": change(json.loads(getattr(e.lists, name))["tcbLevels"])}}
    )


def first(change: Callable[[dict[str, Any]], Any], name: str = "tcb_info") -> Change:
    """The first level changed in place."""

    def made(levels: list[Any]) -> list[Any]:
        change(levels[0])
        return levels

    return rows(made, name)


def components(change: Callable[[list[Any]], list[Any]]) -> Change:
    return first(lambda x: x["tcb"].update(sgxtcbcomponents=change(x["tcb"]["sgxtcbcomponents"])))


def svn(value: Any) -> Change:
    return components(lambda c: [{"svn": value}, *c[1:]])


TWICE, DATE, RANGE = "duplicate member", "date form", "component range"
FORM = [
    *each(
        "TCB info",
        "P18 P32",
        TCB,
        [
            ("byte order mark", rewritten(lambda t: "\ufeff" + t)),
            ("NUL behind", rewritten(lambda t: t + "\0")),
            ("text behind", rewritten(lambda t: t + "x")),
            ("a second object behind", rewritten(lambda t: t + t)),
            ("cut short", rewritten(lambda t: t[:-1])),
            ("a list", rewritten(lambda t: f"[{t}]")),
            ("a number", rewritten(lambda t: "1")),
            (
                "nested a hundred thousand deep",
                put('"version"', '"x":' + "[" * 100_000 + "]" * 100_000 + ',"version"'),
            ),
            ("ten million bytes", put('"version"', f'"x":"{"a" * 10_000_000}","version"')),
            ("lone surrogate", put('"version"', '"x":"\\ud800","version"')),
            ("NaN", edition("NaN")),
            ("1e3", edition("1e3")),
            ("20.0", edition("20.0")),
            ("negative", edition("-1")),
            ("true", edition("true")),
            ("a string", edition('"20"')),
            ("2^63", edition(str(1 << 63))),
            ("null", edition("null")),
            ("single quotes", rewritten(lambda t: t.replace('"', "'"))),
            ("full-width digits", put('"fmspc":"00606A', '"fmspc":"\uff10\uff10606A')),
            ("FMSPC of 5 bytes", put('"00606A000000"', '"00606A0000"')),
            ("FMSPC not hex", put('"00606A000000"', '"00606A00000G"')),
            ("FMSPC with 0x", put('"00606A000000"', '"0x606A000000"')),
            ("member missing", put('"pceId":"0000",', "")),
            ("levels an object", put('"tcbLevels":[', '"tcbLevels":{},"x":[')),
            ("no level", rows(lambda x: [])),
            ("501 levels", rows(lambda x: x * 72)),
            ("level a number", rows(lambda x: [1, *x])),
            ("status unknown", first(lambda x: x.update(tcbStatus="Fine"))),
            ("status in another case", first(lambda x: x.update(tcbStatus="uptodate"))),
            ("status null", first(lambda x: x.update(tcbStatus=None))),
            ("no PCESVN", first(lambda x: x["tcb"].pop("pcesvn"))),
            ("PCESVN 65536", first(lambda x: x["tcb"].update(pcesvn=65536))),
            ("advisories null", first(lambda x: x.update(advisoryIDs=None))),
            ("advisories a string", first(lambda x: x.update(advisoryIDs="INTEL-SA-00161"))),
            ("an advisory that is a number", first(lambda x: x.update(advisoryIDs=[161]))),
        ],
        choice="JSON text",
    ),
    *each(
        "TCB info, a member twice",
        "P18",
        TCB,
        [
            ("the same", put('"tcbType":0', '"tcbType":0,"tcbType":0')),
            ("good one last", put('"fmspc"', '"fmspc":"00000000BEEF","fmspc"')),
            (
                "in a level",
                put('"tcbStatus":"UpToDate"', '"tcbStatus":"Revoked","tcbStatus":"UpToDate"'),
            ),
            ("one of them escaped", put('"fmspc"', '"\\u0066mspc":"00000000BEEF","fmspc"')),
            ("space before the colon", put('"tcbType":0', '"tcbType":0,"tcbType" :1')),
            ("in a member nobody reads", put('"version"', '"x":{"a":1,"a":2},"version"')),
        ],
        choice=TWICE,
    ),
    Fault(
        "QE identity, a member twice",
        "P18",
        QE,
        put('"isvprodid":1', '"isvprodid":1,"isvprodid":1', "qe_identity"),
        choice=TWICE,
    ),
    *each(
        "date of the TCB info",
        "P18 P28",
        TCB,
        [
            (w, listed(tcb_info={"issueDate": d}))
            for w, d in (
                ("offset", "2026-08-31T12:00:00+00:00"),
                ("small z", "2026-08-31T12:00:00z"),
                ("no zone", "2026-08-31T12:00:00"),
                ("fraction", "2026-08-31T12:00:00.5Z"),
                ("leap second", "2026-06-30T23:59:60Z"),
                ("hour 24", "2026-08-31T24:00:00Z"),
                ("30 February", "2026-02-30T12:00:00Z"),
                ("29 February of a common year", "2023-02-29T12:00:00Z"),
                ("a number", 1788177600),
                ("a space for T", "2026-08-31 12:00:00Z"),
            )
        ],
        choice=DATE,
    ),
    Fault(
        "date of a level",
        "P17 P18",
        TCB,
        first(lambda x: x.update(tcbDate="2025-13-01T00:00:00Z")),
        choice=DATE,
    ),
    *each(
        "version of the TCB info",
        "P22",
        TCB,
        [(str(v), listed(tcb_info={"version": v})) for v in (1, 4, "3", 3.0, True)],
        choice="list version",
    ),
    *each(
        "version of the QE identity",
        "P22",
        QE,
        [(str(v), listed(qe_identity={"version": v})) for v in (1, 3, "2")],
        choice="list version",
    ),
    *each(
        "components of a level",
        "P11",
        TCB,
        [
            ("15", components(lambda c: c[:15])),
            ("17", components(lambda c: [*c, {"svn": 0}])),
            ("none", components(lambda c: [])),
            ("32", components(lambda c: c * 2)),
        ],
        choice="16 components",
    ),
    *each(
        "component of a level",
        "P11 P18",
        TCB,
        [
            ("256", svn(256)),
            ("negative", svn(-1)),
            ("a string", svn("16")),
            ("16.0", svn(16.0)),
            ("true", svn(True)),
            ("null", svn(None)),
            ("2^64", svn(1 << 64)),
        ],
        choice=RANGE,
    ),
    Fault(
        "level twice with two statuses",
        "P12",
        TCB,
        rows(lambda x: [*x, {**x[0], "tcbStatus": "Revoked"}]),
        choice="unsorted levels",
    ),
    Fault(
        "level of the QE identity twice",
        "P12",
        QE,
        rows(lambda x: [*x, {**x[0], "tcbStatus": "Revoked"}], "qe_identity"),
        choice="unsorted levels",
    ),
    *each(
        "QE identity",
        "P01 P32",
        QE,
        [
            ("mask of 3 bytes", listed(qe_identity={"miscselectMask": "FFFFFF"})),
            ("attributes of 15 bytes", listed(qe_identity={"attributes": "11" + "00" * 14})),
            ("signer of 31 bytes", listed(qe_identity={"mrsigner": "00" * 31})),
            ("product 65536", listed(qe_identity={"isvprodid": 65536})),
            ("no levels", listed(qe_identity={"tcbLevels": []})),
            ("level without ISVSVN", first(lambda x: x.update(tcb={}), "qe_identity")),
            ("status unknown", first(lambda x: x.update(tcbStatus="Fine"), "qe_identity")),
        ],
    ),
]

# What a list says
