"""What signers said inside a file or image that cannot be measured here: every SIGSTRUCT found,
and whether it holds.

A real program's enclave is laid out by its own runtime (SCONE, Gramine, Intel's SDK, Open
Enclave), and only that runtime's tools measure it. Its signer's statement lies in the file all the
same, and names the MRENCLAVE that a CPU will demand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from casnb.base.errors import EvidenceError, UsageError, neutral
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import SIGSTRUCT
from casnb.evidence.sigstruct_search import FOUND_LIMIT, search_sigstructs
from casnb.measure.archive import ARCHIVE_LIMIT
from casnb.measure.elf import section_at
from casnb.measure.image import is_tar, read_image
from casnb.measure.measurement import debug_allowed, product, said_by_signer
from casnb.policy.identities import Signer, known_signer

_CLAIM = (
    "ENCLAVEHASH is the MRENCLAVE as signed, not measured: whether the code beside it measures so,"
    " a CPU checks when it starts the enclave."
)


@dataclass(frozen=True)
class Statement:
    """One SIGSTRUCT and where it was found: path and layer in an image (empty and 0 for a file
    alone), offset in that file, and the section of an ELF program.
    """

    sigstruct: SigStruct
    path: str
    layer: int
    offset: int
    section: str

    @property
    def signer(self) -> Signer | None:
        """Whose signature it is, where that is publicly known."""
        return known_signer(self.sigstruct.mrsigner, simulated=True)

    @property
    def holds(self) -> bool:
        """Whether signature, q1 and q2 are as a CPU demands."""
        return all(self.sigstruct.verify())

    @property
    def where(self) -> str:
        parts = [self.path, f"layer {self.layer}" if self.layer else "", f"byte {self.offset}"]
        return ", ".join(
            neutral(p, 200)
            for p in (*parts, f"section {self.section}" if self.section else "")
            if p
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return what it says, as headings and texts."""
        s = self.sigstruct
        names = zip(("RSA", "q1", "q2"), s.verify(), strict=True)
        return [
            ("SIGSTRUCT at", self.where),
            ("ENCLAVEHASH", s.enclave_hash),
            ("MRSIGNER", s.mrsigner),
            ("signer", self.signer.name if self.signer else "not publicly known"),
            ("product", product(s)),
            ("DEBUG", "the host may set it" if debug_allowed(s) else "refused by the CPU"),
            ("checked", ", ".join(f"{n} {'holds' if ok else 'DOES NOT HOLD'}" for n, ok in names)),
        ]

    def to_json(self) -> dict[str, Any]:
        s = self.sigstruct
        signature, q1, q2 = s.verify()
        return {
            "path": neutral(self.path, 1000),
            "layer": self.layer or None,
            "offset": self.offset,
            "section": neutral(self.section, 100) or None,
            **said_by_signer(s, self.signer),
            "signature_ok": signature,
            "q1_ok": q1,
            "q2_ok": q2,
        }


@dataclass(frozen=True)
class Statements(Shown):
    """Every SIGSTRUCT of a file or image. `sha256` is of the whole input; `expected` are MRENCLAVEs
    from elsewhere, of which one must be among those signed.
    """

    sha256: str
    found: tuple[Statement, ...]
    expected: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether an expected MRENCLAVE is signed here, or none was given."""
        return not self.expected or any(
            s.sigstruct.enclave_hash in self.expected for s in self.found if s.holds
        )

    @property
    def holds(self) -> bool:
        """Whether there is one, every one holds, and an expected value is among them."""
        return bool(self.found) and all(s.holds for s in self.found) and self.as_expected

    @property
    def sentence(self) -> str:
        bad = sum(not s.holds for s in self.found)
        count = f"{len(self.found)} SIGSTRUCT{'' if len(self.found) == 1 else 's'} found"
        if bad:
            return f"{count}, {bad} of which no CPU would take: signature, q1 or q2 does not hold."
        if not self.as_expected:
            return f"{count}, and none that holds signs the MRENCLAVE that you expect."
        return f"{count}; what was signed holds. {_CLAIM}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know of signers whose key everybody has, and of DEBUG."""
        signers = {s.signer for s in self.found if s.signer and s.signer.anybody_can_sign}
        out = [f"{s.name}: {s.note}." for s in sorted(signers, key=lambda s: s.name)]
        if any(debug_allowed(s.sigstruct) for s in self.found):
            out.append(
                "A signer here lets the host start the enclave with DEBUG. MRENCLAVE is the same"
                " then: only a report tells."
            )
        if len(self.found) == FOUND_LIMIT:
            out.append(f"The search ended at {FOUND_LIMIT}; there may be more.")
        return tuple(out)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb measure --json`)."""
        return {
            "kind": "statements",
            "sha256": self.sha256,
            "holds": self.holds,
            "sentence": self.sentence,
            "statements": [s.to_json() for s in self.found],
            "remarks": list(self.remarks),
        }

    def __repr__(self) -> str:
        return f"<Statements: {len(self.found)} {'hold' if self.holds else 'do not hold'}>"

    def __str__(self) -> str:
        tables = [text_table(("found", "value"), s.rows()) for s in self.found]
        return "\n\n".join([*tables, self.sentence, *self.remarks])

    def _html(self) -> str:
        caption = self.sentence
        rows = [row for s in self.found for row in s.rows()]
        return html_table(("found", "value"), rows, caption, code=(1,))


def find_statements(data: bytes, *, expected: Sequence[str] = ()) -> Statements:
    """Return every SIGSTRUCT inside a file of any kind, an ELF program, or the files of a container
    image (OCI archive) as a container would see them; at most 64.

    Nothing is measured or run. Raises EvidenceError for an image that is not what its digests say
    and for more bytes than 64 MiB, UsageError for an expected value that is not 64 hex digits.
    """
    for value in expected:
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise UsageError("expected MRENCLAVE", got=value, wanted="64 lower-case hex digits")
    if len(data) > ARCHIVE_LIMIT:
        raise EvidenceError("measure", got=f"{len(data)} bytes", wanted=f"at most {ARCHIVE_LIMIT}")
    found: list[Statement] = []
    for path, layer, content in _files(data):
        for offset, signed in search_sigstructs(content):
            if len(found) < FOUND_LIMIT:
                found.append(Statement(signed, path, layer, offset, section_at(content, offset)))
    return Statements(hashlib.sha256(data).hexdigest(), tuple(found), tuple(expected))


def _files(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    if not is_tar(data):
        yield "", 0, data
        return
    image = read_image(data, lambda _, size: size >= SIGSTRUCT.size)
    for file in image.wanted():
        yield file.path, file.layer, file.data or b""
