"""Intel's certificates and revocation lists, as they are served. Shown here, never judged."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from casnb.base.errors import EvidenceError, neutral
from casnb.base.times import stamp
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import FieldRow
from casnb.evidence.pck import PckExtension

if TYPE_CHECKING:
    from cryptography import x509

_PCK = "Intel SGX PCK certificate specification, 1.3"
SGX_EXTENSION = "1.2.840.113741.1.13.1"
#: A certificate is under 2 kB, Intel's largest revocation list a few kB.
CERTIFICATE_LIMIT, CRL_LIMIT = 64 << 10, 2 << 20


@dataclass(frozen=True)
class RevocationList(Shown):
    """A certificate revocation list: `der`, its issuer's common name, dates, and how many it
    lists. `chain` is its issuer chain in PEM, where one came with it. Not checked: its signature.
    """

    der: bytes = field(repr=False)
    issuer: str
    issued: datetime
    next_update: datetime | None
    revoked: int
    chain: str = field(repr=False, default="")

    @classmethod
    def from_der(cls, der: bytes, chain: str = "") -> RevocationList:
        """Read a list in DER; raise EvidenceError."""
        from cryptography import x509

        what = "revocation list"
        if len(der) > CRL_LIMIT:
            raise EvidenceError(what, got=f"{len(der)} bytes", wanted=f"at most {CRL_LIMIT}")
        try:
            found = x509.load_der_x509_crl(der)
            issued, following = _when(found, "last_update"), _when(found, "next_update")
            issuer, count = _name(found.issuer), len(found)
        except EvidenceError:
            raise
        except Exception:  # cryptography raises many kinds for hostile DER
            raise EvidenceError(what, got="malformed DER", wanted="an X.509 list") from None
        assert issued is not None
        return cls(der, issuer, issued, following, count, chain)

    @property
    def title(self) -> str:
        """What it is, in words."""
        return f"revocation list of {neutral(self.issuer or 'an unnamed issuer', 60)}"

    def fields(self) -> list[FieldRow]:
        """Return issuer, dates and the number of entries."""
        following = "none" if self.next_update is None else stamp(self.next_update)
        return [
            FieldRow("issuer", 0, 0, self.issuer, "who signed it; not checked here", "RFC 5280, 5"),
            FieldRow("thisUpdate", 0, 0, stamp(self.issued), "when it was made", "RFC 5280, 5"),
            FieldRow("nextUpdate", 0, 0, following, "when it is out of date", "RFC 5280, 5"),
            FieldRow("entries", 0, 0, str(self.revoked), "revoked certificates", "RFC 5280, 5"),
        ]

    def to_json_dict(self) -> dict[str, Any]:
        """Return issuer, dates, the number of entries and the list in hex."""
        return {
            "type": "revocation-list",
            "issuer": self.issuer,
            "this_update": stamp(self.issued),
            "next_update": None if self.next_update is None else stamp(self.next_update),
            "entries": self.revoked,
            "der": self.der.hex(),
            "issuer_chain": self.chain,
        }

    def __str__(self) -> str:
        return rows_text(self.fields())

    def _html(self) -> str:
        return rows_html(self.fields(), self.title)


#: What Intel's certificates are for, by the end of their common name.
ROLES: Mapping[str, str] = {
    "SGX PCK Certificate": "it says which platform, it is not evidence",
    "SGX PCK Platform CA": "it signs the PCK certificates of multi-package platforms",
    "SGX PCK Processor CA": "it signs the PCK certificates of single processors",
    "SGX TCB Signing": "its key signs TCB info and QE identity",
    "SGX Root CA": "the root of DCAP; trust comes from the pinned one alone",
    "SGX Attestation Report Signing": "its key signed IAS reports",
    "SGX Attestation Report Signing CA": "the root of IAS report signing",
}
_TYPES = {0: "standard", 1: "scalable", 2: "scalable with integrity"}


@dataclass(frozen=True)
class IntelCertificate(Shown):
    """One of Intel's certificates. `chain` is the PEM text that it came in (this one first), `pck`
    what a PCK certificate says of its platform. Not checked: who signed it.
    """

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    serial: int
    valid: tuple[datetime, datetime]
    pck: PckExtension | None = None
    chain: str = field(repr=False, default="")

    @classmethod
    def from_der(cls, der: bytes, chain: str = "") -> IntelCertificate:
        """Read a certificate whose common name is one of Intel's, or that has the SGX extension;
        raise EvidenceError for another.
        """
        from cryptography import x509

        what = "certificate"
        if len(der) > CERTIFICATE_LIMIT:
            raise EvidenceError(
                what, got=f"{len(der)} bytes", wanted=f"at most {CERTIFICATE_LIMIT}"
            )
        try:
            found = x509.load_der_x509_certificate(der)
            names = _name(found.subject), _name(found.issuer)
            first, last = _when(found, "not_valid_before"), _when(found, "not_valid_after")
            serial = found.serial_number
            sgx = [
                e.value.value
                for e in found.extensions
                if e.oid.dotted_string == SGX_EXTENSION
                and isinstance(e.value, x509.UnrecognizedExtension)
            ]
        except Exception:  # cryptography raises many kinds for hostile DER
            raise EvidenceError(what, got="malformed DER", wanted="an X.509 certificate") from None
        pck = PckExtension.from_der(sgx[0]) if sgx else None
        if pck is None and not names[0].endswith(tuple(ROLES)):
            raise EvidenceError(
                what,
                got=f"one for {neutral(names[0] or 'nobody', 60)}",
                wanted="one of Intel's, or one that carries evidence",
            )
        assert first is not None and last is not None
        return cls(der, *names, serial, (first, last), pck, chain)

    @property
    def role(self) -> str:
        """What a certificate of this name is for."""
        return next((said for end, said in ROLES.items() if self.subject.endswith(end)), "")

    @property
    def title(self) -> str:
        """What it is, in words."""
        name = "Intel PCK certificate" if self.pck else neutral(self.subject, 80)
        return f"{name}{f' ({self.role})' if self.role else ''}"

    @property
    def ca(self) -> str:
        """`platform` or `processor`, by the name of a PCK certificate's issuer; else empty."""
        return ca_of(self.issuer)

    def fields(self) -> list[FieldRow]:
        """Return names, dates, and what a PCK certificate says of its platform."""
        rfc = "RFC 5280, 4.1"
        rows = [
            FieldRow("subject", 0, 0, self.subject, "whose key it is", rfc),
            FieldRow("issuer", 0, 0, self.issuer, "who signed it; not checked here", rfc),
            FieldRow("serial number", 0, 0, f"{self.serial:x}", "what a list would name", rfc),
            FieldRow("valid from", 0, 0, stamp(self.valid[0]), "", rfc),
            FieldRow("valid to", 0, 0, stamp(self.valid[1]), "", rfc),
        ]
        return rows if self.pck is None else rows + pck_rows(self.pck, self.ca)

    def to_json_dict(self) -> dict[str, Any]:
        """Return names, serial number, dates, and the platform under `pck`."""
        return {
            "type": "certificate",
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": f"{self.serial:x}",
            "valid_from": stamp(self.valid[0]),
            "valid_to": stamp(self.valid[1]),
            "pck": None if self.pck is None else pck_json(self.pck, self.ca),
        }

    def __str__(self) -> str:
        return rows_text(self.fields())

    def _html(self) -> str:
        return rows_html(self.fields(), self.title)


def ca_of(issuer: str) -> str:
    """Return `platform` or `processor` for the common name of a PCK authority, else nothing."""
    return next((c for c in ("platform", "processor") if f"pck {c} ca" in issuer.lower()), "")


def pck_rows(pck: PckExtension, ca: str) -> list[FieldRow]:
    """Return what a PCK certificate says of its platform, one row each."""

    def said(value: bool | None) -> str:
        return "not stated" if value is None else "yes" if value else "no"

    cells = [
        ("CA", ca or "unknown", "which authority; the revocation list to fetch is its"),
        ("FMSPC", pck.fmspc.hex().upper(), "the platform model; the TCB info to fetch is its"),
        ("PCEID", pck.pce_id.hex().upper(), "the provisioning certification enclave"),
        ("PCESVN", str(pck.pce_svn), "that enclave's version"),
        ("component SVNs", " ".join(map(str, pck.components)), "what TCB levels are matched with"),
        ("CPUSVN", pck.cpu_svn.hex(), "the same, packed by the processor"),
        ("PPID", pck.ppid.hex(), "number of the platform"),
        (
            "SGX type",
            f"{pck.sgx_type} ({_TYPES.get(pck.sgx_type, 'unknown')})",
            "how memory is protected",
        ),
        (
            "platform instance",
            "not stated" if pck.instance_id is None else pck.instance_id.hex(),
            "number of this installation",
        ),
        ("dynamic platform", said(pck.dynamic_platform), "whether packages can be added"),
        ("cached keys", said(pck.cached_keys), "whether Intel keeps the platform root keys"),
        ("SMT", said(pck.smt_enabled), "whether hyperthreading is on"),
    ]
    return [FieldRow(name, 0, 0, value, meaning, _PCK) for name, value, meaning in cells]


def pck_json(pck: PckExtension, ca: str) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "ca": ca,
        "fmspc": pck.fmspc.hex().upper(),
        "pceid": pck.pce_id.hex().upper(),
        "pcesvn": pck.pce_svn,
        "components": list(pck.components),
        "cpusvn": pck.cpu_svn.hex(),
        "ppid": pck.ppid.hex(),
        "sgx_type": pck.sgx_type,
        "platform_instance_id": None if pck.instance_id is None else pck.instance_id.hex(),
        "dynamic_platform": pck.dynamic_platform,
        "cached_keys": pck.cached_keys,
        "smt_enabled": pck.smt_enabled,
    }


def rows_text(rows: list[FieldRow]) -> str:
    return text_table(
        ("name", "value", "meaning"), [(r.name, r.shown()[3], r.meaning) for r in rows]
    )


def rows_html(rows: list[FieldRow], caption: str) -> str:
    cells = [(r.name, r.shown()[3], r.meaning) for r in rows]
    return html_table(("name", "value", "meaning"), cells, caption, code=(1,))


def _when(source: Any, name: str) -> datetime | None:
    """Return a time of a certificate or list in UTC, whichever name cryptography has for it."""
    found = getattr(source, f"{name}_utc", None) or getattr(source, name)
    return None if found is None else found.replace(tzinfo=timezone.utc)


def _name(name: x509.Name) -> str:
    found = [str(a.value) for a in name if a.oid.dotted_string == "2.5.4.3"]
    return found[0] if len(found) == 1 else ""


#: Which header of Intel's services carries the issuer chain of what.
CHAIN_HEADERS: Mapping[str, str] = {
    "tcb-info-issuer-chain": "TCB info (PCS v4)",
    "sgx-tcb-info-issuer-chain": "TCB info (PCS v3)",
    "sgx-enclave-identity-issuer-chain": "QE identity",
    "sgx-pck-crl-issuer-chain": "PCK revocation list",
    "sgx-pck-certificate-issuer-chain": "PCK certificate",
}


def chain_of(headers: Mapping[str, str]) -> str:
    """Return the issuer chain that an answer's headers carry, as PEM, or an empty text."""
    for name in CHAIN_HEADERS:
        if value := headers.get(name, ""):
            return unquote(value)
    return ""


def pck_certificate(pem: bytes) -> IntelCertificate | None:
    """Return the PCK certificate of a chain in PEM, or None where there is none to be read."""
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END", pem)[:4]:
        try:
            found = IntelCertificate.from_der(base64.b64decode(block))
        except (EvidenceError, binascii.Error):
            continue
        if found.pck is not None:
            return found
    return None
