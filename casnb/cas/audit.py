"""The audit log of a CAS, judged: is every line its own, is anything missing, was the database
set back?
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, neutral
from casnb.base.strictjson import Member
from casnb.tls.cas_chain import CasChain, issued_by

#: A log of more bytes is not read; a real one is put aside long before.
LOG_LIMIT = 256 << 20
#: Events that vouch for a signing key, by certificates and by attestation.
CERTIFYING, ATTESTING = ("cas_started", "audit_log_enabled"), "audit_log_attestation_report"

_ENTRY = (
    Member("sequence_number", int, "counts events from 1", True),
    Member("timestamp", str, "when, by the CAS's clock", True),
    Member("event", dict, "what happened", True),
    Member("predecessor", str, "signature of the event before", True),
    Member("signing_key", str, "whose signature, 32 bytes in hex", True),
    Member("signature", str, "64 bytes in hex", True),
)

#: How a line begins; a process that is killed leaves the beginning of one.
_BEGIN = b'{"sequence_number":'


class LogStatus(IntEnum):
    """What is wrong with a log; the numbers are the exit codes of `scone cas verify-audit-log`,
    the worst has the highest.
    """

    CORRECT = 0
    ROLLED_BACK_TRANSACTION = 10
    RECENT_MISSING = 14
    OLD_MISSING = 15
    ROLLBACK_NOT_EXCLUDED = 16
    ROLLBACK_OR_MISSING = 17
    ROLLBACK = 18
    FOREIGN = 19
    BROKEN = 20

    @property
    def words(self) -> str:
        """The status in one sentence."""
        return _WORDS[self]


_WORDS = {
    LogStatus.CORRECT: "The log is correct and complete.",
    LogStatus.ROLLED_BACK_TRANSACTION: (
        "The log is correct; it tells of at least one operation that failed and was undone."
    ),
    LogStatus.RECENT_MISSING: "Recent events are missing at the end.",
    LogStatus.OLD_MISSING: "Old events are missing at the beginning.",
    LogStatus.ROLLBACK_NOT_EXCLUDED: (
        "Whether the CAS was set back to an older state cannot be said."
    ),
    LogStatus.ROLLBACK_OR_MISSING: (
        "The CAS was set back to an older state, or events are missing in the middle."
    ),
    LogStatus.ROLLBACK: "The CAS was set back to an older state.",
    LogStatus.FOREIGN: "The log is not of the CAS that was attested.",
    LogStatus.BROKEN: "The log is broken: a line is not what a CAS wrote.",
}


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
        return str(self.event.get("type", "unknown"))

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
                strictjson.member(r, "sequence_number", int, what),
                strictjson.member(r, "signature", str, what),
            )
            for r in (last, *rows)
        ]
        return cls(pairs[0], dict(pairs[1:]))


@dataclass(frozen=True)
class LogVerdict:
    """The status of a log, the entries that were read, and what else is to be said."""

    status: LogStatus
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = ()


def attested_binding(public_key: bytes) -> bytes:
    """Return the report_data (64 bytes) of evidence about a key that signs audit logs; the blank
    after the comma belongs there.
    """
    text = '{"type":"CasAuditLogSigningKey", "signing_key":"' + public_key.hex() + '"}'
    return hashlib.sha512(text.encode()).digest()


def read_log(data: bytes) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the entries of a signed log, and remarks.

    A last line without an end that cannot be read is what a killed process leaves: it is told
    apart, and is no entry. Raises EvidenceError, with the line, for any other line that is no
    entry or whose signature does not hold.
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


def certified_keys(entries: Iterable[Entry], root: x509.Certificate) -> set[str]:
    """Return the signing keys (hex) for which an event in the log shows certificates that lead
    to the attested root.
    """
    found = set()
    for entry in entries:
        if entry.kind in CERTIFYING and entry.key not in found and _leads_to(entry, root):
            found.add(entry.key)
    return found


def _leads_to(entry: Entry, root: x509.Certificate) -> bool:
    try:
        chain = x509.load_pem_x509_certificates(
            str(entry.event.get("certificate_chain", "")).encode()[: 1 << 16]
        )
        leaf, pair = (
            chain[0],
            CasChain.from_pem(b"".join(c.public_bytes(Encoding.PEM) for c in chain[1:])),
        )
        key = leaf.public_key()
    except (ValueError, IndexError, EvidenceError):
        return False
    return (
        isinstance(key, Ed25519PublicKey)
        and key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex() == entry.key
        and issued_by(leaf, pair.instance)
        and pair.root.public_key() == root.public_key()
    )


def verify_log(
    data: bytes,
    root: x509.Certificate | None,
    checkpoints: Checkpoints | None,
    *,
    predecessor: str = "",
    last: str | None = None,
    keys: Iterable[str] = (),
) -> LogVerdict:
    """Judge a log: `root` is the attested CAS's root certificate, `checkpoints` what the CAS
    says now (None: it was not asked).

    `keys` are further signing keys (hex) that are known to be the CAS's, by attestation.
    `predecessor` and `last` are signatures that a part of a log begins after and ends with.
    Nothing is raised for a bad log: the status and the remarks say it.
    """
    try:
        entries, remarks = read_log(data)
    except EvidenceError as exc:
        return LogVerdict(LogStatus.BROKEN, (), (str(exc),))
    known = {*keys, *(certified_keys(entries, root) if root is not None else ())}
    foreign = next((e for e in entries if e.key not in known), None)
    if foreign is not None:
        why = f"Line {foreign.line} is signed with a key for which nothing vouches."
        return LogVerdict(LogStatus.FOREIGN, entries, (*remarks, why))
    verdict = _Tree(entries, checkpoints).judge(predecessor, last)
    return replace(verdict, remarks=(*remarks, *verdict.remarks))


class _Tree:
    """Events by what they follow: one line if all went well, a fork where one was undone,
    several trees where some are gone.
    """

    def __init__(self, entries: tuple[Entry, ...], checkpoints: Checkpoints | None) -> None:
        self.entries, self.checkpoints = entries, checkpoints
        self.by_signature = {e.signature: e for e in entries}
        self.following: dict[str, list[Entry]] = {}
        for e in entries:
            self.following.setdefault(e.predecessor, []).append(e)

    def judge(self, predecessor: str, last: str | None) -> LogVerdict:
        for e in self.entries:
            before = self.by_signature.get(e.predecessor)
            if e.number != (before.number + 1 if before else max(1, e.number)):
                why = f"Line {e.line}: event {e.number} does not follow the number before."
                return LogVerdict(LogStatus.BROKEN, self.entries, (why,))
        stands = self._standing()
        undone = self._undone(stands)
        single = {
            e.signature
            for e in self.entries
            if e.signature in undone and self._is_single(e, stands)
        }
        rest = [e for e in self.entries if e.signature not in stands | undone]
        reached = max((e.number for e in self.entries if e.signature in stands), default=0)
        heads = [e for e in self.entries if e.predecessor not in self.by_signature]
        first = min(self.entries, key=lambda e: e.number, default=None)
        wanted_last = (
            last if last is not None else self.checkpoints.last[1] if self.checkpoints else None
        )
        rows = (
            (
                LogStatus.ROLLBACK,
                undone - single or self._long_fork(),
                "an event that the CAS no longer knows of",
            ),
            (
                LogStatus.ROLLBACK_OR_MISSING,
                [e for e in rest if e.number < reached]
                or len([e for e in heads if e.signature in stands]) > 1,
                "events that nothing links to what the CAS knows",
            ),
            (
                LogStatus.ROLLBACK_NOT_EXCLUDED,
                rest or self.checkpoints is None,
                "events that no checkpoint confirms",
            ),
            (
                LogStatus.OLD_MISSING,
                (first.predecessor if first else "") != predecessor,
                "the first event follows another",
            ),
            (
                LogStatus.RECENT_MISSING,
                wanted_last and wanted_last not in self.by_signature,
                "the last event is not here",
            ),
            (LogStatus.ROLLED_BACK_TRANSACTION, single, f"undone: {len(single)}"),
        )
        for status, found, why in rows:
            if found:
                return LogVerdict(status, self.entries, (f"Found: {why}.",))
        return LogVerdict(LogStatus.CORRECT, self.entries)

    def _standing(self) -> set[str]:
        """Signatures of events that the CAS confirms, by itself or by what came after."""
        out: set[str] = set()
        known = (
            ()
            if self.checkpoints is None
            else (self.checkpoints.last[1], *self.checkpoints.earlier.values())
        )
        for signature in known:
            while signature in self.by_signature and signature not in out:
                out.add(signature)
                signature = self.by_signature[signature].predecessor
        return out

    def _undone(self, stands: set[str]) -> set[str]:
        """Signatures of events beside those that stand, after the last one, and of all that
        follow them.
        """
        if self.checkpoints is None:
            return set()
        confirmed = {e.number: e for e in self.entries if e.signature in stands}
        stated = {**self.checkpoints.earlier, self.checkpoints.last[0]: self.checkpoints.last[1]}
        begins = []
        for e in self.entries:
            if e.signature in stands:
                continue
            before, after = confirmed.get(e.number - 1), confirmed.get(e.number + 1)
            if (
                e.number > self.checkpoints.last[0]
                or e.number in confirmed
                or stated.get(e.number, e.signature) != e.signature
                or (before and before.signature != e.predecessor)
                or (after and after.predecessor != e.signature)
            ):
                begins.append(e)
        out: set[str] = set()
        while begins:
            e = begins.pop()
            if e.signature not in out:
                out.add(e.signature)
                begins += self.following.get(e.signature, [])
        return out

    def _is_single(self, e: Entry, stands: set[str]) -> bool:
        """One event that nothing follows, beside one that stands or right after the last one: an
        operation that failed.
        """
        if self.following.get(e.signature):
            return False
        beside = any(o.signature in stands for o in self.following[e.predecessor])
        assert self.checkpoints is not None
        return beside or e.predecessor == self.checkpoints.last[1]

    def _long_fork(self) -> bool:
        """Two branches of more than one event that begin at one place."""
        return any(
            sum(bool(self.following.get(e.signature)) for e in siblings) > 1
            for siblings in self.following.values()
            if len({e.number for e in siblings}) < len(siblings)
        )
