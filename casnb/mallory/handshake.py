"""What a server shows before anybody verifies it."""

from __future__ import annotations

import socket

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from casnb.tls.exchange import parse_address


def shown_chain(address: str) -> list[bytes]:
    """Return the certificates (DER, leaf first) that a server shows, as `openssl s_client
    -showcerts` does; none is verified.
    """
    _, host, port, _ = parse_address(address)
    with socket.create_connection((host, port), 5) as raw:
        raw.setblocking(True)
        connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), raw)
        connection.set_connect_state()
        connection.do_handshake()
        return [
            c.to_cryptography().public_bytes(Encoding.DER)
            for c in connection.get_peer_cert_chain() or []
        ]
