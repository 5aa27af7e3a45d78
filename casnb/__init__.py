"""Decide, by doing, whether a remote SCONE CAS can be trusted.

Importing opens nothing and loads nothing: each name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casnb.base.errors import CasnbError as CasnbError
    from casnb.base.errors import EvidenceError as EvidenceError
    from casnb.base.errors import PolicyError as PolicyError
    from casnb.base.errors import SourceError as SourceError
    from casnb.base.errors import UsageError as UsageError
    from casnb.base.errors import VerificationError as VerificationError
    from casnb.cas.attest import AttestedCas as AttestedCas
    from casnb.cas.attest import attempt as attempt
    from casnb.cas.attest import attest as attest
    from casnb.cas.attest import fetch_report as fetch_report
    from casnb.cas.client import CasClient as CasClient
    from casnb.cas.page import scrape as scrape
    from casnb.checks.result import AttestationResult as AttestationResult
    from casnb.checks.result import Check as Check
    from casnb.checks.result import CheckStatus as CheckStatus
    from casnb.checks.result import Verdict as Verdict
    from casnb.evidence.decode import decode as decode
    from casnb.policy.policy import AttestationPolicy as AttestationPolicy
    from casnb.policy.policy import appraise as appraise
    from casnb.session.service_policy import service_policy as service_policy
    from casnb.session.session import Session as Session
    from casnb.simulator.world import World as World
    from casnb.tls.tls_errors import explain_tls_error as explain_tls_error

__version__ = "0.1.0"

_HOME = {
    "AttestationPolicy": "policy.policy",
    "AttestationResult": "checks.result",
    "AttestedCas": "cas.attest",
    "CasClient": "cas.client",
    "CasnbError": "base.errors",
    "Check": "checks.result",
    "CheckStatus": "checks.result",
    "EvidenceError": "base.errors",
    "PolicyError": "base.errors",
    "Session": "session.session",
    "SourceError": "base.errors",
    "UsageError": "base.errors",
    "Verdict": "checks.result",
    "VerificationError": "base.errors",
    "World": "simulator.world",
    "appraise": "policy.policy",
    "attempt": "cas.attest",
    "attest": "cas.attest",
    "decode": "evidence.decode",
    "explain_tls_error": "tls.tls_errors",
    "fetch_report": "cas.attest",
    "scrape": "cas.page",
    "service_policy": "session.service_policy",
    "verify": "verify",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'casnb' has no attribute {name!r}")
    module = import_module("casnb." + _HOME[name])
    value = module if name == "verify" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
