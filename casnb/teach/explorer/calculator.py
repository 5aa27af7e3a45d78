"""The calculator behind report_data: SHA-512 over the additional data on one side, the 64 bytes
of the report on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from casnb.base import strictjson
from casnb.base.view import Shown, html_table, short, text_table
from casnb.evidence.cas_report import CasReport

PYTHON = (
    'hashlib.sha512(json.dumps(additional_data, separators=(",", ":"),'
    " ensure_ascii=False).encode()).hexdigest()"
)
SHELL = "jq -cj .additional_data report.json | sha512sum"


@dataclass(frozen=True)
class Calculation(Shown):
    """What is hashed, what comes out, what the report says, and whether both are the same."""

    text: bytes
    digest: bytes
    report_data: bytes

    @classmethod
    def of(cls, report: CasReport, report_data: bytes | None = None) -> Calculation:
        """Return the calculation for a CAS report; `report_data` replaces the 64 bytes that
        stand in its evidence.
        """
        found = report.report_body().report_data if report_data is None else report_data
        return cls(strictjson.compact(report.additional_data), report.binding_digest, found)

    @property
    def equal(self) -> bool:
        return self.digest == self.report_data

    @property
    def sentence(self) -> str:
        """The outcome in words, with the first byte that differs."""
        if self.equal:
            return (
                "Equal: the report speaks for exactly these additional data, certificates and nonce"
                " included."
            )
        at = next(
            (
                n
                for n, (a, b) in enumerate(zip(self.digest, self.report_data, strict=False))
                if a != b
            ),
            len(self.digest),
        )
        return f"Not equal, from byte {at} on: the report was not made for these additional data."

    def rows(self) -> list[tuple[str, str]]:
        """Return the steps: the text, its hash, the field, and how to do the same by hand."""
        text = self.text.decode("utf-8", "replace")
        return [
            (
                "JSON",
                f"additional_data, {len(self.text)} bytes: {text[:120]}\N{HORIZONTAL ELLIPSIS}",
            ),
            ("SHA-512", self.digest.hex()),
            ("report_data", self.report_data.hex()),
            ("outcome", self.sentence),
            ("Python", PYTHON),
            ("shell", SHELL),
        ]

    def __repr__(self) -> str:
        return (
            f"<Calculation {short(self.digest.hex())} {'equals' if self.equal else 'is not'}"
            " report_data>"
        )

    def __str__(self) -> str:
        return text_table(("step", "value"), self.rows())

    def _html(self) -> str:
        return html_table(("step", "value"), self.rows(), "report_data, recomputed", code=(1,))
