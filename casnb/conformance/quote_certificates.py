"""The certificates of a quote: the genuine ones by name, and makers of false ones."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.conformance.fault import ATTACKER, MALLORY, Change, Evidence, certified, pem
from casnb.conformance.forging import issue, sgx_of
from casnb.evidence.der import tlv
from casnb.simulator.intel import VALID, Intel
from casnb.simulator.keys import KeyPair, Seed, certificate, der, signed

LEAF, PLATFORM = "SIMULATED Intel SGX PCK Certificate", "SIMULATED Intel SGX PCK Platform CA"
OLD_KEY = Seed("attacker").p256("key of a renewed authority")


def intel(e: Evidence) -> Intel:
    return e.world.intel


def pck(e: Evidence) -> KeyPair:
    return e.world.platform.pck


def sgx(e: Evidence) -> bytes:
    return sgx_of(pck(e))


def usual(e: Evidence) -> bytes:
    return pck(e).cert_pem + intel(e).pck_ca.cert_pem + intel(e).root.cert_pem


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
        key=OLD_KEY,
        sgx=sgx(e),
    )


def no_identifiers(e: Evidence) -> list[KeyPair]:
    """The same without key identifiers, by which some verifiers look for the issuer."""
    i = intel(e)
    bare = certificate(
        pck(e).cert.subject,
        OLD_KEY,
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


def sgx_twice(e: Evidence) -> list[KeyPair]:
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


def blocks(*names: str) -> Change:
    """The certificates of the quote in another order or number."""

    def made(e: Evidence) -> bytes:
        i = intel(e)
        parts = {"leaf": pck(e), "ca": i.pck_ca, "root": i.root, "signer": i.tcb_signer}
        return b"".join(parts[n].cert_pem for n in names)

    return pem(made)
