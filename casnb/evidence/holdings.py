"""What an SGX user holds beside evidence: endorsements in one object, the CLI's configuration,
requests to Azure's attestation service. Shown here, never judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.base.view import Shown
from casnb.evidence.collateral import rows_html, rows_text
from casnb.evidence.layout import FieldRow
from casnb.evidence.quote import Quote, parse_quote
from casnb.evidence.report import ReportBody
from casnb.evidence.text_forms import unbase64

_SIZE = "casnb, docs/verification.md"
#: The members of Intel's collateral structure, and of casnb's and dcap-qvl's object.
COLLATERAL: Mapping[str, str] = {
    "version": "form of Intel's structure: 1, 3, 3.1 or 4",
    "tee_type": "0 for SGX, 0x81 for TDX",
    "pck_crl_issuer_chain": "who signed the list of revoked platforms, PEM",
    "root_ca_crl": "authorities that the root revoked",
    "pck_crl": "platforms that the PCK authority revoked",
    "tcb_info_issuer_chain": "who signed TCB info, PEM",
    "tcb_info": "patch levels of the platform model",
    "tcb_info_signature": "its signature, hex",
    "qe_identity_issuer_chain": "who signed QE identity, PEM",
    "qe_identity": "what a genuine quoting enclave looks like",
    "qe_identity_signature": "its signature, hex",
    "pck_certificate_chain": "the PCK certificate chain, for a quote that carries none",
}


@dataclass(frozen=True)
class _Holding(Shown):
    """Some JSON object, as rows."""

    members: Mapping[str, Any] = field(repr=False)

    def fields(self) -> list[FieldRow]:
        """Return one row a member."""
        raise NotImplementedError

    def __str__(self) -> str:
        return rows_text(self.fields())

    def _html(self) -> str:
        return rows_html(self.fields(), type(self).__name__)


@dataclass(frozen=True)
class EndorsementsObject(_Holding):
    """Endorsements in one object: what `casnb verify --endorsements` reads."""

    def fields(self) -> list[FieldRow]:
        """Return one row a member, with its size."""
        return [
            FieldRow(name, 0, 0, _size(value), COLLATERAL.get(name, "unknown"), _SIZE)
            for name, value in self.members.items()
        ]

    def to_json_dict(self) -> dict[str, Any]:
        """Return the members."""
        return {"type": "endorsements", **self.members}


def is_endorsements(members: Any) -> bool:
    """Whether an object has the names of Intel's collateral structure."""
    return isinstance(members, Mapping) and len(members.keys() & COLLATERAL.keys()) >= 4


@dataclass(frozen=True)
class CasConfiguration(_Holding):
    """The configuration of the SCONE CLI (~/.cas/config.json): the CASes that it has attested.
    It holds a private key, which is not shown.
    """

    def fields(self) -> list[FieldRow]:
        """Return one row for each CAS, and what else there is."""
        source = "SCONE CLI, config.json"
        known = strictjson.member(self.members, "cas_db", dict, "CAS configuration")
        rows = []
        default = self.members.get("default_cas")
        if isinstance(default, str):
            rows.append(FieldRow("default_cas", 0, 0, default, "used where none is named", source))
        for name, cas in list(known.items())[:100]:
            url = cas.get("url") if isinstance(cas, dict) else None
            parts = (
                ", ".join(k for k in cas if k != "url") if isinstance(cas, dict) else "malformed"
            )
            rows.append(FieldRow(name, 0, 0, str(url or "no URL"), f"with {parts}", source))
        if "identity" in self.members:
            rows.append(
                FieldRow("identity", 0, 0, "not shown", "your private key and certificate", source)
            )
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return the attested CASes by name; never the private key."""
        known = strictjson.member(self.members, "cas_db", dict, "CAS configuration")
        return {
            "type": "cas-configuration",
            "default_cas": self.members.get("default_cas"),
            "cas_db": known,
        }


_OE_HEADER = bytes.fromhex("0100000002000000")


@dataclass(frozen=True)
class AzureRequest(_Holding):
    """A request to Azure's attestation service: a quote, and the runtime data that it is about.
    `bound` is whether the report data is their SHA-256 and 32 zero bytes; None without such data.
    """

    quote: Quote = field(repr=False)
    bound: bool | None = None

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> AzureRequest:
        """Read `quote` (or `report`, with Open Enclave's header); raise EvidenceError."""
        what = "Azure attestation request"
        name = "quote" if "quote" in members else "report"
        text = strictjson.member(members, name, str, what)
        data = unbase64(text, f"{what}: {name}")
        quote = parse_quote(data[16:] if data.startswith(_OE_HEADER) else data)
        if not isinstance(quote, Quote):
            raise EvidenceError(f"{what}: {name}", got="an EPID quote", wanted="a DCAP quote")
        held = members.get("runtimeData")
        bound = None
        if isinstance(held, Mapping) and isinstance(held.get("data"), str):
            raw = unbase64(held["data"], f"{what}: runtimeData")
            bound = quote.body.report_data == hashlib.sha256(raw).digest() + bytes(32)
        return cls(members, quote, bound)

    @property
    def body(self) -> ReportBody:
        """The report body inside the quote; unproven."""
        return self.quote.body

    @property
    def sentence(self) -> str:
        """Whether the quote speaks for the runtime data, in words."""
        if self.bound is None:
            return "No runtime data came with it."
        fits = "is" if self.bound else "is not"
        return f"The report data {fits} the SHA-256 of the runtime data."

    def fields(self) -> list[FieldRow]:
        """Return the rows of the quote."""
        return self.quote.fields()

    def to_json_dict(self) -> dict[str, Any]:
        """Return the quote decoded, and whether it speaks for the runtime data."""
        return {
            "type": "azure-attestation-request",
            "bound_to_runtime_data": self.bound,
            "quote": self.quote.to_json_dict(),
        }


def _size(value: Any) -> str:
    if isinstance(value, str):
        return f"{len(value)} characters" if len(value) > 40 else value or "empty"
    return str(value) if isinstance(value, (int, float)) else type(value).__name__
