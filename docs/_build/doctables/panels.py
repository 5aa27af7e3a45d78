"""The table of panels in `docs/widgets.md`, made of the rows beside what opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casnb.teach.lab import Lab
from casnb.teach.opening import openings
from doctables.checks import markdown_table


def panels() -> str:
    """Return one row for each panel and picture that a lab opens."""
    return markdown_table(("run", "to see"), [(f"`{o.line}`", o.shows) for o in openings(Lab)])


TABLES: Mapping[str, Callable[[], str]] = {"panels": panels}
