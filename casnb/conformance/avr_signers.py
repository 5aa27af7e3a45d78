"""Rows about a report of Intel's attestation service: who signed it, and what."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base import strictjson
from casnb.conformance.avr_row import CHAIN, LEAF, SIGNATURE, leaf, root, row, several
from casnb.conformance.fault import MALLORY, SECOND, Change, Evidence, reported, resent, under
from casnb.conformance.forging import flip, issue
from casnb.simulator.intel import VALID
from casnb.simulator.keys import KeyPair, packaged
from casnb.verify.pki import intel_roots


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
