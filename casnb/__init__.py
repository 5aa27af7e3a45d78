"""Decide, by doing, whether a remote SCONE CAS can be trusted.

Importing opens nothing and loads next to nothing: each name below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface
from casnb.verify import verify as verify

if TYPE_CHECKING:
    from casnb.base.errors import CasnbError as CasnbError
    from casnb.base.errors import EvidenceError as EvidenceError
    from casnb.base.errors import PolicyError as PolicyError
    from casnb.base.errors import SourceError as SourceError
    from casnb.base.errors import UsageError as UsageError
    from casnb.base.errors import VerificationError as VerificationError
    from casnb.cas.asking import attempt as attempt
    from casnb.cas.asking import fetch_report as fetch_report
    from casnb.cas.attest import AttestedCas as AttestedCas
    from casnb.cas.attest import attest as attest
    from casnb.cas.client import CasClient as CasClient
    from casnb.cas.page import scrape as scrape
    from casnb.checks.result import AttestationResult as AttestationResult
    from casnb.checks.result import Check as Check
    from casnb.checks.result import CheckStatus as CheckStatus
    from casnb.checks.result import Verdict as Verdict
    from casnb.evidence.decode import decode as decode
    from casnb.policy.appraise import appraise as appraise
    from casnb.policy.policy import AttestationPolicy as AttestationPolicy
    from casnb.session.service_policy import service_policy as service_policy
    from casnb.session.session import Session as Session
    from casnb.simulator.world import World as World
    from casnb.tls.tls_errors import explain_tls_error as explain_tls_error

__version__ = "0.2.0"

_lazy, __getattr__ = surface(
    __name__,
    {
        "AttestationPolicy": "casnb.policy.policy",
        "AttestationResult": "casnb.checks.result",
        "AttestedCas": "casnb.cas.attest",
        "CasClient": "casnb.cas.client",
        "CasnbError": "casnb.base.errors",
        "Check": "casnb.checks.result",
        "CheckStatus": "casnb.checks.result",
        "EvidenceError": "casnb.base.errors",
        "PolicyError": "casnb.base.errors",
        "Session": "casnb.session.session",
        "SourceError": "casnb.base.errors",
        "UsageError": "casnb.base.errors",
        "Verdict": "casnb.checks.result",
        "VerificationError": "casnb.base.errors",
        "World": "casnb.simulator.world",
        "appraise": "casnb.policy.appraise",
        "attempt": "casnb.cas.asking",
        "attest": "casnb.cas.attest",
        "decode": "casnb.evidence.decode",
        "explain_tls_error": "casnb.tls.tls_errors",
        "fetch_report": "casnb.cas.asking",
        "scrape": "casnb.cas.page",
        "service_policy": "casnb.session.service_policy",
    },
)
#: `verify` is bound at once, before anything can load the package of that name a second time: so
#: `from casnb import verify` gives the function whatever was imported before, while `import
#: casnb.verify.dcap` and `from casnb.verify import ...` find the package as ever.
__all__ = sorted([*_lazy, "verify"])


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
