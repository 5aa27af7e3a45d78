"""Settings of a platform: what a policy refuses is compared with the PCK certificate, and
silence is not taken for off.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from casnb.checks.result import CheckStatus, Verdict
from casnb.conformance.fault import good
from casnb.policy.appraise import appraise
from casnb.policy.attest_options import PLATFORM_SETTINGS
from casnb.policy.policy import AttestationPolicy

ID = "platform-settings"


@pytest.mark.parametrize("name", PLATFORM_SETTINGS)
@pytest.mark.parametrize(
    ("value", "status"),
    [
        pytest.param(True, CheckStatus.FAILED, id="on"),
        pytest.param(False, CheckStatus.PASSED, id="off"),
        pytest.param(None, CheckStatus.NOT_RUN, id="not stated"),
    ],
)
def test_each_setting(name, value, status):
    """On fails, off passes, not stated cannot be checked; both of the others reject, and nothing
    waives them.
    """
    e = good("dcap")
    proof = e.proof()
    proof = replace(proof, platform=replace(proof.platform, **{PLATFORM_SETTINGS[name]: value}))
    result = appraise(proof, replace(e.policy, refuse_platform_settings=(name,)), report=e.report)
    check = result.check(ID)
    assert check.status is status and not check.optional and not check.waivable_by
    assert result.verdict is (Verdict.TRUSTWORTHY if value is False else Verdict.REJECTED)


def test_a_setting_that_is_on_outweighs_one_that_is_not_stated():
    """What is known to be wrong is said, whatever else is unknown."""
    e = good("dcap")
    proof = e.proof()
    proof = replace(proof, platform=replace(proof.platform, smt_enabled=None, cached_keys=True))
    assert appraise(proof, e.policy, report=e.report).check(ID).got == "cached-keys"


def test_an_ias_report_says_nothing_of_settings():
    """Asked for, the check cannot be made, and that rejects; not asked for, it stands in
    nobody's way.
    """
    e = good("ias")
    assert e.result().verdict is Verdict.TRUSTWORTHY
    result = appraise(
        e.proof(), replace(e.policy, refuse_platform_settings=("smt",)), report=e.report
    )
    assert (
        result.verdict is Verdict.REJECTED
        and not result.failures
        and "IAS report" in result.check(ID).reason
    )


@pytest.mark.parametrize("value", ["smt", ("SMT",), ("smt", "turbo")])
def test_a_setting_nobody_knows_is_refused(value):
    """A typing error is not a setting that is always off."""
    assert any("refuse" in p for p in AttestationPolicy(refuse_platform_settings=value).problems())


def test_the_command_line_keeps_it():
    """Written and read back."""
    policy = AttestationPolicy(refuse_platform_settings=("smt", "cached-keys"))
    assert "--refuse-platform-settings smt,cached-keys" in policy.command("cas")
    assert AttestationPolicy.from_args(policy.arguments()) == policy
