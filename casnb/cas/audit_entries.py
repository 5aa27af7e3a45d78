"""The lines of an audit log and a CAS's checkpoints, read strictly: each signature is verified,
and spelled in one way only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, neutral
from casnb.base.strictjson import Member

#: A log of more bytes is not read; a real one is put aside long before.
LOG_LIMIT = 256 << 20

_ENTRY = (
    Member("sequence_number", int, "counts events from 1", True),
    Member("timestamp", str, "when, by the CAS's clock", True),
    Member("event", dict, "what happened", True),
    Member("predecessor", str, "signature of the event before", True),
    Member("signing_key", str, "whose signature, 32 bytes in hex", True),
    Member("signature", str, "64 bytes in hex", True),
)

#: What tells events and keys apart is compared as text: so each of them has one spelling only.
_KEY, _SIGNATURE = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{128}")
_LAST_NUMBER = (1 << 63) - 1

#: How a line begins; a process that is killed leaves the beginning of one.
_BEGIN = b'{"sequence_number":'


@dataclass(frozen=True)
class Entry:
    """One event as it stands in the log, its signature verified under the key that it names."""

    line: int
    number: int
    timestamp: str
    event: Mapping[str, Any] = field(repr=False)
    predecessor: str
    key: str
    signature: str

    @property
    def kind(self) -> str:
        return str(self.event["type"])

    @property
    def words(self) -> str:
        """The event in one line, fit for a terminal."""
        plain = {
            k: str(v) for k, v in self.event.items() if k != "type" and isinstance(v, (str, int))
        }
        shown = " ".join(f"{k}={v}" for k, v in plain.items() if len(v) < 600)
        return neutral(f"{self.number:>6}  {self.timestamp}  {self.kind}  {shown}".rstrip(), 900)


@dataclass(frozen=True)
class Checkpoints:
    """What the CAS itself remembers: number and signature of its last event, and of some earlier
    ones.
    """

    last: tuple[int, str]
    earlier: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: bytes | str) -> Checkpoints:
        """Read what `GET /v1/audit-log/checkpoints` answers; raise EvidenceError for anything
        else.
        """
        what = "audit log checkpoints"
        found = strictjson.loads(data, what)
        last = strictjson.member(found, "last", dict, what)
        rows = strictjson.member(found, "checkpoints", list, what)
        pairs = [
            (
                _number(strictjson.member(r, "sequence_number", int, what), what, 0),
                _hex(strictjson.member(r, "signature", str, what), _SIGNATURE, what, empty=True),
            )
            for r in (last, *rows)
        ]
        known: dict[int, str] = {}
        for number, signature in pairs:
            if known.setdefault(number, signature) != signature:
                raise EvidenceError(
                    what, got=f"two signatures for event {number}", wanted="one for each event"
                )
        return cls(pairs[0], dict(pairs[1:]))


def attested_binding(public_key: bytes) -> bytes:
    """Return the report_data (64 bytes) of evidence about a key that signs audit logs; the space
    after the comma belongs there.
    """
    text = '{"type":"CasAuditLogSigningKey", "signing_key":"' + public_key.hex() + '"}'
    return hashlib.sha512(text.encode()).digest()


def read_log(data: bytes) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the entries of a signed log, and remarks.

    A last line without an end that cannot be read is what a killed process leaves: it is told
    apart, and is not an entry. Raises EvidenceError, with the line, for any other line that is
    not an entry or whose signature does not hold.
    """
    if len(data) > LOG_LIMIT:
        raise EvidenceError("audit log", got=f"{len(data)} bytes", wanted=f"at most {LOG_LIMIT}")
    lines = data.split(b"\n")
    torn, entries, seen, remarks = lines.pop(), [], set(), []
    for n, line in enumerate(lines, 1):
        entries.append(_entry(n, line))
    if torn:
        try:
            entries.append(_entry(len(lines) + 1, torn))
        except EvidenceError:
            if torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
                raise  # no CAS was writing an event there
            remarks.append(
                f"The last line ends after {len(torn)} bytes: the CAS was stopped while it wrote,"
                " or somebody cut it."
            )
    for entry in entries:
        if entry.signature in seen:
            raise EvidenceError(
                f"audit log: line {entry.line}",
                got=f"event {entry.number} again",
                wanted="each event once",
            )
        seen.add(entry.signature)
    return tuple(entries), tuple(remarks)


def is_signature(text: str) -> bool:
    """Return whether this is how a log spells a signature: 128 lower-case hex digits."""
    return _SIGNATURE.fullmatch(text) is not None


def _hex(text: str, form: re.Pattern[str], what: str, *, empty: bool = False) -> str:
    if form.fullmatch(text) is None and (text or not empty):
        raise EvidenceError(
            what,
            got=text[:40] or "nothing",
            wanted=f"{'64' if form is _KEY else '128'} lower-case hex digits",
        )
    return text


def _number(value: int, what: str, least: int) -> int:
    if not least <= value <= _LAST_NUMBER:
        raise EvidenceError(
            f"{what}.sequence_number",
            got="a number out of range",
            wanted=f"{least} to {_LAST_NUMBER}",
        )
    return value


def _entry(n: int, line: bytes) -> Entry:
    what = f"audit log: line {n}"
    found = strictjson.loads(line, what)
    strictjson.conform(found, _ENTRY, what)
    if list(found) != [m.name for m in _ENTRY]:
        raise EvidenceError(
            what, got="members " + ", ".join(found), wanted=", ".join(m.name for m in _ENTRY)
        )
    signature = found.pop("signature")
    if not signature:
        raise EvidenceError(
            what,
            got="an event that is not signed",
            wanted="a log of mode signed",
            do="An unsigned log cannot be verified.",
        )
    _number(found["sequence_number"], what, 1)
    strictjson.member(found["event"], "type", str, f"{what}.event")
    _hex(found["predecessor"], _SIGNATURE, f"{what}.predecessor", empty=True)
    _hex(found["signing_key"], _KEY, f"{what}.signing_key")
    _hex(signature, _SIGNATURE, f"{what}.signature")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(found["signing_key"])).verify(
            bytes.fromhex(signature), strictjson.compact(found)
        )
    except (ValueError, InvalidSignature):
        raise EvidenceError(
            what, got="a signature that does not hold", wanted="that of the key the line names"
        ) from None
    if strictjson.compact({**found, "signature": signature}) != line:
        raise EvidenceError(
            what, got="other spelling of the same event", wanted="compact JSON, as it was signed"
        )
    return Entry(
        n,
        found["sequence_number"],
        found["timestamp"],
        found["event"],
        found["predecessor"],
        found["signing_key"],
        signature,
    )
