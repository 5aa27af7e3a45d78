"""One piece of evidence in every form in which people paste it: name to text or bytes.

What xxd, hexdump and od print is written out here by their rules, so that the table is the same
on machines without them.
"""

from __future__ import annotations

import base64
import json
import textwrap
import urllib.parse
from collections.abc import Callable, Iterable, Mapping

Form = Callable[[bytes], "str | bytes"]


def lines(data: bytes, size: int, form: Callable[[int, bytes], str]) -> str:
    return "\n".join(form(n, data[n : n + size]) for n in range(0, len(data), size))


def shown(data: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 else "." for b in data)


def xxd(data: bytes) -> str:
    def row(n: int, r: bytes) -> str:
        cells = " ".join(r[k : k + 2].hex() for k in range(0, len(r), 2))
        return f"{n:08x}: {cells:<39}  {shown(r)}"

    return lines(data, 16, row) + "\n"


def hexdump_c(data: bytes) -> str:
    """hexdump -C with `*` for lines that repeat."""
    out: list[str] = []
    last, starred = b"", False
    for n in range(0, len(data), 16):
        row = data[n : n + 16]
        if row == last and len(row) == 16:
            out += [] if starred else ["*"]
            starred = True
            continue
        last, starred = row, False
        cells = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}"
        out.append(f"{n:08x}  {cells:<48}  |{shown(row)}|")
    return "\n".join([*out, f"{len(data):08x}", ""])


def words(data: bytes, size: int, form: str, offset: str = "07o") -> str:
    """Like od: words of `size` bytes, low byte first, offsets in octal."""

    def row(n: int, r: bytes) -> str:
        parts = (r[k : k + size] for k in range(0, len(r), size))
        return f"{n:{offset}} " + " ".join(f"{int.from_bytes(p, 'little'):{form}}" for p in parts)

    return lines(data, 16, row) + f"\n{len(data):{offset}}\n"


def characters(data: bytes) -> str:
    """od -c."""
    names = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}

    def one(byte: int) -> str:
        return names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"{byte:03o}")

    return lines(data, 16, lambda n, r: f"{n:07o}" + "".join(f"{one(b):>4}" for b in r)) + "\n"


def numbers(data: bytes, form: str, joint: str = ", ") -> str:
    return joint.join(form.format(b) for b in data)


def signed(data: bytes) -> list[int]:
    return [b - 256 if b > 127 else b for b in data]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def wrap(text: str, width: int = 64) -> list[str]:
    return textwrap.wrap(text, width)


def joined(rows: Iterable[str], before: str, after: str, between: str) -> str:
    return between.join(f"{before}{row}{after}" for row in rows)


#: What the form is called in `str(reading)`, and how it is made.
FORMS: Mapping[str, tuple[str, Form]] = {
    "hex in capitals": ("hex", lambda d: d.hex().upper()),
    "hex in quotes after 0x": ("hex", lambda d: f"'0x{d.hex()}'\n"),
    "hex with colons": ("hex", lambda d: d.hex(":")),
    "hex with spaces": ("hex", lambda d: d.hex(" ")),
    "hex, 0x before each": ("hex", lambda d: numbers(d, "0x{:02x}", " ")),
    "hex in odd lines": ("hex", lambda d: "\n".join(wrap(d.hex(), 75))),
    "hex, CRLF": ("hex", lambda d: "\r\n".join(wrap(d.hex()))),
    "hex after a byte order mark": ("hex", lambda d: b"\xef\xbb\xbf" + d.hex().encode()),
    "hex in UTF-16": ("hex", lambda d: d.hex().encode("utf-16")),
    "hex in UTF-16 without a mark": ("hex", lambda d: d.hex().encode("utf-16-le")),
    "hex of PostgreSQL": ("hex", lambda d: f"\\x{d.hex()}"),
    "hex in colour": ("hex", lambda d: f"\x1b[32m{d.hex()}\x1b[0m"),
    "Rust, {:x?}": ("hex", lambda d: f"[{numbers(d, '{:x}')}]"),
    "xxd": ("hex dump", xxd),
    "xxd after a prompt": ("hex dump", lambda d: f"$ xxd quote.bin\n{xxd(d)}$ \n"),
    "xxd, CRLF": ("hex dump", lambda d: xxd(d).replace("\n", "\r\n")),
    "hexdump -C": ("hex dump", hexdump_c),
    "od -t x1": ("hex dump", lambda d: words(d, 1, "02x")),
    "od -A d -t x1": ("hex dump", lambda d: words(d, 1, "02x", "07d")),
    "gdb x/8xb": (
        "hex dump",
        lambda d: lines(
            d, 8, lambda n, r: f"0x7ffe{n:06x} <q+{n}>:\t0x" + r.hex(" ").replace(" ", "\t0x")
        ),
    ),
    "hexdump": ("dump of hex words", lambda d: words(d, 2, "04x", "07x")),
    "od -x": ("dump of hex words", lambda d: words(d, 2, "04x")),
    "od -t x8": ("dump of hex words", lambda d: words(d, 8, "016x")),
    "od": ("dump of octal words", lambda d: words(d, 2, "06o")),
    "od -b": ("dump of octal bytes", lambda d: words(d, 1, "03o")),
    "od -t u1": ("dump of decimal bytes", lambda d: words(d, 1, "3d")),
    "hexdump -d": ("dump of decimal words", lambda d: words(d, 2, "05d", "07x")),
    "xxd -b": (
        "dump of bits",
        lambda d: lines(d, 6, lambda n, r: f"{n:08x}: " + " ".join(f"{b:08b}" for b in r)),
    ),
    "od -c": ("dump of characters", characters),
    "od -An -x": ("hex words", lambda d: "\n".join(r[8:] for r in words(d, 2, "04x").splitlines())),
    "C array": (
        "list of numbers",
        lambda d: f"const uint8_t q[] = {{\n{numbers(d, '0x{:02X}U,', ' ')}\n}}; // {len(d)}",
    ),
    "C array with comments": (
        "list of numbers",
        lambda d: (
            "{" + lines(d, 8, lambda n, r: numbers(r, "0x{:02x},", " ") + f" /* {n} */") + "}"
        ),
    ),
    "JSON list": ("a list of numbers", lambda d: json.dumps(list(d))),
    "Rust vec": ("list of numbers", lambda d: f"let q = vec![{d[0]}u8, {numbers(d[1:], '{}')}];"),
    "Rust debug": ("list of numbers", lambda d: "[\n" + numbers(d, "    {},\n", "") + "]"),
    "Go slice": ("list of numbers", lambda d: f"q := []byte{{{numbers(d, '0x{:x}')}}}"),
    "Go print": ("list of numbers", lambda d: f"[{numbers(d, '{}', ' ')}]"),
    "Java, signed": ("list of numbers", lambda d: f"byte[] q = {{{str(signed(d))[1:-1]}}};"),
    "Java, cast": ("list of numbers", lambda d: f"new byte[] {{{numbers(d, '(byte) 0x{:02X}')}}}"),
    "Python bytes()": ("list of numbers", lambda d: f"q = bytes([{numbers(d, '{}')}])"),
    "assembler": (
        "list of numbers",
        lambda d: lines(d, 8, lambda n, r: "\t.byte " + numbers(r, "0x{:02x}", ",")),
    ),
    "one number a line": ("list of numbers", lambda d: numbers(d, "{}", "\n")),
    "YAML list": ("list of numbers", lambda d: numbers(d, "- {}", "\n")),
    "Python repr": ("escaped string", lambda d: repr(d)),
    "C strings": (
        "escaped string",
        lambda d: (
            "char q[] =\n" + lines(d, 16, lambda n, r: f'  "{numbers(r, chr(92) + "x{:02x}", "")}"')
        ),
    ),
    "octal escapes": ("escaped string", lambda d: '"' + numbers(d, "\\{:03o}", "") + '"'),
    "base64url without padding": ("base64", url),
    "base64url in lines": ("base64", lambda d: "\n".join(wrap(url(d)))),
    "base64, CRLF": ("base64", lambda d: base64.encodebytes(d).replace(b"\n", b"\r\n")),
    "data URL": ("data URL", lambda d: f"data:application/octet-stream;base64,{b64(d)}"),
    "percent signs": ("URL-encoded text", lambda d: numbers(d, "%{:02X}", "")),
    "base64 in percent signs": (
        "base64 in URL-encoded text",
        lambda d: urllib.parse.quote(b64(d) + "\n", safe=""),
    ),
    "PEM": (
        "PEM (QUOTE)",
        lambda d: "\n".join(
            ["text", "-----BEGIN QUOTE-----", *wrap(b64(d)), "-----END QUOTE-----"]
        ),
    ),
    "PEM on one line": (
        "PEM (QUOTE) in escaped string",
        lambda d: (
            "-----BEGIN QUOTE-----\\n" + "\\n".join(wrap(b64(d))) + "\\n-----END QUOTE-----\\n"
        ),
    ),
    "JSON member": ("base64 in JSON member quote", lambda d: json.dumps({"n": 1, "quote": b64(d)})),
    "JSON, deep": (
        "hex in JSON member a.b[1].quote",
        lambda d: json.dumps({"a": {"b": [{}, {"quote": d.hex()}]}}),
    ),
    "JSON, numbers": (
        "JSON member data",
        lambda d: json.dumps({"type": "Buffer", "data": list(d)}),
    ),
    "JSON in JSON": (
        "base64 in JSON member quote in JSON member body",
        lambda d: json.dumps({"body": json.dumps({"quote": url(d)})}),
    ),
    "JSON lines": (
        "base64 in JSON member quote in JSON value",
        lambda d: json.dumps({"n": 1}) + "\n" + json.dumps({"quote": b64(d)}) + "\n",
    ),
    "JSON text": ("base64 in a quoted text", lambda d: json.dumps(b64(d))),
    "JSON member alone": ("base64 in a text", lambda d: f'  "quote": "{b64(d)}",\n'),
    "shell variable": ("base64 in a text", lambda d: f'export QUOTE="{b64(d)}"\n'),
    "shell variable, hex": ("hex in a text", lambda d: f"QUOTE={d.hex()}\n"),
    "shell variable over lines": ("hex in a text", lambda d: "QUOTE=" + "\\\n".join(wrap(d.hex()))),
    "YAML block": (
        "base64 in a text",
        lambda d: "quote: |\n" + joined(wrap(b64(d)), "  ", "", "\n") + "\nafter: yes\n",
    ),
    "a letter": (
        "hex in a text",
        lambda d: "Hello,\n\n" + joined(wrap(d.hex()), "> ", "", "\n") + "\n\nThanks\n",
    ),
    "a log line": ("hex in a text", lambda d: f"2024-01-02 INFO quote={d.hex()} len={len(d)}\n"),
    "Java strings": ("hex in a text", lambda d: "q = " + joined(wrap(d.hex()), '"', '"', "\n  + ")),
    "C strings of base64": (
        "base64 in a text",
        lambda d: "q =\n" + joined(wrap(b64(d)), '  "', '"', "\n"),
    ),
    "Open Enclave report": (
        "Open Enclave report header",
        lambda d: bytes.fromhex("0100000002000000") + len(d).to_bytes(8, "little") + d,
    ),
    "padding": ("raw", lambda d: d + bytes(99)),
    "padding in base64": ("base64", lambda d: b64(d + bytes(2))),
    "hex of hex": ("hex in hex", lambda d: d.hex().encode().hex()),
}
