"""Key hashes as `scone` prints them: Base58Check over a version byte and the SHA-256 of a public
key.
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base.errors import EvidenceError

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#: Version byte of a SHA-256 public key hash.
_KEY_HASH = b"\x01"


def base58check(payload: bytes) -> str:
    """Return Base58Check of `payload` (version byte included): Bitcoin's alphabet, 4 bytes of
    double SHA-256.
    """
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = _ALPHABET[digit] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def unbase58check(text: str) -> bytes:
    """Return the payload (version byte included) of 37 bytes in Base58Check, or nothing where
    form or checksum is wrong.
    """
    number = 0
    for character in text[:64]:
        digit = _ALPHABET.find(character)
        if digit < 0:
            return b""
        number = number * 58 + digit
    data = number.to_bytes(37, "big") if number < 1 << 296 else b""
    return data[:-4] if data and base58check(data[:-4]) == text else b""


def key_hash_problem(text: object) -> str:
    """Say what is wrong with a key hash given as text, or return an empty string: 50 characters
    of Base58Check, version 1.

    A mistyped or cut hash is told from another instance's by its checksum. Whose key it is the
    hash of is not checked.
    """
    if not isinstance(text, str) or len(text) != 50:
        return f"got {str(text)[:60]!r}, wanted 50 characters"
    if strange := sorted(set(text) - set(_ALPHABET)):
        return f"got the character {strange[0]!r}, wanted Base58, which has no 0, O, I and l"
    data = unbase58check(text)
    if not data:
        return f"got {text!r}, wanted one whose checksum holds (a typing error)"
    if data[:1] != _KEY_HASH:
        return f"got version {data[0]}, wanted 1, the hash of a key"
    return ""


def key_hash(certificate: x509.Certificate) -> str:
    """Return the 50-character hash of a certificate's public key.

    What the real CAS hashes is not public; casnb takes the DER form of the public key
    (SubjectPublicKeyInfo).
    """
    return spki_hash(
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def spki_hash(spki: bytes) -> str:
    """Return the 50-character hash of a public key that is given in its DER form."""
    return base58check(_KEY_HASH + hashlib.sha256(spki).digest())


def chain_key_hashes(chain_pem: bytes) -> tuple[str, str]:
    """Return the hashes of a CAS chain's root key (CAS key) and instance key (CAS software key),
    whatever their order.

    Raises EvidenceError unless the chain holds one self-issued and one other certificate.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain_pem)
        roots = [c for c in certificates if c.issuer == c.subject]
        others = [c for c in certificates if c.issuer != c.subject]
        if len(roots) == len(others) == 1:
            return key_hash(roots[0]), key_hash(others[0])
    # cryptography raises many kinds for hostile DER, and reads names and keys only when asked.
    except Exception:
        raise EvidenceError(
            "CAS certificate chain", got="text that is not PEM certificates", wanted="two of them"
        ) from None
    raise EvidenceError(
        "CAS certificate chain",
        got=f"{len(roots)} root and {len(others)} other certificates",
        wanted="one of each",
    )
