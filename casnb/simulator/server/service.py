"""The client API of a simulated CAS: reports, public values, sessions; a Flask app that knows a
client only by its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.session.access import Signer, certificate_hash
from casnb.session.encrypted import decrypt
from casnb.session.filling import with_access
from casnb.session.session import Session
from casnb.session.signed import Signed
from casnb.session.values import generate
from casnb.simulator.server.audit_log import AuditLog
from casnb.simulator.server.http_answers import Refused
from casnb.simulator.server.public_values import public_values, read_spec
from casnb.simulator.server.quota import charge
from casnb.simulator.server.store import Conflict, Store, Transaction, Version
from casnb.simulator.server.stored import SLOW, Sources, TooFar, in_turn
from casnb.simulator.server.who import Client, Who
from casnb.simulator.world import World

#: Stands in for a session that is not there: the same work is done, and nobody is admitted.
_NOBODYS = "name: nobodys\nversion: 0.3\naccess_policy: {read: NONE, update: NONE}\n"
#: How many sessions one call of the listing looks at, and how many characters of their texts.
LISTED, LISTED_CHARACTERS = 1000, 1 << 20


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
        wanted = read_spec(spec)
        name, secret = wanted["session"], wanted.get("secret")
        with self.store.reading() as transaction:
            sources = Sources(transaction)
            found = sources.current(name)
            if found is not None and wanted.get("session_hash", found.hash) != found.hash:
                found = None
            public: dict[str, dict[str, Any]] = (
                public_values(sources.stored(found), sources, secret) if found else {}
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

    def create(
        self, text: bytes, client: Client | None, signed: Signed | None = None
    ) -> dict[str, str]:
        """Store a session, or its next version where a predecessor is given; return the hash."""
        try:
            with in_turn(len(text) > SLOW):
                session = Session.from_yaml(text)
        except CasnbError as exc:
            raise Refused(400, "Failed to parse session", str(exc)) from None
        who = Who(client, signed)
        session = session.with_creator(_creator(session, who))
        with in_turn(len(text) > SLOW):
            digest, written = session.hash, session.to_yaml()
        slow_keys = any(s.made and s.key_type.startswith("RSA") for s in session.secrets)
        try:
            with self.store.reading() as transaction:
                sources = Sources(transaction)
                before = self._predecessor(sources, session, who)
                previous = sources.stored(before) if before else None
                with in_turn(slow_keys):
                    made = generate(session, previous, now=self.clock(), lookup=sources)
            version = Version(session.name, digest, session.predecessor, written, made)
            with self.store.writing() as transaction:
                self._predecessor(sources.again(transaction), session, who)
                charge(transaction, who.account, version)
                transaction.append(version)
                self._record(
                    transaction,
                    "session_updated" if before else "session_created",
                    session.name,
                    digest,
                )
        except Conflict:
            raise _stale(session.predecessor, who) from None
        except EvidenceError as exc:
            raise Refused(400, "Failed to create session", str(exc)) from None
        return {"hash": digest}

    def create_signed(self, body: bytes, client: Client | None) -> dict[str, Any]:
        """Store a session that carries its signatures, whoever brings it; return hash and
        warnings.
        """
        from casnb.session.explain import warnings

        try:
            found = Signed.from_json(body)
        except CasnbError as exc:
            raise Refused(400, "Failed to read signed session", str(exc)) from None
        digest = self.create(found.text.encode(), client, found)
        said = warnings(Session.from_yaml(found.text))
        return {**digest, "warnings": [["The session has a warning", neutral(w)] for w in said]}

    def create_encrypted(self, body: bytes, client: Client | None) -> dict[str, Any]:
        """Store a signed session that was encrypted for this CAS, whoever brings it."""
        try:
            opened = decrypt(body, self.world.session_encryption_key)
        except CasnbError as exc:
            raise Refused(400, "Failed to read encrypted session", str(exc)) from None
        return self.create_signed(opened, client)

    def read(self, name: str, hash: str | None, client: Client | None) -> dict[str, str]:
        """Return a session's current version, or that with `hash`.

        The reader must be admitted by the current version, and by the old one where that is
        asked for. Who could learn anyway that a name is taken is told that he may not read it; to
        all others a session that is not there gives the same answer.
        """
        name = name.removeprefix("/")
        with self.store.reading() as transaction:
            sources = Sources(transaction)
            found = self._readable(sources, name, hash, client)
            current = sources.current(name)
            readable = self._readable(sources, name, None, client)
            told = _may_know(sources, name, Who(client)) and current and not readable
        if found and self.audit:
            with self.store.writing() as transaction:
                found = self._readable(sources.again(transaction), name, hash, client)
                if found:
                    self._record(transaction, "session_read", name, found.hash)
        if found:
            return {"hash": found.hash, "session": found.text}
        raise Refused(
            403 if told else 404,
            f"Failed to read session '{neutral(name, 200)}'",
            "Session does not exist or is not visible for this client",
        )

    @staticmethod
    def _readable(
        sources: Sources, name: str, hash: str | None, client: Client | None
    ) -> Version | None:
        current, found = sources.current(name), sources.version(name, hash)
        admitted = [_may(sources, version, "read", Who(client)) for version in (current, found)]
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
                if any(_may(sources, row, "list_sessions", Who(client)) for row in rows):
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

    def _predecessor(self, sources: Sources, session: Session, who: Who) -> Version | None:
        """The version that `session` follows, None if it is the first; raises Refused where it
        must not be stored.

        Who may not create in a namespace is told that before anything about what is in it. 403
        says that a name is there and not for this client, 404 that it is not there, or that nobody
        is told; a conflict is 409 for who signed, and 400 for others, as clients expect it.
        """
        current = sources.current(session.name)
        known = _may_know(sources, session.name, who)
        if session.predecessor is None:
            above = session.name.rpartition("/")[0]
            space = sources.current(above) if above else None
            if above and not _may(sources, space, "create_sessions", who):
                told = _may_know(sources, above, who) and space is not None
                raise Refused(
                    403 if told else 404,
                    f"Failed to create session '{neutral(session.name, 200)}'",
                    "Its namespace does not exist or does not let this client create sessions",
                )
            if current is not None:
                raise Refused(
                    409 if who.signed else 400,
                    "Session already exists, please specify predecessor hash",
                )
            _compare_namespace(space, session)
            return None
        if not _may(sources, current, "update", who) or current is None:
            raise Refused(
                403 if known and current else 404,
                f"Failed to update session '{neutral(session.name, 200)}'",
                "Session does not exist or may not be updated by this client",
            )
        if current.hash != session.predecessor:
            raise _stale(session.predecessor, who)
        return current


def _may(sources: Sources, version: Version | None, action: str, who: Who) -> bool:
    """Whether a client may do that with a session; one that is not there is asked for as well,
    and admits nobody, and so does one whose policy imports lead too far.
    """
    session = _nobodys()
    if version:
        with suppress(TooFar):
            session = with_access(sources.stored(version), sources.afresh())
    client = who.client
    return session.admits(
        action,
        client.key if client else None,
        signers=who.signed.signers if who.signed else (),
        certificates=[certificate_hash(client.certificate)] if client else [],
    )


def _may_know(sources: Sources, name: str, who: Who) -> bool:
    """Whether somebody could learn without this answer that a name is taken: by trying to create
    it, or from the list of its namespace.
    """
    above = name.rpartition("/")[0]
    return not above or _may(sources, sources.current(above), "list_sessions", who)


def _creator(session: Session, who: Who) -> str | Signer | None:
    """Who CREATOR is, from whoever uploads: the one who signed, else the client's certificate;
    raise Refused for a text that names somebody else.
    """
    failed, client, signed = "Failed to create session", who.client, who.signed
    if session.creator:
        keys = (
            signed.signers
            if signed and isinstance(session.creator, Signer)
            else {client.key}
            if client
            else set()
        )
        if session.creator_key not in keys:
            raise Refused(
                400, failed, "The session names a creator with another key than this client's"
            )
        return session.creator
    if not session.names_creator:
        return None
    if signed is not None:
        if len(signed.signatures) > 1:
            raise Refused(
                400, failed, "The access policy says CREATOR, and it is open which signer that is"
            )
        return Signer(signed.signatures[0].signer)
    if client is None:
        raise Refused(
            400, failed, "The access policy says CREATOR, and no client certificate was sent"
        )
    return client.certificate


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


def _stale(predecessor: str | None, who: Who) -> Refused:
    return Refused(
        409 if who.signed else 400,
        "Could not create successor session",
        f"Invalid previous session digest: {predecessor}",
    )
