"""Intel's security advisories as data: those that turn up in IAS reports and in Intel's lists of
SGX platforms, and no guesses about others.

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
_SHOWN = 40
#: No id of Intel's is longer.
_LENGTH = 20


@dataclass(frozen=True)
class Advisory:
    """One advisory: what it is about, CVE numbers, the DCAP statuses it goes with, where this is
    from, a date, and which kind of harm it is.

    `cves` are the records that name the advisory, not necessarily all of them. `date` is the day
    on which the first of them was published in the CVE list (ISO 8601), which can be days after
    the advisory; `kind` is what that record says can be done. Both are empty where none is known.
    """

    id: str
    title: str
    cves: tuple[str, ...]
    statuses: tuple[str, ...]
    source: str
    date: str
    kind: str

    @property
    def url(self) -> str:
        """Intel's page about it; nothing here opens it."""
        return f"{_PAGE}{self.id.lower()}.html"

    @property
    def line(self) -> str:
        """What a reader is told beside the id."""
        listed = ", ".join(self.cves)
        return self.title + (f" ({self.kind}; {listed}, {self.date})" if listed else "")


_CVE = "CVE list"
_LISTS = "Intel's TCB info of 2023 to 2026"
_TABLE = f"{_CVE}; Intel's table of attestation responses"
#: What a CVE record says can be done.
_LEAK, _RISE = "information disclosure", "escalation of privilege"
_BOTH = f"{_RISE}, {_LEAK}"
_ALL = f"{_RISE}, denial of service, {_LEAK}"
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
            _RISE,
        ),
        Advisory(
            "INTEL-SA-00088",
            "Meltdown and Spectre: speculation reads what the program may not",
            ("CVE-2017-5754",),
            (_OUT,),
            f"{_CVE}; Intel's guidance on rogue data cache load",
            "2018-01-04",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00106",
            "Intel's cryptographic library did not run in constant time",
            ("CVE-2018-3691",),
            (_OUT,),
            _CVE,
            "2018-06-04",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00115",
            "system registers can be read by speculation (variant 3a)",
            ("CVE-2018-3640",),
            (_OUT,),
            _CVE,
            "2018-05-21",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00135",
            "listed with outdated firmware; casnb has no confirmed title",
            (),
            (_OUT,),
            _LISTS,
            "",
            "",
        ),
        Advisory(
            "INTEL-SA-00161",
            "L1 terminal fault, Foreshadow: enclave memory read out of the L1 cache",
            ("CVE-2018-3615",),
            (
                _OUT,
                _CONF,
            ),
            _TABLE,
            "2018-08-14",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00202",
            "Intel's cryptographic library leaks data; listed for old quoting enclaves",
            ("CVE-2018-12155",),
            (_OUT,),
            _CVE,
            "2018-12-05",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00203",
            "installer of the SGX software for Windows did not check its files well",
            ("CVE-2018-18098",),
            (_OUT,),
            _CVE,
            "2019-01-08",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-00219",
            "processor graphics can read parts of enclave memory",
            ("CVE-2019-0117",),
            (_CONF,),
            _TABLE,
            "2019-11-14",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00220",
            "insufficient memory protection: a privileged user of the host gets further into SGX",
            ("CVE-2019-0123",),
            (_OUT,),
            _CVE,
            "2019-11-14",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-00233",
            "microarchitectural data sampling (MDS): a neighbour reads what passes through CPU"
            " buffers",
            ("CVE-2018-12126",),
            (
                _OUT,
                _CONF,
            ),
            _TABLE,
            "2019-05-30",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00270",
            "TSX asynchronous abort (TAA): CPU buffers read through aborted transactions",
            ("CVE-2019-11135",),
            (_OUT,),
            _CVE,
            "2019-11-14",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00289",
            "Plundervolt: faults made by lowering the CPU's voltage",
            ("CVE-2019-11157",),
            (_CONF,),
            _TABLE,
            "2019-12-16",
            _BOTH,
        ),
        Advisory(
            "INTEL-SA-00293",
            "memory not initialised by the SGX SDK, in enclaves built with it",
            ("CVE-2019-14565",),
            (_OUT,),
            _CVE,
            "2019-11-14",
            _ALL,
        ),
        Advisory(
            "INTEL-SA-00320",
            "special register buffers (SRBDS, CrossTalk): random numbers leak between cores",
            ("CVE-2020-0543",),
            (_OUT,),
            _CVE,
            "2020-06-15",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00329",
            "L1D eviction sampling, the base of SGAxe: the attestation key itself can be read",
            ("CVE-2020-0549",),
            (_OUT,),
            _CVE,
            "2020-01-28",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00334",
            "load value injection (LVI): the host steers an enclave's speculation",
            ("CVE-2020-0551",),
            (_HARD,),
            _TABLE,
            "2020-03-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00381",
            "remains of other programs' data in some processors' registers",
            ("CVE-2020-8696",),
            (_OUT,),
            _CVE,
            "2020-11-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00389",
            "the energy meter tells what is computed",
            ("CVE-2020-8694",),
            (_OUT,),
            _CVE,
            "2020-11-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00477",
            "timing of Intel's cryptographic library tells about keys",
            ("CVE-2021-0001",),
            (_OUT,),
            _CVE,
            "2021-06-09",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00586",
            "firmware of third-generation Xeons lets a local user read more than it should",
            ("CVE-2021-33117",),
            (_OUT,),
            _CVE,
            "2022-05-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00614",
            "probing the debug port (JTAG) of an SGX processor, with the machine in hand",
            ("CVE-2022-0005",),
            (_OUT,),
            _CVE,
            "2022-05-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00615",
            "stale data left behind by device memory and special register reads",
            ("CVE-2022-21127",),
            (
                _HARD,
                _CONF,
            ),
            _TABLE,
            "2022-06-15",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00617",
            "processor optimisation removes or changes code that security rests on",
            ("CVE-2022-21151",),
            (_OUT,),
            _CVE,
            "2022-05-12",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00657",
            "AEPIC leak: enclave data read through the interrupt controller's registers",
            ("CVE-2022-21233",),
            (_OUT,),
            _CVE,
            "2022-08-18",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00730",
            "wrong calculation in how third-generation Xeon microcode makes keys",
            ("CVE-2022-33972",),
            (_OUT,),
            _CVE,
            "2023-02-16",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00738",
            "memory controller settings that give a privileged user of the host too much",
            ("CVE-2022-33196",),
            (_OUT,),
            _CVE,
            "2023-02-16",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-00767",
            "shared resources are not isolated well while SGX is used",
            ("CVE-2022-38090",),
            (
                _OUT,
                _CONF,
            ),
            _CVE,
            "2023-02-16",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00828",
            "Downfall, gather data sampling: vector registers of others are read",
            ("CVE-2022-40982",),
            (_OUT,),
            _CVE,
            "2023-08-11",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-00837",
            "errors injected into SGX or TDX by a privileged user of the host",
            ("CVE-2022-41804",),
            (_OUT,),
            _CVE,
            "2023-08-11",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-00960",
            "a protection of SGX and TDX fails on third- and fourth-generation Xeons",
            ("CVE-2023-22655",),
            (_OUT,),
            _CVE,
            "2024-03-14",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-01079",
            "memory controller settings that are not checked while SGX is used",
            ("CVE-2024-23918",),
            (_OUT,),
            _CVE,
            "2024-11-13",
            _RISE,
        ),
        Advisory(
            "INTEL-SA-01103",
            "the energy meter (RAPL) tells what is computed",
            ("CVE-2024-23984",),
            (_OUT,),
            _CVE,
            "2024-09-16",
            _LEAK,
        ),
        Advisory(
            "INTEL-SA-01153",
            "indirect target selection: speculation jumps where the attacker chose",
            ("CVE-2024-28956",),
            (_OUT,),
            _CVE,
            "2025-05-13",
            _LEAK,
        ),
    )
}


def lookup(ids: Iterable[str]) -> list[tuple[str, str]]:
    """Return id and what is known of it for each advisory on record, in their order; then one row
    for all that are not on record, one for what does not have the form of an id, and one that
    counts the rest where there are more than 40.

    The ids come from evidence: they are not neutralised here.
    """
    listed = list(dict.fromkeys(ids))
    shown = listed[:_SHOWN]
    rows = [(id, ADVISORIES[id].line) for id in shown if id in ADVISORIES]
    unknown = [id for id in shown if id not in ADVISORIES]
    for name, told, group in (
        (
            "not on record",
            "Intel's security center tells of",
            [id for id in unknown if _ID.fullmatch(id)],
        ),
        (
            "no advisory",
            "these are not the ids of any:",
            [id for id in unknown if not _ID.fullmatch(id)],
        ),
    ):
        if group:
            rows.append((name, f"{told} {', '.join(id[:_LENGTH] for id in group)}"))
    more = len(listed) - len(shown)
    return [*rows, ("...", f"and {more} more")] if more else rows
