"""Where what goes with a quote is served: the paths of Intel's Provisioning Certification Service
(PCS) and of the caches in front of it (PCCS), one row for each thing to fetch.
"""

from __future__ import annotations

from dataclasses import dataclass

from casnb.evidence.collateral import IntelCertificate

#: Intel's own service.
INTEL_PCS = "https://api.trustedservices.intel.com"
#: Where Intel serves the root's list; the PCS has no path for it, a PCCS does.
INTEL_ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
VERSIONS = ("v4", "v3")


@dataclass(frozen=True)
class Resource:
    """One thing to fetch: its name, the member or members of endorsements that it fills, its path
    below `/sgx/certification/VERSION` (`{fmspc}` and `{ca}` stand in it), and the headers that
    carry its issuer chain, in the order of preference.
    """

    name: str
    member: str
    path: str
    chain_headers: tuple[str, ...] = ()

    def url(self, version: str, needs: Needs) -> str:
        """Return the path with what a platform puts into it."""
        path = self.path.format(fmspc=needs.fmspc, ca=needs.ca)
        return f"/sgx/certification/{version}{path}"


TCB = Resource(
    "TCB info",
    "tcb_info",
    "/tcb?fmspc={fmspc}",
    ("TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"),
)
QE = Resource("QE identity", "qe_identity", "/qe/identity", ("SGX-Enclave-Identity-Issuer-Chain",))
PCK_CRL = Resource(
    "PCK revocation list",
    "pck_crl",
    "/pckcrl?ca={ca}&encoding=der",
    ("SGX-PCK-CRL-Issuer-Chain",),
)
ROOT_CRL = Resource("root's revocation list", "root_ca_crl", "/rootcacrl")
#: In the order in which they are fetched.
RESOURCES = (TCB, QE, PCK_CRL, ROOT_CRL)


@dataclass(frozen=True)
class Needs:
    """What a platform's PCK certificate says of the lists to fetch: FMSPC (12 hex digits), PCEID
    (4), CA (`platform` or `processor`).
    """

    fmspc: str
    pce_id: str
    ca: str

    @classmethod
    def of(cls, certificate: IntelCertificate) -> Needs:
        """Return what a PCK certificate says."""
        assert certificate.pck is not None
        pck = certificate.pck
        return cls(pck.fmspc.hex().upper(), pck.pce_id.hex().upper(), certificate.ca)

    def urls(self, version: str = "v4") -> dict[str, str]:
        """Return the addresses at Intel's service by name."""
        found = {r.name: INTEL_PCS + r.url(version, self) for r in RESOURCES if r is not ROOT_CRL}
        return {**found, ROOT_CRL.name: INTEL_ROOT_CRL}

    def to_json(self) -> dict[str, object]:
        """Return the three values and the addresses."""
        return {"fmspc": self.fmspc, "pceid": self.pce_id, "ca": self.ca, "fetch": self.urls()}

    def __str__(self) -> str:
        return f"FMSPC {self.fmspc}, PCEID {self.pce_id}, CA {self.ca or 'unknown'}"
