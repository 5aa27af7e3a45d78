"""A client of somebody's own, asked for a value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from casnb.base.errors import neutral
from casnb.tls.exchange import parse_address

#: Host, port and the path of the certificates to trust, to the value of example_value. None or an
#: exception is a refusal.
Client = Callable[[str, int, str], object]


def asked(client: Client, address: str, chain_pem: bytes) -> tuple[object, str]:
    """Return what a client makes of whoever answers at an address under these certificates: the
    value, or None and why.
    """
    _, host, port, _ = parse_address(address)
    with TemporaryDirectory(prefix="casnb-") as folder:
        file = Path(folder) / "cas_cert.crt"
        file.write_bytes(chain_pem)
        try:
            return client(host, port, str(file)), "None"
        except Exception as exc:  # whatever somebody's function raises is its refusal
            return None, f"{type(exc).__name__}: {neutral(exc, 200)}"
