"""Whatever a user holds and however it is wrapped: it is read, named, or refused with what was
tried.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from evidence.wrapped import FORMS, hexdump_c, words, xxd

from casnb.base.errors import EvidenceError
from casnb.evidence import decode as searched
from casnb.evidence.decode import SeveralError, read, read_parts
from casnb.evidence.kinds import KINDS, Kind
from casnb.evidence.piece import Piece
from casnb.evidence.wrappings import WRAPPINGS, Wrapping

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def quote() -> bytes:
    """A quote with a chain in it, from a simulated world."""
    from casnb.simulator.world import World

    return World("wrapped", "production").quote(bytes(range(64)))


def raw(form: str | bytes) -> bytes:
    return form.encode() if isinstance(form, str) else form


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_and_named(quote, name):
    """The quote comes out to the byte, and the wrapping is said in words."""
    told, make = FORMS[name]
    found = read(raw(make(quote)))
    assert found.value.to_bytes() == quote
    assert found.wrapping == told


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("xxd", xxd),
        ("hexdump -C", hexdump_c),
        ("od -v -x", lambda d: words(d, 2, "04x")),
        ("hexdump -v", lambda d: words(d, 2, "04x", "07x").replace(" 000", " 000")),
    ],
)
def test_the_forms_are_those_of_the_tools(quote, command, form):
    """What the table writes out is what the tool prints, where the tool is there."""
    try:
        run = subprocess.run(command.split(), input=quote, capture_output=True, timeout=30)
    except FileNotFoundError:
        pytest.skip(f"no {command.split()[0]}")
    assert [line.split() for line in run.stdout.decode().splitlines()] == [
        line.split() for line in form(quote).splitlines()
    ]


def test_every_wrapping_is_in_the_table_of_forms():
    """No row of the table goes untried."""
    tried = " ".join(told for told, _ in FORMS.values())
    missing = [w.name for w in WRAPPINGS if w.name.split(" (")[0] not in tried]
    assert missing == ["Open Enclave evidence header", "a quote and more", "HTTP answer"]


def test_a_row_of_ones_own_is_found_everywhere(quote, monkeypatch, casnb_help):
    """A new wrapping and a new kind show in decode, its help and its documentation."""
    upside = Wrapping("upside down", "a test's own", "321", lambda p: [Piece(p.data[::-1])])
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_build"))
    WRAPPINGS.append(upside)
    toy = Kind(
        "toy", "for a test", "the bytes TOY", lambda p: p.data[:3] == b"TOY", lambda p: _Toy()
    )
    KINDS.append(toy)
    try:
        assert str(read(quote[::-1])) == "DCAP quote, version 3, upside down"
        assert read(b"TOY").format == "toy"
        told = casnb_help()
        assert "upside down" in told and "toy" in told
        from doctables import evidence

        assert "upside down" in evidence.wrappings() and "toy" in evidence.kinds()
    finally:
        WRAPPINGS.remove(upside)
        KINDS.remove(toy)


class _Toy:
    def fields(self):
        return []

    def to_json_dict(self):
        return {}

    def _html(self):
        return ""


@pytest.fixture
def casnb_help():
    """The help of `casnb decode`."""
    from click.testing import CliRunner

    from casnb.cli.main import casnb

    return lambda: CliRunner().invoke(casnb, ["decode", "--help"]).output


def test_several_are_named_and_one_is_chosen(quote):
    """Two things in one file are listed by number and name; `part` takes either."""
    text = json.dumps({"first": quote.hex(), "second": quote[48:432].hex()}).encode()
    with pytest.raises(SeveralError, match=r"2 parts: 1 'first' DCAP quote.*2 'second' SGX report"):
        read(text)
    assert read(text, "1").value.to_bytes() == quote
    assert read(text, "second").value.to_bytes() == quote[48:432]
    for wrong in ("3", "0", "third"):
        with pytest.raises(EvidenceError, match="one of 1"):
            read(text, wrong)


@pytest.mark.parametrize("joint", [b"", b"\n\n0x", b"\n", b" "])
def test_a_quote_twice_is_two(quote, joint):
    """Two quotes in a row are never read as one, nor as base64."""
    data = (
        quote + quote if not joint else b"0x" + quote.hex().encode() + joint + quote.hex().encode()
    )
    assert [p.value.to_bytes() for p in read_parts(data)] == [quote, quote]


def test_a_quote_that_speaks_for_what_follows(vectors):
    """Claims after a quote are not read; whether the report data is their hash is said."""
    folder = vectors / "dcap" / "libsignal-cdsi-202606"
    found = read((folder / "evidence.bin").read_bytes())
    assert found.content == (folder / "quote.bin").read_bytes()
    assert "the enclave speaks for them" in found.note


DAMAGED = [
    pytest.param(
        lambda q: xxd(q).replace("\n00000100:", "\n00000110:", 1), "in step", id="xxd-line"
    ),
    pytest.param(
        lambda q: "\n".join(xxd(q).splitlines()[:20] + xxd(q).splitlines()[21:]),
        "A line is missing",
        id="xxd-without-a-line",
    ),
    pytest.param(lambda q: "\n".join(xxd(q).splitlines()[:50]), "cut short", id="xxd-cut"),
    pytest.param(lambda q: str([*q[:-1], 256]), "numbers from 0 to 256", id="not-a-byte"),
    pytest.param(lambda q: q.hex()[:-1], "A digit is missing", id="odd-hex"),
    pytest.param(lambda q: q.hex()[:-8], "cut short", id="cut-hex"),
    pytest.param(lambda q: b"dump:" + q, "At byte 5 there is what looks like a DCAP", id="before"),
    pytest.param(lambda q: "Hello, world. " * 40, "a text of 560 characters", id="prose"),
    pytest.param(lambda q: b"\x03\0" + bytes(range(60)) * 20, "cut short|key type", id="noise"),
]


@pytest.mark.parametrize(("make", "told"), DAMAGED)
def test_damage_and_wrong_guesses_are_said(quote, make, told):
    """A damaged form is named with the cure, and a guess that led nowhere is never shown as if
    its bytes stood in the file.
    """
    data = raw(make(quote))
    with pytest.raises(EvidenceError, match=told) as caught:
        read(data)
    if not data.startswith((b"\x03", b"dump")):
        assert data[:6].hex() not in str(caught.value)


def test_one_search_is_bounded(quote, monkeypatch):
    """A search opens so many pieces and no more."""
    monkeypatch.setattr(searched, "_PIECES", 3)
    with pytest.raises(EvidenceError):
        read(json.dumps({**{f"m{n}": "x" * 80 for n in range(30)}, "quote": quote.hex()}).encode())
