"""Who asks a simulated CAS: the client of a connection, and those who signed what it brings."""

from __future__ import annotations

from dataclasses import dataclass

from casnb.base.errors import EvidenceError
from casnb.session.session import canonical_pem, public_key
from casnb.session.signed import Signed
from casnb.simulator.server.http_answers import Refused


@dataclass(frozen=True)
class Client:
    """Who asks: the certificate from the TLS handshake and its public key (SPKI, DER).
    Possession of the key is proven there.
    """

    certificate: str
    key: bytes

    @classmethod
    def from_pem(cls, pem: str | None) -> Client | None:
        """Return the client that shows this certificate, None for none; raise Refused for a key
        that nobody can compare.
        """
        if not pem:
            return None
        try:
            return cls(canonical_pem(pem), public_key(pem))
        except EvidenceError as exc:
            raise Refused(400, "Client certificate cannot be used", str(exc)) from None


@dataclass(frozen=True)
class Who:
    """Who asks: the client of the connection, and those who signed what it brings."""

    client: Client | None
    signed: Signed | None = None

    @property
    def account(self) -> bytes | None:
        """The key whose quota is charged: the first signer's, else the client's."""
        if self.signed is not None:
            return self.signed.signatures[0].key
        return self.client.key if self.client else None
