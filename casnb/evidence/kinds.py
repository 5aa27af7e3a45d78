"""Every kind of thing that an SGX user holds, one row each: `casnb decode`, its help and its
documentation read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.collateral import IntelCertificate, RevocationList, chain_of
from casnb.evidence.holdings import (
    AzureRequest,
    CasConfiguration,
    EndorsementsObject,
    is_endorsements,
)
from casnb.evidence.ias_forms import chain_pem, is_signed_report, signature_bytes, signed_report
from casnb.evidence.layout import FieldRow
from casnb.evidence.ledger import Ledger
from casnb.evidence.piece import Piece
from casnb.evidence.quote import READERS, SIGNED_SIZE, EpidQuote, Quote
from casnb.evidence.ratls import RaTlsCertificate, carries_evidence
from casnb.evidence.report import REPORT_BODY, ReportBody
from casnb.evidence.signed_lists import QE_IDENTITY, TCB_INFO, ListForm, SignedList
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import HEADER, SIGSTRUCT
from casnb.evidence.tdx import TDX_TYPE, TdxQuote


class Value(Protocol):
    """What every kind is read to: rows for people, members for programs."""

    def fields(self) -> list[FieldRow]:
        """Return one row a field."""
        ...

    def to_json_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        ...

    def _html(self) -> str: ...


@dataclass(frozen=True)
class Kind:
    """One kind: its name, what to do with it, how it is told, what reads it.

    `fits` looks at the beginning and the members alone; `read` raises EvidenceError for what
    fits and is malformed. `title` names a value more closely.
    """

    name: str
    use: str
    told_by: str
    fits: Callable[[Piece], bool]
    read: Callable[[Piece], Any]
    title: Callable[[Any], str] | None = None

    def titled(self, value: Any) -> str:
        """What a value of this kind is, in words."""
        return self.title(value) if self.title else self.name


_SGX_OID = bytes.fromhex("060a2a864886f84d010d01")


def _binary(piece: Piece) -> bool:
    return not piece.text and len(piece.data) <= strictjson.LIMIT


def _version(piece: Piece) -> int:
    return int.from_bytes(piece.data[:2], "little") if _binary(piece) else 0


def _tdx(piece: Piece) -> bool:
    return piece.data[4:8] == TDX_TYPE.to_bytes(4, "little")


def _der(piece: Piece) -> bool:
    return piece.data[:1] == b"\x30" and piece.data[1:2] in (b"\x82", b"\x83") and _binary(piece)


def _intel(piece: Piece) -> bool:
    return b"Intel SGX " in piece.data or _SGX_OID in piece.data


def _list(piece: Piece) -> bool:
    """Whether DER is a revocation list: no version in brackets, but an integer or the algorithm."""
    inner = 4 + (piece.data[1] == 0x83)
    start = inner + {0x82: 4, 0x83: 5, 0x81: 3}.get(piece.data[inner + 1], 2)
    return piece.data[start : start + 3] == b"\x02\x01\x01" or piece.data[start] == 0x30


def _signed(form: ListForm) -> Callable[[Piece], SignedList]:
    return lambda p: SignedList.from_json(p.json_text or b"", form, chain_of(p.headers))


def _foreign(piece: Piece) -> Any:
    raise EvidenceError("quote: version", got="5, for an SGX enclave", wanted="3 or 4", do=READERS)


def _ias_parts(piece: Piece) -> bool:
    return "x-iasreport-signature" in piece.headers and piece.members("isvEnclaveQuoteBody")


def _ias_answer(piece: Piece) -> SignedAvr:
    h = piece.headers
    chain = h.get("x-iasreport-signing-certificate", "")
    if not chain:
        raise EvidenceError(
            "signed IAS report",
            got="no header X-IASReport-Signing-Certificate",
            wanted="it beside X-IASReport-Signature",
        )
    listed = tuple(a.strip() for a in h.get("advisory-ids", "").split(",") if a.strip())
    signature = signature_bytes(h["x-iasreport-signature"], "X-IASReport-Signature")
    return SignedAvr(piece.data, signature, chain_pem(chain), h.get("request-id", ""), listed)


_ENDORSEMENT = "It goes with a DCAP quote: casnb endorsements build puts such files together."
_PROVE = "casnb verify says whether somebody vouches for it."

#: In the order in which they are tried; the first that fits is read.
KINDS: list[Kind] = [
    Kind(
        "SGXS stream (MRENCLAVE ledger)",
        "casnb measure computes its MRENCLAVE.",
        "the bytes ECREATE and zero",
        lambda p: p.data[:8] == b"ECREATE\0",
        lambda p: Ledger.from_bytes(p.data),
    ),
    Kind(
        "SIGSTRUCT",
        "casnb measure checks its signature.",
        "its constant header, or 1808 bytes",
        lambda p: p.data.startswith(HEADER) or (len(p.data) == SIGSTRUCT.size and _binary(p)),
        lambda p: SigStruct.from_bytes(p.data),
    ),
    Kind(
        "SGX report body",
        "Nobody signs it: it is what a quote is about.",
        "384 bytes",
        lambda p: len(p.data) == REPORT_BODY.size and _binary(p),
        lambda p: ReportBody.from_bytes(p.data),
    ),
    Kind(
        "SGX local report (without key id and MAC)",
        "Only the enclave it was made for, on the same machine, can check it.",
        "432 bytes that are no quote",
        lambda p: len(p.data) == SIGNED_SIZE and _binary(p) and _version(p) not in (2, 3),
        lambda p: ReportBody.from_bytes(p.data[: REPORT_BODY.size]),
    ),
    Kind(
        "EPID quote",
        "Only Intel's attestation service could judge it, and that has ended.",
        "version 2",
        lambda p: _version(p) == 2,
        lambda p: EpidQuote.from_bytes(p.data),
        lambda q: "EPID quote, version 2",
    ),
    Kind(
        "DCAP quote",
        _PROVE,
        "version 3, or version 4 with TEE type 0",
        lambda p: _version(p) == 3 or (_version(p) == 4 and not _tdx(p)),
        lambda p: Quote.from_bytes(p.data),
        lambda q: f"DCAP quote, version {q.version}" + (", SGX" if q.version > 3 else ""),
    ),
    Kind(
        "TDX quote",
        f"A quote of a TDX trust domain. {READERS}",
        "version 4 or 5 with TEE type 0x81",
        lambda p: _version(p) in (4, 5) and _tdx(p),
        lambda p: TdxQuote.from_bytes(p.data),
        lambda q: f"TDX quote, version {q.version}, TD {q.td_version}",
    ),
    Kind(
        "DCAP quote, version 5",
        READERS,
        "version 5 with TEE type 0",
        lambda p: _version(p) == 5,
        _foreign,
    ),
    Kind(
        "RA-TLS certificate",
        _PROVE,
        "an X.509 certificate with an extension that holds evidence",
        lambda p: _der(p) and not _list(p) and (carries_evidence(p.data) or not _intel(p)),
        lambda p: RaTlsCertificate.from_der(p.data),
        lambda c: f"RA-TLS certificate with {c.form}",
    ),
    Kind(
        "Intel certificate",
        "A PCK certificate's FMSPC and CA say which lists to fetch.",
        "an X.509 certificate with one of Intel's names, or the SGX extension",
        lambda p: _der(p) and not _list(p),
        lambda p: IntelCertificate.from_der(p.data, p.chain.decode("ascii", "replace")),
        lambda c: c.title,
    ),
    Kind(
        "revocation list",
        _ENDORSEMENT,
        "an X.509 revocation list in DER",
        lambda p: _der(p) and _list(p),
        lambda p: RevocationList.from_der(p.data, chain_of(p.headers)),
        lambda c: c.title,
    ),
    Kind(
        "CAS report",
        _PROVE,
        "the member proof_data",
        lambda p: p.members("proof_data"),
        lambda p: CasReport.from_json(p.json_text or b""),
    ),
    Kind(
        "signed IAS report",
        _PROVE,
        "an HTTP answer with X-IASReport-Signature, or report and signing_cert under any name",
        lambda p: _ias_parts(p) or is_signed_report(p.json),
        lambda p: _ias_answer(p) if _ias_parts(p) else signed_report(p.json),
    ),
    Kind(
        "IAS report body",
        "It needs its signature and chain: casnb verify FILE --signature FILE --chain FILE.",
        "the member isvEnclaveQuoteBody",
        lambda p: p.members("isvEnclaveQuoteBody"),
        lambda p: Avr.from_json(p.json_text or b""),
    ),
    Kind(
        "TCB info",
        _ENDORSEMENT,
        "the member tcbInfo, or fmspc and tcbLevels",
        lambda p: p.members("tcbInfo") or p.members("fmspc", "tcbLevels"),
        _signed(TCB_INFO),
        lambda v: v.title,
    ),
    Kind(
        "QE identity",
        _ENDORSEMENT,
        "the member enclaveIdentity, or mrsigner and tcbLevels",
        lambda p: p.members("enclaveIdentity") or p.members("mrsigner", "tcbLevels"),
        _signed(QE_IDENTITY),
        lambda v: v.title,
    ),
    Kind(
        "endorsements",
        "They go with a DCAP quote: casnb verify QUOTE --endorsements FILE.",
        "the member names of Intel's collateral structure",
        lambda p: is_endorsements(p.json),
        lambda p: EndorsementsObject(p.json),
        lambda e: "endorsements: what Intel signed about a platform",
    ),
    Kind(
        "CAS configuration",
        "scone cas list shows it; keep it to yourself, it holds your private key.",
        "the member cas_db",
        lambda p: p.members("cas_db"),
        lambda p: CasConfiguration(p.json),
    ),
    Kind(
        "Azure attestation request",
        "Its quote can be verified: casnb verify.",
        "quote or report, and runtimeData or initTimeData",
        lambda p: (
            (p.members("quote") or p.members("report"))
            and (p.members("runtimeData") or p.members("initTimeData"))
        ),
        lambda p: AzureRequest.from_members(p.json),
    ),
]
