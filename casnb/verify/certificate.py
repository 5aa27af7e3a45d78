"""Certificates and revocation lists as Intel issues them: read strictly, keys and signatures
checked one at a time.

Why not a library's path building: which role a certificate has, which root it may end in and which
extensions it must not carry are rules of Intel's that a general verifier does not know, and each of
them wants a name and a test of its own. What is walked here by hand is the outer DER (three
elements, lengths in their shortest form), so that what is signed is what is read; names, keys,
extensions and every signature are left to `cryptography`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from casnb.base.errors import EvidenceError, VerificationError
from casnb.base.remembered import remembered
from casnb.base.times import stamp
from casnb.evidence.der import tlv

#: A chain of three certificates is under 6 kB.
CHAIN_LIMIT = 64 << 10
#: Intel's largest revocation list is a few kB; a text that encodes one may have this many
#: characters.
CRL_LIMIT = 4 << 20
#: Order of the P-256 group (FIPS 186-4, D.1.2.3).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SGX_EXTENSION = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
#: What stands in SubjectPublicKeyInfo before the x and y of a P-256 key.
P256_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

#: DER of the object identifier of a common name.
_COMMON_NAME = bytes.fromhex("0603550403")
_ECDSA = ec.ECDSA(hashes.SHA256())
_P256 = ec.SECP256R1()
#: DER of AlgorithmIdentifier: ecdsa-with-SHA256, sha256WithRSAEncryption.
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_PEM_CRL = re.compile(r"\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*")


def _parts(der: bytes, what: str) -> tuple[bytes, bytes, list[tuple[int, int, int]]]:
    """Split SEQUENCE{tbs, algorithm, signature}: signed bytes, algorithm, and tag, start and end
    of up to seven fields.
    """
    try:
        _, start, end = tlv(der, 0, len(der))
        _, inside, stop = tlv(der, start, end)
        _, _, algorithm_end = tlv(der, stop, end)
        fields: list[tuple[int, int, int]] = []
        at = inside
        # As far as the key (RFC 5280, 4.1): extensions are the library's to read.
        while at < stop and len(fields) < 7:
            tag, _, after = tlv(der, at, stop)
            fields.append((tag, at, after))
            at = after
    except IndexError:
        raise EvidenceError(what, got="bytes that end too early", wanted="DER") from None
    return der[start:stop], der[stop:algorithm_end], fields


@dataclass(eq=False)
class Certificate:
    """An X.509 certificate, read and not yet believed; issuer, subject and key as they stand,
    for comparison byte by byte.

    `window` is notBefore and notAfter, both inclusive, UTC.
    """

    der: bytes
    tbs: bytes
    algorithm: bytes
    issuer: bytes
    subject: bytes
    spki: bytes
    value: x509.Certificate
    authority: bool
    path_length: int | None
    usage: x509.KeyUsage | None
    sgx: bytes | None
    window: tuple[datetime, datetime]

    @cached_property
    def name(self) -> str:
        """The subject's common name, or an empty text where there is none or more than one."""
        return common_name(self.subject)

    @cached_property
    def serial(self) -> int:
        return self.value.serial_number

    @cached_property
    def key(self) -> ec.EllipticCurvePublicKey:
        """The P-256 key; raise VerificationError for any other kind, or a point that is not on
        the curve.
        """
        if not self.spki.startswith(P256_KEY):
            raise VerificationError(
                f"certificate {self.name}: key", got="another kind", wanted="EC on the curve P-256"
            )
        return p256_key(self.spki[len(P256_KEY) :])

    def require_p256(self) -> None:
        """Raise VerificationError unless the key is one on P-256: Intel's DCAP certificates have
        no other.
        """
        _ = self.key

    def require_valid_at(self, now: datetime) -> None:
        """Raise VerificationError outside notBefore and notAfter."""
        if not self.window[0] <= now <= self.window[1]:
            require_inside(f"certificate {self.name}", self.window, now)

    def __str__(self) -> str:
        return (
            f"{self.name or 'a certificate without a name'} (SHA-256"
            f" {self.value.fingerprint(hashes.SHA256()).hex()[:16]}...)"
        )


def common_name(name: bytes) -> str:
    """Return the common name in the DER of a Name, UTF8String or PrintableString; an empty text
    unless there is exactly one.
    """
    found = []
    _, at, end = tlv(name, 0, len(name))
    while at < end:
        _, inside, at = tlv(name, at, end)
        while inside < at:
            _, start, inside = tlv(name, inside, at)
            if name.startswith(_COMMON_NAME, start):
                tag, text, _ = tlv(name, start + len(_COMMON_NAME), inside)
                found.append(
                    name[text:inside].decode("utf-8", "replace") if tag in (0x0C, 0x13) else ""
                )
    return found[0] if len(found) == 1 else ""


def require_inside(what: str, window: tuple[datetime, datetime], now: datetime) -> None:
    """Raise VerificationError unless first <= now <= last."""
    first, last = window
    if not first <= now <= last:
        when = "not valid yet at" if now < first else "no longer valid at"
        raise VerificationError(
            what, got=f"{when} {stamp(now)}", wanted=f"a time from {stamp(first)} to {stamp(last)}"
        )


def read_certificate(der: bytes) -> Certificate:
    """Read one certificate; raise EvidenceError for malformed DER, a repeated extension or a
    critical one that is not known.
    """
    what = "certificate"
    tbs, algorithm, fields = _parts(der, what)
    # RFC 5280, 4.1.2.2. A revocation list names serial numbers: one that two readers understand
    # differently would be a way around it.
    if (
        len(fields) < 2
        or int.from_bytes(der[fields[1][1] + 2 : fields[1][2]], "big", signed=True) <= 0
    ):
        raise EvidenceError(
            f"{what}: serial number", got="none above zero", wanted="a positive number"
        )
    try:
        value = x509.load_der_x509_certificate(der)
        extensions, version = value.extensions, value.version
        window = value.not_valid_before_utc, value.not_valid_after_utc
    except Exception:  # cryptography raises many kinds for hostile DER
        raise EvidenceError(
            what, got="bytes that are not a certificate", wanted="X.509 in DER"
        ) from None
    if version is not x509.Version.v3 or len(fields) < 7 or window[0] > window[1]:
        raise EvidenceError(what, got="another form", wanted="X.509 version 3")
    (_, a, b), (_, i, j), _, (_, s, t), (_, k, m) = fields[2:7]
    # RFC 5280, 4.1.1.2: the one inside is signed, the one outside is what a verifier goes by.
    if der[a:b] != algorithm:
        raise EvidenceError(
            what, got="two signature algorithms", wanted="the same inside and outside"
        )
    authority, path_length, usage, sgx = False, None, None, None
    for extension in extensions:
        content = extension.value
        kind = type(content)
        if kind is x509.KeyUsage:
            usage = content
        elif kind is x509.BasicConstraints:
            authority, path_length = content.ca, content.path_length
        # Critical means: whoever does not know this must not accept it (RFC 5280, 4.2).
        elif extension.critical:
            raise EvidenceError(
                what,
                got=f"critical extension {extension.oid.dotted_string}",
                wanted="only those casnb knows",
            )
        elif kind is x509.UnrecognizedExtension and extension.oid == SGX_EXTENSION:
            sgx = content.value
    return Certificate(
        der,
        tbs,
        algorithm,
        der[i:j],
        der[s:t],
        der[k:m],
        value,
        authority,
        path_length,
        usage,
        sgx,
        window,
    )


@remembered
def _decode(text: bytes) -> bytes:
    """Return the DER between the lines of a PEM block; remembered, since Intel's chains have
    blocks in common.
    """
    try:
        return base64.b64decode(text.translate(None, b"\r\n\t "), validate=True)
    except binascii.Error:
        raise EvidenceError(
            "certificate", got="a block that is not base64", wanted="a certificate in PEM"
        ) from None


_read = remembered(read_certificate)


def pem_blocks(pem: bytes, what: str, least: int, most: int) -> list[bytes]:
    """Return the DER of each certificate of a PEM text in the order they stand; CRLF, text between
    blocks and a final NUL are fine.
    """
    if len(pem) > CHAIN_LIMIT:
        raise EvidenceError(what, got=f"{len(pem)} bytes", wanted=f"at most {CHAIN_LIMIT}")
    # Every PEM block must be a certificate: another label in between is a second chain to a reader
    # that passes over what it does not know.
    blocks = pem.split(_BEGIN)
    if pem.count(b"-----BEGIN") != len(blocks) - 1 or not least < len(blocks) <= most + 1:
        raise EvidenceError(
            what,
            got=f"{len(blocks) - 1} certificates" if pem.strip(b"\0\r\n\t ") else "nothing",
            wanted=f"{least} certificates" if least == most else f"{least} to {most} certificates",
        )
    found = []
    for block in blocks[1:]:
        text, end, _ = block.partition(_END)
        if not end:
            raise EvidenceError(what, got="a block that is cut short", wanted="certificates in PEM")
        found.append(_decode(text))
    return found


def read_chain(
    pem: bytes, what: str, least: int, most: int, known: Mapping[bytes, Certificate] | None = None
) -> tuple[Certificate, ...]:
    """Return the certificates of a PEM text in the order they stand.

    `known` are certificates by their DER that need not be read again.
    """
    blocks = pem_blocks(pem, what, least, most)
    return tuple([known[der] if known and der in known else _read(der) for der in blocks])


def require_signed_by(subject: Certificate | Crl, issuer: Certificate, what: str) -> None:
    """Raise VerificationError unless the names match byte for byte and the issuer's key made the
    signature with SHA-256.

    A revocation list counts only from a key that its certificate lets sign one. For certificates
    the callers look at the usage.
    """
    # Byte for byte, where RFC 5280 (7.1) lets spellings differ: Intel repeats a name as it is, and
    # a looser comparison is a second way to read one.
    if subject.issuer != issuer.subject:
        raise VerificationError(f"{what}: issuer", got="another name", wanted=issuer.name)
    if isinstance(subject, Crl) and (issuer.usage is None or not issuer.usage.crl_sign):
        raise VerificationError(
            f"{what}: issuer", got="a key that may not sign lists", wanted="one that may"
        )
    try:
        if subject.algorithm == _ECDSA_SHA256:
            issuer.key.verify(subject.value.signature, subject.tbs, _ECDSA)
        elif subject.algorithm == _RSA_SHA256:
            rsa_key(issuer).verify(
                subject.value.signature, subject.tbs, padding.PKCS1v15(), hashes.SHA256()
            )
        else:
            raise VerificationError(
                f"{what}: signature algorithm",
                got=subject.algorithm.hex(),
                wanted="ECDSA or RSA with SHA-256",
            )
    except InvalidSignature:
        raise VerificationError(
            f"{what}: signature", got="one that does not fit", wanted=f"{issuer.name}'s"
        ) from None


def rsa_key(certificate: Certificate) -> rsa.RSAPublicKey:
    """Return an RSA key of 2048 bits or more; raise VerificationError for any other."""
    try:
        key = certificate.value.public_key()
    except Exception:  # cryptography raises many kinds for hostile keys
        key = None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise VerificationError(
            f"certificate {certificate.name}: key",
            got="another kind",
            wanted="RSA of 2048 bits or more",
        )
    return key


@remembered
def p256_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key at x then y (64 bytes, big-endian); raise VerificationError for a point
    that is not on the curve.
    """
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_P256, b"\4" + point)
    except ValueError:
        raise VerificationError(
            "public key", got="a point that is not on the curve P-256", wanted="one that is"
        ) from None


def verify_p256(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether 64 bytes r then s (big-endian, each from 1 to the group order minus 1) sign `data`
    with SHA-256.
    """
    if len(signature) != 64:
        return False
    # FIPS 186-4, 6.4: where 0 is let through, r = s = 0 fits every message (CVE-2022-21449).
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        return False
    try:
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, eq=False)
class Crl:
    """A revocation list, read and not yet believed. `window` is thisUpdate and nextUpdate, both
    inclusive.
    """

    tbs: bytes
    algorithm: bytes
    issuer: bytes
    value: x509.CertificateRevocationList
    window: tuple[datetime, datetime]

    @classmethod
    def read(cls, text: str, what: str) -> Crl:
        """Read DER in hex, or PEM; raise EvidenceError where it is malformed, partial, never
        ages, or has more than 4 MiB.
        """
        if not text.strip() or len(text) > CRL_LIMIT:
            raise EvidenceError(
                what,
                got=f"{len(text)} characters" if text.strip() else "nothing",
                wanted="a revocation list",
            )
        try:
            pem = _PEM_CRL.fullmatch(text)
            der = (
                base64.b64decode("".join(pem[1].split()), validate=True)
                if pem
                else bytes.fromhex(text)
            )
            value = x509.load_der_x509_crl(der)
            first, last, critical = (
                value.last_update_utc,
                value.next_update_utc,
                [e.oid for e in value.extensions if e.critical],
            )
        except Exception:  # cryptography raises many kinds for hostile DER
            raise EvidenceError(
                what, got="something else", wanted="a revocation list, DER in hex"
            ) from None
        if last is None:
            raise EvidenceError(
                f"{what}: nextUpdate",
                got="none",
                wanted="a date",
                do="A list that never ages proves nothing.",
            )
        # A delta or partial list says by a critical extension that it leaves out some of what is
        # revoked (RFC 5280, 5.2.4 and 5.2.5).
        if critical:
            raise EvidenceError(
                what,
                got=f"critical extension {critical[0].dotted_string}",
                wanted="a complete list",
            )
        tbs, algorithm, fields = _parts(der, what)
        if len(fields) < 4 or fields[0][0] != 0x02 or der[fields[1][1] : fields[1][2]] != algorithm:
            raise EvidenceError(what, got="another form", wanted="X.509 CRL version 2")
        return cls(tbs, algorithm, der[fields[2][1] : fields[2][2]], value, (first, last))

    def lists(self, certificate: Certificate) -> bool:
        """Whether the certificate's serial number is on the list."""
        return self.value.get_revoked_certificate_by_serial_number(certificate.serial) is not None
