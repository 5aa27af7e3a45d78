"""Keys of a simulated world: P-256 keys from its seed, RSA keys from public files, signatures
that come out the same each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

#: Order of the group of P-256.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_ECDSA = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": NameOID.LOCALITY_NAME,
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True)
class Seed:
    """The text from which a world makes everything that would otherwise be random; a label keeps
    uses apart.
    """

    text: str

    def octets(self, label: str, size: int) -> bytes:
        """Return `size` bytes (at most 8160) of HKDF-SHA256 over the seed."""
        return HKDF(hashes.SHA256(), size, b"casnb simulator", label.encode()).derive(
            self.text.encode()
        )

    def stream(self, label: str, size: int) -> bytes:
        """Return any number of bytes, for content that nobody keeps secret (SHAKE-256)."""
        return hashlib.shake_256(self.octets(label, 32)).digest(size)

    def serial(self, label: str, size: int = 20) -> int:
        """Return a positive certificate serial number of `size` bytes; twenty bytes stay below
        2**159, as X.509 asks.
        """
        number = int.from_bytes(self.octets("serial " + label, size), "big")
        return number >> 1 if size >= 20 else number or 1

    def p256(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return a P-256 key: 48 bytes of HKDF, reduced to 1..n-1."""
        scalar = int.from_bytes(self.octets("p256 " + label, 48), "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(scalar, ec.SECP256R1())


@cache
def packaged(name: str) -> rsa.RSAPrivateKey:
    """Return an RSA key that comes with casnb: `vendor_signer`, `test_signer`, `owner_signer`,
    `ias_root` or `ias_leaf`.

    Everybody has these keys. Their numbers are not checked again on loading: that takes longer
    than all the rest.
    """
    pem = (files(__package__) / f"{name}.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def sign(key: Key, data: bytes) -> bytes:
    """Return the same signature each time: DER ECDSA (RFC 6979) or RSA PKCS#1 v1.5, both with
    SHA-256.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, _ECDSA)


def sign_raw(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return the ECDSA signature as SGX structures carry it: r then s, 32 bytes each,
    big-endian.
    """
    r, s = decode_dss_signature(sign(key, data))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def raw_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as SGX structures carry it: x then y, 32 bytes each, big-endian."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def spki(key: PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo DER."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key. The key never shows in `repr`."""

    cert: x509.Certificate
    key: Key = field(repr=False)

    @cached_property
    def cert_pem(self) -> bytes:
        """The certificate as PEM, LF line ends, final newline."""
        return self.cert.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS#8 PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @cached_property
    def spki(self) -> bytes:
        """The public key as SubjectPublicKeyInfo DER."""
        return spki(self.key.public_key())


def distinguished_name(**attributes: str) -> x509.Name:
    """Return a name with CN, O, OU, L, ST, C or emailAddress in the order given."""
    return x509.Name([x509.NameAttribute(_ATTRIBUTES[k], v) for k, v in attributes.items()])


def certificate(
    subject: x509.Name,
    key: Key,
    signer: KeyPair | None,
    serial: int,
    valid: tuple[datetime, datetime],
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> KeyPair:
    """Return a certificate for `key`, signed by `signer` (None: by itself); the same arguments
    give the same bytes.

    `extensions` are pairs of extension and whether it is critical, in the order in which they
    will stand.
    """
    issuer = signer.cert.subject if signer else subject
    signing = signer.key if signer else key
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = builder.sign(signing, hashes.SHA256())
    if isinstance(signing, ec.EllipticCurvePrivateKey):
        made = x509.load_der_x509_certificate(signed(made.tbs_certificate_bytes, signing))
    return KeyPair(made, key)


def revocation_list(
    signer: KeyPair, number: int, valid: tuple[datetime, datetime], serials: Sequence[int]
) -> bytes:
    """Return a DER revocation list (key compromise for each serial, dated at its start), signed
    by a P-256 authority.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.cert.subject)
        .last_update(valid[0])
        .next_update(valid[1])
    )
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(serial)
            .revocation_date(valid[0])
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
            .build()
        )
    builder = builder.add_extension(x509.CRLNumber(number), False)
    identifier = signer.cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
    )
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    made = builder.sign(signer.key, hashes.SHA256())
    return signed(made.tbs_certlist_bytes, signer.key)


def signed(tbs: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Put a reproducible signature under the to-be-signed part of a certificate or list, even of
    one that was altered on purpose.

    Older releases of cryptography cannot while building.
    """
    return der(0x30, tbs + _ECDSA_WITH_SHA256 + der(0x03, b"\0" + sign(key, tbs)))


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
