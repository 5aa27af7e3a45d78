"""Appraisal: a policy applied to a proof. Every check is compared, waived by a flag that is
named, or not run for a reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casnb.base.spans import span
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
from casnb.policy import flags as catalogue
from casnb.policy.identities import known_signer
from casnb.policy.words import explain

if TYPE_CHECKING:
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.report import ReportBody
    from casnb.policy.policy import AttestationPolicy
from casnb.verify.proof import Proof

#: The checks that a policy makes; those before them are the proof's.
POLICY_IDS = tuple(CATALOGUE)[tuple(CATALOGUE).index("tcb-status") + 1 :]
#: Settings that a policy may refuse, and what the PCK certificate calls each.
PLATFORM_SETTINGS = {
    "smt": "smt_enabled",
    "dynamic": "dynamic_platform",
    "cached-keys": "cached_keys",
}
_OUTDATED = "accept-group-out-of-date"
_UNASKED = "not asked for"


def appraise(
    proof: Proof,
    policy: AttestationPolicy,
    *,
    report: CasReport | None = None,
    subject: str = "CAS",
) -> AttestationResult:
    """Apply a policy to a proof and return the whole ordered list of checks with the verdict.

    `report` is the CAS report the evidence came in; without it nothing can be said about
    certificate, nonce or instance. A proof that does not hold leaves every policy check NOT_RUN,
    since nothing it says is known to be true. A check that a flag switched off is WAIVED where
    it would have failed, and PASSED, with a remark, where the flag was not needed. Raises
    UsageError for a policy that contradicts itself. Not checked: whether the expected values are
    right.

    Example: `appraise(verify(report, roots=roots, now=now), AttestationPolicy(),
    report=report).verdict`
    """
    policy.require_valid()
    remarks: list[str] = []
    proof, genuine = _revocation(proof, policy, remarks)
    grace = _grace(proof, policy)
    young = grace.status is CheckStatus.PASSED
    checks = [
        _status(c, proof, policy, young, remarks) if c.id == "tcb-status" else c
        for c in proof.checks
    ]
    body = proof.report
    if genuine and body is not None:
        checks += _identity(body, policy, remarks)
        checks += _binding(body, policy, report)
        checks += [
            _advisories(proof.advisories, policy),
            *_freshness(proof, policy),
            grace,
            _settings(proof, policy.refuse_platform_settings),
        ]
    else:
        bad = (c.id for c in proof.checks if c.id != "tcb-status" and not _holds(c))
        first = next(bad, "tcb-status")
        checks += [not_run(i, f"the evidence is not proven genuine ({first})") for i in POLICY_IDS]
    signer = known_signer(body.mrsigner) if body is not None else None
    if signer is not None and signer.anybody_can_sign:
        remarks.append(f"MRSIGNER is {signer.name}: {signer.note}.")
    return AttestationResult(
        checks=ordered(checks),
        tcb_status=proof.status_text,
        advisories=proof.advisories,
        identity=body.identity() if body is not None else None,
        evidence_sha256=proof.evidence_sha256,
        at=proof.at,
        remarks=tuple(remarks),
        known_signer=signer.name if signer else "",
        subject=subject,
        words=explain(proof.tcb_status, proof.status_text, proof.advisories),
    )


def _unneeded(flag: str, why: str) -> str:
    return f"{flag} was set and not needed: {why}."


def _holds(check: Check) -> bool:
    return check.status in (CheckStatus.PASSED, CheckStatus.WAIVED) or check.optional


def _revocation(proof: Proof, policy: AttestationPolicy, remarks: list[str]) -> tuple[Proof, bool]:
    """Return the proof to go on with, and whether it may be believed; flags can waive what
    revocation lists say or do not say.
    """
    flags = policy.flags()
    given = [f for f in catalogue.NEWER if "pck-revocation" in f.waives and f.name in flags]
    check = next((c for c in proof.checks if c.id == "pck-revocation"), None)
    if not given:
        return proof, proof.genuine
    if check is None or check.status is CheckStatus.PASSED:
        why = (
            "no PCK certificate is part of this evidence"
            if check is None
            else "no list names a certificate of the chain"
        )
        remarks += [_unneeded(f.option, why) for f in given]
        return proof, proof.genuine
    if check.status is CheckStatus.NOT_RUN:
        return proof, False
    needed, names = check.waivable_by, {f.name for f in given}
    if proof.beyond is None or not names.issuperset(needed):
        takes = f"that takes {catalogue.options(needed)}" if needed else "no flag does"
        alone = {f.name: " alone" if f.name in needed else "" for f in given}
        remarks += [
            f"{f.option} was set and{alone[f.name]} does not accept what pck-revocation found:"
            f" {takes}."
            for f in given
        ]
        return proof, False
    used = [f for f in given if f.name in needed]
    remarks += [
        _unneeded(f.option, "pck-revocation found something else") for f in given if f not in used
    ]
    remarks += [f"Not proven, for {f.option} was used: {_UNPROVEN[f.name]}" for f in used]
    waived = check.waived_by(" ".join(f.option for f in used))
    checks = tuple(waived if c.id == "pck-revocation" else c for c in proof.beyond.checks)
    past = replace(proof.beyond, checks=checks)
    return past, past.tcb_status is not None and all(
        _holds(c) or c.id == "tcb-status" for c in checks
    )


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


def _status(
    check: Check, proof: Proof, policy: AttestationPolicy, young: bool, remarks: list[str]
) -> Check:
    """Turn a failed status into a waiver where flags, and the grace period for one that is
    `young`, cover every part of it.
    """
    flags = policy.flags()
    given = [f for f in catalogue.FLAGS if "tcb-status" in f.waives and f.name in flags]
    needed = check.waivable_by
    graced = young and policy.tcb_grace is not None and _OUTDATED in needed
    if policy.tcb_grace is not None and check.status is CheckStatus.PASSED:
        remarks.append(_unneeded("--tcb-grace", f"the status is {proof.status_text}"))
    if graced:
        needed = tuple(name for name in needed if name != _OUTDATED)
    if check.status is CheckStatus.FAILED and not (
        (needed or graced) and {f.name for f in given}.issuperset(needed)
    ):
        takes = f"that takes {catalogue.options(needed)}" if needed else "no flag does"
        alone = " alone" if needed and len(given) == 1 and given[0].name in needed else ""
        remarks += [
            f"{f.option} was set and{alone} does not accept {proof.status_text}: {takes}."
            for f in given
        ]
    elif check.status is not CheckStatus.NOT_RUN:
        remarks += [
            _unneeded(f.option, f"the status is {proof.status_text}")
            for f in given
            if f.name not in needed
        ]
        words = [
            *(["--tcb-grace"] if graced else []),
            *(f.option for f in given if f.name in needed),
        ]
        return check.waived_by(" ".join(words)) if words else check
    return check


def _identity(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> list[Check]:
    out = []
    flag = catalogue.BY_NAME["only_for_testing-debug"].option
    if not body.debug:
        out.append(passed("debug", "DEBUG is not set"))
        if policy.only_for_testing_debug:
            remarks.append(_unneeded(flag, "the enclave is not a debug enclave"))
    else:
        check = failed(
            "debug",
            "DEBUG is set",
            "DEBUG is not set",
            "the host can read and write this enclave's memory",
            ("only_for_testing-debug",),
        )
        out.append(check.waived_by(flag) if policy.only_for_testing_debug else check)
    signer = _mrsigner(body, policy, remarks)
    return [
        *out,
        _mrenclave(body, policy, signer, remarks),
        signer,
        *_product(body, policy, signer, remarks),
    ]


def _mrenclave(
    body: ReportBody, policy: AttestationPolicy, signer: Check, remarks: list[str]
) -> Check:
    flag = catalogue.BY_NAME["only_for_testing-trust-any"].option
    trust_any = policy.only_for_testing_trust_any and body.debug
    if not policy.mrenclaves:
        if signer.status is CheckStatus.WAIVED:
            if trust_any:
                return not_run("mrenclave", "no MRENCLAVE was given", got=body.mrenclave).waived_by(
                    flag
                )
            return failed(
                "mrenclave",
                body.mrenclave,
                "an MRENCLAVE to compare with",
                f"{flag} holds for debug enclaves only",
            )
        if policy.only_for_testing_trust_any and signer.status is CheckStatus.PASSED:
            remarks.append(_unneeded(flag, "the signer stands for the code"))
        return not_run(
            "mrenclave",
            "no MRENCLAVE was given; the signer stands for the code",
            optional=True,
            got=body.mrenclave,
        )
    wanted = " or ".join(policy.mrenclaves)
    if not any(body.mr_enclave):
        why = "zeros are the measurement of no enclave, whoever expects them"
        return failed("mrenclave", body.mrenclave, "the measurement of an enclave", why)
    if body.mrenclave in policy.mrenclaves:
        if policy.only_for_testing_trust_any:
            remarks.append(_unneeded(flag, "MRENCLAVE is the one that was given"))
        return passed("mrenclave", body.mrenclave, wanted)
    check = failed(
        "mrenclave",
        body.mrenclave,
        wanted,
        _mrenclave_hint(body, policy.mrenclaves),
        ("only_for_testing-trust-any",),
    )
    return check.waived_by(flag) if trust_any else check


def _mrenclave_hint(body: ReportBody, wanted: tuple[str, ...]) -> str:
    if body.mrsigner in wanted:
        return "the value given is the MRSIGNER"
    if body.mr_enclave[::-1].hex() in wanted:
        return (
            "the value given is the MRENCLAVE with its bytes reversed; measurements are written in"
            " the order they stand"
        )
    return ""


def _mrsigner(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> Check:
    flag = catalogue.BY_NAME["only_for_testing-ignore-signer"].option
    wanted = policy.mrsigner if policy.mrsigner is not None else policy.expected_signer.mrsigner
    if body.mrsigner == wanted and any(body.mr_signer):
        if policy.only_for_testing_ignore_signer:
            remarks.append(_unneeded(flag, "the signer is the expected one"))
        return passed("mrsigner", body.mrsigner, wanted)
    known = known_signer(body.mrsigner)
    why = (
        f"this is {known.name}: {known.note}"
        if known
        else ""
        if any(body.mr_signer)
        else "zeros are the hash of no signer's key"
    )
    wanted = wanted if body.mrsigner != wanted else "the hash of a signer's key"
    check = failed("mrsigner", body.mrsigner, wanted, why, ("only_for_testing-ignore-signer",))
    return check.waived_by(flag) if policy.only_for_testing_ignore_signer else check


def _product(
    body: ReportBody, policy: AttestationPolicy, signer: Check, remarks: list[str]
) -> list[Check]:
    if signer.status is not CheckStatus.PASSED:
        if policy.isvsvn is not None and signer.status is CheckStatus.WAIVED:
            remarks.append(
                "--isvsvn was set and not compared: a version means nothing without its signer."
            )
        why = "a number that an unexpected signer chose means nothing"
        pairs = (("isvprodid", body.isv_prod_id), ("isvsvn", body.isv_svn))
        return [not_run(name, why, optional=True, got=value) for name, value in pairs]
    product = policy.isvprodid if policy.isvprodid is not None else policy.expected_signer.isvprodid
    if body.isv_prod_id == product:
        first = passed("isvprodid", body.isv_prod_id, product)
    else:
        first = failed("isvprodid", body.isv_prod_id, product)
    if policy.isvsvn is None and policy.mrenclaves:
        why = "MRENCLAVE names one build, so no minimum version applies; --isvsvn sets one"
        return [first, not_run("isvsvn", why, optional=True, got=body.isv_svn)]
    least = policy.isvsvn if policy.isvsvn is not None else policy.expected_signer.isvsvn
    if body.isv_svn >= least:
        return [first, passed("isvsvn", body.isv_svn, f"{least} or more")]
    return [first, failed("isvsvn", body.isv_svn, f"{least} or more")]


def _binding(body: ReportBody, policy: AttestationPolicy, report: CasReport | None) -> list[Check]:
    if report is None:
        why = "no CAS report was given: nothing says which certificate this evidence speaks for"
        nonce = not_run(
            "nonce",
            (
                why
                if policy.nonce is None
                else "a nonce was given, and no CAS report that could repeat it"
            ),
            optional=policy.nonce is None,
        )
        asked = policy.cas_key_hash is not None or policy.cas_software_key_hash is not None
        return [
            not_run("certificate-binding", why, optional=True),
            nonce,
            not_run("instance-key", why, optional=not asked),
        ]
    out = []
    if body.report_data == report.binding_digest:
        out.append(
            passed("certificate-binding", body.report_data.hex(), report.binding_digest.hex())
        )
    else:
        out.append(
            failed(
                "certificate-binding",
                body.report_data.hex(),
                report.binding_digest.hex(),
                "the evidence was not made for these additional data",
            )
        )
    if policy.nonce is None:
        out.append(not_run("nonce", "no nonce was sent", optional=True, got=report.nonce))
    elif report.nonce == policy.nonce:
        out.append(passed("nonce", report.nonce, policy.nonce))
    else:
        out.append(
            failed(
                "nonce",
                report.nonce or "no nonce",
                policy.nonce,
                "the report answers another question than ours",
            )
        )
    return [*out, _instance(report, policy)]


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


def _advisories(found: tuple[str, ...], policy: AttestationPolicy) -> Check:
    listed = ", ".join(found) or "none"
    if policy.fail_on_any_advisory:
        return failed("advisories", listed, "none") if found else passed("advisories", "none")
    if policy.ignore_advisories:
        left = [a for a in found if a not in policy.ignore_advisories]
        if left:
            return failed(
                "advisories", ", ".join(left), "only " + ", ".join(policy.ignore_advisories)
            )
        if found:
            return Check(
                "advisories", CheckStatus.WAIVED, listed, "none", flag="--ignore-advisories"
            )
        return passed("advisories", "none")
    return not_run("advisories", f"not asked for; listed: {listed}", optional=True, got=listed)


def _freshness(proof: Proof, policy: AttestationPolicy) -> list[Check]:
    """How old the evidence is, when it was judged, and by which edition of Intel's lists."""
    return [
        _age(proof, policy.max_age),
        _time(proof, policy.verification_time),
        _edition(proof, policy.min_tcb_evaluation),
    ]


def _age(proof: Proof, limit: timedelta | None) -> Check:
    if limit is None:
        return not_run("report-age", _UNASKED, optional=True)
    if proof.made is None:
        return not_run(
            "report-age", "a quote does not say when it was made; a fresh nonce is what shows that"
        )
    age = proof.at - proof.made
    got, wanted = (
        f"made {_stamp(proof.made)}, {age} before",
        f"at most {span(limit)} before {_stamp(proof.at)}",
    )
    if timedelta(0) <= age <= limit:
        return passed("report-age", got, wanted)
    return failed(
        "report-age", got, wanted, "what was true of the machine then need not be true now"
    )


def _time(proof: Proof, wanted: datetime | None) -> Check:
    if wanted is None:
        return not_run("verification-time", _UNASKED, optional=True)
    if proof.at == wanted:
        return passed("verification-time", _stamp(proof.at))
    return failed(
        "verification-time",
        _stamp(proof.at),
        _stamp(wanted),
        "the proof was made for another time than the policy's",
    )


def _edition(proof: Proof, least: int | None) -> Check:
    if least is None:
        return not_run("tcb-evaluation", _UNASKED, optional=True)
    if proof.evaluation_number is None:
        return not_run(
            "tcb-evaluation",
            "the evidence does not say by which edition of Intel's lists it was judged",
        )
    if proof.evaluation_number >= least:
        return passed("tcb-evaluation", proof.evaluation_number, f"{least} or more")
    return failed(
        "tcb-evaluation",
        proof.evaluation_number,
        f"{least} or more",
        "an older edition may not know the newest holes",
    )


def _grace(proof: Proof, policy: AttestationPolicy) -> Check:
    """Count from the day of the level that was reached: every later day of a level that is up to
    date would give more time.
    """
    if policy.tcb_grace is None or proof.tcb_status is None:
        return not_run("tcb-grace", _UNASKED, optional=True)
    wanted = (
        f"up to date, or a level dated at most {span(policy.tcb_grace)} before {_stamp(proof.at)}"
    )
    if not proof.tcb_status.waivable or _OUTDATED not in proof.tcb_status.needs:
        got = f"{proof.status_text}: not outdated"
        return (
            passed("tcb-grace", got, wanted)
            if proof.tcb_status.name != "REVOKED"
            else failed("tcb-grace", "Revoked", wanted)
        )
    dates = (
        [proof.tcb_date]
        if proof.platform_tcb_status and _OUTDATED in proof.platform_tcb_status.needs
        else []
    )
    dates += (
        [proof.qe_tcb_date]
        if proof.qe_tcb_status and proof.qe_tcb_status.name != "UP_TO_DATE"
        else []
    )
    if not dates or not all(dates):
        return not_run(
            "tcb-grace",
            "an IAS report does not date the level that was reached: no period can be counted",
        )
    since = min(datetime.fromisoformat(date.replace("Z", "+00:00")) for date in dates)
    got = f"{proof.status_text}, level of {since:%Y-%m-%d}, {(proof.at - since).days} days before"
    if timedelta(0) <= proof.at - since <= policy.tcb_grace:
        return passed("tcb-grace", got, wanted)
    return failed(
        "tcb-grace", got, wanted, "the update has been missing for longer than the policy allows"
    )


def _settings(proof: Proof, refused: tuple[str, ...]) -> Check:
    """Compare what the PCK certificate says of the machine's settings; one that it does not
    state is not assumed to be off.
    """
    id, wanted = "platform-settings", "none of " + ", ".join(refused)
    if not refused:
        return not_run(id, _UNASKED, optional=True)
    if proof.platform is None:
        return not_run(id, "an IAS report does not say how the platform is set")
    said = {name: getattr(proof.platform, PLATFORM_SETTINGS[name]) for name in refused}
    if on := [name for name, value in said.items() if value]:
        return failed(id, ", ".join(on), wanted, "its PCK certificate says that this is so")
    if silent := [name for name, value in said.items() if value is None]:
        return not_run(
            id,
            f"the PCK certificate does not say: {', '.join(silent)}; those of the Processor CA"
            " do not",
        )
    return passed(id, "none", wanted)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
