"""Revocation lists as their issuers write them, read strictly."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from casnb.base.errors import EvidenceError
from casnb.verify.certificate import Certificate, signed_parts

#: Intel's largest revocation list is a few kB; a text that encodes one may have this many
#: characters.
CRL_LIMIT = 4 << 20
_PEM_CRL = re.compile(r"\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*")


@dataclass(frozen=True, eq=False)
class Crl:
    """A revocation list, read and not yet believed. `window` is thisUpdate and nextUpdate, both
    inclusive.
    """

    tbs: bytes
    algorithm: bytes
    issuer: bytes
    value: x509.CertificateRevocationList
    window: tuple[datetime, datetime]

    @classmethod
    def read(cls, text: str, what: str) -> Crl:
        """Read DER in hex, or PEM; raise EvidenceError where it is malformed, partial, never
        ages, or has more than 4 MiB.
        """
        if not text.strip() or len(text) > CRL_LIMIT:
            raise EvidenceError(
                what,
                got=f"{len(text)} characters" if text.strip() else "nothing",
                wanted="a revocation list",
            )
        try:
            pem = _PEM_CRL.fullmatch(text)
            der = (
                base64.b64decode("".join(pem[1].split()), validate=True)
                if pem
                else bytes.fromhex(text)
            )
            value = x509.load_der_x509_crl(der)
            first, last, critical = (
                value.last_update_utc,
                value.next_update_utc,
                [e.oid for e in value.extensions if e.critical],
            )
        except Exception:  # cryptography raises many kinds for hostile DER
            raise EvidenceError(
                what, got="something else", wanted="a revocation list, DER in hex"
            ) from None
        if last is None:
            raise EvidenceError(
                f"{what}: nextUpdate",
                got="none",
                wanted="a date",
                do="A list that never ages proves nothing.",
            )
        # A delta or partial list says by a critical extension that it leaves out some of what is
        # revoked (RFC 5280, 5.2.4 and 5.2.5).
        if critical:
            raise EvidenceError(
                what,
                got=f"critical extension {critical[0].dotted_string}",
                wanted="a complete list",
            )
        tbs, algorithm, fields = signed_parts(der, what)
        if len(fields) < 4 or fields[0][0] != 0x02 or der[fields[1][1] : fields[1][2]] != algorithm:
            raise EvidenceError(what, got="another form", wanted="X.509 CRL version 2")
        return cls(tbs, algorithm, der[fields[2][1] : fields[2][2]], value, (first, last))

    def lists(self, certificate: Certificate) -> bool:
        """Whether the certificate's serial number is on the list."""
        return self.value.get_revoked_certificate_by_serial_number(certificate.serial) is not None
