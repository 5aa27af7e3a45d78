"""Rows about a quote: its bytes, its keys, and its quoting enclave."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

from casnb.conformance.fault import Change, Evidence, Fault, each, quoted, spliced
from casnb.conformance.forging import flip, region
from casnb.evidence.quote import Quote
from casnb.simulator.keys import sign_raw


def number(at: int, form: str, value: int) -> Change:
    """A length field overwritten."""
    return spliced(lambda q: q[:at] + struct.pack(form, value) + q[at + struct.calcsize(form) :])


def bit(part: str) -> Change:
    """The first bit of a part of the quote flipped."""
    return spliced(lambda q: flip(q, 8 * region(q, part)[0]))


def later(version: int, tee_type: int = 0) -> Change:
    """A whole quote of another version as that version lays it out, validly signed; of a TDX one
    the body is longer.
    """

    def change(e: Evidence) -> Evidence:
        q = Quote.from_bytes(e.quote)
        inner = (
            q.qe_report.to_bytes()
            + q.qe_report_signature
            + struct.pack("<H", len(q.auth_data))
            + q.auth_data
            + struct.pack("<HI", q.certification_type, len(q.certification_data))
            + q.certification_data
        )
        body = q.body.to_bytes() + bytes(200 if tee_type else 0)
        head = struct.pack("<HHI", version, 2, tee_type) + e.quote[8:48]
        head += struct.pack("<HI", 2 if tee_type else 1, len(body)) if version == 5 else b""
        signature = sign_raw(e.world.platform.attestation_key, head + body)
        data = signature + q.attestation_key + struct.pack("<HI", 6, len(inner)) + inner
        return replace(e, quote=head + body + struct.pack("<I", len(data)) + data)

    return change


def _auth_end(e: Evidence) -> int:
    return region(e.quote, "certification type")[0]


_LENGTHS = dict.fromkeys(
    ("signature length", "auth length", "certification length"), "trailing bytes"
)
_SIZES = [
    ("nothing", 0),
    ("one byte", 1),
    ("65535", 0xFFFF),
    ("2^31", 1 << 31),
    ("2^32-1", (1 << 32) - 1),
]


def _length(n: int) -> Change:
    return lambda e: number(_auth_end(e) + 2, "<I", n)(e)


def _cut(n: int) -> Callable[[bytes], bytes]:
    return lambda q: q[:n]


def _longer(more: bytes) -> Callable[[bytes], bytes]:
    return lambda q: q + more


BYTES = [
    *each(
        "quote of another version",
        "P22",
        "quote-format",
        [(str(v), number(0, "<H", v)) for v in (2, 4, 5, 0x300)],
        choice="quote version",
        status="",
    ),
    *each(
        "whole quote of another version",
        "P22 P13",
        "quote-format",
        [
            ("5, for SGX", later(5)),
            ("4, for TDX", later(4, 0x81)),
            ("5, for TDX", later(5, 0x81)),
        ],
        choice="quote version",
    ),
    *each(
        "attestation key type",
        "P22",
        "quote-format",
        [(str(t), number(2, "<H", t)) for t in (0, 1, 3)],
        status="",
    ),
    Fault(
        "TDX quote read as one for SGX",
        "P22 P13",
        "quote-format",
        number(4, "<I", 0x81),
        choice="quote version",
    ),
    Fault(
        "quoting enclave of another vendor, signed by it",
        "P22",
        "quote-format",
        quoted(fields={"qe_vendor_id": bytes(16)}),
    ),
    *each(
        "signature length", "P23", "quote-format", [(w, number(432, "<I", n)) for w, n in _SIZES]
    ),
    *each(
        "signature length",
        "P23",
        "quote-format",
        [
            ("one more", lambda e: number(432, "<I", len(e.quote) - 435)(e)),
            ("one less", lambda e: number(432, "<I", len(e.quote) - 437)(e)),
            ("the whole quote", lambda e: number(432, "<I", len(e.quote))(e)),
        ],
    ),
    *each(
        "authentication data length",
        "P23",
        "quote-format",
        [
            (w, number(1012, "<H", n))
            for w, n in (("nothing", 0), ("one less", 31), ("one more", 33), ("65535", 0xFFFF))
        ],
    ),
    *each(
        "certification data length",
        "P23",
        "quote-format",
        [(w, _length(n)) for w, n in _SIZES],
    ),
    *each(
        "certification data type",
        "P23 P32",
        "quote-format",
        [(str(t), quoted(certification_type=t)) for t in (0, 6, 7, 0xFFFF)],
    ),
    *each(
        "quote cut short",
        "P23 P32",
        "quote-format",
        [
            (w, spliced(_cut(n)))
            for w, n in (
                ("empty", 0),
                ("one byte", 1),
                ("inside the header", 47),
                ("inside the report", 431),
                ("after the report", 432),
                ("inside the signature", 1000),
                ("inside the certificates", 2000),
                ("by one byte", -1),
            )
        ],
    ),
    *each(
        "bytes after the quote",
        "P23",
        "quote-format",
        [
            (w, spliced(_longer(more)))
            for w, more in (("one", b"\0"), ("16", bytes(16)), ("4096", b"\xff" * 4096))
        ],
        choice="trailing bytes",
    ),
    Fault("not a quote at all", "P32", "quote-format", spliced(lambda q: b"quote" * 300)),
    Fault(
        "INIT bit clear",
        "P20",
        "quote-format",
        quoted(body={"attributes_flags": 0x4}),
        choice="INIT bit",
    ),
    *each(
        "reserved part of the report used",
        "P20",
        "quote-format",
        [
            ("bit 3", quoted(body={"attributes_flags": 0xD})),
            ("bit 63", quoted(body={"attributes_flags": 0x5 | 1 << 63})),
            ("after MISCSELECT", quoted(body={"reserved1": bytes(11) + b"\1"})),
            ("after MRENCLAVE", quoted(body={"reserved2": b"\1" + bytes(31)})),
            ("after MRSIGNER", quoted(body={"reserved3": b"\1" + bytes(31)})),
            ("after CONFIGSVN", quoted(body={"reserved4": bytes(41) + b"\x80"})),
        ],
        choice="reserved bits",
    ),
    *each(
        "key separation and sharing used without its bit",
        "P20 P22",
        "quote-format",
        [
            ("CONFIGID", quoted(body={"config_id": b"\1" + bytes(63)})),
            ("CONFIGSVN", quoted(body={"config_svn": 1})),
            ("ISVFAMILYID", quoted(body={"isv_family_id": bytes(15) + b"\1"})),
            ("ISVEXTPRODID", quoted(body={"isv_ext_prod_id": b"\1" * 16})),
        ],
        choice="reserved bits",
    ),
    *each(
        "reserved part of the quoting enclave's report used",
        "P01 P20",
        "quote-format",
        [
            ("bytes", quoted(qe_body={"reserved2": b"\1" + bytes(31)})),
            ("CONFIGID", quoted(qe_body={"config_id": b"\1" * 64})),
        ],
        choice="reserved bits",
    ),
    *each(
        "authentication data of another size",
        "P23",
        "quote-format",
        [(str(n), quoted(auth_data=bytes(n))) for n in (1, 31, 33, 64, 4096)],
        choice="authentication data",
    ),
    *[
        Fault(
            f"one bit flipped: {part}",
            "P19 P22 P32",
            fails,
            bit(part),
            choice=_LENGTHS.get(part, ""),
        )
        for part, fails in (
            ("version", "quote-format"),
            ("key type", "quote-format"),
            ("TEE type", "quote-format"),
            ("vendor", "quote-format"),
            ("QE and PCE SVN", "quote-signature"),
            ("user data", "quote-signature"),
            ("report", "quote-signature"),
            ("signature length", "quote-format"),
            ("signature", "quote-signature"),
            ("attestation key", "qe-report-binding quote-signature"),
            ("QE report", "qe-report-signature"),
            ("QE report signature", "qe-report-signature"),
            ("auth length", "quote-format"),
            ("auth data", "qe-report-binding"),
            ("certification type", "pck-chain"),
            ("certification length", "quote-format"),
        )
    ],
]
