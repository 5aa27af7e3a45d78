"""The history explorer as a panel: the versions of a session, two of them compared, and who
could read what.
"""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, neutral
from casnb.base.snapshot import Snapshotted
from casnb.base.view import Shown, cell, html_verdict, page, short
from casnb.session.history import Difference, History
from casnb.session.readers import Readers, readers
from casnb.teach.history.lanes import (
    STYLE,
    Subject,
    headline,
    lanes_text,
    render_lanes,
    subjects,
    telling,
)
from casnb.teach.live import Live


class HistoryModel(traitlets.HasTraits):
    """A history, two versions of it by number, and what follows.

    `before`, `after`: numbers of versions. Computed: `difference`, and `error` where a number
    was refused; the difference then stays as it was.
    """

    before = traitlets.Int(1)
    after = traitlets.Int(1)
    difference: Any = traitlets.Any()
    error = traitlets.Unicode("")
    subject: Any = traitlets.Any()

    def __init__(self, history: History, people: Readers | None = None, **state: Any) -> None:
        self.history, self.readers = history, people or readers(history)
        last = history.current.number
        state.setdefault("subject", telling(self.readers))
        super().__init__(**{"before": max(1, last - 1), "after": last, **state})
        self.observe(self._changed, names=["before", "after"])
        self.compare()

    def _changed(self, change: Any) -> None:
        self.compare()

    def compare(self) -> None:
        """Compare the two versions; a number that is none becomes `error`, never an exception."""
        try:
            self.difference, self.error = self.history.difference(self.before, self.after), ""
        except CasnbError as exc:
            self.error = neutral(exc, 400)
            if self.difference is None:
                self.difference = Difference(self.history.current, self.history.current)

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def render(model: HistoryModel) -> str:
    """Return the line that says how the two versions differ, or what was refused; announced to
    screen readers.
    """
    return html_verdict("", cell(model.error or model.difference.title, 400))


class Snapshot(Shown):
    """The state of a panel at one moment, as plain text and static HTML: it stays readable where
    widgets do not.
    """

    def __init__(self, model: HistoryModel) -> None:
        self.parts: tuple[Any, ...] = (model.history, model.difference, model.readers)
        self.lanes = lanes_text(model.readers, model.subject)
        self.picture = STYLE + render_lanes(model.readers, model.subject)

    def __str__(self) -> str:
        return "\n\n".join([self.lanes, *map(str, self.parts)])

    __repr__ = __str__

    def _html(self) -> str:
        return self.picture + "".join(part._html() for part in self.parts)


class HistoryPanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """The versions of a session as a table, two choosers, the difference between what they name,
    and who could read what.

    `model` keeps the state; `compare(1, 3)` does what the choosers do. Nothing is sent anywhere:
    the history was fetched before.

    Example: `HistoryPanel(fetch_history(client, "mine"))` alone at the end of a cell.
    """

    def __init__(self, history: History, people: Readers | None = None, **state: Any) -> None:
        self._closed = True
        self.model = HistoryModel(history, people, **state)
        wide = widgets.Layout(width="auto", max_width="60em")
        self.before, self.after = (
            self._chooser(said, value)
            for said, value in (
                ("Compare version", self.model.before),
                ("with version", self.model.after),
            )
        )
        self.versions, self.line, self.difference, self.who, self.lanes = (
            widgets.HTML(layout=wide) for _ in range(5)
        )
        every = subjects(self.model.readers)
        self.value = widgets.Dropdown(
            options=[(neutral(s.words, 80), n) for n, s in enumerate(every)],
            value=every.index(self.model.subject),
            description="Who saw the",
            style={"description_width": "9em"},
            layout=widgets.Layout(width="auto", max_width="34em"),
        )
        self._subjects = every
        for name, control in (
            ("before", self.before),
            ("after", self.after),
            ("versions", self.versions),
            ("line", self.line),
            ("difference", self.difference),
            ("who", self.who),
            ("value", self.value),
            ("lanes", self.lanes),
        ):
            control.add_class(f"t-history-{name}")
        self.live = Live()
        super().__init__(
            [
                self.value,
                self.lanes,
                self.versions,
                self.before,
                self.after,
                self.line,
                self.difference,
                self.who,
                self.live,
            ]
        )
        self.add_class("t-history")
        self.versions.value = page(history._html())
        self.who.value = page(self.model.readers._html())
        self.value.observe(self._looked, names="value")
        self.before.observe(self._chosen, names="value")
        self.after.observe(self._chosen, names="value")
        self.model.observe(self._show, names=["difference", "error", "subject"])
        self._closed = False
        self.refresh()

    def _chooser(self, said: str, value: int) -> widgets.Dropdown:
        rows = [
            (f"{v.number}: language {v.session.version}, hash {short(v.hash, 6)}", v.number)
            for v in self.model.history.versions
        ]
        known = value if any(value == number for _, number in rows) else rows[-1][1]
        return widgets.Dropdown(
            options=rows,
            value=known,
            description=said,
            style={"description_width": "9em"},
            layout=widgets.Layout(width="auto", max_width="34em"),
        )

    def compare(self, before: int, after: int) -> None:
        """Compare two versions by their numbers; what is refused is shown in the line below the
        choosers.
        """
        with self.model.hold_trait_notifications():
            self.model.before, self.model.after = before, after

    def look_at(self, version: int, name: str = "") -> None:
        """Show who could read a value, by the first version that has it, or the text of a version;
        what there is not is said in the line below the choosers.
        """
        wanted = Subject(version, name)
        if wanted in self._subjects:
            self.model.subject, self.model.error = wanted, ""
        else:
            self.model.error = neutral(f"history: got {wanted.words}, wanted a value of it", 400)

    def _looked(self, change: Any) -> None:
        self.model.subject = self._subjects[change["new"]]

    def _chosen(self, change: Any) -> None:
        self.compare(self.before.value, self.after.value)

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model."""
        m = self.model
        if not m.error:
            self.before.value, self.after.value = m.before, m.after
        self.value.value = self._subjects.index(m.subject)
        self.lanes.value = page(STYLE + render_lanes(m.readers, m.subject))
        self.line.value = page(render(m))
        self.difference.value = page(m.difference.body())
        self.live.text = m.error or (f"{headline(m.readers, m.subject)[0]} {m.difference.title}")
        self.renew()

    def snapshot(self) -> Snapshot:
        """Return the present state as something that stays readable in an export."""
        return Snapshot(self.model)

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.value.unobserve(self._looked, names="value")
        self.before.unobserve(self._chosen, names="value")
        self.after.unobserve(self._chosen, names="value")
        self.model.unobserve(self._show, names=["difference", "error", "subject"])
        self.model.close()
        super().close()
