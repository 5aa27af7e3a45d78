"""The audit log of a simulated CAS: one line of JSON for each event, each signed together with
the signature before it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base import strictjson
from casnb.base.errors import SourceError, UsageError
from casnb.cas.audit_entries import attested_binding
from casnb.simulator.keys import distinguished_name
from casnb.simulator.server.store import Store, Transaction
from casnb.simulator.world import World

MODES = ("disabled", "unsigned", "signed")
#: A file that has grown past this many bytes is put aside under the number of its last event.
FILE_LIMIT = 16 << 20
#: After so many events the database keeps a checkpoint, and one answer has at most so many of them.
EVERY, MOST = 250, 100
#: No event comes near this size: what follows the last newline of a file is at most this.
_LONGEST = 1 << 20


class AuditLog:
    """What is written about one CAS, into `path`; what was written last stands in the store, in
    the same transaction as the event.

    An event is on disk before its transaction is committed: so the log may tell of one that
    never was, and never leaves one out. The next event then takes the same number. Nothing is
    written in mode `disabled`.
    """

    def __init__(
        self, world: World, store: Store, path: Path, mode: str, clock: Callable[[], datetime]
    ) -> None:
        if mode not in MODES:
            raise UsageError("audit log", got=mode, wanted=" or ".join(MODES))
        self.world, self.store, self.path, self.mode, self.clock = world, store, path, mode, clock
        self.limit = FILE_LIMIT
        self.key = audit_key(world)
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def start(self) -> None:
        """Write that the log was switched on or off, where that is so, that the CAS started, and
        what vouches for the key.
        """
        with self.store.writing() as transaction:
            before = transaction.fact("audit mode") or "disabled"
            if before != self.mode:
                if before != "disabled":
                    self._write(transaction, before, {"type": "audit_log_disabled"})
                if self.mode != "disabled":
                    if (
                        transaction.fact("audit form") not in (None, self.mode)
                        and self.path.exists()
                    ):
                        self._put_aside(transaction, *_last(transaction))
                    transaction.set_fact("audit form", self.mode)
                    self._write(transaction, self.mode, self._enabled())
                transaction.set_fact("audit mode", self.mode)
        self._alone(
            {
                "type": "cas_started",
                "version": self.world.enclave.version,
                "certificate_chain": self._chain(),
            }
        )
        if self.mode == "signed":
            report = {
                "proof_data": self.world.proof(attested_binding(self.public), now=self.clock())
            }
            self._alone({"type": "audit_log_attestation_report", **report})

    def _enabled(self) -> dict[str, Any]:
        return {"type": "audit_log_enabled", "certificate_chain": self._chain()}

    def _chain(self) -> str:
        return certificate_chain(self.world).decode()

    def stop(self) -> None:
        """Write that the CAS ended."""
        with suppress(SourceError):
            self._alone({"type": "cas_exited"})

    def _alone(self, event: Mapping[str, Any]) -> None:
        if self.mode != "disabled":
            with self.store.writing() as transaction:
                self.record(transaction, event)

    def record(self, transaction: Transaction, event: Mapping[str, Any]) -> None:
        """Write an event as part of a transaction that is about to be committed; raise
        SourceError where it cannot be written.
        """
        if self.mode != "disabled":
            self._write(transaction, self.mode, event)

    def checkpoints(self, least: int, most: int) -> dict[str, Any]:
        """Return number and signature of the last event, and of earlier ones between two
        numbers, as far as they are kept.
        """
        with self.store.reading() as transaction:
            last, signature = _last(transaction)
            kept = transaction.facts("audit checkpoint ")
        rows = [
            {"sequence_number": int(name.rpartition(" ")[2]), "signature": value}
            for name, value in kept
        ]
        rows = [row for row in rows if least <= row["sequence_number"] <= most][-MOST:]  # type: ignore[operator]
        return {"last": {"sequence_number": last, "signature": signature}, "checkpoints": rows}

    def _write(self, transaction: Transaction, mode: str, event: Mapping[str, Any]) -> None:
        if (
            event["type"] != "audit_log_enabled"
            and self.path.exists()
            and self.path.stat().st_size > self.limit
        ):
            self._put_aside(transaction, *_last(transaction))
            self._write(transaction, mode, self._enabled())
        number, predecessor = _last(transaction)
        entry: dict[str, Any] = {
            "sequence_number": number + 1,
            "timestamp": self.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "event": dict(event),
            "predecessor": predecessor,
            "signing_key": self.public.hex() if mode == "signed" else "",
        }
        signature = self.key.sign(strictjson.compact(entry)).hex() if mode == "signed" else ""
        line = strictjson.compact({**entry, "signature": signature}) + b"\n"
        with _sentence(self.path):
            _append(self.path, line)
        transaction.set_fact("audit last", f"{number + 1} {signature}")
        if (number + 1) % EVERY == 0:
            transaction.set_fact(f"audit checkpoint {number + 1:020}", signature)

    def _put_aside(self, transaction: Transaction, number: int, signature: str) -> None:
        """Begin a new file; a checkpoint at the seam lets the old one be verified for itself.

        The new one says first whose it is, so that it can be, too.
        """
        with _sentence(self.path):
            self.path.replace(
                self.path.with_name(f"{self.path.stem}-{number:012}{self.path.suffix}")
            )
        if signature:
            transaction.set_fact(f"audit checkpoint {number:020}", signature)


@contextmanager
def _sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise SourceError(
            f"audit log {path}",
            got=exc.strerror or "an error",
            wanted="a file that can be written",
            do=(
                "Make room or permit writing, then try again. Nothing that was stored before is"
                " lost."
            ),
        ) from None


def _last(transaction: Transaction) -> tuple[int, str]:
    number, _, signature = (transaction.fact("audit last") or "0 ").partition(" ")
    return int(number), signature


def _append(path: Path, line: bytes) -> None:
    """Add a whole line and have it on disk, or leave the file as it was.

    Half a line at the end is what a killed process left of an event that was never committed: it
    goes.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if hasattr(os, "fchmod"):  # a log of an earlier casnb was for everybody
            with suppress(PermissionError):
                os.fchmod(handle, 0o600)
        size = os.fstat(handle).st_size
        if size:
            os.lseek(handle, max(0, size - _LONGEST), os.SEEK_SET)
            tail = _read(handle, min(size, _LONGEST))
            if not tail.endswith(b"\n"):
                size -= len(tail) - (tail.rfind(b"\n") + 1)
                os.ftruncate(handle, size)
        os.lseek(handle, size, os.SEEK_SET)
        try:
            rest = line
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _read(handle: int, size: int) -> bytes:
    out = b""
    while len(out) < size and (part := os.read(handle, size - len(out))):
        out += part
    return out


def audit_key(world: World) -> Ed25519PrivateKey:
    """Return the key with which this CAS signs its audit log."""
    return Ed25519PrivateKey.from_private_bytes(world.secret("audit log", 32))


def certificate_chain(world: World) -> bytes:
    """Return what says whose key that is: a certificate by `cas-instance`, then that one and
    `cas`; PEM.
    """
    issuer, key = world.cas_instance, audit_key(world).public_key()
    usage = x509.BasicConstraints(False, None)
    made = (
        x509.CertificateBuilder()
        .subject_name(distinguished_name(CN="cas-audit-log"))
        .issuer_name(issuer.cert.subject)
        .public_key(key)
        .serial_number(int.from_bytes(world.secret("audit log serial", 8), "big") >> 1 or 1)
        .not_valid_before(issuer.cert.not_valid_before_utc)
        .not_valid_after(issuer.cert.not_valid_after_utc)
        .add_extension(usage, critical=True)
        .sign(issuer.key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM) + world.cas_chain_pem
