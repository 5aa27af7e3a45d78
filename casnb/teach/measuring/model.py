"""The measurement lab without a front end: an enclave built page by page, changed in one thing,
measured and signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, html_table, html_verdict, text_table
from casnb.evidence.ledger import PAGE, Eextend, Ledger, Record
from casnb.evidence.sigstruct import SigStruct
from casnb.measure.program import EnclaveFile, Segment, read_heap
from casnb.policy.identities import known_signer
from casnb.simulator.platform import Enclave

#: What the lab offers for SCONE_HEAP; the first is the program's own.
HEAPS = ("48K", "32K", "64K", "112K")
SIGNERS = ("vendor", "test", "owner")
#: The byte of which one bit is turned over: in the first page of code, behind its banner.
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


@dataclass(frozen=True)
class Build(Shown):
    """An enclave under construction: the CAS's own, with at most these changes.

    `bit`: one bit of its code turned over. `swapped`: the two pages of code added in the other
    order, each at its place. `heap`: a value of SCONE_HEAP. `debug`: what the host asks for when
    it starts it. `signer`: whose key signs. `pages`: how many pages were added so far, None for
    all. A name that there is not raises UsageError.
    """

    enclave: Enclave = field(repr=False)
    bit: bool = False
    swapped: bool = False
    heap: str = HEAPS[0]
    debug: bool = False
    signer: str = "vendor"
    pages: int | None = None

    def __post_init__(self) -> None:
        read_heap(self.heap)
        if self.signer not in SIGNERS:
            raise UsageError("signer", got=self.signer, wanted="one of " + ", ".join(SIGNERS))
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
        """What the signer states about the whole enclave."""
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
            (name, _short(a), _short(b), "equal" if a == b else "not equal")
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
            self, bit=False, swapped=False, heap=HEAPS[0], debug=False, signer="vendor", pages=None
        )

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the CAS's own build, in words."""
        rows = (
            (self.bit, f"one bit of byte 0x{PLACE:x}"),
            (self.swapped, "the order of two pages"),
            (read_heap(self.heap) != self.original.file.heap, f"SCONE_HEAP={self.heap}"),
            (self.debug, "debug"),
            (self.signer != "vendor", f"signed by {self.signer}"),
        )
        return tuple(words for differs, words in rows if differs)

    @property
    def same(self) -> bool:
        """Whether the whole enclave measures what the CAS's own does."""
        return self.steps[-1].digest == self.original.mrenclave

    @property
    def sentence(self) -> str:
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
        differing = (int(self.mrenclave, 16) ^ int(self.original.mrenclave, 16)).bit_count()
        return (
            f"Another enclave ({what}): MRENCLAVE is {self.mrenclave[:12]}{_ELLIPSIS}, and"
            f" {differing} of its 256 bits differ. The CPU would not start it under the CAS's own"
            " SIGSTRUCT."
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

    _STEPS = ("step", "record", "SHA-256 so far")
    _SIDES = ("the CPU compares", "as stored", "computed again", "and they are")

    def _step_rows(self, keep: int = 16) -> list[tuple[str, ...]]:
        return [
            (str(n), step.says, step.digest[:keep] + (_ELLIPSIS if keep < 64 else ""))
            for n, step in enumerate(self.done)
        ]

    def __str__(self) -> str:
        signed = [
            text_table(("signed", "value"), self.signed_rows()),
            text_table(self._SIDES, self.relation()),
        ]
        return "\n\n".join(
            [
                self.sentence,
                text_table(self._STEPS, self._step_rows()),
                *(signed if self.complete else ()),
            ]
        )

    def _html(self) -> str:
        return render_verdict(self) + render_steps(self) + render_signed(self)


def _short(number: int) -> str:
    digits = f"{number:0768x}"
    return f"{digits[:10]}{_ELLIPSIS}{digits[-10:]}"


def render_verdict(build: Build) -> str:
    """Return the sentence as a line that is read aloud when it changes."""
    name = "error" if not build.complete else "trustworthy" if build.same else "rejected"
    return html_verdict(name, cell(build.sentence, 500))


def render_steps(build: Build) -> str:
    """Return the records so far, page by page, each with the hash over everything up to it."""
    left = len(build.steps) - len(build.done)
    more = f"<p>{left} page{'s' if left > 1 else ''} to go.</p>" if left else ""
    return html_table(build._STEPS, build._step_rows(), "The build record", code=(2,)) + more


def render_signed(build: Build) -> str:
    """Return what the signer states, and both sides of what the CPU compares."""
    if not build.complete:
        return "<p>Signed is the whole enclave: add the pages that are left.</p>"
    return html_table(
        ("signed", "value"), build.signed_rows(), "SIGSTRUCT", code=(1,)
    ) + html_table(
        build._SIDES, build.relation(), "The RSA relation: S signature, N modulus", code=(1, 2)
    )
