"""Keys and certificates that secrets are: made from given randomness where that is possible, and
read from PEM.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from casnb.base.errors import EvidenceError
from casnb.base.times import stamp

#: Gives so many random bytes: `os.urandom`, or in a test something that can be repeated.
Random = Callable[[int], bytes]
KEY_TYPES = ("P-256", "P-384", "Ed25519", "RSA-2048", "RSA-3072")

_USAGES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
#: Group and order of the curves that a key can be on.
_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {
    "P-256": (ec.SECP256R1(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "P-384": (
        ec.SECP384R1(),
        int(
            "ffffffffffffffffffffffffffffffffffffffffffffffff"
            "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
            16,
        ),
    ),
}
_PRINTABLE = "".join(map(chr, range(33, 127)))
#: Until when a certificate is good for which nobody says it, as those of a CAS are.
WITHOUT_END = datetime(4096, 1, 1, tzinfo=timezone.utc)


def printable(size: int, random: Random) -> str:
    """Return so many printable characters, special ones too; no space."""
    out = ""
    while len(out) < size:
        out += "".join(
            _PRINTABLE[b % len(_PRINTABLE)]
            for b in random(2 * size)
            if b < 256 - 256 % len(_PRINTABLE)
        )
    return out[:size]


def make_key(kind: str, random: Random) -> str:
    """Return a new private key, PKCS#8 PEM. RSA keys alone take the system's randomness, not
    `random`.
    """
    key: Any
    if kind in _CURVES:
        curve, order = _CURVES[kind]
        key = ec.derive_private_key(int.from_bytes(random(64), "big") % (order - 1) + 1, curve)
    elif kind == "Ed25519":
        key = ed25519.Ed25519PrivateKey.from_private_bytes(random(32))
    else:
        key = rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    return _key_pem(key)


def canonical_key(pem: str) -> str:
    """Return a private key as CAS keeps it, PKCS#8 PEM; raise EvidenceError, which quotes
    nothing of it.
    """
    return _key_pem(load_key(pem))


def load_key(pem: str) -> Any:
    """Return a private key of any algorithm; raise EvidenceError, which quotes nothing of it."""
    try:
        return serialization.load_pem_private_key(pem.strip().encode(), None)
    except Exception:  # cryptography raises many kinds; none may quote the key
        raise EvidenceError(
            "private key", got="something else", wanted="a private key in PEM (PKCS#8)"
        ) from None


def canonical_public_key(pem: str) -> str:
    """Return a public key as CAS keeps it, SPKI PEM; raise EvidenceError where there is none."""
    try:
        key = serialization.load_pem_public_key(pem.strip().encode())
    except Exception:  # as above
        raise EvidenceError(
            "public key", got="something else", wanted="a public key in PEM (SPKI)"
        ) from None
    return _public_pem(key)


def public_key_of(private_key_pem: str) -> str:
    """Return the public half of a private key, SPKI PEM."""
    return _public_pem(load_key(private_key_pem).public_key())


def _public_pem(key: Any) -> str:
    made = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return bytes(made).decode("ascii")


def key_der(pem: str) -> bytes:
    """Return a private key as DER (PKCS#8)."""
    made = load_key(pem).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return bytes(made)


def public_key_der(pem: str) -> bytes:
    """Return a public key as DER (SPKI)."""
    made = serialization.load_pem_public_key(pem.encode()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return bytes(made)


def certificate_der(pem: str) -> bytes:
    """Return the one certificate of a PEM text as DER; raise EvidenceError for several."""
    if pem.count("-----BEGIN ") > 1:
        raise EvidenceError(
            "certificate", got="several certificates", wanted="one: DER holds no more"
        )
    return load_certificate(pem).public_bytes(serialization.Encoding.DER)


def bundle_with_key(name: str, certificate: str, key: str, chain: str) -> bytes:
    """Return PKCS#12 (DER) with a certificate, its key and its chain, the password empty."""
    first, *rest = x509.load_pem_x509_certificates(certificate.encode())
    others = rest + (x509.load_pem_x509_certificates(chain.encode()) if chain else [])
    return pkcs12.serialize_key_and_certificates(
        name.encode(), load_key(key), first, others or None, serialization.NoEncryption()
    )


def canonical_bundle(pem: str, authority: bool = False) -> str:
    """Return one or several certificates as CAS keeps them, in their order; an authority's must
    all say that they are one. Anything else between them is refused: nothing is dropped.
    """
    parts = re.findall(r"-----BEGIN [^-]*-----.*?-----END [^-]*-----", pem, re.DOTALL)
    if len(parts) < 2:
        return canonical_certificate(pem, authority)
    if any(not part.startswith("-----BEGIN CERTIFICATE-----") for part in parts):
        raise EvidenceError(
            "certificate", got="something else among them", wanted="certificates in PEM, only"
        )
    return "".join(canonical_certificate(part, authority) for part in parts)


def canonical_certificate(pem: str, authority: bool = False) -> str:
    """Return a certificate as CAS keeps it: 64 characters a line, LF, nothing around it; an
    authority's must say that it is one.
    """
    found = load_certificate(pem)
    try:
        says = (
            not authority
            or found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        )
    except (x509.ExtensionNotFound, ValueError):
        says = False
    if authority and not says:
        raise EvidenceError(
            "certificate", got="one that may not issue others", wanted="a certificate with CA:TRUE"
        )
    return found.public_bytes(serialization.Encoding.PEM).decode("ascii")


def load_certificate(pem: str) -> x509.Certificate:
    """Return the one certificate in a text; raise EvidenceError where there is none to read, or
    more than one.
    """
    if pem.count("-----BEGIN ") > 1:
        raise EvidenceError("certificate", got="several PEM blocks", wanted="one PEM certificate")
    try:
        found = x509.load_pem_x509_certificate(pem.strip().encode())
        found.public_key()
    except Exception:  # as above
        raise EvidenceError(
            "certificate", got="something else", wanted="one PEM certificate"
        ) from None
    return found


def ends(certificates_pem: str) -> str | None:
    """Return when the first of these certificates ends, `2026-12-30T17:07:03Z`; None for one that
    lasts as good as forever.
    """
    found = x509.load_pem_x509_certificates(certificates_pem.encode())[0].not_valid_after_utc
    return None if found >= WITHOUT_END else stamp(found)


def issue(
    subject: str,
    key_pem: str,
    *,
    authority: bool,
    endpoint: str | None,
    alternatives: tuple[str, ...],
    life: timedelta | None,
    now: datetime,
    random: Random,
    issuer: tuple[str, str] | None = None,
) -> str:
    """Return a certificate (PEM) for a key, signed by `issuer` (certificate and key, PEM) or by
    itself.

    `alternatives` are `dns:HOST` and `ip:ADDRESS`; without `life` it is good until 4096, without
    `endpoint` it names no extended use. Everything but an ECDSA signature is the same
    for the same input.
    """
    key = load_key(key_pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    above = x509.load_pem_x509_certificates(issuer[0].encode())[0] if issuer else None
    signing = load_key(issuer[1]) if issuer else key
    if above is not None and above.public_key() != signing.public_key():
        raise EvidenceError(
            "issuer",
            got="a certificate for another key",
            wanted="certificate and key that belong together",
        )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above.subject if above else name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(random(8), "big") >> 1 or 1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(WITHOUT_END if life is None else now + life)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(identifier, False)
        .add_extension(authority_id, False)
        .add_extension(
            x509.KeyUsage(
                not authority, False, False, False, False, authority, authority, False, False
            ),
            True,
        )
    )
    if endpoint is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([_USAGES[endpoint]]), False)
    if alternatives:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(a) for a in alternatives]), False
        )
    return _sign(builder, signing).public_bytes(serialization.Encoding.PEM).decode("ascii")


def _sign(builder: x509.CertificateBuilder, key: Any) -> x509.Certificate:
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        return builder.sign(key, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        digest = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
        return builder.sign(key, digest)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise EvidenceError(
            "private key", got="a key that signs no certificates", wanted="RSA, a curve or Ed25519"
        )
    return builder.sign(key, hashes.SHA256())


def _general(text: str) -> x509.GeneralName:
    kind, _, name = text.partition(":")
    return x509.DNSName(name) if kind == "dns" else x509.IPAddress(ipaddress.ip_address(name))


def _key_pem(key: Any) -> str:
    made = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return bytes(made).decode("ascii")
