"""Rows about a quote: its bytes, its keys, its certificates, and what revocation lists say of
them.
"""

from __future__ import annotations

import hashlib
import ssl
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from verify.cases import flip, issue, region, sgx_of
from verify.faults import (
    ATTACKER,
    DAY,
    MALLORY,
    SECOND,
    Change,
    Evidence,
    Fault,
    Harmless,
    certified,
    chained,
    each,
    listed,
    members,
    patched,
    pem,
    quoted,
    spliced,
    under,
)

from casnb.evidence.der import tlv
from casnb.evidence.quote import Quote
from casnb.simulator.intel import LEVELS, VALID, Intel
from casnb.simulator.keys import (
    P256_ORDER,
    KeyPair,
    Seed,
    certificate,
    der,
    raw_point,
    revocation_list,
    sign_raw,
    signed,
)
from casnb.verify.pki import intel_roots
from casnb.verify.tcb import TcbStatus

PCK_ROLE, KEYS_HASHES, EXACT, EXTENSION, MATCHING = (
    "PCK certificate: role",
    "keys and hashes",
    "exact chain",
    "PCK extension",
    "matching",
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


def number(at: int, form: str, value: int) -> Change:
    """A length field overwritten."""
    return spliced(lambda q: q[:at] + struct.pack(form, value) + q[at + struct.calcsize(form) :])


def bit(part: str) -> Change:
    """The first bit of a part of the quote flipped."""
    return spliced(lambda q: flip(q, 8 * region(q, part)[0]))


def later(version: int, tee_type: int = 0) -> Change:
    """A whole quote of another version as that version lays it out, truly signed; of a TDX one
    the body is longer.
    """

    def change(e: Evidence) -> Evidence:
        q = Quote.from_bytes(e.quote)
        inner = (
            q.qe_report.to_bytes()
            + q.qe_report_signature
            + struct.pack("<H", len(q.auth_data))
            + q.auth_data
            + struct.pack("<HI", q.certification_type, len(q.certification_data))
            + q.certification_data
        )
        body = q.body.to_bytes() + bytes(200 if tee_type else 0)
        head = struct.pack("<HHI", version, 2, tee_type) + e.quote[8:48]
        head += struct.pack("<HI", 2 if tee_type else 1, len(body)) if version == 5 else b""
        signature = sign_raw(e.world.platform.attestation_key, head + body)
        data = signature + q.attestation_key + struct.pack("<HI", 6, len(inner)) + inner
        return replace(e, quote=head + body + struct.pack("<I", len(data)) + data)

    return change


def _auth_end(e: Evidence) -> int:
    return region(e.quote, "certification type")[0]


_LENGTHS = dict.fromkeys(
    ("signature length", "auth length", "certification length"), "trailing bytes"
)
_SIZES = [
    ("nothing", 0),
    ("one byte", 1),
    ("65535", 0xFFFF),
    ("2^31", 1 << 31),
    ("2^32-1", (1 << 32) - 1),
]
BYTES = [
    *each(
        "quote of another version",
        "P22",
        "quote-format",
        [(str(v), number(0, "<H", v)) for v in (2, 4, 5, 0x300)],
        choice="quote version",
        status="",
    ),
    *each(
        "whole quote of another version",
        "P22 P13",
        "quote-format",
        [
            ("5, for SGX", later(5)),
            ("4, for TDX", later(4, 0x81)),
            ("5, for TDX", later(5, 0x81)),
        ],
        choice="quote version",
    ),
    *each(
        "attestation key type",
        "P22",
        "quote-format",
        [(str(t), number(2, "<H", t)) for t in (0, 1, 3)],
        status="",
    ),
    Fault(
        "TDX quote read as one for SGX",
        "P22 P13",
        "quote-format",
        number(4, "<I", 0x81),
        choice="quote version",
    ),
    Fault(
        "quoting enclave of another vendor, signed by it",
        "P22",
        "quote-format",
        quoted(fields={"qe_vendor_id": bytes(16)}),
    ),
    *each(
        "signature length", "P23", "quote-format", [(w, number(432, "<I", n)) for w, n in _SIZES]
    ),
    *each(
        "signature length",
        "P23",
        "quote-format",
        [
            ("one more", lambda e: number(432, "<I", len(e.quote) - 435)(e)),
            ("one less", lambda e: number(432, "<I", len(e.quote) - 437)(e)),
            ("the whole quote", lambda e: number(432, "<I", len(e.quote))(e)),
        ],
    ),
    *each(
        "authentication data length",
        "P23",
        "quote-format",
        [
            (w, number(1012, "<H", n))
            for w, n in (("nothing", 0), ("one less", 31), ("one more", 33), ("65535", 0xFFFF))
        ],
    ),
    *each(
        "certification data length",
        "P23",
        "quote-format",
        [(w, lambda e, n=n: number(_auth_end(e) + 2, "<I", n)(e)) for w, n in _SIZES],
    ),
    *each(
        "certification data type",
        "P23 P32",
        "quote-format",
        [(str(t), quoted(certification_type=t)) for t in (0, 6, 7, 0xFFFF)],
    ),
    *each(
        "quote cut short",
        "P23 P32",
        "quote-format",
        [
            (w, spliced(lambda q, n=n: q[:n]))
            for w, n in (
                ("empty", 0),
                ("one byte", 1),
                ("inside the header", 47),
                ("inside the report", 431),
                ("after the report", 432),
                ("inside the signature", 1000),
                ("inside the certificates", 2000),
                ("by one byte", -1),
            )
        ],
    ),
    *each(
        "bytes behind the quote",
        "P23",
        "quote-format",
        [
            (w, spliced(lambda q, more=more: q + more))
            for w, more in (("one", b"\0"), ("16", bytes(16)), ("4096", b"\xff" * 4096))
        ],
        choice="trailing bytes",
    ),
    Fault("not a quote at all", "P32", "quote-format", spliced(lambda q: b"quote" * 300)),
    Fault(
        "INIT bit clear",
        "P20",
        "quote-format",
        quoted(body={"attributes_flags": 0x4}),
        choice="INIT bit",
    ),
    *each(
        "reserved part of the report used",
        "P20",
        "quote-format",
        [
            ("bit 3", quoted(body={"attributes_flags": 0xD})),
            ("bit 63", quoted(body={"attributes_flags": 0x5 | 1 << 63})),
            ("after MISCSELECT", quoted(body={"reserved1": bytes(11) + b"\1"})),
            ("after MRENCLAVE", quoted(body={"reserved2": b"\1" + bytes(31)})),
            ("after MRSIGNER", quoted(body={"reserved3": b"\1" + bytes(31)})),
            ("after CONFIGSVN", quoted(body={"reserved4": bytes(41) + b"\x80"})),
        ],
        choice="reserved bits",
    ),
    *each(
        "key separation and sharing used without its bit",
        "P20 P22",
        "quote-format",
        [
            ("CONFIGID", quoted(body={"config_id": b"\1" + bytes(63)})),
            ("CONFIGSVN", quoted(body={"config_svn": 1})),
            ("ISVFAMILYID", quoted(body={"isv_family_id": bytes(15) + b"\1"})),
            ("ISVEXTPRODID", quoted(body={"isv_ext_prod_id": b"\1" * 16})),
        ],
        choice="reserved bits",
    ),
    *each(
        "reserved part of the quoting enclave's report used",
        "P01 P20",
        "quote-format",
        [
            ("bytes", quoted(qe_body={"reserved2": b"\1" + bytes(31)})),
            ("CONFIGID", quoted(qe_body={"config_id": b"\1" * 64})),
        ],
        choice="reserved bits",
    ),
    *each(
        "authentication data of another size",
        "P23",
        "quote-format",
        [(str(n), quoted(auth_data=bytes(n))) for n in (1, 31, 33, 64, 4096)],
        choice="authentication data",
    ),
    *[
        Fault(
            f"one bit flipped: {part}",
            "P19 P22 P32",
            fails,
            bit(part),
            choice=_LENGTHS.get(part, ""),
        )
        for part, fails in (
            ("version", "quote-format"),
            ("key type", "quote-format"),
            ("TEE type", "quote-format"),
            ("vendor", "quote-format"),
            ("QE and PCE SVN", "quote-signature"),
            ("user data", "quote-signature"),
            ("report", "quote-signature"),
            ("signature length", "quote-format"),
            ("signature", "quote-signature"),
            ("attestation key", "qe-report-binding quote-signature"),
            ("QE report", "qe-report-signature"),
            ("QE report signature", "qe-report-signature"),
            ("auth length", "quote-format"),
            ("auth data", "qe-report-binding"),
            ("certification type", "pck-chain"),
            ("certification length", "quote-format"),
        )
    ],
]


# The keys behind a quote


def stolen(**changes: bytes) -> Change:
    """The attacker's key in the place of the attestation key, header and report signed with it;
    the QE's report as it was.
    """
    return quoted(fields={"attestation_key": raw_point(ATTACKER)}, sign_with=ATTACKER, body=changes)


def named(point: bytes) -> Change:
    """A point that is not a key, and a quoting enclave (on the genuine platform) whose report names
    it all the same.
    """

    def change(e: Evidence) -> Evidence:
        data = hashlib.sha256(point + Quote.from_bytes(e.quote).auth_data).digest() + bytes(32)
        return replace(
            e,
            quote=e.world.quote(
                e.digest, fields={"attestation_key": point}, qe_body={"report_data": data}
            ),
        )

    return change


def _halves(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    def made(signature: bytes) -> bytes:
        r, s = change(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return made


#: What may stand where r and s stand, and is not a signature of anything (or not in this form).
BENT: dict[str, Callable[[bytes], bytes]] = {
    "all zero": lambda x: bytes(64),
    "r 0": _halves(lambda r, s: (0, s)),
    "s 0": _halves(lambda r, s: (r, 0)),
    "r n": _halves(lambda r, s: (P256_ORDER, s)),
    "s n": _halves(lambda r, s: (r, P256_ORDER)),
    "both 2^256-1": lambda x: b"\xff" * 64,
    "swapped": lambda x: x[32:] + x[:32],
    "little-endian halves": lambda x: x[31::-1] + x[:31:-1],
    "DER": lambda x: encode_dss_signature(
        int.from_bytes(x[:32], "big"), int.from_bytes(x[32:], "big")
    )[:64],
    "r and s one": lambda x: (bytes(31) + b"\1") * 2,
}


def bent(part: str, how: str) -> Change:
    return lambda e: patched(**{part: BENT[how](getattr(Quote.from_bytes(e.quote), part))})(e)


KEYS = [
    Fault("attestation key of the attacker's own", "P03", "qe-report-binding", stolen()),
    Fault(
        "attestation key of the attacker's own, and another MRENCLAVE",
        "P03",
        "qe-report-binding",
        stolen(mr_enclave=bytes(32)),
    ),
    Fault(
        "report changed, signature kept",
        "P03",
        "quote-signature",
        lambda e: patched(
            body=replace(Quote.from_bytes(e.quote).body, mr_enclave=bytes(31) + b"\1")
        )(e),
    ),
    Fault(
        "header and report signed by another key",
        "P03",
        "quote-signature",
        quoted(sign_with=ATTACKER),
    ),
    Fault(
        "QE report signed by another key",
        "P06",
        "qe-report-signature",
        quoted(certify_with=ATTACKER),
    ),
    Fault(
        "QE report signed by the attestation key",
        "P14",
        "qe-report-signature",
        lambda e: quoted(certify_with=e.world.platform.attestation_key)(e),
    ),
    Fault(
        "QE report of another machine",
        "P03",
        "qe-report-binding",
        quoted(qe_body={"report_data": hashlib.sha256(b"another key").digest() + bytes(32)}),
    ),
    Fault(
        "QE report names the key without the authentication data",
        "P03",
        "qe-report-binding",
        lambda e: quoted(
            qe_body={
                "report_data": (
                    hashlib.sha256(Quote.from_bytes(e.quote).attestation_key).digest() + bytes(32)
                )
            }
        )(e),
    ),
    Fault(
        "second half of the QE's report data used",
        "P03",
        "qe-report-binding",
        lambda e: quoted(
            qe_body={
                "report_data": (
                    Quote.from_bytes(e.quote).qe_report.report_data[:32] + b"\1" + bytes(31)
                )
            }
        )(e),
        choice="QE report data",
    ),
    Fault(
        "authentication data exchanged", "P03", "qe-report-binding", patched(auth_data=bytes(32))
    ),
    Fault(
        "attestation key off the curve, named by the QE",
        "P19",
        "quote-signature",
        named(b"\1" * 64),
    ),
    Fault(
        "attestation key at infinity, named by the QE", "P19", "quote-signature", named(bytes(64))
    ),
    *each(
        "quote signature", "P19", "quote-signature", [(how, bent("signature", how)) for how in BENT]
    ),
    *each(
        "QE report signature",
        "P19",
        "qe-report-signature",
        [(how, bent("qe_report_signature", how)) for how in BENT],
    ),
]

# The quoting enclave itself

ENCLAVE = [
    Fault(
        "quoting enclave of another signer",
        "P01",
        "qe-identity",
        quoted(qe_body={"mr_signer": bytes(31) + b"\1"}),
    ),
    Fault(
        "another product of the quoting enclave's signer",
        "P01",
        "qe-identity",
        quoted(qe_body={"isv_prod_id": 2}),
    ),
    Fault(
        "quoting enclave in debug mode",
        "P20 P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x17}),
        choice="QE identity masks",
    ),
    Fault(
        "quoting enclave never initialised",
        "P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x14}),
        choice="QE identity masks",
    ),
    Fault(
        "quoting enclave without the provisioning key",
        "P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x5}),
    ),
    Fault(
        "quoting enclave with MISCSELECT set",
        "P01",
        "qe-identity",
        quoted(qe_body={"misc_select": 1}),
    ),
    Fault(
        "quoting enclave of an old version",
        "P02",
        "tcb-status advisories tcb-grace",
        quoted(qe_body={"isv_svn": 6}),
        status="OutOfDate",
    ),
    Fault(
        "quoting enclave below every level",
        "P09",
        "tcb-status",
        quoted(qe_body={"isv_svn": 5}),
        status="",
        choice="no level",
    ),
]

# The certificates in a quote


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
    signature = i.pck_ca.key.sign(tbs, ec.ECDSA(algorithm))
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


def items(**changes: object) -> Callable[[Evidence], list[KeyPair]]:
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
    assert isinstance(intel(e).pck_ca.key, ec.EllipticCurvePrivateKey)
    return [Bare(signed(tbs, intel(e).pck_ca.key), pck(e))]


_P384 = ec.derive_private_key(7, ec.SECP384R1())
_RSA = rsa.generate_private_key(65537, 2048)


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
            ("leaf with RSA", chained(leaf(key=_RSA), certify_with=ATTACKER)),
            ("authority with RSA", chained(ca(key=_RSA))),
            ("authority on P-384", chained(ca(key=_P384))),
        ],
        choice=KEYS_HASHES,
    ),
    *each(
        "leaf signed with another hash",
        "P29",
        "pck-chain",
        [
            ("SHA-1", chained(lambda e: [weak(e, hashes.SHA1(), "2a8648ce3d0401")])),
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
            ("another block", pem(lambda e: b"-----BEGIN JUNK-----\n" + _usual(e))),
            ("cut short", pem(lambda e: _usual(e)[:-40])),
            ("not base64", pem(lambda e: _usual(e).replace(b"MII", b"!II", 1))),
            ("too long", pem(lambda e: _usual(e) + b"\n" * 70_000)),
        ],
        choice=EXACT,
    ),
]


def _usual(e: Evidence) -> bytes:
    return pck(e).cert_pem + intel(e).pck_ca.cert_pem + intel(e).root.cert_pem


# Revocation


def crl(make: Callable[[Evidence], bytes], name: str = "pck_crl") -> Change:
    return members(**{name: lambda e: make(e).hex()})


def ageless(raw: bytes, key: object) -> bytes:
    """The list without its nextUpdate, signed again."""
    value = x509.load_der_x509_crl(raw)
    tbs = value.tbs_certlist_bytes
    _, start, end = tlv(tbs, 0, len(tbs))
    parts, times = [], 0
    at = start
    while at < end:
        tag, _, after = tlv(tbs, at, end)
        times += tag == 0x17
        if tag != 0x17 or times != 2:
            parts.append(tbs[at:after])
        at = after
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return signed(der(0x30, b"".join(parts)), key)


def serial(pick: Callable[[Evidence], KeyPair]) -> Callable[[Evidence], list[int]]:
    return lambda e: [pick(e).cert.serial_number]


def dated(first: timedelta, last: timedelta, name: str = "pck_crl") -> Change:
    """A truly signed list from `first` to `last`, counted from now."""

    def made(e: Evidence) -> bytes:
        return revocation_list(
            intel(e).pck_ca if name == "pck_crl" else intel(e).root,
            1,
            (e.now + first, e.now + last),
            [],
        )

    return crl(made, name)


def renewed(e: Evidence) -> Evidence:
    """List and chain of a renewed authority of the same name, whose key signed nothing of this
    platform.
    """
    new = issue(e.world, intel(e).pck_ca.cert.subject, intel(e).root, ca=0, key=_OLD_KEY)
    return replace(e, lists=e.world.endorsements(authority=new))


def unlisting(e: Evidence) -> Evidence:
    """Platform and list under an authority that may certify platforms and nothing else."""
    chain = ca(usage=("key_cert_sign",))
    return replace(chained(chain)(e), lists=e.world.endorsements(authority=chain(e)[1]))


def processor(**lists: object) -> Change:
    """A platform that the Processor CA certified."""

    def change(e: Evidence) -> Evidence:
        i = intel(e)
        e = chained(lambda e: [e.world.platform.certified(i.processor_ca), i.processor_ca])(e)
        return replace(e, lists=e.world.endorsements(**lists))

    return change


R = "pck-revocation"
BOTH_LISTS, OTHERS_LIST = "both revocation lists", "list of another issuer"
REVOCATION = [
    Fault("platform revoked", "P04", R, listed(revoked=serial(pck))),
    Fault(
        "authority revoked", "P04", R, listed(revoked_authorities=serial(lambda e: intel(e).pck_ca))
    ),
    Fault(
        "root revoked by its own list",
        "P04",
        R,
        listed(revoked_authorities=serial(lambda e: intel(e).root)),
        choice="revoked root",
    ),
    Fault(
        "TCB signer revoked",
        "P04 P14",
        "tcb-info-signature qe-identity-signature",
        listed(revoked_authorities=serial(lambda e: intel(e).tcb_signer)),
    ),
    Fault("no list of platforms", "P04", R, members(pck_crl=""), choice=BOTH_LISTS),
    Fault("no list of the root", "P04", R, members(root_ca_crl=""), choice=BOTH_LISTS),
    Fault(
        "no list at all",
        "P04",
        R,
        members(pck_crl="", root_ca_crl="", pck_crl_issuer_chain=""),
        choice=BOTH_LISTS,
    ),
    *each(
        "list expired",
        "P04 P16",
        R,
        [
            ("of platforms", dated(-60 * DAY, -30 * DAY)),
            ("of the root", dated(-60 * DAY, -30 * DAY, "root_ca_crl")),
            ("of platforms, a second ago", dated(-30 * DAY, -SECOND)),
            ("of the root, a second ago", dated(-30 * DAY, -SECOND, "root_ca_crl")),
        ],
    ),
    *each(
        "list of the future",
        "P16",
        R,
        [
            ("of platforms", dated(SECOND, 30 * DAY)),
            ("of the root", dated(SECOND, 30 * DAY, "root_ca_crl")),
        ],
        choice="future issue date",
    ),
    *each(
        "list without nextUpdate",
        "P05",
        R,
        [
            ("of platforms", crl(lambda e: ageless(intel(e).pck_crl(e.now), intel(e).pck_ca.key))),
            (
                "of the root",
                crl(lambda e: ageless(intel(e).root_crl(e.now), intel(e).root.key), "root_ca_crl"),
            ),
        ],
    ),
    Fault(
        "lists in each other's place",
        "P05",
        R,
        lambda e: members(pck_crl=e.lists.root_ca_crl, root_ca_crl=e.lists.pck_crl)(e),
        choice=OTHERS_LIST,
    ),
    Fault(
        "the root's list for both",
        "P05",
        R,
        lambda e: members(pck_crl=e.lists.root_ca_crl)(e),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms of another world",
        "P05",
        R,
        members(pck_crl=MALLORY.endorsements().pck_crl),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms of another world, with its chain",
        "P05",
        R,
        members(
            pck_crl=MALLORY.endorsements().pck_crl,
            pck_crl_issuer_chain=MALLORY.endorsements().pck_crl_issuer_chain,
        ),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of the root of another world",
        "P05",
        R,
        members(root_ca_crl=MALLORY.endorsements().root_ca_crl),
    ),
    Fault(
        "list of platforms signed by the attacker in the authority's name",
        "P05",
        R,
        crl(
            lambda e: revocation_list(
                KeyPair(intel(e).pck_ca.cert, ATTACKER), 1, (e.now - DAY, e.now + DAY), []
            )
        ),
    ),
    Fault(
        "list of platforms signed by the platform itself",
        "P05 P14",
        R,
        crl(lambda e: revocation_list(pck(e), 1, (e.now - DAY, e.now + DAY), [])),
    ),
    Fault(
        "list of the root signed by the attacker in its name",
        "P05",
        R,
        crl(
            lambda e: revocation_list(
                KeyPair(intel(e).root.cert, ATTACKER), 1, (e.now - DAY, e.now + DAY), []
            ),
            "root_ca_crl",
        ),
    ),
    Fault(
        "list of platforms by an authority whose key may not sign lists",
        "P05 P29",
        R,
        unlisting,
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms after the authority's key was renewed",
        "P05",
        R,
        renewed,
        choice=OTHERS_LIST,
    ),
    Fault(
        "Processor CA's platform with the Platform CA's list",
        "P07 P05",
        R,
        processor(),
        choice=OTHERS_LIST,
    ),
    *each(
        "list that is none",
        "P32",
        R,
        [
            ("empty", crl(lambda e: b"")),
            ("half", crl(lambda e: intel(e).pck_crl(e.now)[:100])),
            ("words", members(pck_crl="none revoked")),
            ("a certificate", crl(lambda e: intel(e).root.cert.public_bytes(Encoding.DER))),
        ],
    ),
    Fault(
        "serial number on an expired list",
        "P04",
        R,
        crl(lambda e: intel(e).pck_crl(e.now - 400 * DAY, serial(pck)(e))),
    ),
]

# The patch level that the certificate states


def level(status: TcbStatus, **overrides: object) -> Change:
    """A PCK certificate of a platform at another level; report and header as they were."""
    found = LEVELS[status]
    return chained(items(components=found.components, pce_svn=found.pce_svn), **overrides)


S = "tcb-status advisories tcb-grace"
_CURRENT = bytes(LEVELS[TcbStatus.UP_TO_DATE].components)
PLATFORM_LEVEL = [
    *[
        Fault(
            f"platform is {s.dcap_name}",
            "P10" if s is not TcbStatus.REVOKED else "P08",
            (
                S
                if s is TcbStatus.REVOKED or "accept-group-out-of-date" in s.needs
                else "tcb-status advisories"
            ),
            level(s),
            status=s.dcap_name,
        )
        for s in TcbStatus
        if s is not TcbStatus.UP_TO_DATE
    ],
    Fault(
        "quoting enclave old on a platform with a setting to change",
        "P02",
        S,
        level(TcbStatus.CONFIGURATION_NEEDED, qe_body={"isv_svn": 6}),
        status="OutOfDateConfigurationNeeded",
    ),
    Fault(
        "platform revoked by level, quoting enclave old",
        "P02 P08",
        S,
        level(TcbStatus.REVOKED, qe_body={"isv_svn": 6}),
        status="Revoked",
    ),
    Fault(
        "platform below every level",
        "P09",
        "tcb-status",
        chained(items(components=(0,) * 16)),
        status="",
        choice="no level",
    ),
    Fault(
        "PCESVN below every level",
        "P09",
        "tcb-status",
        chained(items(pce_svn=0)),
        status="",
        choice="no level",
    ),
    Fault(
        "report claims a newer CPUSVN than the certificate",
        "P15",
        S,
        level(TcbStatus.OUT_OF_DATE, body={"cpu_svn": b"\xff" * 16}),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "QE report claims a newer CPUSVN than the certificate",
        "P15",
        S,
        level(TcbStatus.OUT_OF_DATE, qe_body={"cpu_svn": b"\xff" * 16}),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "header claims a newer PCESVN than the certificate",
        "P15",
        "tcb-status",
        chained(items(pce_svn=0), fields={"pce_svn": 0xFFFF}),
        status="",
        choice=MATCHING,
    ),
    Fault(
        "CPUSVN octets newer than the components of one certificate",
        "P15",
        S,
        chained(items(components=LEVELS[TcbStatus.OUT_OF_DATE].components, cpu_svn=_CURRENT)),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "one component of sixteen short of the level",
        "P11",
        "tcb-status advisories",
        chained(items(components=(*_CURRENT[:6], 0, *_CURRENT[7:]))),
        status="ConfigurationNeeded",
    ),
]

QUOTE_FAULTS = [*BYTES, *KEYS, *ENCLAVE, *CHAIN, *REVOCATION, *PLATFORM_LEVEL]


def twin(part: str) -> Change:
    """The other signature of the same bytes: r, n - s."""
    return lambda e: patched(
        **{
            part: _halves(lambda r, s: (r, P256_ORDER - s))(
                getattr(Quote.from_bytes(e.quote), part)
            )
        }
    )(e)


def resigned(e: Evidence) -> Evidence:
    """A second, honest signature over the same header and report."""
    q = Quote.from_bytes(e.quote)
    return replace(
        e,
        quote=replace(
            q, signature=sign_raw(e.world.platform.attestation_key, q.signed_bytes)
        ).to_bytes(),
    )


QUOTE_HARMLESS = [
    Harmless("nothing changed", "P32", lambda e: e),
    Harmless(
        "another attestation key, named by the genuine quoting enclave",
        "P30",
        quoted(attestation_key=ATTACKER),
    ),
    *[
        Harmless(f"twin of a signature: {p}", "P19", twin(p))
        for p in ("signature", "qe_report_signature")
    ],
    Harmless("signed again", "P19", resigned),
    Harmless("no authentication data", "P23", quoted(auth_data=b"")),
    Harmless("whole quote of version 4, for SGX", "P22", later(4)),
    Harmless(
        "key separation and sharing used",
        "P22",
        quoted(body={"attributes_flags": 0x85, "config_id": b"\1" * 64}),
    ),
    Harmless("report's CPUSVN all zero", "P15", quoted(body={"cpu_svn": bytes(16)})),
    Harmless("header's SVNs all zero", "P15", quoted(fields={"pce_svn": 0, "qe_svn": 0})),
    Harmless("CPUSVN octets older than the components", "P15", chained(items(cpu_svn=bytes(16)))),
    Harmless(
        "Processor CA's platform with its own list",
        "P07",
        lambda e: processor(authority=intel(e).processor_ca)(e),
    ),
    *[
        Harmless("certificates in the order " + ", ".join(o), "P26", blocks(*o))
        for o in (
            ("leaf", "root", "ca"),
            ("ca", "leaf", "root"),
            ("ca", "root", "leaf"),
            ("root", "leaf", "ca"),
            ("root", "ca", "leaf"),
        )
    ],
    Harmless("certificates with CRLF", "P26", pem(lambda e: _usual(e).replace(b"\n", b"\r\n"))),
    Harmless("certificates with a final NUL", "P26", pem(lambda e: _usual(e) + b"\0")),
    Harmless(
        "text between the certificates", "P26", pem(lambda e: b"Bag Attributes\n" + _usual(e))
    ),
    Harmless("another serial number revoked", "P05", listed(revoked=[5])),
    Harmless(
        "a serial number that begins as the platform's does",
        "P05",
        listed(revoked=lambda e: [pck(e).cert.serial_number >> 8, pck(e).cert.serial_number // 10]),
    ),
    Harmless(
        "list of platforms without its issuer's chain", "P05", members(pck_crl_issuer_chain="")
    ),
    Harmless(
        "lists in upper-case hex", "P05", lambda e: members(pck_crl=e.lists.pck_crl.upper())(e)
    ),
    Harmless(
        "lists in PEM",
        "P05",
        lambda e: members(
            pck_crl=_pem_crl(e.lists.pck_crl), root_ca_crl=_pem_crl(e.lists.root_ca_crl)
        )(e),
    ),
]


def _pem_crl(text: str) -> str:
    return x509.load_der_x509_crl(bytes.fromhex(text)).public_bytes(Encoding.PEM).decode()
