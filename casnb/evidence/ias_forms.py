"""Signed IAS reports in the forms in which tools keep them: under many names, each part as text,
base64, hex or a list of numbers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from casnb.base.errors import EvidenceError
from casnb.evidence.avr import SignedAvr
from casnb.evidence.der import pem_block
from casnb.evidence.text_forms import unbase64

#: The three parts, and the names under which tools keep them, spelled without `_` and `-` and in
#: lower case.
NAMES: Mapping[str, tuple[str, ...]] = {
    "report": (
        "report",
        "rareport",
        "body",
        "httpbody",
        "reportbody",
        "attestationreport",
        "attestationverificationreport",
        "verificationreport",
        "avr",
        "iasreport",
        "xiasreport",
    ),
    "signature": (
        "signature",
        "sig",
        "reportsignature",
        "iassignature",
        "avrsignature",
        "iasreportsignature",
        "xiasreportsignature",
    ),
    "signing_cert": (
        "signingcert",
        "signingcertificate",
        "rawsigningcert",
        "rawsigningcertificate",
        "signingcertchain",
        "certificate",
        "certificates",
        "cert",
        "certchain",
        "chain",
        "iascertificate",
        "iascertificates",
        "iasreportsigningcertificate",
        "xiasreportsigningcertificate",
    ),
}
_WHAT = "signed IAS report"
_SIGNATURE_SIZES = (256, 384, 512)


def spelled(members: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return for each part the members that are spelled like it."""
    plain = {name: re.sub(r"[_-]", "", str(name)).lower() for name in members}
    return {part: [n for n, p in plain.items() if p in names] for part, names in NAMES.items()}


def is_signed_report(members: Any) -> bool:
    """Whether an object has a report and a signing certificate under known names, and the report
    is JSON, in whatever form.
    """
    if not isinstance(members, Mapping) or len(members) > 64:
        return False
    found = spelled(members)
    if not found["report"] or not found["signing_cert"]:
        return False
    try:
        return report_bytes(members[found["report"][0]])[:1] == b"{"
    except EvidenceError:
        return False


def signed_report(members: Any) -> SignedAvr:
    """Return an IAS report from an object of report, signature and signing certificate under any
    of the names in NAMES; raise EvidenceError where one is missing, stands twice or is malformed.
    """
    if not isinstance(members, Mapping):
        raise EvidenceError(_WHAT, got=type(members).__name__, wanted="a JSON object")
    parts = {}
    for part, names in spelled(members).items():
        if not names:
            raise EvidenceError(f"{_WHAT}.{part}", got="nothing", wanted="this member")
        if len(names) > 1:
            raise EvidenceError(
                f"{_WHAT}.{part}", got=" and ".join(names), wanted="one of them: they are the same"
            )
        parts[part] = members[names[0]]
    return SignedAvr(
        report_bytes(parts["report"]),
        signature_bytes(parts["signature"], f"{_WHAT}: signature"),
        chain_pem(parts["signing_cert"]),
    )


def report_bytes(value: Any) -> bytes:
    """Return the body's bytes: the text itself, or base64, hex or numbers of it."""
    what = f"{_WHAT}: report"
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        return value.encode()
    return _bytes(value, what)


def signature_bytes(value: Any, what: str) -> bytes:
    """Return a signature that is raw, base64, hex or a list of numbers; raise EvidenceError."""
    if isinstance(value, (bytes, bytearray)):
        if len(value) in _SIGNATURE_SIZES:
            return bytes(value)
        value = bytes(value).decode("ascii", "replace")
    return _bytes(value, what)


def chain_pem(value: Any) -> bytes:
    """Return certificates as PEM, whether they are PEM (URL-encoded, too), DER, base64 or hex of
    DER, numbers, or a list of these; what they say is for the verifier.
    """
    if isinstance(value, list) and value and not all(type(n) is int for n in value):
        return b"".join(chain_pem(one) for one in value[:4])
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    elif not isinstance(value, bytes):
        value = _bytes(value, f"{_WHAT}: signing_cert")
    raw: bytes = value
    text = raw.strip()
    if text[:11].lower() == b"-----begin%":
        text = unquote_to_bytes(text)
    if text[:11] == b"-----BEGIN ":
        return text.replace(b"\\n", b"\n") + b"\n" if b"\n" not in text else text + b"\n"
    if raw[:1] == b"\x30":
        der = raw
    else:
        der = _bytes(text.decode("ascii", "replace"), "IAS signing certificate")
        if der[:5] == b"-----":
            return der if der.endswith(b"\n") else der + b"\n"
    if der[:1] != b"\x30":
        raise EvidenceError(
            "IAS signing certificate",
            got="something else",
            wanted="a certificate in PEM, DER, base64 or hex",
        )
    return pem_block("CERTIFICATE", base64.b64encode(der))


def _bytes(value: Any, what: str) -> bytes:
    if isinstance(value, list):
        if value and all(type(n) is int and 0 <= n < 256 for n in value):
            return bytes(value)
        raise EvidenceError(what, got="a list of other things", wanted="numbers from 0 to 255")
    if not isinstance(value, str):
        kind = {type(None): "null", dict: "object"}.get(type(value), type(value).__name__)
        raise EvidenceError(what, got=kind, wanted="a text or a list of numbers")
    text = "".join(value.split())
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if digits and len(digits) % 2 == 0 and re.fullmatch("[0-9a-fA-F]+", digits):
        return bytes.fromhex(digits)
    try:
        data = unbase64(text, what)
    except EvidenceError:
        data = b""
    if not data:
        raise EvidenceError(
            what, got="text that is not base64", wanted="base64, hex or a list of numbers"
        )
    return data
