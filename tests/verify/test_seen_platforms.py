"""Endorsements remember which PCK chains hold; what a chain says today is asked every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casnb.conformance.fault import DAY, good
from casnb.conformance.fault_table import FAULTS
from casnb.verify import dcap
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import verify_endorsements

QUOTES = [row for row in FAULTS if row.kind == "dcap"]


@pytest.mark.parametrize("row", QUOTES, ids=lambda row: row.name)
def test_a_platform_seen_before_is_judged_as_one_never_seen(row):
    """A faulty quote, or a faulty time, fails of the same after a good quote went before."""
    before, e = good("dcap"), row.change(good("dcap"))
    lists = verify_endorsements(e.lists, roots=e.roots, now=e.now)
    verify_quote(before.quote, lists, roots=e.roots, now=before.now)
    anew = verify_quote(e.quote, e.lists, roots=e.roots, now=e.now)
    assert verify_quote(e.quote, lists, roots=e.roots, now=e.now).checks == anew.checks


def test_a_chain_seen_before_ages():
    """The signatures of a chain hold for ever, its dates do not."""
    e = good("dcap")
    lists = verify_endorsements(e.lists, roots=e.roots, now=e.now)
    assert verify_quote(e.quote, lists, roots=e.roots, now=e.now).genuine
    assert lists.chains
    late = verify_quote(e.quote, lists, roots=e.roots, now=e.now + 36_500 * DAY)
    assert late.failures[0].id == "pck-chain"


def test_what_is_remembered_is_bounded(monkeypatch):
    """No more chains are kept than the bound, and no other set of endorsements knows them."""
    e = good("dcap")
    lists = verify_endorsements(e.lists, roots=e.roots, now=e.now)
    monkeypatch.setattr(dcap, "_CHAINS", 2)
    lists.chains.update({b"one": None, b"two": None})  # type: ignore[dict-item]
    assert verify_quote(e.quote, lists, roots=e.roots, now=e.now).genuine
    assert len(lists.chains) == 1
    assert not replace(lists).chains
