"""Rows about the level that a platform reaches."""

from __future__ import annotations

from casnb.conformance.fault import Change, Fault, chained
from casnb.conformance.quote_certificates import items
from casnb.simulator.intel import LEVELS
from casnb.verify.tcb import TcbStatus

MATCHING = "matching"


def level(status: TcbStatus, **overrides: object) -> Change:
    """A PCK certificate of a platform at another level; report and header as they were."""
    found = LEVELS[status]
    return chained(items(components=found.components, pce_svn=found.pce_svn), **overrides)


S = "tcb-status advisories tcb-grace"
_CURRENT = bytes(LEVELS[TcbStatus.UP_TO_DATE].components)
PLATFORM_LEVEL = [
    *[
        Fault(
            f"platform is {s.dcap_name}",
            "P10" if s is not TcbStatus.REVOKED else "P08",
            (
                S
                if s is TcbStatus.REVOKED or "accept-group-out-of-date" in s.needs
                else "tcb-status advisories"
            ),
            level(s),
            status=s.dcap_name,
        )
        for s in TcbStatus
        if s is not TcbStatus.UP_TO_DATE
    ],
    Fault(
        "quoting enclave old on a platform with a setting to change",
        "P02",
        S,
        level(TcbStatus.CONFIGURATION_NEEDED, qe_body={"isv_svn": 6}),
        status="OutOfDateConfigurationNeeded",
    ),
    Fault(
        "platform revoked by level, quoting enclave old",
        "P02 P08",
        S,
        level(TcbStatus.REVOKED, qe_body={"isv_svn": 6}),
        status="Revoked",
    ),
    Fault(
        "platform below every level",
        "P09",
        "tcb-status",
        chained(items(components=(0,) * 16)),
        status="",
        choice="no level",
    ),
    Fault(
        "PCESVN below every level",
        "P09",
        "tcb-status",
        chained(items(pce_svn=0)),
        status="",
        choice="no level",
    ),
    Fault(
        "report claims a newer CPUSVN than the certificate",
        "P15",
        S,
        level(TcbStatus.OUT_OF_DATE, body={"cpu_svn": b"\xff" * 16}),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "QE report claims a newer CPUSVN than the certificate",
        "P15",
        S,
        level(TcbStatus.OUT_OF_DATE, qe_body={"cpu_svn": b"\xff" * 16}),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "header claims a newer PCESVN than the certificate",
        "P15",
        "tcb-status",
        chained(items(pce_svn=0), fields={"pce_svn": 0xFFFF}),
        status="",
        choice=MATCHING,
    ),
    Fault(
        "CPUSVN octets newer than the components of one certificate",
        "P15",
        S,
        chained(items(components=LEVELS[TcbStatus.OUT_OF_DATE].components, cpu_svn=_CURRENT)),
        status="OutOfDate",
        choice=MATCHING,
    ),
    Fault(
        "one component of sixteen short of the level",
        "P11",
        "tcb-status advisories",
        chained(items(components=(*_CURRENT[:6], 0, *_CURRENT[7:]))),
        status="ConfigurationNeeded",
    ),
]
