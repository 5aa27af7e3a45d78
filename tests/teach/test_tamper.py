"""The tamper lab: which check notices first, why the earlier ones did not, and what a better key
changes about that.
"""

from __future__ import annotations

from html import escape

import pytest
from traitlets import TraitError

from casnb.base.errors import UsageError
from casnb.checks.result import CheckStatus
from casnb.evidence.cas_report import CasReport
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.ias_report import ias_proof
from casnb.simulator.world import World
from casnb.teach.facts import Facts
from casnb.teach.tampering.model import MEANS, Tamper
from casnb.teach.tampering.panel import TamperPanel


@pytest.fixture(scope="module")
def labs(cases):
    """One lab for each kind of evidence, made once."""
    return {name: Tamper(cases.get(name)) for name in ("production", "public")}


#: Scenario, offset, bit, what Mallory has, the check that notices first; None: nobody does.
ROWS = [
    ("production", 96, 2, "none", "quote-signature"),
    ("production", 96, 2, "own-key", "qe-report-binding"),
    ("production", 96, 2, "own-qe", "qe-report-signature"),
    ("production", 96, 2, "own-chain", "pck-chain"),
    ("production", 96, 2, "stolen-key", "debug"),
    ("production", 112, 1, "stolen-key", "mrenclave"),
    ("production", 176, 1, "stolen-key", "mrsigner"),
    ("production", 304, 1, "stolen-key", "isvprodid"),
    ("production", 368, 1, "stolen-key", "certificate-binding"),
    ("production", 104, 1, "stolen-key", None),
    ("production", 240, 1, "stolen-key", "quote-format"),
    ("production", 0, 1, "none", "quote-format"),
    ("production", 70, 1, "stolen-key", "quote-format"),
    ("production", 28, 1, "none", "quote-signature"),
    ("production", 500, 1, "none", "qe-report-binding"),
    ("production", 564, 1, "none", "qe-report-signature"),
    ("production", 1020, 1, "none", "qe-report-binding"),
    ("production", 2000, 1, "none", "pck-chain"),
    ("public", 112, 1, "none", "avr-signature"),
    ("public", 112, 1, "own-signer", "avr-chain"),
    ("public", 112, 1, "stolen-epid", "mrenclave"),
    ("public", 96, 2, "stolen-epid", None),
    ("public", 0, 1, "stolen-epid", "avr-format"),
    ("public", 368, 1, "stolen-epid", "certificate-binding"),
]


@pytest.mark.parametrize(
    "scenario, offset, bit, means, first", ROWS, ids=[f"{r[0]}-{r[1]}-{r[3]}" for r in ROWS]
)
def test_the_first_check_that_notices(labs, scenario, offset, bit, means, first):
    """Each key that Mallory gains moves the discovery further down the list; each changed field
    has its own.
    """
    found = labs[scenario].flip(offset, bit, means)
    assert (found.first.id if found.first else None) == first
    assert found.edited == (offset,) and found.result.accepted == (first is None)
    assert (first or "No check notices") in found.sentence
    ids = [c.id for c in found.result.checks]
    assert [i for i, _ in found.before] == (ids[: ids.index(first)] if first else [])


def test_the_unchanged_report_is_accepted(labs):
    """Nothing was changed, so nothing fails, with a certificate-like flag set or without any."""
    for lab in labs.values():
        found = lab.judge(lab.map.data)
        assert (
            found.sentence == "Nothing was changed."
            and found.first is None
            and found.result.accepted
            and not found.before
        )
    assert labs["production"].policy.flags() == () and len(labs["public"].policy.flags()) == 3


def test_it_says_why_the_earlier_checks_did_not_notice(labs):
    """Not looking there, looking elsewhere altogether, or being satisfied by the key that she
    has.
    """
    why = dict(labs["production"].flip(112, 1, "stolen-key").before)
    assert (
        why["quote-signature"]
        == "looks there, and is satisfied: she has the attestation key of this very machine"
    )
    assert why["debug"] == "looks at byte 96, and nothing changed there"
    assert why["tcb-info-current"].startswith("reads nothing of this: it compares issue date")
    why = dict(labs["public"].flip(176, 1, "stolen-epid").before) | dict(
        labs["public"].flip(368, 1, "stolen-epid").before
    )
    assert why["mrenclave"] == "looks at bytes 112 to 143, and nothing changed there"
    assert why["avr-nonce"] == "no nonce was asked for"
    waived = dict(labs["public"].judge(_both(labs["public"], 96, 368), "stolen-epid").before)
    assert waived["debug"].startswith("looks there, and what it compares still holds")


def _both(lab, *offsets):
    data = bytearray(lab.map.data)
    for at in offsets:
        data[at] ^= 2
    return bytes(data)


def test_a_check_that_a_flag_switched_off_says_so(labs):
    """With DEBUG accepted, a quote that gains the bit passes by it; the waiver is named as the
    reason.
    """
    lab = Tamper(
        labs["production"].facts,
        AttestationPolicy(
            mrenclaves=(labs["production"].world.mrenclave,),
            only_for_testing_debug=True,
            only_for_testing_ignore_signer=True,
        ),
    )
    data = bytearray(lab.map.data)
    data[96] ^= 2
    data[368] ^= 1
    why = dict(lab.judge(bytes(data), "stolen-key").before)
    assert why["debug"] == "saw it, and --only_for_testing-debug accepts it"


def test_every_means_is_told_and_used(labs):
    """Each step says what she has and how she got it, and rewrites what it must."""
    for kind, lab in (("DCAPQuote", labs["production"]), ("IASReport", labs["public"])):
        assert lab.means == MEANS[kind]
        for means in lab.means:
            found = lab.put("mr_enclave", bytes(32), means.name)
            assert bool(found.rewritten) == (means.name != "none")
            assert means.how in str(found) and escape(means.words) in found._html()
    assert labs["production"].flip(96, 2, "own-chain").rewritten[-1] == "certification_data"
    for wrong in (
        lambda t: t.flip(0, 1, "a pencil"),
        lambda t: t.judge(b"short"),
        lambda t: t.put("version", b"long"),
    ):
        with pytest.raises(UsageError):
            wrong(labs["public"])


def test_the_panel_follows_grid_and_chooser(labs, page_sets, loud):
    """A byte changed on the page, or in Python, is verified; the choice of a key changes who
    notices; restore ends it.
    """
    panel = TamperPanel(tamper=labs["production"])
    assert panel.outcome.sentence == "Nothing was changed."
    changed = bytearray(panel.explorer.data)
    changed[96] ^= 2
    page_sets(panel.explorer, data=memoryview(bytes(changed)))
    assert "quote-signature" in panel.verdict.value and "quote-signature" in panel.live.text
    assert panel.explorer.view.result("quote-signature").status is CheckStatus.FAILED
    page_sets(panel.chooser, index=4)
    assert panel.model.means == "stolen-key" and panel.outcome.first.id == "debug"
    panel.flip(96, 2)
    assert (
        panel.outcome.sentence
        == "Nothing was changed. She signed it again, and no check notices that."
    )
    assert panel.outcome.edited == () and panel.chooser.value == "stolen-key"
    panel.edit(112, panel.explorer.data[112] ^ 255)
    panel.restore()
    panel.sign_with("none")
    assert panel.outcome.sentence == "Nothing was changed." and len(panel.explorer.log) == 4
    with pytest.raises(TraitError):
        panel.explorer.data = b"short"
    panel.close()
    panel.close()


def test_the_snapshot_stays_readable(labs):
    """Outcome and bytes as text and as a table, without a widget."""
    panel = TamperPanel(tamper=labs["public"], means="stolen-epid")
    panel.flip(112)
    shot = panel.snapshot()
    assert "The first check that notices is mrenclave" in str(shot)
    assert '<table class="bytes">' in shot._html() and "changed" in shot._html()


def test_a_hostile_report_is_text(cases):
    """An advisory and a status that want to be markup come out escaped, in outcome, panel and
    snapshot.
    """
    evil = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"
    facts = Facts(World("hostile", "public"))
    extra = facts.world.additional_data()
    avr = facts.world.avr(bytes(64), members={"advisoryIDs": [evil], "isvEnclaveQuoteStatus": evil})
    facts.report = CasReport.build(ias_proof(avr), extra)
    panel = TamperPanel(facts)
    panel.flip(112)
    for html in (
        panel.outcome._html(),
        panel.snapshot()._html(),
        panel.verdict.value,
        panel.checks.value,
    ):
        assert "<script" not in html and "<img" not in html
    panel.sign_with("stolen-epid")
    assert "&lt;script&gt;" in panel.checks.value and "<script" not in panel.checks.value


def test_what_failed_before_is_not_the_readers_doing(labs):
    """Under a policy that refuses the unchanged report, the first check that notices is one that
    passed before.
    """
    lab = Tamper(
        labs["public"].facts, AttestationPolicy(mrenclaves=(labs["public"].world.mrenclave,))
    )
    assert [c.id for c in lab.baseline.failures] == ["tcb-status", "debug", "mrsigner"]
    assert (
        lab.flip(112, 1, "stolen-epid").first.id == "mrenclave"
        and lab.judge(lab.map.data).first is None
    )
