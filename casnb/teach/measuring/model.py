"""The measurement lab without a front end: an enclave built page by page, changed in one thing,
measured and signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from casnb.base.errors import UsageError
from casnb.evidence.ledger import PAGE, Eextend, Ledger, Record
from casnb.evidence.sigstruct import SigStruct
from casnb.measure.program import EnclaveFile, Segment, read_heap
from casnb.policy.identities import known_signer
from casnb.simulator.platform import Enclave

#: What the lab offers for SCONE_HEAP; the first is the program's own.
HEAPS = ("48K", "32K", "64K", "112K")
#: Whose key can sign again; and, first, the SIGSTRUCT that the vendor shipped, which stays as it is
#: whatever is changed.
SIGNERS = ("vendor", "test", "owner")
SIGNED = ("shipped", *SIGNERS)
#: The byte of which one bit is turned over: in the first page of code, after its banner.
PLACE = 0x1000 + 100
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class _Changed(Enclave):
    """A build whose program is given instead of made."""

    program: EnclaveFile | None = None

    @cached_property
    def file(self) -> EnclaveFile:
        assert self.program is not None
        return self.program


@dataclass(frozen=True)
class Step:
    """One step of a build: what is done, its records, and SHA-256 over all records so far (64
    hex digits).
    """

    says: str
    records: tuple[Record, ...] = field(repr=False)
    digest: str


class Compared(NamedTuple):
    """One comparison of EINIT: what the SIGSTRUCT says, what the CPU has, whether they agree."""

    field: str
    signed: str
    found: str
    equal: bool


@dataclass(frozen=True)
class Build:
    """An enclave under construction: the CAS's own, with at most these changes.

    `bit`: one bit of its code turned over. `swapped`: the two pages of code added in the other
    order, each at its place. `heap`: a value of SCONE_HEAP. `debug`: what the host asks for when
    it starts it. `signer`: the SIGSTRUCT as `shipped`, or whose key signed again. `pages`: how
    many pages were added so far, None for all. A name that there is not raises UsageError.
    """

    enclave: Enclave = field(repr=False)
    bit: bool = False
    swapped: bool = False
    heap: str = HEAPS[0]
    debug: bool = False
    signer: str = SIGNED[0]
    pages: int | None = None

    def __post_init__(self) -> None:
        read_heap(self.heap)
        if self.signer not in SIGNED:
            raise UsageError("signer", got=self.signer, wanted="one of " + ", ".join(SIGNED))
        if self.pages is not None and self.pages < 0:
            raise UsageError("pages", got=self.pages, wanted="0 or more")

    # The program and its measurement

    @cached_property
    def file(self) -> EnclaveFile:
        """The program with the changes in it, its two pages of code as segments of their own."""
        thread, code, data = self.enclave.file.segments
        content = bytearray(code.content)
        if self.bit:
            content[PLACE - code.offset] ^= 1
        halves = [
            Segment(code.offset + n, code.flags, 1, bytes(content[n : n + PAGE])) for n in (0, PAGE)
        ]
        return EnclaveFile(
            1, read_heap(self.heap), (thread, *(halves[::-1] if self.swapped else halves), data)
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step: ECREATE, then page by page; the hash so far would be MRENCLAVE if the
        build ended there.
        """
        out, so_far, chunk = list[Step](), hashlib.sha256(), list[Record]()

        def close() -> None:
            so_far.update(b"".join(r.to_bytes() for r in chunk))
            measured = sum(isinstance(r, Eextend) for r in chunk)
            more = (
                f", then {measured} EEXTEND"
                if measured
                else ", content not measured"
                if out
                else ""
            )
            out.append(
                Step(
                    f"{type(chunk[0]).__name__.upper()} {chunk[0]}{more}",
                    tuple(chunk),
                    so_far.copy().hexdigest(),
                )
            )

        for record in self.file.ledger.records:
            if chunk and not isinstance(record, Eextend):
                close()
                chunk.clear()
            chunk.append(record)
        close()
        return tuple(out)

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps made so far."""
        return self.steps if self.pages is None else self.steps[: self.pages + 1]

    @property
    def complete(self) -> bool:
        return len(self.done) == len(self.steps)

    @property
    def ledger(self) -> Ledger:
        """The records so far."""
        return Ledger(tuple(r for step in self.done for r in step.records))

    @property
    def mrenclave(self) -> str:
        """The hash over the records so far; MRENCLAVE once every page is added."""
        return self.done[-1].digest

    # The signature

    @cached_property
    def sigstruct(self) -> SigStruct:
        """The SIGSTRUCT in force: as the vendor shipped it, for the CAS's own enclave, or signed
        again for the whole of this one.
        """
        if self.signer == SIGNED[0]:
            return replace(self.original, signer="vendor").sigstruct
        made = _Changed(
            self.enclave.seed,
            self.enclave.version,
            self.enclave.date,
            self.signer,
            self.debug,
            program=self.file,
        )
        return SigStruct.from_bytes(made.sigstruct)

    @property
    def mrsigner(self) -> str:
        """SHA-256 of the signer's modulus as it stands in the SIGSTRUCT."""
        return self.sigstruct.mrsigner

    def relation(self) -> list[tuple[str, str, str, str]]:
        """Return both sides of the three comparisons that a CPU makes: what is compared, each
        side, and whether they are equal.
        """
        r = self.sigstruct.relation()
        assert r is not None
        return [
            (name, short(a), short(b), "equal" if a == b else "not equal")
            for name, a, b in (
                ("q1 = floor(S^2 / N)", r.q1_stored, r.q1),
                ("q2 = floor((S^3 - q1*S*N) / N)", r.q2_stored, r.q2),
                ("S^3 mod N = padded SHA-256", r.cube, r.padded),
            )
        ]

    # What it comes to

    @cached_property
    def original(self) -> Build:
        """The CAS's own build: nothing changed."""
        return replace(
            self, bit=False, swapped=False, heap=HEAPS[0], debug=False, signer=SIGNED[0], pages=None
        )

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the CAS's own build, in words."""
        rows = (
            (self.bit, f"one bit of byte 0x{PLACE:x}"),
            (self.swapped, "the order of two pages"),
            (read_heap(self.heap) != self.original.file.heap, f"SCONE_HEAP={self.heap}"),
            (self.debug, "debug"),
            (self.signer != SIGNED[0], f"signed again with the {self.signer} key"),
        )
        return tuple(words for differs, words in rows if differs)

    @property
    def same(self) -> bool:
        """Whether the whole enclave measures what the CAS's own does."""
        return self.steps[-1].digest == self.original.mrenclave

    @property
    def first_differing(self) -> int | None:
        """The number of the first step whose hash is not that of the CAS's own build; None where
        none differs.
        """
        own = [s.digest for s in self.original.steps]
        return next(
            (n for n, s in enumerate(self.steps) if n >= len(own) or s.digest != own[n]), None
        )

    @property
    def differing_bits(self) -> int:
        """How many of the 256 bits of the hash so far differ from the CAS's MRENCLAVE."""
        return (int(self.mrenclave, 16) ^ int(self.original.mrenclave, 16)).bit_count()

    @property
    def einit(self) -> tuple[Compared, ...]:
        """What a CPU compares at EINIT: the SIGSTRUCT in force with what was built and asked for.

        Source: Intel SDM vol. 3D, EINIT. Attributes other than DEBUG are left out: nothing here
        changes them.
        """
        s = self.sigstruct
        relation = s.relation()
        good = relation is not None and all(
            a == b
            for a, b in (
                (relation.q1_stored, relation.q1),
                (relation.q2_stored, relation.q2),
                (relation.cube, relation.padded),
            )
        )
        bit, mask = s.attributes[0] >> 1 & 1, s.attribute_mask[0] >> 1 & 1
        return (
            Compared(
                "ENCLAVEHASH", s.enclave_hash, self.mrenclave, s.enclave_hash == self.mrenclave
            ),
            Compared("signature, q1, q2", f"by {s.mrsigner}", "S^3 mod N, padded SHA-256", good),
            Compared(
                "DEBUG",
                f"attribute {bit}, mask {mask}",
                "asked for" if self.debug else "not asked for",
                not mask or bit == self.debug,
            ),
        )

    @property
    def starts(self) -> bool:
        """Whether a CPU would start the enclave as it is now."""
        return self.complete and all(row.equal for row in self.einit)

    @property
    def verdict(self) -> str:
        """What EINIT says, in a sentence; empty while pages are missing."""
        if not self.complete:
            return ""
        whose = "the vendor" if self.signer == SIGNED[0] else f"the {self.signer} key"
        failing = [row.field for row in self.einit if not row.equal]
        if "ENCLAVEHASH" in failing:
            return f"EINIT refuses: {whose} signed another ENCLAVEHASH. "
        if "DEBUG" in failing:
            return "EINIT refuses: the SIGSTRUCT keeps DEBUG off, and the host asked for it. "
        if failing:
            return f"EINIT refuses: {failing[0]} does not hold. "
        if self.signer == SIGNED[0]:
            return "EINIT starts it, under the SIGSTRUCT as shipped. "
        return f"EINIT starts it, under a SIGSTRUCT signed again with the {self.signer} key. "

    @property
    def sentence(self) -> str:
        """What EINIT says, and what the changes do to the measurement."""
        return self.verdict + self.measured

    @property
    def measured(self) -> str:
        """What the changes do to the measurement."""
        if not self.complete:
            return (
                f"{len(self.done) - 1} of {len(self.steps) - 1} pages added. Were this all,"
                f" MRENCLAVE would be {self.mrenclave[:12]}{_ELLIPSIS}"
            )
        what = ", ".join(self.changes)
        if self.same:
            short = f"{self.mrenclave[:12]}{_ELLIPSIS}"
            return (
                f"The same enclave: MRENCLAVE stays {short} with {what}, for none of that is"
                " measured."
                if what
                else f"The CAS's own enclave, nothing changed: MRENCLAVE is {short}"
            )
        return (
            f"Another enclave ({what}): MRENCLAVE is {self.mrenclave[:12]}{_ELLIPSIS}, and"
            f" {self.differing_bits} of its 256 bits differ."
        )

    def signed_rows(self) -> list[tuple[str, str]]:
        """Return what the signature says, as headings and texts."""
        s = self.sigstruct
        signer = known_signer(s.mrsigner, simulated=True)
        bits = f"{s.attributes[0] >> 1 & 1}, mask {s.attribute_mask[0] >> 1 & 1}"
        allowed = (
            "the host may start it with DEBUG"
            if not s.attribute_mask[0] & 2
            else "DEBUG stays off whatever the host wants"
        )
        return [
            ("ENCLAVEHASH", s.enclave_hash),
            ("MRSIGNER", s.mrsigner),
            ("signer", signer.name if signer else self.signer),
            ("DEBUG", f"attribute {bits}: {allowed}"),
        ]

    def __repr__(self) -> str:
        return (
            f"<Build {', '.join(self.changes) or 'as the CAS is built'}:"
            f" {self.mrenclave[:12]}{_ELLIPSIS}>"
        )


def short(number: int) -> str:
    """Return both ends of a number of 384 bytes."""
    digits = f"{number:0768x}"
    return f"{digits[:10]}{_ELLIPSIS}{digits[-10:]}"
