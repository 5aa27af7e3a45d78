"""The client API of a simulated CAS: reports, public values, sessions; a Flask app that knows a
client only by its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import Flask, Response, request

from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.session.access import certificate_hash
from casnb.session.filling import with_access
from casnb.session.session import Session, canonical_pem, public_key
from casnb.session.values import Lookup, Stored, generate, kind_of, value
from casnb.simulator.server.audit_log import AuditLog
from casnb.simulator.server.http_answers import Refused, answer, new_app, route
from casnb.simulator.server.quota import charge
from casnb.simulator.server.store import Conflict, Store, Transaction, Version
from casnb.simulator.server.stored import SLOW, Sources, TooFar, in_turn
from casnb.simulator.world import World

#: The policy of the assignment's page, without its predecessor.
EXAMPLE_SESSION = """\
name: example_session
version: "0.3"
secrets:
  - name: example_value
    export_public: true
    kind: ascii
    value: "42"
access_policy:
  read:
    - CREATOR
  update:
    - CREATOR
"""

#: Stands in for a session that is not there: the same work is done, and nobody is admitted.
_NOBODYS = "name: nobodys\nversion: 0.3\naccess_policy: {read: NONE, update: NONE}\n"
#: How many sessions one call of the listing looks at, and how many characters of their texts.
LISTED, LISTED_CHARACTERS = 1000, 1 << 20

_SPEC_KEYS = ("session", "session_hash", "secret")


@dataclass(frozen=True)
class Client:
    """Who asks: the certificate from the TLS handshake and its public key (SPKI, DER).
    Possession of the key is proven there.
    """

    certificate: str
    key: bytes

    @classmethod
    def from_pem(cls, pem: str | None) -> Client | None:
        """Return the client that shows this certificate, None for none; raise Refused for a key
        that nobody can compare.
        """
        if not pem:
            return None
        try:
            return cls(canonical_pem(pem), public_key(pem))
        except EvidenceError as exc:
            raise Refused(400, "Client certificate cannot be used", str(exc)) from None


class ClientApi:
    """What the API does, without HTTP: each method returns the answer's content or raises
    Refused.
    """

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Callable[[], datetime],
        audit: AuditLog | None = None,
    ) -> None:
        self.world, self.store, self.clock, self.audit = world, store, clock, audit

    # Evidence

    def attest(self, arguments: Mapping[str, list[str]]) -> bytes:
        """Return evidence about this CAS. Parameters: `type`, `nonce`, and for EPID `spid` and
        `linkable`; others are ignored.
        """
        failed = "Failed to create attestation report"
        given: dict[str, str] = {}
        for name in ("type", "nonce", "spid", "linkable"):
            found = arguments.get(name, [])
            if len(found) > 1:
                raise Refused(400, failed, f"Invalid argument '{name}': given more than once")
            if found:
                given[name] = found[0]
        kind = given.get("type", "IASReport")
        if kind not in ("IASReport", "EPID", "EPIDQuote", "DCAP", "DCAPQuote"):
            raise Refused(
                400, failed, f"Invalid argument 'type': unknown evidence type '{neutral(kind, 60)}'"
            )
        if kind.removesuffix("Quote") not in self.world.setup.evidence:
            raise Refused(
                400,
                failed,
                f"Invalid argument 'type': {kind} is not available on this CAS, which offers "
                + " and ".join(self.world.setup.evidence),
            )
        if kind.startswith("EPID") and not {"spid", "linkable"} <= given.keys():
            raise Refused(400, failed, "Invalid argument: type EPID needs 'spid' and 'linkable'")
        if given.get("linkable", "false") not in ("true", "false"):
            raise Refused(400, failed, "Invalid argument 'linkable': true or false is wanted")
        try:
            return self.world.attest(
                kind,
                given.get("nonce", ""),
                self.clock(),
                spid=given.get("spid"),
                linkable=given.get("linkable") == "true",
            )
        except UsageError as exc:
            raise Refused(400, failed, f"Invalid argument: {exc}") from None

    # Public values

    def values(self, spec: str) -> dict[str, Any]:
        """Return one public value (`session=S,secret=V`) or all (`session=S`).

        With `session_hash` only while that version is the current one. A session or secret that
        is not there and one that is not public give the same answer.
        """
        wanted = _read_spec(spec)
        name, secret = wanted["session"], wanted.get("secret")
        with self.store.reading() as transaction:
            sources = Sources(transaction)
            found = sources.current(name)
            if found is not None and wanted.get("session_hash", found.hash) != found.hash:
                found = None
            public: dict[str, dict[str, Any]] = (
                _public(sources.stored(found), sources, secret) if found else {}
            )
        if secret is None and public:
            return {"values": public}
        if secret in public:
            return public[secret]
        shown = neutral(name, 200)
        if secret is None:
            raise Refused(
                404,
                f"Failed to read values of '/session={shown}' requested by a public client",
                "Session does not exist or has no value that is visible for a public client",
            )
        raise Refused(
            404,
            f"Failed to read value '{neutral(secret, 200)}' of '/session={shown}' requested by a"
            " public client",
            "Secret does not exist or is not visible for a public client",
        )

    # Sessions

    def create(self, text: bytes, client: Client | None) -> dict[str, str]:
        """Store a session, or its next version where a predecessor is given; return the hash."""
        try:
            with in_turn(len(text) > SLOW):
                session = Session.from_yaml(text)
        except CasnbError as exc:
            raise Refused(400, "Failed to parse session", str(exc)) from None
        if session.creator and (client is None or session.creator_key != client.key):
            raise Refused(
                400,
                "Failed to create session",
                "The session names a creator with another key than this client's",
            )
        if session.names_creator and client is None:
            raise Refused(
                400,
                "Failed to create session",
                "The access policy says CREATOR, and no client certificate was sent",
            )
        session = session.with_creator(client.certificate if client else None)
        with in_turn(len(text) > SLOW):
            digest, written = session.hash, session.to_yaml()
        slow_keys = any(s.made and s.key_type.startswith("RSA") for s in session.secrets)
        try:
            with self.store.reading() as transaction:
                sources = Sources(transaction)
                before = self._predecessor(sources, session, client)
                previous = sources.stored(before) if before else None
                with in_turn(slow_keys):
                    made = generate(session, previous, now=self.clock(), lookup=sources)
            version = Version(session.name, digest, session.predecessor, written, made)
            with self.store.writing() as transaction:
                self._predecessor(sources.again(transaction), session, client)
                charge(transaction, client.key if client else None, version)
                transaction.append(version)
                self._record(
                    transaction,
                    "session_updated" if before else "session_created",
                    session.name,
                    digest,
                )
        except Conflict:
            raise _stale(session.predecessor) from None
        except EvidenceError as exc:
            raise Refused(400, "Failed to create session", str(exc)) from None
        return {"hash": digest}

    def read(self, name: str, hash: str | None, client: Client | None) -> dict[str, str]:
        """Return a session's current version, or that with `hash`.

        The reader must be admitted by the current version, and by the old one where that is
        asked for. A session that is not there and one that this client may not read give the
        same answer.
        """
        with self.store.reading() as transaction:
            sources = Sources(transaction)
            found = self._readable(sources, name, hash, client)
        if found and self.audit:
            with self.store.writing() as transaction:
                found = self._readable(sources.again(transaction), name, hash, client)
                if found:
                    self._record(transaction, "session_read", name, found.hash)
        if found:
            return {"hash": found.hash, "session": found.text}
        raise Refused(
            404,
            f"Failed to read session '{neutral(name, 200)}'",
            "Session does not exist or is not visible for this client",
        )

    @staticmethod
    def _readable(
        sources: Sources, name: str, hash: str | None, client: Client | None
    ) -> Version | None:
        current, found = sources.current(name), sources.version(name, hash)
        admitted = [_may(sources, version, "read", client) for version in (current, found)]
        return found if all(admitted) else None

    def listing(self, after: str | None, client: Client | None) -> dict[str, Any]:
        """Return the names of sessions that this client may list, oldest first, and under `next`
        where to go on, if anywhere.

        A session is listed to whom its own `list_sessions` admits or that of the namespace right
        above it; where a session does not say, `read` counts. One call looks at no more than
        `LISTED` sessions, and at no more once it has read `LISTED_CHARACTERS`.
        """
        if after is not None and not re.fullmatch("[0-9]{1,18}", after):
            raise Refused(
                400,
                "Invalid argument 'after'",
                "A number from the member 'next' of an earlier answer is wanted",
            )
        with self.store.reading() as transaction:
            page, sources = transaction.firsts(int(after or 0), LISTED), Sources(transaction)
            names: list[str] = []
            looked = 0
            for _, name in page:
                rows = [sources.current(n) for n in (name, name.rpartition("/")[0]) if n]
                if any(_may(sources, row, "list_sessions", client) for row in rows):
                    names.append(name)
                looked += 1
                if sources.characters > LISTED_CHARACTERS:
                    break
        more = looked < len(page) or len(page) == LISTED
        return {"sessions": names, "next": page[looked - 1][0] if more else None}

    def version(self) -> dict[str, str]:
        """Return what software this CAS is."""
        return {"version": self.world.enclave.version}

    def checkpoints(self, least: str, most: str) -> dict[str, Any]:
        """Return what this CAS remembers of its audit log, between two numbers."""
        if self.audit is None:
            raise Refused(404, "Failed to read audit log checkpoints", "No audit log is kept")
        if not all(re.fullmatch("[0-9]{1,18}", text) for text in (least, most)):
            raise Refused(
                400, "Invalid argument", "min_sequence_number and max_sequence_number are numbers"
            )
        return self.audit.checkpoints(int(least), int(most))

    def _record(self, transaction: Transaction, kind: str, name: str, digest: str) -> None:
        """Write an event about a session into the audit log, where one is kept, before it is
        committed.
        """
        if self.audit:
            self.audit.record(transaction, {"type": kind, "session": name, "session_hash": digest})

    def _predecessor(
        self, sources: Sources, session: Session, client: Client | None
    ) -> Version | None:
        """The version that `session` follows, None if it is the first; raises Refused where it
        must not be stored.

        Who may not create in a namespace is told that before anything about what is in it.
        """
        current = sources.current(session.name)
        if session.predecessor is None:
            above = session.name.rpartition("/")[0]
            if above and not _may(sources, sources.current(above), "create_sessions", client):
                raise Refused(
                    404,
                    f"Failed to create session '{neutral(session.name, 200)}'",
                    "Its namespace does not exist or does not let this client create sessions",
                )
            if current is not None:
                raise Refused(400, "Session already exists, please specify predecessor hash")
            _compare_namespace(sources.current(above) if above else None, session)
            return None
        if not _may(sources, current, "update", client) or current is None:
            raise Refused(
                404,
                f"Failed to update session '{neutral(session.name, 200)}'",
                "Session does not exist or may not be updated by this client",
            )
        if current.hash != session.predecessor:
            raise _stale(session.predecessor)
        return current


def create_app(
    world: World, store: Store, clock: Callable[[], datetime], audit: AuditLog | None = None
) -> Flask:
    """Return the WSGI app: `clock` gives the time (UTC) that reports carry, SSL_CLIENT_CERT in
    the environ is the client.
    """
    api = ClientApi(world, store, clock, audit)
    app = new_app("casnb.simulator")

    def client() -> Client | None:
        return Client.from_pem(request.environ.get("SSL_CLIENT_CERT"))

    route(
        app,
        "/v1/attest",
        "GET",
        lambda: Response(
            api.attest(request.args.to_dict(flat=False)), content_type="application/json"
        ),
    )
    route(app, "/v1/values/<path:spec>", "GET", lambda spec: answer(200, api.values(spec)))
    route(app, "/v1/version", "GET", lambda: answer(200, api.version()))
    route(
        app,
        "/v1/audit-log/checkpoints",
        "GET",
        lambda: answer(
            200,
            api.checkpoints(
                request.args.get("min_sequence_number", "0"),
                request.args.get("max_sequence_number", "9" * 18),
            ),
        ),
    )
    route(
        app,
        "/v1/sessions",
        "GET",
        lambda: answer(200, api.listing(request.args.get("after"), client())),
    )
    route(
        app, "/v1/sessions", "POST", lambda: answer(201, api.create(request.get_data(), client()))
    )
    route(
        app,
        "/v1/sessions/<path:name>",
        "GET",
        lambda name: answer(200, api.read(name, request.args.get("hash"), client())),
    )
    return app


def plant_example(api: ClientApi, owner: Client) -> str:
    """Create the assignment's example session where it is missing; return its hash."""
    with api.store.reading() as transaction:
        found = transaction.current("example_session")
    return found.hash if found else api.create(EXAMPLE_SESSION.encode(), owner)["hash"]


def _read_spec(spec: str) -> dict[str, str]:
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
    return found


def _public(at: Stored, find: Lookup, name: str | None) -> dict[str, dict[str, Any]]:
    """The values that anybody may read, or only that of one secret; one whose import leads nowhere
    is not there.

    An ascii secret has kind `string`; the labels of the others, and hex for binary ones, are
    casnb's choice.
    """
    found = {}
    for secret in at.session.secrets:
        if secret.export_public and name in (None, secret.name):
            with suppress(EvidenceError):
                kind = kind_of(at, secret.name, find)
                found[secret.name] = {
                    "kind": "string" if kind == "ascii" else kind,
                    "value": value(at, secret.name, find),
                    "expires": None,
                    "renew": None,
                }
    return found


def _may(sources: Sources, version: Version | None, action: str, client: Client | None) -> bool:
    """Whether a client may do that with a session; one that is not there is asked for as well,
    and admits nobody, and so does one whose policy imports lead too far.
    """
    session = _nobodys()
    if version:
        with suppress(TooFar):
            session = with_access(sources.stored(version), sources.afresh())
    return session.admits(
        action,
        client.key if client else None,
        certificates=[certificate_hash(client.certificate)] if client else [],
    )


def _compare_namespace(above: Version | None, session: Session) -> None:
    """A session that names the hash of its namespace is created in that very version of it."""
    wanted = session.others.get("namespace_hash")
    if wanted and (above is None or above.hash != wanted):
        raise Refused(
            400,
            f"Failed to create session '{neutral(session.name, 200)}'",
            "The namespace has another hash than namespace_hash says",
        )


@cache
def _nobodys() -> Session:
    return Session.from_yaml(_NOBODYS)


def _stale(predecessor: str | None) -> Refused:
    return Refused(
        400, "Could not create successor session", f"Invalid previous session digest: {predecessor}"
    )
