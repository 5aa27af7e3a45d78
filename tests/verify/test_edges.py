"""Verification at its edges: other roots, old forms, limits, and what is said of them."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from dataclasses import replace

import pytest

from casnb.base.errors import CasnbError, EvidenceError
from casnb.checks.result import CheckStatus
from casnb.evidence.quote import Quote
from casnb.verify import misfits
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements, verify_endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.misfits import Held
from casnb.verify.pki import TrustAnchors, intel_roots
from casnb.verify.tcb import TcbStatus


def test_verified_lists_are_verified_again_under_other_roots(world):
    """Lists that were good under one set of roots are nothing under another; under equal roots
    they are what they were.
    """
    quote, roots, now = world.quote(bytes(64)), world.roots, world.now
    given = Endorsements.from_json(world.intel.endorsements(now))
    known = verify_endorsements(given, roots=roots, now=now)
    again = TrustAnchors.from_pem(world.roots_pem, label=roots.label, simulated=True)
    assert again == roots and again is not roots
    for same in (roots, again):
        assert verify_quote(quote, known, roots=same, now=now).believable
    other = intel_roots()
    found = verify_quote(quote, known, roots=other, now=now)
    fresh = verify_quote(quote, given, roots=other, now=now)
    assert not found.believable and found.checks == fresh.checks


@pytest.mark.parametrize(
    ("version", "status", "told"),
    [
        (2, "OK", True),
        (3, "OK", True),
        (4, "OK", False),
        (5, "OK", False),
        (2, "GROUP_OUT_OF_DATE", False),
        (3, "GROUP_OUT_OF_DATE", False),
        (4, "GROUP_OUT_OF_DATE", False),
    ],
)
def test_the_ok_of_an_old_report_says_less(version, status, told):
    """An OK of version 2 or 3 is remarked on; a later one says it all, and another status is no
    OK.
    """
    from casnb.simulator.world import World

    world = World("edges")
    members = {"isvEnclaveQuoteStatus": status, "version": None if version == 2 else version}
    found = verify_avr(world.avr(bytes(64), members=members), roots=world.roots, now=world.now)
    assert any("says less than today's" in r for r in found.remarks) == told, found.remarks


@pytest.mark.parametrize(
    ("status", "since"),
    [
        ("OK", 2),
        ("GROUP_OUT_OF_DATE", 2),
        ("CONFIGURATION_NEEDED", 3),
        ("SW_HARDENING_NEEDED", 4),
        ("CONFIGURATION_AND_SW_HARDENING_NEEDED", 4),
    ],
)
def test_a_status_is_one_from_its_version_on(status, since):
    """A report cannot say what its version had no word for."""
    for version in (2, 3, 4, 5):
        assert (TcbStatus.from_ias(status, version) is not None) == (version >= since)


@pytest.mark.parametrize(("size", "told"), [(0, True), (1, False)])
def test_a_text_up_to_the_limit_is_explained(monkeypatch, size, told):
    """A mishap is looked for in a text of exactly the limit, and not in a longer one."""
    held = Held(text=b"x" * 64 + b"\n", signature=bytes(64))
    monkeypatch.setattr(misfits, "_LIMIT", len(held.text) - size)
    said = misfits.explain(held, lambda tried: tried.text == held.text[:-1])
    assert bool(said) == told


@pytest.mark.parametrize(("attempts", "told"), [(48, True), (49, False)])
def test_as_many_attempts_as_are_promised(monkeypatch, attempts, told):
    """The forty-eighth may be the one that explains it; the next is not made."""

    def undo(held):
        return ((replace(held, text=b"%d" % n), "") for n in range(1, 100))

    monkeypatch.setattr(misfits, "MISHAPS", (misfits.Mishap("counted", "It was counted.", undo),))
    said = misfits.explain(Held(b"0", bytes(64)), lambda tried: tried.text == b"%d" % attempts)
    assert said == ("It was counted." if told else "")


def test_a_mebibyte_is_the_limit():
    """No list and no report of Intel's has so many bytes."""
    assert misfits._LIMIT == 1 << 20
    assert misfits.explain(Held(bytes((1 << 20) + 1), bytes(64)), lambda _: True) == ""


@pytest.mark.parametrize("tee_type", [0x81, "0x81", "129", "TDX"])
def test_lists_for_tdx_are_named(world, tee_type):
    """Whoever fetched the wrong lists is told so, however a tool writes their kind."""
    given = world.intel.endorsements(world.now)
    with pytest.raises(EvidenceError, match="lists for TDX"):
        Endorsements.from_json({**given, "tee_type": tee_type})
    with pytest.raises(EvidenceError) as told:
        Endorsements.from_json({**given, "tee_type": 130})
    assert "TDX" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        pytest.param({}, True, id="as it is"),
        pytest.param({"id": "TDX"}, False, id="of TDX"),
        pytest.param({"tcbType": 1}, False, id="another type"),
    ],
)
def test_lists_of_another_kind_fit_no_quote(world, change, fits):
    """TCB info truly signed, for another technology or of another type of level."""
    now = world.now
    try:
        lists = Endorsements.from_json(world.intel.endorsements(now, tcb_info=change))
        found = verify_quote(world.quote(bytes(64)), lists, roots=world.roots, now=now)
    except CasnbError:
        assert not fits
    else:
        assert found.believable == fits, found.checks


@pytest.mark.parametrize("pce_svn", [0, 65535, 65536, -1, "5", 1.5, True])
@pytest.mark.parametrize("place", ["highest", "lowest"])
def test_the_numbers_of_a_level_have_16_bits(world, pce_svn, place):
    """A PCESVN is a number from 0 to 65535, in every level of a list that was truly signed."""
    now, quote = world.now, world.quote(bytes(64))
    text = json.loads(world.intel.endorsements(now)["tcb_info"])
    levels = text["tcbLevels"]
    levels[0 if place == "highest" else -1]["tcb"]["pcesvn"] = pce_svn
    given = world.intel.endorsements(now, tcb_info={"tcbLevels": levels})
    found = verify_quote(quote, Endorsements.from_json(given), roots=world.roots, now=now)
    seen = next(c for c in found.checks if c.id == "tcb-info-signature")
    good = type(pce_svn) is int and 0 <= pce_svn < 65536
    assert (seen.status is CheckStatus.PASSED) == good, seen


#: A pair without anything in it, and one without its second half, at the very end.
EMPTY = ("30023000", "300430020600")


def test_pieces_of_a_platform_extension_that_end_early():
    """An extension cut anywhere is refused in words, never by an index."""
    from casnb.evidence.pck import PckExtension
    from casnb.simulator.world import World

    world = World("edges", "production")
    whole = next(
        e.value.value
        for e in world.platform.pck.cert.extensions
        if e.oid.dotted_string == "1.2.840.113741.1.13.1"
    )
    assert PckExtension.from_der(whole)
    for cut in (*(whole[:end] for end in range(len(whole))), *map(bytes.fromhex, EMPTY)):
        with pytest.raises(EvidenceError):
            PckExtension.from_der(cut)


def test_verified_lists_keep_what_they_were_made_of(world):
    """They can be judged at another time, under the same names."""
    given = Endorsements.from_json(world.intel.endorsements(world.now))
    known = verify_endorsements(given, roots=world.roots, now=world.now)
    assert known.source == given and replace(given) == given


def test_a_quote_that_was_read_is_judged_on_the_bytes_received(world, monkeypatch):
    """It is not written again, and says the same as its bytes do, also after a copy."""
    raw, roots, now = world.quote(bytes(64)), world.roots, world.now
    known = verify_endorsements(
        Endorsements.from_json(world.intel.endorsements(now)), roots=roots, now=now
    )
    quote, loose = Quote.from_bytes(raw), Quote.from_bytes(bytearray(raw))
    monkeypatch.setattr(Quote, "to_bytes", None)
    wanted = verify_quote(raw, known, roots=roots, now=now)
    for same in (quote, copy.copy(quote), pickle.loads(pickle.dumps(quote)), loose):
        assert same == quote and type(same.received) is bytes
        assert verify_quote(same, known, roots=roots, now=now) == wanted
    assert wanted.genuine


@pytest.mark.parametrize(
    ("part", "check"),
    [
        pytest.param("body", "quote-signature", id="the enclave's report"),
        pytest.param("qe_report", "qe-report-signature", id="the quoting enclave's report"),
        pytest.param("user_data", "quote-signature", id="the header"),
        pytest.param("signature", "quote-signature", id="the signature"),
        pytest.param("qe_report_signature", "qe-report-signature", id="the report's signature"),
        pytest.param("auth_data", "qe-report-binding", id="the authentication data"),
    ],
)
def test_a_changed_quote_is_judged_on_its_own_bytes(world, part, check):
    """What `replace` makes of a genuine quote carries nothing of the bytes that were signed."""
    genuine = Quote.from_bytes(world.quote(bytes(64)))
    lists = Endorsements.from_json(world.intel.endorsements(world.now))
    before = getattr(genuine, part)
    after = (
        bytes([before[0] ^ 1]) + before[1:]
        if isinstance(before, bytes)
        else replace(before, isv_svn=before.isv_svn ^ 1)
    )
    changed = replace(genuine, **{part: after})
    proof = verify_quote(changed, lists, roots=world.roots, now=world.now)
    assert changed.received is None and not proof.believable
    assert proof.check(check).status is CheckStatus.FAILED
    assert proof.evidence_sha256 == hashlib.sha256(changed.to_bytes()).hexdigest()
    back = replace(changed, **{part: before})
    assert back == genuine and back.received is None
    assert verify_quote(back, lists, roots=world.roots, now=world.now).genuine
