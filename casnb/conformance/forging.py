"""What tests of evidence share: any text and any certificate validly signed, and the parts of a
quote by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.evidence.quote import Quote
from casnb.simulator.intel import VALID, key_usage
from casnb.simulator.keys import KeyPair, certificate, distinguished_name, sign_raw
from casnb.simulator.world import World


def signed_text(
    world: World, name: str, text: str, signer: KeyPair | None = None
) -> dict[str, str]:
    """Members of endorsements for any text as TCB info or QE identity, validly signed."""
    key = (signer or world.intel.tcb_signer).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return {
        name: text,
        f"{name}_signature": sign_raw(key, text.encode("utf-8", "surrogatepass")).hex(),
    }


def issue(
    world: World,
    name: str | x509.Name,
    signer: KeyPair | None,
    *,
    key: Any = None,
    ca: int | None = None,
    sgx: bytes | None = None,
    usage: tuple[str, ...] | None = None,
    valid: tuple[datetime, datetime] = VALID,
    serial: int = 77,
    basic: bool = True,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> KeyPair:
    """A certificate of any role, validly signed: `ca` is a path length, `sgx` an SGX extension; no
    signer means itself.
    """
    key = key or world.intel.seed.p256(f"test {name}")
    subject = distinguished_name(CN=name, O="test") if isinstance(name, str) else name
    if usage is None:
        usage = (
            ("key_cert_sign", "crl_sign")
            if ca is not None
            else ("digital_signature", "content_commitment")
        )
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (key_usage(*usage), True),
    ]
    if basic:
        extensions.append((x509.BasicConstraints(ca is not None, ca), True))
    if sgx is not None:
        extensions.append(
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113741.1.13.1"), sgx), False)
        )
    return certificate(subject, key, signer, serial, valid, [*extensions, *more])


def sgx_of(pair: KeyPair) -> bytes:
    """The SGX extension of a PCK certificate."""
    oid = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
    value = pair.cert.extensions.get_extension_for_oid(oid).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def flip(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def region(quote: bytes, name: str) -> range:
    """Bytes of a part of a quote, by name."""
    q = Quote.from_bytes(quote)
    cert = len(quote) - len(q.certification_data)
    parts: Mapping[str, range] = {
        "version": range(0, 2),
        "key type": range(2, 4),
        "TEE type": range(4, 8),
        "QE and PCE SVN": range(8, 12),
        "vendor": range(12, 28),
        "user data": range(28, 48),
        "report": range(48, 432),
        "signature length": range(432, 436),
        "signature": range(436, 500),
        "attestation key": range(500, 564),
        "QE report": range(564, 948),
        "QE report signature": range(948, 1012),
        "auth length": range(1012, 1014),
        "auth data": range(1014, cert - 6),
        "certification type": range(cert - 6, cert - 4),
        "certification length": range(cert - 4, cert),
        "certificates": range(cert, len(quote)),
    }
    return parts[name]
