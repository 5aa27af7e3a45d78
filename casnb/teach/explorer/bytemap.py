"""A byte map: one piece of evidence as bytes, the fields that tile them, and the checks that
look at them; linked both ways.

Every printed table, widget and exercise about bytes reads this map, and the map reads the field
tables.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from casnb.base.errors import UsageError
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE, spec_of
from casnb.checks.result import PROOF_IDS
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import read
from casnb.evidence.layout import Field, Layout
from casnb.evidence.ledger import CHUNK_DATA, EADD, ECREATE, EEXTEND, Eadd, Ecreate, Ledger
from casnb.evidence.quote import SIGNED_SIZE, EpidQuote, Quote, placed
from casnb.evidence.quote_layout import (
    AUTH_DATA,
    CERTIFICATION,
    CERTIFICATION_DATA,
    EPID_HEADER,
    EPID_SIGNATURE,
    LENGTH,
    QUOTE_HEADER,
    SIGNATURE_DATA,
)
from casnb.evidence.report import ATTRIBUTE_BITS, KSS, LOCAL_REPORT, REPORT_BODY, ReportBody
from casnb.evidence.sigstruct import SIGNED, SigStruct
from casnb.evidence.sigstruct_layout import SIGSTRUCT

#: What the checks of a quoting enclave's own report compare; the field table speaks of a CAS's.
_QE_CHECKS: Mapping[str, tuple[str, ...]] = {
    "misc_select": ("qe-identity",),
    "attributes_flags": ("qe-identity",),
    "attributes_xfrm": ("qe-identity",),
    "mr_signer": ("qe-identity",),
    "isv_prod_id": ("qe-identity",),
    "isv_svn": ("tcb-status",),
    "report_data": ("qe-report-binding",),
    **{
        f.name: ("quote-format",)
        for f in REPORT_BODY.fields
        if f.kind == "reserved" or f.source == KSS
    },
}
_FIRST_BYTE = frozenset({"debug"})
_IAS = frozenset(i for i in PROOF_IDS if i.startswith("avr-"))
#: More records of a ledger than this are mapped as one row.
RECORD_LIMIT = 1000


@dataclass(frozen=True)
class Spot:
    """A field where it stands: `part` names the structure inside the whole, `id` is unique in
    the map.

    `checks` compare this very field; `covered` are signatures and hashes over a stretch that
    includes it.
    """

    id: str
    part: str
    field: Field
    checks: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def offset(self) -> int:
        return self.field.offset

    @property
    def size(self) -> int:
        return self.field.size

    @property
    def end(self) -> int:
        return self.field.end

    @property
    def reserved(self) -> bool:
        return self.field.kind == "reserved"

    def cut(self, data: bytes) -> bytes:
        """Return this field's bytes."""
        return data[self.offset : self.end]

    def number(self, data: bytes) -> int | None:
        """Return the value of an integer field, None for the others."""
        return (
            int.from_bytes(self.cut(data), "little")
            if self.field.kind in ("u16", "u32", "u64")
            else None
        )

    def show(self, data: bytes) -> str:
        """Return the value as a reader meets it; it holds whatever stands in the bytes, so
        neutralise and escape it.
        """
        cut, number = self.cut(data), self.number(data)
        if self.name == "attributes_flags" and number is not None:
            names = {bit: name for bit, name, _ in ATTRIBUTE_BITS}
            return " ".join(
                [f"0x{number:x}", *(names.get(n, f"bit {n}") for n in range(64) if number >> n & 1)]
            )
        if number is not None:
            return f"{number} (0x{number:x})"
        if len(cut) > 1 and not any(cut):
            return f"{len(cut)} zero bytes"
        if self.name in ("tag", "certification_data") and cut[:1].isascii():
            return cut[:64].rstrip(b"\0").decode("ascii", "replace")
        return cut.hex()


@dataclass(frozen=True)
class ByteMap:
    """Bytes with the fields that tile them. `noun` is what a reader's variable is called,
    `signed` how much a signature covers.
    """

    name: str
    noun: str
    data: bytes = field(repr=False)
    spots: tuple[Spot, ...] = field(repr=False)

    def __post_init__(self) -> None:
        at = 0
        for spot in self.spots:
            if spot.offset != at:
                raise UsageError(
                    f"{self.name}: {spot.id}", got=f"offset {spot.offset}", wanted=str(at)
                )
            at = spot.end
        if at != len(self.data) or len({s.id for s in self.spots}) != len(self.spots):
            raise UsageError(
                self.name,
                got=f"rows that end at {at}",
                wanted=f"{len(self.data)}, each with an id of its own",
            )

    @cached_property
    def _starts(self) -> list[int]:
        return [s.offset for s in self.spots if s.size]

    @cached_property
    def _sized(self) -> list[Spot]:
        return [s for s in self.spots if s.size]

    def with_data(self, data: bytes) -> ByteMap:
        """Return the same fields over other bytes of the same length, whatever they say."""
        return replace(self, data=bytes(data))

    def at(self, offset: int) -> Spot:
        """Return the field that the byte belongs to, or raise UsageError."""
        if not 0 <= offset < len(self.data):
            raise UsageError(
                f"{self.name}: offset", got=offset, wanted=f"0 to {len(self.data) - 1}"
            )
        return self._sized[bisect_right(self._starts, offset) - 1]

    def spot(self, id: str) -> Spot:
        """Return the field with this id (`mr_enclave`, `qe_report.mr_signer`), or raise
        UsageError.
        """
        for spot in self.spots:
            if spot.id == id:
                return spot
        raise UsageError(
            f"{self.name}: field",
            got=id,
            wanted="one of " + ", ".join(s.id for s in self.spots[:60]),
        )

    def value(self, id: str) -> bytes:
        """Return the bytes of a field."""
        return self.spot(id).cut(self.data)

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """The checks that look at any of these bytes, in the order of every result."""
        found = {c for s in self.spots for c in (*s.checks, *s.covered)}
        return tuple(c for c in (*CATALOGUE, *BUILD_CHECKS) if c in found)

    def seen_by(self, check: str) -> tuple[Spot, ...]:
        """Return the fields that a check looks at, compared or covered; none for one that looks
        elsewhere.
        """
        return tuple(s for s in self.spots if check in s.checks or check in s.covered)

    def ranges(self, check: str) -> tuple[tuple[int, int], ...]:
        """Return what a check looks at as merged stretches: first byte, first byte after it.
        `debug` reads one byte of its field.
        """
        out: list[tuple[int, int]] = []
        if check in _FIRST_BYTE:
            return tuple((s.offset, s.offset + 1) for s in self.seen_by(check))
        for s in self.seen_by(check):
            if out and out[-1][1] == s.offset:
                out[-1] = (out[-1][0], s.end)
            elif s.size:
                out.append((s.offset, s.end))
        return tuple(out)

    def differing(self, other: bytes) -> tuple[int, ...]:
        """Return the offsets at which other bytes differ; those that only one of the two has
        count too.
        """
        common = min(len(self.data), len(other))
        found = [n for n in range(common) if self.data[n] != other[n]]
        return (*found, *range(common, max(len(self.data), len(other))))


def check_title(id: str) -> tuple[str, str]:
    """Return a check's title and what it compares."""
    spec = spec_of(id)
    return spec.title, spec.compares


def from_layout(layout: Layout, data: bytes, noun: str = "data") -> ByteMap:
    """Return the map of a structure that one table describes completely; raise EvidenceError for
    another length.
    """
    layout.unpack_exact(data)
    return ByteMap(layout.name, noun, bytes(data), tuple(_spots(layout.fields, "", 0)))


def byte_map(evidence: object) -> ByteMap:
    """Return the map of a report body, local report, quote, SIGSTRUCT or ledger, as a value or
    as bytes that `decode` reads.

    Of an IAS report the map shows the 432 bytes of its quote body, of a CAS report the quote
    inside. Raises EvidenceError where the bytes are none of these, UsageError for another kind
    of value.

    >>> byte_map(bytes(384)).at(48).name
    'attributes_flags'
    """
    if isinstance(evidence, (bytes, bytearray, memoryview)):
        data = bytes(evidence)
        if len(data) == LOCAL_REPORT.size and int.from_bytes(data[:2], "little") not in (2, 3):
            return _body(data, LOCAL_REPORT, "report")
        evidence = read(data).value
    if isinstance(evidence, CasReport):
        return (
            _epid(evidence.quote(), _IAS)
            if evidence.proof_type == "IASReport"
            else byte_map(evidence.quote())
        )
    if isinstance(evidence, SignedAvr):
        evidence = evidence.avr
    if isinstance(evidence, Avr):
        return _epid(evidence.quote, _IAS)
    if isinstance(evidence, EpidQuote):
        return _epid(evidence, frozenset())
    if isinstance(evidence, Quote):
        return _dcap(evidence)
    if isinstance(evidence, ReportBody):
        return _body(evidence.to_bytes(), REPORT_BODY, "body")
    if isinstance(evidence, SigStruct):
        return _sigstruct(evidence)
    if isinstance(evidence, Ledger):
        return _ledger(evidence)
    raise UsageError(
        "byte map",
        got=type(evidence).__name__,
        wanted="a report body, quote, IAS report, CAS report, SIGSTRUCT or ledger, or their bytes",
    )


def _spots(
    fields: Iterable[Field],
    part: str,
    base: int,
    *,
    prefix: str = "",
    drop: frozenset[str] = frozenset(),
    covered: Sequence[str] = (),
) -> Iterable[Spot]:
    for f in fields:
        kept = tuple(c for c in f.checks if c not in drop)
        yield Spot(
            prefix + f.name,
            part,
            placed(f, base + f.offset, f.size),
            kept,
            tuple(c for c in covered if c not in kept),
        )


def _body(data: bytes, layout: Layout, noun: str) -> ByteMap:
    drop = PROOF_IDS
    return ByteMap(layout.name, noun, data, tuple(_spots(layout.fields, layout.name, 0, drop=drop)))


def _epid(quote: object, proof: frozenset[str]) -> ByteMap:
    assert isinstance(quote, EpidQuote)
    drop = PROOF_IDS - proof
    covered = [c for c in ("avr-signature",) if c in proof]
    spots = [
        *_spots(EPID_HEADER.fields, "header", 0, drop=drop, covered=covered),
        *_spots(REPORT_BODY.fields, "report body", EPID_HEADER.size, drop=drop, covered=covered),
    ]
    name = "IAS quote body" if proof else "EPID quote, version 2"
    if quote.signature is not None:
        at = SIGNED_SIZE + LENGTH.size
        spots += [
            *_spots(LENGTH.fields, "signature", SIGNED_SIZE, drop=drop),
            Spot("signature", "signature", placed(EPID_SIGNATURE, at, len(quote.signature))),
        ]
    return ByteMap(name, "quote", quote.to_bytes(), tuple(spots))


def _dcap(quote: Quote) -> ByteMap:
    covered = ("quote-signature",)
    spots = [
        *_spots(QUOTE_HEADER.fields, "header", 0, drop=_IAS, covered=covered),
        *_spots(REPORT_BODY.fields, "report body", QUOTE_HEADER.size, drop=_IAS, covered=covered),
        *_spots(LENGTH.fields, "signature data", SIGNED_SIZE),
    ]
    at = SIGNED_SIZE + LENGTH.size
    for f in SIGNATURE_DATA.fields:
        if f.name != "qe_report":
            spots += _spots((f,), "signature data", at)
            continue
        for row in _spots(
            REPORT_BODY.fields, "QE report", at + f.offset, prefix="qe_report.", covered=f.checks
        ):
            spots.append(replace(row, checks=_QE_CHECKS.get(row.name, ()), covered=f.checks))
    at += SIGNATURE_DATA.size
    spots += _spots((placed(AUTH_DATA, 0, len(quote.auth_data)),), "signature data", at)
    at += len(quote.auth_data)
    spots += _spots(CERTIFICATION.fields, "certification", at)
    spots += _spots(
        (placed(CERTIFICATION_DATA, 0, len(quote.certification_data)),),
        "certification",
        at + CERTIFICATION.size,
    )
    return ByteMap(f"DCAP quote, version {quote.version}", "quote", quote.to_bytes(), tuple(spots))


def _sigstruct(value: SigStruct) -> ByteMap:
    def covered(f: Field) -> tuple[str, ...]:
        return ("sigstruct-signature",) if any(a <= f.offset < b for a, b in SIGNED) else ()

    spots = (next(iter(_spots((f,), "SIGSTRUCT", 0, covered=covered(f)))) for f in SIGSTRUCT.fields)
    return ByteMap("SIGSTRUCT", "sigstruct", value.to_bytes(), tuple(spots))


def _ledger(value: Ledger) -> ByteMap:
    data, spots, at = value.to_bytes(), list[Spot](), 0
    for n, record in enumerate(value.records[:RECORD_LIMIT]):
        layout = (
            ECREATE
            if isinstance(record, Ecreate)
            else EADD
            if isinstance(record, Eadd)
            else EEXTEND
        )
        rows = (
            layout.fields
            if layout is not EEXTEND
            else (*EEXTEND.fields, placed(CHUNK_DATA, EEXTEND.size, CHUNK_DATA.size))
        )
        spots += _spots(
            rows, f"{n}: {layout.name}", at, prefix=f"{n}.", covered=("mrenclave", "enclave-hash")
        )
        at = spots[-1].end
    if rest := len(data) - at:
        more = Field(
            "further_records",
            at,
            rest,
            "bytes",
            f"{len(value.records) - RECORD_LIMIT} further records",
            EEXTEND.fields[0].source,
            "Hashed like the ones above.",
        )
        spots.append(Spot("further_records", "ledger", more, (), ("mrenclave", "enclave-hash")))
    return ByteMap("MRENCLAVE ledger", "ledger", data, tuple(spots))
