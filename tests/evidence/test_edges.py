"""Readers at their edges: the last value that is taken and the first that is not, the rarer of two
forms, and what is said of what is refused.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from doctables.fields import markdown_members
from evidence import ratls_forms
from evidence.samples import ABSENT, EPID, QUOTE, avr, cas_report
from evidence.wrapped import b64, lines, xxd

from casnb.base.errors import EvidenceError
from casnb.evidence import cbor, der
from casnb.evidence import decode as searched
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.cas_report import PROOF_DATA, CasReport
from casnb.evidence.collateral import ROLES, IntelCertificate, RevocationList
from casnb.evidence.containers import quote_end
from casnb.evidence.decode import SeveralError, read, read_parts
from casnb.evidence.piece import Piece
from casnb.evidence.quote import Quote
from casnb.evidence.ratls import RaTlsCertificate
from casnb.evidence.tdx import TD_BODY, TD_BODY_15, TdxQuote
from casnb.simulator.world import World

RAW = QUOTE.to_bytes()


# Binary structures


@pytest.mark.parametrize(
    ("nested", "read"),
    [pytest.param(8, True, id="eight"), pytest.param(9, False, id="nine")],
)
def test_cbor_may_be_nested_eight_deep(nested, read):
    """Lists in lists, to the depth that is promised and no deeper."""
    data = b"\x81" * nested + b"\x00"
    if read:
        assert cbor.loads(data, "x") is not None
    else:
        with pytest.raises(EvidenceError, match="deep nesting"):
            cbor.loads(data, "x")


@pytest.mark.parametrize(
    ("items", "read"),
    [pytest.param(64, True, id="sixty-four"), pytest.param(65, False, id="one more")],
)
@pytest.mark.parametrize("kind", [0x98, 0xB8], ids=["list", "map"])
def test_cbor_has_at_most_64_items(kind, items, read):
    """A list or map of 64 is read, one of 65 is refused before its items are."""
    numbers = [bytes([0x18, n]) for n in range(items)]
    data = bytes([kind, items]) + b"".join(n if kind == 0x98 else n + b"\0" for n in numbers)
    if read:
        assert len(cbor.loads(data, "x")) == items
    else:
        with pytest.raises(EvidenceError, match="short lists"):
            cbor.loads(data, "x")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x17", 23),
        (b"\x18\x2a", 42),
        (b"\x19\x01\x00", 256),
        (b"\x1a\x00\x01\x00\x00", 65536),
        (b"\x1b\x00\x00\x00\x01\x00\x00\x00\x00", 1 << 32),
        (b"\x58\x1a" + b"a" * 26, b"a" * 26),
        (b"\x59\x00\x03abc", b"abc"),
        (b"\x5a\x00\x00\x00\x03abc", b"abc"),
        (b"\x63abc", "abc"),
        (b"\x82\x01\x02", [1, 2]),
        (b"\xa1\x61a\x02", {"a": 2}),
    ],
    ids=lambda v: v.hex()[:12] if isinstance(v, bytes) else None,
)
def test_cbor_in_every_width(data, value):
    """Sizes of one, two, four and eight bytes; the value is all there is."""
    assert cbor.loads(data, "x") == value
    with pytest.raises(EvidenceError, match="further bytes"):
        cbor.loads(data + b"\0", "x")
    for cut in range(len(data)):
        with pytest.raises(EvidenceError):
            cbor.loads(data[:cut], "x")


@pytest.mark.parametrize(
    "data", [b"\x20", b"\xf4", b"\xf6", b"\xfb" + bytes(8)], ids=["-1", "false", "null", "float"]
)
def test_cbor_of_other_kinds_is_refused(data):
    """Negative numbers, simple values and floats are no part of evidence."""
    with pytest.raises(EvidenceError, match="numbers, strings"):
        cbor.loads(data, "x")


@pytest.mark.parametrize(
    ("oid", "dotted"),
    [
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
        ("2a", "1.2"),
        ("4f", "1.39"),
        ("50", "2.0"),
        ("551d0e", "2.5.29.14"),
        ("8837", "2.999"),
        ("2a864886f84d010d01", "1.2.840.113741.1.13.1"),
    ],
)
def test_object_identifiers_in_all_three_arcs(oid, dotted):
    """The first byte holds two numbers (X.690, 8.19)."""
    assert der._dotted(bytes.fromhex(oid)) == dotted


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param("0400", True, id="empty"),
        pytest.param("047f" + "00" * 127, True, id="127, short"),
        pytest.param("048180" + "00" * 128, True, id="128, long"),
        pytest.param("04817f" + "00" * 127, False, id="127, long"),
        pytest.param("04820080" + "00" * 128, False, id="128, longer than needed"),
        pytest.param("04820100" + "00" * 256, True, id="256"),
        pytest.param("0483010000" + "00" * 65536, True, id="65536"),
        pytest.param("048401000000" + "00" * 16, False, id="four bytes of length"),
        pytest.param("0480", False, id="indefinite"),
        pytest.param("1f0100", False, id="tag of several bytes"),
        pytest.param("3f0100", False, id="constructed, tag of several bytes"),
        pytest.param("9e0100", True, id="the last tag of one byte"),
        pytest.param("0402", False, id="cut short"),
    ],
)
def test_der_in_its_only_form(value, read):
    """One length has one encoding, a tag one byte."""
    data = bytes.fromhex(value)
    if read:
        tag, start, end = der.tlv(data, 0, len(data))
        assert (tag, end) == (data[0], len(data)) and start <= end
    else:
        with pytest.raises(EvidenceError, match="DER"):
            der.tlv(data, 0, len(data))


def test_what_is_left_of_a_quote_that_is_cut_short():
    """The length that leads out of the bytes is told with how many there are."""
    whole = Quote.from_bytes(RAW)
    at = 436 + 64 + 64 + 384 + 64
    assert int.from_bytes(RAW[at : at + 2], "little") == len(whole.auth_data)
    cut = RAW[:at] + b"\xff\xff" + RAW[at + 2 :]
    left = len(RAW) - at - 2
    with pytest.raises(EvidenceError, match=f"at most the {left} that are left"):
        Quote.from_bytes(cut)


@pytest.mark.parametrize("version", [0, 1, 2, 6, "3", True, None])
def test_an_ias_report_of_another_version_is_refused(version):
    """Version 2 has no member for it; 3 to 5 say so; nothing else is a version."""
    with pytest.raises(EvidenceError, match="version"):
        Avr.from_json(avr(version=version))
    assert [Avr.from_json(avr(version=v)).version for v in (3, 4, 5, ABSENT)] == [3, 4, 5, 2]


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        ("EPIDQuote", "type"),
        ("EPIDQuote", "quote"),
        ("EPIDQuote", "spid"),
        ("DCAPQuote", "type"),
        ("DCAPQuote", "quote"),
        ("DCAPQuote", "endorsements"),
    ],
)
def test_a_cas_report_without_a_member_is_refused_by_its_name(kind, member):
    """Each form has members that cannot be left out."""
    with pytest.raises(EvidenceError, match=member):
        CasReport.from_json(cas_report(kind, proof={member: ABSENT}))


def tdx(version: int, kind: int = 2, body: int = 584, tee: int = 0x81, size: int = 5) -> bytes:
    """A TDX quote nobody signed: each field of its report is full of its own number."""
    header = version.to_bytes(2, "little") + b"\2\0" + tee.to_bytes(4, "little") + bytes(40)
    mark = kind.to_bytes(2, "little") + body.to_bytes(4, "little") if version == 5 else b""
    fields = (TD_BODY_15 if body == 648 else TD_BODY).fields
    report = b"".join(bytes([n + 1]) * f.size for n, f in enumerate(fields))
    return header + mark + report + size.to_bytes(4, "little") + b"abcde"


@pytest.mark.parametrize(
    ("data", "name", "start"),
    [
        pytest.param(tdx(4), "1.0", 48, id="version 4"),
        pytest.param(tdx(5), "1.0", 54, id="version 5"),
        pytest.param(tdx(5, 3, 648), "1.5", 54, id="version 5, body 1.5"),
    ],
)
def test_a_tdx_quote_is_read_field_by_field(data, name, start):
    """Header and TD report stand where the format puts them, one after another to the end."""
    found = TdxQuote.from_bytes(data)
    assert (found.td_version, found.to_bytes()) == (name, data)
    rows = [row for row in found.fields() if row.offset >= start]
    assert [r.name for r in rows] == list(found.to_json_dict()["report"])
    at = start
    for n, row in enumerate(rows, 1):
        assert (row.offset, row.value) == (at, bytes([n]).hex() * row.size)
        at += row.size
    assert at == len(data) - 9 and found.fields()[0].offset == 0
    assert read(data).value == found, "and found among all kinds"
    assert all(r.name in str(found) for r in rows)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(tdx(3), "version 3", id="another version"),
        pytest.param(tdx(6), "version 6", id="a later version"),
        pytest.param(tdx(4, tee=0), "type 0x0", id="of SGX"),
        pytest.param(tdx(5, kind=4), "got 4, wanted 2 or 3", id="another body"),
        pytest.param(tdx(4, size=4), "the 5 that follow", id="bytes behind it"),
        pytest.param(tdx(4, size=6), "got 6 bytes", id="cut short"),
    ],
)
def test_what_is_no_whole_tdx_quote_is_refused(data, told):
    """Version, type, body and length are held to the format."""
    with pytest.raises(EvidenceError, match=told):
        TdxQuote.from_bytes(data)


def test_a_quote_of_version_5_ends_where_its_lengths_say():
    """Behind version, body type and body length; anything else leads out of the bytes."""
    for data in (tdx(5), tdx(5, 3, 648), tdx(4)):
        assert quote_end(data) == quote_end(data + b"more") == len(data)
        assert quote_end(data[:-1]) == 0


# What a value says of itself


@pytest.mark.parametrize("kind", PROOF_DATA)
def test_the_documentation_says_what_a_report_must_have(kind):
    """A member that is left out is refused where the table says `yes`, and only there."""
    for line in markdown_members(PROOF_DATA[kind]).splitlines()[2:]:
        name, _, required = (cell.strip(" `") for cell in line.split("|")[1:4])
        try:
            CasReport.from_json(cas_report(kind, proof={name: ABSENT}))
        except EvidenceError:
            assert required == "yes", name
        else:
            assert required == "no", name


def test_the_configuration_of_the_cli_is_listed():
    """Default, each CAS with its address and what is kept of it, and never the private key."""
    config = {
        "default_cas": "one",
        "cas_db": {"one": {"url": "https://one:8081/", "version": 3, "x": {}}, "two": {}, "3": 4},
        "identity": "secret",
    }
    found = read(json.dumps(config).encode()).value
    assert [(r.name, r.offset, r.size, r.value, r.meaning) for r in found.fields()] == [
        ("default_cas", 0, 0, "one", "used where none is named"),
        ("one", 0, 0, "https://one:8081/", "with version, x"),
        ("two", 0, 0, "no URL", "with "),
        ("3", 0, 0, "no URL", "with malformed"),
        ("identity", 0, 0, "not shown", "your private key and certificate"),
    ]
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        *((0, "INIT"), (1, "DEBUG"), (2, "MODE64BIT"), (4, "PROVISIONKEY"), (5, "EINITTOKENKEY")),
        *((6, "CET"), (7, "KSS")),
    ],
)
def test_each_attribute_has_its_bit(bit, name):
    """As Intel's manual has them (SDM vol. 3D, ATTRIBUTES)."""
    body = replace(QUOTE.body, attributes_flags=1 << bit)
    row = next(row for row in body.fields() if row.name == "attributes_flags")
    assert row.value.split() == [hex(1 << bit), name]


@pytest.mark.parametrize("end", ROLES)
def test_a_certificate_of_intels_says_what_it_is_for(end):
    """Each name has its role, and the title has both; another name has none."""
    when = World("roles").now
    made = IntelCertificate(b"", f"Intel {end}", "Intel", 1, (when, when))
    assert made.role == ROLES[end] or any(end.endswith(other) for other in ROLES if other != end)
    assert made.title.startswith(f"Intel {end} (") and made.role in made.title and made.role
    assert replace(made, subject="somebody").title == "somebody"


def test_a_platform_certificate_says_how_memory_is_protected():
    """Type 0 is the standard one, 1 and 2 are scalable, others have no name."""
    world = World("roles", "production")
    found = IntelCertificate.from_der(der_of(world))
    assert found.pck is not None
    for number, word in ((0, "standard"), (1, "scalable"), (2, "scalable with integrity")):
        shown = replace(found, pck=replace(found.pck, sgx_type=number))
        row = next(row for row in shown.fields() if row.name == "SGX type")
        assert row.value == f"{number} ({word})"
    shown = replace(found, pck=replace(found.pck, sgx_type=7))
    assert next(r for r in shown.fields() if r.name == "SGX type").value == "7 (unknown)"


def test_what_has_no_place_of_its_own_is_shown_without_one():
    """Rows of certificates and lists are said in words: they have no offset and no size."""
    world = World("roles", "production")
    found = IntelCertificate.from_der(der_of(world))
    listed = RevocationList.from_der(world.intel.pck_crl(world.now))
    assert {(r.offset, r.size) for r in (*found.fields(), *listed.fields())} == {(0, 0)}
    assert listed.fields()[0].name == "issuer"


def der_of(world: World) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return world.platform.pck.cert.public_bytes(Encoding.DER)


def test_certification_data_is_shown_by_how_it_begins():
    """PEM by its first line, anything else by its bytes."""
    for kind, shown in ((5, "-----BEGIN CERTIFICATE-----"), (1, None)):
        row = replace(QUOTE, certification_type=kind).fields()[-1]
        assert row.name == "certification_data" and row.size == len(QUOTE.certification_data)
        assert (row.value == shown) == (kind == 5), row.value


# Wrappings


@pytest.mark.parametrize(
    "value", [[1.5] * 600, ["a"] * 600, [True] * 600, [1] * 20, [1, "a"] * 300, [300] * 600, []]
)
def test_lists_that_are_no_bytes_are_refused(value):
    """Numbers, not too few, and each a byte."""
    with pytest.raises(EvidenceError):
        read(json.dumps({"quote": value}).encode())


@pytest.mark.parametrize("low", [0, -128])
def test_lists_of_numbers_are_bytes(low):
    """From 0 to 255, or from -128 to 127 as Java and C have them."""
    values = [b - 256 if low and b > 127 else b for b in RAW]
    assert read(json.dumps({"quote": values}).encode()).value.to_bytes() == RAW


@pytest.mark.parametrize(
    ("encoding", "end"),
    [("utf-8", ""), ("utf-8", "\0"), ("utf-16-le", ""), ("utf-16-be", ""), ("utf-16-be", "\0")],
)
def test_a_text_may_end_with_a_zero(encoding, end):
    """As strings of C do, in either width."""
    text = avr().decode()
    assert Piece((text + end).encode(encoding)).text == text


def test_what_stands_behind_a_sized_quote_is_noted():
    """Open Enclave's header gives a size; what follows is passed over and said."""
    whole = bytes.fromhex("0100000002000000") + len(RAW).to_bytes(8, "little") + RAW
    plain, more = read(whole), read(whole + b"claims")
    assert plain.value.to_bytes() == more.value.to_bytes() == RAW
    assert plain.note == "" and "6 " in more.note


def test_a_dump_of_two_lines_is_one():
    """Two offsets give the width of a line."""
    data = EPID.to_bytes()
    half = len(data) // 2
    wide = "".join(f"{n:07x} {data[n : n + half].hex(' ')}\n" for n in (0, half))
    assert read(wide.encode()).value.to_bytes() == data


@pytest.mark.parametrize(("before", "dump"), [(23, True), (24, False)])
def test_a_heading_may_stand_before_a_dump(before, dump):
    """Of the first forty lines near half are the dump's; else it is a text with numbers in it."""
    data = EPID.to_bytes()
    text = "".join(f"This is line {n} of the heading.\n" for n in range(before)) + xxd(data)
    if dump:
        assert read(text.encode()).value.to_bytes() == data
    else:
        with pytest.raises(EvidenceError):
            read(text.encode())


@pytest.mark.parametrize("size", [1, 2])
def test_a_dump_in_signed_numbers(size):
    """`od -t d1` and `od -t d2` print the upper half of the values below zero."""

    def row(n: int, part: bytes) -> str:
        cut = (part[i : i + size] for i in range(0, len(part), size))
        values = (int.from_bytes(c, "little", signed=True) for c in cut)
        return f"{n:07o}" + "".join(f"{v:>7}" for v in values)

    shown = lines(RAW, 16, row) + f"\n{len(RAW):07o}\n"
    assert read(shown.encode()).value.to_bytes()[: len(RAW)] == RAW


def test_headers_of_an_answer_whose_first_line_was_left_out():
    """What IAS sends behind the status line: its own headers, blank line and body."""
    report = World("roles").avr(bytes(64))
    signed = b64(report.signature).encode()
    chain = quote(report.chain_pem).encode()
    head = b"X-IASReport-Signature: " + signed + b"\r\nX-IASReport-Signing-Certificate: " + chain
    found = read(head + b"\r\n\r\n" + report.body)
    assert isinstance(found.value, SignedAvr) and found.value.body == report.body


@pytest.mark.parametrize(
    ("strange", "text"), [pytest.param(400, True, id="400"), pytest.param(410, False, id="410")]
)
def test_a_text_may_have_some_letters_of_latin_1(strange, text):
    """Up to a tenth of the first 4096 bytes; more is no text."""
    data = b"\xe9" * strange + b"a" * (4096 - strange)
    assert (Piece(data).text is not None) == text


def test_as_much_as_a_file_may_have(monkeypatch):
    """Exactly the limit is read, one byte more is not."""
    monkeypatch.setattr(searched, "FILE_LIMIT", len(RAW))
    assert read_parts(RAW)
    with pytest.raises(EvidenceError, match=f"{len(RAW) + 1} bytes"):
        read_parts(RAW + b"\n")


@pytest.mark.parametrize("before", [1, 2, 700])
def test_where_something_known_begins_is_told(before):
    """Noise in front of a quote: from which byte to cut it out."""
    noise = (b"\xfe\xff" * before)[:before]
    with pytest.raises(EvidenceError) as told:
        read(noise + World("roles").quote(bytes(64))[:400])
    assert f"At byte {before} there is what looks like a DCAP quote" in str(told.value)
    assert f"tail -c +{before + 1} FILE" in str(told.value)


def test_one_byte_before_a_certificate_is_told():
    """A mark that begins what it marks, one byte in."""
    told = searched.looks_like(Piece(b"\xff-----BEGIN CERTIFICATE-----"))
    assert told == "At byte 1 there is what looks like a certificate. Cut it out: tail -c +2 FILE."
    assert searched.looks_like(Piece(b"-----BEGIN CERTIFICATE-----")) == ""


def test_what_was_opened_in_vain_is_told():
    """A wrapping that held nothing is named."""
    with pytest.raises(EvidenceError, match=r"It was opened as .+, and nothing known was in it\."):
        read(b"ab" * 300)


def test_eight_of_many_parts_are_named():
    """The first eight by number and name, the others by how many there are."""
    one = read(RAW)
    with pytest.raises(SeveralError) as told:
        raise SeveralError(tuple(replace(one, name=f"n{n}") for n in range(10)))
    shown = ", ".join(str(told.value).split("; "))
    assert "10 parts" in shown
    assert [f"n{n}" in shown for n in range(10)] == [True] * 8 + [False] * 2, shown


def test_utf_16_is_known_by_its_first_256_letters():
    """What comes later may be of any alphabet: every second byte is zero until there."""
    for letters, text in ((256, True), (255, False)):
        shown = "a" * letters + "\u0100" + "a" * 100
        assert (Piece(shown.encode("utf-16-le")).text == shown) == text


def test_a_report_in_a_comment_may_have_bars_of_its_own():
    """`body|signature|certificate`: the last two bars count, for base64 has none."""
    world = World("roles", "production")
    key = ec.derive_private_key(11, ec.SECP256R1())

    def avr(data: bytes) -> SignedAvr:
        return world.avr(data, members={"advisoryURL": "https://example/a|b|c"})

    made = SimpleNamespace(world=SimpleNamespace(avr=avr))
    parts = ratls_forms.comment(made, ratls_forms.point(key), "bars")
    found = read(ratls_forms.certificate(key, parts)).value
    assert isinstance(found, RaTlsCertificate) and found.binding.bound
    assert b"a|b|c" in found.evidence.body
