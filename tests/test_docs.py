"""The documentation says what the code does: its tables are made of the data, and every choice it claims is tried."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from verify.cases import issue, sgx_of, signed_text

from casnb.advisories import ADVISORIES
from casnb.cas.diagnoses import DIAGNOSES
from casnb.cas.tables import TABLES
from casnb.checks import CATALOGUE
from casnb.errors import UsageError
from casnb.evidence.quote import Quote
from casnb.simulator.keys import sign_raw
from casnb.simulator.world import World
from casnb.verify.certificate import P256_ORDER
from casnb.verify.dcap import verify_quote
from casnb.verify.tables import advisories, checks, fill, statuses
from casnb.verify.tcb import TcbStatus

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verification.md"
BINDING = bytes(64)
TCB, QE = "tcb-info-signature", "qe-identity-signature"


@pytest.fixture(scope="module")
def world() -> World:
    return World("docs", "production")


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_tables_are_the_data(text):
    """The page is what `fill` makes of it. To renew it: write fill(text) of casnb.verify.tables back to the file."""
    assert fill(text) == text
    for name, made in (("statuses", statuses), ("checks", checks), ("advisories", advisories)):
        assert text.count(f"<!-- begin {name} -->\n{made()}\n<!-- end {name} -->") == 1


def test_every_row_is_there():
    """No status, check or advisory is left out, and no cell is empty."""
    tables = ((statuses(), [s.dcap_name for s in TcbStatus]), (checks(), list(CATALOGUE)), (advisories(), list(ADVISORIES)))
    for table, names in tables:
        rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
        assert len({len(row) for row in rows}) == 1 and all(cell.strip() for row in rows for cell in row)
        assert [re.sub(r"[`\[]|\].*", "", row[0]) for row in rows[2:]] == names


def test_certificates_page_is_the_data():
    """The page on certificates carries the table of diagnoses as it is. To renew it: fill(text, TABLES) of casnb.cas.tables."""
    text = PAGE.with_name("certificates.md").read_text(encoding="utf-8")
    assert fill(text, TABLES) == text and all(text.count(f"(`{id}`)") == 1 for id in DIAGNOSES)


def test_unknown_table():
    """A block with a name that is no table is a mistake, not an empty block."""
    with pytest.raises(UsageError):
        fill("<!-- begin nothing -->\n<!-- end nothing -->")


def test_page_stands_alone(text):
    """No other product is named, nothing is fetched but Intel's own pages, and the paragraph on stolen keys is there."""
    assert not re.search(r"dcap-qvl|gramine|marblerun|phala|automata|open enclave", text, re.IGNORECASE)
    assert {re.match(r"https://[^/]+", url)[0] for url in re.findall(r"https?://\S+", text)} == {"https://www.intel.com"}
    assert "no bytes to" in text and "take\nthe attestation key out of a genuine" in text


# The choices: one change each in what is otherwise good. A callable returns what `judge` takes.

def info(world, **changes):
    return {"lists": world.endorsements(tcb_info=changes)}


def rewritten(world, change, name="tcb_info"):
    """The signed list as other text, truly signed."""
    return {"lists": replace(world.endorsements(), **signed_text(world, name, change(getattr(world.endorsements(), name))))}


def respaced(change):
    return lambda world: {"lists": replace(world.endorsements(), tcb_info=change(world.endorsements().tcb_info))}


def levels(world, change):
    value = json.loads(world.endorsements().tcb_info)["tcbLevels"]
    return info(world, tcbLevels=change(value))


def signer(world, name, **kwargs):
    """Lists signed by another certificate under the same root."""
    return {"lists": world.endorsements(signer=issue(world, name, world.intel.root, **kwargs))}


def body(world, **changes):
    return {"quote": world.quote(BINDING, body=changes)}


def component(level, value):
    level["tcb"]["sgxtcbcomponents"][0]["svn"] = value
    return level


CHOICES = {
    "TCB signer: role": (TCB, [lambda w: {"lists": w.endorsements(signer=w.platform.pck)},
                               lambda w: signer(w, "SIMULATED Intel SGX TCB Signing", ca=0),
                               lambda w: signer(w, "SIMULATED Intel SGX TCB Signing", sgx=sgx_of(w.platform.pck))]),
    "TCB signer: name": (TCB, [lambda w: signer(w, "SIMULATED Intel SGX TCB Signer")]),
    "PCEID": ("fmspc-match", [lambda w: info(w, pceId="0100"), lambda w: info(w, fmspc="00" * 6)]),
    "TCB type": ("fmspc-match", [lambda w: info(w, tcbType=1)]),
    "list version": (TCB, [lambda w: info(w, version=4), lambda w: info(w, version=1)]),
    "future issue date": ("tcb-info-current", [lambda w: {"lists": w.endorsements(w.now + timedelta(days=3))}]),
    "revoked root": ("pck-revocation", [
        lambda w: {"lists": w.endorsements(revoked_authorities=[w.intel.root.cert.serial_number])}]),
    "duplicate member": (TCB, [lambda w: rewritten(w, lambda t: t.replace('"tcbType":0', '"tcbType":0,"tcbType":0'))]),
    "bytes as received": (TCB, [respaced(lambda t: t + " "), respaced(lambda t: t.replace(",", ", "))]),
    "trailing bytes": ("quote-format", [lambda w: {"quote": w.quote(BINDING) + b"\0"}]),
    "INIT bit": ("quote-format", [lambda w: body(w, attributes_flags=0x4)]),
    "reserved bits": ("quote-format", [
        lambda w: body(w, attributes_flags=0x5 | 8), lambda w: body(w, attributes_flags=0x5 | 1 << 63),
        lambda w: body(w, reserved1=bytes(11) + b"\1"), lambda w: body(w, reserved2=b"\1" + bytes(31)),
        lambda w: body(w, reserved3=b"\1" + bytes(31)), lambda w: body(w, reserved4=bytes(41) + b"\x80")]),
    "quote version": ("quote-format", [lambda w: {"quote": struct.pack("<H", 4) + w.quote(BINDING)[2:]},
                                       lambda w: {"quote": struct.pack("<H", 5) + w.quote(BINDING)[2:]}]),
    "authentication data": ("quote-format", [lambda w: {"quote": w.quote(BINDING, auth_data=bytes(31))},
                                             lambda w: {"quote": w.quote(BINDING, auth_data=bytes(33))}]),
    "both revocation lists": ("pck-revocation", [lambda w: {"lists": replace(w.endorsements(), pck_crl="")},
                                                 lambda w: {"lists": replace(w.endorsements(), root_ca_crl="")}]),
    "list of another issuer": ("pck-revocation", [
        lambda w: {"lists": replace(w.endorsements(), pck_crl=World("else").endorsements().pck_crl)},
        lambda w: {"lists": replace(w.endorsements(), pck_crl=w.endorsements().root_ca_crl)}]),
    "unsorted levels": (TCB, [lambda w: levels(w, lambda rows: [*rows, rows[0]])]),
    "16 components": (TCB, [
        lambda w: levels(w, lambda rows: [{**r, "tcb": {**r["tcb"], "sgxtcbcomponents": r["tcb"]["sgxtcbcomponents"][:n]}}
                                          for r, n in zip(rows, (15, *[16] * 6), strict=True)])]),
    "component range": (TCB, [lambda w: levels(w, lambda rows: [component(rows[0], 256), *rows[1:]]),
                              lambda w: levels(w, lambda rows: [component(rows[0], -1), *rows[1:]])]),
    "date form": (TCB, [lambda w: info(w, issueDate="2026-08-31T12:00:00+00:00")]),
    "QE report data": ("qe-report-binding", []),
    "no level": ("tcb-status", [lambda w: levels(w, lambda rows: [component(rows[0], 255)])]),
}


def judge(world, quote=None, lists=None):
    return verify_quote(quote or world.quote(BINDING), lists or world.endorsements(), roots=world.roots, now=world.now)


def test_every_choice_of_the_page_is_tried(text):
    """The rows of the page and the rows of this test are the same."""
    part = text[text.index("## Choices"): text.index("## Freshness")]
    rows = [line.split(" | ")[0].strip("| ") for line in part.splitlines() if line.startswith("| ")]
    assert rows[2:] == list(CHOICES)


@pytest.mark.parametrize(("check", "change"), [
    pytest.param(check, change, id=f"{name} {n}")
    for name, (check, changes) in CHOICES.items() for n, change in enumerate(changes)])
def test_choice(world, check, change):
    """The one change fails its own check, and no flag of any CLI accepts it, but for revocation lists that are not there."""
    assert judge(world).genuine
    proof = judge(world, **change(world))
    assert check in {c.id for c in proof.failures} and not proof.genuine
    assert not proof.check(check).waivable_by or "revocation list" in proof.check(check).got
    unharmed = {c.status.value for c in proof.checks if c.id in ("pck-chain", "quote-signature")}
    assert unharmed == ({"not-run"} if check == "quote-format" else {"passed"})


def test_second_half_of_the_qe_report_data(world):
    """Truly signed by the PCK key, and refused for what stands where zeros belong."""
    quote = Quote.from_bytes(world.quote(BINDING))
    changed = replace(quote.qe_report, report_data=quote.qe_report.report_data[:32] + b"\1" + bytes(31))
    key = world.platform.pck.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = replace(quote, qe_report=changed, qe_report_signature=sign_raw(key, changed.to_bytes()))
    assert [c.id for c in judge(world, made.to_bytes()).failures] == ["qe-report-binding"]


def test_what_is_not_refused(world):
    """Shuffled levels change nothing, KSS fields may be used, the twin of a signature holds, authentication data may be missing."""
    for change in (lambda rows: rows[::-1], lambda rows: rows[3:] + rows[:3]):
        assert judge(world, **levels(world, change)).tcb_status is TcbStatus.UP_TO_DATE
    assert judge(world, **body(world, attributes_flags=0x85, config_id=b"\1" * 64)).genuine
    assert judge(world, world.quote(BINDING, auth_data=b"")).genuine
    quote = world.quote(BINDING)
    twin = (P256_ORDER - int.from_bytes(quote[468:500], "big")).to_bytes(32, "big")
    assert judge(world, quote[:468] + twin + quote[500:]).genuine
