"""Values of a session's secrets: made once when it is stored, kept over updates, imported, put
into a service's configuration.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.session import material
from casnb.session.material import Random
from casnb.session.names import resolve
from casnb.session.secrets import CERTIFICATES, Party, Secret, span_days
from casnb.session.session import Session

#: Imports may lead on to imports, so far and no further.
_LONGEST_WAY = 8
_PLACEHOLDER = re.compile(
    r"\$\$SCONE::([^$|:]{1,128})(?::([a-z0-9]{1,20}))?(\|escape\(json\))?\$\$"
)

_FORMATS: Mapping[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "bin": lambda data: data.decode("utf-8"),
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64url": lambda data: base64.urlsafe_b64encode(data).decode(),
    "base32": lambda data: base64.b32encode(data).decode(),
    "base32nopad": lambda data: base64.b32encode(data).decode().rstrip("="),
}


@dataclass(frozen=True)
class Stored:
    """A session as a CAS has it: its text as a Session, and the values that the CAS made for it,
    by secret.
    """

    session: Session
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


#: Finds a session by name, its current version or the one with this hash; None where there is none.
Lookup = Callable[[str, "str | None"], "Stored | None"]


def nowhere(name: str, hash: str | None) -> Stored | None:
    """The lookup of a CAS that has nothing."""
    return None


def generate(
    session: Session,
    before: Stored | None = None,
    *,
    now: datetime,
    random: Random = os.urandom,
    lookup: Lookup = nowhere,
) -> dict[str, str]:
    """Return the values that a CAS makes for `session`, to be stored with it; `before` is the
    version that it follows.

    Kept from there: ascii and binary of the same kind and size; private keys of the same type
    where `migrate` says so. Certificates are always made anew, valid from `now` (aware). The
    result follows from the arguments, but for RSA keys and ECDSA signatures. Raises
    EvidenceError where an issuer cannot be imported.
    """
    made: dict[str, str] = {}
    for secret in session.secrets:
        if secret.made and secret.kind not in CERTIFICATES:
            made[secret.name] = _kept(secret, before) or _make(secret, random)
    waiting = [s for s in session.secrets if s.made and s.kind in CERTIFICATES]
    while waiting:
        names = {s.name for s in waiting}
        ready = next(s for s in waiting if s.issuer not in names)
        waiting.remove(ready)
        made[ready.name] = _issue(ready, Stored(session, made), now, random, lookup)
    return {s.name: made[s.name] for s in session.secrets if s.name in made}


def _kept(secret: Secret, before: Stored | None) -> str | None:
    if before is None or not secret.keeps(before.session.secret(secret.name)):
        return None
    return before.values.get(secret.name)


def _make(secret: Secret, random: Random) -> str:
    if secret.kind == "ascii":
        return material.printable(secret.size, random)
    return (
        random(secret.size).hex()
        if secret.kind == "binary"
        else material.make_key(secret.key_type, random)
    )


def _issue(secret: Secret, at: Stored, now: datetime, random: Random, lookup: Lookup) -> str:
    names = (*(f"dns:{name}" for name in secret.dns), *secret.san)
    hosts = [name.removeprefix("dns:") for name in names if name.startswith("dns:")]
    assert secret.private_key is not None
    return material.issue(
        secret.common_name or (hosts[0] if hosts and len(hosts[0]) <= 64 else secret.name[:64]),
        value(at, secret.private_key, lookup),
        authority=secret.kind == "x509-ca",
        endpoint=secret.endpoint,
        alternatives=names,
        days=span_days(secret.valid_for),
        now=now,
        random=random,
        issuer=_issuer(at, secret.issuer, lookup) if secret.issuer else None,
    )


def _issuer(at: Stored, name: str, lookup: Lookup) -> tuple[str, str]:
    """Certificate and key of an issuer.

    To whom an authority is exported may issue by it, casnb's own rule; that its certificate is
    public lets nobody issue.
    """
    certificate, where, secret = _origin(at, name, lookup, named=True)
    if secret.private_key is None:
        raise EvidenceError(
            f"secret {name}",
            got="an issuer without its key",
            wanted="one whose private_key is in its session",
        )
    return certificate, value(where, secret.private_key, lookup)


# Values that are there


def value(at: Stored, name: str, lookup: Lookup = nowhere) -> str:
    """Return the value of a secret: given in the text, made by the CAS, or imported.

    An import fails in one way, whatever the reason: no such session, version or secret, another
    kind, not exported to this one.
    """
    return _origin(at, name, lookup)[0]


def values(at: Stored, lookup: Lookup = nowhere) -> dict[str, str]:
    """Return the values of all secrets."""
    return {s.name: value(at, s.name, lookup) for s in at.session.secrets}


def _origin(
    at: Stored, name: str, lookup: Lookup, steps: int = 0, named: bool = False
) -> tuple[str, Stored, Secret]:
    """The value of a secret, the session that it comes from in the end, and the secret there;
    `named` wants exports by name.
    """
    secret = at.session.secret(name)
    if secret is None:
        known = ", ".join(s.name for s in at.session.secrets) or "none"
        raise EvidenceError(f"secret {name}", got="no such secret", wanted=f"one of {known}")
    if secret.imported is None:
        found = at.values.get(name) if secret.value is None else secret.value
        if found is None:
            raise EvidenceError(
                f"secret {name}",
                got="no value",
                wanted="the one that was made when the session was stored",
            )
        return found, at, secret
    wanted = secret.imported
    assert wanted.session is not None and wanted.secret is not None
    source = _source(at, secret, lookup, named) if steps < _LONGEST_WAY else None
    if source is None:
        raise EvidenceError(
            f"secret {name}: import",
            got=f"nothing under secret {wanted.secret} of session {wanted.session}",
            wanted=f"a secret of kind {secret.kind} that is exported to {at.session.name}",
            do="Its session names this one under `export`.",
        )
    return _origin(source, wanted.secret, lookup, steps + 1, named)


def _source(at: Stored, secret: Secret, lookup: Lookup, named: bool) -> Stored | None:
    """The session that a secret is imported from, if that lets it go.

    An export must hold in the version that is named and in the current one: who withdraws it
    withdraws it, whichever version another session asks by.
    """
    wanted = secret.imported
    assert wanted is not None and wanted.session is not None and wanted.secret is not None
    where = resolve(wanted.session, at.session.name)
    source = lookup(where, wanted.session_hash)
    current = source if wanted.session_hash is None else lookup(where, None)
    for version in (source, current):
        other = version.session.secret(wanted.secret) if version else None
        if (
            version is None
            or other is None
            or other.kind != secret.kind
            or not exported(other, version.session, at.session, named)
        ):
            return None
    return source


def exported(secret: Secret, session: Session, to: Session, named: bool = False) -> bool:
    """Return whether `session` lets `to` import one of its secrets; what everybody may read may
    be imported by everybody.

    With `named`, only an export that names `to` or a namespace above it counts.
    """
    return (secret.export_public and not named) or any(
        _meant(party, session, to) for party in secret.export
    )


def _meant(party: Party, session: Session, to: Session) -> bool:
    if party.namespace is not None:
        return to.name.startswith(resolve(party.namespace, session.name) + "/")
    assert party.session is not None
    return resolve(party.session, session.name) == to.name and party.session_hash in (None, to.hash)


# A service's configuration


def configuration(at: Stored, service: str, lookup: Lookup = nowhere) -> dict[str, Any]:
    """Return what a service of a session is given: `command`, `environment` and `pwd`, values of
    secrets filled in.
    """
    for found in at.session.services:
        if found.name == service:
            words = found.command
            return {
                "command": (
                    fill(words, at, lookup)
                    if isinstance(words, str)
                    else [fill(w, at, lookup) for w in words]
                ),
                "environment": {n: fill(text, at, lookup) for n, text in found.environment.items()},
                "pwd": found.pwd,
            }
    raise EvidenceError(
        f"service {service}",
        got="no such service",
        wanted="one of " + (", ".join(s.name for s in at.session.services) or "none"),
    )


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the secrets that a text has placeholders for."""
    return tuple(match[1] for match in _PLACEHOLDER.finditer(text))


def fill(text: str, at: Stored, lookup: Lookup = nowhere) -> str:
    """Replace each `$$SCONE::name$$`, `$$SCONE::name:format$$`, `$$SCONE::name|escape(json)$$`
    by the value of that secret.

    Formats are hex (what binary is without one), bin, base64, base64url, base32 and base32nopad.
    """

    def one(match: re.Match[str]) -> str:
        name, form, escape = match[1], match[2], match[3]
        found = value(at, name, lookup)
        secret = at.session.secret(name)
        if form is not None:
            if form not in _FORMATS:
                raise EvidenceError(
                    f"placeholder {match[0]}",
                    got=f"format {form}",
                    wanted="one of " + ", ".join(_FORMATS),
                )
            data = bytes.fromhex(found) if secret and secret.kind == "binary" else found.encode()
            try:
                found = _FORMATS[form](data)
            except UnicodeDecodeError:
                raise EvidenceError(
                    f"placeholder {match[0]}", got="bytes that are no text", wanted="hex or base64"
                ) from None
        return json.dumps(found, ensure_ascii=False)[1:-1] if escape else found

    return _PLACEHOLDER.sub(one, text)
