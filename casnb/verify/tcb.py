"""TCB status: how up to date a platform is, who must act, how two statuses merge, and which
level a platform is at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from operator import ge, itemgetter
from typing import NamedTuple

from casnb.base.errors import EvidenceError

_G, _C, _S = "accept-group-out-of-date", "accept-configuration-needed", "accept-sw-hardening-needed"
COMPONENTS = 16


class TcbStatus(Enum):
    """A platform's status; each member knows its DCAP and IAS spelling. Only REVOKED can be
    waived by no flag.
    """

    UP_TO_DATE = ("UpToDate", "OK")
    SW_HARDENING_NEEDED = ("SWHardeningNeeded", "SW_HARDENING_NEEDED")
    CONFIGURATION_NEEDED = ("ConfigurationNeeded", "CONFIGURATION_NEEDED")
    CONFIGURATION_AND_SW_HARDENING_NEEDED = (
        "ConfigurationAndSWHardeningNeeded",
        "CONFIGURATION_AND_SW_HARDENING_NEEDED",
    )
    OUT_OF_DATE = ("OutOfDate", "GROUP_OUT_OF_DATE")
    OUT_OF_DATE_CONFIGURATION_NEEDED = ("OutOfDateConfigurationNeeded", "")
    REVOKED = ("Revoked", "GROUP_REVOKED")

    @property
    def dcap_name(self) -> str:
        return self.value[0]

    @property
    def ias_name(self) -> str:
        """The IAS spelling; empty where IAS has no such status."""
        return self.value[1]

    @property
    def needs(self) -> frozenset[str]:
        """Long names of the flags that must all be set to accept this status; empty for
        UP_TO_DATE and REVOKED.
        """
        return frozenset(_NEEDS[self])

    @property
    def waivable(self) -> bool:
        return bool(self.needs)

    @property
    def meaning(self) -> str:
        """What the status says, in a sentence."""
        return _WORDS[self][0]

    @property
    def who_acts(self) -> str:
        """Who can change it."""
        return _WORDS[self][1]

    @property
    def you_act(self) -> str:
        """What is left to a relying party."""
        return _WORDS[self][2]

    @classmethod
    def from_dcap(cls, text: object) -> TcbStatus:
        """Return the status of a TCB level; raise EvidenceError for any other text."""
        status = _DCAP.get(text) if isinstance(text, str) else None
        if status is None:
            raise EvidenceError(
                "TCB level: tcbStatus", got=text, wanted="one of " + ", ".join(_DCAP)
            )
        return status

    @classmethod
    def from_ias(cls, text: str, version: int) -> TcbStatus | None:
        """Return the status of an IAS report of this version, or None where it is not about the
        TCB: an invalid signature, unknown text, or a status that the version does not have.
        """
        if text in ("GROUP_REVOKED", "SIGNATURE_REVOKED", "KEY_REVOKED"):
            return cls.REVOKED
        found = next((s for s in cls if s.ias_name and s.ias_name == text), None)
        return found if version >= _IAS_SINCE.get(text, 0) else None


#: Statuses that came with a later version of the service's report.
_IAS_SINCE = {
    "CONFIGURATION_NEEDED": 3,
    "SW_HARDENING_NEEDED": 4,
    "CONFIGURATION_AND_SW_HARDENING_NEEDED": 4,
}
_DCAP = {status.dcap_name: status for status in TcbStatus}
_NEEDS: dict[TcbStatus, tuple[str, ...]] = {
    TcbStatus.UP_TO_DATE: (),
    TcbStatus.SW_HARDENING_NEEDED: (_S,),
    TcbStatus.CONFIGURATION_NEEDED: (_C,),
    TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED: (_C, _S),
    TcbStatus.OUT_OF_DATE: (_G,),
    TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED: (_G, _C),
    TcbStatus.REVOKED: (),
}
_HOST, _BUILDER, _INTEL = (
    "the host's operator (firmware)",
    "whoever builds the enclave",
    "nobody: Intel gave this platform up",
)
_BUILD = "name a build that you know to be hardened, by MRENCLAVE, or by signer and ISVSVN"
_CAUSE = "read the advisories to learn which setting it is; one status has several causes"
_WAIT = (
    "send no secret before the firmware is updated; an update of the operating system alone does"
    " not clear this"
)
_WORDS: dict[TcbStatus, tuple[str, str, str]] = {
    TcbStatus.UP_TO_DATE: (
        "no known hole that an update would close",
        "nobody",
        "nothing; holes that are unknown, physical or not to be fixed do not show",
    ),
    TcbStatus.SW_HARDENING_NEEDED: (
        "the CPU leaks unless the enclave was compiled to avoid it; no report shows whether it was",
        _BUILDER,
        _BUILD,
    ),
    TcbStatus.CONFIGURATION_NEEDED: (
        "a setting of the machine, such as hyper-threading, weakens the enclave",
        "the host's operator (settings)",
        _CAUSE,
    ),
    TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED: (
        "a setting weakens the enclave, and it must have been compiled to avoid leaks",
        "the host's operator (settings) and whoever builds the enclave",
        f"{_CAUSE}; {_BUILD}",
    ),
    TcbStatus.OUT_OF_DATE: ("firmware updates that close known holes are missing", _HOST, _WAIT),
    TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED: (
        "firmware updates are missing, and a setting weakens the enclave",
        "the host's operator (firmware and settings)",
        f"{_WAIT}; {_CAUSE}",
    ),
    TcbStatus.REVOKED: ("the platform's keys are known to be lost", _INTEL, "use another platform"),
}


def converge(platform: TcbStatus, qe: TcbStatus) -> TcbStatus:
    """Merge the platform's status with the quoting enclave's, as Intel's verification library
    does.

    An outdated quoting enclave makes the platform outdated and keeps its configuration need; any
    other status of it that is not UP_TO_DATE counts as outdated; REVOKED on either side wins.
    """
    if TcbStatus.REVOKED in (platform, qe):
        return TcbStatus.REVOKED
    if qe is TcbStatus.UP_TO_DATE:
        return platform
    configuration = {
        TcbStatus.CONFIGURATION_NEEDED,
        TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED,
        TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
    }
    return (
        TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED
        if platform in configuration
        else TcbStatus.OUT_OF_DATE
    )


class TcbLevel(NamedTuple):
    """One level of TCB info: 16 component SVNs (0 to 255) and a PCE SVN that a platform must
    reach, and what that means.
    """

    components: tuple[int, ...]
    pce_svn: int
    status: TcbStatus
    date: str
    advisories: tuple[str, ...]


def match_level(
    levels: Iterable[TcbLevel], components: Sequence[int], pce_svn: int
) -> TcbLevel | None:
    """Return the highest level whose 16 components and PCE SVN the platform reaches, or None.

    Levels are sorted here; the order in which they were listed does not matter. Raises
    EvidenceError unless the platform has exactly 16 components.
    """
    if len(components) != COMPONENTS:
        raise EvidenceError("TCB components", got=len(components), wanted=COMPONENTS)
    # Intel's procedure takes the first level that is reached, of a list sorted from the best down;
    # that it was served sorted is not taken for granted.
    for level in sorted(levels, reverse=True, key=itemgetter(0, 1)):
        if len(level.components) != COMPONENTS:
            raise EvidenceError(
                "TCB level: components", got=len(level.components), wanted=COMPONENTS
            )
        if level.pce_svn <= pce_svn and all(map(ge, components, level.components)):
            return level
    return None
