"""One entry for every kind of evidence."""

from __future__ import annotations

from datetime import datetime

from casnb.base.errors import SourceError, UsageError
from casnb.evidence.avr import SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import EpidQuote, Quote
from casnb.verify.endorsements import Endorsements, VerifiedEndorsements
from casnb.verify.pki import TrustAnchors, intel_roots
from casnb.verify.proof import Proof


def verify(
    evidence: Quote | EpidQuote | SignedAvr | CasReport,
    *,
    endorsements: Endorsements | VerifiedEndorsements | None = None,
    roots: TrustAnchors | None = None,
    now: datetime,
    nonce: str | None = None,
) -> Proof:
    """Check whether evidence is genuine at the time `now`, under Intel's pinned roots unless
    others are given.

    Bad evidence raises nothing: the proof's checks say what is wrong. `endorsements` go with a
    DCAP quote; a CAS report brings its own. `nonce` is what the attestation service was sent and
    belongs to an IAS report alone; the CAS's nonce is compared by the policy. Raises UsageError
    for a call that cannot mean anything, and SourceError for an EPID quote, which only Intel's
    retired service could judge. Not checked: whether this is the enclave you want; see
    `appraise`.

    >>> from casnb import World, decode
    >>> world = World("lesson", "production")
    >>> verify(decode(world.attest("DCAP")), roots=world.roots, now=world.now).genuine
    True
    """
    roots = intel_roots() if roots is None else roots
    if isinstance(evidence, CasReport):
        if nonce is not None:
            raise UsageError(
                "nonce",
                got="one for a CAS report",
                wanted="it in the policy",
                do="AttestationPolicy(nonce=...) compares it with the report's.",
            )
        if evidence.proof_type == "IASReport":
            evidence = evidence.signed_avr()
        elif evidence.proof_type == "DCAPQuote":
            if endorsements is None:
                endorsements = Endorsements.from_json(evidence.endorsements_json())
            evidence = evidence.quote()
        else:
            evidence = evidence.quote()
    if isinstance(evidence, SignedAvr):
        if endorsements is not None:
            raise UsageError(
                "endorsements",
                got="some for an IAS report",
                wanted="none: the service judged with its own",
            )
        from casnb.verify.ias import verify_avr

        return verify_avr(evidence, roots=roots, now=now, nonce=nonce)
    if nonce is not None:
        raise UsageError(
            "nonce",
            got="one for a quote",
            wanted="none: a quote carries report data, which the policy compares",
        )
    if isinstance(evidence, EpidQuote):
        raise SourceError(
            "EPID quote",
            got="a group signature that only Intel's attestation service could judge",
            wanted="a DCAP quote, or the report that the service made of this quote",
            do="The service ended on 2 April 2025: no report can be had any more. Ask for a DCAP"
            " quote; casnb decode shows what this one says, unproven.",
        )
    if not isinstance(evidence, Quote):
        raise UsageError(
            "evidence", got=type(evidence).__name__, wanted="a quote, an IAS report or a CAS report"
        )
    if endorsements is None:
        raise UsageError(
            "endorsements",
            got="none for a DCAP quote",
            wanted="what Intel signed about the platform",
            do="Endorsements.from_json reads them.",
        )
    from casnb.verify.dcap import verify_quote

    return verify_quote(evidence, endorsements, roots=roots, now=now)
