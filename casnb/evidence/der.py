"""DER, and of X.509 what evidence in certificates needs: the public key and the extensions."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from casnb.base.errors import EvidenceError

#: No certificate with evidence has more extensions.
EXTENSIONS = 64


@dataclass(frozen=True)
class Key:
    """A certificate's public key: `spki` (SubjectPublicKeyInfo, DER) and `bits`, the content of
    its bit string.
    """

    spki: bytes
    bits: bytes

    @property
    def pem(self) -> bytes:
        """The key in PEM, with the zero byte that ends a C string."""
        return pem_block("PUBLIC KEY", base64.b64encode(self.spki)) + b"\0"


def pem_block(label: str, text: bytes) -> bytes:
    lines = [text[n : n + 64] for n in range(0, len(text), 64)]
    return b"\n".join(
        [f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""]
    )


def tlv(der: bytes, at: int, limit: int) -> tuple[int, int, int]:
    """Return tag, start and end of the DER value at `at`, which must end at `limit` or before;
    raise EvidenceError.
    """
    start = at + 2
    if start <= limit:
        tag, size = der[at], der[at + 1]
        if size >= 0x80:
            count = size & 0x7F
            size = int.from_bytes(der[start : start + count], "big")
            start += count
            # X.690, 10.1: one encoding for each length, or one certificate has many hashes. Three
            # bytes of length are 16 MiB, more than anything read here; count 0 (indefinite) is BER.
            if not 1 <= count <= 3 or start > limit or size < 0x80 or size >> 8 * (count - 1) == 0:
                raise EvidenceError(
                    "DER", got="a length that is not in its shortest form", wanted="DER"
                )
        if start + size <= limit and tag & 0x1F != 0x1F:
            return tag, start, start + size
    raise EvidenceError("DER", got="a value that ends beyond its surroundings", wanted="DER")


def values(
    der: bytes, at: int, limit: int, most: int | None = None
) -> list[tuple[int, int, int, int]]:
    """Return tag, offset, start and end of the DER values from `at` to `limit`, or of the first
    `most` of them; raise EvidenceError where one ends beyond.
    """
    found: list[tuple[int, int, int, int]] = []
    while at < limit and len(found) != most:
        # Most lengths are one byte: read here, for a call each takes longer than the reading.
        start = at + 2
        end = start + der[at + 1] if start <= limit else limit + 1
        if end > limit or end - start > 0x7F or der[at] & 0x1F == 0x1F:
            _, start, end = tlv(der, at, limit)
        found.append((der[at], at, start, end))
        at = end
    return found


def expect(der: bytes, at: int, limit: int, tag: int, what: str) -> tuple[int, int]:
    found, start, end = tlv(der, at, limit)
    if found != tag:
        raise EvidenceError(f"certificate: {what}", got=f"DER tag {found:02x}", wanted=f"{tag:02x}")
    return start, end


def read_key_and_extensions(der: bytes) -> tuple[Key, dict[str, bytes]]:
    """Return the public key and the extensions by their dotted numbers. Source: RFC 5280, 4.1."""
    start, end = expect(der, 0, len(der), 0x30, "outer sequence")
    if end != len(der):
        raise EvidenceError(
            "certificate", got=f"{len(der) - end} further bytes", wanted="nothing after it"
        )
    at, stop = expect(der, start, end, 0x30, "signed part")
    _, at = expect(der, at, stop, 0xA0, "version")
    for tag, what in (
        (0x02, "serial number"),
        (0x30, "algorithm"),
        (0x30, "issuer"),
        (0x30, "validity"),
        (0x30, "subject"),
    ):
        _, at = expect(der, at, stop, tag, what)
    info, after = expect(der, at, stop, 0x30, "public key")
    spki = der[at:after]
    _, bit = expect(der, info, after, 0x30, "public key algorithm")
    bits, bits_end = expect(der, bit, after, 0x03, "public key bits")
    if bits_end != after or der[bits : bits + 1] != b"\0":
        raise EvidenceError("certificate: public key", got="another form", wanted="whole bytes")
    found: dict[str, bytes] = {}
    while after < stop:
        tag, inside, after = tlv(der, after, stop)
        if tag == 0xA3:
            at, last = expect(der, inside, after, 0x30, "extensions")
            while at < last:
                number, value, at = _extension(der, at, last)
                if number in found or len(found) >= EXTENSIONS:
                    raise EvidenceError(
                        f"certificate: extension {number}", got="one too many", wanted="each once"
                    )
                found[number] = value
    return Key(spki, der[bits + 1 : bits_end]), found


def _extension(der: bytes, at: int, limit: int) -> tuple[str, bytes, int]:
    at, end = expect(der, at, limit, 0x30, "extension")
    number, at = expect(der, at, end, 0x06, "extension number")
    name = _dotted(der[number:at])
    if der[at : at + 1] == b"\1":
        _, at = expect(der, at, end, 0x01, "critical")
    value, stop = expect(der, at, end, 0x04, "extension value")
    if stop != end:
        raise EvidenceError(
            f"certificate: extension {name}", got="further bytes", wanted="nothing after its value"
        )
    return name, der[value:stop], end


def _dotted(oid: bytes) -> str:
    if not oid or len(oid) > 32 or oid[-1] & 0x80:
        raise EvidenceError(
            "object identifier", got=oid[:32].hex(), wanted="1 to 32 bytes, the last below 80"
        )
    numbers, value = [], 0
    for byte in oid:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))
