"""The explorer without a front end: what it says of a field, in text and in HTML, and that
nothing from outside acts there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from casnb.base.errors import UsageError
from casnb.checks.result import Check, CheckStatus
from casnb.evidence.layout import Field
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import World
from casnb.teach.explorer.bytemap import ByteMap, Spot, byte_map
from casnb.teach.explorer.calculator import PYTHON, SHELL, Calculation
from casnb.teach.explorer.payload import payload, with_bytes
from casnb.teach.explorer.twins import SideBySide
from casnb.teach.explorer.view import announce, announce_check, dump, explain, reproduce, view

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e"


@pytest.fixture(scope="module")
def world():
    return World("explorer", "production")


@pytest.fixture(scope="module")
def seen(facts):
    """The quote of an IAS report, with the checks of an appraisal that has reasons to complain."""
    return view(
        facts.report, facts.appraise(AttestationPolicy(mrenclaves=(facts.world.mrenclave,)))
    )


def said(found, id):
    """What is said of a field, by heading; of several under one heading the last."""
    return dict(explain(found, found.map.spot(id)))


def test_a_field_says_where_what_and_who_looks(seen, facts):
    """Place, value, meaning, each check with its outcome and by which road, and who checks
    reserved bytes.
    """
    rows = explain(seen, seen.map.spot("mr_enclave"))
    assert dict(rows)["where"] == "bytes 112 to 143, 32 in all, in report body"
    assert dict(rows)["value"] == facts.world.mrenclave
    checks = [v for k, v in rows if k == "check"]
    assert checks[0].startswith("mrenclave compares it: PASSED") and checks[1].startswith(
        "avr-signature covers it: PASSED"
    )
    assert "byte 96, 02 DEBUG: set" in said(seen, "attributes_flags")["bits"]
    assert "casnb refuses anything else" in said(seen, "reserved2")["more"]
    assert said(seen, "xeid")["check"].startswith("avr-signature covers it")
    assert said(view(bytes(384)), "cpu_svn")["check"] == "none looks at these bytes"


def test_layers_say_how_a_field_stands(facts):
    """Expected value, second piece of evidence, changed byte: each in words, in explanation,
    announcement and table.
    """
    other = World("another", "public").attest()
    found = view(facts.report, expected={"mr_enclave": bytes(32), "isv_svn": 5}, compare=other)
    assert (
        said(found, "mr_enclave")["expected"]
        == f"differs from the expected value {'00' * 8}\N{HORIZONTAL ELLIPSIS}0000"
    )
    assert said(found, "isv_svn")["expected"] == "equals the expected value"
    assert (
        said(found, "isv_svn")["second"] == "the same"
        and "bytes differ; there: " in said(found, "report_data")["second"]
    )
    flipped = bytearray(found.map.data)
    flipped[96] ^= 2
    changed = with_bytes(found, bytes(flipped))
    assert (
        said(changed, "attributes_flags")["changed"]
        == "1 of 8 bytes; it was 0x7 INIT DEBUG MODE64BIT"
    )
    assert announce(changed, changed.map.at(96)).endswith(
        "attributes_flags, 1 byte differs from the second, 1 byte changed"
    )
    assert (
        announce(found, found.map.at(306)) == "bytes 306 to 307, isv_svn, equals the expected value"
    )
    assert re.search(
        r"attributes_flags .* changed$", str(changed), re.M
    ) and "differs, not as the second" in str(found)
    assert with_bytes(changed, found.map.data).original == found.map.data


def test_a_check_lights_its_bytes(seen):
    """In the table, in the dump and in words."""
    lit = replace(seen, check="debug")
    assert "lit: debug, the enclave is not a debug enclave: looks at byte 96" in str(lit)
    assert [line.split()[2] for line in str(lit).splitlines() if line.endswith("lit")] == [
        "attributes_flags"
    ]
    assert re.findall(r"\[(..)\]", dump(lit)) == ["07"] and "[" not in dump(seen)
    assert announce_check(seen, "mrsigner").endswith("looks at bytes 176 to 207")
    several = "looks at bytes 0 to 3, 68 to 103, 144 to 175, 208 to 303 and 308 to 367"
    assert announce_check(seen, "avr-format").endswith(several)
    for wrong in ({"check": "nonce"}, {"selected": 432}, {"expected": {"nothing": 1}}):
        with pytest.raises(UsageError):
            replace(seen, **wrong)


def test_html_is_a_table_that_unfolds_without_a_script(seen):
    """A real table with a caption and column headers, a fold for each field, the selected one
    open.
    """
    html = replace(seen, selected=112)._html()
    assert html.count('<th scope="col">') == 6 and "<caption>IAS quote body, 432 bytes" in html
    assert html.count("<details") == len(seen.map.spots) + 1 and html.count("<details open>") == 1
    assert re.search(r"<details open><summary><code>mr_enclave</code>", html)
    assert "quote[112:144].hex()" in html and "<script" not in html
    assert set(seen._repr_mimebundle_()) == {"text/html", "text/plain"}


class Reader(HTMLParser):
    """Notes every tag and attribute."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def hostile():
    """A map whose every text was written by somebody who wants it to act."""
    field = Field(HOSTILE, 0, 64, "bytes", HOSTILE, HOSTILE, HOSTILE)
    spots = (
        Spot(HOSTILE, HOSTILE, field, ("mrenclave",)),
        Spot(
            "certification_data",
            HOSTILE,
            replace(field, name="certification_data", offset=64, size=len(HOSTILE.encode())),
        ),
    )
    data = bytes(64) + HOSTILE.encode()
    check = Check("mrenclave", CheckStatus.FAILED, got=HOSTILE, wanted=HOSTILE, reason=HOSTILE)
    return replace(
        view(ByteMap(HOSTILE, "quote", data, spots)), checks=(check,), compare=data, selected=0
    )


def test_nothing_from_outside_acts(hostile):
    """Names, values and outcomes come out as text: no tag of theirs, no control character, no
    change of direction.
    """
    reader = Reader(hostile._html())
    assert not reader.tags & {"script", "img"} and "onerror" not in reader.attributes
    for text in (
        str(hostile),
        json.dumps(payload(hostile)["fields"][0]["rows"], ensure_ascii=False),
    ):
        assert "\x1b" not in text and "\u202e" not in text


def test_the_widget_is_told_the_same(seen):
    """Payload and explanation are one: every field and check, bounded values, plain data."""
    told = payload(seen)
    assert json.loads(json.dumps(told)) == told
    assert [f["id"] for f in told["fields"]] == [s.id for s in seen.map.spots]
    row = next(f for f in told["fields"] if f["id"] == "mr_signer")
    assert (
        row["state"] == "differs" and row["say"] == "bytes 176 to 207, mr_signer, mrsigner failed"
    )
    assert [r[:2] for r in row["rows"]] == [
        list(r) for r in explain(seen, seen.map.spot("mr_signer"))
    ]
    debug = next(c for c in told["checks"] if c["id"] == "debug")
    assert (debug["status"], debug["ranges"]) == ("FAILED", [[96, 97]])
    assert max(len(r[1]) for f in told["fields"] for r in f["rows"]) <= 500


@pytest.mark.parametrize(
    "make",
    [
        lambda w: w.attest("DCAP"),
        lambda w: World("explorer").attest(),
        lambda w: w.sigstruct,
        lambda w: w.local_report(),
        lambda w: w.ledger.to_bytes()[:768],
    ],
    ids=["dcap", "ias", "sigstruct", "local", "ledger"],
)
def test_the_lines_to_do_it_by_hand_are_right(world, make, tmp_path):
    """Python beside a field gives its value when it is run."""
    found = byte_map(make(world))
    for spot in found.spots:
        python, _ = reproduce(spot, found.noun)
        got = eval(python, {found.noun: found.data, "int": int, "any": any})
        cut = spot.cut(found.data)
        assert got == (
            any(cut)
            if spot.reserved
            else spot.number(found.data)
            if spot.number(found.data) is not None
            else cut.hex()
        )


@pytest.mark.scripts
def test_the_shell_lines_are_right(world, tmp_path):
    """xxd cuts the same bytes out of a file."""
    if not shutil.which("xxd"):
        pytest.skip("no xxd")
    found = byte_map(world.attest("DCAP"))
    (tmp_path / "quote.bin").write_bytes(found.data)
    for id in (
        "version",
        "mr_enclave",
        "isv_prod_id",
        "report_data",
        "qe_report.mr_signer",
        "certification_data",
    ):
        line = reproduce(found.spot(id), found.noun)[1]
        run = subprocess.run(
            line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "".join(run.stdout.split()) == found.value(id).hex(), line
    assert reproduce(found.spot("mr_enclave"), "quote")[1] == "xxd -s 112 -l 32 -p -c 32 quote.bin"


def test_the_calculator_shows_both_sides(facts):
    """SHA-512 over the additional data, the 64 bytes of the report, and a sentence; a changed
    byte is found.
    """
    good = Calculation.of(facts.report)
    assert good.equal and good.digest.hex() in str(good) and "Equal: " in good._html()
    wrong = bytearray(good.report_data)
    wrong[9] ^= 1
    bad = Calculation.of(facts.report, bytes(wrong))
    assert not bad.equal and bad.sentence.startswith("Not equal, from byte 9 on")
    assert bad.digest.hex() in str(bad) and bytes(wrong).hex() in str(bad)


@pytest.mark.scripts
def test_the_calculation_can_be_done_by_hand(facts, tmp_path):
    """The Python line and the shell line give the same digest."""
    import hashlib

    members = json.loads(facts.report_bytes)["additional_data"]
    assert (
        eval(PYTHON, {"hashlib": hashlib, "json": json, "additional_data": members})
        == facts.report.binding_digest.hex()
    )
    if not (shutil.which("jq") and shutil.which("sha512sum")):
        pytest.skip("no jq or sha512sum")
    (tmp_path / "report.json").write_bytes(facts.report_bytes)
    run = subprocess.run(
        SHELL, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.split()[0] == facts.report.binding_digest.hex()


def test_two_readings_of_the_same_bytes(facts, world):
    """EPID and DCAP agree about nothing in the header but three fields; the body is the same
    from byte 48 on.
    """
    both = SideBySide(facts.report, world.attest("DCAP"), until=48)
    assert both.agreeing == ("version", "qe_svn", "pce_svn")
    assert ("12", "4", "xeid", "00000000", "qe_vendor_id", "939a7233", "other bytes") in both.rows()
    whole = SideBySide(facts.report, world.attest("DCAP"))
    assert len(whole.agreeing) == 3 + 17
    twins = SideBySide(facts.report, world.local_report(), ("quote", "local report"))
    assert twins.agreeing == () and (twins.rows()[-1][2], twins.rows()[-1][4]) == (
        "report_data",
        "mac",
    )
    assert "read as quote" in str(twins) and "<table" in twins._html()
    with pytest.raises(UsageError):
        SideBySide(facts.report, world.attest("DCAP"), until=433)


def test_report_data_opens_the_calculator(seen, facts):
    """Beside the field stands what is hashed and what comes out, and it follows a changed byte."""
    rows = said(seen, "report_data")
    assert (
        rows["calculator, SHA-512"]
        == rows["calculator, report_data"]
        == facts.report.binding_digest.hex()
    )
    changed = with_bytes(seen, seen.map.data[:-1] + bytes((seen.map.data[-1] ^ 1,)))
    assert said(changed, "report_data")["calculator, outcome"].startswith(
        "Not equal, from byte 63 on"
    )
    assert "calculator, SHA-512" not in said(view(facts.report.quote()), "report_data")
