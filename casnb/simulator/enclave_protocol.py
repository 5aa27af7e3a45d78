"""What a service's enclave and a CAS say to each other. The real protocol is not public: this
one is casnb's own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from casnb.base import strictjson
from casnb.base.errors import UsageError

#: Where the enclave API listens, where it can.
ENCLAVE_PORT = 18765
CHALLENGE, CONFIGURATION, EXITED = (
    "/v1/enclave/challenge",
    "/v1/enclave/configuration",
    "/v1/enclave/exited",
)

_SERVICE = re.compile(r"[A-Za-z0-9_\-.~]{1,128}")
_PASSWORD = re.compile(r"[0-9]{6}")


def service_binding(nonce: str, key: bytes) -> bytes:
    """Return the report_data (64 bytes) of a service's quote: SHA-512 of a compact JSON with the
    CAS's nonce and its own TLS key.

    `key` is the public key in its DER form. The configuration is sent to the holder of that key
    alone: a quote that somebody passes on gets him nothing, and an old one does not repeat the
    nonce.
    """
    named = {
        "type": "CasnbServiceAttestationV1",
        "nonce": nonce,
        "tls_key_sha256": hashlib.sha256(key).hexdigest(),
    }
    return hashlib.sha512(strictjson.compact(named)).digest()


@dataclass(frozen=True)
class ConfigId:
    """What SCONE_CONFIG_ID holds: a session, a service in it, and a one-time password, if any."""

    session: str
    service: str
    password: str = ""

    @classmethod
    def parse(cls, text: str) -> ConfigId:
        """Read `SESSION/SERVICE`, or the same with `@123456`; raise UsageError for any other."""
        names, at, password = text.partition("@")
        session, slash, service = names.rpartition("/")
        if (
            not slash
            or not session
            or len(text) > 700
            or not text.isprintable()
            or not _SERVICE.fullmatch(service)
            or (at and not _PASSWORD.fullmatch(password))
        ):
            raise UsageError(
                "SCONE_CONFIG_ID",
                got=text,
                wanted="SESSION/SERVICE, with @ and six digits where a one-time password is wanted",
            )
        return cls(session.removeprefix("/"), service, password)

    def __str__(self) -> str:
        return f"{self.session}/{self.service}" + (f"@{self.password}" if self.password else "")
