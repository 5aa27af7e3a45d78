"""A hand-in that went through an attested CAS: the receipt, and a report whose nonce is the
receipt's digest. What comes back is data, judged again; who says "attested" in it is not believed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.teach.course.answer_json import RECEIPT_LIMIT, Answer, parse_receipt

FORMAT = "casnb attested hand-in 1"
#: Bytes of a report, and words of the policy under which it was accepted.
REPORT_LIMIT, WORDS = 256 << 10, 100
LIMIT = 2 * RECEIPT_LIMIT


@dataclass(frozen=True)
class AttestedHandIn:
    """The answers, the report that the CAS gave for exactly these, and the words of the policy
    under which its sender took the CAS for the right one.
    """

    answers: Mapping[str, Answer]
    nonce: str
    report: bytes
    policy: tuple[str, ...]


def nonce_of(receipt: Mapping[str, Any]) -> str:
    """Return the nonce that ties a report to a receipt: 32 hex digits of its SHA-256."""
    text = strictjson.compact(dict(receipt))
    return hashlib.sha256(b"casnb attested hand-in 1\0" + text).hexdigest()[:32]


def record(receipt: Mapping[str, Any], report: bytes, policy: Sequence[str]) -> dict[str, Any]:
    """Return the hand-in as JSON."""
    return {
        "format": FORMAT,
        "receipt": dict(receipt),
        "report": base64.b64encode(report).decode(),
        "policy": list(policy),
    }


def session_name(assignment: str, seed: str) -> str:
    """Return the name of the session in which a student puts a hand-in. Its end follows from the
    student's seed, so that nobody else can take the name first.
    """
    own = hashlib.sha256(f"casnb hand-in session 1\0{seed}\0{assignment}".encode()).hexdigest()[:24]
    return f"hand_in-{assignment}-{own}"


def parse_attested(data: bytes | str) -> AttestedHandIn:
    """Read one: at most 2 MB, no NaN, no duplicate member. Raises EvidenceError. The report is not
    looked at.
    """
    body = strictjson.loads(data, "hand-in", limit=LIMIT)
    if strictjson.member(body, "format", str, "hand-in") != FORMAT:
        raise EvidenceError("hand-in.format", got=body["format"][:40], wanted=FORMAT)
    receipt = strictjson.member(body, "receipt", dict, "hand-in")
    words = strictjson.member(body, "policy", list, "hand-in")
    if len(words) > WORDS or not all(isinstance(w, str) and len(w) <= 300 for w in words):
        raise EvidenceError("hand-in.policy", got="other values", wanted="words of a command")
    text = strictjson.member(body, "report", str, "hand-in")
    try:
        report = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError("hand-in.report", got="other text", wanted="base64") from None
    if len(report) > REPORT_LIMIT:
        raise EvidenceError("hand-in.report", got=f"{len(report)} bytes", wanted="a CAS's report")
    answers = parse_receipt(strictjson.compact(receipt)).answers
    return AttestedHandIn(answers, nonce_of(receipt), report, tuple(words))
