"""The audit log of a CAS, judged: is every line its own, is anything missing, was the database
set back?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base.errors import EvidenceError
from casnb.cas.audit_entries import Checkpoints, Entry, read_log
from casnb.tls.cas_chain import CasChain, issued_by

#: Events that vouch for a signing key, by certificates and by attestation.
CERTIFYING, ATTESTING = ("cas_started", "audit_log_enabled"), "audit_log_attestation_report"
_CHAIN_LIMIT = 1 << 16


class LogStatus(IntEnum):
    """What is wrong with a log; the numbers are the exit codes of `scone cas verify-audit-log`, the
    worst status has the highest number.
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
class LogVerdict:
    """The status of a log, the entries that were read, and further remarks."""

    status: LogStatus
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = ()


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
    text = entry.event.get("certificate_chain")
    if not isinstance(text, str) or len(text) > _CHAIN_LIMIT:
        return False
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
        leaf, pair = (
            chain[0],
            CasChain.from_pem(b"".join(c.public_bytes(Encoding.PEM) for c in chain[1:])),
        )
        key = leaf.public_key()
        return (
            isinstance(key, Ed25519PublicKey)
            and key.public_bytes(Encoding.Raw, PublicFormat.Raw) == bytes.fromhex(entry.key)
            and issued_by(leaf, pair.instance)
            and pair.root.public_key() == root.public_key()
        )
    except Exception:  # cryptography raises many kinds for hostile certificates
        return False


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
        """Return the worst that is found, as a verdict."""
        for e in self.entries:
            if not self._numbered(e):
                why = f"Line {e.line}: event {e.number} does not follow the number before."
                return LogVerdict(LogStatus.BROKEN, self.entries, (why,))
        for status, found, why in self._findings(predecessor, last):
            if found:
                return LogVerdict(status, self.entries, (f"Found: {why}.",))
        return LogVerdict(LogStatus.CORRECT, self.entries)

    def _numbered(self, e: Entry) -> bool:
        before = self.by_signature.get(e.predecessor)
        return e.number == before.number + 1 if before else e.number >= 1

    def _findings(
        self, predecessor: str, last: str | None
    ) -> tuple[tuple[LogStatus, object, str], ...]:
        """Return each thing that can be wrong, the worst first, with what shows it."""
        stands = self._standing()
        undone = self._undone(stands)
        single = {s for s in undone if self._is_single(self.by_signature[s], stands)}
        rest = [e for e in self.entries if e.signature not in stands | undone]
        first = min(self.entries, key=lambda e: e.number, default=None)
        if last is None and self.checkpoints is not None:
            last = self.checkpoints.last[1]
        return (
            (
                LogStatus.ROLLBACK,
                undone - single or self._long_fork(),
                "an event that the CAS no longer knows of",
            ),
            (
                LogStatus.ROLLBACK_OR_MISSING,
                self._unlinked(stands, rest),
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
                last and last not in self.by_signature,
                "the last event is not here",
            ),
            (LogStatus.ROLLED_BACK_TRANSACTION, single, f"undone: {len(single)}"),
        )

    def _unlinked(self, stands: set[str], rest: list[Entry]) -> bool:
        """Whether events that nothing confirms lie before one that stands, or those that stand
        begin at more than one place.
        """
        reached = max((e.number for e in self.entries if e.signature in stands), default=0)
        heads = [
            e
            for e in self.entries
            if e.predecessor not in self.by_signature and e.signature in stands
        ]
        return len(heads) > 1 or any(e.number < reached for e in rest)

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
