"""The members of a simulated IAS report, and the answer in which a CAS hands one on."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from casnb.base.errors import UsageError
from casnb.evidence.avr import SignedAvr
from casnb.simulator.intel import LEVELS
from casnb.verify.tcb import TcbStatus

#: What a requester sends along with its question, or nothing.
NONCE = re.compile(r"([0-9a-f]{32})?")


def avr_members(
    quote: bytes,
    status: TcbStatus,
    *,
    at: datetime,
    nonce: str,
    pseudonym: bytes,
    platform_info: Callable[[], str],
) -> tuple[dict[str, Any], str]:
    """Return the members that IAS would write about a quote (432 bytes, its signature cut off),
    in IAS's order, and the request's id (32 hex digits). `nonce` is empty where none was sent.
    """
    found: dict[str, Any] = {"nonce": nonce} if nonce else {}
    timestamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f")
    number = hashlib.sha256(quote + timestamp.encode() + nonce.encode()).digest()
    found.update(
        id=str(int.from_bytes(number[:16], "big")),
        timestamp=timestamp,
        version=4,
        epidPseudonym=base64.b64encode(pseudonym).decode(),
    )
    if advisories := LEVELS[status].advisories:
        found.update(advisoryURL="https://security-center.intel.com", advisoryIDs=list(advisories))
    found["isvEnclaveQuoteStatus"] = status.ias_name
    if status not in (TcbStatus.UP_TO_DATE, TcbStatus.SW_HARDENING_NEEDED):
        found["platformInfoBlob"] = platform_info()
    found["isvEnclaveQuoteBody"] = base64.b64encode(quote).decode()
    return found, number[16:].hex()


def ias_proof(report: SignedAvr) -> dict[str, Any]:
    """Return `proof_data` for an IAS report, members in the order in which a CAS sends them."""
    return {
        "type": "IASReport",
        "request_id": report.request_id,
        "report_signature": base64.b64encode(report.signature).decode(),
        "signing_certificate": report.chain_pem.decode(),
        "advisory_url": None,
        "advisory_ids": None,
        "body": report.body.decode(),
    }


def service_provider(text: str) -> bytes:
    """Return an SPID (16 bytes) given as 32 hex digits; raise UsageError for anything else."""
    if not text or not NONCE.fullmatch(text):
        raise UsageError("spid", got=text, wanted="32 hex digits")
    return bytes.fromhex(text)
