"""One table of all that can be wrong: each row changes one thing in good evidence, and fails by
its own checks and no others.

P01 to P32 are the numbers of the adversarial list that the rows belong to.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from casnb.base.errors import PolicyError, VerificationError
from casnb.checks.result import CATALOGUE, PROOF_IDS, CheckStatus, Verdict
from casnb.conformance.fault import IDLE, STOPS, expected, found, good
from casnb.conformance.fault_table import FAULTS, HARMLESS
from casnb.conformance.forging import flip, region
from casnb.policy.appraise import appraise
from casnb.policy.flags import FLAGS, NEWER
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import verify_endorsements

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verification.md"
#: What cannot be built as bytes: a quote signed with a stolen key is as good as any. The
#: documentation has a paragraph.
UNBUILDABLE = {"P30": "no bytes to\nbuild a test from"}
EVERY_FLAG = tuple(f.name for f in (*FLAGS, *NEWER))
#: The checks that flags can waive, and the one that is a waiver itself; no flag has a say in any
#: other.
WAIVABLE = {"tcb-grace", *(id for f in (*FLAGS, *NEWER) for id in f.waives)}


def all_pass(evidence):
    """Whether every check passes that this kind of evidence has."""
    idle = IDLE["dcap" if evidence.avr is None else "ias"]
    return all(c.status is CheckStatus.PASSED or c.id in idle for c in evidence.result().checks)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_fault(fault):
    """The named checks fail, what they make impossible is not run, every other check still
    passes, and the evidence is refused.
    """
    result = fault.change(good(fault.kind)).result()
    assert found(result) == expected(fault)
    assert result.verdict is Verdict.REJECTED
    if result.check("tcb-status").status is not CheckStatus.NOT_RUN:
        assert result.tcb_status == fault.status
    for check in result.failures:
        assert check.got and check.wanted and check.got != check.wanted
    with pytest.raises(
        VerificationError if result.failures[0].id in PROOF_IDS else PolicyError,
        match=result.failures[0].id,
    ):
        result.require()


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.fails.split()[0] not in WAIVABLE], ids=lambda f: f.name
)
def test_no_flag_hides_what_it_is_not_for(fault):
    """With every insecure flag of every CLI set at once, the fault is refused all the same and
    its check is not a waiver.
    """
    evidence = fault.change(good(fault.kind))
    policy = replace(evidence.policy.with_flags(*EVERY_FLAG), tcb_grace=None, mrsigner=None)
    result = appraise(evidence.proof(), policy, report=evidence.report)
    assert result.verdict is Verdict.REJECTED
    main = result.check(fault.fails.split()[0])
    assert main.status in (CheckStatus.FAILED, CheckStatus.NOT_RUN) and not main.waivable_by


@pytest.mark.parametrize("row", HARMLESS, ids=lambda r: r.name)
def test_harmless(row):
    """What means the same is judged the same: every check passes, and nothing is waived."""
    assert all_pass(row.change(good(row.kind)))


def test_table_is_complete():
    """Every check of the catalogue is what some row is about, and every pitfall has a row or its
    paragraph.
    """
    about = {f.fails.split()[0] for f in FAULTS}
    assert set(CATALOGUE) - about == set()
    rows = Counter(p for f in FAULTS for p in f.pitfalls.split())
    assert set(rows) == {f"P{n:02}" for n in range(1, 33)} - set(UNBUILDABLE)
    for words in UNBUILDABLE.values():
        assert PAGE.read_text(encoding="utf-8").count(words) == 1


def test_rows_are_well_formed():
    """Each row has a name of its own, at least one check that fails, and only checks and numbers
    that there are.
    """
    names = Counter(r.name for r in (*FAULTS, *HARMLESS))
    assert [n for n, count in names.items() if count > 1] == []
    for row in FAULTS:
        ids = set(found(good(row.kind).result()))
        assert row.fails.split() and set(row.fails.split()) <= ids and set(row.idle.split()) <= ids
        assert not set(row.idle.split()) & set(row.fails.split())
    assert all(
        re.fullmatch(r"P(0[1-9]|[12][0-9]|3[0-2])", p)
        for r in (*FAULTS, *HARMLESS)
        for p in r.pitfalls.split()
    )
    assert all(
        set(stops) | {i for s in stops.values() for i in s.split()} <= set(CATALOGUE)
        for stops in STOPS.values()
    )


def test_good_evidence_is_good():
    """What the rows start from passes every check there is, and is judged trustworthy."""
    seen = set()
    for kind in STOPS:
        result = good(kind).result()
        assert result.verdict is Verdict.TRUSTWORTHY and all_pass(good(kind))
        seen |= {c.id for c in result.checks if c.status is CheckStatus.PASSED}
    assert seen == set(CATALOGUE)


def test_every_choice_of_the_documentation_is_a_row():
    """The page's choices and those that the rows name are the same, so neither can be changed
    alone.
    """
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index("## Choices") : text.index("## Freshness")]
    rows = [
        line.split(" | ")[0].strip("| ") for line in part.splitlines() if line.startswith("| ")
    ][2:]
    assert sorted(rows) == sorted({f.choice for f in FAULTS} - {""})


#: Regions of a quote, and the checks of which one must fail first when a bit there is flipped.
REGIONS = {
    "version": {"quote-format"},
    "key type": {"quote-format"},
    "TEE type": {"quote-format"},
    "vendor": {"quote-format"},
    "QE and PCE SVN": {"quote-signature"},
    "user data": {"quote-signature"},
    "report": {"quote-signature", "quote-format"},
    "signature length": {"quote-format"},
    "signature": {"quote-signature"},
    "attestation key": {"qe-report-binding"},
    "QE report": {"qe-report-signature", "quote-format"},
    "QE report signature": {"qe-report-signature"},
    "auth length": {"quote-format"},
    "auth data": {"qe-report-binding"},
    "certification type": {"quote-format", "pck-chain"},
    "certification length": {"quote-format"},
}


@pytest.mark.parametrize("part", REGIONS)
def test_every_bit_before_the_certificates_counts(part):
    """Whichever single bit is flipped, the quote is refused, and first by the check that speaks
    for that part.
    """
    e = good("dcap")
    lists = verify_endorsements(e.lists, roots=e.roots, now=e.now)
    where = region(e.quote, part)
    step = 1 if len(where) <= 64 else 5
    for bit in range(8 * where.start, 8 * where.stop, step):
        proof = verify_quote(flip(e.quote, bit), lists, roots=e.roots, now=e.now)
        assert not proof.genuine and proof.failures[0].id in REGIONS[part], (bit, proof.failures)


def test_the_table_of_regions_is_the_whole_quote():
    """No byte before the certificates is left out of the sweep."""
    quote = good("dcap").quote
    bytes_ = sorted(n for part in REGIONS for n in region(quote, part))
    assert bytes_ == list(range(region(quote, "certificates").start))
