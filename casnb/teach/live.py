"""What a screen reader is told: one region in a panel that stays, and of which only the text
changes.
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

_ESM = """
export default { render({ model, el }) {
  el.setAttribute("role", "status");
  el.style.cssText = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)";
  const show = () => { el.textContent = model.get("text"); };
  model.on("change:text", show);
  show();
} };
"""


class Live(anywidget.AnyWidget):
    """A live region without a picture: what stands in `text` is read aloud when it changes.

    A part that is drawn again can be none, since an element that comes with its text is often not
    read. One in each panel; `text` is one sentence or two: the verdict, and what changed.
    """

    _esm = _ESM
    text = traitlets.Unicode("").tag(sync=True)

    def __init__(self, text: str = "", **others: Any) -> None:
        super().__init__(text=text, **others)
        self.add_class("t-live")
