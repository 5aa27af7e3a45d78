"""One try to attest a CAS: its report fetched, proven, appraised, and held against its server."""

from __future__ import annotations

import re
import secrets
import ssl
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from casnb.base.errors import (
    EvidenceError,
    SourceError,
    UsageError,
    neutral,
)
from casnb.base.times import stamp
from casnb.base.view import Shown
from casnb.checks.binding import Binding
from casnb.checks.result import AttestationResult
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.left_open import DRIFT
from casnb.policy.policy import AttestationPolicy
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import (
    Answer,
    client_context,
    error_messages,
    exchange,
    parse_address,
    quoted,
)
from casnb.verify.dispatch import verify
from casnb.verify.pki import TrustAnchors, intel_roots
from casnb.verify.proof import utc

_NONCE = re.compile(r"[0-9a-f]{32}")


_TYPES = {
    "IASReport": "IASReport",
    "EPID": "EPID",
    "EPIDQuote": "EPID",
    "DCAP": "DCAP",
    "DCAPQuote": "DCAP",
}


#: An EPID quote is made for a service provider; casnb is none, so it sends zeros.
_PROVIDER = f"&spid={'0' * 32}&linkable=false"


def fetch_report(
    address: str, *, type: str = "IASReport", nonce: str | None = None, timeout: float = 10
) -> CasReport:
    """Ask a CAS for its attestation report (`IASReport`, `EPID` or `DCAP`); nothing about it is
    verified.

    The TLS connection trusts nobody, since the report is what trust will rest on: hand the
    report to `attempt`, which also ties it to the server that sent it. `nonce` is 32 hex digits,
    made up when left out. Raises SourceError where no report came.

    Example: `fetch_report("scone-cas.cf").report_body()`
    """
    _, host, port, _ = parse_address(address)
    return _fetch(host, port, type, nonce or secrets.token_hex(16), timeout)[0]


def _fetch(host: str, port: int, type: str, nonce: str, timeout: float) -> tuple[CasReport, bytes]:
    """Return the report and the certificate (DER) that the server presented on the same
    connection.
    """
    if type not in _TYPES:
        raise UsageError("evidence type", got=type, wanted="IASReport, EPID or DCAP")
    if not _NONCE.fullmatch(nonce):
        raise UsageError("nonce", got=nonce, wanted="32 lower-case hex digits")
    context = client_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    target = f"/v1/attest?type={_TYPES[type]}&nonce={nonce}" + (
        _PROVIDER if _TYPES[type] == "EPID" else ""
    )
    answer = exchange(host, port, target, context=context, tls_name=host, timeout=timeout)
    if answer.status != 200:
        raise NoReport(host, port, answer)
    return CasReport.from_json(answer.body), answer.leaf_der


class NoReport(SourceError):
    """Whoever answered sent no report: `status` is HTTP's, `messages` are their own words, which
    nothing proves.
    """

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.status = answer.status
        self.messages = tuple(neutral(m, 300) for m in error_messages(answer.body))
        said = (
            f" and the words {quoted(self.messages)}, which nothing proves" if self.messages else ""
        )
        super().__init__(
            f"CAS at {host}:{port}: /v1/attest",
            got=f"HTTP status {answer.status}{said}",
            wanted="a report",
            do=(
                "What an error message advises, its sender wants: add no flag because of it."
                if said
                else ""
            ),
        )


@dataclass(frozen=True)
class Attempt(Shown):
    """One try at attesting a CAS: the report, what became of every check, and the nonce that was
    sent.

    `roots` says whose roots the proof rests on. Accepted or not, nothing here opens a
    connection; see `AttestedCas`.
    """

    address: str
    url: str
    report: CasReport
    result: AttestationResult
    nonce: str
    roots: str = ""

    @property
    def accepted(self) -> bool:
        return self.result.accepted

    def __repr__(self) -> str:
        return f"<Attempt {neutral(self.address, 80)}: {self.result.verdict.value}>"

    def __str__(self) -> str:
        return str(self.result)

    def _html(self) -> str:
        return self.result._html()


def attempt(
    address: str,
    policy: AttestationPolicy,
    *,
    roots: TrustAnchors | None = None,
    type: str | None = None,
    now: datetime | None = None,
    report: bytes | CasReport | None = None,
    timeout: float = 10,
) -> Attempt:
    """Fetch a CAS's report (or take a saved one), verify and appraise it, and return all of it,
    accepted or not.

    `roots` are Intel's unless given. The evidence type, if left out, is IASReport, or DCAP where
    the CAS has no IAS report. The clock is this machine's, after the answer came; under simulated
    roots `now` takes its place, for a world with a clock of its own. A saved report is judged as
    of `policy.verification_time`, else `now`, else the clock, and the result says where that is
    another time; as in the SCONE CLI a day stands for its first instant, 00:00 UTC, so for a
    saved report name the day after it was made. A fetched report is judged by the clock, must
    repeat a fresh nonce, and must name, through its certificates, the very TLS key that sent it
    (part of `certificate-binding`). `policy.nonce` and another time are for saved reports only.
    Raises UsageError before any connection for a policy that contradicts itself.

    Example: `attempt("scone-cas.cf", AttestationPolicy(mrenclaves=(value,)))`
    """
    policy.require_valid()
    name, host, port, url = parse_address(address)
    anchors = roots if roots is not None else intel_roots()
    leaf: bytes | None = None
    if report is None:
        _require_live(policy, now, _clock(now, anchors))
        # Ours and new: a report that repeats it was made after we asked.
        policy = replace(policy, nonce=secrets.token_hex(16))
        assert policy.nonce is not None
        found, leaf = _ask(host, port, type, policy.nonce, timeout)
    else:
        found = _saved(report)
    # Read after the answer came: a server that keeps us waiting is not judged by an earlier time.
    clock = _clock(now, anchors)
    at = policy.verification_time or (now if report is not None else None) or clock
    result = appraise(
        verify(found, roots=anchors, now=at),
        policy,
        report=found,
        binding=cas_binding(found, leaf),
        subject=f"CAS {neutral(name, 120)}",
        clock=clock,
    )
    return Attempt(name, url, found, result, policy.nonce or "", anchors.label)


def _clock(now: datetime | None, anchors: TrustAnchors) -> datetime:
    """What the clock says; only a simulated world may have one of its own."""
    return now if now is not None and anchors.simulated else datetime.now(timezone.utc)


def _require_live(policy: AttestationPolicy, now: datetime | None, clock: datetime) -> None:
    """Raise UsageError for what makes no sense with a live CAS: a nonce of the caller's, and a
    time that is not now, at which revocation and patch level would be those of then.
    """
    if policy.nonce is not None:
        raise UsageError(
            "--nonce",
            got="a nonce for a live CAS",
            wanted="--offline-report with it",
            do="A live attestation makes up its own.",
        )
    for option, time in (("--verification-time", policy.verification_time), ("now", now)):
        if time is not None and abs(utc(time) - utc(clock)) > DRIFT:
            raise UsageError(
                option,
                got=f"{stamp(time)} for a live CAS",
                wanted="--offline-report with it",
                do=(
                    "A live CAS is judged by the clock: what was revoked or outdated since then"
                    " would pass."
                ),
            )


def _saved(report: bytes | CasReport) -> CasReport:
    if isinstance(report, CasReport):
        return report
    if not isinstance(report, (bytes, bytearray, memoryview)):
        raise UsageError(
            "report",
            got=type(report).__name__,
            wanted="bytes or a CasReport",
            do="casnb.decode reads a file.",
        )
    return CasReport.from_json(bytes(report))


def _ask(
    host: str, port: int, type: str | None, nonce: str, timeout: float
) -> tuple[CasReport, bytes]:
    if type is not None:
        return _fetch(host, port, type, nonce, timeout)
    # The server may choose between the two: either is verified to its own root.
    try:
        return _fetch(host, port, "IASReport", nonce, timeout)
    except NoReport as exc:
        if exc.status != 400:
            raise
        return _fetch(host, port, "DCAP", nonce, timeout)


def cas_binding(report: CasReport, leaf: bytes | None = None) -> Binding | None:
    """Return whether a report speaks for a CAS: it names its additional data, the certificates
    there are a CAS chain, and that chain issued `leaf`, the TLS certificate (DER) of a live
    server. None where the evidence cannot be read: its proof says why.
    """
    try:
        said = report.report_body().report_data
    except EvidenceError:
        return None
    own = report.binding(said)
    if not own.bound:
        return own
    try:
        chain = CasChain.from_pem(report.cert_chain_pem)
    except EvidenceError as exc:
        wanted = "an instance and a root certificate that issued it"
        return Binding("", str(exc), wanted, said, "")
    if leaf is not None and not chain.issued(leaf):
        return Binding(
            "",
            "a TLS certificate that the certificates in the report did not issue",
            f"one under the attested root (SHA-256 {chain.fingerprint[:16]})",
            said,
            "the report is genuine and was relayed: who speaks TLS here is not the enclave that it"
            " describes",
        )
    return own
