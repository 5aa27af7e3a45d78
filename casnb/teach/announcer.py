"""What a screen reader is told of feedback: a region of the page that is there before it."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

_ESM = """
function region() {
  let found = document.getElementById("casnb-announcer");
  if (!found) {
    found = document.createElement("div");
    found.id = "casnb-announcer";
    found.setAttribute("role", "status");
    found.style.cssText =
      "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)";
    document.body.append(found);
  }
  return found;
}
export default {
  initialize({ model }) {
    region();
    model.on("change:text", () => { region().textContent = model.get("text"); });
  },
  render({ el }) { el.style.display = "none"; region(); },
};
"""


class Announcer(anywidget.AnyWidget):
    """A live region outside all outputs: an output that comes with its text, or that is drawn
    again, is often not read. Without a page that shows it nothing happens.
    """

    _esm = _ESM
    text = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **others: Any) -> None:
        super().__init__(**others)
        self.add_class("t-announcer")

    def say(self, text: str) -> None:
        """Say a sentence; the same one twice differs by a space, or it would not be read again."""
        told = text[:1].upper() + text[1:].replace("`", "")
        self.text = told + "\u00a0" if told == self.text else told
