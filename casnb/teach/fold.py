"""Part of a panel behind a line that opens it; what it holds is made when it is opened, and only
then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

_ESM = """
export default { render({ model, el }) {
  el.classList.add("casnb");
  const button = document.createElement("button");
  button.className = "folder";
  const show = () => {
    button.textContent = model.get("title");
    button.setAttribute("aria-expanded", String(model.get("opened")));
  };
  button.addEventListener("click", () => {
    model.set("opened", !model.get("opened"));
    model.save_changes();
  });
  model.on("change", show);
  show();
  el.append(button);
} };
"""


class FoldButton(anywidget.AnyWidget):
    """The line that opens a fold; `opened` says whether it is."""

    _esm = _ESM
    title = traitlets.Unicode("").tag(sync=True)
    opened = traitlets.Bool(False).tag(sync=True)


class Fold(widgets.VBox):  # type: ignore[misc]
    """A line, and under it controls or HTML that show only while it is open.

    `render` makes the HTML of `said`, which stands first; `renew` calls it again, and does nothing
    while the fold is closed: what nobody looks at costs nothing.
    """

    def __init__(
        self, title: str, *children: widgets.Widget, render: Callable[[], str] | None = None
    ) -> None:
        self._render = render
        self.said = widgets.HTML()
        self.button = FoldButton(title=title)
        self.body = widgets.VBox([self.said, *children], layout=widgets.Layout(display="none"))
        super().__init__([self.button, self.body])
        self.add_class("t-fold")
        self.button.observe(self._turned, names="opened")

    @property
    def opened(self) -> bool:
        """Whether what it holds is shown; may be set."""
        return bool(self.button.opened)

    @opened.setter
    def opened(self, value: bool) -> None:
        self.button.opened = value

    def renew(self) -> None:
        """Draw what it holds, if it is open."""
        if self.opened and self._render is not None:
            self.said.value = self._render()

    def _turned(self, change: Any) -> None:
        self.renew()
        self.body.layout.display = None if change["new"] else "none"

    def close(self) -> None:
        """Let go of the line, and close."""
        self.button.unobserve(self._turned, names="opened")
        super().close()
