"""A server of Mallory's that answers like a CAS, and the session that it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casnb.base import strictjson
from casnb.session.session import Session

#: What answers /v1/attest for a nonce: status and body.
Answer = Callable[[str], tuple[int, bytes]]

#: The secret of a session that the relying party trusts a CAS with, where none is given.
PRIVATE_VALUE = "007"
#: How that session stands in memory: as text, and its secret a few lines after its name.
_STORED = re.compile(rb"name: my_session\b.{0,200}?\bvalue: ['\"]?([\w.-]{1,100})", re.DOTALL)


class FakeCas:
    """A server of Mallory's that answers like a CAS: `answer` makes the reply to /v1/attest for
    a nonce.
    """

    def __init__(self, answer: Answer, value: str) -> None:
        self.answer, self.value = answer, value
        self.received: list[str] = []

    def store(self, text: str) -> None:
        """Keep an uploaded session."""
        self.received.append(text)

    def __call__(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path, status = environ["PATH_INFO"], 200
        query = dict(
            p.split("=", 1) for p in environ.get("QUERY_STRING", "").split("&") if "=" in p
        )
        if path == "/v1/attest":
            status, body = self.answer(query.get("nonce", ""))
        elif path == "/v1/sessions" and environ["REQUEST_METHOD"] == "POST":
            text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.store(text.decode("utf-8", "replace"))
            status, body = 201, strictjson.compact({"hash": "00" * 32})
        else:
            body = strictjson.compact(
                {"kind": "string", "value": self.value, "expires": None, "renew": None}
            )
        start_response(
            f"{status} Mallory",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]


def session(name: str = "private_value", value: str = PRIVATE_VALUE) -> str:
    """Return a session with one private value."""
    return (
        f'name: my_session\nversion: "0.3"\nsecrets:\n  - name: {name}\n    kind: ascii\n    value:'
        f' "{value}"\naccess_policy:\n  read:\n    - NONE\n  update:\n    - NONE\n'
    )


def secret_of(text: str) -> str:
    """Return the secret of a session's text."""
    return Session.from_yaml(text).secrets[0].value or ""


def secret_in(memory: bytes) -> str:
    """Return the secret of the first session that stands in what was read of a memory; empty
    where there is none.
    """
    found = _STORED.search(memory)
    return found[1].decode() if found else ""
