"""Intel's security advisories as data: those that turn up in evidence of the SCONE world, and no
guesses about others.

A status says how bad it is; the advisories listed with it say why. Each row was confirmed by a
second source, which it names; what no second source confirmed is left empty. `casnb` fetches
nothing: an advisory that is not here is shown by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PAGE = "https://www.intel.com/content/www/us/en/security-center/advisory/"
_ID = re.compile(r"INTEL-SA-[0-9]{5}")
#: More than any list of Intel's has; what an attacker makes longer is cut.
_SHOWN = 24


@dataclass(frozen=True)
class Advisory:
    """One advisory: what it is about, CVE numbers, the DCAP statuses it goes with, where this is
    from, and a date.

    `cves` are the records that name the advisory, not necessarily all of them. `date` is the day
    on which the first of them was published in the CVE list (ISO 8601), which can be days after
    the advisory; empty where none is known.
    """

    id: str
    title: str
    cves: tuple[str, ...]
    statuses: tuple[str, ...]
    source: str
    date: str

    @property
    def url(self) -> str:
        """Intel's page about it; nothing here opens it."""
        return _PAGE + self.id

    @property
    def line(self) -> str:
        """What a reader is told beside the id."""
        listed = ", ".join(self.cves)
        return self.title + (f" ({listed}, {self.date})" if listed else "")


_CVE = "CVE list"
_IAS_REPORTS = "IAS reports of 2020 to 2023"
_TABLE = f"{_CVE}; Intel's table of attestation responses"
_OUT, _CONF, _HARD = "OutOfDate", "ConfigurationNeeded", "SWHardeningNeeded"

#: In order of their numbers.
ADVISORIES: Mapping[str, Advisory] = {
    a.id: a
    for a in (
        Advisory(
            "INTEL-SA-00076",
            "firmware can start SGX in a wrong early state",
            ("CVE-2017-5691",),
            (_OUT,),
            _CVE,
            "2017-07-25",
        ),
        Advisory(
            "INTEL-SA-00161",
            "L1 terminal fault, Foreshadow: enclave memory read out of the L1 cache",
            ("CVE-2018-3615",),
            (_OUT, _CONF),
            _TABLE,
            "2018-08-14",
        ),
        Advisory(
            "INTEL-SA-00203",
            "listed with outdated firmware; casnb has no confirmed title",
            (),
            (_OUT,),
            "an IAS report of 2019",
            "",
        ),
        Advisory(
            "INTEL-SA-00219",
            "processor graphics can read parts of enclave memory",
            ("CVE-2019-0117",),
            (_CONF,),
            _TABLE,
            "2019-11-14",
        ),
        Advisory(
            "INTEL-SA-00220",
            "insufficient memory protection: a privileged user of the host gets further into SGX",
            ("CVE-2019-0123",),
            (_OUT,),
            _CVE,
            "2019-11-14",
        ),
        Advisory(
            "INTEL-SA-00233",
            "microarchitectural data sampling (MDS): a neighbour reads what passes through CPU"
            " buffers",
            ("CVE-2018-12126",),
            (_OUT, _CONF),
            _TABLE,
            "2019-05-30",
        ),
        Advisory(
            "INTEL-SA-00270",
            "TSX asynchronous abort (TAA): CPU buffers read through aborted transactions",
            ("CVE-2019-11135",),
            (_OUT,),
            _CVE,
            "2019-11-14",
        ),
        Advisory(
            "INTEL-SA-00289",
            "Plundervolt: faults made by lowering the CPU's voltage",
            ("CVE-2019-11157",),
            (_CONF,),
            _TABLE,
            "2019-12-16",
        ),
        Advisory(
            "INTEL-SA-00293",
            "listed with outdated firmware; casnb has no confirmed title",
            (),
            (_OUT,),
            _IAS_REPORTS,
            "",
        ),
        Advisory(
            "INTEL-SA-00320",
            "special register buffers (SRBDS, CrossTalk): random numbers leak between cores",
            ("CVE-2020-0543",),
            (_OUT,),
            _CVE,
            "2020-06-15",
        ),
        Advisory(
            "INTEL-SA-00329",
            "L1D eviction sampling, the base of SGAxe: the attestation key itself can be read",
            ("CVE-2020-0549",),
            (_OUT,),
            _CVE,
            "2020-01-28",
        ),
        Advisory(
            "INTEL-SA-00334",
            "load value injection (LVI): the host steers an enclave's speculation",
            ("CVE-2020-0551",),
            (_HARD,),
            _TABLE,
            "2020-03-12",
        ),
        Advisory(
            "INTEL-SA-00381",
            "remains of other programs' data in some processors' registers",
            ("CVE-2020-8696",),
            (_OUT,),
            _CVE,
            "2020-11-12",
        ),
        Advisory(
            "INTEL-SA-00389",
            "the energy meter tells what is computed",
            ("CVE-2020-8694",),
            (_OUT,),
            _CVE,
            "2020-11-12",
        ),
        Advisory(
            "INTEL-SA-00615",
            "stale data left behind by device memory and special register reads",
            ("CVE-2022-21127",),
            (_HARD, _CONF),
            _TABLE,
            "2022-06-15",
        ),
        Advisory(
            "INTEL-SA-00657",
            "AEPIC leak: enclave data read through the interrupt controller's registers",
            ("CVE-2022-21233",),
            (_OUT,),
            _CVE,
            "2022-08-18",
        ),
    )
}


def _unknown(id: str) -> str:
    if _ID.fullmatch(id):
        return "not on casnb's record; Intel's security center tells"
    return "not the id of an advisory"


def lookup(ids: Iterable[str]) -> list[tuple[str, str]]:
    """Return id and what is known of it for each advisory, in their order, no more than 24; the
    last row counts the rest.

    The ids come from evidence: they are not neutralised here.
    """
    listed = list(dict.fromkeys(ids))
    rows = [
        (id, ADVISORIES[id].line if id in ADVISORIES else _unknown(id)) for id in listed[:_SHOWN]
    ]
    more = len(listed) - len(rows)
    return [*rows, ("...", f"and {more} more")] if more else rows
