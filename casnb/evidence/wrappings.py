"""Every wrapping that evidence comes in, one row each: `casnb decode`, its help and its
documentation read this table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from casnb.base.errors import EvidenceError
from casnb.evidence import containers, dumps, text_forms
from casnb.evidence.piece import Piece


@dataclass(frozen=True)
class Wrapping:
    """One wrapping: its name, what it looks like, a sample of it, and what opens it.

    `open` returns what was inside, in order, or None where the bytes are not of this form; it
    raises EvidenceError where they are and are damaged. It must be linear in their size.
    `nothing` says why, where the form is certain and nothing in it was evidence.
    """

    name: str
    meaning: str
    sample: str
    open: Callable[[Piece], Sequence[Piece] | None]
    nothing: Callable[[Piece], EvidenceError] | None = None


def _dump(name: str, meaning: str, sample: str, unit: dumps.Unit) -> Wrapping:
    return Wrapping(name, meaning, sample, dumps.opener(unit))


#: In the order in which they are tried: the more a form demands, the earlier. What leads to
#: nothing known is given up, and the next one is tried.
WRAPPINGS: list[Wrapping] = [
    Wrapping(
        "Open Enclave report header",
        "16 bytes of version, type and size before the quote",
        "01 00 00 00 02 00 00 00 ...",
        containers.open_oe_report,
    ),
    Wrapping(
        "Open Enclave evidence header",
        "28 bytes of version, format and size before the quote",
        ".. a3 a2 1e 87 1b 4d 40 14 ...",
        containers.open_oe_evidence,
    ),
    Wrapping(
        "a quote and more",
        "padding or claims follow the quote; its own length says where it ends",
        "<quote> 00 00 00",
        containers.open_more,
    ),
    _dump(
        "hex dump",
        "xxd, hexdump -C, od -t x1, gdb, Format-Hex: an offset, then bytes",
        "00000000: 0300 0200 0000 0000  ........",
        dumps.HEX,
    ),
    _dump(
        "dump of hex words",
        "hexdump, od -x, xxd -e: words with their low byte first",
        "0000000 0003 0002 0000 0000",
        dumps.WORDS,
    ),
    _dump("dump of octal bytes", "od -b, hexdump -b", "0000000 003 000 002 000", dumps.OCTAL),
    _dump("dump of octal words", "od", "0000000 000003 000002", dumps.OCTAL_WORDS),
    _dump("dump of decimal bytes", "od -t u1, od -t d1", "0000000   3   0   2   0", dumps.DECIMAL),
    _dump(
        "dump of decimal words",
        "hexdump -d, od -t u2, od -t d2",
        "0000000   00003   00002",
        dumps.DECIMAL_WORDS,
    ),
    _dump("dump of bits", "xxd -b", "00000000: 00000011 00000000", dumps.BITS),
    _dump(
        "dump of characters",
        "od -c, hexdump -c",
        r"0000000 003  \0 002  \0",
        dumps.CHARACTERS,
    ),
    Wrapping(
        "HTTP answer",
        "what `curl -i` or `curl -v` prints: status, headers, an empty line, the body",
        "HTTP/1.1 200 OK",
        containers.open_http,
    ),
    Wrapping(
        "JSON",
        "members at any depth that are texts, lists of numbers or objects; JSON lines",
        '{"quote": "AwACAA...", "more": {}}',
        containers.open_json,
        containers.unknown_json,
    ),
    Wrapping(
        "escaped string",
        "literals of C, Python, Go, Rust or a shell; a text with its line ends written out",
        r'"\x03\x00\x02" or "\003\000"',
        text_forms.open_escaped,
    ),
    Wrapping(
        "PEM",
        "blocks between dashed lines, any text around them",
        "-----BEGIN CERTIFICATE-----",
        containers.open_pem,
    ),
    Wrapping(
        "data URL",
        "data: with base64 or percent signs",
        "data:application/octet-stream;base64,AwACAA...",
        text_forms.open_data_url,
    ),
    Wrapping(
        "hex",
        "digits in either case; 0x, \\x, colons, spaces and commas between them; in lines",
        "0x03000200 or 03:00:02:00",
        text_forms.open_hex,
    ),
    Wrapping(
        "hex words",
        "words of 16, 32 or 64 bits without offsets, low byte first",
        "0003 0002 0000 0000",
        text_forms.open_words,
    ),
    Wrapping(
        "list of numbers",
        "arrays of C, Rust, Go, Java (signed), Python, JavaScript: decimal, hex, octal",
        "{0x03, 0x00} or vec![3u8, 0] or (byte) 0x93",
        text_forms.open_numbers,
    ),
    Wrapping(
        "URL-encoded text",
        "percent signs, as in the headers of Intel's services",
        "-----BEGIN%20CERTIFICATE-----%0A",
        text_forms.open_percent,
    ),
    Wrapping(
        "base64",
        "either alphabet, padded or not, in lines or not",
        "AwACAAAAAAAK... or AwACAAAAAAAK-_",
        text_forms.open_base64,
    ),
    Wrapping(
        "hex in a text",
        "an assignment, a shell variable, a log, a message, a prompt",
        'export QUOTE="0300..."',
        text_forms.open_hex_runs,
    ),
    Wrapping(
        "base64 in a text",
        "the same with base64",
        "quote: AwACAA...",
        text_forms.open_base64_runs,
    ),
]
