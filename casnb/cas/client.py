"""A client of an attested CAS: TLS pinned to the attested certificates and nothing else; values
and sessions.
"""

from __future__ import annotations

import json
import re
import ssl
from http import HTTPStatus
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.base.view import Shown, cell
from casnb.cas.attest import AttestedCas
from casnb.cas.audit_entries import Checkpoints
from casnb.cas.client_identity import ClientIdentity
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import (
    Answer,
    Mistrusted,
    client_context,
    error_messages,
    exchange,
    quoted,
)

_NAME = re.compile(r"[A-Za-z0-9_.~-]{1,512}")
_HASH = re.compile(r"[0-9a-f]{64}")
#: The largest session text that is sent.
SESSION_LIMIT = 1 << 20
#: More names than these are not fetched.
MOST_SESSIONS, MOST_PAGES = 100_000, 2_000


#: What to do about a refusal, by words of the CAS.
_CURES = (
    (
        "please specify predecessor",
        "Name its hash as predecessor, or use scone session update, which does.",
    ),
    (
        "Invalid previous session digest",
        "Another version came in between: read it, put your change into it, name its hash.",
    ),
)


class CasRefusal(CasnbError):
    """The attested CAS answered, and the answer is no: `status` is HTTP's, `messages` are its
    own words, outermost first.
    """

    def __init__(self, subject: str, answer: Answer, url: str = "") -> None:
        self.status, self.url = answer.status, url
        self.messages = tuple(neutral(m, 300) for m in error_messages(answer.body))
        super().__init__(
            subject,
            got=f"HTTP status {answer.status}"
            + (f", and {quoted(self.messages)}" if self.messages else ""),
            wanted="success",
            do=next((cure for words, cure in _CURES if words in " ".join(self.messages)), ""),
        )

    @property
    def causes(self) -> list[str]:
        """The lines that `scone` prints under its headline: which status, then the CAS's words."""
        known = {s.value: s.phrase for s in HTTPStatus}
        status = f"{self.status} {known.get(self.status, '')}".rstrip()
        return [f"CAS at '{self.url}' returned HTTP error status code {status}", *self.messages]


def pinned_context(chain: CasChain, identity: ClientIdentity | None = None) -> ssl.SSLContext:
    """Return a TLS context that trusts this CAS's two certificates and no other: no system
    store, no environment.

    CAS chains carry neither key usage nor authority key identifiers, which Python 3.13 and later
    demands (ssl.VERIFY_X509_STRICT); exactly that flag is taken out. Signature, name and dates
    are checked as ever.
    """
    context = client_context()
    # In memory, and nothing else is loaded: SSL_CERT_FILE and the system's store do not exist here.
    context.load_verify_locations(cadata=chain.to_pem().decode())
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if identity is not None:
        identity.show_in(context)
    return context


class CasClient(Shown):
    """Talk to one attested CAS. Whatever its address, the TLS certificate must be for the name
    `cas` and under the pin.

    `identity` is shown to the CAS where sessions are created or read. `timeout` (seconds) bounds
    each call. Every method raises SourceError where no answer came, VerificationError where
    somebody else answers, CasRefusal where the CAS says no, EvidenceError where its answer is
    malformed.

    Example: `CasClient(attest("scone-cas.cf", policy)).value("example_session",
    "example_value")`
    """

    def __init__(
        self, attested: AttestedCas, identity: ClientIdentity | None = None, timeout: float = 10
    ) -> None:
        if not isinstance(attested, AttestedCas):
            raise UsageError(
                "CasClient",
                got=type(attested).__name__,
                wanted="an AttestedCas",
                do="Attest the CAS first.",
            )
        self.attested = attested
        self.identity = identity
        self.timeout = timeout
        self._context = pinned_context(attested.chain, identity)

    def value(self, session: str, secret: str) -> str:
        """Return a public value as text."""
        return str(self.value_object(session, secret)["value"])

    def value_object(self, session: str, secret: str) -> dict[str, Any]:
        """Return a public value as the CAS sends it: `kind`, `value`, `expires`, `renew`.

        A secret that is missing, private, or in an unknown session gives one and the same refusal.
        """
        target = f"/v1/values/session={_name(session, 'session')},secret={_name(secret, 'secret')}"
        return _value(self._get(target, f"value {secret} of session {session}"), f"value {secret}")

    def values(self, session: str) -> dict[str, dict[str, Any]]:
        """Return all public values of a session, by name, each as the CAS sends it."""
        body = self._get(
            f"/v1/values/session={_name(session, 'session')}", f"values of session {session}"
        )
        found = strictjson.member(body, "values", dict, "values")
        return {name: _value(value, f"value {neutral(name, 80)}") for name, value in found.items()}

    def create_session(self, text: str) -> str:
        """Upload a session (YAML); one whose `predecessor` is the current hash is an update.
        Return its hash, 64 hex digits.
        """
        try:
            data = text.encode("utf-8")
        except (AttributeError, UnicodeEncodeError):
            raise UsageError("session", got=type(text).__name__, wanted="str (YAML)") from None
        if len(data) > SESSION_LIMIT:
            raise UsageError("session", got=f"{len(data)} bytes", wanted=f"at most {SESSION_LIMIT}")
        body = self._get("/v1/sessions", "session", method="POST", body=data, wanted=201)
        return _hash(strictjson.member(body, "hash", str, "session"), "session: hash")

    def create_signed_session(self, signed: str) -> tuple[str, list[str]]:
        """Upload a session that carries its signatures (the JSON of `scone session sign`); return
        its hash, and what the CAS warns of.
        """
        return self._put("/v1/signed_sessions", "signed session", signed)

    def create_encrypted_session(self, sealed: str) -> tuple[str, list[str]]:
        """Upload what `scone session encrypt` printed; return the same."""
        return self._put("/v1/encrypted_sessions", "encrypted session", sealed)

    def encryption_key(self) -> str:
        """Return the key that sessions are encrypted for, PEM (X25519).

        The path `GET /v1/session_encryption_key` is a guess: that of a real CAS is not public.
        Nothing vouches for the key but the pin.
        """
        body = self._get("/v1/session_encryption_key", "session encryption key")
        return str(strictjson.member(body, "key", str, "session encryption key"))

    def _put(self, target: str, subject: str, data: str) -> tuple[str, list[str]]:
        body = self._get(
            target,
            subject,
            method="PUT",
            body=data.encode(),
            wanted=201,
            content_type="application/json",
        )
        warned = strictjson.member(body, "warnings", list, subject)
        said = [": ".join(map(str, w)) if isinstance(w, list) else str(w) for w in warned[:100]]
        found = _hash(strictjson.member(body, "hash", str, subject), "session: hash")
        return found, [neutral(w) for w in said]

    def read_session(self, name: str, hash: str | None = None) -> tuple[str, str]:
        """Return hash and text (YAML) of a session, the current one or an earlier one by its
        hash.
        """
        target = f"/v1/sessions/{_name(name, 'session')}" + (
            f"?hash={_hash(hash, 'hash', UsageError)}" if hash else ""
        )
        body = self._get(target, f"session {name}")
        found = _hash(strictjson.member(body, "hash", str, "session"), "session: hash")
        if hash and found != hash:
            raise EvidenceError(f"session {name}: hash", got=found, wanted=hash)
        return found, strictjson.member(body, "session", str, "session")

    def sessions(self) -> list[str]:
        """Return the names of the sessions that this client may know of, oldest first, at most
        `MOST_SESSIONS`.

        The path `GET /v1/sessions` is a guess: that of a real CAS is not public.
        """
        names: list[str] = []
        after: int | None = None
        for page_number in range(MOST_PAGES + 1):
            if page_number == MOST_PAGES:
                raise EvidenceError(
                    "list of sessions", got="pages without end", wanted=f"at most {MOST_PAGES}"
                )
            body = self._get(
                "/v1/sessions" + (f"?after={after}" if after else ""), "list of sessions"
            )
            page = strictjson.member(body, "sessions", list, "list of sessions")
            if not all(isinstance(name, str) and len(name) <= 512 for name in page):
                raise EvidenceError(
                    "list of sessions", got="something that is not a name", wanted="names"
                )
            names += page
            following = body.get("next")
            if following is None or len(names) >= MOST_SESSIONS:
                break
            if (
                isinstance(following, bool)
                or not isinstance(following, int)
                or following <= (after or 0)
            ):
                raise EvidenceError(
                    "list of sessions: next",
                    got=following,
                    wanted="a larger number than before, or null",
                )
            after = following
        return names[:MOST_SESSIONS]

    def version(self) -> str:
        """Return the version that the CAS says it is; nothing proves it but the pin."""
        return str(
            strictjson.member(self._get("/v1/version", "version"), "version", str, "version")
        )

    def audit_checkpoints(self, least: int = 0, most: int = 10**15) -> Checkpoints:
        """Return what the CAS remembers of its audit log, between two numbers of events.

        The path `GET /v1/audit-log/checkpoints` is a guess: that of a real CAS is not public.
        """
        target = (
            f"/v1/audit-log/checkpoints?min_sequence_number={least:d}&max_sequence_number={most:d}"
        )
        return Checkpoints.from_json(json.dumps(self._get(target, "audit log")))

    def _get(
        self,
        target: str,
        subject: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        wanted: int = 200,
        content_type: str = "application/text",
    ) -> Any:
        cas = self.attested
        try:
            answer = exchange(
                cas.host,
                cas.port,
                target,
                context=self._context,
                tls_name=TLS_NAME,
                method=method,
                body=body,
                content_type=content_type,
                timeout=self.timeout,
            )
        except Mistrusted as exc:
            raise _not_the_pinned(cas, exc) from None
        if answer.status != wanted:
            raise CasRefusal(f"CAS {cas.name}: {subject}", answer, cas.url)
        return strictjson.loads(answer.body, f"CAS {cas.name}: {subject}")

    def __repr__(self) -> str:
        return (
            f"<CasClient {neutral(self.attested.name, 80)}, pinned to root"
            f" {self.attested.chain.fingerprint[:16]}>"
        )

    def __str__(self) -> str:
        return f"{self!r}\n{neutral(self.attested.sentence, 600)}"

    def _html(self) -> str:
        who = self.identity.key_hash if self.identity else "nobody: no client certificate is shown"
        return (
            f"<p>Client of CAS <code>{cell(self.attested.name)}</code> at"
            f" <code>{cell(self.attested.url)}</code>, as"
            f" <code>{cell(who)}</code>.</p>{self.attested.banner()}"
        )


#: What is wrong with a server that shows keys which were not attested.
_OTHER_KEYS = ("wrong-key", "unknown-issuer", "self-signed", "incomplete", "not-authority")


def _not_the_pinned(cas: AttestedCas, exc: Mistrusted) -> Mistrusted:
    """Say of a server with other keys which pin it is measured by, how old that is, and what to
    do.
    """
    why = exc.explanation
    if why.diagnosis is None or why.diagnosis.id not in _OTHER_KEYS:
        return exc
    when = f" on {cas.attested_at:%Y-%m-%d}" if cas.attested_at else ""
    return Mistrusted(
        f"CAS {cas.name}: who answers there is not the CAS that was attested{when}",
        why,
        wanted=f"keys under root key hash {cas.chain.key_hashes[0]}",
        do=(
            "The CAS may have been set up again, this may be another instance, or somebody stands"
            f" in between. The pin is kept. Attest again (scone cas attest {cas.name}), compare the"
            " key hash with what its operator says; no secret before."
        ),
    )


def _name(text: str, what: str) -> str:
    """Return a session or secret name that may stand in a path as it is; raise UsageError for
    any other.
    """
    parts = text.split("/") if isinstance(text, str) else [""]
    if not all(_NAME.fullmatch(p) and p not in (".", "..") for p in parts) or (
        what == "secret" and len(parts) > 1
    ):
        joined = "" if what == "secret" else ", joined by /"
        raise UsageError(
            f"{what} name",
            got=neutral(text, 80) or "nothing",
            wanted=f"letters, digits and _ - . ~{joined}",
        )
    return text


def _hash(text: str, what: str, kind: type[CasnbError] = EvidenceError) -> str:
    if not _HASH.fullmatch(text):
        raise kind(what, got=text, wanted="64 lower-case hex digits")
    return text


def _value(found: Any, what: str) -> dict[str, Any]:
    strictjson.member(found, "kind", str, what)
    strictjson.member(found, "value", str, what)
    return dict(found)
