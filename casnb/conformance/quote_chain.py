"""Rows about the certificates of a platform, from its own up to the root."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.conformance.fault import (
    ATTACKER,
    DAY,
    MALLORY,
    SECOND,
    Change,
    Evidence,
    Fault,
    certified,
    chained,
    each,
    pem,
    under,
)
from casnb.conformance.forging import issue, sgx_of
from casnb.evidence.der import tlv
from casnb.simulator.intel import VALID, Intel
from casnb.simulator.keys import (
    KeyPair,
    Seed,
    certificate,
    der,
    signed,
)
from casnb.verify.pki import intel_roots

PCK_ROLE, KEYS_HASHES, EXACT, EXTENSION = (
    "PCK certificate: role",
    "keys and hashes",
    "exact chain",
    "PCK extension",
)
LEAF, PLATFORM = "SIMULATED Intel SGX PCK Certificate", "SIMULATED Intel SGX PCK Platform CA"
_EXPIRED = (VALID[0], VALID[0] + 365 * DAY)
_NOT_YET = (VALID[1] - 365 * DAY, VALID[1])
_OLD_KEY = Seed("attacker").p256("key of a renewed authority")


def intel(e: Evidence) -> Intel:
    return e.world.intel


def pck(e: Evidence) -> KeyPair:
    return e.world.platform.pck


def sgx(e: Evidence) -> bytes:
    return sgx_of(pck(e))


# The bytes of a quote


def usual(e: Evidence) -> bytes:
    return pck(e).cert_pem + intel(e).pck_ca.cert_pem + intel(e).root.cert_pem


# Revocation


def same_name(e: Evidence) -> list[KeyPair]:
    """Leaf, authority and root with exactly Intel's names, all made by the attacker."""
    i, seed = intel(e), Seed("attacker")
    root = issue(e.world, i.root.cert.subject, None, ca=1, key=seed.p256("root"))
    ca = issue(e.world, i.pck_ca.cert.subject, root, ca=0, key=seed.p256("authority"))
    return [issue(e.world, pck(e).cert.subject, ca, key=seed.p256("leaf"), sgx=sgx(e)), ca, root]


def impostor(e: Evidence) -> KeyPair:
    """A leaf that names the genuine authority and was signed by the attacker."""
    return issue(
        e.world,
        pck(e).cert.subject,
        KeyPair(intel(e).pck_ca.cert, ATTACKER),
        key=_OLD_KEY,
        sgx=sgx(e),
    )


def no_identifiers(e: Evidence) -> list[KeyPair]:
    """The same without key identifiers, by which some verifiers look for the issuer."""
    i = intel(e)
    bare = certificate(
        pck(e).cert.subject,
        _OLD_KEY,
        KeyPair(i.pck_ca.cert, ATTACKER),
        5,
        VALID,
        [
            x
            for x in [(ext.value, ext.critical) for ext in pck(e).cert.extensions]
            if not isinstance(x[0], x509.AuthorityKeyIdentifier | x509.SubjectKeyIdentifier)
        ],
    )
    return [bare, i.pck_ca, i.root]


def weak(e: Evidence, algorithm: hashes.HashAlgorithm, oid: str) -> KeyPair:
    """The genuine authority signs the leaf with another hash."""
    i = intel(e)
    head = bytes.fromhex("300a06082a8648ce3d040302")
    new = der(0x30, der(0x06, bytes.fromhex(oid)))
    tbs = pck(e).cert.tbs_certificate_bytes
    _, start, end = tlv(tbs, 0, len(tbs))
    tbs = der(0x30, tbs[start:end].replace(head, new))
    assert isinstance(i.pck_ca.key, ec.EllipticCurvePrivateKey)
    signature = i.pck_ca.key.sign(tbs, ec.ECDSA(algorithm, deterministic_signing=True))
    made = der(0x30, tbs + new + der(0x03, b"\0" + signature))
    return Bare(made, pck(e))


class Bare(KeyPair):
    """A certificate that cryptography need not be able to read: DER and the key of another."""

    def __init__(self, raw: bytes, like: KeyPair) -> None:
        super().__init__(like.cert, like.key)
        self.__dict__["cert_pem"] = ssl.DER_cert_to_PEM_cert(raw).encode()


def leaf(**kwargs: object) -> Callable[[Evidence], list[KeyPair]]:
    """A chain with another leaf, truly issued by the genuine authority: arguments of `issue`."""
    make = certified(LEAF, lambda e: intel(e).pck_ca, **{"sgx": sgx, **kwargs})
    return lambda e: [make(e)]


def ca(
    name: str = PLATFORM,
    signer: Callable[[Evidence], KeyPair] = lambda e: intel(e).root,
    **kwargs: object,
) -> Callable[[Evidence], list[KeyPair]]:
    """A chain with another authority, truly issued by the root (or by another), and a leaf of
    it.
    """
    make = certified(name, signer, **{"ca": 0, **kwargs})
    return lambda e: [e.world.platform.certified(make(e)), make(e)]


def foreign(e: Evidence) -> list[KeyPair]:
    i = MALLORY.intel
    return [MALLORY.platform.pck, i.pck_ca, i.root]


def items(**changes: Any) -> Callable[[Evidence], list[KeyPair]]:
    """A leaf whose SGX extension has other items: arguments of `sgx_extension`."""
    return lambda e: [e.world.platform.certified(**changes)]


def broken_sgx(change: Callable[[bytes], bytes]) -> Callable[[Evidence], list[KeyPair]]:
    return leaf(sgx=lambda e: change(sgx(e)))


def _twice(e: Evidence) -> list[KeyPair]:
    """The SGX extension stands twice; cryptography writes no such certificate, so its DER is put
    together here.
    """
    tbs = pck(e).cert.tbs_certificate_bytes
    one = der(0x30, der(0x06, bytes.fromhex("2a864886f84d010d01")) + der(0x04, sgx(e)))
    _, start, end = tlv(tbs, 0, len(tbs))
    at = start
    while at < end:
        tag, inside, after = tlv(tbs, at, end)
        if tag == 0xA3:
            _, first, last = tlv(tbs, inside, after)
            twice = der(0xA3, der(0x30, tbs[first:last] + one))
            tbs = der(0x30, tbs[start:at] + twice)
            break
        at = after
    key = intel(e).pck_ca.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return [Bare(signed(tbs, key), pck(e))]


_P384 = ec.derive_private_key(7, ec.SECP384R1())


def _rsa(e: Evidence) -> object:
    """A key of a kind that no platform's certificate has."""
    return intel(e).ias_leaf.key


def blocks(*names: str) -> Change:
    """The certificates of the quote in another order or number."""

    def made(e: Evidence) -> bytes:
        i = intel(e)
        parts = {"leaf": pck(e), "ca": i.pck_ca, "root": i.root, "signer": i.tcb_signer}
        return b"".join(parts[n].cert_pem for n in names)

    return pem(made)


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
    Fault("SGX extension twice", "P29", "pck-chain", chained(_twice), choice=EXTENSION),
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
