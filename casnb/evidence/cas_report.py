"""The body of /v1/attest: evidence (`proof_data`), what it speaks for (`additional_data`), and
the hash that binds them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, UsageError, neutral
from casnb.base.strictjson import Member
from casnb.base.view import Shown, html_table, text_table
from casnb.checks.binding import Binding
from casnb.evidence.avr import SignedAvr, decode_base64
from casnb.evidence.layout import FieldRow
from casnb.evidence.quote import EpidQuote, Quote, parse_quote
from casnb.evidence.report import ReportBody

_CAS = "SCONE CAS /v1/attest"
_ALIASES = {
    "IASReport": "IASReport",
    "EPIDQuote": "EPIDQuote",
    "EPID": "EPIDQuote",
    "DCAPQuote": "DCAPQuote",
}
_NULL = type(None)

#: Members of `proof_data` by type, and of `additional_data`; others are kept, and those of
#: `additional_data` are bound too.
PROOF_DATA: dict[str, tuple[Member, ...]] = {
    "IASReport": (
        Member("type", str, "which form this is", True),
        Member("request_id", str, "number the service gave the request", True),
        Member("report_signature", str, "signature over the body, base64", True),
        Member("signing_certificate", str, "the service's certificates, leaf first, PEM", True),
        Member("advisory_url", (str, _NULL), "where advisories are described"),
        Member(
            "advisory_ids", (str, list, _NULL), "advisories, sent beside the report and unsigned"
        ),
        Member("body", str, "the IAS report, exactly as signed", True),
    ),
    "EPIDQuote": (
        Member("type", str, "which form this is", True),
        Member("quote", str, "the quote, base64", True),
        Member("spid", str, "service provider for the EPID signature", True),
        Member("linkable", bool, "whether the EPID signature can be linked"),
    ),
    "DCAPQuote": (
        Member("type", str, "which form this is", True),
        Member("quote", str, "the quote, base64", True),
        Member("endorsements", dict, "what Intel signed about platform and quoting enclave", True),
    ),
}
ADDITIONAL_DATA: tuple[Member, ...] = (
    Member("type", str, "which form this is", True),
    Member("nonce", str, "what the requester sent, hex", True),
    Member("cert_chain", str, "the CAS's certificates, PEM; exactly these bytes are bound", True),
)


@dataclass(frozen=True)
class CasReport(Shown):
    """An attestation report of a CAS. `to_json` gives back the bytes of a response as a CAS
    prints it.

    IASReport and EPIDQuote are the public forms; DCAPQuote, with its endorsements, is casnb's
    own. Not checked here: signatures, and whether the binding holds.
    """

    proof_type: str
    proof_data: dict[str, Any] = field(repr=False)
    additional_data: dict[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, data: bytes) -> CasReport:
        """Read a response body of at most 1 MiB; raise EvidenceError for malformed JSON, members
        or types.
        """
        body = strictjson.loads(data, "CAS report")
        proof = strictjson.member(body, "proof_data", dict, "CAS report")
        extra = strictjson.member(body, "additional_data", dict, "CAS report")
        if set(body) != {"proof_data", "additional_data"}:
            unknown = ", ".join(sorted(set(body) - {"proof_data", "additional_data"}))
            raise EvidenceError(
                "CAS report",
                got=f"further members ({unknown})",
                wanted="proof_data and additional_data",
            )
        return cls.build(proof, extra)

    @classmethod
    def build(cls, proof_data: dict[str, Any], additional_data: dict[str, Any]) -> CasReport:
        """Make a report from its two parts; raise EvidenceError where a member is missing or of
        the wrong type.
        """
        kind = strictjson.member(proof_data, "type", str, "CAS report: proof_data")
        if kind not in _ALIASES:
            raise EvidenceError(
                "CAS report: proof_data.type", got=kind, wanted="IASReport, EPIDQuote or DCAPQuote"
            )
        strictjson.conform(proof_data, PROOF_DATA[_ALIASES[kind]], "CAS report: proof_data")
        _advisories(proof_data.get("advisory_ids") if _ALIASES[kind] == "IASReport" else None)
        form = strictjson.member(additional_data, "type", str, "CAS report: additional_data")
        if form != "CasAttestationDataV1":
            raise EvidenceError(
                "CAS report: additional_data.type",
                got=form,
                wanted="CasAttestationDataV1",
                do="Later forms are not public.",
            )
        strictjson.conform(additional_data, ADDITIONAL_DATA, "CAS report: additional_data")
        return cls(_ALIASES[kind], proof_data, additional_data)

    def to_json(self) -> bytes:
        """Return the two-space JSON without final newline, members in their own order."""
        both = {"proof_data": self.proof_data, "additional_data": self.additional_data}
        return json.dumps(both, indent=2, ensure_ascii=False).encode("utf-8")

    @property
    def binding_digest(self) -> bytes:
        """SHA-512 (64 bytes) of the compact JSON of `additional_data`, members in their own
        order: what report_data must be.
        """
        return hashlib.sha512(strictjson.compact(self.additional_data)).digest()

    def binding(self, report_data: bytes) -> Binding:
        """Return whether evidence with this report data (64 bytes) speaks for the additional data
        here, the CAS's certificates and the nonce among them.
        """
        return Binding(
            "SHA-512 of additional_data",
            report_data.hex(),
            self.binding_digest.hex(),
            report_data,
            "the evidence was not made for these additional data",
        )

    @property
    def nonce(self) -> str:
        """The requester's nonce, hex as it was sent; empty if none was."""
        return str(self.additional_data["nonce"])

    @property
    def cert_chain_pem(self) -> bytes:
        """The CAS's certificates exactly as bound, line ends included."""
        return str(self.additional_data["cert_chain"]).encode("utf-8")

    def signed_avr(self) -> SignedAvr:
        """Return the IAS report with signature and certificates; raise UsageError for another
        type of proof.
        """
        self._want("IASReport")
        p = self.proof_data
        return SignedAvr(
            p["body"].encode("utf-8"),
            decode_base64(p["report_signature"], "CAS report: report_signature"),
            p["signing_certificate"].encode("utf-8"),
            p["request_id"],
            _advisories(p.get("advisory_ids")),
        )

    def quote(self) -> Quote | EpidQuote:
        """Return the quote: whole for EPIDQuote and DCAPQuote, its first 432 bytes for
        IASReport.
        """
        if self.proof_type == "IASReport":
            return self.signed_avr().avr.quote
        return parse_quote(decode_base64(self.proof_data["quote"], "CAS report: quote"))

    def endorsements_json(self) -> dict[str, Any]:
        """Return the endorsements that came with a DCAPQuote, as sent; raise UsageError for
        another type of proof.
        """
        self._want("DCAPQuote")
        return dict(self.proof_data["endorsements"])

    def report_body(self) -> ReportBody:
        """Return the report body inside the quote; unproven until verified."""
        return self.quote().body

    def _want(self, kind: str) -> None:
        if self.proof_type != kind:
            raise UsageError("CAS report", got=self.proof_type, wanted=kind)

    def fields(self) -> list[FieldRow]:
        """Return one row a member of both parts; offset and size do not apply and are 0."""
        parts = (
            ("proof_data", self.proof_data, PROOF_DATA[self.proof_type]),
            ("additional_data", self.additional_data, ADDITIONAL_DATA),
        )
        rows = []
        for part, values, table in parts:
            known = {m.name: m.meaning for m in table}
            rows += [
                FieldRow(
                    f"{part}.{name}",
                    0,
                    0,
                    value if isinstance(value, str) else strictjson.compact(value).decode(),
                    known.get(name, "not part of the form casnb knows"),
                    _CAS,
                )
                for name, value in values.items()
            ]
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return both parts as sent, the binding digest in hex, and the quote decoded."""
        return {
            "type": "cas-report",
            "proof_data": self.proof_data,
            "additional_data": self.additional_data,
            "binding_digest": self.binding_digest.hex(),
            "quote": self.quote().to_json_dict(),
        }

    def __repr__(self) -> str:
        return f"<CasReport {self.proof_type}, nonce {neutral(self.nonce, 32) or 'none'}>"

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(r.name, r.shown()[3], r.meaning) for r in self.fields()]
        return [
            *rows,
            (
                "SHA-512 of additional_data",
                self.binding_digest.hex()[:64] + "\N{HORIZONTAL ELLIPSIS}",
                "must stand in the evidence as report_data",
            ),
        ]

    def __str__(self) -> str:
        return text_table(("member", "value", "meaning"), self._rows())

    def _html(self) -> str:
        return html_table(
            ("member", "value", "meaning"),
            self._rows(),
            f"CAS report: {self.proof_type}",
            code=(1,),
        )


def _advisories(value: Any) -> tuple[str, ...]:
    """Read the unsigned list that came beside an IAS report: a comma-joined string, a list, or
    nothing.
    """
    if isinstance(value, str):
        return tuple(a.strip() for a in value.split(",") if a.strip())
    if not all(isinstance(a, str) for a in value or ()):
        raise EvidenceError(
            "CAS report: advisory_ids", got="a list of other things", wanted="strings"
        )
    return tuple(value or ())
