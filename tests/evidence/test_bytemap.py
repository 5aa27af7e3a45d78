"""Bytes, fields and checks are linked in all three directions, over every structure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from doctables.fields import all_layouts
from evidence.samples import BODY, EPID, EPID_SIGNED, LEDGER, QUOTE, SIGSTRUCT

from casnb.base.errors import EvidenceError, UsageError
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE
from casnb.evidence.ledger import Eadd, Ecreate, Ledger
from casnb.evidence.report import LOCAL_REPORT, REPORT_BODY
from casnb.simulator.world import World
from casnb.teach.explorer.bytemap import byte_map, check_title, from_layout

VALUES = {
    "body": BODY,
    "dcap": QUOTE,
    "epid": EPID,
    "epid-signed": EPID_SIGNED,
    "sigstruct": SIGSTRUCT,
    "ledger": LEDGER,
    "local": BODY.to_bytes() + bytes(48),
}
each = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())


@each
def test_rows_tile_the_bytes(value):
    """Every byte belongs to exactly one field, and `at` finds it; nothing lies before, between
    or behind.
    """
    found = byte_map(value)
    assert [n for s in found.spots for n in range(s.offset, s.end)] == list(range(len(found.data)))
    assert all(
        s.offset <= n < s.end
        for s in found.spots
        for n in (s.offset, s.end - 1)
        if s.size and found.at(n) == s
    )
    assert b"".join(found.value(s.id) for s in found.spots) == found.data
    for outside in (-1, len(found.data)):
        with pytest.raises(UsageError):
            found.at(outside)


@each
def test_every_field_says_more_and_reserved_bytes_say_who_checks(value):
    """A long meaning for each row; of reserved bytes, what is wanted of them and who looks."""
    for spot in byte_map(value).spots:
        assert len(spot.field.detail) > 15, spot.id
        if spot.reserved:
            said = spot.field.detail
            assert "zero" in said and any(word in said for word in ("casnb", "CPU", "No check")), (
                spot.id
            )


@each
def test_links_lead_back(value):
    """A field names a check exactly where that check names the field, and a check lights exactly
    its fields' bytes.
    """
    found = byte_map(value)
    for spot in found.spots:
        for check in (*spot.checks, *spot.covered):
            assert spot in found.seen_by(check) and check in found.checks
            assert check in CATALOGUE or check in BUILD_CHECKS
            assert all(check_title(check))
    for check in found.checks:
        lit = {n for a, b in found.ranges(check) for n in range(a, b)}
        inside = {n for s in found.seen_by(check) for n in range(s.offset, s.end)}
        assert lit and (lit == inside if check != "debug" else len(lit) == 1 and lit < inside)


def test_a_check_lights_its_bytes():
    """Where to look for each check, counted from the start of a DCAP quote."""
    found = byte_map(QUOTE)
    assert found.ranges("debug") == ((96, 97),)
    assert found.ranges("mrenclave") == ((112, 144),)
    assert found.ranges("certificate-binding") == ((368, 432),)
    assert found.ranges("quote-signature") == ((0, 432), (436, 564))
    assert found.ranges("qe-report-binding") == ((500, 564), (884, 948), (1014, 1046))
    assert {s.name for s in found.seen_by("quote-format") if s.reserved} == {
        f"reserved{n}" for n in (1, 2, 3, 4)
    }
    assert found.ranges("nonce") == () and "nonce" not in found.checks


def test_the_proof_decides_which_checks_look():
    """The same body is read by the checks of an IAS report in one world, and by those of a quote
    in another.
    """
    ias = byte_map(World("map", "public").attest())
    dcap = byte_map(World("map", "production").attest("DCAP"))
    assert (ias.name, len(ias.data), len(dcap.data) > 1000) == ("IAS quote body", 432, True)
    assert ias.ranges("avr-signature") == ((0, 432),) and not set(ias.checks) & {
        "quote-format",
        "quote-signature",
    }
    assert not any(c.startswith("avr-") for c in dcap.checks)
    assert byte_map(BODY).checks == (
        "debug",
        "mrenclave",
        "mrsigner",
        "isvprodid",
        "isvsvn",
        "certificate-binding",
    )


def test_the_twins_are_told_apart():
    """A local report and the signed part of a quote have the same length and other fields at the
    same offsets.
    """
    world = World("twins", "public")
    local, quote = byte_map(world.local_report()), byte_map(world.avr(bytes(64)))
    assert len(local.data) == len(quote.data) == 432
    assert (local.at(64).name, quote.at(64).name) == ("mr_enclave", "misc_select")
    assert (local.at(400).name, quote.at(400).name) == ("key_id", "report_data")
    assert local.value("mr_enclave") == quote.value("mr_enclave") == bytes.fromhex(world.mrenclave)
    assert local.data != World("other twins", "public").local_report() and any(local.value("mac"))
    assert LOCAL_REPORT.fields[: len(REPORT_BODY.fields)] == REPORT_BODY.fields


def test_values_are_shown_as_a_reader_meets_them():
    """Integers little-endian with their hex, flags by name, zeros counted, bytes as they stand."""
    found = byte_map(QUOTE)
    shown = {s.id: s.show(found.data) for s in found.spots}
    assert (
        shown["isv_prod_id"] == "41316 (0xa164)"
        and shown["attributes_flags"] == "0x7 INIT DEBUG MODE64BIT"
    )
    assert shown["reserved1"] == "12 zero bytes" and shown["mr_enclave"] == BODY.mrenclave
    assert shown["certification_data"].startswith("-----BEGIN CERTIFICATE-----")


def test_changed_bytes_keep_their_fields():
    """Bytes that no parser would read any more are still shown by the fields they had; others
    differ where they differ.
    """
    found = byte_map(QUOTE)
    changed = found.with_data(b"\xff\xff" + found.data[2:])
    assert changed.spot("version").number(changed.data) == 65535
    assert found.differing(changed.data) == (0, 1) and found.differing(found.data[:-1]) == (
        len(found.data) - 1,
    )
    with pytest.raises(UsageError):
        found.with_data(found.data[1:])


def test_any_table_will_do():
    """A structure that one table describes makes a map; bytes of another length are refused."""
    for layout in all_layouts():
        assert len(from_layout(layout, bytes(layout.size)).spots) == len(layout.fields)
    with pytest.raises(EvidenceError):
        from_layout(REPORT_BODY, bytes(383))
    with pytest.raises(UsageError):
        byte_map("a path")


def test_a_long_ledger_is_bounded():
    """Of many records the first thousand are mapped, the others are one row."""
    many = Ledger((Ecreate(1, 1 << 24), *(Eadd(n * 4096, 0x203) for n in range(1500))))
    found = byte_map(many)
    assert len(found.spots) == 4001 and found.spots[-1].id == "further_records"
    assert found.seen_by("mrenclave") == found.spots


def test_real_evidence_is_mapped(vectors):
    """Real quotes, IAS reports and SIGSTRUCTs tile like the simulated ones."""
    files = [
        *vectors.glob("dcap/libsignal-svr2-202607/quote.bin"),
        *vectors.glob("dcap/dcapqvl-sample-202506/quote.bin"),
        *vectors.glob("cas-attest/v1-*.json"),
        *vectors.glob("sigstruct/*/sigstruct.bin"),
        *vectors.glob("sigstruct/*/*.sgxs"),
    ]
    mapped = [byte_map(file.read_bytes()) for file in files]
    kinds = {"DCAP quote", "IAS quote body", "EPID quote", "SIGSTRUCT", "MRENCLAVE ledger"}
    assert {m.name.split(",")[0] for m in mapped} == kinds
    hello = next(m for m in mapped if m.name.startswith("DCAP") and b"Hello, world" in m.data)
    assert hello.value("report_data").startswith(b"Hello, world!")


def test_extra_certification_types_are_mapped_too():
    """A quote without authentication data, or with other certification data, still tiles."""
    found = byte_map(
        replace(QUOTE, auth_data=b"", certification_type=3, certification_data=bytes(404))
    )
    assert (
        found.at(435).name == "signature_size"
        and found.at(len(found.data) - 1).name == "certification_data"
    )
