"""The session language: a policy of a CAS, read, explained, hashed and followed through its
versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.session.explain import explained as explained
    from casnb.session.guesses import GUESSES as GUESSES
    from casnb.session.history import fetch_history as fetch_history
    from casnb.session.readers import Readers as Readers
    from casnb.session.session import Session as Session
    from casnb.session.session import public_key as public_key

__all__, __getattr__ = surface(
    __name__,
    {
        "GUESSES": "casnb.session.guesses",
        "Readers": "casnb.session.readers",
        "Session": "casnb.session.session",
        "explained": "casnb.session.explain",
        "fetch_history": "casnb.session.history",
        "public_key": "casnb.session.session",
    },
)
