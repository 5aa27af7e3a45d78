"""RSA signatures computed at a voltage that is too low: one faulty signature gives the key away."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, prod

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from casnb.simulator.keys import Seed

#: A toy size, quick to compute with; the attack does not care how long the key is.
BITS = 1024
_EXPONENT = 65537
#: Below this many millivolts under nominal the model computes wrongly.
_STABLE = -150
#: DigestInfo of SHA-256 (RFC 8017, section 9.2).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def padded(message: bytes) -> int:
    """Return what PKCS#1 v1.5 signs for a message: no randomness, so everybody can compute it."""
    tail = b"\0" + _DIGEST_INFO + hashlib.sha256(message).digest()
    return int.from_bytes(b"\0\1".ljust(BITS // 8 - len(tail), b"\xff") + tail, "big")


@dataclass(frozen=True)
class CrtSigner:
    """An enclave's RSA key, used by the Chinese remainder theorem: half the work, in two halves.

    `locked`: the machine's firmware refuses to lower the voltage, so `millivolts` has no effect.
    """

    p: int
    q: int
    locked: bool = True

    @classmethod
    def from_seed(cls, seed: Seed, *, locked: bool) -> CrtSigner:
        """Return a signer whose two primes follow from the seed."""
        return cls(_prime(seed, "service key p"), _prime(seed, "service key q"), locked)

    @property
    def modulus(self) -> int:
        """The public key, with exponent 65537."""
        return self.p * self.q

    def sign(self, message: bytes, millivolts: int = 0) -> int:
        """Sign with PKCS#1 v1.5 and SHA-256 at `millivolts` relative to nominal; the signature
        is not checked before it leaves.

        A voltage that is too low flips a bit in one of the two halves. Source: Plundervolt
        (CVE-2019-11157, INTEL-SA-00289).
        """
        m, d = padded(message), pow(_EXPONENT, -1, (self.p - 1) * (self.q - 1))
        half_p, half_q = (
            pow(m % self.p, d % (self.p - 1), self.p),
            pow(m % self.q, d % (self.q - 1), self.q),
        )
        if millivolts < _STABLE and not self.locked:
            half_p ^= 1 << (-millivolts % 500)
        return half_q + self.q * ((half_p - half_q) * pow(self.q, -1, self.p) % self.p)


def verifies(modulus: int, message: bytes, signature: int) -> bool:
    """Whether a signature is right."""
    return pow(signature, _EXPONENT, modulus) == padded(message)


def factor(modulus: int, message: bytes, faulty: int) -> tuple[int, int] | None:
    """Return the two primes from one faulty signature, or None where it was none.

    The half that went well still agrees modulo its prime: gcd(s^e - m, n) is that prime. Source:
    Boneh, DeMillo, Lipton, 1997, in the form of Lenstra.
    """
    q = gcd(pow(faulty, _EXPONENT, modulus) - padded(message), modulus)
    return (modulus // q, q) if 1 < q < modulus else None


def private_key(p: int, q: int) -> rsa.RSAPrivateKey:
    """Return the whole private key of two primes."""
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


def key_pem(key: rsa.RSAPrivateKey) -> str:
    """Return a private key as PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


#: The product of the odd primes below 1000.
_SMALL = prod(n for n in range(3, 1000, 2) if all(n % d for d in range(3, 32, 2) if d < n))


@lru_cache(maxsize=32)
def _prime(seed: Seed, label: str) -> int:
    """Return a prime of half the bits, its two highest set, so that two of them make a modulus
    of all.
    """
    size = BITS // 16
    n = int.from_bytes(seed.octets(label, size), "big") | 3 << (8 * size - 2) | 1
    # A number with a small factor is not a prime: one division spares it a power of its own size.
    while (
        gcd(n, _SMALL) > 1
        or (n - 1) % _EXPONENT == 0
        or not all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7))
    ):
        n += 2
    return n
