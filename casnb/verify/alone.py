"""A quote without Intel's lists: what can be proven without them is, and nothing is decided.

1. The quote's form.
2. Its PCK chain, up to the pinned root: no list is needed to see who issued it.
3. The PCK key signs the QE report, the QE report names the attestation key, the attestation key
   signs the quote.

Whether the platform is revoked or patched, and whether the quoting enclave is Intel's, the lists
alone say. Those checks are NOT RUN, and each names the list that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from casnb.base.errors import SourceError
from casnb.base.view import Shown
from casnb.checks.result import not_run
from casnb.checks.view import html_result, text_result
from casnb.evidence.collateral import pck_certificate
from casnb.evidence.quote import Quote
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements
from casnb.verify.pki import TrustAnchors
from casnb.verify.proof import Proof
from casnb.verify.service_paths import Needs

#: What each check needs that a quote does not bring.
LACKING: Mapping[str, str] = {
    "pck-revocation": "both revocation lists",
    "tcb-info-signature": "TCB info",
    "tcb-info-current": "TCB info",
    "qe-identity-signature": "QE identity",
    "qe-identity-current": "QE identity",
    "fmspc-match": "TCB info",
    "qe-identity": "QE identity",
    "tcb-status": "TCB info and QE identity",
}


@dataclass(frozen=True)
class QuoteAlone(Shown):
    """What a quote proves by itself, and what to fetch. `needs` is None where the quote does not
    carry its PCK certificate. There is no verdict but one: a failed check rejects.
    """

    proof: Proof
    needs: Needs | None

    @property
    def rejected(self) -> bool:
        """Whether a check failed that no list could mend."""
        return bool(self.proof.failures)

    @property
    def sentence(self) -> str:
        """What was proven, in words."""
        if self.rejected:
            return self.proof.sentence
        return (
            "Nothing was decided: the quote's own signatures and its chain hold, and whether its"
            " platform is revoked or patched, Intel's lists alone say."
        )

    def advice(self) -> list[str]:
        """Return what to fetch and how, line by line."""
        if self.needs is None:
            return [
                "The quote does not carry its PCK certificate: the CAS or host that sent it must"
                " send that, too."
            ]
        lines = [f"To fetch, for {self.needs}:"]
        lines += [f"  {name}: {url}" for name, url in self.needs.urls().items()]
        return [*lines, "casnb endorsements fetch QUOTE --out FILE fetches all of them."]

    def to_json(self) -> dict[str, object]:
        """Return the checks and what to fetch; `decided` is false."""
        return {
            "decided": False,
            "reason": self.sentence,
            "checks": [c.to_json() for c in self.proof.checks],
            "needs": None if self.needs is None else self.needs.to_json(),
        }

    def __str__(self) -> str:
        return text_result(self.proof.checks, self.sentence, self.advice())

    def _html(self) -> str:
        return html_result(self.proof.checks, self.sentence, self.advice())


class UndecidedError(SourceError):
    """A quote came without what it is judged by; `alone` says what is proven all the same."""

    def __init__(self, alone: QuoteAlone, subject: str) -> None:
        self.alone = alone
        super().__init__(
            subject,
            got="a DCAP quote with no endorsements with it",
            wanted="what Intel signed about its platform",
            do="Name the file: --endorsements FILE. "
            + (f"It is for {alone.needs}." if alone.needs else ""),
        )


def verify_alone(quote: Quote, *, roots: TrustAnchors, now: datetime) -> QuoteAlone:
    """Return what a quote proves without Intel's lists, under the pinned `roots` at `now`; never
    raises for bad evidence.

    Not checked: everything in LACKING. Raises UsageError for a `now` without a zone.
    """
    proof = verify_quote(quote, Endorsements(), roots=roots, now=now)
    checks = tuple(
        not_run(c.id, f"needs {LACKING[c.id]}, which no quote brings") if c.id in LACKING else c
        for c in proof.checks
    )
    if quote.certification_type != 5:
        checks = tuple(
            not_run(c.id, "needs the PCK certificate chain, and the quote does not bring it")
            if c.id in ("pck-chain", "qe-report-signature")
            else c
            for c in checks
        )
    certificate = None
    if quote.certification_type == 5:
        certificate = pck_certificate(quote.certification_data)
    bare = replace(proof, checks=checks)
    return QuoteAlone(bare, None if certificate is None else Needs.of(certificate))
