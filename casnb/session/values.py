"""Values of a session's secrets: made once when it is stored, kept across updates, imported."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from casnb.base.errors import EvidenceError
from casnb.base.spans import read_span
from casnb.session import material
from casnb.session.material import Random
from casnb.session.names import resolve
from casnb.session.secret_kinds import CERTIFICATES, KINDS
from casnb.session.secrets import Secret
from casnb.session.session import Session
from casnb.session.sharing import Party

#: Imports may lead on to imports, so far and no further.
_LONGEST_WAY = 8
#: No chain of certificates is longer.
_LONGEST_CHAIN = 16
#: Under which names values stand that no secret of the text has: the key of a certificate of
#: language 0.2, and that session's own authority. No secret's name has a colon.
_OWN_KEY, _SESSION_CA = ":privatekey", ":session-ca"


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
    where `migrate` says so. Certificates are always made again, valid from `now` (aware). In
    language 0.2 each has a key of its own and is issued by the session's, which is kept. The
    result follows from the arguments, except for RSA keys and ECDSA signatures. Raises
    EvidenceError where an issuer cannot be imported.
    """
    made: dict[str, str] = {}
    to_make = [s for s in session.secrets if s.made and s.kind is not None]
    if session.minor < 0 and any(s.kind in CERTIFICATES for s in session.secrets):
        made |= _session_authority(session, before, now, random)
    for secret in to_make:
        kind = KINDS[str(secret.kind)]
        if kind.make is not None:
            made[secret.name] = _kept(secret, before) or kind.make(getattr(secret, kind.by), random)
    for secret in to_make:
        if secret.kind == "public-key":
            assert secret.private_key is not None
            key = value(Stored(session, made), secret.private_key, lookup)
            made[secret.name] = material.public_key_of(key)
    _certify([s for s in to_make if s.kind in CERTIFICATES], session, made, now, random, lookup)
    own = {n: v for n, v in made.items() if ":" in n}
    return {s.name: made[s.name] for s in session.secrets if s.name in made} | own


def _certify(
    waiting: list[Secret],
    session: Session,
    made: dict[str, str],
    now: datetime,
    random: Random,
    lookup: Lookup,
) -> None:
    """Make these certificates, each after its issuer."""
    while waiting:
        names = {s.name for s in waiting}
        ready = next(s for s in waiting if s.issuer not in names)
        waiting.remove(ready)
        if ready.old:
            made |= _issue_old(ready, made, now, random)
        else:
            made[ready.name] = _issue(ready, Stored(session, made), now, random, lookup)


def _kept(secret: Secret, before: Stored | None) -> str | None:
    if before is None or not secret.keeps(before.session.secret(secret.name)):
        return None
    return before.values.get(secret.name)


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
        life=read_span(secret.valid_for) if secret.valid_for else None,
        now=now,
        random=random,
        issuer=_issuer(at, secret.issuer, lookup) if secret.issuer else None,
    )


def _session_authority(
    session: Session, before: Stored | None, now: datetime, random: Random
) -> dict[str, str]:
    """The authority of a session in language 0.2, certificate and key; it stays what it was."""
    names = (_SESSION_CA, _SESSION_CA + _OWN_KEY)
    if before is not None and all(n in before.values for n in names):
        return {n: before.values[n] for n in names}
    key = material.make_key("P-256", random)
    made = material.issue(
        f"cas-session:{session.name}"[:64],
        key,
        authority=True,
        endpoint=None,
        alternatives=(),
        life=None,
        now=now,
        random=random,
    )
    return {names[0]: made, names[1]: key}


def _issue_old(
    secret: Secret, made: Mapping[str, str], now: datetime, random: Random
) -> dict[str, str]:
    """A certificate of language 0.2 with its key, by the session's authority; or that itself."""
    above = made[_SESSION_CA], made[_SESSION_CA + _OWN_KEY]
    if secret.kind == "session-ca":
        return {secret.name: above[0]}
    key = material.make_key("P-256", random)
    certificate = material.issue(
        secret.name[:64],
        key,
        authority=secret.kind == "x509-ca",
        endpoint=None,
        alternatives=(),
        life=None,
        now=now,
        random=random,
        issuer=above,
    )
    return {secret.name: certificate, secret.name + _OWN_KEY: key}


def _issuer(at: Stored, name: str, lookup: Lookup) -> tuple[str, str]:
    """Certificate and key of an issuer.

    A session that an authority is exported to may issue with it (casnb's own rule); a public
    certificate lets nobody issue.
    """
    certificate, where, secret = _origin(at, name, lookup, named=True)
    if secret.old and secret.name + _OWN_KEY in where.values:
        return certificate, where.values[secret.name + _OWN_KEY]
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
    """The value of a secret, the session that it originally comes from, and the secret there;
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
    source = _source(at, secret, lookup, named, steps) if steps < _LONGEST_WAY else None
    if source is None:
        raise EvidenceError(
            f"secret {name}: import",
            got=f"nothing under secret {wanted.secret} of session {wanted.session}",
            wanted=f"a secret {f'of kind {secret.kind} ' if secret.kind else ''}that is exported to"
            f" {at.session.name}",
            do="Its session names this one under `export`.",
        )
    return _origin(source, wanted.secret, lookup, steps + 1, named)


def _source(at: Stored, secret: Secret, lookup: Lookup, named: bool, steps: int) -> Stored | None:
    """The session that a secret is imported from, if that lets it go.

    An export must hold in the version that is named and in the current one: one that was
    withdrawn stays withdrawn, whichever version another session names.
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
            or (secret.kind and _settled(version, other, lookup, steps) != secret.kind)
            or not exported(other, version.session, at.session, named)
        ):
            return None
    return source


def _settled(at: Stored, secret: Secret, lookup: Lookup, steps: int) -> str | None:
    """The kind of a secret; of an import that leaves it open, that of what it imports."""
    if secret.kind is not None:
        return secret.kind
    try:
        return _origin(at, secret.name, lookup, steps + 1)[2].kind
    except EvidenceError:
        return None


def kind_of(at: Stored, name: str, lookup: Lookup = nowhere) -> str:
    """Return the kind of a secret; raise EvidenceError where it is imported from nowhere."""
    return _origin(at, name, lookup)[2].kind or "ascii"


def key_of(at: Stored, name: str, lookup: Lookup = nowhere) -> str:
    """Return the private key of a certificate, PEM (PKCS#8).

    One that is imported brings its key along where the key is exported to this session too; in
    language 0.2 key and certificate are one secret. Raises EvidenceError where there is none.
    """
    _, where, secret = _origin(at, name, lookup)
    if secret.old and secret.name + _OWN_KEY in where.values:
        return where.values[secret.name + _OWN_KEY]
    key = where.session.secret(secret.private_key) if secret.private_key else None
    if key is None or (
        where.session.name != at.session.name and not _lends(key, where, at, lookup)
    ):
        raise EvidenceError(
            f"secret {name}: key",
            got="a certificate without its key",
            wanted="one whose private_key is in its session"
            + ("" if where.session.name == at.session.name else ", and exported to this one"),
        )
    return value(where, key.name, lookup)


def _lends(key: Secret, where: Stored, at: Stored, lookup: Lookup) -> bool:
    """Whether a key is exported to a session by name, in this version and in the current one."""
    versions = (where, lookup(where.session.name, None))
    found = [(v.session.secret(key.name), v.session) for v in versions if v]
    return len(found) == len(versions) and all(
        secret is not None and exported(secret, session, at.session, named=True)
        for secret, session in found
    )


def chain_of(at: Stored, name: str, lookup: Lookup = nowhere) -> list[str]:
    """Return the certificates above one, PEM, from the first intermediate to the root."""
    found: list[str] = []
    _, where, secret = _origin(at, name, lookup)
    if secret.old:
        own = where.values.get(_SESSION_CA)
        return [own] if own and secret.kind != "session-ca" else []
    while secret.issuer is not None and len(found) < _LONGEST_CHAIN:
        certificate, where, secret = _origin(where, secret.issuer, lookup)
        found.append(certificate)
    return found


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
        above = resolve(party.namespace, session.name)
        return to.name == above or to.name.startswith(above + "/")
    assert party.session is not None
    return resolve(party.session, session.name) == to.name and party.session_hash in (None, to.hash)
