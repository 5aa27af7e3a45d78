"""A TCB status in words: what it means, who must act, which advisories, which flag accepts it,
and what that lets happen.
"""

from __future__ import annotations

from collections.abc import Sequence

from casnb.checks.status_words import StatusWords
from casnb.policy.advisories import lookup
from casnb.policy.flags import BY_NAME, options
from casnb.verify.tcb import TcbStatus


def explain(
    status: TcbStatus | None, text: str, advisories: Sequence[str] = ()
) -> StatusWords | None:
    """Return a status in words, or None where there is nothing to say: no status, or up to date
    without advisories.

    `text` is the status as the evidence spells it; `status` is None where it says nothing about
    the platform's state.

    >>> print(explain(TcbStatus.SW_HARDENING_NEEDED, "SWHardeningNeeded").rows[1][1])
    whoever builds the enclave
    """
    if not text or (status is TcbStatus.UP_TO_DATE and not advisories):
        return None
    listed = tuple(lookup(advisories))
    if status is None:
        return StatusWords(
            text,
            (
                ("means", "nothing is proven about this platform"),
                ("to act", "whoever made this evidence"),
                ("you", "take no part of it for true"),
                ("flag", "none accepts it"),
            ),
            listed,
        )
    rows = [("means", status.meaning), ("to act", status.who_acts), ("you", status.you_act)]
    if status.waivable:
        needed = tuple(f for f in BY_NAME if f in status.needs)
        rows.append(("flag", options(needed) + (" (both)" if len(needed) > 1 else "")))
        rows += [(f"{BY_NAME[name].option} lets in", BY_NAME[name].gains) for name in needed]
    elif status is not TcbStatus.UP_TO_DATE:
        rows.append(("flag", "none accepts it"))
    return StatusWords(text, tuple(rows), listed)
