"""Who a client is towards a server: a key and its certificate."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.verify.keyhash import key_hash


@dataclass(frozen=True)
class ClientIdentity(Shown):
    """A client's key and certificate, PEM: PKCS#8 key, then X.509. The key is a secret and is
    never shown.
    """

    pem: str = field(repr=False)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> ClientIdentity:
        """Read a key followed by its certificate; raise EvidenceError where one is missing or
        they do not belong together.
        """
        text = pem if isinstance(pem, str) else pem.decode("ascii", "replace")
        found = cls(text)
        try:
            key = serialization.load_pem_private_key(found.key_pem.encode(), None)
            same = key.public_key() == found.certificate.public_key()
        except (
            Exception
        ):  # cryptography raises many kinds for malformed keys; none may quote the key
            raise EvidenceError(
                "client identity", got="text without a key and certificate", wanted="both, in PEM"
            ) from None
        if not same:
            raise EvidenceError(
                "client identity",
                got="a certificate for another key",
                wanted="the key's own certificate",
            )
        return found

    @classmethod
    def create(cls) -> ClientIdentity:
        """Make a new P-256 key and the self-signed certificate that the SCONE CLI makes: valid
        1975 to 4096, no CA.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rcgen self signed cert")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(os.urandom(8), "big") >> 1 or 1)
            .not_valid_before(datetime(1975, 1, 1, tzinfo=timezone.utc))
            .not_valid_after(datetime(4096, 1, 1, tzinfo=timezone.utc))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("scone cli")]), critical=False)
        )
        certificate = builder.sign(key, hashes.SHA256())
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return cls((secret + certificate.public_bytes(serialization.Encoding.PEM)).decode())

    def show_in(self, context: ssl.SSLContext) -> None:
        """Have a TLS context show this certificate; Python reads it from a file alone, so there
        is one for a moment.
        """
        with tempfile.TemporaryDirectory(prefix="casnb-") as folder:
            file = Path(folder) / "identity.pem"
            file.touch(mode=0o600)
            file.write_text(self.pem)
            context.load_cert_chain(file)

    @property
    def certificate_pem(self) -> str:
        """The certificate alone: this is what a session's `creator` shows."""
        begin = self.pem.find("-----BEGIN CERTIFICATE-----")
        return self.pem[begin:] if begin >= 0 else ""

    @property
    def key_pem(self) -> str:
        """The private key alone. A secret."""
        return self.pem[: max(0, self.pem.find("-----BEGIN CERTIFICATE-----"))]

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_pem.encode())

    @property
    def key_hash(self) -> str:
        """The hash of the public key, by which a CAS knows this client."""
        return key_hash(self.certificate)

    def _rows(self) -> list[tuple[str, str]]:
        c = self.certificate
        return [
            ("subject", c.subject.rfc4514_string()),
            ("key hash", self.key_hash),
            ("serial", f"{c.serial_number:X}"),
            ("private key", "kept, not shown"),
        ]

    def __repr__(self) -> str:
        return f"<ClientIdentity {self.key_hash}>"

    def __str__(self) -> str:
        return text_table(("client identity", "value"), self._rows())

    def _html(self) -> str:
        return html_table(("client identity", "value"), self._rows(), code=(1,))
