"""What stands in where widgets do not work: a panel's state at one moment, as plain text and
static HTML.
"""

from __future__ import annotations

from typing import Any

from casnb.base.view import Shown


class Snapshot(Shown):
    """The state of a panel at one moment: `text` is neutral already, `body` escaped."""

    def __init__(self, text: str, body: str) -> None:
        self.text, self.body = text, body

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _html(self) -> str:
        return self.body


class Snapshotted:
    """A widget that is sent together with its snapshot, for where no front end is. Stands before
    the widget's class.
    """

    def snapshot(self) -> Shown:
        """Return the present state as something that stays readable in an export."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        return {**data, **self.snapshot()._repr_mimebundle_()}, metadata
