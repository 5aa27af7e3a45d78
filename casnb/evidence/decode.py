"""Any piece of evidence to its value: guess wrapping (raw, hex, base64, PEM, JSON) and format,
and say what was guessed.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.ledger import Ledger
from casnb.evidence.quote import SIGNED_SIZE, EpidQuote, Quote, parse_quote
from casnb.evidence.ratls import RaTlsCertificate, signed_report
from casnb.evidence.report import REPORT_BODY, ReportBody
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import SIGSTRUCT

Evidence = (
    ReportBody
    | Quote
    | EpidQuote
    | SigStruct
    | Ledger
    | Avr
    | SignedAvr
    | CasReport
    | RaTlsCertificate
)

#: No file of more bytes is read. An SGXS stream may be that large; nothing else has more than
#: `strictjson.LIMIT` bytes.
FILE_LIMIT = 8 << 20
#: How many wrappings are taken off one after another, such as hex around base64 around JSON.
LAYERS = 3
_HEX = re.compile(rb"[0-9a-fA-F]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_DASHES = b"-----BEGIN "
#: A TLS handshake shows a few certificates; only the first can be the one with evidence.
_CHAIN = 8
_NAMES = {
    ReportBody: "SGX report body",
    Quote: "DCAP quote, version 3",
    EpidQuote: "EPID quote, version 2",
    SigStruct: "SIGSTRUCT",
    Ledger: "SGXS stream (MRENCLAVE ledger)",
    Avr: "IAS report body",
    SignedAvr: "signed IAS report",
    CasReport: "CAS report",
    RaTlsCertificate: "RA-TLS certificate",
}
_WANTED = (
    "a report body, quote, SIGSTRUCT, SGXS stream, IAS report, CAS report or RA-TLS certificate"
)


@dataclass(frozen=True)
class Reading:
    """A piece of evidence with how it was read: its format in words, and its wrappings from the
    outside in.
    """

    value: Evidence
    format: str
    wrapping: str

    def to_json_dict(self) -> dict[str, Any]:
        """Return `read_as` and the value's own members, none of which replaces it."""
        ours = {"read_as": str(self)}
        return ours | self.value.to_json_dict() | ours

    def __str__(self) -> str:
        return f"{self.format}, {self.wrapping}"


def read_file(path: str | Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes; SourceError where it cannot be read, EvidenceError where it has
    more than `limit` bytes.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise SourceError(
            f"{str(path)[:200]}",
            got=reason,
            wanted="a file that can be read",
            do="Check the name and the permissions.",
        ) from None
    if len(data) > limit:
        raise EvidenceError(
            f"{path}",
            got=f"more than {limit} bytes",
            wanted=f"at most {limit}",
            do="Too large; nothing of it was read.",
        )
    return data


def decode(source: bytes | str | Path) -> Evidence:
    """Return the value of a piece of evidence; `str` and `Path` name a file, `bytes` are the
    evidence itself.

    Read are report bodies, quotes (EPID v2, DCAP v3), SIGSTRUCT, SGXS streams, IAS report bodies
    (signed, too), CAS reports and RA-TLS certificates; raw, as hex, base64, PEM or JSON. Of a
    chain in PEM the first certificate is read. Of a local REPORT (432 bytes) the body is kept;
    key id and MAC mean something on its own machine only. Raises EvidenceError where the bytes
    are none of these or too many (8 MiB; 1 MiB for all but an SGXS stream), SourceError where
    the file cannot be read. Not checked here: anything about who made it.

    >>> decode(bytes(384)).debug
    False
    """
    return read(read_file(source) if isinstance(source, (str, Path)) else bytes(source)).value


def guess(data: bytes) -> str:
    """Say in words how `decode` would read these bytes."""
    return str(read(data))


def read(data: bytes) -> Reading:
    """Return what these bytes are, and how that was found out; raise EvidenceError where they
    are nothing casnb knows.
    """
    if len(data) > FILE_LIMIT:
        raise EvidenceError(
            "evidence",
            got=f"{len(data)} bytes",
            wanted=f"at most {FILE_LIMIT}",
            do="Nothing was decoded.",
        )
    layers: list[str] = []
    while len(layers) < LAYERS and (found := _unwrap(data)):
        name, data = found
        layers.append(name)
    inner = "JSON" if _is_json(data) else "raw"
    value = _value(data)
    format = _NAMES[type(value)]
    if isinstance(value, ReportBody) and len(data) == SIGNED_SIZE:
        format = "SGX local report (without key id and MAC)"
    elif isinstance(value, RaTlsCertificate):
        format += f" with {value.form}"
    words = [inner, *reversed(layers)] if inner == "JSON" or not layers else list(reversed(layers))
    return Reading(value, format, " in ".join(words))


def _is_json(data: bytes) -> bool:
    """Binary evidence holds zero bytes, JSON never does: a processor's version that starts like
    `{` is not taken for text.
    """
    return data.lstrip(b" \t\r\n")[:1] == b"{" and b"\0" not in data


def _unwrap(data: bytes) -> tuple[str, bytes] | None:
    """Take one wrapping off: its name and what was inside, or None for raw bytes and JSON."""
    if _is_json(data):
        return None
    if _DASHES in data[:4096] and b"\0" not in data.rstrip(b"\0"):
        return _pem(data)
    if b"\0" in data:
        return None
    text = b"".join(data.split())
    digits = text[2:] if text[:2] in (b"0x", b"0X") else text
    if _HEX.fullmatch(digits):
        if len(digits) % 2:
            raise EvidenceError(
                "evidence",
                got=f"{len(digits)} hex digits",
                wanted="an even number",
                do="A digit is missing.",
            )
        return "hex", binascii.unhexlify(digits)
    if _BASE64.fullmatch(text):
        return "base64", _base64(text, "evidence")
    return None


def _base64(text: bytes, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise EvidenceError(
            what, got="text that looks like base64 and is not", wanted="correct padding"
        ) from None


def _pem(data: bytes) -> tuple[str, bytes]:
    """Return the content of the only PEM block, or of the first certificate of a chain; keys and
    other things are refused.
    """
    blocks = data.count(_DASHES)
    block = _PEM.search(data)
    if block is None:
        raise EvidenceError(
            "evidence: PEM", got="a block that is cut short or not base64", wanted="a whole one"
        )
    label = block[1].decode()
    if "KEY" in label or label in ("CERTIFICATE REQUEST", "X509 CRL"):
        raise EvidenceError("evidence: PEM", got=label, wanted=_WANTED)
    if blocks > (_CHAIN if label == "CERTIFICATE" else 1) or data.find(_DASHES) != block.start():
        raise EvidenceError(
            "evidence: PEM", got=f"{blocks} blocks", wanted=f"one, or up to {_CHAIN} certificates"
        )
    name = f"PEM ({label}{f', the first of {blocks}' if blocks > 1 else ''})"
    return name, _base64(b"".join(block[2].split()), f"evidence: PEM {label}")


def _json(data: bytes) -> Evidence:
    members = strictjson.loads(data, "evidence")
    if "proof_data" in members:
        return CasReport.from_json(data)
    if "isvEnclaveQuoteBody" in members:
        return Avr.from_json(data)
    if "signing_cert" in members:
        return signed_report(members)
    if "tcb_info" in members and "qe_identity" in members:
        raise EvidenceError(
            "evidence",
            got="endorsements: what Intel signed about a platform",
            wanted="evidence",
            do="They go with a DCAP quote: casnb verify QUOTE --endorsements FILE.",
        )
    raise EvidenceError(
        "evidence",
        got="JSON with members " + ", ".join(list(members)[:8]),
        wanted=(
            "a CAS report (proof_data) or an IAS report (isvEnclaveQuoteBody, or report and"
            " signing_cert)"
        ),
    )


def _value(data: bytes) -> Evidence:
    if data[:8] == b"ECREATE\0":
        return Ledger.from_bytes(data)
    if len(data) > strictjson.LIMIT:
        raise EvidenceError(
            "evidence",
            got=f"{len(data)} bytes",
            wanted=f"at most {strictjson.LIMIT}",
            do="Too large; nothing of it was read.",
        )
    if _is_json(data):
        return _json(data)
    version = int.from_bytes(data[:2], "little")
    if len(data) == REPORT_BODY.size:
        return ReportBody.from_bytes(data)
    if len(data) == SIGNED_SIZE and version not in (2, 3):
        return ReportBody.from_bytes(data[: REPORT_BODY.size])
    if version in (2, 3, 4, 5):
        return parse_quote(data)
    if data[:1] == b"\x30" and data[1:2] in (b"\x82", b"\x83"):
        return RaTlsCertificate.from_der(data)
    if len(data) == SIGSTRUCT.size:
        return SigStruct.from_bytes(data)
    raise EvidenceError(
        "evidence",
        got=f"{len(data)} bytes that start with {data[:8].hex() or 'nothing'}",
        wanted=_WANTED,
    )
