"""The certificates of a CAS read for a human: what is in them, what is not, and what follows for
whoever relies on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from casnb.base.errors import EvidenceError, neutral
from casnb.evidence.der import tlv
from casnb.tls.diagnoses import TLS_NAME

#: Extensions by name, and the DER of their object identifiers (2.5.29.x; the last is authority
#: information access).
_OIDS = {
    "basic constraints": "0603551d13",
    "subject alternative name": "0603551d11",
    "key usage": "0603551d0f",
    "extended key usage": "0603551d25",
    "authority key identifier": "0603551d23",
    "name constraints": "0603551d1e",
    "CRL distribution points": "0603551d1f",
    "authority information access": "06082b06010505070101",
}
#: From this year on an end date is none.
_FOR_EVER = 2200
_SAME = (
    "All CASes use these names, so a name proves nothing and the keys everything. With the"
    " certificates of another CAS, TLS fails on a signature, not on an unknown issuer: the cryptic"
    " error."
)


class Finding(NamedTuple):
    """One thing about the certificates: what one looks at, what was found, what it means."""

    about: str
    found: str
    meaning: str


def extensions(certificate: x509.Certificate) -> list[tuple[bytes, bytes]]:
    """Return object identifier and value (both DER) of every extension, read by hand.

    In CASes of 2019 one extension, the key identifier, is not DER and stops a parser. Malformed
    certificates have none.
    """
    der = certificate.tbs_certificate_bytes
    found: list[tuple[bytes, bytes]] = []
    try:
        for tag, start, end in _inside(der, *tlv(der, 0, len(der))[1:]):
            if tag != 0xA3:
                continue
            for _, at, stop in _inside(der, *tlv(der, start, end)[1:]):
                first, *_, (_, value, last) = _inside(der, at, stop)
                found.append((der[at : first[2]], der[value:last]))
    except (EvidenceError, IndexError, ValueError):
        return []
    return found


def _inside(der: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield tag, start and end of each DER value in a stretch of bytes."""
    while at < end:
        tag, start, at = tlv(der, at, end)
        yield tag, start, at


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basic constraints, said once, allow it to issue others."""
    said = _values(certificate, "basic constraints")
    return len(said) == 1 and said[0][:1] == b"\x30" and said[0][2:5] == b"\x01\x01\xff"


def _values(certificate: x509.Certificate, name: str) -> list[bytes]:
    return [value for oid, value in extensions(certificate) if oid.hex() == _OIDS[name]]


def common_name(name: x509.Name) -> str:
    """Return the common name, or all of the name where there is none; neutralised."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return neutral(found[0].value, 80) if found else neutral(name.rfc4514_string(), 80)


def findings(certificates: Sequence[x509.Certificate]) -> tuple[Finding, ...]:
    """Return what a reader of a CAS's chain should notice, in the order in which it surprises.

    What was found is read from these very certificates; nothing is assumed to be as it usually is.
    """
    last = max(c.not_valid_after_utc for c in certificates)
    authorities = [is_authority(c) for c in certificates]
    names = [common_name(c.subject) for c in certificates]
    for_ever = last.year >= _FOR_EVER
    limited = _has(certificates, "name constraints") or any(
        len(v) > 5 for c in certificates for v in _values(c, "basic constraints")
    )
    return (
        Finding(
            "may they issue others",
            ", ".join("CA:TRUE" if a else "not an authority" for a in authorities),
            "They are authorities, for this one CAS alone. So neither is what the server presents:"
            " the TLS port presents a third certificate, the leaf (CA:FALSE), which cas-instance"
            " signed.",
        ),
        Finding(
            "subject alternative name",
            _said(certificates, "subject alternative name"),
            "A TLS client looks for the host's name there and nowhere else. The leaf has one, and"
            f" it says {TLS_NAME} and localhost, not the address.",
        ),
        Finding(
            "connecting",
            f"the name to verify is {TLS_NAME!r}",
            "Where a CAS listens may change, what it is called does not: connect to any address,"
            f" and verify that name (curl: --connect-to {TLS_NAME}:8081:ADDRESS:8081"
            f" https://{TLS_NAME}:8081/...).",
        ),
        Finding(
            "names",
            ", ".join(names),
            (
                _SAME
                if set(names) == {"cas", "cas-instance"}
                else "No CAS that is known uses these names. Whose certificates are they?"
            ),
        ),
        Finding(
            "valid until",
            f"{last:%Y-%m-%d}",
            (
                "No end date protects you, so nothing ends by itself: it ends when you stop giving"
                " the file to your tools. Attest again from time to time."
                if for_ever
                else "After that TLS refuses them; attest the CAS again."
            ),
        ),
        Finding(
            "what they could sign",
            "limits are set" if limited else "no limit on names, uses or depth",
            "Whoever holds one of these keys could sign for any name there is, a bank's too. What"
            " stops that is where you put the file: give it to one tool for one call (--cacert),"
            " never to the system's or browser's store. And that the keys stay in the enclave,"
            " which a debug enclave does not promise.",
        ),
        Finding(
            "revocation",
            _said(certificates, "CRL distribution points", "authority information access"),
            "Nobody can call them back. If the CAS was broken into, only you can stop trusting"
            " them.",
        ),
        Finding(
            "key usage, authority key identifier",
            _said(certificates, "key usage", "authority key identifier"),
            "Python 3.13 and later refuses chains without them unless ssl.VERIFY_X509_STRICT is"
            " taken out of verify_flags. Signature, name and dates are checked all the same.",
        ),
    )


def _has(certificates: Sequence[x509.Certificate], name: str) -> bool:
    return any(_values(c, name) for c in certificates)


def _said(certificates: Sequence[x509.Certificate], *names: str) -> str:
    present = [name for name in names if _has(certificates, name)]
    return ("there: " + ", ".join(present)) if present else "none"
