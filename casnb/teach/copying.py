"""A button that copies a line."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

#: How a page puts text on the clipboard: `put(text)`, which fails where that is not allowed.
PUT = """
async function put(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");  // plain http: the old way is the only one
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before) before.focus();
  if (!done) throw new Error("not copied");
}
"""
_ESM = (
    PUT
    + """
export default { render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lm-Widget jupyter-widgets jupyter-button widget-button";
  button.style.width = "auto";
  button.textContent = model.get("label");
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.style.cssText =
    "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)";
  let timer;
  button.addEventListener("click", async () => {
    let told = "Copied";
    try { await put(model.get("text")); } catch { told = "Not copied: select it by hand"; }
    button.textContent = said.textContent = told;
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = model.get("label");
      said.textContent = "";
    }, 2500);
  });
  el.append(button, said);
  return () => clearTimeout(timer);
} };
"""
)


class CopyButton(anywidget.AnyWidget):
    """A real button: mouse, Tab and Enter copy `text`, and it says whether that worked."""

    _esm = _ESM
    text = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("Copy").tag(sync=True)

    def __init__(self, text: str = "", label: str = "Copy", **others: Any) -> None:
        super().__init__(text=text, label=label, **others)
        self.add_class("t-copy")
