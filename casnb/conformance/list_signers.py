"""Rows about Intel's lists: who signed them, and the signatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casnb.base import strictjson
from casnb.conformance.bent_signatures import BENT
from casnb.conformance.fault import (
    ATTACKER,
    MALLORY,
    SECOND,
    Evidence,
    Fault,
    certified,
    each,
    members,
    rewritten,
    signed_by,
)
from casnb.conformance.forging import issue, sgx_of
from casnb.conformance.list_changes import BOTH, QE, TCB, signature
from casnb.conformance.quote_certificates import intel, pck
from casnb.conformance.quote_chain import EXACT
from casnb.simulator.intel import VALID
from casnb.simulator.keys import KeyPair

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
