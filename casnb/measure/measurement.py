"""What came of a measurement: the value, the signer's word, and the checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, html_table, text_table
from casnb.checks.result import Check, CheckStatus, find
from casnb.checks.view import html_result, text_result
from casnb.evidence.ledger import Ledger
from casnb.evidence.sigstruct import SigStruct
from casnb.measure.image import Image
from casnb.policy.identities import Signer, known_signer

_DEBUG = 2


_AGREE = (
    "Two sources agree. Whoever forged one has to have forged the other too; that is worth as much"
    " as the two are independent of each other."
)


_DISAGREE = (
    "Two sources disagree, and neither says why: another version, a rebuild, another SCONE_HEAP, or"
    " somebody who changed one of them. You cannot tell from a page alone. Ask a third source, and"
    " until then attest with neither."
)


@dataclass(frozen=True)
class Measurement(Shown):
    """What was measured, what its signer said, and the checks.

    `kind` is `image`, `enclave file`, `sgxs` or `sigstruct`. `ledger` and `sigstruct` are None
    where there was none, or where it could not be read. `program` and `statement` are where they
    were found in an image. `heap` is in bytes, None for an SGXS stream.
    """

    kind: str
    sha256: str
    checks: tuple[Check, ...]
    ledger: Ledger | None = field(default=None, repr=False)
    sigstruct: SigStruct | None = field(default=None, repr=False)
    image: Image | None = field(default=None, repr=False)
    program: str = ""
    statement: str = ""
    heap: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def mrenclave(self) -> str:
        """The measurement, 64 hex digits; of a SIGSTRUCT alone the one that it speaks for, empty
        where nothing could be read.
        """
        return (
            self.ledger.mrenclave
            if self.ledger
            else self.sigstruct.enclave_hash
            if self.sigstruct
            else ""
        )

    @property
    def signer(self) -> Signer | None:
        """Whose signature it is, where that is publicly known."""
        return known_signer(self.sigstruct.mrsigner, simulated=True) if self.sigstruct else None

    @property
    def holds(self) -> bool:
        """Whether every check that could be made passed, and nothing that was needed is missing."""
        return bool(self.checks) and all(
            c.status is CheckStatus.PASSED or c.optional for c in self.checks
        )

    def check(self, id: str) -> Check:
        """Return the check with this id, or raise UsageError."""
        return find(self.checks, id)

    @property
    def sentence(self) -> str:
        """What came of it, in words."""
        bad = [c.id for c in self.checks if c.status is CheckStatus.FAILED]
        if bad:
            return f"Not as it should be: {', '.join(bad)}." + (
                f" {_DISAGREE}" if "mrenclave" in bad else ""
            )
        if not self.holds:
            return "Not measured: a check that is needed could not be made."
        compared = self.check("mrenclave").status is CheckStatus.PASSED
        if self.ledger and self.sigstruct:
            said = "The program measures what its SIGSTRUCT says, and the signature holds."
        elif self.ledger:
            said = (
                "Measured. No SIGSTRUCT came with it: who signed it, and whether a CPU would start"
                " it, is not known."
            )
        else:
            said = (
                "The signature holds. Nothing was measured: the program that it speaks for is not"
                " here."
            )
        return f"{said} {_AGREE}" if compared else said

    def rows(self) -> list[tuple[str, str]]:
        """Return what was found, as headings and texts."""
        out = [
            ("read as", {"sgxs": "SGXS stream", "sigstruct": "SIGSTRUCT"}.get(self.kind, self.kind))
        ]
        if self.image:
            out += [
                ("image, SHA-256", self.image.digest.removeprefix("sha256:")),
                ("layers", str(len(self.image.layers))),
                ("program", self.program),
                ("its SIGSTRUCT", self.statement),
            ]
        if self.heap is not None:
            out.append(("heap", f"{self.heap} bytes"))
        if self.ledger:
            out.append(("MRENCLAVE", self.ledger.mrenclave))
        if self.sigstruct:
            s = self.sigstruct
            out += [
                ("ENCLAVEHASH", s.enclave_hash),
                ("MRSIGNER", s.mrsigner),
                ("signer", self.signer.name if self.signer else "not publicly known"),
                ("product", product(s)),
            ]
        return [(k, v) for k, v in out if v]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb measure --json`)."""
        s, image = self.sigstruct, self.image
        return {
            "kind": self.kind,
            "sha256": self.sha256,
            "holds": self.holds,
            "sentence": self.sentence,
            "mrenclave": self.ledger.mrenclave if self.ledger else None,
            "heap": self.heap,
            "sigstruct": (None if s is None else said_by_signer(s, self.signer)),
            "image": (
                None
                if image is None
                else {
                    "digest": image.digest,
                    "layers": list(image.layers),
                    "program": neutral(self.program, 1000),
                    "sigstruct": neutral(self.statement, 1000),
                }
            ),
            "remarks": [neutral(r, 600) for r in self.remarks],
            "checks": [c.to_json() for c in self.checks],
        }

    def __repr__(self) -> str:
        return (
            f"<Measurement {self.kind}: {self.mrenclave[:12] or 'nothing'}..."
            f" {'holds' if self.holds else 'does not hold'}>"
        )

    def __str__(self) -> str:
        return (
            text_table(("measured", "value"), self.rows())
            + "\n\n"
            + text_result(self.checks, self.sentence, self.remarks)
        )

    def _html(self) -> str:
        return html_table(("measured", "value"), self.rows(), code=(1,)) + html_result(
            self.checks, self.sentence, self.remarks, "trustworthy" if self.holds else "rejected"
        )


def product(s: SigStruct) -> str:
    """Name product, version and day as the signer wrote them; DATE need not be a day, for EINIT
    never reads it.
    """
    day = f"DATE {s.day}" if s.day.startswith("0x") else f"built {s.day}"
    return f"ISVPRODID {s.isv_prod_id}, ISVSVN {s.isv_svn}, {day}"


def said_by_signer(s: SigStruct, signer: Signer | None) -> dict[str, Any]:
    """Return what a SIGSTRUCT says, as JSON forms have it; `signer` is who is known to sign so."""
    return {
        "enclave_hash": s.enclave_hash,
        "mrsigner": s.mrsigner,
        "signer": signer.name if signer else None,
        "isvprodid": s.isv_prod_id,
        "isvsvn": s.isv_svn,
        "date": s.day,
        "debug_allowed": debug_allowed(s),
    }


def debug_allowed(s: SigStruct) -> bool:
    """Whether a CPU starts this enclave with DEBUG set: the signer demands it, or leaves the bit
    to the host.
    """
    attributes, mask = s.attributes[0], s.attribute_mask[0]
    return bool(attributes & _DEBUG) or not mask & _DEBUG
