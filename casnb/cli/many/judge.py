"""One piece of evidence judged by given terms, the same alone, in a pool of processes and on a
cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from casnb.base.errors import EvidenceError, SourceError, UsageError, own_file
from casnb.cli.base import slurp
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.collateral import IntelCertificate, RevocationList
from casnb.evidence.decode import Evidence
from casnb.evidence.holdings import AzureRequest, EndorsementsObject
from casnb.evidence.quote import READERS, EpidQuote, Quote
from casnb.evidence.ratls import RaTlsCertificate
from casnb.evidence.signed_lists import SignedList
from casnb.evidence.tdx import TdxQuote
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.verify.alone import UndecidedError, verify_alone
from casnb.verify.dispatch import verify
from casnb.verify.endorsements import Endorsements, VerifiedEndorsements, verify_endorsements
from casnb.verify.pki import TrustAnchors, intel_roots

if TYPE_CHECKING:
    from casnb.checks.result import AttestationResult
    from casnb.verify.proof import Proof

#: Endorsements are small.
_PIECE = 1 << 20


@dataclass(frozen=True)
class Terms:
    """What evidence is judged by: policy, time, roots and endorsements; plain values, so that
    another process can have them.

    `roots` is the PEM of simulated roots, None for Intel's. `endorsements` is the JSON that goes
    with bare DCAP quotes. In a run over `many` pieces it goes with those alone; for one piece of
    another kind it would be a mistake, and is one.
    """

    policy: AttestationPolicy
    now: datetime
    roots: bytes | None = None
    endorsements: bytes | None = None
    many: bool = False
    clock: datetime | None = None


def endorsements_file(file: str | None) -> bytes | None:
    """Return the content of a file of endorsements that can be read as such; SourceError where
    it cannot, for it judges nothing.
    """
    if file is None:
        return None
    with own_file(f"--endorsements {file}"):
        data = slurp(file, _PIECE)
        _given(data)
    return data


def judge(value: Evidence, terms: Terms, subject: str) -> AttestationResult:
    """Prove and appraise one piece of evidence; endorsements that were verified for an earlier
    one are not verified again.

    Of an RA-TLS certificate the evidence is judged, and `certificate-binding` is whether it
    names the certificate's key. Raises UsageError for what nobody has signed, UndecidedError for a
    quote without endorsements that does not fail by itself, EvidenceError and SourceError as
    `verify` does.
    """
    evidence = signed_evidence(value, subject)
    if isinstance(evidence, Quote) and not terms.endorsements:
        alone = verify_alone(evidence, roots=_anchors(terms.roots), now=terms.now)
        if not alone.rejected:
            raise UndecidedError(alone, subject)
        return appraise(alone.proof, terms.policy, subject=subject, clock=terms.clock)
    proof, report = prove(value, terms, subject)
    binding = value.binding if isinstance(value, RaTlsCertificate) else None
    return appraise(
        proof,
        terms.policy,
        report=report,
        binding=binding,
        subject=subject,
        clock=terms.clock,
    )


def prove(value: Evidence, terms: Terms, subject: str) -> tuple[Proof, CasReport | None]:
    """Return the proof of a piece of evidence, and the CAS report it came in, if it did."""
    evidence = signed_evidence(value, subject)
    proof = verify(
        evidence,
        endorsements=_endorsements(evidence, terms),
        roots=_anchors(terms.roots),
        now=terms.now,
    )
    return proof, evidence if isinstance(evidence, CasReport) else None


def signed_evidence(value: Evidence, subject: str) -> Quote | EpidQuote | SignedAvr | CasReport:
    if isinstance(value, RaTlsCertificate):
        return value.evidence
    if isinstance(value, (Quote, EpidQuote, SignedAvr, CasReport)):
        return value
    if isinstance(value, AzureRequest):
        return value.quote
    if isinstance(value, TdxQuote):
        raise SourceError(
            subject,
            got=f"a TDX quote, version {value.version}",
            wanted="evidence of an SGX enclave",
            do=READERS,
        )
    if isinstance(value, (SignedList, RevocationList, IntelCertificate, EndorsementsObject)):
        raise EvidenceError(
            subject,
            got="endorsements: what Intel signed",
            wanted="evidence",
            do="They go with a DCAP quote: casnb verify QUOTE --endorsements FILE.",
        )
    if isinstance(value, Avr):
        raise UsageError(
            subject,
            got="the body of an IAS report alone",
            wanted="its signature and certificates too",
            do="Give --signature FILE and --chain FILE.",
        )
    raise UsageError(
        subject,
        got=f"a {type(value).__name__}, which no platform signs",
        wanted="a quote, a CAS report, an IAS report or an RA-TLS certificate",
        do="casnb decode shows what it says.",
    )


def _endorsements(
    evidence: Quote | EpidQuote | SignedAvr | CasReport, terms: Terms
) -> Endorsements | VerifiedEndorsements | None:
    dcap = isinstance(evidence, Quote) or (
        isinstance(evidence, CasReport) and evidence.proof_type == "DCAPQuote"
    )
    if not dcap:
        return _given(terms.endorsements) if terms.endorsements and not terms.many else None
    if terms.endorsements:
        return _verified(_given(terms.endorsements), terms.roots, terms.now)
    if isinstance(evidence, CasReport):
        return _verified(
            Endorsements.from_json(evidence.endorsements_json()), terms.roots, terms.now
        )
    raise UsageError(
        "DCAP quote",
        got="no endorsements with it",
        wanted="what Intel signed about the platform",
        do="Name the file: --endorsements FILE.",
    )


@lru_cache(maxsize=2)
def _anchors(pem: bytes | None) -> TrustAnchors:
    return (
        intel_roots()
        if pem is None
        else TrustAnchors.from_pem(pem, label="simulated", simulated=True)
    )


@lru_cache(maxsize=2)
def _given(data: bytes) -> Endorsements:
    return Endorsements.from_json(data)


@lru_cache(maxsize=8)
def _verified(
    endorsements: Endorsements, roots: bytes | None, now: datetime
) -> VerifiedEndorsements:
    return verify_endorsements(endorsements, roots=_anchors(roots), now=now)


def to_json(value: Evidence, result: AttestationResult) -> dict[str, Any]:
    """Return the documented JSON of a result; for an RA-TLS certificate with what is said of it
    as a member `ra_tls`.
    """
    return (
        {**result.to_json(), "ra_tls": value.statement()}
        if isinstance(value, RaTlsCertificate)
        else result.to_json()
    )
