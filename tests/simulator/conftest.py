"""Clients of a simulated CAS for the tests of its service and server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class SelfMade:
    """A client certificate as people make them, and its key, as PEM and as one file for curl and
    requests.
    """

    pem: str
    file: Path
    key: Any


def self_made(
    folder: Path,
    kind: str = "p256",
    *,
    years: tuple[int, int] = (1975, 4096),
    name: str = "scone cli",
    key: Any = None,
) -> SelfMade:
    """Like the CLI's own by default: self-signed, a space in its DNS name, valid 1975 to 4096."""
    key = (
        key
        or {
            "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rcgen self signed cert")])
    start, end = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in years)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .sign(key, None if kind == "ed25519" else hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = folder / f"client-{x509.random_serial_number():x}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    return SelfMade(pem.decode(), file, key)


@pytest.fixture(scope="session")
def make_client(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SelfMade]:
    """Return a function that makes another client certificate."""
    folder = tmp_path_factory.mktemp("clients")
    return lambda *args, **more: self_made(folder, *args, **more)


@pytest.fixture(scope="session")
def alice(make_client: Callable[..., SelfMade]) -> SelfMade:
    return make_client()


@pytest.fixture(scope="session")
def bob(make_client: Callable[..., SelfMade]) -> SelfMade:
    return make_client()
