"""Every wrapping and every format is recognised, said in words, and bounded."""

from __future__ import annotations

import base64
import json
import textwrap
from types import SimpleNamespace

import pytest

from casnb.base.errors import EvidenceError, SourceError
from casnb.evidence.avr import Avr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import FILE_LIMIT, LAYERS, decode, read
from casnb.evidence.ledger import Ledger
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.report import ReportBody
from casnb.evidence.sigstruct import SigStruct


def pem(data: bytes, label: str = "SGX QUOTE") -> bytes:
    lines = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    """One piece of evidence of each format, from a simulated world."""
    from casnb.simulator.world import World

    world = World("decode", "production")
    quote = world.quote(bytes(64))
    return SimpleNamespace(
        quote=quote,
        body=quote[48:432],
        local=bytes(range(1, 17)) + quote[64:432] + bytes(48),
        epid=world.epid_quote(bytes(64)),
        sigstruct=world.sigstruct,
        ledger=world.ledger.to_bytes(),
        avr=world.avr(bytes(64)).body,
        report=world.attest("DCAP"),
    )


FORMATS = [
    pytest.param("quote", Quote, "DCAP quote, version 3, raw", id="quote"),
    pytest.param("body", ReportBody, "SGX report body, raw", id="body"),
    pytest.param(
        "local", ReportBody, "SGX local report (without key id and MAC), raw", id="local-report"
    ),
    pytest.param("epid", EpidQuote, "EPID quote, version 2, raw", id="epid"),
    pytest.param("sigstruct", SigStruct, "SIGSTRUCT, raw", id="sigstruct"),
    pytest.param("ledger", Ledger, "SGXS stream (MRENCLAVE ledger), raw", id="sgxs"),
    pytest.param("avr", Avr, "IAS report body, JSON", id="avr"),
    pytest.param("report", CasReport, "CAS report, JSON", id="cas-report"),
]


@pytest.mark.parametrize(("name", "kind", "words"), FORMATS)
def test_format_is_guessed_and_said(made, name, kind, words):
    """Each format is told by its own bytes, and the guess is put in words."""
    found = read(getattr(made, name))
    assert (type(found.value), str(found)) == (kind, words)


WRAPPINGS = [
    pytest.param(lambda q: q.hex().encode(), "hex", id="hex"),
    pytest.param(
        lambda q: b"0x" + q.hex().upper().encode() + b"\n", "hex", id="hex-0x-upper-newline"
    ),
    pytest.param(
        lambda q: "\n".join(textwrap.wrap(q.hex(), 76)).encode(), "hex", id="hex-in-lines"
    ),
    pytest.param(base64.b64encode, "base64", id="base64"),
    pytest.param(base64.encodebytes, "base64", id="base64-in-lines"),
    pytest.param(pem, "PEM (SGX QUOTE)", id="pem"),
    pytest.param(
        lambda q: b"got this:\r\n" + pem(q).replace(b"\n", b"\r\n") + b"\0",
        "PEM (SGX QUOTE)",
        id="pem-crlf-text-nul",
    ),
    pytest.param(
        lambda q: base64.b64encode(pem(q)), "PEM (SGX QUOTE) in base64", id="pem-in-base64"
    ),
    pytest.param(lambda q: base64.b64encode(q.hex().encode()), "hex in base64", id="hex-in-base64"),
]


@pytest.mark.parametrize(("wrap", "words"), WRAPPINGS)
@pytest.mark.parametrize("name", ["quote", "epid", "sigstruct"])
def test_wrapping_is_taken_off_and_said(made, name, wrap, words):
    """However it is wrapped, the value is that of the bytes inside, and the wrappings are named
    from the inside out.
    """
    data = getattr(made, name)
    found = read(wrap(data))
    assert found.value == read(data).value
    assert found.wrapping == words


def test_json_in_text(made):
    """A CAS report in base64 or hex is read as what it is, to the byte."""
    for text, words in (
        (base64.b64encode(made.report), "JSON in base64"),
        (made.report.hex().encode(), "JSON in hex"),
    ):
        found = read(text)
        assert found.value.to_json() == made.report and found.wrapping == words


def test_files_by_name(made, tmp_path):
    """A path is opened, and where it cannot be, nothing was decided."""
    (tmp_path / "q").write_bytes(made.quote)
    assert decode(tmp_path / "q") == decode(str(tmp_path / "q")) == decode(made.quote)
    with pytest.raises(SourceError, match="No such file"):
        decode(tmp_path / "no")


REFUSED = [
    pytest.param(lambda q: b"", "0 bytes", id="nothing"),
    pytest.param(lambda q: q.hex().encode()[:-1], "even number", id="odd-hex"),
    pytest.param(lambda q: base64.b64encode(q) + b"A", "base64", id="bad-base64"),
    pytest.param(lambda q: pem(q)[:-30], "cut short", id="pem-cut"),
    pytest.param(lambda q: pem(q) + pem(q), "2 parts", id="pem-twice"),
    pytest.param(lambda q: q + q, "2 parts", id="quotes-in-a-row"),
    pytest.param(lambda q: f"0x{q.hex()}\n\n0x{q.hex()}".encode(), "2 parts", id="hex-twice"),
    pytest.param(lambda q: pem(q, "EC PRIVATE KEY"), "EC PRIVATE KEY", id="pem-key"),
    pytest.param(
        lambda q: pem(q).replace(b"SGX QUOTE-----\n", b"SGX QUOTE-----\n!"),
        "not base64",
        id="pem-not-base64",
    ),
    pytest.param(lambda q: pem(q)[:40] + b"=" + pem(q)[40:], "base64", id="pem-padding-inside"),
    pytest.param(lambda q: q[:-1], "cut short", id="cut"),
    pytest.param(lambda q: q.hex().encode()[:-20], "cut short", id="cut-hex"),
    pytest.param(lambda q: base64.b64encode(q)[:-40], "cut short", id="cut-base64"),
    pytest.param(lambda q: bytes(FILE_LIMIT + 1), "at most", id="too-large"),
    pytest.param(lambda q: bytes(2 << 20), "at most", id="too-large-for-all-but-sgxs"),
    pytest.param(
        lambda q: json.dumps({"quote": 1}).encode(), "JSON with members quote", id="other-json"
    ),
    pytest.param(lambda q: b"[" * 100_000, "brackets", id="deep-json"),
]


@pytest.mark.parametrize(("make", "told"), REFUSED)
def test_refused(made, make, told):
    """What is nothing casnb knows is refused with what was there."""
    with pytest.raises(EvidenceError, match=told):
        decode(make(made.quote))


def test_wrappings_are_counted(made):
    """Only so many wrappings are taken off: text in text in text ends."""
    data = made.quote
    for _ in range(LAYERS):
        data = base64.b64encode(data)
    assert isinstance(decode(data), Quote)
    with pytest.raises(EvidenceError):
        decode(base64.b64encode(data))
