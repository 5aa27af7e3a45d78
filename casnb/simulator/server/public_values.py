"""Values that anybody may read: their addresses, and what a CAS says of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from casnb.base.errors import EvidenceError, neutral
from casnb.session.material import ends
from casnb.session.secret_kinds import CERTIFICATES
from casnb.session.values import Lookup, Stored, kind_of, value
from casnb.simulator.server.http_answers import Refused

_SPEC_KEYS = ("session", "session_hash", "secret")


def read_spec(spec: str) -> dict[str, str]:
    """Return the parts of `session=S[,session_hash=H][,secret=V]`; raise Refused for any other."""
    found: dict[str, str] = {}
    for part in spec.split(","):
        key, equals, value = part.partition("=")
        if key not in _SPEC_KEYS or not equals or not value or key in found:
            raise Refused(
                400,
                "Invalid argument",
                f"'{neutral(spec, 200)}' is not of the form session=NAME,secret=NAME",
            )
        found[key] = value
    if "session" not in found:
        raise Refused(400, "Invalid argument", f"'{neutral(spec, 200)}' names no session")
    return {**found, "session": found["session"].removeprefix("/")}


def public_values(at: Stored, find: Lookup, name: str | None) -> dict[str, dict[str, Any]]:
    """The values that anybody may read, or only that of one secret; one whose import leads nowhere
    is not there.

    An ascii secret has kind `string`; the labels of the others, and hex for binary ones, are
    casnb's choice. `expires` is when a certificate ends that does not last as good as forever.
    """
    found = {}
    for secret in at.session.secrets:
        if secret.export_public and name in (None, secret.name):
            with suppress(EvidenceError):
                kind, text = kind_of(at, secret.name, find), value(at, secret.name, find)
                found[secret.name] = {
                    "kind": "string" if kind == "ascii" else kind,
                    "value": text,
                    "expires": ends(text) if kind in CERTIFICATES else None,
                    "renew": None,
                }
    return found
