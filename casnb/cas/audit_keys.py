"""Keys that sign an audit log, by the evidence about them that stands in the log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.cas.audit import ATTESTING
from casnb.cas.audit_entries import Entry, attested_binding
from casnb.checks.binding import Binding
from casnb.checks.result import AttestationResult
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.verify.dispatch import verify
from casnb.verify.pki import TrustAnchors

#: Evidence is read through the form in which a CAS sends it; what it speaks for is compared here.
_NOTHING = {"type": "CasAttestationDataV1", "nonce": "", "cert_chain": ""}


def attested_keys(
    entries: Iterable[Entry],
    policy: AttestationPolicy,
    *,
    roots: TrustAnchors | None,
    now: datetime,
    clock: datetime | None = None,
) -> dict[str, AttestationResult | str]:
    """Return, for each signing key (hex) about which the log holds evidence, what became of it.

    A text says why the evidence cannot be that key's. Only where a result is accepted is the key
    a CAS's that the policy wants. `now` is the time to judge at, `clock` what the clock says.
    """
    found: dict[str, AttestationResult | str] = {}
    for entry in entries:
        before = found.get(entry.key)
        if entry.kind != ATTESTING or (isinstance(before, AttestationResult) and before.accepted):
            continue
        try:
            proof_data = strictjson.member(
                entry.event, "proof_data", dict, f"audit log: line {entry.line}.event"
            )
            proof = verify(CasReport.build(proof_data, _NOTHING), roots=roots, now=now)
        except EvidenceError as exc:
            found[entry.key] = str(exc)
            continue
        if proof.report is None:
            found[entry.key] = f"Line {entry.line}: the evidence holds no report."
            continue
        said = proof.report.report_data
        binding = Binding(
            "SHA-512 of the key that signs the log",
            said.hex(),
            attested_binding(bytes.fromhex(entry.key)).hex(),
            said,
            f"line {entry.line}: the evidence is about another key",
        )
        found[entry.key] = appraise(
            proof,
            policy,
            binding=binding,
            subject=f"audit log key {entry.key[:16]}",
            clock=clock,
        )
    return found
