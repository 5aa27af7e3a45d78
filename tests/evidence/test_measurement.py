"""The ledger whose SHA-256 is MRENCLAVE: a real enclave's, and ones that no CPU would build."""

from __future__ import annotations

import hashlib
import json

import pytest
from evidence.samples import LEDGER
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import EvidenceError, UsageError
from casnb.evidence.ledger import Eadd, Ecreate, Eextend, Ledger
from casnb.evidence.sigstruct import SigStruct

START, PAGE = Ecreate(1, 8192), Eadd(0, 0x203)
CHUNK = Eextend(0, b"x" * 256)


def stream(*records) -> bytes:
    return b"".join(r if isinstance(r, bytes) else r.to_bytes() for r in records)


def test_a_real_enclave_measures_to_what_its_signer_signed(vectors):
    """Records of the stream hash to the ENCLAVEHASH of the SIGSTRUCT that a CPU accepted."""
    folder = vectors / "sigstruct" / "fortanix-test-enclave"
    data = (folder / "enclave.sgxs").read_bytes()
    ledger = Ledger.from_bytes(data)
    assert ledger.to_bytes() == data
    assert (
        ledger.mrenclave
        == SigStruct.from_bytes((folder / "sigstruct.bin").read_bytes()).enclave_hash
    )
    assert [
        sum(isinstance(r, kind) for r in ledger.records) for kind in (Ecreate, Eadd, Eextend)
    ] == [1, 9, 144]
    assert sum(r.size for r in ledger.fields()) == len(data)


def test_records_are_laid_out_by_hand():
    """ECREATE, EADD, EEXTEND exactly as the CPU hashes them."""
    assert START.to_bytes() == b"ECREATE\0" + b"\1\0\0\0" + b"\0\x20" + bytes(6) + bytes(44)
    assert PAGE.to_bytes() == b"EADD\0\0\0\0" + bytes(8) + b"\3\2" + bytes(6) + bytes(40)
    assert CHUNK.to_bytes() == b"EEXTEND\0" + bytes(8) + bytes(48) + b"x" * 256
    assert (
        Ledger((START, PAGE, CHUNK)).mrenclave
        == hashlib.sha256(stream(START, PAGE, CHUNK)).hexdigest()
    )


@pytest.mark.parametrize(
    "records",
    [
        pytest.param((Ecreate(2, 8192), PAGE, CHUNK), id="ssa-frame-size"),
        pytest.param((Ecreate(1, 16384), PAGE, CHUNK), id="size"),
        pytest.param((START, Eadd(0, 0x207), CHUNK), id="page-rights"),
        pytest.param((START, Eadd(4096, 0x203), CHUNK), id="page-place"),
        pytest.param((START, PAGE), id="page-not-measured"),
        pytest.param((START, PAGE, Eextend(256, CHUNK.data)), id="chunk-place"),
        pytest.param((START, PAGE, Eextend(0, b"y" + b"x" * 255)), id="one-byte-of-code"),
        pytest.param((START, PAGE, CHUNK, CHUNK), id="measured-twice"),
    ],
)
def test_whatever_changes_the_enclave_changes_its_measurement(records):
    """Size, place, rights, content and order of what was added."""
    assert Ledger(records).mrenclave != Ledger((START, PAGE, CHUNK)).mrenclave


@pytest.mark.parametrize(
    "data, words",
    [
        pytest.param(b"", "wanted an ECREATE record", id="nothing"),
        pytest.param(b"ECREATE", "record at byte 0", id="half-a-tag"),
        pytest.param(stream(PAGE), "stands first", id="eadd-first"),
        pytest.param(stream(CHUNK), "stands first", id="eextend-first"),
        pytest.param(stream(START, START), "stands first", id="ecreate-twice"),
        pytest.param(stream(START, CHUNK), "added before", id="eextend-before-eadd"),
        pytest.param(
            stream(START, PAGE, Eextend(4096, bytes(256))),
            "added before",
            id="eextend-of-another-page",
        ),
        pytest.param(stream(START, PAGE, PAGE), "twice", id="page-twice"),
        pytest.param(stream(START, Eadd(8192, 0x203)), "below 0x2000", id="page-outside"),
        pytest.param(stream(START, Eadd(2**63, 0x203)), "below 0x2000", id="page-far-outside"),
        pytest.param(stream(START, Eadd(256, 0x203)), "multiple of 4096", id="page-unaligned"),
        pytest.param(
            stream(START, PAGE, Eextend(128, bytes(256))), "multiple of 256", id="chunk-unaligned"
        ),
        pytest.param(stream(Ecreate(1, 12288)), "power of two", id="size-no-power-of-two"),
        pytest.param(stream(Ecreate(1, 0)), "power of two", id="size-zero"),
        pytest.param(stream(Ecreate(1, 2048)), "4096", id="size-small"),
        pytest.param(stream(START, PAGE, CHUNK)[:-1], "cut short", id="data-cut"),
        pytest.param(stream(START, PAGE, CHUNK) + b"\0", "record at byte", id="one-byte-behind"),
        pytest.param(stream(START)[:-1] + b"\1", "padding", id="padding"),
        pytest.param(
            stream(START, b"UNSIZED\0" + bytes(56)), "record at byte 64", id="unknown-tag"
        ),
    ],
)
def test_a_stream_that_builds_no_enclave_is_refused(data, words):
    """The refusal says which record and why."""
    with pytest.raises(EvidenceError) as caught:
        Ledger.from_bytes(data)
    assert words in str(caught.value)


def test_a_stream_cut_inside_a_record_is_refused():
    """Only a cut between two records leaves a stream, of another enclave."""
    data, ends = LEDGER.to_bytes(), set()
    at = 0
    for record in LEDGER.records:
        at += len(record.to_bytes())
        ends.add(at)
    for size in range(len(data)):
        if size in ends:
            assert Ledger.from_bytes(data[:size]).mrenclave != LEDGER.mrenclave
        else:
            with pytest.raises(EvidenceError):
                Ledger.from_bytes(data[:size])


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(Eextend(0, b"x"), id="short-data"),
        pytest.param(Eadd(-1, 0), id="negative"),
        pytest.param(Ecreate(2**32, 4096), id="too-large"),
    ],
)
def test_a_record_that_does_not_fit_is_not_written(record):
    """Data of another length would shift everything behind it."""
    with pytest.raises(UsageError):
        record.to_bytes()


def test_it_shows_its_records():
    """Rows name record, place and rights; long streams are shortened and say by how much."""
    many = Ledger((Ecreate(1, 2**20), *(Eadd(n * 4096, 0x205) for n in range(100))))
    assert "61 further records" in str(many)
    assert many.mrenclave in many._repr_mimebundle_()["text/html"]
    assert "page at 0x1000, r-x, REG" not in str(LEDGER)
    assert "page at 0x0, r-x, REG" in str(LEDGER)
    assert json.loads(json.dumps(LEDGER.to_json_dict())) == {
        "type": "ledger",
        "mrenclave": LEDGER.mrenclave,
        "ecreate": 1,
        "eadd": 2,
        "eextend": 16,
    }


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(LEDGER.to_bytes()) - 1), st.binary(min_size=1, max_size=8))
def test_a_changed_stream_is_refused_or_another_enclave(at, patch):
    """No change of the stream keeps the measurement."""
    data = LEDGER.to_bytes()
    other = (data[:at] + patch + data[at + len(patch) :])[: len(data)]
    try:
        found = Ledger.from_bytes(other)
    except EvidenceError:
        return
    assert found.to_bytes() == other
    assert (found.mrenclave == LEDGER.mrenclave) is (other == data)
