"""What makes it a lesson: the lab, exercises, progress, and panels to click. A notebook takes
what it needs from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.teach.expect import expect_error as expect_error
    from casnb.teach.explorer.twins import SideBySide as SideBySide
    from casnb.teach.history.panel import HistoryPanel as HistoryPanel
    from casnb.teach.lab import start as start
    from casnb.teach.render import Table as Table
    from casnb.teach.render import Way as Way
    from casnb.teach.render import ladder as ladder

__all__, __getattr__ = surface(
    __name__,
    {
        "HistoryPanel": "casnb.teach.history.panel",
        "SideBySide": "casnb.teach.explorer.twins",
        "Table": "casnb.teach.render",
        "Way": "casnb.teach.render",
        "expect_error": "casnb.teach.expect",
        "ladder": "casnb.teach.render",
        "start": "casnb.teach.lab",
    },
)
