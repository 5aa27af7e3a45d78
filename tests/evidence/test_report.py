"""The 384 bytes about an enclave, read from real quotes and written back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from evidence.samples import BODY

from casnb.base.errors import EvidenceError, UsageError
from casnb.evidence.layout import FieldRow
from casnb.evidence.report import ATTRIBUTE_BITS, REPORT_BODY, ReportBody


def test_real_reports_say_what_their_sources_say(vectors):
    """Identity, attributes and report data of every real quote are as the collection recorded
    them.
    """
    seen = 0
    for entry in json.loads((vectors / "manifest.json").read_bytes())["vectors"]:
        report = entry.get("quote", {}).get("report")
        if report is None or entry["format"] != "dcap-quote-v3":
            continue
        body = ReportBody.from_bytes(
            (vectors / entry["files"]["quote"]["file"]).read_bytes()[48:432]
        )
        got = {
            "mrenclave": body.mrenclave,
            "mrsigner": body.mrsigner,
            "isvprodid": body.isv_prod_id,
            "isvsvn": body.isv_svn,
            "miscselect": body.misc_select,
            "attributes": body.attributes,
            "cpusvn": body.cpu_svn.hex(),
            "report_data": body.report_data.hex(),
            "debug": body.debug,
        }
        assert got == {name: report[name] for name in got}, entry["id"]
        seen += 1
    assert seen >= 25


@pytest.mark.parametrize("size", [0, 1, 383, 385, 432])
def test_exactly_384_bytes(size):
    """A byte less or more is refused."""
    with pytest.raises(EvidenceError, match="report body"):
        ReportBody.from_bytes(bytes(size))


def test_bytes_come_back():
    """Reading and writing are exact inverses, reserved bytes included."""
    data = bytes(n % 251 for n in range(384))
    assert ReportBody.from_bytes(data).to_bytes() == data
    assert ReportBody.from_bytes(BODY.to_bytes()) == BODY


@pytest.mark.parametrize("field", REPORT_BODY.fields, ids=lambda f: f.name)
def test_each_field_stands_where_the_table_says(field):
    """Setting the bytes of one row changes that attribute and no other."""
    data = bytearray(384)
    data[field.offset : field.end] = b"\xa5" * field.size
    body = ReportBody.from_bytes(bytes(data))
    changed = {
        f.name for f in REPORT_BODY.fields if getattr(body, f.name) not in (0, bytes(f.size))
    }
    assert changed == {field.name}


@pytest.mark.parametrize(
    "flags, names, debug",
    [
        pytest.param(0x05, ("INIT", "MODE64BIT"), False, id="production"),
        pytest.param(0x07, ("INIT", "DEBUG", "MODE64BIT"), True, id="debug"),
        pytest.param(0x15, ("INIT", "MODE64BIT", "PROVISIONKEY"), False, id="quoting-enclave"),
        pytest.param(0x08, ("bit 3",), False, id="reserved-bit"),
        pytest.param(0, (), False, id="none"),
    ],
)
def test_flags_are_spelled_out(flags, names, debug):
    """Bits have the manual's names; a reserved one is shown by number instead of hidden."""
    body = replace(BODY, attributes_flags=flags)
    assert body.flag_names() == names
    assert (body.debug, body.init, body.mode64) == (debug, bool(flags & 1), bool(flags & 4))
    row = next(r for r in body.fields() if r.name == "attributes_flags")
    assert row.value == " ".join([hex(flags), *names])


def test_attributes_are_shown_in_memory_order():
    """FLAGS and XFRM as 16 bytes, the least byte first, as other tools print them."""
    assert (
        replace(BODY, attributes_flags=0x5, attributes_xfrm=0xE7).attributes
        == "0500000000000000e700000000000000"
    )


def test_identity_is_what_a_policy_compares():
    """Hex in memory order, numbers as numbers."""
    found = BODY.identity()
    assert (found.mrenclave, found.mrsigner) == (BODY.mr_enclave.hex(), BODY.mr_signer.hex())
    assert (found.isvprodid, found.isvsvn, found.debug) == (41316, 5, True)


def test_a_value_that_does_not_fit_is_not_written():
    """ISVPRODID has two bytes."""
    with pytest.raises(UsageError, match="isv_prod_id"):
        replace(BODY, isv_prod_id=65536).to_bytes()


def test_rows_name_every_field_with_its_place():
    """The printed table is the field table, shifted to where the body stands."""
    assert [(r.name, r.offset, r.size) for r in BODY.fields(48)] == [
        (f.name, f.offset + 48, f.size) for f in REPORT_BODY.fields
    ]
    text = str(BODY)
    assert text.splitlines()[0].split() == list(FieldRow.HEADER)
    assert BODY.mrenclave in text
    assert "MRENCLAVE" in repr(BODY)
    assert BODY.mrenclave in BODY._repr_mimebundle_()["text/html"]


def test_known_bits_are_listed_once():
    """No bit has two names."""
    assert (
        len({bit for bit, _, _ in ATTRIBUTE_BITS})
        == len({name for _, name, _ in ATTRIBUTE_BITS})
        == len(ATTRIBUTE_BITS)
    )
