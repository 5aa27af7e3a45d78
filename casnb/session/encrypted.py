"""Signed sessions encrypted for one CAS: what `scone session encrypt` prints. That there is such a
thing is public, its form is casnb's own.

X25519 with a key made for this one message, HKDF-SHA256, AES-256-GCM. Both public keys enter the
derivation, so the key is never used twice and the nonce may be zero.
"""

from __future__ import annotations

import base64
import binascii
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from casnb.base import strictjson
from casnb.base.errors import EvidenceError

_WHAT = "encrypted session"
_INFO = b"casnb encrypted session v1"
_NONCE = bytes(12)


def encryption_key_pem(key: X25519PublicKey) -> str:
    """Return a session encryption key as it is shown, SPKI PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def load_encryption_key(pem: str) -> X25519PublicKey:
    """Return a session encryption key; raise EvidenceError for anything else."""
    try:
        key = load_pem_public_key(pem.strip().encode())
    except Exception:  # cryptography raises many kinds
        key = None
    if not isinstance(key, X25519PublicKey):
        raise EvidenceError(
            "session encryption key", got="something else", wanted="an X25519 public key in PEM"
        )
    return key


def encrypt(signed: str, recipient: X25519PublicKey) -> str:
    """Return a signed session (JSON) encrypted for the holder of a key, as JSON."""
    own = X25519PrivateKey.generate()
    sealed = AESGCM(_derived(own.exchange(recipient), own.public_key(), recipient)).encrypt(
        _NONCE, signed.encode(), None
    )
    parts = {
        "recipient": recipient.public_bytes_raw(),
        "ephemeral_key": own.public_key().public_bytes_raw(),
        "ciphertext": sealed,
    }
    return json.dumps({n: base64.b64encode(v).decode() for n, v in parts.items()}, indent=2)


def decrypt(data: bytes, key: X25519PrivateKey) -> bytes:
    """Return the signed session in what `encrypt` made; raise EvidenceError for what was changed,
    or made for another CAS.
    """
    found = strictjson.loads(data, _WHAT)
    parts = {n: _bytes(found, n) for n in ("recipient", "ephemeral_key", "ciphertext")}
    if parts["recipient"] != key.public_key().public_bytes_raw():
        raise EvidenceError(
            _WHAT, got="one for another CAS", wanted="one for this CAS's session encryption key"
        )
    try:
        other = X25519PublicKey.from_public_bytes(parts["ephemeral_key"])
        derived = _derived(key.exchange(other), other, key.public_key())
        return AESGCM(derived).decrypt(_NONCE, parts["ciphertext"], None)
    except (ValueError, InvalidTag):
        raise EvidenceError(
            _WHAT, got="bytes that do not decrypt", wanted="what was encrypted, unchanged"
        ) from None


def is_encrypted(data: bytes) -> bool:
    """Whether a file is an encrypted session."""
    return data.lstrip()[:1] == b"{" and b'"ciphertext"' in data


def _derived(shared: bytes, own: X25519PublicKey, recipient: X25519PublicKey) -> bytes:
    salt = own.public_bytes_raw() + recipient.public_bytes_raw()
    return HKDF(hashes.SHA256(), 32, salt, _INFO).derive(shared)


def _bytes(found: object, name: str) -> bytes:
    text = strictjson.member(found, name, str, _WHAT)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError(f"{_WHAT}.{name}", got="something else", wanted="base64") from None
