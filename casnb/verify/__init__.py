"""Proof: is evidence genuine? Time, roots and bytes are arguments; nothing here has an opinion on
what is wanted.

>>> from casnb import World, decode, verify
>>> world = World("lesson", "production")
>>> verify(decode(world.attest("DCAP")), roots=world.roots, now=world.now).genuine
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from casnb.evidence.avr import SignedAvr
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.quote import EpidQuote, Quote
    from casnb.verify.alone import QuoteAlone
    from casnb.verify.endorsements import Endorsements, VerifiedEndorsements
    from casnb.verify.pki import TrustAnchors
    from casnb.verify.proof import Proof

__all__ = ["verify", "verify_alone"]


def verify(
    evidence: Quote | EpidQuote | SignedAvr | CasReport,
    *,
    endorsements: Endorsements | VerifiedEndorsements | None = None,
    roots: TrustAnchors | None = None,
    now: datetime,
    nonce: str | None = None,
) -> Proof:
    """Check whether evidence is genuine at the time `now`; see `casnb.verify.dispatch.verify`,
    which is loaded when this is first called.
    """
    from casnb.verify import dispatch

    return dispatch.verify(evidence, endorsements=endorsements, roots=roots, now=now, nonce=nonce)


def verify_alone(quote: Quote, *, roots: TrustAnchors | None = None, now: datetime) -> QuoteAlone:
    """Prove what a quote shows without Intel's lists; see `casnb.verify.alone.verify_alone`, which
    is loaded when this is first called. Without `roots` Intel's pinned ones count.
    """
    from casnb.verify import alone, pki

    return alone.verify_alone(quote, roots=pki.intel_roots() if roots is None else roots, now=now)
