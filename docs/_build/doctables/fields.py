"""Every format casnb reads, as Markdown: documentation made of the rows that parse, serialise
and print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from casnb.base.strictjson import Member
from casnb.evidence.avr import MEMBERS
from casnb.evidence.cas_report import ADDITIONAL_DATA, PROOF_DATA
from casnb.evidence.layout import Layout
from casnb.evidence.ledger import EADD, ECREATE, EEXTEND
from casnb.evidence.quote_layout import (
    CERTIFICATION,
    EPID_HEADER,
    LENGTH,
    QUOTE_HEADER,
    SIGNATURE_DATA,
)
from casnb.evidence.report import ATTRIBUTE_BITS, LOCAL_REPORT, REPORT_BODY
from casnb.evidence.sigstruct_layout import SIGSTRUCT
from casnb.measure.program import HEADER, SEGMENT


def all_layouts() -> tuple[Layout, ...]:
    """Return every binary structure, in the order in which a reader meets them."""
    return (
        REPORT_BODY,
        QUOTE_HEADER,
        LENGTH,
        SIGNATURE_DATA,
        CERTIFICATION,
        EPID_HEADER,
        LOCAL_REPORT,
        SIGSTRUCT,
        ECREATE,
        EADD,
        EEXTEND,
        HEADER,
        SEGMENT,
    )


def all_members() -> dict[str, tuple[Member, ...]]:
    """Return every JSON structure by name."""
    proofs = {f"CAS report: proof_data of type {name}": table for name, table in PROOF_DATA.items()}
    return {"IAS report": MEMBERS, **proofs, "CAS report: additional_data": ADDITIONAL_DATA}


def markdown_table(layout: Layout) -> str:
    """Return one row a field: name, offset and size in bytes, kind, meaning, source."""
    return _markdown(
        ("field", "offset", "size", "kind", "meaning", "source"),
        ((f"`{f.name}`", f.offset, f.size, f.kind, f.meaning, f.source) for f in layout.fields),
    )


def markdown_members(members: Sequence[Member]) -> str:
    """Return one row a member: name, JSON type, whether it must be there, meaning."""
    return _markdown(
        ("member", "type", "required", "meaning"),
        ((f"`{m.name}`", m.type_names, "yes" if m.required else "no", m.meaning) for m in members),
    )


def markdown_attributes() -> str:
    """Return one row a known bit of ATTRIBUTES.FLAGS."""
    return _markdown(("bit", "name", "meaning when set"), ATTRIBUTE_BITS)


def markdown() -> str:
    """Return every table under its heading: a page of documentation."""
    parts = [
        (f"{layout.name} ({layout.size} bytes)", markdown_table(layout)) for layout in all_layouts()
    ]
    parts.insert(1, ("ATTRIBUTES.FLAGS", markdown_attributes()))
    parts += [(name, markdown_members(table)) for name, table in all_members().items()]
    return "\n\n".join(f"## {name}\n\n{table}" for name, table in parts) + "\n"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
