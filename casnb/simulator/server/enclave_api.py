"""The enclave API of a simulated CAS: a service shows its quote, and is given its configuration
if the session wants it.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.checks.binding import Binding
from casnb.checks.result import AttestationResult, Check, CheckStatus
from casnb.evidence.avr import decode_base64
from casnb.evidence.quote import Quote, parse_quote
from casnb.evidence.report import ReportBody
from casnb.policy.advisories import ADVISORIES
from casnb.policy.flags import BY_NAME
from casnb.session.filling import configuration, with_policy
from casnb.simulator.enclave_protocol import (
    CHALLENGE,
    CONFIGURATION,
    EXITED,
    ConfigId,
    service_binding,
)
from casnb.simulator.server.audit_log import AuditLog
from casnb.simulator.server.http_answers import Refused, answer, new_app, route
from casnb.simulator.server.one_time_passwords import OneTimePasswords
from casnb.simulator.server.store import Store
from casnb.simulator.server.stored import Sources
from casnb.simulator.server.who import Client
from casnb.simulator.world import World

if TYPE_CHECKING:
    from casnb.session.service_policy import ServicePolicy
    from casnb.verify.proof import Proof

#: How long a nonce is good for, and how many may be waiting: the oldest goes.
NONCE_TIME, NONCES = timedelta(minutes=5), 4096
_IDENTITY = ("mrenclave", "mrsigner", "isvprodid", "isvsvn")
_PAGE = "https://www.intel.com/content/www/us/en/security-center/advisory/"


class EnclaveApi:
    """What the API does, without HTTP."""

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Callable[[], datetime],
        audit: AuditLog | None = None,
    ) -> None:
        self.world, self.store, self.clock, self.audit = world, store, clock, audit
        self._nonces: OrderedDict[str, datetime] = OrderedDict()
        self._running: OrderedDict[bytes, tuple[ConfigId, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._passwords = OneTimePasswords(clock)

    def challenge(self) -> dict[str, str]:
        """Return a nonce that one quote may repeat, soon."""
        nonce = secrets.token_hex(32)
        with self._lock:
            self._nonces[nonce] = self.clock()
            while len(self._nonces) > NONCES:
                self._nonces.popitem(last=False)
        return {"nonce": nonce}

    def configure(self, body: bytes, client: Client | None) -> dict[str, Any]:
        """Return command, environment and working directory of a service, secrets filled in;
        raise Refused.
        """
        if client is None:
            raise Refused(
                400,
                "Failed to attest service",
                "No client certificate was sent: nobody would know whom to answer",
            )
        asked, nonce, quote = _read(body)
        if not self._spend(nonce):
            raise Refused(
                400,
                "Failed to attest service",
                "The nonce is not one that this CAS gave out, or was used or is too old",
            )
        nothing = Refused(
            404,
            "Failed to retrieve service attestation configuration",
            f"No session has a service '{neutral(f'{asked.session}/{asked.service}', 300)}'",
        )
        from casnb.session.service_policy import service_policy

        with self.store.reading() as transaction:
            sources = Sources(transaction)
            found = sources.current(asked.session)
            if found is None:
                raise nothing
            at = sources.stored(found)
            try:
                filled = with_policy(at, sources)
                policy = service_policy(filled, asked.service)
            except UsageError:
                raise nothing from None
            except EvidenceError as exc:
                raise Refused(
                    400, "Failed to make the configuration of the service", str(exc)
                ) from None
            self._judge(policy, quote, service_binding(nonce, client.key))
            if secret := filled.one_time_secret(asked.service):
                self._passwords.spend(secret, asked.password)
            try:
                given = configuration(at, asked.service, sources)
                given["files"] = [_file(f) for f in given["files"]]
            except EvidenceError as exc:
                raise Refused(
                    400, "Failed to make the configuration of the service", str(exc)
                ) from None
        self._record("service_attested", asked, found.hash)
        with self._lock:
            self._running[client.key] = (asked, found.hash)
            while len(self._running) > NONCES:
                self._running.popitem(last=False)
        return given

    def exited(self, client: Client | None) -> dict[str, Any]:
        """Note that the service with this key ended; of keys that nothing was given to, nothing
        is noted.
        """
        with self._lock:
            known = self._running.pop(client.key, None) if client else None
        if known is not None:
            self._record("service_exited", *known)
        return {}

    def _record(self, kind: str, asked: ConfigId, digest: str) -> None:
        if self.audit:
            event = {
                "type": kind,
                "session": asked.session,
                "session_hash": digest,
                "service": asked.service,
            }
            with self.store.writing() as transaction:
                self.audit.record(transaction, event)

    def _spend(self, nonce: str) -> bool:
        with self._lock:
            made = self._nonces.pop(nonce, None)
        return made is not None and self.clock() - made <= NONCE_TIME

    def _judge(self, policy: ServicePolicy, raw: bytes | None, binding: bytes) -> None:
        """Raise Refused unless the session accepts this evidence; with mode none there need not
        be any.
        """
        from casnb.verify.dispatch import verify

        failed = "Failed to verify DCAP report"
        try:
            if policy.mode == "none":
                policy.appraise(None)
                return
            if raw is None:
                raise Refused(403, "DCAP quote verification failed", failed, "No quote was sent")
            quote = parse_quote(raw)
            if not isinstance(quote, Quote):
                raise Refused(
                    403,
                    "DCAP quote verification failed",
                    failed,
                    "An EPID quote cannot be verified here",
                )
            now = self.clock()
            proof = verify(
                quote, endorsements=self.world.endorsements(now), roots=self.world.roots, now=now
            )
            said = quote.body.report_data
            result = policy.appraise(
                proof,
                Binding(
                    "SHA-512 of this CAS's nonce and the service's TLS key",
                    said.hex(),
                    binding.hex(),
                    said,
                    "the evidence was made for somebody else",
                    fresh=True,
                ),
            )
        except Refused:
            raise
        except CasnbError as exc:
            raise Refused(403, "DCAP quote verification failed", failed, str(exc)) from None
        if not result.accepted:
            raise Refused(
                403, "DCAP quote verification failed", failed, *reasons(result, policy, proof)
            )


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file as it travels: its content in base64."""
    content = file["content"]
    return {**file, "content": None if content is None else base64.b64encode(content).decode()}


def reasons(result: AttestationResult, policy: ServicePolicy, proof: Proof) -> list[str]:
    """Say why a session does not want an enclave, first what is worst, in documented words where
    there are some.
    """
    failed = {c.id: c for c in result.failures}
    platform: dict[str, Check] = {
        i: failed.pop(i) for i in ("tcb-status", "advisories") if i in failed
    }
    enclave = {i: failed.pop(i) for i in ("debug", *_IDENTITY) if i in failed}
    said = [_plain(c) for c in failed.values()]
    words: list[str] = []
    for part, of in ((enclave, _enclave), (platform, _platform)):
        if part:
            more, tolerated = of(part, result, policy, proof)
            said += more
            words += tolerated
    if not said:
        said = [
            f"Check {c.id} could not be made: {c.reason}"
            for c in result.checks
            if c.status is CheckStatus.NOT_RUN and not c.optional
        ][:4]
    if words:
        said.append(
            f"Note: In order to ignore this error, add `tolerate: [{', '.join(words)}]` to the"
            " session's `security.attestation` config"
        )
    return said


def _enclave(
    checks: Mapping[str, Check], result: AttestationResult, policy: ServicePolicy, proof: Proof
) -> tuple[list[str], list[str]]:
    """Return what is wrong with the enclave, and the words of `tolerate` that would accept it."""
    said = ["The program enclave is not trustworthy"]
    if proof.report and any(i in _IDENTITY for i in checks):
        met = any(c.status is CheckStatus.PASSED for c in result.checks if c.id in _IDENTITY)
        said.append(
            f"{'Not all' if met else 'None'} of the required enclave properties are met by the"
            " enclave"
        )
        said += _properties(policy, proof.report)
    if "debug" not in checks:
        return said, []
    said.append(
        "Debug mode is enabled. Enclave protection is turned off, all secrets can be extracted"
        " with a debugger"
    )
    return said, ["debug-mode"]


def _platform(
    checks: Mapping[str, Check], _: AttestationResult, policy: ServicePolicy, proof: Proof
) -> tuple[list[str], list[str]]:
    """The same for the platform: which risks its status and the advisories stand for."""
    said = ["The enclave's TCB is not trustworthy", "Security risks:"]
    needs = sorted(proof.tcb_status.needs) if proof.tcb_status else []
    known = [BY_NAME[n] for n in needs if BY_NAME[n].risk and n not in policy.flags()]
    if known:
        said += [f"  - {flag.risk}" for flag in known]
    elif "tcb-status" in checks:
        said.append(f"  - {_plain(checks['tcb-status'])}")
    listed = [a for a in proof.advisories if a not in policy.security.ignore_advisories]
    said += [f"  - See advisory {a} ({_page(a)})" for a in listed]
    return said, [flag.elsewhere.tolerate[0] for flag in known if flag.elsewhere.tolerate]


def _page(advisory: str) -> str:
    known = ADVISORIES.get(advisory)
    return known.url if known else _PAGE + neutral(advisory, 40)


def _properties(policy: ServicePolicy, body: ReportBody) -> list[str]:
    """One sentence for each alternative property that the enclave does not have."""
    wrong: list[str] = []
    for r in policy.requirements:
        if r.mrenclaves and body.mrenclave not in r.mrenclaves:
            wrong += [
                f"Unexpected enclave measurement (MRENCLAVE, {body.mrenclave}) - Expected {m}"
                for m in r.mrenclaves
            ]
        if r.signer and body.mrsigner != r.signer.mrsigner:
            wrong.append(
                f"Unexpected enclave signer (MRSIGNER, {body.mrsigner}) - Expected"
                f" {r.signer.mrsigner}"
            )
        elif r.signer and body.isv_prod_id != r.signer.isvprodid:
            wrong.append(
                f"Unexpected enclave product (ISVPRODID, {body.isv_prod_id}) - Expected"
                f" {r.signer.isvprodid}"
            )
        elif r.signer and not r.signer.least <= body.isv_svn <= (
            r.signer.most if r.signer.most is not None else body.isv_svn
        ):
            to = "" if r.signer.most is None else f" to {r.signer.most}"
            wrong.append(
                f"Unexpected enclave version (ISVSVN, {body.isv_svn}) - Expected"
                f" {r.signer.least}{to or ' or later'}"
            )
    return (
        wrong
        if len(wrong) == 1
        else [f"Error {n} of {len(wrong)}: {text}" for n, text in enumerate(wrong, 1)]
    )


def _plain(check: Check) -> str:
    return neutral(
        f"{check.title}: got {check.got or 'nothing'}"
        + (f" ({check.reason})" if check.reason else ""),
        400,
    )


def _read(body: bytes) -> tuple[ConfigId, str, bytes | None]:
    what = "service attestation"
    try:
        found = strictjson.loads(body, what)
        asked = ConfigId.parse(strictjson.member(found, "config_id", str, what))
        nonce = strictjson.member(found, "nonce", str, what)
        quote = strictjson.member(found, "quote", (str, type(None)), what)
        return asked, nonce, None if quote is None else decode_base64(quote, what)
    except CasnbError as exc:
        raise Refused(400, "Failed to attest service", str(exc)) from None


def create_enclave_app(api: EnclaveApi) -> Flask:
    """Return the WSGI app; SSL_CLIENT_CERT in the environ is the enclave's own certificate."""
    app = new_app("casnb.simulator.enclave")

    def client() -> Client | None:
        return Client.from_pem(request.environ.get("SSL_CLIENT_CERT"))

    route(app, CHALLENGE, "GET", lambda: answer(200, api.challenge()))
    route(
        app, CONFIGURATION, "POST", lambda: answer(200, api.configure(request.get_data(), client()))
    )
    route(app, EXITED, "POST", lambda: answer(200, api.exited(client())))
    return app
