"""Quotes, real and made up: exact round trip, strict lengths, and nothing but EvidenceError for
the rest.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from evidence.samples import BODY, EPID, EPID_SIGNED, QUOTE
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import EvidenceError
from casnb.evidence.quote import EpidQuote, Quote, parse_quote

DATA = QUOTE.to_bytes()
AUTH_SIZE, CERT_TYPE = 436 + 576, 436 + 578 + len(QUOTE.auth_data)
EDGES = (0, 1, 2**16 - 1, 2**31, 2**32 - 1)


@pytest.fixture(scope="module")
def real_quotes(vectors) -> dict[str, tuple[bytes, dict]]:
    """Every real version 3 quote with what its collection says of it."""
    entries = json.loads((vectors / "manifest.json").read_bytes())["vectors"]
    return {
        e["id"]: ((vectors / e["files"]["quote"]["file"]).read_bytes(), e["quote"])
        for e in entries
        if e["format"] == "dcap-quote-v3"
    }


def test_real_quotes_come_back_byte_for_byte(real_quotes):
    """Whatever casnb reads it can write."""
    assert len(real_quotes) >= 25
    for name, (data, _) in real_quotes.items():
        assert Quote.from_bytes(data).to_bytes() == data, name


def test_real_quotes_say_what_their_sources_say(real_quotes):
    """Header, certification data and the quoting enclave's identity are as recorded."""
    for name, (data, wanted) in real_quotes.items():
        q = parse_quote(data)
        assert isinstance(q, Quote)
        assert (q.version, q.att_key_type, q.tee_type, q.qe_svn, q.pce_svn) == (
            wanted["version"],
            wanted["att_key_type"],
            wanted["tee_type"],
            wanted["qe_svn_header"],
            wanted["pce_svn_header"],
        ), name
        assert q.certification_type == wanted["cert_data_type"]
        assert len(data) == 436 + wanted["sig_data_len"]
        qe = q.qe_report.identity()
        got = {
            "mrsigner": qe.mrsigner,
            "isvprodid": qe.isvprodid,
            "isvsvn": qe.isvsvn,
            "attributes": qe.attributes,
        }
        assert got == {k: wanted["qe_report"][k] for k in got}, name


def test_rows_tile_real_quotes(real_quotes):
    """The printed rows cover every byte of a quote once, whatever the lengths of its last parts."""
    for name, (data, _) in real_quotes.items():
        rows, at = Quote.from_bytes(data).fields(), 0
        for row in rows:
            assert row.offset == at, (name, row.name)
            at += row.size
        assert at == len(data), name


def test_real_quotes_cut_anywhere_are_refused(real_quotes):
    """There is no length at which a cut quote passes for a whole one."""
    data, _ = real_quotes["dcapqvl-sample-202506"]
    for size in range(len(data)):
        with pytest.raises(EvidenceError):
            Quote.from_bytes(data[:size])


def test_quotes_with_something_behind_are_refused(vectors):
    """Real files that carry claims behind their quote are not taken for quotes."""
    files = sorted(vectors.glob("dcap/*/evidence.bin"))
    assert files
    for path in files:
        with pytest.raises(EvidenceError, match=r"signature length.*appended"):
            Quote.from_bytes(path.read_bytes())


def test_a_tdx_quote_is_named_as_one_that_is_not_read(vectors):
    """Version 5 is refused in words, not misread as version 3."""
    with pytest.raises(EvidenceError, match=r"TDX.*version 5, wanted 0.*dcap-qvl"):
        parse_quote((vectors / "dcap" / "gotdx-v5-tdx" / "quote.bin").read_bytes())


def changed(offset: int, form: str, value: int) -> bytes:
    data = bytearray(DATA)
    struct.pack_into(form, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    "data, words",
    [
        pytest.param(b"", "quote header: got 0 bytes", id="nothing"),
        pytest.param(changed(0, "<H", 0), "not a quote", id="version-0"),
        pytest.param(changed(0, "<H", 4), "certification data type", id="version-4"),
        pytest.param(changed(0, "<H", 5), "dcap-qvl", id="version-5"),
        pytest.param(changed(0, ">H", 3), "version: got 768", id="version-big-endian"),
        pytest.param(changed(2, "<H", 3), "attestation key type: got 3", id="p384"),
        pytest.param(changed(2, "<H", 0), "attestation key type: got 0", id="epid-key-type"),
        pytest.param(changed(4, "<I", 0x81), "TEE type: got 0x81", id="tdx"),
        pytest.param(DATA + b"\0", "signature length", id="one-byte-behind"),
        pytest.param(DATA[:432], "signature length: got 0 bytes", id="no-signature-length"),
        pytest.param(DATA[:436], "signature length", id="no-signature-data"),
        pytest.param(
            changed(432, "<I", 0)[:436], "signature data: got 0 bytes", id="empty-signature-data"
        ),
        pytest.param(
            changed(CERT_TYPE, "<H", 0), "certification data type: got 0", id="certification-type-0"
        ),
        pytest.param(
            changed(CERT_TYPE, "<H", 6), "certification data type: got 6", id="certification-type-6"
        ),
        *(
            pytest.param(changed(432, "<I", n), "signature length", id=f"signature-length-{n}")
            for n in (*EDGES, len(DATA), len(DATA) - 435, len(DATA) - 437)
        ),
        *(
            pytest.param(changed(AUTH_SIZE, "<H", n), "quote: ", id=f"auth-length-{n}")
            for n in (0, 1, 31, 33, 2**15, 2**16 - 1)
        ),
        *(
            pytest.param(
                changed(CERT_TYPE + 2, "<I", n),
                "certification data length",
                id=f"certification-length-{n}",
            )
            for n in (
                *EDGES,
                len(DATA),
                len(QUOTE.certification_data) - 1,
                len(QUOTE.certification_data) + 1,
            )
        ),
    ],
)
def test_a_malformed_quote_is_refused_with_its_reason(data, words):
    """Versions, types and lengths are checked before anything is believed."""
    with pytest.raises(EvidenceError) as caught:
        Quote.from_bytes(data)
    assert words in str(caught.value)


@pytest.mark.parametrize("size", [0, 1, 32, 65535])
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_lengths_that_vary_come_back(size, kind):
    """Any authentication data, any certification data, of every type."""
    quote = replace(
        QUOTE, auth_data=bytes(size), certification_type=kind, certification_data=b"x" * (size // 2)
    )
    data = quote.to_bytes()
    assert Quote.from_bytes(data) == quote
    assert sum(r.size for r in quote.fields()) == len(data)


def test_signed_bytes_are_those_of_the_quote():
    """The 432 bytes under the signature, and the 384 of the quoting enclave, are taken from
    where they stand.
    """
    assert QUOTE.signed_bytes == DATA[:432]
    assert QUOTE.qe_report_bytes == DATA[436 + 128 : 436 + 512]


def test_only_type_5_has_a_chain():
    """A quote without certificates says so."""
    assert QUOTE.pck_chain_pem == QUOTE.certification_data
    with pytest.raises(EvidenceError, match="certification data type: got 3"):
        _ = replace(QUOTE, certification_type=3).pck_chain_pem


def test_a_quote_shows_itself():
    """Text, HTML and JSON name the measurement; JSON has every byte."""
    bundle = QUOTE._repr_mimebundle_()
    assert BODY.mrenclave in bundle["text/html"]
    assert BODY.mrenclave in bundle["text/plain"]
    plain = json.loads(json.dumps(QUOTE.to_json_dict()))
    assert plain["report"]["mr_enclave"] == BODY.mrenclave
    assert bytes.fromhex(plain["certification_data"]) == QUOTE.certification_data
    assert "DCAP" in repr(QUOTE)


@pytest.mark.parametrize(
    "quote, size",
    [
        pytest.param(EPID, 432, id="inside-a-report"),
        pytest.param(EPID_SIGNED, 436 + 680, id="with-signature"),
        pytest.param(replace(EPID, signature=b""), 436, id="with-empty-signature"),
    ],
)
def test_an_epid_quote_has_two_forms(quote, size):
    """432 bytes, or those with a length and a signature; both come back as they were."""
    data = quote.to_bytes()
    assert len(data) == size
    assert parse_quote(data) == quote
    assert sum(r.size for r in quote.fields()) == size


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(EPID.to_bytes()[:n], id=f"{n}-bytes") for n in (0, 47, 48, 431)),
        pytest.param(EPID.to_bytes() + b"\0", id="433-bytes"),
        pytest.param(EPID.to_bytes() + b"\1\0\0\0", id="length-without-signature"),
        pytest.param(EPID_SIGNED.to_bytes()[:-1], id="signature-cut"),
        pytest.param(EPID_SIGNED.to_bytes() + b"\0", id="one-byte-behind"),
        pytest.param(EPID.to_bytes() + b"\xff" * 4 + b"x" * 64, id="length-of-4-GiB"),
        pytest.param(b"\2\0\2\0" + EPID.to_bytes()[4:], id="sign-type-2"),
        pytest.param(b"\1" + EPID.to_bytes()[1:], id="version-1"),
    ],
)
def test_a_malformed_epid_quote_is_refused(data):
    """Neither of the two forms: refused."""
    with pytest.raises(EvidenceError):
        EpidQuote.from_bytes(data)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=1200),
    st.sampled_from([b"", b"\2\0", b"\3\0\2\0\0\0\0\0", DATA[:436], DATA[:1014], EPID.to_bytes()]),
)
def test_any_bytes_are_a_quote_or_a_refusal(tail, start):
    """No other exception; and what is read comes back exactly."""
    data = start + tail
    try:
        found = parse_quote(data)
    except EvidenceError:
        return
    assert found.to_bytes() == data


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.binary(min_size=1, max_size=8))
def test_a_changed_quote_is_refused_or_comes_back_changed(at, patch):
    """Changing bytes never makes two byte strings read as the same quote."""
    data = (DATA[:at] + patch + DATA[at + len(patch) :])[: len(DATA)]
    try:
        found = Quote.from_bytes(data)
    except EvidenceError:
        return
    assert found.to_bytes() == data
    assert (found == QUOTE) is (data == DATA)
