"""Any piece of evidence to its value: guess the wrapping (raw, hex, base64, JSON) and the format, and say what was guessed."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from casnb.errors import EvidenceError, SourceError
from casnb.evidence import strictjson
from casnb.evidence.avr import Avr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.measurement import Ledger
from casnb.evidence.quote import SIGNED_SIZE, EpidQuote, Quote, parse_quote
from casnb.evidence.report import REPORT_BODY, ReportBody
from casnb.evidence.sigstruct import SIGSTRUCT, SigStruct

Evidence = ReportBody | Quote | EpidQuote | SigStruct | Ledger | Avr | CasReport

#: A measured enclave may be large; a report or quote never is.
FILE_LIMIT = 64 << 20
_HEX = re.compile(rb"\s*(?:0[xX])?[0-9a-fA-F\s]+\s*")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")


def read_file(path: str | Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes; SourceError where it cannot be read, EvidenceError where it has more than `limit` bytes."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise SourceError(f"{path}", got=exc.strerror or type(exc).__name__, wanted="a file that can be read",
                          do="Check the name and the permissions.") from None
    if len(data) > limit:
        raise EvidenceError(f"{path}", got=f"more than {limit} bytes", wanted=f"at most {limit}",
                            do="Too large to be evidence; nothing was decoded.")
    return data


def decode(source: bytes | str | Path) -> Evidence:
    """Return the value of a piece of evidence; `str` and `Path` name a file, `bytes` are the evidence itself.

    Read are report bodies, quotes (EPID v2, DCAP v3), SIGSTRUCT, SGXS streams, IAS report bodies and CAS reports; raw, as hex,
    as base64 or as JSON. Raises EvidenceError where the bytes are none of these, SourceError where the file cannot be read.
    Not checked here: anything about who made it.

    >>> decode(bytes(384)).debug
    False
    """
    data = read_file(source) if isinstance(source, (str, Path)) else bytes(source)
    return _decode(data)


def guess(data: bytes) -> str:
    """Say in words how `decode` would read these bytes."""
    wrapping, inner = _unwrap(data)
    value = _value(inner)
    name = {ReportBody: "SGX report body", Quote: "DCAP quote, version 3", EpidQuote: "EPID quote, version 2",
            SigStruct: "SIGSTRUCT", Ledger: "SGXS stream (MRENCLAVE ledger)", Avr: "IAS report body", CasReport: "CAS report"}[type(value)]
    return f"{name}, {wrapping}"


def _decode(data: bytes) -> Evidence:
    return _value(_unwrap(data)[1])


def _unwrap(data: bytes) -> tuple[str, bytes]:
    """Take hex or base64 off; raw bytes and JSON stay as they are."""
    if data.lstrip()[:1] == b"{":
        return "JSON", data
    if len(data) >= 64 and len(data) <= 4 * strictjson.LIMIT:
        if _HEX.fullmatch(data):
            digits = b"".join(data.split())
            digits = digits[2:] if digits[:2] in (b"0x", b"0X") else digits
            if len(digits) % 2:
                raise EvidenceError("evidence", got=f"{len(digits)} hex digits", wanted="an even number", do="A digit is missing.")
            return "hex", binascii.unhexlify(digits)
        if _BASE64.fullmatch(data):
            try:
                inner = base64.b64decode(b"".join(data.split()), validate=True)
            except binascii.Error:
                raise EvidenceError("evidence", got="text that looks like base64 and is not", wanted="correct padding") from None
            return ("JSON in base64", inner) if inner[:1] == b"{" else ("base64", inner)
    return "raw", data


def _value(data: bytes) -> Evidence:
    if data.lstrip()[:1] == b"{":
        members = strictjson.loads(data, "evidence")
        if "proof_data" in members:
            return CasReport.from_json(data)
        if "isvEnclaveQuoteBody" in members:
            return Avr.from_json(data)
        raise EvidenceError("evidence", got="JSON with members " + ", ".join(list(members)[:8]),
                            wanted="a CAS report (proof_data) or an IAS report (isvEnclaveQuoteBody)")
    if data[:8] == b"ECREATE\0":
        return Ledger.from_bytes(data)
    if len(data) == SIGSTRUCT.size and data[:4] == b"\x06\0\0\0":
        return SigStruct.from_bytes(data)
    version = int.from_bytes(data[:2], "little")
    if len(data) == REPORT_BODY.size:
        return ReportBody.from_bytes(data)
    if len(data) == SIGNED_SIZE and version not in (2, 3):
        # A local REPORT: the body, 32 bytes of key id, 16 bytes of MAC that only the same machine could check.
        return ReportBody.from_bytes(data[: REPORT_BODY.size])
    if version in (2, 3, 4, 5) and len(data) > 2:
        return parse_quote(data)
    raise EvidenceError("evidence", got=f"{len(data)} bytes that start with {data[:8].hex() or 'nothing'}",
                        wanted="a report body, quote, SIGSTRUCT, SGXS stream, IAS report or CAS report")
