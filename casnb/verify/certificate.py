"""Certificates as Intel issues them, read strictly and one at a time.

Why not a library's path building: which role a certificate has, which root it may end in and which
extensions it must not carry are rules of Intel's that a general verifier does not know, and each of
them wants a name and a test of its own. What is walked here by hand is the outer DER (three
elements, lengths in their shortest form), so that what is signed is what is read; names, keys,
extensions and every signature are left to `cryptography`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base.errors import EvidenceError, VerificationError
from casnb.base.remembered import remembered
from casnb.base.times import stamp
from casnb.evidence.der import tlv, values
from casnb.verify.p256 import P256_KEY, p256_key

#: A chain of three certificates is under 6 kB.
CHAIN_LIMIT = 64 << 10
SGX_EXTENSION = x509.ObjectIdentifier("1.2.840.113741.1.13.1")

#: DER of the object identifier of a common name.
_COMMON_NAME = bytes.fromhex("0603550403")
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def signed_parts(der: bytes, what: str) -> tuple[bytes, bytes, list[tuple[int, int, int]]]:
    """Split SEQUENCE{tbs, algorithm, signature}: signed bytes, algorithm, and tag, start and end
    of up to seven fields.
    """
    try:
        _, start, end = tlv(der, 0, len(der))
        _, inside, stop = tlv(der, start, end)
        _, _, algorithm_end = tlv(der, stop, end)
        # As far as the key (RFC 5280, 4.1): extensions are the library's to read.
        fields = [(tag, at, after) for tag, at, _, after in values(der, inside, stop, 7)]
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

    @property
    def serial(self) -> int:
        return self.value.serial_number

    @property
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
    for _, _, inside, last in values(name, at, end):
        if name.find(_COMMON_NAME, inside, last) < 0:
            continue
        for _, _, start, stop in values(name, inside, last):
            if name.startswith(_COMMON_NAME, start):
                tag, text, _ = tlv(name, start + len(_COMMON_NAME), stop)
                found.append(
                    name[text:stop].decode("utf-8", "replace") if tag in (0x0C, 0x13) else ""
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
    tbs, algorithm, fields = signed_parts(der, what)
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
