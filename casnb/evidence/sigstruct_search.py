"""SIGSTRUCTs inside other bytes: a program, a section of one, a file of an image.

What is searched for is the constant part of the structure (HEADER, then HEADER2), which ordinary
bytes do not have by chance. A place that has it and is no SIGSTRUCT after all is passed over.
"""

from __future__ import annotations

from casnb.base.errors import EvidenceError
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import HEADER, HEADER2, SIGSTRUCT

#: No more are read from one file; a program has one, a bundle of them a few.
FOUND_LIMIT = 64
#: No more places are tried; bytes made to look like the beginning of many cost no more than this.
TRIED_LIMIT = 4096

_HEADER2 = SIGSTRUCT["header2"].offset


def search_sigstructs(data: bytes) -> list[tuple[int, SigStruct]]:
    """Return offset and structure of every SIGSTRUCT in `data`, first to last, at most 64.

    The work is one pass over the bytes and at most 4096 attempts to read. Not checked: the
    signatures, see `SigStruct.verify`.
    """
    found: list[tuple[int, SigStruct]] = []
    at = data.find(HEADER)
    for _ in range(TRIED_LIMIT):
        if at < 0 or len(found) == FOUND_LIMIT:
            break
        step = 1
        if data.startswith(HEADER2, at + _HEADER2):
            try:
                found.append((at, SigStruct.from_bytes(bytes(data[at : at + SIGSTRUCT.size]))))
                step = SIGSTRUCT.size
            except EvidenceError:
                pass
        at = data.find(HEADER, at + step)
    return found
