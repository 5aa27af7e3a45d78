"""How the machine stands: advisories, the edition of Intel's lists, a grace period, settings;
and how old what says so is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casnb.base.spans import span
from casnb.base.times import stamp
from casnb.checks.result import Check, CheckStatus, failed, not_run, passed
from casnb.policy.attest_options import PLATFORM_SETTINGS

if TYPE_CHECKING:
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.proof import Proof

OUTDATED = "accept-group-out-of-date"
_UNASKED = "not asked for"


def advisories(proof: Proof, policy: AttestationPolicy) -> Check:
    """Compare the advisories listed with those that the policy will have; what a form of evidence
    cannot list is not taken for none.
    """
    found, unlisted = proof.advisories, proof.unlisted
    listed = ", ".join(found) or ("none" if not unlisted else "")
    cannot = unlisted + _beside(proof)
    if policy.fail_on_any_advisory:
        if found:
            return failed("advisories", listed, "none")
        return not_run("advisories", cannot) if unlisted else passed("advisories", "none")
    if policy.ignore_advisories:
        left = [a for a in found if a not in policy.ignore_advisories]
        if left:
            return failed(
                "advisories", ", ".join(left), "only " + ", ".join(policy.ignore_advisories)
            )
        if unlisted:
            return not_run("advisories", cannot)
        if found:
            return Check(
                "advisories", CheckStatus.WAIVED, listed, "none", flag="--ignore-advisories"
            )
        return passed("advisories", "none")
    if unlisted:
        also = f"; listed besides: {listed}" if found else ""
        return not_run("advisories", f"{_UNASKED}; {cannot}{also}", optional=True, got=listed)
    return not_run("advisories", f"{_UNASKED}; listed: {listed}", optional=True, got=listed)


def _beside(proof: Proof) -> str:
    """Name what came unsigned, a few of them: nobody vouches for it."""
    ids = proof.unsigned_advisories
    if not ids:
        return ""
    more = f" and {len(ids) - 8} more" if len(ids) > 8 else ""
    return f"; beside it, unsigned: {', '.join(ids[:8])}{more}"


def freshness(proof: Proof, policy: AttestationPolicy) -> list[Check]:
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
        f"made {stamp(proof.made)}, {age} before",
        f"at most {span(limit)} before {stamp(proof.at)}",
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
        return passed("verification-time", stamp(proof.at))
    return failed(
        "verification-time",
        stamp(proof.at),
        stamp(wanted),
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


def grace(proof: Proof, policy: AttestationPolicy) -> Check:
    """Count from the day of the level that was reached: every later day of a level that is up to
    date would give more time.
    """
    if policy.tcb_grace is None or proof.tcb_status is None:
        return not_run("tcb-grace", _UNASKED, optional=True)
    wanted = (
        f"up to date, or a level dated at most {span(policy.tcb_grace)} before {stamp(proof.at)}"
    )
    if not proof.tcb_status.waivable or OUTDATED not in proof.tcb_status.needs:
        got = f"{proof.status_text}: not outdated"
        return (
            passed("tcb-grace", got, wanted)
            if proof.tcb_status.name != "REVOKED"
            else failed("tcb-grace", "Revoked", wanted)
        )
    dates = (
        [proof.tcb_date]
        if proof.platform_tcb_status and OUTDATED in proof.platform_tcb_status.needs
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
    # The older date: the machine has lacked an update since then, whichever part lacks it.
    since = min(datetime.fromisoformat(date.replace("Z", "+00:00")) for date in dates)
    got = f"{proof.status_text}, level of {since:%Y-%m-%d}, {(proof.at - since).days} days before"
    if timedelta(0) <= proof.at - since <= policy.tcb_grace:
        return passed("tcb-grace", got, wanted)
    return failed(
        "tcb-grace", got, wanted, "the update has been missing for longer than the policy allows"
    )


def settings(proof: Proof, refused: tuple[str, ...]) -> Check:
    """Compare what the PCK certificate says of the machine's settings; one that it does not
    state is not assumed to be off.
    """
    id, wanted = "platform-settings", "none of " + ", ".join(refused)
    if not refused:
        return not_run(id, _UNASKED, optional=True)
    if proof.platform is None:
        return not_run(id, "an IAS report does not say how the platform is set")
    said = {name: getattr(proof.platform, PLATFORM_SETTINGS[name]) for name in refused}
    # What is on comes first: an item that the certificate does not state could hide it otherwise.
    if on := [name for name, value in said.items() if value]:
        return failed(id, ", ".join(on), wanted, "its PCK certificate says that this is so")
    if silent := [name for name, value in said.items() if value is None]:
        return not_run(
            id,
            f"the PCK certificate does not say: {', '.join(silent)}; those of the Processor CA"
            " do not",
        )
    return passed(id, "none", wanted)
