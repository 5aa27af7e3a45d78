"""Checks: what is always true of each, and what became of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.checks.catalogue import CATALOGUE as CATALOGUE
    from casnb.checks.result import AttestationResult as AttestationResult
    from casnb.checks.result import Check as Check
    from casnb.checks.result import CheckStatus as CheckStatus
    from casnb.checks.result import Verdict as Verdict

__all__, __getattr__ = surface(
    __name__,
    {
        "AttestationResult": "casnb.checks.result",
        "CATALOGUE": "casnb.checks.catalogue",
        "Check": "casnb.checks.result",
        "CheckStatus": "casnb.checks.result",
        "Verdict": "casnb.checks.result",
    },
)
