"""SIGSTRUCT: real ones hold, and one changed bit makes them fail where the format says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from evidence.samples import SIGSTRUCT as SAMPLE
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import EvidenceError
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import SIGSTRUCT


@pytest.fixture(scope="module")
def real(vectors) -> dict[str, tuple[bytes, dict]]:
    """Every real SIGSTRUCT with what its collection says of it."""
    entries = json.loads((vectors / "manifest.json").read_bytes())["vectors"]
    return {
        e["id"]: ((vectors / e["files"]["sigstruct"]["file"]).read_bytes(), e["expect"])
        for e in entries
        if e["format"] == "sigstruct"
    }


def test_real_ones_say_what_their_sources_say(real):
    """Signature, q1, q2, signer, measurement, product and date, and the bytes come back."""
    assert len(real) >= 4
    for name, (data, want) in real.items():
        s = SigStruct.from_bytes(data)
        assert s.to_bytes() == data, name
        assert s.verify() == (want["signature_valid"], want["q1_ok"], want["q2_ok"]), name
        assert (s.mrsigner, s.enclave_hash, s.isv_prod_id, s.isv_svn) == (
            want["mrsigner"],
            want["enclavehash"],
            want["isvprodid"],
            want["isvsvn"],
        ), name
        assert (
            f"{s.date:08x}",
            s.vendor.to_bytes(4, "little").hex(),
            s.attributes.hex(),
            s.attribute_mask.hex(),
        ) == (want["date_bcd"], want["vendor"], want["attributes"], want["attributemask"]), name


@pytest.mark.parametrize(
    "offset", [40, 900, 904, 908, 909, 928, 944, 960, 991, 1024, 1026], ids=lambda n: f"byte-{n}"
)
def test_every_signed_part_is_under_the_signature(real, offset):
    """A changed bit in what the signer stated breaks the signature, and only that."""
    data = bytearray(real["fortanix-test-enclave"][0])
    data[offset] ^= 1
    assert SigStruct.from_bytes(bytes(data)).verify() == (False, True, True)


@pytest.mark.parametrize(
    "name, holds",
    [
        pytest.param("q1", (True, False, True), id="q1"),
        pytest.param("q2", (True, True, False), id="q2"),
        pytest.param("signature", (False, False, False), id="signature"),
        pytest.param("modulus", (False, False, False), id="modulus"),
    ],
)
def test_each_number_is_checked(real, name, holds):
    """The CPU checks q1 and q2 beside the signature, and so does casnb."""
    s = SigStruct.from_bytes(real["fortanix-test-enclave"][0])
    number = int.from_bytes(getattr(s, name), "little") ^ (1 << 2000)
    assert replace(s, **{name: number.to_bytes(384, "little")}).verify() == holds


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"signature": bytes(384)}, id="s-is-zero"),
        pytest.param({"signature": b"\xff" * 384}, id="s-not-below-n"),
        pytest.param({"modulus": bytes(384)}, id="n-is-zero"),
        pytest.param({"modulus": b"\1" + bytes(383)}, id="n-is-one"),
        pytest.param({"modulus": b"\2" + b"\xff" * 383}, id="n-even"),
        pytest.param({"modulus": b"\xff" * 383 + b"\x7f"}, id="n-short"),
    ],
)
def test_impossible_numbers_hold_nothing(real, changes):
    """No division by zero, no signature by a key of one bit."""
    s = SigStruct.from_bytes(real["fortanix-test-enclave"][0])
    assert replace(s, **changes).verify() == (False, False, False)


def test_the_signed_bytes_are_two_ranges():
    """0 to 127 and 900 to 1027, 256 bytes together."""
    data = SAMPLE.to_bytes()
    assert SAMPLE.signed_bytes == data[:128] + data[900:1028]
    assert SAMPLE.mrsigner == hashlib.sha256(data[128:512]).hexdigest()


@pytest.mark.parametrize(
    "offset, value, words",
    [
        pytest.param(0, b"\7", "header", id="header"),
        pytest.param(24, b"\2", "header2", id="header2"),
        pytest.param(512, b"\1", "exponent: got 1", id="exponent-1"),
        pytest.param(512, b"\1\0\1\0", "exponent: got 65537", id="exponent-65537"),
        pytest.param(16, b"\1", "vendor: got 0x1", id="vendor"),
        pytest.param(44, b"\1", "reserved1", id="reserved-44"),
        pytest.param(127, b"\1", "reserved1", id="reserved-127"),
        pytest.param(910, b"\1", "reserved2", id="reserved-910"),
        pytest.param(1007, b"\1", "reserved3", id="reserved-1007"),
        pytest.param(1039, b"\1", "reserved4", id="reserved-1039"),
    ],
)
def test_what_the_format_fixes_is_required(offset, value, words):
    """Constants and reserved bytes."""
    data = bytearray(SAMPLE.to_bytes())
    data[offset : offset + len(value)] = value
    with pytest.raises(EvidenceError) as caught:
        SigStruct.from_bytes(bytes(data))
    assert words in str(caught.value)


def test_cut_or_continued_anywhere_it_is_refused():
    """Exactly 1808 bytes."""
    data = SAMPLE.to_bytes()
    assert len(data) == SIGSTRUCT.size == 1808
    for wrong in (*(data[:n] for n in range(1808)), data + b"\0"):
        with pytest.raises(EvidenceError):
            SigStruct.from_bytes(wrong)


def test_it_shows_its_signer():
    """MRSIGNER is not a field but is what a reader looks for: text, HTML and JSON have it."""
    assert SAMPLE.mrsigner in str(SAMPLE)
    assert SAMPLE.mrsigner in SAMPLE._repr_mimebundle_()["text/html"]
    plain = json.loads(json.dumps(SAMPLE.to_json_dict()))
    assert (plain["mrsigner"], plain["enclave_hash"], plain["signature_ok"]) == (
        SAMPLE.mrsigner,
        SAMPLE.enclave_hash,
        False,
    )
    assert [(r.name, r.offset) for r in SAMPLE.fields()] == [
        (f.name, f.offset) for f in SIGSTRUCT.fields
    ]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1807), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_comes_back(at, change):
    """Whatever is still a SIGSTRUCT is written as it was read, and never raises when it is
    checked.
    """
    data = bytearray(SAMPLE.to_bytes())
    data[at] ^= change
    try:
        found = SigStruct.from_bytes(bytes(data))
    except EvidenceError:
        return
    assert found.to_bytes() == bytes(data)
    assert found.verify()[0] is False


DAYS = [
    pytest.param("01012320", "2023-01-01", id="a-day"),
    pytest.param("01132320", "0x20231301, not a day", id="month-13"),
    pytest.param("29022320", "0x20230229, not a day", id="no-leap-year"),
    pytest.param("00000000", "0x00000000, not a day", id="zero"),
    pytest.param("e6070c01", "0x010c07e6, not a day", id="binary"),
]


@pytest.mark.parametrize(("date", "told"), DAYS)
def test_any_date_is_read_and_remarked_on(date, told):
    """EINIT does not look at DATE: what is not a day is said, and the structure is read all the
    same, to the byte.
    """
    data = bytearray(SAMPLE.to_bytes())
    data[20:24] = bytes.fromhex(date)
    found = SigStruct.from_bytes(bytes(data))
    assert found.day == told and found.to_bytes() == data
    assert told in str(found)
