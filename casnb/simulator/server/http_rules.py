"""What a request's head must be before anybody reads further: RFC 9112, where two readers of one
head could otherwise see two requests.
"""

from __future__ import annotations

import json
import re

_ABSOLUTE = re.compile(rb"([A-Z]{1,20}) https?://[^/?# ]*([/?][^ ]*|) ", re.IGNORECASE)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_LENGTH = re.compile(rb"[0-9]{1,40}")


def head_problem(head: bytes) -> str:
    """Say what is wrong with a request's head (request line and header fields, up to the empty
    line), or return an empty string.

    Looked for: fields that are none or go on in a second line (section 5), a length given twice,
    beside chunks, or not in digits (6.2, 6.3), and a host that is missing or given twice (3.2).
    """
    line, *fields = head.lstrip(b"\r\n").split(b"\r\n")
    found: dict[bytes, list[bytes]] = {}
    for field in fields:
        if not field:
            continue
        match = _FIELD.fullmatch(field)
        if match is None:
            return "A header field is NAME: VALUE on one line, without a space before the colon"
        found.setdefault(match[1].lower(), []).append(match[2].strip())
    lengths = found.get(b"content-length", [])
    if len(lengths) > 1:
        return "Content-Length is given more than once"
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        return "Content-Length is not a number"
    if lengths and b"transfer-encoding" in found:
        return "Content-Length and Transfer-Encoding are both given"
    hosts = found.get(b"host", [])
    if len(hosts) > 1 or (not hosts and line.endswith(b"HTTP/1.1")):
        return "Exactly one Host is wanted"
    return ""


def origin_form(head: bytes) -> bytes:
    """Return a head whose target begins with a slash: a client may name scheme and host as well
    (3.2.2), and the answer is the same.
    """
    found = _ABSOLUTE.match(head)
    if found is None:
        return head
    target = found[2] if found[2].startswith(b"/") else b"/" + found[2]
    return found[1] + b" " + target + b" " + head[found.end() :]


def bad_request(problem: str) -> bytes:
    """Return the answer to a head that is wrong; the connection ends with it."""
    body = json.dumps({"msg": ["Bad Request", problem]}, indent=2).encode()
    return (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%s"
    ) % (len(body), body)
