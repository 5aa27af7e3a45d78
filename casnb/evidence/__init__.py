"""Bytes and frozen values: what the formats say, without cryptography and without an opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.evidence.avr import SignedAvr as SignedAvr
    from casnb.evidence.cas_report import CasReport as CasReport
    from casnb.evidence.ledger import Ledger as Ledger
    from casnb.evidence.quote import EpidQuote as EpidQuote
    from casnb.evidence.quote import Quote as Quote
    from casnb.evidence.report import ReportBody as ReportBody
    from casnb.evidence.sigstruct import SigStruct as SigStruct

__all__, __getattr__ = surface(
    __name__,
    {
        "CasReport": "casnb.evidence.cas_report",
        "EpidQuote": "casnb.evidence.quote",
        "Ledger": "casnb.evidence.ledger",
        "Quote": "casnb.evidence.quote",
        "ReportBody": "casnb.evidence.report",
        "SigStruct": "casnb.evidence.sigstruct",
        "SignedAvr": "casnb.evidence.avr",
    },
)
