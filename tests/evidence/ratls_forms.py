"""RA-TLS certificates in every form that projects have made them: for a key and a simulated
world (`made`) the extensions.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from casnb.evidence.avr import SignedAvr
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.ratls import OE_EVIDENCE, OE_REPORT

DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
UUID = bytes.fromhex("a3a21e871b4d4014b70aa125d2fbcd8c")
RA_TLS = "1.2.840.113741.1337."


def certificate(key, extensions: dict[str, bytes]) -> bytes:
    """Return a self-signed certificate with these extensions, DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "enclave")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime(2020, 1, 1), datetime(2050, 1, 1)
    )
    for oid, value in extensions.items():
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), oid.endswith(".1")
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(DER)


def spki(key) -> bytes:
    return key.public_key().public_bytes(DER, SPKI)


def key_pem(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, SPKI)


def point(key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )[1:]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def zeros(digest: bytes) -> bytes:
    return digest.ljust(64, b"\0")


def encode(value: object) -> bytes:
    """Return CBOR of definite length, as short as can be up to 65535."""

    def head(major: int, n: int) -> bytes:
        if n < 24:
            return bytes([major << 5 | n])
        return (
            bytes([major << 5 | 24, n])
            if n < 256
            else bytes([major << 5 | 25]) + n.to_bytes(2, "big")
        )

    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    assert isinstance(value, dict)
    return head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())


def tagged(quote: bytes, claims: bytes) -> bytes:
    return b"\xd9" + (60000).to_bytes(2, "big") + encode([quote, claims])


def claims(key, algorithm: int = 1, digest: str = "sha256") -> bytes:
    entry = encode([algorithm, hashlib.new(digest, spki(key)).digest()])
    return encode({"nonce": b"x", "pubkey-hash": entry})


def ias_parts(made, data: bytes) -> dict[str, bytes]:
    """An IAS report in the extensions of RA-TLS; certificates in DER, the signature in base64."""
    report = made.world.avr(data)
    leaf, ca = (c.public_bytes(DER) for c in x509.load_pem_x509_certificates(report.chain_pem))
    return {
        RA_TLS + "2": report.body,
        RA_TLS + "3": ca,
        RA_TLS + "4": leaf,
        RA_TLS + "5": base64.b64encode(report.signature),
    }


def comment(made, data: bytes, style: str) -> dict[str, bytes]:
    """An IAS report in a Netscape comment, as three projects wrote it."""
    report = made.world.avr(data)
    leaf = x509.load_pem_x509_certificates(report.chain_pem)[0].public_bytes(DER)
    b64 = base64.b64encode
    parts = (report.body, report.signature, leaf)
    if style == "bars":
        value = b"|".join((report.body, b64(report.signature), b64(leaf)))
    else:
        shown = (list(p) if style == "numbers" else b64(p).decode() for p in parts)
        value = json.dumps(
            dict(zip(("report", "signature", "signing_cert"), shown, strict=True))
        ).encode()
    return {"2.16.840.1.113730.1.13": value}


#: id: (key, extensions for that key, kind of evidence, words of the form)
FORMS = {
    "quote": (
        "key",
        lambda m, k: {RA_TLS + "6": m.world.quote(zeros(sha(spki(k))))},
        Quote,
        "SGX quote",
    ),
    "quote-octets": (
        "key",
        lambda m, k: {RA_TLS + "6": octets(m.world.quote(zeros(sha(spki(k)))))},
        Quote,
        "SGX quote",
    ),
    "quote-p384": (
        "wide",
        lambda m, k: {RA_TLS + "6": m.world.quote(zeros(sha(spki(k))))},
        Quote,
        "SGX quote",
    ),
    "quote-epid": (
        "key",
        lambda m, k: {RA_TLS + "6": m.world.epid_quote(zeros(sha(spki(k))))},
        EpidQuote,
        "SGX quote",
    ),
    "gramine": (
        "key",
        lambda m, k: {"0.6.9.42.840.113741.1337.6": m.world.quote(zeros(sha(spki(k))))},
        Quote,
        "SGX quote, as Gramine spells its number",
    ),
    "rsa": (
        "rsa",
        lambda m, k: {
            RA_TLS + "6": m.world.quote(
                zeros(sha(k.public_key().public_bytes(DER, serialization.PublicFormat.PKCS1)))
            )
        },
        Quote,
        "SGX quote",
    ),
    "dice": (
        "key",
        lambda m, k: {"2.23.133.5.4.9": tagged(m.world.quote(zeros(sha(claims(k)))), claims(k))},
        Quote,
        "DICE tagged evidence",
    ),
    "dice-sha512": (
        "key",
        lambda m, k: {
            "2.23.133.5.4.9": tagged(
                m.world.quote(zeros(sha(claims(k, 8, "sha512")))), claims(k, 8, "sha512")
            )
        },
        Quote,
        "DICE tagged evidence",
    ),
    "open-enclave": (
        "key",
        lambda m, k: {
            "1.3.6.1.4.1.311.105.1": oe_report(m.world.quote(zeros(sha(key_pem(k) + b"\0"))))
        },
        Quote,
        "Open Enclave report",
    ),
    "open-enclave-old": (
        "key",
        lambda m, k: {
            "1.2.840.113556.10.1.1": oe_report(m.world.quote(zeros(sha(key_pem(k) + b"\0"))))
        },
        Quote,
        "Open Enclave report, old number",
    ),
    "open-enclave-evidence": (
        "key",
        lambda m, k: {
            "1.3.6.1.4.1.311.105.2": oe_evidence(
                m.world.quote(zeros(sha(key_pem(k) + b"\0"))), key_pem(k) + b"\0"
            )
        },
        Quote,
        "Open Enclave evidence",
    ),
    "ias": ("key", lambda m, k: ias_parts(m, zeros(sha(spki(k)))), SignedAvr, "IAS report"),
    "comment-bars": (
        "key",
        lambda m, k: comment(m, point(k), "bars"),
        SignedAvr,
        "IAS report in a comment",
    ),
    "comment-base64": (
        "key",
        lambda m, k: comment(m, point(k), "base64"),
        SignedAvr,
        "IAS report in a comment",
    ),
    "comment-numbers": (
        "key",
        lambda m, k: comment(m, point(k), "numbers"),
        SignedAvr,
        "IAS report in a comment",
    ),
}


def octets(data: bytes) -> bytes:
    return b"\x04\x82" + len(data).to_bytes(2, "big") + data


def oe_report(quote: bytes) -> bytes:
    return OE_REPORT.pack((1, 2, len(quote))) + quote


def oe_evidence(quote: bytes, custom: bytes) -> bytes:
    return OE_EVIDENCE.pack((3, UUID, len(quote + custom))) + quote + custom
