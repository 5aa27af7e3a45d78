"""Rows about the certificates of a platform, from its own up to the root."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.conformance.fault import (
    ATTACKER,
    DAY,
    SECOND,
    Evidence,
    Fault,
    chained,
    each,
    pem,
    under,
)
from casnb.conformance.forging import issue
from casnb.conformance.quote_certificates import (
    LEAF,
    blocks,
    broken_sgx,
    ca,
    foreign,
    impostor,
    intel,
    items,
    leaf,
    no_identifiers,
    pck,
    same_name,
    sgx,
    sgx_twice,
    usual,
    weak,
)
from casnb.simulator.intel import VALID
from casnb.simulator.keys import KeyPair
from casnb.verify.pki import intel_roots

PCK_ROLE, KEYS_HASHES, EXACT, EXTENSION = (
    "PCK certificate: role",
    "keys and hashes",
    "exact chain",
    "PCK extension",
)
_EXPIRED = (VALID[0], VALID[0] + 365 * DAY)
_NOT_YET = (VALID[1] - 365 * DAY, VALID[1])


_P384 = ec.derive_private_key(7, ec.SECP384R1())


def _rsa(e: Evidence) -> object:
    """A key of a kind that no platform's certificate has."""
    return intel(e).ias_leaf.key


CHAIN = [
    Fault("everything of the attacker's own making", "P06", "pck-chain", chained(foreign)),
    Fault(
        "judged under Intel's roots",
        "P06 P25",
        "pck-chain tcb-info-signature qe-identity-signature",
        under(lambda e: intel_roots()),
    ),
    Fault(
        "chain of the attacker's own with Intel's names", "P06 P26", "pck-chain", chained(same_name)
    ),
    Fault(
        "root of the attacker's own with the pinned name",
        "P26",
        "pck-chain",
        chained(lambda e: [pck(e), intel(e).pck_ca, same_name(e)[2]]),
        choice=EXACT,
    ),
    Fault(
        "leaf signed by the attacker in the authority's name",
        "P06",
        "pck-chain",
        chained(lambda e: [impostor(e)]),
    ),
    Fault(
        "leaf without key identifiers signed by the attacker",
        "P06",
        "pck-chain",
        chained(no_identifiers),
    ),
    Fault(
        "authority signed by the attacker in the root's name",
        "P06",
        "pck-chain",
        chained(ca(signer=lambda e: KeyPair(intel(e).root.cert, ATTACKER))),
    ),
    Fault(
        "leaf signed by another platform's key",
        "P06 P29",
        "pck-chain",
        chained(lambda e: [issue(e.world, LEAF, pck(e), sgx=sgx(e)), pck(e)]),
        choice=PCK_ROLE,
    ),
    Fault(
        "leaf issued by the root itself",
        "P06",
        "pck-chain",
        chained(lambda e: [issue(e.world, LEAF, intel(e).root, sgx=sgx(e))]),
        choice=EXACT,
    ),
    Fault(
        "a third authority under the root",
        "P07",
        "pck-chain",
        chained(ca("SIMULATED Intel SGX PCK Other CA")),
        choice=PCK_ROLE,
    ),
    Fault(
        "TCB signer in the place of the platform",
        "P14",
        "pck-chain",
        chained(lambda e: [intel(e).tcb_signer]),
        choice=PCK_ROLE,
    ),
    Fault(
        "leaf with another role in its name",
        "P14",
        "pck-chain",
        chained(
            lambda e: [
                issue(e.world, "SIMULATED Intel SGX TCB Signing", intel(e).pck_ca, sgx=sgx(e))
            ]
        ),
        choice=PCK_ROLE,
    ),
    Fault("leaf that is an authority", "P29", "pck-chain", chained(leaf(ca=0)), choice=PCK_ROLE),
    Fault(
        "leaf whose key may not sign",
        "P29",
        "pck-chain",
        chained(leaf(usage=("key_agreement",))),
        choice=PCK_ROLE,
    ),
    Fault("leaf without key usage", "P29", "pck-chain", chained(leaf(usage=())), choice=PCK_ROLE),
    Fault("authority that is none", "P29", "pck-chain", chained(ca(ca=None)), choice=PCK_ROLE),
    Fault(
        "authority whose key may not certify",
        "P29",
        "pck-chain",
        chained(ca(usage=("crl_sign",))),
        choice=PCK_ROLE,
    ),
    Fault(
        "authority without basic constraints",
        "P29",
        "pck-chain",
        chained(ca(basic=False, usage=("key_cert_sign",))),
    ),
    *each(
        "key of another kind",
        "P29",
        "pck-chain",
        [
            ("leaf on P-384", chained(leaf(key=_P384), certify_with=ATTACKER)),
            (
                "leaf with RSA",
                chained(leaf(key=_rsa), certify_with=ATTACKER),
            ),
            ("authority with RSA", chained(ca(key=_rsa))),
            ("authority on P-384", chained(ca(key=_P384))),
        ],
        choice=KEYS_HASHES,
    ),
    *each(
        "leaf signed with another hash",
        "P29",
        "pck-chain",
        [
            ("SHA-1", chained(lambda e: [weak(e, hashes.SHA1(), "2a8648ce3d0401")])),  # noqa: S303
            ("SHA-224", chained(lambda e: [weak(e, hashes.SHA224(), "2a8648ce3d040301")])),
        ],
        choice=KEYS_HASHES,
    ),
    Fault(
        "leaf with a critical extension nobody knows",
        "P29",
        "pck-chain",
        chained(
            leaf(
                more=(
                    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),
                )
            )
        ),
    ),
    *each(
        "certificate out of date",
        "P16 P29",
        "pck-chain",
        [
            ("leaf expired", chained(leaf(valid=_EXPIRED))),
            ("leaf not valid yet", chained(leaf(valid=_NOT_YET))),
            ("authority expired", chained(ca(valid=_EXPIRED))),
            ("authority not valid yet", chained(ca(valid=_NOT_YET))),
            (
                "leaf expired a second ago",
                chained(leaf(valid=lambda e: (VALID[0], e.now - SECOND))),
            ),
            ("leaf valid in a second", chained(leaf(valid=lambda e: (e.now + SECOND, VALID[1])))),
        ],
    ),
    Fault(
        "leaf without SGX extension",
        "P29 P32",
        "pck-chain",
        chained(leaf(sgx=None)),
        choice=EXTENSION,
    ),
    Fault("SGX extension twice", "P29", "pck-chain", chained(sgx_twice), choice=EXTENSION),
    *each(
        "SGX extension",
        "P11 P32",
        "pck-chain",
        [
            ("15 components", chained(items(components=(16,) * 15))),
            ("17 components", chained(items(components=(16,) * 17))),
            ("FMSPC of 5 bytes", chained(items(fmspc=bytes(5)))),
            ("FMSPC of 7 bytes", chained(items(fmspc=bytes(7)))),
            ("PCEID of one byte", chained(items(pce_id=b"\0"))),
            ("a byte behind it", chained(broken_sgx(lambda x: x + b"\0"))),
            ("cut short", chained(broken_sgx(lambda x: x[:-1]))),
            ("empty", chained(broken_sgx(lambda x: b""))),
        ],
        choice=EXTENSION,
    ),
    *each(
        "SGX extension",
        "P11 P32",
        "pck-chain",
        [
            (
                "component 511",
                chained(
                    broken_sgx(
                        lambda x: x.replace(bytes.fromhex("020200ff"), bytes.fromhex("020201ff"), 1)
                    )
                ),
            ),
            (
                "component negative",
                chained(
                    broken_sgx(
                        lambda x: x.replace(bytes.fromhex("020200ff"), bytes.fromhex("0202ffff"), 1)
                    )
                ),
            ),
        ],
        choice="component range",
    ),
    Fault(
        "platform setting that is neither true nor false",
        "P31",
        "pck-chain",
        chained(
            broken_sgx(lambda x: x.replace(bytes.fromhex("0101ff"), bytes.fromhex("010101"), 1))
        ),
        choice=EXTENSION,
    ),
    *each(
        "certificates in the quote",
        "P26",
        "pck-chain",
        [
            ("none", pem(lambda e: b"")),
            ("leaf alone", blocks("leaf")),
            ("no root", blocks("leaf", "ca")),
            ("no authority", blocks("leaf", "root")),
            ("no leaf", blocks("ca", "root")),
            ("leaf twice", blocks("leaf", "leaf", "ca", "root")),
            ("leaf twice, no authority", blocks("leaf", "leaf", "root")),
            ("root twice", blocks("leaf", "ca", "root", "root")),
            ("a fourth", blocks("leaf", "ca", "root", "signer")),
            ("signer for authority", blocks("leaf", "signer", "root")),
            ("another block", pem(lambda e: b"-----BEGIN JUNK-----\n" + usual(e))),
            ("cut short", pem(lambda e: usual(e)[:-40])),
            ("not base64", pem(lambda e: usual(e).replace(b"MII", b"!II", 1))),
            ("too long", pem(lambda e: usual(e) + b"\n" * 70_000)),
        ],
        choice=EXACT,
    ),
]
