"""The class server's own certificate: made once, kept in the course's folder, named in tickets by
its digest, so that no authority is needed and nobody in between is believed.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from casnb.base.errors import SourceError
from casnb.base.files import replace_file
from casnb.teach.class_line import PIN

FILE = "server.pem"
_YEARS = 5


def pinned(folder: Path, server: str) -> str:
    """Return a server's address as tickets have it: one that speaks TLS with the digest of the
    course's certificate, which is made where there is none yet. Raises SourceError.
    """
    if not server.startswith("https:"):
        return server
    certificate, _ = identity(folder)
    return server + PIN + hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def identity(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the certificate of a course's server, and its key. Raises SourceError."""
    path = folder / FILE
    try:
        data = path.read_bytes() if path.exists() else _made(path)
        key = load_pem_private_key(data, None)
        certificate = x509.load_pem_x509_certificate(data)
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="the server's key") from None
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SourceError(
            str(path),
            got="no key with its certificate",
            wanted="as casnb wrote it",
            do="Remove it; a new one is made, and tickets must be handed out again.",
        )
    return certificate, key


def _made(path: Path) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "casnb class server")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = pem + certificate.public_bytes(Encoding.PEM)
    replace_file(path, data, mode=0o600)
    return data
