"""Signatures of certificates and lists, and the keys that make them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from casnb.base.errors import VerificationError
from casnb.verify.certificate import Certificate
from casnb.verify.crl import Crl

_ECDSA = ec.ECDSA(hashes.SHA256())
#: DER of AlgorithmIdentifier: ecdsa-with-SHA256, sha256WithRSAEncryption.
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")


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
