"""What may stand where a signature stands, and is none."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from casnb.simulator.keys import P256_ORDER


def halves(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    def made(signature: bytes) -> bytes:
        r, s = change(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return made


#: What may stand where r and s stand, and is not a signature of anything (or not in this form).
BENT: dict[str, Callable[[bytes], bytes]] = {
    "all zero": lambda x: bytes(64),
    "r 0": halves(lambda r, s: (0, s)),
    "s 0": halves(lambda r, s: (r, 0)),
    "r n": halves(lambda r, s: (P256_ORDER, s)),
    "s n": halves(lambda r, s: (r, P256_ORDER)),
    "both 2^256-1": lambda x: b"\xff" * 64,
    "swapped": lambda x: x[32:] + x[:32],
    "little-endian halves": lambda x: x[31::-1] + x[:31:-1],
    "DER": lambda x: encode_dss_signature(
        int.from_bytes(x[:32], "big"), int.from_bytes(x[32:], "big")
    )[:64],
    "r and s one": lambda x: (bytes(31) + b"\1") * 2,
}
