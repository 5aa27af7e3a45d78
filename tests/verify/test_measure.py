"""Programs and images measured: good ones hold, and each way to be wrong fails by its own check.

The table has the rows of all that can be wrong with a SIGSTRUCT and with an SGXS stream.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache

import pytest

from casnb.base.errors import EvidenceError, UsageError
from casnb.checks.catalogue import BUILD_CHECKS
from casnb.checks.result import CheckStatus
from casnb.evidence.ledger import Eadd, Ecreate, Eextend
from casnb.evidence.sigstruct import SIGNED, SigStruct
from casnb.evidence.sigstruct_layout import SIGSTRUCT
from casnb.measure.measurement import Measurement
from casnb.measure.measurer import measure
from casnb.policy.identities import SIMULATED_SIGNERS
from casnb.simulator.cas_image import PROGRAM, STATEMENT, build_image
from casnb.simulator.platform import mrsigner, sign_sigstruct
from casnb.simulator.world import World

WORLD = World("measure", "production")
LEDGER = WORLD.ledger
STREAM = LEDGER.to_bytes()
SIGNED_BY = WORLD.sigstruct


def statuses(found: Measurement) -> dict[str, str]:
    return {c.id: c.status.value for c in found.checks}


@cache
def good() -> Measurement:
    return measure(STREAM, sigstruct=SIGNED_BY, expected=(WORLD.mrenclave,))


# One table of what can be wrong


@dataclass(frozen=True)
class Fault:
    """A name, the checks that fail (the others pass or are not reached), and stream or statement
    changed.
    """

    name: str
    fails: str
    sigstruct: bytes = SIGNED_BY
    stream: bytes = STREAM


def flipped(bit: int) -> bytes:
    data = bytearray(SIGNED_BY)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def put(name: str, value: bytes | int) -> bytes:
    f = SIGSTRUCT[name]
    data = value if isinstance(value, bytes) else value.to_bytes(f.size, "little")
    return SIGNED_BY[: f.offset] + data + SIGNED_BY[f.offset + len(data) :]


def number(name: str) -> int:
    f = SIGSTRUCT[name]
    return int.from_bytes(SIGNED_BY[f.offset : f.end], "little")


def with_record(n: int, record: object) -> bytes:
    """The good stream with one record replaced (by bytes, too)."""
    rows = [r.to_bytes() for r in LEDGER.records]
    rows[n] = record if isinstance(record, bytes) else record.to_bytes()
    return b"".join(rows)


def swapped(a: int, b: int) -> bytes:
    rows = [r.to_bytes() for r in LEDGER.records]
    rows[a], rows[b] = rows[b], rows[a]
    return b"".join(rows)


NUMBERS = "sigstruct-signature sigstruct-q1 sigstruct-q2"
OTHER = "enclave-hash mrenclave"
FAULTS = [
    *(Fault(f"exponent {e}", "sigstruct-format", put("exponent", e)) for e in (0, 1, 2, 65537)),
    Fault("q1 one more", "sigstruct-q1", put("q1", number("q1") + 1)),
    Fault("q1 one less", "sigstruct-q1", put("q1", number("q1") - 1)),
    Fault("q2 one more", "sigstruct-q2", put("q2", number("q2") + 1)),
    Fault("q2 one less", "sigstruct-q2", put("q2", number("q2") - 1)),
    Fault("q1 zero", "sigstruct-q1", put("q1", 0)),
    Fault("S = N", NUMBERS, put("signature", number("modulus"))),
    Fault("S > N", NUMBERS, put("signature", (1 << 3072) - 1)),
    Fault("S = 0", NUMBERS, put("signature", 0)),
    Fault("S = 1", NUMBERS, put("signature", 1)),
    Fault("N even", NUMBERS, put("modulus", number("modulus") - 1)),
    Fault("N = 0", NUMBERS, put("modulus", 0)),
    Fault("N of 3071 bits", NUMBERS, put("modulus", number("modulus") >> 1 | 1)),
    Fault("1807 bytes", "sigstruct-format", SIGNED_BY[:-1]),
    Fault("1809 bytes", "sigstruct-format", SIGNED_BY + b"\0"),
    Fault("header", "sigstruct-format", put("header", b"\7")),
    Fault("header2", "sigstruct-format", put("header2", b"\2")),
    Fault("another vendor", "sigstruct-format", put("vendor", 0x1234)),
    *(
        Fault(f"reserved{n} not zero", "sigstruct-format", put(f"reserved{n}", b"\1"))
        for n in (1, 2, 3, 4)
    ),
    Fault(
        "changed and signed by another",
        OTHER.split()[0],
        sign_sigstruct(
            replace(SigStruct.from_bytes(SIGNED_BY), enclave_hash_bytes=bytes(32)), "owner"
        ).to_bytes(),
    ),
    Fault(
        "tag changed",
        "ledger-format",
        stream=with_record(1, b"UNSIZED\0" + LEDGER.records[1].to_bytes()[8:]),
    ),
    Fault("EEXTEND before EADD", "ledger-format", stream=swapped(1, 2)),
    Fault("no ECREATE", "ledger-format", stream=STREAM[64:]),
    Fault("ECREATE twice", "ledger-format", stream=STREAM[:64] + STREAM),
    Fault("page unaligned", "ledger-format", stream=with_record(1, Eadd(1, 0x100))),
    Fault("chunk unaligned", "ledger-format", stream=with_record(2, Eextend(1, bytes(256)))),
    Fault("page outside", "ledger-format", stream=with_record(1, Eadd(0x10000, 0x100))),
    Fault("cut short", "ledger-format", stream=STREAM[:-1]),
    Fault("cut in a chunk", "ledger-format", stream=STREAM[:200]),
    Fault("SIZE no power of two", "ledger-format", stream=with_record(0, Ecreate(1, 0x18000))),
    Fault("SIZE zero", "ledger-format", stream=with_record(0, Ecreate(1, 0))),
    Fault("one byte behind", "ledger-format", stream=STREAM + b"\0"),
    Fault("a record behind", "ledger-format", stream=STREAM + STREAM[64:128]),
    Fault("padding", "ledger-format", stream=STREAM[:63] + b"\1" + STREAM[64:]),
    Fault(
        "one bit of code",
        OTHER,
        stream=with_record(
            20, replace(LEDGER.records[20], data=b"\1" + LEDGER.records[20].data[1:])
        ),
    ),
    Fault("two chunks exchanged", OTHER, stream=swapped(20, 21)),
    Fault("another size", OTHER, stream=with_record(0, Ecreate(1, 0x20000))),
    Fault("another SSA frame", OTHER, stream=with_record(0, Ecreate(2, 0x10000))),
    Fault("a page writable", OTHER, stream=with_record(18, Eadd(0x1000, 0x207))),
    Fault("the last page left out", OTHER, stream=STREAM[:-64]),
]
#: What cannot be said any more once a check failed.
STOPS = {"sigstruct-format": f"{NUMBERS} {OTHER}", "ledger-format": OTHER}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name.replace(" ", "-"))
def test_fault(fault):
    """The named checks fail, what they make impossible is not reached, every other passes, and
    it does not hold.
    """
    kind = bytes(fault.stream)
    if not kind.startswith(b"ECREATE\0"):
        with pytest.raises(EvidenceError):
            measure(kind, sigstruct=fault.sigstruct)
        return
    found = measure(kind, sigstruct=fault.sigstruct, expected=(WORLD.mrenclave,))
    fails = fault.fails.split()
    stopped = {id for f in fails for id in STOPS.get(f, "").split()}
    assert statuses(found) == {
        id: "failed" if id in fails else "not-run" if id in stopped else "passed"
        for id in statuses(good())
    }
    assert not found.holds
    for check in found.checks:
        assert check.status is not CheckStatus.FAILED or (
            check.got and check.wanted and check.got != check.wanted
        )


@pytest.mark.parametrize("part", ["first", "second", "modulus"])
def test_every_bit_under_the_signature_counts(part):
    """Whichever bit of the signed bytes or of the modulus is turned over, it does not hold any
    more.
    """
    a, b = {"first": SIGNED[0], "second": SIGNED[1], "modulus": (128, 512)}[part]
    for bit in range(8 * a, 8 * b, 1 if part != "modulus" else 5):
        found = measure(STREAM, sigstruct=flipped(bit))
        failing = {c.id for c in found.checks if c.status is CheckStatus.FAILED}
        assert failing & {"sigstruct-format", "sigstruct-signature"}, bit


def test_what_the_rows_start_from_holds():
    """The good program passes every check of a build, and the expected value."""
    assert set(statuses(good()).values()) == {"passed"}
    assert set(statuses(good())) == {*BUILD_CHECKS, "mrenclave"} - {"image-format"}
    assert good().holds and "Two sources agree" in good().sentence
    assert {f for row in FAULTS for f in row.fails.split()} == set(statuses(good()))


# Kinds of input


def test_an_image_is_measured_as_its_enclave():
    """Program and statement are found in the layers, and measure what the world says."""
    found = measure(WORLD.image(), expected=(WORLD.mrenclave,))
    assert set(statuses(found)) == {*BUILD_CHECKS, "mrenclave"} and set(
        statuses(found).values()
    ) == {"passed"}
    assert (found.kind, found.program, found.statement, found.mrenclave) == (
        "image",
        PROGRAM,
        STATEMENT,
        WORLD.mrenclave,
    )
    assert found.signer and found.signer.name == "casnb's simulated vendor signer"


def test_a_file_that_a_layer_took_away_is_not_measured():
    """The former release lies in a lower layer; it is mentioned, and no container sees it."""
    found = measure(WORLD.image())
    assert [
        r
        for r in found.remarks
        if "opt/casnb/former/cas.enclave" in r and "no container sees it" in r
    ]
    with pytest.raises(UsageError):
        measure(STREAM, program="opt/casnb/former/cas.enclave")
    asked = measure(WORLD.image(), program="/opt/casnb/former/cas.enclave")
    assert (
        asked.check("image-format").status is CheckStatus.FAILED
        and PROGRAM in asked.check("image-format").wanted
    )


def test_an_image_that_starts_something_else_says_so(monkeypatch):
    """The only enclave of an image is measured, and a script or a link that the image starts
    instead is named.
    """
    assert not [r for r in measure(WORLD.image()).remarks if "starts" in r]
    monkeypatch.setattr("casnb.measure.image.Image.command", ("/usr/bin/start.sh", "now"))
    (remark,) = [r for r in measure(WORLD.image()).remarks if "starts" in r]
    assert remark.startswith(f"The image starts /usr/bin/start.sh; measured is {PROGRAM}.")


def test_the_image_is_small_and_the_same_every_time():
    """Under a megabyte, and the same bytes for the same world."""
    assert len(WORLD.image()) < 1 << 20
    assert (
        WORLD.image()
        == World("measure", "production").image()
        != World("other", "production").image()
    )


@pytest.mark.parametrize("name", ["file", "sgxs", "hex"])
def test_a_program_alone_is_measured(name):
    """Without a statement there is no signer and nothing to compare with: measured, and said so."""
    data = {"file": WORLD.enclave.file.to_bytes(), "sgxs": STREAM, "hex": STREAM.hex().encode()}[
        name
    ]
    found = measure(data)
    assert found.holds and found.mrenclave == WORLD.mrenclave
    assert "who signed it" in found.sentence and found.check("enclave-hash").optional


def test_a_statement_alone_is_checked():
    """Nothing is measured, the signature is; the expected value is compared with what it speaks
    for.
    """
    found = measure(SIGNED_BY, expected=("0" * 64,))
    assert statuses(found) == {
        "ledger-format": "not-run",
        "sigstruct-format": "passed",
        **dict.fromkeys(NUMBERS.split(), "passed"),
        "enclave-hash": "not-run",
        "mrenclave": "failed",
    }
    assert measure(SIGNED_BY).holds and "Nothing was measured" in measure(SIGNED_BY).sentence


def test_sources_that_disagree_say_what_that_can_mean():
    """The sentence names the ordinary reasons beside the bad one, and no verdict on which it is."""
    said = measure(WORLD.image(), expected=("0" * 64,)).sentence
    assert all(
        word in said for word in ("mrenclave", "another version", "SCONE_HEAP", "cannot tell")
    )


def test_the_heap_is_the_callers_then_the_images_then_the_files():
    """SCONE_HEAP of the image takes the place of the program's own; --heap that of both. Then
    the signature speaks for another.
    """
    assert measure(WORLD.image({"SCONE_HEAP": "48K"})).holds
    of_image = measure(WORLD.image({"SCONE_HEAP": "64K"}))
    assert of_image.heap == 65536 and of_image.check("enclave-hash").status is CheckStatus.FAILED
    assert measure(WORLD.image({"SCONE_HEAP": "64K"}), heap="48K").holds
    assert measure(WORLD.enclave.file.to_bytes(), heap="64K").mrenclave == of_image.mrenclave
    bad = measure(WORLD.image({"SCONE_HEAP": "lots"}))
    assert (
        bad.check("ledger-format").status is CheckStatus.FAILED
        and "SCONE_HEAP" in bad.check("ledger-format").got
    )


def test_another_signer_is_the_same_enclave():
    """The same pages signed by another key: MRENCLAVE stays, MRSIGNER does not; debug is not part
    of either.
    """
    other = replace(WORLD.enclave, signer="owner", debug=True)
    found = measure(build_image(other, other))
    assert found.mrenclave == WORLD.mrenclave and found.holds
    assert (
        found.sigstruct.mrsigner == mrsigner("owner") != measure(WORLD.image()).sigstruct.mrsigner
    )
    assert [r for r in found.remarks if "DEBUG" in r] and not [
        r for r in measure(WORLD.image()).remarks if "DEBUG" in r
    ]


def test_an_exchanged_statement_is_noticed():
    """A genuine statement about another release does not speak for this program."""
    former = World("measure", "production").with_build("5.10.0")
    found = measure(STREAM, sigstruct=former.sigstruct)
    assert [c.id for c in found.checks if c.status is CheckStatus.FAILED] == ["enclave-hash"]


def test_the_simulated_signers_are_the_packaged_keys():
    """What is known of them is about the keys that the simulator really has."""
    assert [s.mrsigner for s in SIMULATED_SIGNERS] == [
        mrsigner(n) for n in ("vendor", "test", "owner")
    ]


@pytest.mark.parametrize(
    "data, kwargs, error",
    [
        pytest.param(b"junk", {}, EvidenceError, id="junk"),
        pytest.param(b"", {}, EvidenceError, id="empty"),
        pytest.param(bytes(384), {}, EvidenceError, id="report-body"),
        pytest.param(SIGNED_BY, {"sigstruct": SIGNED_BY}, UsageError, id="two-statements"),
        pytest.param(SIGNED_BY, {"heap": "64K"}, UsageError, id="heap-of-a-statement"),
        pytest.param(STREAM, {"heap": "64K"}, UsageError, id="heap-of-a-stream"),
        pytest.param(STREAM, {"expected": ("AB" * 32,)}, UsageError, id="upper-case"),
        pytest.param(STREAM, {"expected": ("",)}, UsageError, id="empty-value"),
    ],
)
def test_what_cannot_be_measured_is_refused(data, kwargs, error):
    """Bytes of no such kind, and arguments that mean nothing."""
    with pytest.raises(error):
        measure(data, **kwargs)


def test_renderings_agree_and_are_escaped():
    """Text, HTML and JSON have the same measurement; a label of the image is shown and runs
    nothing.
    """
    evil = replace(WORLD.enclave, version="<img src=x onerror=alert(1)>\x1b[2J")
    found = measure(build_image(evil, evil))
    shown = found._repr_mimebundle_()
    assert found.mrenclave in shown["text/plain"] and found.mrenclave in shown["text/html"]
    assert (
        "<img" not in shown["text/html"]
        and "\x1b" not in shown["text/plain"]
        and "&lt;img" in shown["text/html"]
    )
    plain = json.loads(json.dumps(found.to_json()))
    assert (
        plain["mrenclave"] == found.mrenclave
        and plain["holds"] is True
        and "\x1b" not in json.dumps(plain)
    )


# Real ones


def test_a_real_enclave_is_measured(vectors):
    """A public SGXS stream and its SIGSTRUCT agree, and the stream of another does not."""
    folder = vectors / "sigstruct" / "fortanix-test-enclave"
    stream, statement = (
        (folder / "enclave.sgxs").read_bytes(),
        (folder / "sigstruct.bin").read_bytes(),
    )
    found = measure(stream, sigstruct=statement)
    assert found.holds and found.check("enclave-hash").status is CheckStatus.PASSED
    assert measure(STREAM, sigstruct=statement).check("enclave-hash").status is CheckStatus.FAILED


@pytest.mark.parametrize(
    "name", ["fortanix-sig1", "intel-le-prod-0", "intel-le-prod-2", "intel-le-prod-4"]
)
def test_real_statements_hold(vectors, name):
    """Signature and both quotients of public SIGSTRUCTs; the SDK's sample key is called by its
    name.
    """
    found = measure((vectors / "sigstruct" / name / "sigstruct.bin").read_bytes())
    assert found.holds
    assert (found.signer is not None and found.signer.anybody_can_sign) == (name == "fortanix-sig1")
