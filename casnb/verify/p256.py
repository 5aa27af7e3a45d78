"""The curve P-256: its keys, and signatures over it."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from casnb.base.errors import VerificationError
from casnb.base.remembered import remembered

#: Order of the P-256 group (FIPS 186-4, D.1.2.3).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: What stands in SubjectPublicKeyInfo before the x and y of a P-256 key.
P256_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_ECDSA = ec.ECDSA(hashes.SHA256())
_P256 = ec.SECP256R1()


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
