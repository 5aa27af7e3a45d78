"""The byte explorer and the tamper lab, timed in the browser itself: a real JupyterLab, a real
kernel, Chromium.
"""

from __future__ import annotations

import statistics

from in_browser import opened

Row = dict[str, object]

SETUP = """from casnb import AttestationPolicy, World
from casnb.teach.facts import Facts
from casnb.teach.explorer.panel import ByteExplorer
from casnb.teach.tampering.panel import TamperPanel
facts = Facts(World("bench"))
quotes = Facts(World("bench", "production"))
result = facts.appraise(AttestationPolicy(mrenclaves=(facts.world.mrenclave,)))
kept = ByteExplorer(facts.report, result)"""
CELLS = (
    SETUP,
    "ByteExplorer(facts.report, result)",
    "kept",
    "TamperPanel(facts)",
    "TamperPanel(quotes)",
)

#: Run a cell, and wait until its grid has all its rows and the frame after has been painted.
RENDER = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content, cell = notebook.widgets[index];
  notebook.activeCellIndex = index;
  await window.jupyterapp.commands.execute('notebook:clear-cell-output');
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await frame();
  const began = performance.now();
  const rows = () => cell.node.querySelectorAll('.casnb-bytes [role=row]').length;
  const drawn = new Promise((done) => {
    const watch = new MutationObserver(() => { if (rows() >= 27) { watch.disconnect(); done(); } });
    watch.observe(cell.node, {childList: true, subtree: true});
  });
  window.jupyterapp.commands.execute('notebook:run-cell');
  await drawn;
  await frame();
  return performance.now() - began;
}"""
#: Type the second digit of a byte, and wait until the verdict on the page is another one and
#: painted.
TAMPER = """async ([index, digits]) => {
  const node = window.jupyterapp.shell.currentWidget.content.widgets[index].node;
  const byte = node.querySelector(".cb-byte[data-at='112']");
  const verdict = node.querySelector('.t-verdict');
  byte.dispatchEvent(new MouseEvent('mousedown', {bubbles: true}));
  const type = (key) =>
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  type(digits[0]);
  await frame();
  const before = verdict.textContent;
  const changed = new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (verdict.textContent !== before) { watch.disconnect(); done(); }
    });
    watch.observe(verdict, {childList: true, subtree: true, characterData: true});
  });
  const began = performance.now();
  type(digits[1]);
  await changed;
  await frame();
  return performance.now() - began;
}"""


def rows(runs: int) -> list[Row]:
    """Medians over `runs`; nothing where there is no Chromium or Playwright."""
    with opened("explorer", CELLS) as page:
        if page is None:
            return []
        page.wait_for_function("() => document.querySelectorAll('.casnb-bytes').length === 4")
        original = {
            n: int(
                page.locator(".jp-Cell").nth(n).locator(".cb-byte[data-at='112']").inner_text(), 16
            )
            for n in (3, 4)
        }
        times: dict[str, list[float]] = {"new": [], "kept": [], "ias": [], "dcap": []}
        for run in range(runs):
            times["new"].append(page.evaluate(RENDER, 1))
            times["kept"].append(page.evaluate(RENDER, 2))
            for name, cell in (("ias", 3), ("dcap", 4)):
                value = original[cell] ^ (0xFF if run % 2 == 0 else 0)
                times[name].append(page.evaluate(TAMPER, [cell, f"{value:02x}"]))
    said = {
        "new": ("explorer: run a cell, new 432-byte view painted", 0.2),
        "kept": ("explorer: show a 432-byte view once more", 0.2),
        "ias": ("tamper: digit typed to verdict painted, IAS report", 0.15),
        "dcap": ("tamper: digit typed to verdict painted, DCAP quote", 0.15),
    }
    return [
        {
            "what": words,
            "median": statistics.median(times[name]) / 1000,
            "worst": max(times[name]) / 1000,
            "target_seconds": target,
        }
        for name, (words, target) in said.items()
    ]
