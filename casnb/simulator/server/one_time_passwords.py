"""One-time passwords of services: six digits for each half minute (RFC 6238), each good once."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from casnb.simulator.server.http_answers import Refused

#: Seconds of a step, and how many steps back a password is taken: who types it needs a while.
STEP, BACK = 30, 1
_FAILED = "Failed to retrieve service attestation configuration"


class OneTimePasswords:
    """Which step of which secret was used last; so no password works twice, nor one before it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._used: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def spend(self, secret: str, code: str) -> None:
        """Take a password (six digits) for a shared secret (base32); raise Refused, in documented
        words, where there is none, where it is wrong, and where it was used.
        """
        if not code:
            raise Refused(403, _FAILED, "An One-time Password is required to access this session")
        try:
            key = base64.b32decode(
                secret.upper().rstrip("=") + "=" * (-len(secret.rstrip("=")) % 8)
            )
        except (binascii.Error, ValueError):
            raise Refused(400, _FAILED, "The shared secret is not base32") from None
        generator = TOTP(key, 6, SHA1(), STEP, enforce_key_length=False)  # noqa: S303
        now = int(self.clock().timestamp())
        for step in range(now // STEP, now // STEP - BACK - 1, -1):
            try:
                generator.verify(code.encode(), step * STEP)
            except InvalidToken:
                continue
            with self._lock:
                if self._used.get(key, -1) >= step:
                    raise Refused(
                        403,
                        _FAILED,
                        "A One-time Password was already used within this time-step. Please try"
                        " again in the next time-step",
                    )
                self._used[key] = step
            return
        raise Refused(403, _FAILED, "The given One-time Password is invalid. Please try again.")
