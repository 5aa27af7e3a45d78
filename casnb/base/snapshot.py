"""What stands in where widgets do not work: a panel's state at one moment, as plain text and
static HTML.

A panel is shown as two outputs: its controls, and under them its saved form. While the controls
live the saved form is hidden; in a notebook that was opened again, or exported, it is what a reader
sees. So no cell has to ask for it, and an export needs no script and no network.
"""

from __future__ import annotations

from typing import Any

from casnb.base.view import Shown, page

WIDGET = "application/vnd.jupyter.widget-view+json"
#: Hides the saved form beside living controls, and beside a saved form what JupyterLab writes in
#: place of controls that are gone. The rules hold for the whole page, so they come with each form.
_HIDING = (
    "<style>.jp-OutputArea-child:has(.widget-box,.cb-grid)+.jp-OutputArea-child:has(.casnb-saved),"
    ".jp-OutputArea-child:not(:has(.widget-box,.cb-grid)):has(+.jp-OutputArea-child .casnb-saved)"
    ":not(:has(.casnb-saved)){display:none}</style>"
)


class Snapshot(Shown):
    """The state of a panel at one moment: `text` is neutral already, `body` escaped."""

    def __init__(self, text: str, body: str) -> None:
        self.text, self.body = text, body

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _html(self) -> str:
        return self.body


def saved(shown: Shown) -> dict[str, str]:
    """Return what stands under a panel as an output of its own, headed by what it is."""
    head = '<p class="small">Saved form, as it was left. Run the cell to use the controls.</p>'
    html = page(f"{head}{shown._html()}")
    return {
        "text/html": f'{_HIDING}<div class="casnb-saved">{html}</div>',
        "text/plain": str(shown),
    }


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

    def _ipython_display_(self) -> None:
        """Show the controls, and the saved form as an output of its own that `renew` changes."""
        from IPython.display import display

        found = super()._repr_mimebundle_()  # type: ignore[misc]
        data = found[0] if isinstance(found, tuple) else found or {}
        if WIDGET in data:
            # Where controls cannot be shown this output is empty: the saved form follows.
            display({WIDGET: data[WIDGET], "text/html": "", "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]
        handle = display(saved(self.snapshot()), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if handle is not None:
            self.__dict__.setdefault("_saved_forms", []).append(handle)

    def renew(self) -> None:
        """Bring the saved forms that were shown up to date; without one nothing is done."""
        handles = self.__dict__.get("_saved_forms", ())
        if handles:
            form = saved(self.snapshot())
            for handle in handles:
                handle.update(form, raw=True)
