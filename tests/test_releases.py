"""Which release a statement is about, and the CAS of today: green at cas attest, while a session of
yesterday serves nobody.
"""

from __future__ import annotations

import pytest

from casnb import AttestationPolicy
from casnb.explain.line import explain
from casnb.explain.releases import RELEASES, SINCE, SPOKEN, since
from casnb.policy.attest_options import OPTIONS
from casnb.policy.flags import FLAGS, NEWER
from casnb.session.service_policy import service_policy
from casnb.session.session import Session
from casnb.teach.facts import Cases

SESSION = """
name: a
version: "0.3"
services: [{{name: web, command: ./web, attestation: {{mrenclave: {mrenclave}}}}}]
security: {{attestation: {{tolerate: [debug-mode, software-hardening-needed]{more}}}}}
"""


@pytest.fixture(scope="module")
def current():
    return Cases("releases").get("current")


def judged(current, more=""):
    """What a session makes of a service on the machine of `current`."""
    text = SESSION.format(mrenclave=current.mrenclave, more=more)
    return service_policy(Session.from_yaml(text), "web").appraise(current.proof)


def test_attest_stays_green(current):
    """The CAS of today is accepted with the flag of its status, whatever advisories there are."""
    policy = AttestationPolicy(mrenclaves=(current.mrenclave,)).with_flags(
        "-S", "--only_for_testing-debug", "--only_for_testing-ignore-signer"
    )
    assert current.appraise(policy).accepted and current.proof.advisories
    assert current.world.setup.evidence == ("DCAP",)


def test_a_session_that_names_no_advisory_serves_nobody(current):
    """The service is refused for its advisories alone, and served once each of them is named."""
    refused = judged(current)
    assert [c.id for c in refused.checks if c.status.name == "FAILED"] == ["advisories"]
    some, *rest = current.proof.advisories
    assert not judged(current, f", ignore_advisories: [{some}]").accepted and rest
    named = ", ".join(current.proof.advisories)
    assert judged(current, f", ignore_advisories: [{named}]").accepted


def test_the_release_that_is_spoken():
    """It is one of the table's, and no preview."""
    assert SPOKEN.number in RELEASES and not SPOKEN.preview and SPOKEN.name == SPOKEN.number
    assert any(r.preview for r in RELEASES.values())
    assert all(c.source and c.do for r in RELEASES.values() for c in r.changes)


def test_options_of_the_table_exist():
    """Whatever the table dates is an option or a flag."""
    known = {n for o in OPTIONS for n in o.names} | {f"--{f.name}" for f in (*FLAGS, *NEWER)}
    assert set(SINCE) <= known and since("--max-age") == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--retries 3", "Since SCONE 5.8."),
        ("-S", "Since pages of March 2021."),
        ("--ignore-advisories INTEL-SA-00334", "Release: no help text"),
        ("--accept-revoked-pcs-certs", "Since SCONE 7.0"),
        ("-G", "IAS (SCONE up to 6): GROUP_OUT_OF_DATE. DCAP: OutOfDate"),
    ],
)
def test_explain_says_of_which_release(line, said):
    """Beside an option stands since when it is there; beside a status, whose spelling it is."""
    assert said in str(explain(f"scone cas attest {line} cas"))
