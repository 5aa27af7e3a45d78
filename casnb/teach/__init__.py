"""What makes it a lesson: the lab, exercises, progress, and panels to click. A notebook takes
what it needs from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casnb.teach.expect import expect_error as expect_error
    from casnb.teach.explorer.twins import SideBySide as SideBySide
    from casnb.teach.lab import start as start
    from casnb.teach.render import Table as Table
    from casnb.teach.render import Way as Way
    from casnb.teach.render import ladder as ladder

_HOME = {
    "SideBySide": "explorer.twins",
    "Table": "render",
    "Way": "render",
    "expect_error": "expect",
    "ladder": "render",
    "start": "lab",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'casnb.teach' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"casnb.teach.{_HOME[name]}"), name)
    return value
