"""Keys and certificates that secrets are: made from given randomness where that is possible, and
read from PEM.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from casnb.base.errors import EvidenceError

#: Gives so many random bytes: `os.urandom`, or in a test something that can be repeated.
Random = Callable[[int], bytes]
KEY_TYPES = ("P-256", "P-384", "Ed25519", "RSA-2048", "RSA-3072")

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
_PRINTABLE = "".join(chr(c) for c in range(33, 127) if chr(c) not in "\"'\\$`")


def printable(size: int, random: Random) -> str:
    """Return so many printable characters: none that a shell takes for its own, and no blank."""
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
    """Return a private key of a type that the language has."""
    wanted = "a private key in PEM, " + ", ".join(KEY_TYPES)
    try:
        key: Any = serialization.load_pem_private_key(pem.strip().encode(), None)
    except Exception:  # cryptography raises many kinds; none may quote the key
        raise EvidenceError("private key", got="something else", wanted=wanted) from None
    if not (
        isinstance(key, ed25519.Ed25519PrivateKey)
        or (
            isinstance(key, ec.EllipticCurvePrivateKey)
            and key.curve.name in ("secp256r1", "secp384r1")
        )
        or (isinstance(key, rsa.RSAPrivateKey) and key.key_size in (2048, 3072))
    ):
        raise EvidenceError("private key", got="a key of another type", wanted=wanted)
    return key


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
    """Return a certificate; raise EvidenceError where there is none to read."""
    try:
        found = x509.load_pem_x509_certificate(pem.strip().encode())
        found.public_key()
    except Exception:  # as above
        raise EvidenceError(
            "certificate", got="something else", wanted="one PEM certificate"
        ) from None
    return found


def issue(
    subject: str,
    key_pem: str,
    *,
    authority: bool,
    endpoint: str | None,
    alternatives: tuple[str, ...],
    days: float,
    now: datetime,
    random: Random,
    issuer: tuple[str, str] | None = None,
) -> str:
    """Return a certificate (PEM) for a key, signed by `issuer` (certificate and key, PEM) or by
    itself.

    `alternatives` are `dns:HOST` and `ip:ADDRESS`. Everything but an ECDSA signature is the same
    for the same input.
    """
    key = load_key(key_pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    above = load_certificate(issuer[0]) if issuer else None
    signing = load_key(issuer[1]) if issuer else key
    if above is not None and above.public_key() != signing.public_key():
        raise EvidenceError(
            "issuer",
            got="a certificate for another key",
            wanted="certificate and key that belong together",
        )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    usage = (
        ExtendedKeyUsageOID.CLIENT_AUTH if endpoint == "client" else ExtendedKeyUsageOID.SERVER_AUTH
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above.subject if above else name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(random(8), "big") >> 1 or 1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
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
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    if alternatives:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(a) for a in alternatives]), False
        )
    return _sign(builder, signing).public_bytes(serialization.Encoding.PEM).decode("ascii")


def _sign(builder: x509.CertificateBuilder, key: Any) -> x509.Certificate:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        digest = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
        return builder.sign(key, digest)
    return builder.sign(key, hashes.SHA256())


def _general(text: str) -> x509.GeneralName:
    kind, _, name = text.partition(":")
    return x509.DNSName(name) if kind == "dns" else x509.IPAddress(ipaddress.ip_address(name))


def _key_pem(key: Any) -> str:
    made = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return bytes(made).decode("ascii")
