"""The relying party: the page with the reference value, the report, the pin, and the client that it
allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.cas.attest import Attempt as Attempt
    from casnb.cas.attest import AttestedCas as AttestedCas
    from casnb.cas.attest import attempt as attempt
    from casnb.cas.attest import fetch_report as fetch_report
    from casnb.cas.client import CasClient as CasClient
    from casnb.cas.client import CasRefusal as CasRefusal
    from casnb.cas.page import CasPage as CasPage
    from casnb.cas.page import scrape as scrape
    from casnb.cas.pcs import fetch_endorsements as fetch_endorsements
    from casnb.cas.trust import ClientIdentity as ClientIdentity
    from casnb.cas.trust import TrustStore as TrustStore

__all__, __getattr__ = surface(
    __name__,
    {
        "Attempt": "casnb.cas.attest",
        "AttestedCas": "casnb.cas.attest",
        "CasClient": "casnb.cas.client",
        "CasPage": "casnb.cas.page",
        "CasRefusal": "casnb.cas.client",
        "ClientIdentity": "casnb.cas.trust",
        "TrustStore": "casnb.cas.trust",
        "attempt": "casnb.cas.attest",
        "fetch_endorsements": "casnb.cas.pcs",
        "fetch_report": "casnb.cas.attest",
        "scrape": "casnb.cas.page",
    },
)
