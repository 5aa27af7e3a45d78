"""Scenarios: what a simulated world is like, and which releases its page lists, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casnb.verify.tcb import TcbStatus


@dataclass(frozen=True)
class Scenario:
    """What a world is like: who signed the CAS, whether it can be debugged, which evidence it
    gives, what Intel says of it.
    """

    name: str
    title: str
    story: str
    status: TcbStatus
    evidence: tuple[str, ...] = ("IASReport", "EPID")
    debug: bool = True
    signer: str = "test"

    @property
    def status_text(self) -> str:
        """The status as this scenario's kind of evidence spells it."""
        return self.status.ias_name if "IASReport" in self.evidence else self.status.dcap_name


#: Every scenario by name.
SCENARIOS: Mapping[str, Scenario] = {
    s.name: s
    for s in (
        Scenario(
            "public",
            "the public CAS of the assignment",
            "A debug build with the test signer on a machine whose firmware is out of date: good"
            " for trying, not for secrets.",
            TcbStatus.OUT_OF_DATE,
        ),
        Scenario(
            "dcap-debug",
            "the public CAS with a DCAP quote",
            "As public, attested the newer way: a quote that anybody can check, and the lists to"
            " check it with.",
            TcbStatus.OUT_OF_DATE,
            ("DCAP",),
        ),
        Scenario(
            "production",
            "a CAS fit for secrets",
            "Built and signed by the vendor, no debugging, firmware up to date: no flag is needed.",
            TcbStatus.UP_TO_DATE,
            ("DCAP",),
            debug=False,
            signer="vendor",
        ),
        Scenario(
            "hyperthreading",
            "a debug CAS on a machine with hyperthreading",
            "The firmware is current, and a setting of the machine lets neighbours on the same core"
            " listen.",
            TcbStatus.CONFIGURATION_NEEDED,
        ),
        Scenario(
            "hardening",
            "a debug CAS on a machine that relies on the compiler",
            "Firmware and settings are right; the code itself must have been compiled with"
            " mitigations, and no report shows that.",
            TcbStatus.SW_HARDENING_NEEDED,
        ),
        Scenario(
            "both",
            "a debug CAS with both needs",
            "Hyperthreading is on and the code must be hardened: a combined status that needs both"
            " flags.",
            TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED,
        ),
        Scenario(
            "revoked",
            "a debug CAS on a machine that Intel gave up",
            "Intel revoked this patch level: no flag accepts it.",
            TcbStatus.REVOKED,
            ("DCAP",),
        ),
        Scenario(
            "current",
            "the public CAS of today",
            "SCONE without EPID: a DCAP quote is the only evidence. Firmware and settings are"
            " right,"
            " as on most machines of today; the processor has holes that the compiler must close,"
            " and Intel's lists name them.",
            TcbStatus.SW_HARDENING_NEEDED,
            ("DCAP",),
        ),
    )
}


@dataclass(frozen=True)
class Release:
    """A row of the public CAS page: version, address, measurement (None where the page says
    N/A), day of the build.
    """

    version: str
    address: str
    mrenclave: str | None
    date: str


#: Version, address, day, and whether the page gives a measurement; the first is the one that runs.
RELEASES = (
    ("6.0.2", "scone-cas.cf", "2026-07-28", True),
    ("5.10.0", "5-10-0.scone-cas.cf", "2025-07-02", True),
    ("5.9.0", "5-9-0.scone-cas.cf", "2024-10-21", True),
    ("5.8.0", "5-8-0.scone-cas.cf", "2023-11-03", True),
    ("6.1.0-alpha.1", "edge.scone-cas.cf", "2026-08-25", False),
)
