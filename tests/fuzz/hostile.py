"""A megabyte of trouble: inputs that cost a careless reader minutes or gigabytes, one for each
way that we know.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

SIZE = 1 << 20


def fill(unit: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """As many units as fit, one megabyte in all."""
    return before + unit * ((SIZE - len(before) - len(after)) // len(unit)) + after


def members(after: bytes) -> bytes:
    """An object of a hundred thousand members with names of their own."""
    return b"{" + b",".join(b'"%05x":0' % n for n in range(90_000)) + after


def nested_der() -> bytes:
    out = b""
    while len(out) < 65_000:
        out = b"\x30\x82" + len(out).to_bytes(2, "big") + out
    return out


def long_der(content: bytes) -> bytes:
    return b"\x30\x83" + len(content).to_bytes(3, "big") + content


def ledger() -> bytes:
    create = b"ECREATE\0" + (1).to_bytes(4, "little") + (1 << 30).to_bytes(8, "little") + bytes(44)
    pages = (
        b"EADD\0\0\0\0"
        + (4096 * n).to_bytes(8, "little")
        + (0x203).to_bytes(8, "little")
        + bytes(40)
        for n in range(16_000)
    )
    return create + b"".join(pages)


def _short_quote() -> bytes:
    """A header with Intel's vendor id, and a signature of one byte."""
    head = bytes((3, 0, 2, 0)) + bytes(8) + bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
    return head + bytes(432 - len(head)) + bytes((1, 0, 0, 0, 0))


_HEAD = b"<table><tr><th>Address<th>MrEnclave</tr>"
INPUTS: Mapping[str, Callable[[], bytes]] = {
    "zeros": lambda: bytes(SIZE),
    "ones": lambda: fill(b"\xff"),
    "spaces": lambda: fill(b" "),
    "spaces before an object": lambda: fill(b" ", after=b"{}"),
    "hex digits": lambda: fill(b"00"),
    "base64": lambda: fill(b"AAAA"),
    "base64 of base64 of base64": lambda: base64.b64encode(
        base64.b64encode(base64.b64encode(bytes(SIZE * 27 // 64 - 9)))
    ),
    "PEM that begins": lambda: fill(b"-----BEGIN A-----"),
    "PEM that begins and ends otherwise": lambda: fill(
        b"-----BEGIN A-----\nAAAA\n-----END B-----\n"
    ),
    "PEM without end": lambda: fill(b"A", b"-----BEGIN CERTIFICATE-----\n"),
    "PEM of spaces": lambda: fill(
        b"\n", b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----"
    ),
    "PEM of a large block": lambda: (
        b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(long_der(bytes(700_000)))
        + b"-----END CERTIFICATE-----\n"
    ),
    "hex with prefixes": lambda: fill(b"0x00 "),
    "hex in pairs": lambda: fill(b"00:"),
    "hex of hex of hex": lambda: bytes(SIZE // 8).hex().encode().hex().encode().hex().encode(),
    "numbers": lambda: fill(b"0, "),
    "numbers of three digits": lambda: fill(b"255,"),
    "numbers with casts": lambda: fill(b"(byte) 0x00, "),
    "numbers, half of a list": lambda: fill(b"0x", b"{"),
    "casts that never end": lambda: fill(b"( a "),
    "comments that never end": lambda: fill(b"/* * "),
    "dump: lines of xxd": lambda: b"".join(
        b"%08x: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n" % (16 * n)
        for n in range(SIZE // 68)
    ),
    "dump: one star": lambda: fill(b" ", b"00000000  00\n00000001  00\n*\nffffffff  00\n"),
    "dump: offsets alone": lambda: fill(b"00000000\n"),
    "dump: all stars": lambda: fill(b"*\n", b"00000000  00 00\n00000002  00 00\n"),
    "dump: a wrong step": lambda: fill(b"00000000: 0000  ..\n00000002: 0000  ..\n"),
    "escapes": lambda: fill(b"\\x00"),
    "escapes in quotes": lambda: fill(b'"\\x00" '),
    "quotes that never end": lambda: fill(b'\\x00"'),
    "line ends written out": lambda: fill(b"\\n"),
    "percent signs": lambda: fill(b"%00"),
    "data URLs": lambda: fill(b"data:;base64,"),
    "runs of hex": lambda: fill(b"q=" + b"0" * 120 + b";"),
    "runs of base64": lambda: fill(b"q=" + b"A" * 60 + b";"),
    "lines of base64": lambda: fill(b"A" * 60 + b"\n"),
    "lines of base64 in quotes": lambda: fill(b'"' + b"A" * 60 + b'"\n'),
    "underscores": lambda: fill(b"_", b"q = "),
    "a name that never ends": lambda: fill(b"a", b"", b" = " + b"0" * 200),
    "UTF-16": lambda: fill("A".encode("utf-16-le")),
    "HTTP: status lines": lambda: fill(b"HTTP/1.1 200 OK\r\n"),
    "HTTP: headers": lambda: fill(b"a: b\r\n", b"HTTP/1.1 200 OK\r\n"),
    "HTTP: one header": lambda: fill(b"a", b"HTTP/1.1 200 OK\r\nA: "),
    "quotes in a row": lambda: fill(_short_quote()),
    "Open Enclave headers": lambda: fill(
        bytes.fromhex("0100000002000000") + (1 << 20).to_bytes(8, "little")
    ),
    "JSON: texts that hold texts": lambda: fill(b'"' + b"A" * 60 + b'",', b"[", b'""]'),
    "JSON: values one after another": lambda: fill(b'{"a":1}\n'),
    "JSON: objects in objects": lambda: (
        b'{"a":' * 30 + fill(b'{"b":{}},', b"[", b"{}]") + b"}" * 30
    ),
    "JSON: nested lists": lambda: fill(b"["),
    "JSON: nested objects": lambda: fill(b'{"a":'),
    "JSON: nested lists, closed": lambda: (
        b'{"a":' + b"[" * (SIZE // 2 - 3) + b"]" * (SIZE // 2 - 3) + b"}"
    ),
    "JSON: empty lists": lambda: fill(b"[],", b'{"proof_data":[', b"[]]}"),
    "JSON: empty objects": lambda: fill(b"{},", b'{"tcbLevels":[', b"{}]}"),
    "JSON: small objects": lambda: fill(b'{"a":1},', b'{"version":3,"tcbLevels":[', b"{}]}"),
    "JSON: numbers": lambda: fill(b"1,", b'{"report":[', b"1]}"),
    "JSON: one number": lambda: fill(b"1", b'{"version":', b"}"),
    "JSON: one fraction": lambda: fill(b"1", b'{"version":0.', b"}"),
    "JSON: one string": lambda: fill(b"a", b'{"type":"', b'"}'),
    "JSON: escapes": lambda: fill(b"\\u0041", b'{"type":"', b'"}'),
    "JSON: half a pair": lambda: fill(b"\\ud800", b'{"type":"', b'"}'),
    "JSON: backslashes": lambda: fill(b"\\", b'{"type":"'),
    "JSON: many members": lambda: members(b"}"),
    "JSON: many members, the last one twice": lambda: members(b',"15f8f":0}'),
    "DER: nested": nested_der,
    "DER: one large value": lambda: long_der(bytes(SIZE - 5)),
    "DER: small values": lambda: long_der(long_der(b"\x05\0" * (SIZE // 2 - 8))),
    "CBOR: nested": lambda: fill(b"\x81"),
    "CBOR: wide": lambda: fill(b"\x00", b"\x98\x40"),
    "SGXS: pages": ledger,
    "quote: certificates of a megabyte": lambda: (
        bytes((3, 0, 2, 0))
        + bytes(428)
        + (SIZE - 436).to_bytes(4, "little")
        + bytes(578)
        + b"\5\0"
        + (SIZE - 1020).to_bytes(4, "little")
        + bytes(SIZE - 1020)
    ),
    "page: open tags": lambda: fill(b" ", b"<table>" * 9_990, b">"),
    "page: nested tables": lambda: fill(b" ", b"<table><tr><td>" * 3_300, b">"),
    "page: many cells": lambda: fill(b" ", _HEAD + b"<tr>" + b"<td>" * 9_900, b">"),
    "page: many rows": lambda: fill(b" ", _HEAD + b"<tr><td>a<td>b" * 3_300, b"</table>"),
    "page: comments": lambda: fill(b" ", b"<!-- " * 9_000, b">"),
    "page: comments that end late": lambda: fill(b"-", b"<!-- " * 9_000, b"-->"),
    "page: declarations": lambda: fill(b"x", b"<!x" * 9_000, b">"),
    "page: marked sections": lambda: fill(b"x", b"<![" * 9_000, b">"),
    "page: CDATA": lambda: fill(b"]", b"<![CDATA[" * 9_000, b">"),
    "page: instructions": lambda: fill(b"?", b"<?" * 9_000, b">"),
    "page: end tags": lambda: fill(b" ", b"</" * 9_000, b">"),
    "page: scripts": lambda: fill(b"x", b"<script></s" * 4_900, b">"),
    "page: attributes": lambda: fill(b" a=1", b"<a", b">"),
    "page: attributes without end": lambda: fill(b"a", b"<a b='" * 9_000, b">"),
    "page: quotes": lambda: fill(b"'", b"<a " * 9_000, b">"),
    "page: characters": lambda: fill(b"&#x41;", b"<table>", b"</table>"),
    "page: ampersands": lambda: fill(b"&", b"<table>", b"</table>"),
    "page: example lines": lambda: fill(
        b"scone cas attest ", _HEAD + b"<tr><td>a<td>b</table>", b"<p>"
    ),
}
