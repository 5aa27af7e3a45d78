"""What a row of the table of faults is: good evidence, one change, the checks that fail of it,
and so the ones that still pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from casnb.base import strictjson
from casnb.checks.result import AttestationResult
from casnb.conformance.forging import issue, signed_text
from casnb.evidence.avr import SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.policy.appraise import POLICY_IDS, appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.ias_report import ias_proof
from casnb.simulator.intel import EVALUATION
from casnb.simulator.keys import KeyPair, Seed
from casnb.simulator.scenario import Scenario
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.pki import TrustAnchors
from casnb.verify.proof import Proof
from casnb.verify.tcb import TcbStatus

NONCE, IAS_NONCE = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
#: The attacker has keys, and a world with a root, platforms and lists; Intel certified none of it.
ATTACKER = Seed("attacker").p256("key")
MALLORY = World("attacker", "production")
#: Version 5 of an IAS report says which edition of Intel's lists judged.
AVR_5 = {"version": 5, "tcbEvaluationDataNumber": EVALUATION}
#: A quote does not say how old it is, and an IAS report not how its machine is set: the policy does
#: not ask.
IDLE = {"dcap": {"report-age"}, "ias": {"platform-settings"}}


@dataclass(frozen=True)
class Evidence:
    """All that a relying party holds: a quote with Intel's lists or an IAS report, the CAS
    report around it, and what it wants.
    """

    world: World
    report: CasReport
    policy: AttestationPolicy
    roots: TrustAnchors
    now: datetime
    quote: bytes = b""
    lists: Endorsements = field(default_factory=Endorsements)
    avr: SignedAvr | None = None

    @property
    def digest(self) -> bytes:
        """What the evidence must carry as report data."""
        return self.report.binding_digest

    def proof(self) -> Proof:
        if self.avr is not None:
            return verify_avr(self.avr, roots=self.roots, now=self.now, nonce=IAS_NONCE)
        return verify_quote(self.quote, self.lists, roots=self.roots, now=self.now)

    def result(self) -> AttestationResult:
        return appraise(self.proof(), self.policy, report=self.report)


@cache
def good(kind: str) -> Evidence:
    """Evidence and a policy that asks for all there is to ask for: every check passes."""
    name = {"dcap": "DCAP", "ias": "IASReport"}[kind]
    world = World(
        "faults",
        Scenario(kind, kind, "", TcbStatus.UP_TO_DATE, (name,), debug=False, signer="vendor"),
    )
    extra = world.additional_data(NONCE)
    digest = hashlib.sha512(strictjson.compact(extra)).digest()
    hashes = CasChain.from_pem(str(extra["cert_chain"]).encode()).key_hashes
    policy = AttestationPolicy(
        mrenclaves=(world.mrenclave,),
        isvsvn=world.vendor.isvsvn,
        cas_key_hash=hashes[0],
        cas_software_key_hash=hashes[1],
        nonce=NONCE,
        verification_time=world.now,
        fail_on_any_advisory=True,
        min_tcb_evaluation=EVALUATION,
        tcb_grace=30 * DAY,
        expected_signer=world.vendor,
    )
    if kind == "ias":
        avr = world.avr(digest, members=AVR_5, nonce=IAS_NONCE, now=world.now - SECOND)
        report = CasReport.build(ias_proof(avr), extra)
        return Evidence(
            world, report, replace(policy, max_age=HOUR), world.roots, world.now, avr=avr
        )
    report = CasReport.from_json(world.attest("DCAP", NONCE))
    quote = world.quote(digest)
    policy = replace(policy, refuse_platform_settings=("smt", "cached-keys"))
    return Evidence(world, report, policy, world.roots, world.now, quote, world.endorsements())


Change = Callable[[Evidence], Evidence]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with good evidence.

    `pitfalls` are numbers of the adversarial list, `fails` the checks that must fail, the one
    that the fault is about first. What cannot be made then is NOT_RUN, and every other check
    must still pass: see `expected`. `status` is the TCB status that must be told all the same;
    `known` is False where it says nothing about a platform, which leaves the evidence unproven.
    `idle` are checks that the row's policy does not ask for, `choice` is the row of the
    documentation's table that this shows.
    """

    name: str
    pitfalls: str
    fails: str
    change: Change
    status: str = "UpToDate"
    choice: str = ""
    idle: str = ""
    known: bool = True
    kind: str = "dcap"


@dataclass(frozen=True)
class Harmless:
    """A change that must not matter: every check still passes, and the status stays. Refusing
    these would be a fault too.
    """

    name: str
    pitfalls: str
    change: Change
    kind: str = "dcap"


_PROOF = "fmspc-match qe-report-signature qe-identity tcb-status"
#: What cannot be made once a check has failed; said here again, apart from the verifier, and
#: compared with what it does.
STOPS = {
    "dcap": {
        "quote-format": f"pck-chain pck-revocation qe-report-binding quote-signature {_PROOF}",
        "pck-chain": f"pck-revocation {_PROOF}",
        "pck-revocation": "tcb-status",
        "tcb-info-signature": "tcb-info-current fmspc-match tcb-status",
        "tcb-info-current": "tcb-status",
        "qe-identity-signature": "qe-identity-current qe-identity tcb-status",
        "qe-identity-current": "tcb-status",
        "fmspc-match": "tcb-status",
        "qe-report-signature": "qe-identity tcb-status",
        "qe-identity": "tcb-status",
        "mrsigner": "isvprodid isvsvn",
        "certificate-binding": "nonce instance-key",
    },
    "ias": {
        "avr-format": "avr-current avr-nonce tcb-status",
        "avr-chain": "avr-signature tcb-status",
        "avr-signature": "tcb-status",
        "avr-current": "tcb-status",
        "mrsigner": "isvprodid isvsvn",
        "certificate-binding": "nonce instance-key",
    },
}


def expected(fault: Fault) -> dict[str, str]:
    """Return what must become of every check of the good case: failed, not run, or passed."""
    fails = fault.fails.split()
    stopped = {id for f in fails for id in STOPS[fault.kind].get(f, "").split()}
    every = [c.id for c in good(fault.kind).result().checks]
    unproven = any(f not in POLICY_IDS and f != "tcb-status" for f in fails) or not (
        fault.status and fault.known
    )
    stopped |= set(POLICY_IDS) if unproven else set(fault.idle.split())
    return {
        id: "failed" if id in fails else "not-run" if id in stopped | IDLE[fault.kind] else "passed"
        for id in every
    }


def found(result: AttestationResult) -> dict[str, str]:
    """Return what became of every check."""
    return {c.id: c.status.value for c in result.checks}


# Changes, each to one part of the evidence


def quoted(*, data: bytes | None = None, **overrides: Any) -> Change:
    """Another quote of the same machine, signed again: overrides of `World.quote`."""
    return lambda e: replace(
        e, quote=e.world.quote(e.digest if data is None else data, **overrides)
    )


def patched(**fields: Any) -> Change:
    """The good quote with fields replaced after it was signed."""
    return lambda e: replace(e, quote=replace(Quote.from_bytes(e.quote), **fields).to_bytes())


def spliced(change: Callable[[bytes], bytes]) -> Change:
    """The bytes of the good quote, changed."""
    return lambda e: replace(e, quote=change(e.quote))


def chained(make: Callable[[Evidence], Sequence[KeyPair]], **overrides: Any) -> Change:
    """A quote that brings other certificates, the platform's first, and is signed with its key;
    a short chain is completed.
    """

    def change(e: Evidence) -> Evidence:
        chain = tuple(make(e))
        usual = (e.world.platform.pck, e.world.intel.pck_ca, e.world.intel.root)
        return replace(
            e, quote=e.world.quote(e.digest, chain=(*chain, *usual[len(chain) :]), **overrides)
        )

    return change


def pem(change: Callable[[Evidence], bytes]) -> Change:
    """A quote with other text where the certificates stand, signed by the genuine platform."""
    return lambda e: replace(e, quote=e.world.quote(e.digest, certification_data=change(e)))


def listed(**overrides: Any) -> Change:
    """Other lists, signed again: overrides of `World.endorsements`; a callable is given the
    evidence.
    """
    return lambda e: replace(
        e,
        lists=e.world.endorsements(**{k: v(e) if callable(v) else v for k, v in overrides.items()}),
    )


def members(**texts: Any) -> Change:
    """Other texts among the lists, as they are; a callable is given the evidence."""
    return lambda e: replace(
        e, lists=replace(e.lists, **{k: v(e) if callable(v) else v for k, v in texts.items()})
    )


def rewritten(
    change: Callable[[str], str],
    name: str = "tcb_info",
    signer: Callable[[Evidence], KeyPair] | None = None,
) -> Change:
    """A signed list as other text, validly signed, by Intel's signer or another."""

    def made(e: Evidence) -> Evidence:
        text = signed_text(
            e.world, name, change(getattr(e.lists, name)), signer(e) if signer else None
        )
        return replace(e, lists=replace(e.lists, **text))

    return made


def signed_by(make: Callable[[Evidence], KeyPair], *above: Callable[[Evidence], KeyPair]) -> Change:
    """Both lists signed by somebody else, with his certificate in front of the root (or of
    others).
    """

    def change(e: Evidence) -> Evidence:
        signer = make(e)
        lists = e.world.endorsements(signer=signer)
        if above:
            chain = (signer.cert_pem + b"".join(a(e).cert_pem for a in above)).decode()
            lists = replace(lists, tcb_info_issuer_chain=chain, qe_identity_issuer_chain=chain)
        return replace(e, lists=lists)

    return change


def remade(e: Evidence, lists: Mapping[str, Any]) -> Evidence:
    """The evidence with other lists, signed again: arguments of `World.endorsements` by name."""
    return replace(e, lists=e.world.endorsements(**lists))


def asked(**policy: Any) -> Change:
    """Another policy; a callable is given the evidence."""
    return lambda e: replace(
        e, policy=replace(e.policy, **{k: v(e) if callable(v) else v for k, v in policy.items()})
    )


def at(when: Callable[[Evidence], datetime]) -> Change:
    """Another verification time, which the policy names too."""
    return lambda e: replace(e, now=when(e), policy=replace(e.policy, verification_time=when(e)))


def under(roots: Callable[[Evidence], TrustAnchors]) -> Change:
    """Other roots."""
    return lambda e: replace(e, roots=roots(e))


def reported(**overrides: Any) -> Change:
    """Another IAS report, signed again: overrides of `World.avr`; a callable is given the
    evidence.
    """

    def change(e: Evidence) -> Evidence:
        values = {k: v(e) if callable(v) else v for k, v in overrides.items()}
        values["members"] = {**AVR_5, **values.get("members", {})}
        data = values.pop("data", e.digest)
        return replace(
            e, avr=e.world.avr(data, **{"nonce": IAS_NONCE, "now": e.now - SECOND, **values})
        )

    return change


def resent(**parts: Any) -> Change:
    """The good IAS report with parts replaced after it was signed; a callable is given the
    evidence.
    """

    def change(e: Evidence) -> Evidence:
        assert e.avr is not None
        return replace(
            e, avr=replace(e.avr, **{k: v(e) if callable(v) else v for k, v in parts.items()})
        )

    return change


def bound(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """The same evidence beside other additional data: another certificate chain, or another
    nonce.
    """
    return lambda e: replace(
        e, report=replace(e.report, additional_data=change(dict(e.report.additional_data)))
    )


def certified(
    name: str, signer: Callable[[Evidence], KeyPair | None], **kwargs: Any
) -> Callable[[Evidence], KeyPair]:
    """A certificate truly issued by `signer`: arguments of `issue`, callables are given the
    evidence.
    """
    return lambda e: issue(
        e.world, name, signer(e), **{k: v(e) if callable(v) else v for k, v in kwargs.items()}
    )


def each(
    name: str, pitfalls: str, fails: str, changes: Iterable[tuple[str, Change]], **others: Any
) -> list[Fault]:
    """Rows that differ in one word only."""
    return [Fault(f"{name}: {word}", pitfalls, fails, change, **others) for word, change in changes]
