"""Claims: a notebook cell that begins with `# Claim:` and raises nothing says so in one line."""

from __future__ import annotations

from typing import Any

from casnb.base.view import Shown, prose

_START = "# Claim: "


class Held(Shown):
    """A claim that holds: its sentence, in one green line."""

    def __init__(self, claim: str) -> None:
        self.claim = claim

    def __str__(self) -> str:
        return f"Holds: {self.claim}"

    def _html(self) -> str:
        mark = '<span class="s s-passed">\N{CHECK MARK} HOLDS</span>'
        return f'<p class="held">{mark} {prose(self.claim, 300)}</p>'


def claimed(source: str) -> str:
    """Return what a cell claims; empty where it claims nothing."""
    first = source.lstrip().partition("\n")[0]
    return first.removeprefix(_START).strip() if first.startswith(_START) else ""


def _after(result: Any) -> None:
    info = getattr(result, "info", None)
    claim = claimed(getattr(info, "raw_cell", None) or "")
    if claim and result.success:
        from IPython.display import display

        display(Held(claim))  # type: ignore[no-untyped-call]


def watch() -> None:
    """Have the kernel of this notebook show its claims; nothing where there is none, once where
    there is.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    events = getattr(shell, "events", None)
    if events is not None and _after not in events.callbacks.get("post_run_cell", []):
        events.register("post_run_cell", _after)
