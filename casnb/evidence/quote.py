"""Quotes: a report body with the signature of a quoting enclave, as DCAP v3 (ECDSA) and EPID v2
lay them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import Field, FieldRow, Layout
from casnb.evidence.quote_layout import (
    AUTH_DATA,
    CERTIFICATION,
    CERTIFICATION_DATA,
    EPID_HEADER,
    EPID_SIGNATURE,
    LENGTH,
    QE_CERTIFICATION,
    QUOTE_HEADER,
    SIGNATURE_DATA,
)
from casnb.evidence.report import REPORT_BODY, ReportBody

SIGNED_SIZE = QUOTE_HEADER.size + REPORT_BODY.size
_CERTIFICATION_TYPES = range(1, 6)
#: Signature and attestation key, which come first in the signature data.
_KEYS = SIGNATURE_DATA["qe_report"].offset
READERS = "casnb does not read it; dcap-qvl and Intel's quote verification library do."


def _without_frame(data: bytes, at: int) -> bytes:
    """Return a quote of version 4 laid out as version 3: without the type and size at `at`."""
    kind, size = CERTIFICATION.unpack(data, at)
    if kind != QE_CERTIFICATION:
        raise EvidenceError(
            "quote: certification data type",
            got=kind,
            wanted=f"{QE_CERTIFICATION} (the quoting enclave's part) in version 4",
        )
    if size != len(data) - at - CERTIFICATION.size:
        raise EvidenceError(
            "quote: certification data length",
            got=f"{size} bytes",
            wanted=f"the {len(data) - at - CERTIFICATION.size} that follow",
        )
    return data[:at] + data[at + CERTIFICATION.size :]


def _take(data: bytes, offset: int, size: int, what: str) -> bytes:
    if size > len(data) - offset:
        left = len(data) - offset
        raise EvidenceError(
            f"quote: {what}",
            got=f"a length of {size} bytes",
            wanted=f"at most the {left} that are left",
            do="The quote is cut short or its length field was changed.",
        )
    return data[offset : offset + size]


@dataclass(frozen=True, slots=True)
class Quote(Shown):
    """A DCAP quote of an SGX enclave, version 3 or 4; `from_bytes` and `to_bytes` are exact
    inverses. Version 4 has the same parts, with type 6 and a size before the QE report.

    `received` are the bytes that it was read from; None for one that was put together, also by
    `dataclasses.replace`. Two quotes of the same parts are equal, wherever they come from.

    Not checked here: any signature, and header values other than version, key type and TEE type,
    which decide how the bytes are read. Source: Intel SGX ECDSA QuoteLibReference, A.4; integers
    little-endian.
    """

    version: int
    att_key_type: int
    tee_type: int
    qe_svn: int
    pce_svn: int
    qe_vendor_id: bytes
    user_data: bytes
    body: ReportBody
    signature: bytes
    attestation_key: bytes
    qe_report: ReportBody
    qe_report_signature: bytes
    auth_data: bytes
    certification_type: int
    certification_data: bytes
    # Not of __init__: what `replace` makes must never carry the bytes of what it was made from.
    received: bytes | None = field(default=None, init=False, repr=False, compare=False)

    LAYOUT: ClassVar[Layout] = QUOTE_HEADER

    @classmethod
    def from_bytes(cls, data: bytes) -> Quote:
        """Read one whole quote; raise EvidenceError for another version, a wrong length, or
        anything left over.
        """
        whole = data = bytes(data)
        header = QUOTE_HEADER.unpack(data)
        if header[0] in (4, 5) and header[2] == 0x81:
            raise EvidenceError(
                "quote: TEE type",
                got=f"0x81 (TDX), in version {header[0]}",
                wanted="0 (SGX)",
                do=f"A quote of a TDX trust domain. {READERS}",
            )
        if header[0] not in (3, 4):
            hint = {2: "This is an EPID quote.", 5: READERS}.get(header[0], "This is not a quote.")
            raise EvidenceError("quote: version", got=header[0], wanted="3 or 4", do=hint)
        # Before anything else is read: the type decides how the signature data are laid out.
        if header[1] != 2:
            raise EvidenceError(
                "quote: attestation key type",
                got=header[1],
                wanted="2 (ECDSA with P-256)",
                do="Another type lays the signature data out differently.",
            )
        if header[2] != 0:
            raise EvidenceError(
                "quote: TEE type",
                got=f"0x{header[2]:x}",
                wanted="0 (SGX)",
                do=f"A quote of a TDX trust domain. {READERS}",
            )
        body = ReportBody(*REPORT_BODY.unpack(data, QUOTE_HEADER.size))
        (size,) = LENGTH.unpack(data, SIGNED_SIZE)
        at = SIGNED_SIZE + LENGTH.size
        # Equal, not at most: bytes after the quote are signed by nobody, and a reader that takes
        # them for part of it reads something else than we do.
        if size != len(data) - at:
            raise EvidenceError(
                "quote: signature length",
                got=f"{size} bytes",
                wanted=f"the {len(data) - at} that follow",
                do="The quote is cut short, or something was appended to it.",
            )
        if header[0] == 4:
            data = _without_frame(data, at + _KEYS)
        signature, key, qe_report, qe_signature, auth_size = SIGNATURE_DATA.unpack(data, at)
        at += SIGNATURE_DATA.size
        auth = _take(data, at, auth_size, "authentication data")
        at += auth_size
        kind, cert_size = CERTIFICATION.unpack(data, at)
        at += CERTIFICATION.size
        if kind not in _CERTIFICATION_TYPES:
            raise EvidenceError("quote: certification data type", got=kind, wanted="1 to 5")
        if cert_size != len(data) - at:
            raise EvidenceError(
                "quote: certification data length",
                got=f"{cert_size} bytes",
                wanted=f"the {len(data) - at} that follow",
            )
        qe_body = ReportBody(*REPORT_BODY.unpack(qe_report))
        found = cls(*(*header, body, signature, key, qe_body, qe_signature, auth, kind, data[at:]))
        object.__setattr__(found, "received", whole)
        return found

    @property
    def whole(self) -> bytes:
        """The bytes that signatures are checked over: those received, or written from its parts."""
        return self.to_bytes() if self.received is None else self.received

    def to_bytes(self) -> bytes:
        """Return the quote's bytes written from its parts, lengths recomputed."""
        certification = (
            CERTIFICATION.pack((self.certification_type, len(self.certification_data)))
            + self.certification_data
        )
        fixed = SIGNATURE_DATA.pack(
            (
                self.signature,
                self.attestation_key,
                self.qe_report_bytes,
                self.qe_report_signature,
                len(self.auth_data),
            )
        )
        data = fixed + self.auth_data + certification
        if self.version == 4:
            frame = CERTIFICATION.pack((QE_CERTIFICATION, len(data) - _KEYS))
            data = data[:_KEYS] + frame + data[_KEYS:]
        return self.signed_bytes + LENGTH.pack((len(data),)) + data

    @property
    def frame(self) -> int:
        """How many bytes stand between the attestation key and the QE report: 0, or 6 in version
        4.
        """
        return CERTIFICATION.size if self.version == 4 else 0

    @property
    def qe_report_at(self) -> int:
        """The offset of the QE report in the quote."""
        return SIGNED_SIZE + LENGTH.size + _KEYS + self.frame

    @property
    def signed_bytes(self) -> bytes:
        """The 432 bytes that the attestation key signs: header and report body."""
        return QUOTE_HEADER.pack(QUOTE_HEADER.values(self)) + self.body.to_bytes()

    @property
    def qe_report_bytes(self) -> bytes:
        """The 384 bytes that the PCK key signs."""
        return self.qe_report.to_bytes()

    @property
    def pck_chain_pem(self) -> bytes:
        """The PCK certificate chain as sent; raise EvidenceError where the quote carries none
        (types 1 to 4).
        """
        if self.certification_type != 5:
            raise EvidenceError(
                "quote: certification data type",
                got=self.certification_type,
                wanted="5 (a PCK certificate chain)",
                do="Give the chain with the endorsements.",
            )
        return self.certification_data

    def fields(self) -> list[FieldRow]:
        """Return one row a field over the whole quote, offsets from its start."""
        start = SIGNED_SIZE + LENGTH.size
        auth = start + SIGNATURE_DATA.size + self.frame
        cert = auth + len(self.auth_data)
        rows = QUOTE_HEADER.rows(self) + self.body.fields(QUOTE_HEADER.size)
        sizes = {
            "auth_size": len(self.auth_data),
            "certification_size": len(self.certification_data),
        }
        total = (
            SIGNATURE_DATA.size
            + len(self.auth_data)
            + CERTIFICATION.size
            + len(self.certification_data)
            + self.frame
        )
        rows.append(_row(LENGTH.fields[0], total, SIGNED_SIZE))
        for f in SIGNATURE_DATA.fields:
            if f.name == "qe_report" and self.frame:
                frame = (QE_CERTIFICATION, total - _KEYS - self.frame)
                pairs = zip(CERTIFICATION.fields, frame, strict=True)
                rows += [_row(c, value, start + _KEYS) for c, value in pairs]
                start += self.frame
            value = (
                self.qe_report.to_bytes()
                if f.name == "qe_report"
                else sizes.get(f.name, getattr(self, f.name, b""))
            )
            rows.append(_row(f, value, start))
        rows.append(_row(placed(AUTH_DATA, auth, len(self.auth_data)), self.auth_data, 0))
        rows += [
            _row(f, sizes.get(f.name, self.certification_type), cert) for f in CERTIFICATION.fields
        ]
        last = placed(CERTIFICATION_DATA, cert + CERTIFICATION.size, len(self.certification_data))
        row = _row(last, self.certification_data, 0)
        head = self.certification_data[:27].decode("ascii", "replace")
        rows.append(replace(row, value=head) if self.certification_type == 5 else row)
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return header, both report bodies and the signature data by name, bytes as hex."""
        return {
            "type": "dcap-quote",
            **QUOTE_HEADER.plain(self),
            "report": self.body.to_json_dict(),
            "signature": self.signature.hex(),
            "attestation_key": self.attestation_key.hex(),
            "qe_report": self.qe_report.to_json_dict(),
            "qe_report_signature": self.qe_report_signature.hex(),
            "auth_data": self.auth_data.hex(),
            "certification_type": self.certification_type,
            "certification_data": self.certification_data.hex(),
        }

    def __repr__(self) -> str:
        return f"<Quote v{self.version} DCAP, {self.body!r}>"

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        return html_table(
            FieldRow.HEADER,
            [r.shown() for r in self.fields()],
            f"DCAP quote, version {self.version}",
            code=(1, 3),
        )


def placed(f: Field, offset: int, size: int) -> Field:
    """Return a field of varying size where it stands."""
    return replace(f, offset=offset, size=size)


def _row(f: Field, value: bytes | int, base: int) -> FieldRow:
    return FieldRow(f.name, base + f.offset, f.size, f.show(value), f.meaning, f.source)


@dataclass(frozen=True, slots=True)
class EpidQuote(Shown):
    """An EPID quote, version 2: 432 bytes inside an IAS report, longer with its signature.

    `signature` is None for the 432-byte form. Only Intel's attestation service could check the
    signature. Source: sgx_quote.h; integers little-endian.
    """

    version: int
    sign_type: int
    epid_group_id: int
    qe_svn: int
    pce_svn: int
    xeid: int
    basename: bytes
    body: ReportBody
    signature: bytes | None = None

    LAYOUT: ClassVar[Layout] = EPID_HEADER

    @classmethod
    def from_bytes(cls, data: bytes) -> EpidQuote:
        """Read exactly 432 bytes, or those with a 4-byte length and that many bytes of
        signature; else EvidenceError.
        """
        header = EPID_HEADER.unpack(data)
        if header[0] != 2:
            raise EvidenceError("EPID quote: version", got=header[0], wanted=2)
        if header[1] not in (0, 1):
            raise EvidenceError(
                "EPID quote: sign type", got=header[1], wanted="0 (unlinkable) or 1 (linkable)"
            )
        body = ReportBody(*REPORT_BODY.unpack(data, EPID_HEADER.size))
        if len(data) == SIGNED_SIZE:
            return cls(*(*header, body))
        (size,) = LENGTH.unpack(data, SIGNED_SIZE)
        signature = data[SIGNED_SIZE + LENGTH.size :]
        if size != len(signature):
            raise EvidenceError(
                "EPID quote: signature length",
                got=f"{size} bytes",
                wanted=f"the {len(signature)} that follow",
                do="The quote is cut short, or something was appended to it.",
            )
        return cls(*(*header, body, signature))

    def to_bytes(self) -> bytes:
        """Return the quote's bytes in the form it has, with or without signature."""
        tail = (
            b"" if self.signature is None else LENGTH.pack((len(self.signature),)) + self.signature
        )
        return self.signed_bytes + tail

    @property
    def signed_bytes(self) -> bytes:
        """The 432 bytes of header and report body."""
        return EPID_HEADER.pack(EPID_HEADER.values(self)) + self.body.to_bytes()

    def fields(self) -> list[FieldRow]:
        """Return one row a field over the whole quote, offsets from its start."""
        rows = EPID_HEADER.rows(self) + self.body.fields(EPID_HEADER.size)
        if self.signature is not None:
            rows.append(_row(LENGTH.fields[0], len(self.signature), SIGNED_SIZE))
            rows.append(
                _row(
                    placed(EPID_SIGNATURE, SIGNED_SIZE + LENGTH.size, len(self.signature)),
                    self.signature,
                    0,
                )
            )
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return header, report body and signature by name, bytes as hex."""
        return {
            "type": "epid-quote",
            **EPID_HEADER.plain(self),
            "report": self.body.to_json_dict(),
            "signature": None if self.signature is None else self.signature.hex(),
        }

    def __repr__(self) -> str:
        return f"<EpidQuote v{self.version}, {self.body!r}>"

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        return html_table(
            FieldRow.HEADER,
            [r.shown() for r in self.fields()],
            "EPID quote, version 2",
            code=(1, 3),
        )


def parse_quote(data: bytes) -> Quote | EpidQuote:
    """Read a quote of either kind by its version; raise EvidenceError for any other."""
    version = int.from_bytes(data[:2], "little")
    if version == 2:
        return EpidQuote.from_bytes(data)
    return Quote.from_bytes(data)
