"""The SGX extension of a PCK certificate: which platform this is, and how far it is patched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from casnb.base.errors import EvidenceError
from casnb.base.remembered import remembered
from casnb.evidence.der import tlv

_BASE = bytes.fromhex("2a864886f84d010d01")  # 1.2.840.113741.1.13.1
_TCB, _CONFIGURATION = _BASE + b"\2", _BASE + b"\7"
_BOOLEAN, _INTEGER, _OCTETS, _OID, _ENUMERATED, _SEQUENCE = 0x01, 0x02, 0x04, 0x06, 0x0A, 0x30
_SOURCE = "the form of the PCK certificate specification, 1.3"

_Items = dict[int, tuple[int, bytes]]
_COMPONENTS = range(1, 17)
_ABSENT = (0, b"")
#: Tag and content of each integer that has one byte, with its value.
_SMALL = {(_INTEGER, bytes([n])): n for n in range(0x80)}


class _Carrier(Protocol):
    """A certificate: `sgx` is the DER of its SGX extension, None where it has none."""

    sgx: bytes | None


@dataclass(frozen=True)
class PckExtension:
    """What Intel certified about a platform: PPID (16 bytes), FMSPC (6), PCEID (2), the 16
    component SVNs, PCESVN, CPUSVN (16).

    `sgx_type` is 0 standard, 1 scalable, 2 scalable with integrity. The last four are None where
    the certificate has no such item (Processor CA). Source: Intel SGX PCK certificate
    specification, 1.3.
    """

    ppid: bytes
    components: tuple[int, ...]
    pce_svn: int
    cpu_svn: bytes
    pce_id: bytes
    fmspc: bytes
    sgx_type: int
    instance_id: bytes | None = None
    dynamic_platform: bool | None = None
    cached_keys: bool | None = None
    smt_enabled: bool | None = None

    @classmethod
    def from_certificate(cls, certificate: _Carrier) -> PckExtension:
        """Read the extension; raise EvidenceError where it is absent or malformed."""
        if certificate.sgx is None:
            raise EvidenceError("PCK certificate", got="no SGX extension", wanted="one")
        return _extension(certificate.sgx)

    @classmethod
    def from_der(cls, der: bytes) -> PckExtension:
        """Read the extension's value (a SEQUENCE of pairs of OID and value, in any order); raise
        EvidenceError.

        Items that the specification does not know are passed over; one that stands twice is
        refused.
        """
        try:
            items = _items(der, _BASE)
            tcb = _items(_value(items, 2, _SEQUENCE), _TCB)
            settings = _items(_value(items, 7, _SEQUENCE), _CONFIGURATION) if 7 in items else {}
        except IndexError:
            raise _bad("bytes that end too early") from None
        # Most are below 128, one byte each; if one is not, all are read, or refused, one by one.
        components = tuple([_SMALL.get(tcb.get(n, _ABSENT), -1) for n in _COMPONENTS])
        if -1 in components:
            components = tuple([_integer(tcb, n, 0xFF) for n in _COMPONENTS])
        return cls(
            _octets(items, 1, 16),
            components,
            _integer(tcb, 17, 0xFFFF),
            _octets(tcb, 18, 16),
            _octets(items, 3, 2),
            _octets(items, 4, 6),
            _integer(items, 5, 0xFF, _ENUMERATED),
            _octets(items, 6, 16) if 6 in items else None,
            *(_boolean(settings, n) for n in (1, 2, 3)),
        )


@remembered
def _extension(der: bytes) -> PckExtension:
    return PckExtension.from_der(der)


def _bad(why: str) -> EvidenceError:
    return EvidenceError("PCK certificate: SGX extension", got=why, wanted=_SOURCE)


def _items(der: bytes, base: bytes) -> _Items:
    """Return a SEQUENCE of pairs (OID, value) as a mapping from the last part of the OID to tag
    and content of the value.

    The content of a value that is itself a SEQUENCE keeps its tag and length.

    Passes over an OID that is not exactly one part below `base`, or whose last part needs more
    than one byte.
    """
    tag, at, stop = tlv(der, 0, len(der))
    if tag != _SEQUENCE or stop != len(der):
        raise _bad("something else than one sequence")
    found: _Items = {}
    head, size = bytes([_OID, len(base) + 1]) + base, len(base) + 3
    while at < stop:
        tag, start, at = tlv(der, at, stop)
        if tag != _SEQUENCE or der[start] != _OID:
            raise _bad("an item that is not a pair of OID and value")
        known = der.startswith(head, start)
        value = start + size if known else tlv(der, start, at)[2]
        value_tag, content = der[value], value + 2
        if der[value + 1] > 0x7F or content + der[value + 1] != at:
            value_tag, content, end = tlv(der, value, at)
            if end != at:
                raise _bad("an item that is not a pair of OID and value")
        if known:
            number = der[value - 1]
            if number in found:
                raise _bad("an item twice")
            found[number] = value_tag, der[value if value_tag == _SEQUENCE else content : at]
    return found


def _value(items: _Items, number: int, tag: int) -> bytes:
    found = items.get(number)
    if found is None or found[0] != tag:
        raise _bad(f"no item {number} of the right type")
    return found[1]


def _octets(items: _Items, number: int, size: int) -> bytes:
    value = _value(items, number, _OCTETS)
    if len(value) != size:
        raise _bad(f"{len(value)} bytes where {size} are due")
    return value


def _integer(items: _Items, number: int, most: int, tag: int = _INTEGER) -> int:
    raw = _value(items, number, tag)
    if len(raw) == 1 and raw[0] < 0x80:
        return raw[0]
    if not raw or raw[0] & 0x80 or (len(raw) > 1 and raw[0] == 0 and not raw[1] & 0x80):
        raise _bad("an integer that is negative or not in its shortest form")
    value = int.from_bytes(raw, "big")
    if value > most:
        raise _bad(f"the number {value} where at most {most} is due")
    return value


def _boolean(items: _Items, number: int) -> bool | None:
    if number not in items:
        return None
    value = _value(items, number, _BOOLEAN)
    if value not in (b"\0", b"\xff"):
        raise _bad("a truth value that is neither")
    return value == b"\xff"
