"""The relying party: the page with the reference value, the report, the pin, and the client that it
allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.cas.asking import Attempt as Attempt
    from casnb.cas.asking import attempt as attempt
    from casnb.cas.asking import fetch_report as fetch_report
    from casnb.cas.attest import AttestedCas as AttestedCas
    from casnb.cas.client import CasClient as CasClient
    from casnb.cas.client import CasRefusal as CasRefusal
    from casnb.cas.client_identity import ClientIdentity as ClientIdentity
    from casnb.cas.page import CasPage as CasPage
    from casnb.cas.page import scrape as scrape
    from casnb.cas.pcs import fetch_endorsements as fetch_endorsements
    from casnb.cas.trust import TrustStore as TrustStore

__all__, __getattr__ = surface(
    __name__,
    {
        "Attempt": "casnb.cas.asking",
        "AttestedCas": "casnb.cas.attest",
        "CasClient": "casnb.cas.client",
        "CasPage": "casnb.cas.page",
        "CasRefusal": "casnb.cas.client",
        "ClientIdentity": "casnb.cas.client_identity",
        "TrustStore": "casnb.cas.trust",
        "attempt": "casnb.cas.asking",
        "fetch_endorsements": "casnb.cas.pcs",
        "fetch_report": "casnb.cas.asking",
        "scrape": "casnb.cas.page",
    },
)
