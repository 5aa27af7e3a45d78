"""Checks: the one ordered list that every table, panel, JSON and grade is a rendering of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from casnb.errors import PolicyError, UsageError, VerificationError, neutral
from casnb.view import Shown, html_result, text_result

if TYPE_CHECKING:
    from casnb.verify.words import StatusWords


class CheckStatus(str, Enum):
    """What became of one check. WAIVED is a state of its own: never a kind of PASSED."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    NOT_RUN = "not-run"

    @property
    def label(self) -> str:
        """The word a reader sees."""
        return self.value.upper().replace("-", " ")


class Verdict(str, Enum):
    """The three outcomes of an appraisal."""

    TRUSTWORTHY = "trustworthy"
    ACCEPTED_WITH_WAIVERS = "accepted-with-waivers"
    REJECTED = "rejected"


@dataclass(frozen=True)
class CheckSpec:
    """What is always true of a check: its title, the specification it comes from, the attack it stops, what it compares."""

    id: str
    title: str
    source: str
    attack: str
    compares: str


_DCAP = "Intel SGX ECDSA QuoteLibReference"
_PCS = "Intel PCS API v4"
_IAS = "Intel IAS API v4"
_SDM = "Intel SDM vol. 3D"
_CAS = "SCONE CAS /v1/attest"
_OWN = "casnb's own policy"

#: Every check there is, in the order in which results list them.
CATALOGUE: Mapping[str, CheckSpec] = {
    spec.id: spec
    for spec in (
        CheckSpec("quote-format", "the quote is well formed", f"{_DCAP}, A.4",
                  "bytes that two readers understand differently",
                  "version, key type, QE vendor, lengths, INIT and reserved bits with what the format allows"),
        CheckSpec("pck-chain", "PCK certificate chains to the pinned root", "Intel PCK certificate specification, 1.3",
                  "a platform key that nobody vouches for",
                  "names, signatures, roles and dates of PCK certificate, authority and root with the pinned root"),
        CheckSpec("pck-revocation", "no certificate of the chain is revoked", f"{_PCS}, PCK and root CA CRL",
                  "a platform whose key is known to have leaked",
                  "serial numbers of leaf, authority and root with two current lists, each signed by the issuer it speaks for"),
        CheckSpec("tcb-info-signature", "TCB info is signed by Intel's TCB signer", f"{_PCS}, TCB info",
                  "a forged list of what counts as patched",
                  "the signature over the text as received with the TCB signer's key, which the root itself certified"),
        CheckSpec("tcb-info-current", "TCB info is current at the verification time", f"{_PCS}, TCB info",
                  "an old list that does not know the hole yet",
                  "issue date and next update with the verification time, both ends inclusive"),
        CheckSpec("qe-identity-signature", "QE identity is signed by Intel's TCB signer", f"{_PCS}, QE identity",
                  "a forged identity for a quoting enclave",
                  "the signature over the text as received with the TCB signer's key, which the root itself certified"),
        CheckSpec("qe-identity-current", "QE identity is current at the verification time", f"{_PCS}, QE identity",
                  "an old identity that accepts a broken quoting enclave",
                  "issue date and next update with the verification time, both ends inclusive"),
        CheckSpec("fmspc-match", "TCB info belongs to this platform model", f"{_PCS}, TCB info: fmspc, pceId",
                  "judging one CPU by another CPU's list",
                  "FMSPC, PCEID, kind and TCB type of the list with the PCK certificate"),
        CheckSpec("qe-report-signature", "PCK key signed the quoting enclave's report", f"{_DCAP}, A.4: QE report signature",
                  "a quoting enclave on no genuine platform",
                  "the signature over the QE report with the PCK key"),
        CheckSpec("qe-report-binding", "QE report names the attestation key", f"{_DCAP}, A.4: QE report data",
                  "an attestation key the attacker made",
                  "the QE's report data with SHA-256 of attestation key and authentication data, then 32 zero bytes"),
        CheckSpec("qe-identity", "the quoting enclave is Intel's", f"{_PCS}, QE identity",
                  "another enclave that signs what it is told",
                  "MRSIGNER, ISVPRODID, MISCSELECT and ATTRIBUTES of the QE with Intel's identity; DEBUG clear, INIT set"),
        CheckSpec("quote-signature", "attestation key signed header and report", f"{_DCAP}, A.4: ISV report signature",
                  "a changed MRENCLAVE, attribute or report data",
                  "the signature over header and report with the attestation key"),
        CheckSpec("avr-format", "the IAS report is well formed", f"{_IAS}, 4.2.1", "text that two readers understand differently",
                  "members, types and limits of the body with the service's form, and the quote inside with its layout"),
        CheckSpec("avr-chain", "report signing certificate chains to the pinned root", f"{_IAS}, 4.2.2: signing certificate",
                  "a report signed by somebody else's service",
                  "name, signature, role and dates of the signing certificate with the pinned root"),
        CheckSpec("avr-signature", "the signature covers the body as received", f"{_IAS}, 4.2.2: report signature",
                  "a changed status, time or quote body",
                  "the signature over the bytes of the body with the signing certificate's key"),
        CheckSpec("avr-current", "the report was made at or before the verification time", f"{_IAS}, 4.2.1: timestamp",
                  "a report from before the hole was known",
                  "the report's timestamp with the verification time"),
        CheckSpec("avr-nonce", "the report repeats the nonce sent to IAS", f"{_IAS}, 4.2.1: nonce", "a replayed report",
                  "the nonce in the report with the one that was sent"),
        CheckSpec("tcb-status", "firmware, settings and hardening are up to date", f"{_PCS}, TCB status; {_IAS}, quote status",
                  "known holes through which secrets or the attestation key leak",
                  "the status of the level that platform and QE reach (DCAP), or that the service named (IAS), with up to date"),
        CheckSpec("debug", "the enclave is not a debug enclave", f"{_SDM}, ATTRIBUTES: DEBUG",
                  "the host reading and writing the enclave's memory",
                  "the DEBUG bit of the report with 0"),
        CheckSpec("mrenclave", "the measurement is the expected one", f"{_SDM}, MRENCLAVE",
                  "other code in a genuine enclave",
                  "MRENCLAVE with each of the expected measurements; one that is equal is enough"),
        CheckSpec("mrsigner", "the signer is the expected one", f"{_SDM}, MRSIGNER", "an enclave built by somebody else",
                  "MRSIGNER with the expected signer"),
        CheckSpec("isvprodid", "the product is the expected one", f"{_SDM}, SIGSTRUCT: ISVPRODID",
                  "another product of the same signer",
                  "ISVPRODID with the expected product, equal"),
        CheckSpec("isvsvn", "the security version is high enough", f"{_SDM}, SIGSTRUCT: ISVSVN",
                  "rollback to a release with known holes",
                  "ISVSVN with the least version accepted"),
        CheckSpec("advisories", "no unwanted security advisory applies", f"{_PCS}, advisoryIDs",
                  "a hole that the policy does not accept",
                  "the advisories listed for the platform with none, or with those to ignore"),
        CheckSpec("certificate-binding", "report data names the CAS certificate", f"{_CAS}: SHA-512 of additional_data",
                  "an honest report relayed in front of another TLS key",
                  "report data with SHA-512 of the report's certificates and claims; live, also the server's TLS certificate"),
        CheckSpec("nonce", "the CAS report repeats our nonce", f"{_CAS}: nonce", "a replayed CAS report",
                  "the nonce in the CAS report with ours"),
        CheckSpec("report-age", "the report is young enough", f"{_OWN}, on {_IAS}, 4.2.1: timestamp",
                  "a report saved before the machine was broken into",
                  "the time at which the report says it was made with the verification time and the age allowed"),
        CheckSpec("verification-time", "judged at the time that the policy names", "scone cas attest, --verification-time",
                  "evidence judged at a time when it was still good",
                  "the time at which the proof was judged with the time in the policy"),
        CheckSpec("tcb-evaluation", "Intel's lists are of a late enough edition", f"{_PCS}, tcbEvaluationDataNumber",
                  "lists that have not expired and do not know the hole yet",
                  "the edition number of the lists that judged, the older of two, with the least one accepted"),
        CheckSpec("tcb-grace", "an outdated platform is within the grace period", f"{_OWN}, on {_PCS}, tcbDate",
                  "an update put off for ever",
                  "the date of the outdated level (of platform, quoting enclave or the older of both) with the verification time"),
        CheckSpec("platform-settings", "the platform is set as wanted", f"{_OWN}, on Intel PCK certificate specification, 1.3",
                  "a neighbour on the same core, or a platform whose packages or keys may change",
                  "hyper-threading, dynamic platform and cached keys in the PCK certificate with those the policy refuses"),
        CheckSpec("instance-key", "the instance is the expected one", "scone cas attest, -c and -s",
                  "another genuine CAS that is not yours",
                  "hashes of the root key (-c) and the instance's key (-s) with those given"),
    )
}


@dataclass(frozen=True)
class Check(Shown):
    """One comparison: what was got, what was wanted, and what became of it.

    `flag` names the flag that waived it. `reason` says why it was not run, or what a failure means. `optional` marks a
    NOT_RUN check that nobody asked for: it does not stand in the way of acceptance. `waivable_by` lists the flags
    (long names) that together would have waived a FAILED check; empty where none can.
    """

    id: str
    status: CheckStatus
    got: str = ""
    wanted: str = ""
    flag: str | None = None
    reason: str = ""
    optional: bool = False
    waivable_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.id not in CATALOGUE:
            raise UsageError("check", got=self.id, wanted="an id of casnb.checks.CATALOGUE")
        if (self.status is CheckStatus.WAIVED) != (self.flag is not None):
            raise UsageError("check " + self.id, got="a waiver without its flag, or a flag without a waiver")

    @property
    def spec(self) -> CheckSpec:
        """Title, source and attack of this check."""
        return CATALOGUE[self.id]

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def source(self) -> str:
        return self.spec.source

    @property
    def attack(self) -> str:
        return self.spec.attack

    def waived_by(self, flag: str, reason: str = "") -> Check:
        """Return this check as WAIVED by `flag`, keeping what was got and wanted."""
        return replace(self, status=CheckStatus.WAIVED, flag=flag, reason=reason or self.reason, optional=False)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form: id, status, title, got, wanted, source, attack; flag or reason where there is one."""
        row: dict[str, Any] = {"id": self.id, "status": self.status.value, "title": self.title,
                               "got": neutral(self.got), "wanted": neutral(self.wanted), "source": self.source,
                               "attack": self.attack}
        if self.flag:
            row["flag"] = self.flag
        if self.reason:
            row["reason"] = neutral(self.reason, 600)
        return row

    def __str__(self) -> str:
        return text_result([self])

    def _html(self) -> str:
        return html_result([self])


def passed(id: str, got: object = "", wanted: object = "") -> Check:
    """Return a PASSED check."""
    return Check(id, CheckStatus.PASSED, str(got), str(wanted if wanted != "" else got))


def failed(id: str, got: object, wanted: object, reason: str = "", waivable_by: tuple[str, ...] = ()) -> Check:
    """Return a FAILED check."""
    return Check(id, CheckStatus.FAILED, str(got), str(wanted), reason=reason, waivable_by=waivable_by)


def not_run(id: str, reason: str, *, optional: bool = False, got: object = "", wanted: object = "") -> Check:
    """Return a NOT_RUN check; `optional` when nobody asked for it, so that it does not stand in the way."""
    return Check(id, CheckStatus.NOT_RUN, str(got), str(wanted), reason=reason, optional=optional)


@dataclass(frozen=True)
class Identity:
    """Who the evidence says is speaking: hex strings in memory order, integers as they are."""

    mrenclave: str
    mrsigner: str
    isvprodid: int
    isvsvn: int
    debug: bool
    attributes: str

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class AttestationResult(Shown):
    """The outcome of an appraisal: the ordered checks, and what follows from them.

    `tcb_status` is spelled as the evidence spells it (IAS: `GROUP_OUT_OF_DATE`; DCAP: `OutOfDate`); empty when the
    evidence never got that far. `at` is the verification time, UTC. `remarks` are sentences that change nothing, such as
    a flag that was set and not needed. `words` explain the status, where there is anything to explain.

    >>> AttestationResult(checks=(passed("debug", "DEBUG=0"),)).verdict.value
    'trustworthy'
    """

    checks: tuple[Check, ...]
    tcb_status: str = ""
    advisories: tuple[str, ...] = ()
    identity: Identity | None = None
    evidence_sha256: str = ""
    at: datetime | None = None
    remarks: tuple[str, ...] = ()
    known_signer: str = ""
    subject: str = field(default="CAS")
    words: StatusWords | None = field(default=None, repr=False)

    @cached_property
    def verdict(self) -> Verdict:
        """REJECTED on any failure or any required check that was not run; else by whether something was waived."""
        if not self.checks or any(
            c.status is CheckStatus.FAILED or (c.status is CheckStatus.NOT_RUN and not c.optional) for c in self.checks
        ):
            return Verdict.REJECTED
        return Verdict.ACCEPTED_WITH_WAIVERS if self.waivers else Verdict.TRUSTWORTHY

    @property
    def accepted(self) -> bool:
        """Whether the verdict is anything but REJECTED; look at `waivers` before you rely on it."""
        return self.verdict is not Verdict.REJECTED

    @property
    def waivers(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status is CheckStatus.WAIVED)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status is CheckStatus.FAILED)

    def check(self, id: str) -> Check:
        """Return the check with this id, or raise UsageError."""
        for c in self.checks:
            if c.id == id:
                return c
        raise UsageError("check", got=id, wanted="one of " + ", ".join(c.id for c in self.checks))

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.verdict is Verdict.TRUSTWORTHY:
            return f"{self.subject} is trustworthy: every check that was asked for passed, and nothing was waived."
        if self.verdict is Verdict.ACCEPTED_WITH_WAIVERS:
            n = len(self.waivers)
            names = ", ".join(c.id for c in self.waivers)
            return (f"{self.subject} is accepted with {n} waiver{'s' if n > 1 else ''} ({names}). "
                    "It must not hold secrets: what a waived check would have stopped can happen.")
        names = ", ".join(c.id for c in self.failures) or ", ".join(
            c.id for c in self.checks if c.status is CheckStatus.NOT_RUN and not c.optional) or "nothing was checked"
        return f"{self.subject} is rejected: {names}."

    def require(self) -> AttestationResult:
        """Return self if accepted; else raise VerificationError (not genuine) or PolicyError (not wanted)."""
        if self.accepted:
            return self
        first = next((c for c in self.checks if c.status is CheckStatus.FAILED), None)
        first = first or next((c for c in self.checks if c.status is CheckStatus.NOT_RUN and not c.optional), None)
        kind = VerificationError if first is None or first.id in PROOF_IDS else PolicyError
        if first is None:
            raise kind(self.sentence)
        got = first.got or first.reason or "nothing"
        raise kind(f"{self.sentence} First: {first.id}", got=got, wanted=first.wanted or first.title)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb verify --json`)."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "tcb_status": neutral(self.tcb_status),
            "advisories": [neutral(a, 80) for a in self.advisories],
            "identity": self.identity.to_json() if self.identity else {},
            "evidence_sha256": self.evidence_sha256,
            "verification_time": self.at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.at else None,
            "remarks": [neutral(r, 600) for r in self.remarks],
            "checks": [c.to_json() for c in self.checks],
        }

    def __repr__(self) -> str:
        counts = f"{len(self.checks)} checks, {len(self.failures)} failed, {len(self.waivers)} waived"
        return f"<AttestationResult {self.verdict.value}: {counts}>"

    def __str__(self) -> str:
        return text_result(self.checks, self.sentence, self.remarks) + (f"\n\n{self.words}" if self.words else "")

    def _html(self) -> str:
        shown = html_result(self.checks, self.sentence, self.remarks, self.verdict.value)
        return shown + (self.words._html() if self.words else "")


#: The checks of the proof (is it genuine?); the others are policy (is it wanted?).
PROOF_IDS = frozenset(list(CATALOGUE)[: list(CATALOGUE).index("tcb-status")])


def ordered(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks in catalogue order, refusing two with the same id."""
    rank = {id: n for n, id in enumerate(CATALOGUE)}
    rows = sorted(checks, key=lambda c: rank[c.id])
    for a, b in pairwise(rows):
        if a.id == b.id:
            raise UsageError("checks", got=f"{a.id} twice", wanted="each once")
    return tuple(rows)
