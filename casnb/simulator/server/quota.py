"""How much one client may store, and all of them together: nobody fills the disk of a class."""

from __future__ import annotations

import hashlib
import json

from casnb.simulator.server.http_answers import Refused
from casnb.simulator.server.store import Transaction, Version

#: Versions and bytes that one key may store, and all keys together.
KEY_VERSIONS, KEY_BYTES = 2000, 16 << 20
ALL_VERSIONS, ALL_BYTES = 1_000_000, 2 << 30


def charge(transaction: Transaction, key: bytes | None, version: Version) -> None:
    """Count a version that is about to be stored, in the same transaction; raise Refused where
    its client, or the whole CAS, has stored enough.

    `key` is the client's public key; all clients without one share one account. A key costs
    nothing, so the account guards against mishaps, and the sum against everybody.
    """
    size = len(version.text.encode()) + len(json.dumps(dict(version.generated)))
    whose = "nobody" if key is None else hashlib.sha256(key).hexdigest()
    for account, versions, most in (
        (f"stored {whose}", KEY_VERSIONS, KEY_BYTES),
        ("stored all", ALL_VERSIONS, ALL_BYTES),
    ):
        number, _, total = (transaction.fact(account) or "0 0").partition(" ")
        if int(number) >= versions or int(total) + size > most:
            who = "This CAS" if account == "stored all" else "This client"
            raise Refused(
                403,
                "Failed to create session",
                f"{who} has stored {number} versions, {total} bytes in all; it may store"
                f" {versions}, and {most} bytes",
            )
        transaction.set_fact(account, f"{int(number) + 1} {int(total) + size}")
