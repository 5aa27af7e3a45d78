"""Appraisal: a policy applied to a proof. Every check is compared, waived by a flag that is
named, or not run for a reason.

One predicate, `Proof.believable`, decides whether anything the evidence says may be used; nothing
is put into the list after the verdict. A waiver is recorded where the check failed, never before,
so a flag that was set and not needed changes nothing but a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from casnb.checks.result import (
    CATALOGUE,
    AttestationResult,
    Check,
    CheckStatus,
    failed,
    not_run,
    ordered,
    passed,
)
from casnb.policy.enclave import debug, identity, unneeded
from casnb.policy.flags import FLAGS, NEWER, Flag, options
from casnb.policy.identities import known_signer
from casnb.policy.left_open import left_open
from casnb.policy.machine import OUTDATED, advisories, freshness, grace, settings
from casnb.policy.words import explain

if TYPE_CHECKING:
    from casnb.checks.binding import Binding
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.report import ReportBody
    from casnb.policy.policy import AttestationPolicy
from casnb.verify.proof import Proof

#: The checks that a policy makes; those before them are the proof's.
POLICY_IDS = tuple(CATALOGUE)[tuple(CATALOGUE).index("tcb-status") + 1 :]
#: Compares who the enclave is; notes remarks in the list.
Comparer = Callable[["ReportBody", list[str]], list[Check]]


def appraise(
    proof: Proof,
    policy: AttestationPolicy,
    *,
    report: CasReport | None = None,
    binding: Binding | None = None,
    subject: str = "CAS",
    clock: datetime | None = None,
    compare: Comparer | None = None,
) -> AttestationResult:
    """Apply a policy to a proof and return the whole ordered list of checks with the verdict.

    `report` is the CAS report the evidence came in; without it nothing can be said about nonce
    or instance. `binding` says which key the evidence speaks for: for a CAS report it is the
    report's own unless a stricter one is given; without either nothing is said about a
    certificate, and the result says so. A proof that is not believable leaves every policy check
    NOT_RUN, since nothing it says is known to be true. A check that a flag switched off is WAIVED
    where it would have failed, and PASSED, with a remark, where the flag was not needed. What
    nobody asked is in `not_asked`. `clock` is what the clock says now (UTC); left out, a proof
    under simulated roots was judged by it, and of any other that is not known. `compare` takes
    the place of the comparison of measurement, signer, product and version. Raises UsageError for
    a policy that contradicts itself. Not checked: whether the expected values are right.

    Example: `appraise(verify(report, roots=roots, now=now), AttestationPolicy(),
    report=report).verdict`
    """
    policy.require_valid()
    remarks: list[str] = []
    proof = _revocation(proof, policy, remarks)
    graced = grace(proof, policy)
    believed = proof.report if proof.believable else None
    # A CAS report's own binding comes first: its nonce and keys count only where it holds.
    own = report.binding(believed.report_data) if report and believed else None
    binding = binding if binding is not None and (own is None or own.bound) else own
    checks = _proven(proof, policy, graced, remarks)
    if believed is None:
        why = f"the evidence is not proven genuine ({proof.hindrance})"
        checks += [not_run(i, why) for i in POLICY_IDS]
    else:
        compare = compare or (lambda body, remarks: identity(body, policy, remarks))
        checks += [
            debug(believed, policy, remarks),
            *compare(believed, remarks),
            _bound(believed, binding),
            *_asked_of_cas(report, own is not None and own.bound, policy),
            advisories(proof, policy),
            *freshness(proof, policy),
            graced,
            settings(proof, policy.refuse_platform_settings),
        ]
    remarks += proof.remarks
    signer = _signer(proof.report, remarks)
    rows = ordered(checks)
    return AttestationResult(
        checks=rows,
        tcb_status=proof.status_text,
        advisories=proof.advisories,
        identity=proof.report.identity() if proof.report else None,
        evidence_sha256=proof.evidence_sha256,
        at=proof.at,
        remarks=tuple(remarks),
        known_signer=signer,
        subject=subject,
        words=explain(proof.tcb_status, proof.status_text, proof.advisories),
        not_asked=left_open(
            proof, policy, rows, binding=binding, of_cas=report is not None, clock=clock
        ),
        clock=clock or (proof.at if proof.simulated else None),
        simulated=proof.simulated,
    )


def _signer(body: ReportBody | None, remarks: list[str]) -> str:
    """Return the name of a signer that is known, and warn where anybody can sign with its key."""
    known = known_signer(body.mrsigner) if body is not None else None
    if known is None:
        return ""
    if known.anybody_can_sign:
        remarks.append(f"MRSIGNER is {known.name}: {known.note}.")
    return known.name


def _revocation(proof: Proof, policy: AttestationPolicy, remarks: list[str]) -> Proof:
    """Return the proof to go on with: flags can waive what revocation lists say or do not say,
    and the check that they waived says so.
    """
    given = _given("pck-revocation", policy)
    check = next((c for c in proof.checks if c.id == "pck-revocation"), None)
    if not given or (check is not None and check.status is CheckStatus.NOT_RUN):
        return proof
    if check is None or check.status is CheckStatus.PASSED:
        unlisted = "no list names a certificate of the chain"
        why = unlisted if check else "no PCK certificate is part of this evidence"
        remarks += _idle(given, (), why)
        return proof
    used = _used(check.waivable_by, given)
    if not used or proof.beyond is None:  # no flag accepts a revoked authority
        remarks += _too_little(check.waivable_by, given, "what pck-revocation found")
        return proof
    remarks += _idle(given, used, "pck-revocation found something else")
    remarks += [f"Not proven, for {f.option} was used: {_UNPROVEN[f.name]}" for f in used]
    return _in_place(proof.beyond, check.waived_by(" ".join(f.option for f in used)))


def _in_place(proof: Proof, check: Check) -> Proof:
    """Return the proof with this check instead of its own of the same id."""
    return replace(proof, checks=tuple(check if c.id == check.id else c for c in proof.checks))


_UNPROVEN = {
    "accept-revoked-pcs-certs": (
        "that a genuine platform made this. Intel lists its certificate as revoked; whoever holds"
        " the key could have signed every line from qe-report-signature on, MRENCLAVE and status"
        " included."
    ),
    "accept-unverifiable-pcs-certs": (
        "that PCK certificate, authority and the signer of Intel's lists are not revoked. Leaving a"
        " list out is all it takes to hide that they are; then every line after pck-chain,"
        " MRENCLAVE and status included, could be forged."
    ),
}


def _proven(
    proof: Proof, policy: AttestationPolicy, graced: Check, remarks: list[str]
) -> list[Check]:
    """Return the proof's checks, the status as flags and the grace period leave it."""
    young = graced.status is CheckStatus.PASSED
    return [
        _status(c, proof, policy, young, remarks) if c.id == "tcb-status" else c
        for c in proof.checks
    ]


def _status(
    check: Check, proof: Proof, policy: AttestationPolicy, young: bool, remarks: list[str]
) -> Check:
    """Turn a failed status into a waiver where flags, and the grace period for one that is
    `young`, cover every part of it.
    """
    given = _given("tcb-status", policy)
    is_so = f"the status is {proof.status_text}"
    if check.status is CheckStatus.PASSED:
        if policy.tcb_grace:
            remarks.append(unneeded("--tcb-grace", is_so))
        remarks += _idle(given, (), is_so)
    if check.status is not CheckStatus.FAILED:
        return check
    # The period stands for -G, and for nothing else that the status is made of.
    period = ["--tcb-grace"] if young and OUTDATED in check.waivable_by else []
    needed = tuple(name for name in check.waivable_by if not (period and name == OUTDATED))
    used = _used(needed, given)
    if not used and (needed or not period):
        remarks += _too_little(needed, given, proof.status_text)
        return check
    remarks += _idle(given, used, is_so)
    return check.waived_by(" ".join([*period, *(f.option for f in used)]))


def _given(id: str, policy: AttestationPolicy) -> list[Flag]:
    """Return the flags of a policy that are about this check of the proof, in catalogue order."""
    names = policy.flags()
    return [f for f in (*FLAGS, *NEWER) if id in f.waives and f.name in names]


def _used(needed: tuple[str, ...], given: list[Flag]) -> list[Flag]:
    """Return the given flags that are needed, or none unless all that are needed were given: part
    of what it takes does not waive anything.
    """
    used = [f for f in given if f.name in needed]
    return used if len(used) == len(needed) else []


def _idle(given: Sequence[Flag], used: Sequence[Flag], why: str) -> list[str]:
    """Say of each given flag that was not used that it changed nothing."""
    return [unneeded(f.option, why) for f in given if f not in used]


def _too_little(needed: tuple[str, ...], given: list[Flag], found: str) -> list[str]:
    """Say of each given flag that it does not accept what was found, and what would."""
    takes = f"that takes {options(needed)}" if needed else "no flag does"
    alone = " alone" if len(given) == 1 and given[0].name in needed else ""
    return [f"{f.option} was set and{alone} does not accept {found}: {takes}." for f in given]


def _bound(body: ReportBody, binding: Binding | None) -> Check:
    """Compare report data with what the key wants; never optional where there is a key."""
    id = "certificate-binding"
    if binding is None:
        return not_run(
            id,
            "no CAS report was given: nothing says which certificate this evidence speaks for",
            optional=True,
        )
    # A binding is handed in from outside: one made from other evidence proves nothing here.
    if binding.report_data != body.report_data:
        return failed(
            id,
            binding.report_data.hex(),
            body.report_data.hex(),
            "the binding was computed for other evidence",
        )
    wanted = ", the ".join(filter(None, (binding.wanted, binding.rule)))
    if binding.bound:
        return passed(id, binding.got, wanted)
    return failed(id, binding.got, wanted, binding.why)


def _asked_of_cas(report: CasReport | None, bound: bool, policy: AttestationPolicy) -> list[Check]:
    """Compare nonce and instance: what a CAS report says beside its evidence. Where the evidence
    does not name what stands there, whoever passed the report on could write it.
    """
    asked = policy.cas_key_hash is not None or policy.cas_software_key_hash is not None
    if report is not None and not bound:
        why = "the evidence was not made for these additional data: anybody can write them"
        return [
            not_run("nonce", why, optional=policy.nonce is None),
            not_run("instance-key", why, optional=not asked),
        ]
    if report is None:
        why = "no CAS report was given: nothing says which certificate this evidence speaks for"
        lacking = "a nonce was given, and no CAS report that could repeat it"
        return [
            not_run(
                "nonce", why if policy.nonce is None else lacking, optional=policy.nonce is None
            ),
            not_run("instance-key", why, optional=not asked),
        ]
    if policy.nonce is None:
        nonce = not_run("nonce", "no nonce was sent", optional=True, got=report.nonce)
    elif report.nonce == policy.nonce:
        nonce = passed("nonce", report.nonce, policy.nonce)
    else:
        nonce = failed(
            "nonce",
            report.nonce or "no nonce",
            policy.nonce,
            "the report answers another question than ours",
        )
    return [nonce, _instance(report, policy)]


def _instance(report: CasReport, policy: AttestationPolicy) -> Check:
    from casnb.verify.keyhash import chain_key_hashes

    pairs = [
        ("CAS key", policy.cas_key_hash, 0),
        ("CAS software key", policy.cas_software_key_hash, 1),
    ]
    asked = [(name, wanted, n) for name, wanted, n in pairs if wanted is not None]
    if not asked:
        return not_run("instance-key", "no key hash was given with -c or -s", optional=True)
    try:
        hashes = chain_key_hashes(report.cert_chain_pem)
    except Exception as exc:  # cryptography raises many kinds for hostile DER
        return failed("instance-key", str(exc), "certificates that have such keys")
    for name, wanted, n in asked:
        if hashes[n] != wanted:
            return failed(
                "instance-key", f"{name} {hashes[n]}", wanted, "another instance answered"
            )
    return passed("instance-key", ", ".join(str(wanted) for _, wanted, _ in asked))
