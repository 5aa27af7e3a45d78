"""Samples and what is done to them: the one set of mutations that tests, the driver and the
coverage-guided target share.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Span = tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """One input to start from. All that mutations need to know of it is found once.

    `lengths` are where lengths stand, with their byte order; `signatures` where r and s do (64
    bytes). `tokens` are the JSON values of a text, `pairs` whole members, `wrapped` the runs of
    hex, base64 and PEM in it. The first `head` bytes stay.
    """

    name: str
    data: bytes
    lengths: tuple[tuple[int, int, str], ...] = ()
    signatures: tuple[int, ...] = ()
    tokens: tuple[Span, ...] = ()
    pairs: tuple[Span, ...] = ()
    wrapped: tuple[tuple[int, int, str], ...] = ()
    head: int = 0
    repair: Callable[[bytes], bytes] | None = None

    @classmethod
    def binary(
        cls,
        name: str,
        data: bytes,
        lengths: Sequence[tuple[int, int, str]] = (),
        signatures: Sequence[int] = (),
        repair: Callable[[bytes], bytes] | None = None,
    ) -> Sample:
        """Bytes; `repair` makes their lengths fit again, so that what comes behind a length
        check is reached too.
        """
        return cls(
            name, data, tuple(lengths), tuple(signatures), wrapped=_pem_blocks(data), repair=repair
        )

    @classmethod
    def der(cls, name: str, data: bytes) -> Sample:
        return cls(name, data, der_lengths(data))

    @classmethod
    def text(cls, name: str, data: bytes, head: int = 0) -> Sample:
        """A text; its first `head` bytes say what it is and stay."""
        json = data[head : head + 1] == b"{"
        tokens = tuple(m.span() for m in _TOKEN.finditer(data, head)) if json else ()
        pairs = tuple(m.span() for m in _PAIR.finditer(data, head)) if json else ()
        blocks = _pem_blocks(data)
        coded = [
            (*m.span(), "hex" if _HEX.fullmatch(m[0]) else "base64")
            for m in _CODED.finditer(data, head)
            if not any(start <= m.start() < end for start, end, _ in blocks)
        ]
        return cls(name, data, tokens=tokens, pairs=pairs, wrapped=(*coded, *blocks), head=head)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9]+|true|false|null')
_PAIR = re.compile(rb'"[A-Za-z_]{2,40}": ?(?:"[^"\\]*"|-?[0-9]+|true|false|null|\[\])')
_CODED = re.compile(rb"[0-9A-Za-z+/]{40,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_BLOCK = re.compile(
    rb"-----BEGIN [A-Z0-9 ]+-----(?:\\r|\\n|\s)+((?:[A-Za-z0-9+/=]|\\r|\\n|\s)+?)-----END"
)


def _pem_blocks(data: bytes) -> tuple[tuple[int, int, str], ...]:
    return tuple((*m.span(1), "pem") for m in _BLOCK.finditer(data))


def der_lengths(data: bytes) -> tuple[tuple[int, int, str], ...]:
    """Return where the lengths of all nested DER values stand."""
    out: list[tuple[int, int, str]] = []

    def walk(at: int, stop: int, depth: int) -> None:
        while at + 2 <= stop and depth < 12:
            size, start = data[at + 1], at + 2
            if size & 0x80:
                start += size & 0x7F
                out.append((at + 2, size & 0x7F, "big"))
                size = int.from_bytes(data[at + 2 : start], "big")
            else:
                out.append((at + 1, 1, "big"))
            if start + size > stop:
                return
            if data[at] & 0x20 or data[at] == 4:
                walk(start, start + size, depth + 1)
            at = start + size

    walk(0, len(data), 0)
    return tuple(x for x in out if 0 < x[1] <= 4)


Mutation = Callable[[Random, bytes, Sample, Sequence[Sample]], bytes]


def _at(random: Random, data: bytes, head: int) -> int:
    return head + int(random.random() * (len(data) - head)) if len(data) > head else len(data)


def flip_bit(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at = _at(random, data, sample.head)
    return (
        data[:at] + bytes((data[at] ^ (1 << int(random.random() * 8)),)) + data[at + 1 :]
        if at < len(data)
        else data
    )


def set_byte(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at = _at(random, data, sample.head)
    return data[:at] + random.choice(_BYTES) + data[at + 1 :]


def truncate(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    return data[: _at(random, data, sample.head)]


def append(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    return data + random.choice(_TAILS)


def insert(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at = _at(random, data, sample.head)
    return data[:at] + random.choice(_INSERTS) + data[at:]


def delete(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at = _at(random, data, sample.head)
    return data[:at] + data[at + int(2 ** (random.random() * 9)) :]


def repeat(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at = _at(random, data, sample.head)
    size = int(2 ** (random.random() * 11))
    return data[: at + size] + data[at:]


def exchange(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """Swap two ranges of the same size."""
    size = random.choice((1, 2, 4, 16, 32, 64))
    a, b = sorted((_at(random, data, sample.head), _at(random, data, sample.head)))
    if b - a < size:
        return data
    return (
        data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]
    )


def splice(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """The beginning of one sample and the end of another, cut at the same place."""
    other = random.choice(others).data
    at = _at(random, data, sample.head)
    return data[:at] + other[at:]


def graft(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """A range of another sample in the place of the same range."""
    other = random.choice(others).data
    at = _at(random, data, sample.head)
    end = at + int(2 ** (random.random() * 10))
    return data[:at] + other[at:end] + data[min(end, len(other)) if end > len(other) else end :]


def transplant(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """A range of another sample, from anywhere, put in anywhere."""
    other = random.choice(others).data
    at, start, size = (
        _at(random, data, sample.head),
        int(random.random() * len(other)),
        int(2 ** (random.random() * 10)),
    )
    return data[:at] + other[start : start + size] + data[at + int(random.random() * 2) * size :]


def edge_length(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    at, size, order = random.choice(sample.lengths)
    real = int.from_bytes(data[at : at + size], "little" if order == "little" else "big")
    value = random.choice(
        (0, 1, real - 1, real + 1, len(data), 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1)
    ) % (1 << 8 * size)
    return (
        data[:at]
        + value.to_bytes(size, "little" if order == "little" else "big")
        + data[at + size :]
    )


def bend_signature(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """r and s at their edges, swapped, turned round, or s as n - s, which signs the same."""
    at = random.choice(sample.signatures)
    raw = data[at : at + 64]
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    r, s = random.choice(
        (
            (0, s),
            (r, 0),
            (ORDER, s),
            (r, ORDER),
            ((1 << 256) - 1, s),
            (r, (1 << 256) - 1),
            (s, r),
            (r, ORDER - s),
            (0, 0),
            (1, 1),
            (r + ORDER, s),
            (r, s + ORDER),
            (ORDER - r, s),
            (r, s ^ 1),
        )
    )
    new = (r % (1 << 256)).to_bytes(32, "big") + (s % (1 << 256)).to_bytes(32, "big")
    if random.random() < 0.1:
        new = raw[31::-1] + raw[:31:-1]
    return data[:at] + new + data[at + 64 :]


def unwrap(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """Change what hex, base64 or PEM in the input stands for."""
    start, end, coding = random.choice(sample.wrapped)
    text = data[start:end]
    try:
        inner = (
            bytes.fromhex(text.decode())
            if coding == "hex"
            else base64.b64decode(text.replace(b"\\r", b"").replace(b"\\n", b""))
        )
    except ValueError:
        return data
    plain = Sample(
        "", inner, der_lengths(inner) if inner[:1] == b"\x30" and random.random() < 0.3 else ()
    )
    inner = (edge_length if plain.lengths else random.choice(BYTES))(random, inner, plain, [plain])
    if coding == "hex":
        new = inner.hex().encode()
    else:
        new = base64.b64encode(inner)
        if coding == "pem":
            line = b"\\n" if b"\\n" in text else b"\n"
            new = line.join(new[n : n + 64] for n in range(0, len(new), 64)) + line
    return data[:start] + new + data[end:]


def respace(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """Put a space, a line end or another filler where text may or may not have one."""
    at = _at(random, data, sample.head)
    return (
        data[:at]
        + random.choice((b" ", b"\n", b"\r\n", b"\t", b"\0", b"=", b"\xef\xbb\xbf", b"\\n"))
        + data[at:]
    )


def change_case(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    start = _at(random, data, sample.head)
    end = start + random.choice((1, 2, 8, 64, 4096))
    return data[:start] + data[start:end].swapcase() + data[end:]


def edge_token(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """Another JSON value in the place of one."""
    start, end = random.choice(sample.tokens)
    return data[:start] + random.choice(TOKENS) + data[end:]


def rewrite_token(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """A JSON value spelt or typed in another way."""
    start, end = random.choice(sample.tokens)
    token = data[start:end]
    if token[:1] == b'"':
        inner = token[1:-1]
        token = random.choice(
            (
                b'"%s "',
                b'" %s"',
                b'["%s"]',
                b'"%s\\u0000"',
                b'"%s\\ud800"',
                b'"0x%s"',
                b'"%s%s"',
                b"%s",
            )
        ).replace(b"%s", inner)
        if inner and random.random() < 0.3:
            token = b'"\\u%04x%s"' % (inner[0], inner[1:])
    else:
        token = random.choice(
            (b"%s.0", b"%se0", b'"%s"', b"-%s", b"0%s", b"+%s", b"%s0", b"[%s]", b"1%s")
        ).replace(b"%s", token)
    return data[:start] + token + data[end:]


def move_token(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """A value of this sample in the place of another."""
    (start, end), (a, b) = random.choice(sample.tokens), random.choice(sample.tokens)
    return data[:start] + data[a:b] + data[end:]


def repeat_pair(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    """A member twice: the same, or with another value before or after."""
    start, end = random.choice(sample.pairs)
    pair = data[start:end]
    name = pair[: pair.index(b":") + 1]
    other = random.choice(
        (
            pair,
            name + random.choice(TOKENS),
            pair.replace(b'"', b'"\\u00', 1),
            name.swapcase() + b"1",
        )
    )
    return data[:start] + random.choice((pair + b"," + other, other + b"," + pair)) + data[end:]


def drop_pair(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    start, end = random.choice(sample.pairs)
    return data[:start] + data[end + (data[end : end + 1] == b",") :]


def nest(random: Random, data: bytes, sample: Sample, others: Sequence[Sample]) -> bytes:
    start, end = random.choice(sample.tokens)
    depth = random.choice((1, 31, 33, 1000, 5000))
    if random.random() < 0.5:
        return data[:start] + b"[" * depth + data[start:end] + b"]" * depth + data[end:]
    return data[:start] + b'{"a":' * depth + data[start:end] + b"}" * depth + data[end:]


_BYTES = tuple(
    bytes((n,))
    for n in (
        0,
        1,
        2,
        3,
        4,
        5,
        0x0A,
        0x20,
        0x22,
        0x2D,
        0x30,
        0x5C,
        0x7B,
        0x7F,
        0x80,
        0xA0,
        0xC0,
        0xFF,
    )
)
_TAILS = (
    b"\0",
    b"\n",
    b" ",
    b"}",
    b"{}",
    b"0",
    bytes(16),
    bytes(4096),
    b"\xff",
    b"-----BEGIN CERTIFICATE-----",
    b"A" * 64,
)
_INSERTS = (
    b"\0",
    b"\xff",
    b"\x80",
    b"<",
    b"&#x110000;",
    b"\xe2\x80\xae",
    b"\x1b[31m",
    b"\xed\xa0\x80",
    b"0" * 64,
    b"[" * 40,
    bytes(4),
    b"\xff" * 4,
    b"\x30\x84\xff\xff\xff\xff",
    b'"',
    b"\\",
    b"-----BEGIN ",
    b"-----END CERTIFICATE-----",
    b"</table>",
    b"1" * 300,
)
_DATES = (
    "2024-02-29T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2016-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "2025-01-01t00:00:00z",
    "2025-01-01T00:00:00+00:00",
    "2025-01-01T00:00:00.5Z",
    "2025-01-01",
)
#: JSON values at the edges of what a reader takes.
TOKENS = (
    b"-1",
    b"0",
    b"1",
    b"-0",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483648",
    b"9223372036854775808",
    b"1e3",
    b"1.0",
    b"1e400",
    b"017",
    b"NaN",
    b"-Infinity",
    b"true",
    b"false",
    b"null",
    b'"17"',
    b"1" * 400,
    b"1" * 4400,
    b'""',
    b'"\\u0000"',
    b'"\\ud800"',
    b"[]",
    b"{}",
    b"[null]",
    b'{"a":1}',
    b'"\xef\xbc\x91\xef\xbc\x97"',
    b'"' + b"A" * 9000 + b'"',
    b'"\xff"',
    b"[" * 40 + b"]" * 40,
    *(f'"{date}"'.encode() for date in _DATES),
    b'"UpToDate"',
    b'"uptodate"',
    b'"OK"',
    b'"GROUP_OUT_OF_DATE"',
    b'"TDX"',
    b'"\\u202e\\u001b[31m"',
    b"2",
    b"3",
    b"4",
    b"5",
)

BYTES: tuple[Mutation, ...] = (
    flip_bit,
    flip_bit,
    flip_bit,
    set_byte,
    truncate,
    append,
    insert,
    delete,
    repeat,
    exchange,
)
SPLICES: tuple[Mutation, ...] = (splice, graft, transplant)
TEXT: tuple[Mutation, ...] = (respace, respace, change_case)
JSON: tuple[Mutation, ...] = (edge_token, edge_token, rewrite_token, move_token, nest)


def mutations(sample: Sample) -> tuple[Mutation, ...]:
    """Return the mutations that make sense for this sample, each as often as it deserves."""
    found = BYTES + SPLICES
    found += (edge_length, edge_length) if sample.lengths else ()
    found += (bend_signature, bend_signature) if sample.signatures else ()
    found += (unwrap, *TEXT) if sample.wrapped else ()
    found += JSON if sample.tokens else ()
    found += (repeat_pair, drop_pair) if sample.pairs else ()
    return found


class Mutator:
    """Everything that mutates the samples of one target."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self._of = {sample.name: mutations(sample) for sample in samples}

    def mutant(self, random: Random) -> bytes:
        """Return a changed sample."""
        return self.change(random, random.choice(self.samples))

    def change(self, random: Random, sample: Sample) -> bytes:
        """Return a sample changed once, now and then more often; what is known of its places
        holds for the first change alone.
        """
        able, data = self._of.get(sample.name) or mutations(sample), sample.data
        for _ in range(8):
            data = random.choice(able)(random, data, sample, self.samples)
            if random.random() < 0.25:
                data = self.worse(random, data, sample.head)
                if random.random() < 0.4:
                    data = self.worse(random, data, sample.head)
            if sample.repair and random.random() < 0.6:
                data = sample.repair(data)
            if data != sample.data:
                break
        return data

    def worse(self, random: Random, data: bytes, head: int = 0) -> bytes:
        """Change any bytes once more."""
        return random.choice(BYTES + SPLICES)(
            random, data, Sample("", data, head=head), self.samples
        )
