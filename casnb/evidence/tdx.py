"""Quotes of TDX trust domains, which casnb names and shows, and does not verify."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import Field, FieldRow, Layout
from casnb.evidence.quote_layout import QUOTE_HEADER

_TDX = "Intel TDX DCAP Quoting Library API, A.3"
TDX_TYPE = 0x81


def _fields(*rows: tuple[str, int, str]) -> tuple[Field, ...]:
    out: list[Field] = []
    for name, size, meaning in rows:
        out.append(Field(name, out[-1].end if out else 0, size, "bytes", meaning, _TDX))
    return tuple(out)


_TD10 = (
    ("tee_tcb_svn", 16, "versions of the TDX module and its parts"),
    ("mr_seam", 48, "measurement of the TDX module"),
    ("mr_signer_seam", 48, "signer of the TDX module; zero for Intel's"),
    ("seam_attributes", 8, "attributes of the TDX module"),
    ("td_attributes", 8, "attributes of the trust domain; the lowest bit is DEBUG"),
    ("xfam", 8, "extended features it may use"),
    ("mr_td", 48, "measurement of the trust domain as it was built"),
    ("mr_config_id", 48, "its configuration, chosen by the host"),
    ("mr_owner", 48, "its owner"),
    ("mr_owner_config", 48, "the owner's configuration"),
    ("rtmr0", 48, "measured while it ran, register 0"),
    ("rtmr1", 48, "register 1"),
    ("rtmr2", 48, "register 2"),
    ("rtmr3", 48, "register 3"),
    ("report_data", 64, "chosen by the trust domain"),
)
TD_BODY = Layout("TD report body", 584, _fields(*_TD10))
TD_BODY_15 = Layout(
    "TD report body, 1.5",
    648,
    _fields(
        *_TD10,
        ("tee_tcb_svn2", 16, "the same versions, after an update that kept domains running"),
        ("mr_service_td", 48, "measurement of the service domain that moved it"),
    ),
)
#: Version 5 says which body follows: by type, its layout and its name.
_BODIES = {2: (TD_BODY, "1.0"), 3: (TD_BODY_15, "1.5")}


@dataclass(frozen=True)
class TdxQuote(Shown):
    """A quote of a TDX trust domain, version 4 or 5: header and TD report. `values` are the
    report's fields by name, `td_version` is 1.0 or 1.5. The signature data is kept and not read.
    """

    raw: bytes = field(repr=False)
    version: int
    td_version: str
    values: tuple[bytes, ...] = field(repr=False)
    layout: Layout = field(repr=False)
    start: int

    @classmethod
    def from_bytes(cls, data: bytes) -> TdxQuote:
        """Read one whole quote; raise EvidenceError where it is cut short or not of this form."""
        version, _, tee, *_ = QUOTE_HEADER.unpack(data)
        if version not in (4, 5) or tee != TDX_TYPE:
            raise EvidenceError(
                "TDX quote", got=f"version {version}, type 0x{tee:x}", wanted="4 or 5, 0x81"
            )
        at, (layout, name) = QUOTE_HEADER.size, _BODIES[2]
        if version == 5:
            kind = int.from_bytes(data[at : at + 2], "little")
            if kind not in _BODIES:
                raise EvidenceError("TDX quote: body type", got=kind, wanted="2 or 3")
            layout, name = _BODIES[kind]
            at += 6
        values = layout.unpack(data, at)
        end = at + layout.size
        size = int.from_bytes(data[end : end + 4], "little")
        if size != len(data) - end - 4:
            raise EvidenceError(
                "TDX quote: signature length",
                got=f"{size} bytes",
                wanted=f"the {len(data) - end - 4} that follow",
                do="The quote is cut short, or something was appended to it.",
            )
        return cls(data, version, name, values, layout, at)

    def to_bytes(self) -> bytes:
        """Return the quote's bytes."""
        return self.raw

    def fields(self) -> list[FieldRow]:
        """Return one row a field of header and TD report."""
        header = QUOTE_HEADER.unpack(self.raw)
        rows = [
            FieldRow(f.name, f.offset, f.size, f.show(v), f.meaning, f.source)
            for f, v in zip(QUOTE_HEADER.fields, header, strict=True)
        ]
        return rows + [
            FieldRow(f.name, self.start + f.offset, f.size, f.show(v), f.meaning, f.source)
            for f, v in zip(self.layout.fields, self.values, strict=True)
        ]

    def to_json_dict(self) -> dict[str, Any]:
        """Return version and the report's fields by name, bytes as hex."""
        names = (f.name for f in self.layout.fields)
        return {
            "type": "tdx-quote",
            "version": self.version,
            "td_version": self.td_version,
            "report": {n: v.hex() for n, v in zip(names, self.values, strict=True)},
        }

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        rows = [r.shown() for r in self.fields()]
        caption = f"TDX quote, version {self.version}"
        return html_table(FieldRow.HEADER, rows, caption, code=(1, 3))
