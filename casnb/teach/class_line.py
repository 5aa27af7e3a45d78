"""The line from a student's lab to the class server: one request and one answer, bounded, under the
certificate that the ticket names.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError, neutral
from casnb.tls.exchange import client_context, is_loopback

#: What stands before the SHA-256 of the server's certificate (DER) in an address.
PIN = "#sha256="
#: Bytes of one answer: ten pages and a report are the most there is.
LIMIT = 8 << 20
_PATIENCE = 30
#: Where a lab on a JupyterHub finds the address of the class server.
SERVER = "CASNB_CLASS_SERVER"
#: Times that a request which the server put off is sent again, and the longest time put off.
_AGAIN, _LONGEST = 6, 15.0
_PINNED = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Address:
    """Where a class server is: `pin` is the SHA-256 of its certificate, empty where a public
    authority vouches for it or where it is on this machine.
    """

    scheme: str
    host: str
    port: int
    path: str
    pin: str


def server_address(text: str) -> Address:
    """Read a class server's address: `http://127.0.0.1:8600`, or `https://HOST:PORT/PATH`, with a
    pin. Raises UsageError for another, and for plain HTTP to another machine: a ticket would be
    there for all to read.
    """
    wanted = "https://HOST:PORT, or http:// on this machine"
    wrong = UsageError("class server", got=text, wanted=wanted)
    url, mark, pin = text.partition(PIN)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise wrong from None
    host, extra = parts.hostname or "", parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or not host or extra or not url.isascii():
        raise wrong
    if (mark and not _PINNED.fullmatch(pin)) or not re.fullmatch(r"[!-~]*", url):
        raise wrong
    if parts.scheme == "http" and (not is_loopback(host) or mark):
        raise wrong
    return Address(parts.scheme, host, port, parts.path.rstrip("/"), pin)


class Refused(UsageError):
    """The class server answered, and does not want this: the sentence is its own."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__("class server", got=sentence)
        self.args = (f"The class server says: {neutral(sentence, 400)}",)


def ask(
    address: Address,
    target: str,
    credential: str,
    body: Mapping[str, Any] | None = None,
    *,
    method: str = "POST",
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Send one request and return the answer's object. Where the server asks for patience, wait and
    send it again, a few times.

    Raises SourceError where no answer came, EvidenceError for one that is no answer of a class
    server or from a server with another certificate, Refused for a refusal.
    """
    data = json.dumps(body or {}, separators=(",", ":")).encode()
    for left in range(_AGAIN, -1, -1):
        status, raw = _sent(address, method, target, credential, data)
        try:
            found = strictjson.loads(raw, "class server", limit=LIMIT)
        except EvidenceError:
            found = None
        if not isinstance(found, dict):
            raise SourceError(
                f"class server at {address.host}:{address.port}",
                got=f"status {status} and no answer that casnb reads",
                wanted="JSON",
                do="Is it a class server, and of the same release?",
            )
        if status == 200:
            return found
        pause = found.get("wait")
        if status == 429 and left and isinstance(pause, (int, float)) and 0 <= pause <= _LONGEST:
            wait(float(pause) + 0.05)
            continue
        raise Refused(status, str(found.get("error", f"status {status}")))
    raise AssertionError


def ticket_from(server: str, token: str, assignment: str) -> str:
    """Return the ticket that a class server gives to the owner of a Hub's token. Raises as `ask`
    does.
    """
    body = {"assignment": assignment, "server": server}
    found = ask(server_address(server), "/api/1/ticket", f"token {token}", body)
    return strictjson.member(found, "ticket", str, "class server")  # type: ignore[no-any-return]


def _sent(
    address: Address, method: str, target: str, credential: str, data: bytes
) -> tuple[int, bytes]:
    where = f"class server at {address.host}:{address.port}"
    connection = _connection(address)
    headers = {
        "Authorization": credential,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }
    try:
        connection.connect()
        if address.pin:
            shown = connection.sock.getpeercert(binary_form=True) or b""
            if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), address.pin):
                raise EvidenceError(
                    where,
                    got="another certificate than your ticket names",
                    wanted="the class server's own",
                    do="Nothing was sent to it. Is your ticket the newest? Tell your teacher.",
                )
        connection.request(method, address.path + target, data, headers)
        answer = connection.getresponse()
        raw = answer.read(LIMIT + 1)
    except ssl.SSLCertVerificationError as exc:
        raise SourceError(where, got=neutral(exc.verify_message, 120), wanted="TLS") from None
    except (OSError, http.client.HTTPException) as exc:
        got = "no answer in time" if isinstance(exc, TimeoutError) else neutral(str(exc), 120)
        raise SourceError(
            where,
            got=got or type(exc).__name__,
            wanted="an answer",
            do="Does it run? Your teacher starts it: casnb class serve.",
        ) from None
    finally:
        connection.close()
    return answer.status, raw


def _connection(address: Address) -> Any:
    if address.scheme == "http":
        return http.client.HTTPConnection(address.host, address.port, timeout=_PATIENCE)
    context = client_context()
    if address.pin:
        # The pin alone decides, before anything is sent: no name, no authority.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_default_certs()
    return http.client.HTTPSConnection(
        address.host, address.port, timeout=_PATIENCE, context=context
    )
