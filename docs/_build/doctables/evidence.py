"""What `casnb decode` reads, as Markdown, from the tables that it reads by."""

from __future__ import annotations

from casnb.evidence.kinds import KINDS
from casnb.evidence.wrappings import WRAPPINGS
from doctables.checks import markdown_table


def kinds() -> str:
    """Return one row for each kind."""
    rows = [(k.name, k.told_by, k.use) for k in KINDS]
    return markdown_table(("kind", "how it is told", "what to do with it"), rows)


def wrappings() -> str:
    """Return one row for each wrapping."""
    rows = [(w.name, w.meaning, f"`{w.sample}`") for w in WRAPPINGS]
    return markdown_table(("wrapping", "what it is", "for example"), rows)


TABLES = {"evidencekinds": kinds, "evidencewrappings": wrappings}
