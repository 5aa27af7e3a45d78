"""Who the enclave is: debug, measurement, signer, product and version, compared with a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.checks.result import Check, CheckStatus, failed, not_run, passed
from casnb.policy.flags import BY_NAME
from casnb.policy.identities import known_signer

if TYPE_CHECKING:
    from casnb.evidence.report import ReportBody
    from casnb.policy.policy import AttestationPolicy


def debug(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> Check:
    """Compare the DEBUG bit with 0."""
    flag = BY_NAME["only_for_testing-debug"].option
    if not body.debug:
        if policy.only_for_testing_debug:
            remarks.append(unneeded(flag, "the enclave is not a debug enclave"))
        return passed("debug", "DEBUG is not set")
    check = failed(
        "debug",
        "DEBUG is set",
        "DEBUG is not set",
        "the host can read and write this enclave's memory",
        ("only_for_testing-debug",),
    )
    return check.waived_by(flag) if policy.only_for_testing_debug else check


def identity(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> list[Check]:
    """Compare measurement, signer, product and version with what the policy expects."""
    signer = _mrsigner(body, policy, remarks)
    return [
        _mrenclave(body, policy, signer, remarks),
        signer,
        *_product(body, policy, signer, remarks),
    ]


def unneeded(flag: str, why: str) -> str:
    """Say of a flag that it changed nothing."""
    return f"{flag} was set and not needed: {why}."


def _mrenclave(
    body: ReportBody, policy: AttestationPolicy, signer: Check, remarks: list[str]
) -> Check:
    flag = BY_NAME["only_for_testing-trust-any"].option
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
            remarks.append(unneeded(flag, "the signer stands for the code"))
        return not_run(
            "mrenclave",
            "no MRENCLAVE was given; the signer stands for the code",
            optional=True,
            got=body.mrenclave,
        )
    wanted = " or ".join(policy.mrenclaves)
    # Before the comparison: a scrape that yields zeros, and a quote with zeros, must not agree.
    if not any(body.mr_enclave):
        why = "zeros are the measurement of no enclave, whoever expects them"
        return failed("mrenclave", body.mrenclave, "the measurement of an enclave", why)
    if body.mrenclave in policy.mrenclaves:
        if policy.only_for_testing_trust_any:
            remarks.append(unneeded(flag, "MRENCLAVE is the one that was given"))
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
    flag = BY_NAME["only_for_testing-ignore-signer"].option
    wanted = policy.mrsigner if policy.mrsigner is not None else policy.expected_signer.mrsigner
    if body.mrsigner == wanted and any(body.mr_signer):
        if policy.only_for_testing_ignore_signer:
            remarks.append(unneeded(flag, "the signer is the expected one"))
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
    # Product and version are numbers that a signer gives out: another signer gives them out, too.
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
