"""What something pasted means: a command line, a script, an error message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.explain.line import explain as explain
    from casnb.explain.script import explain_script as explain_script
    from casnb.explain.why import explain_message as explain_message

__all__, __getattr__ = surface(
    __name__,
    {
        "explain": "casnb.explain.line",
        "explain_message": "casnb.explain.why",
        "explain_script": "casnb.explain.script",
    },
)
