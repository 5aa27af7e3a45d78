"""The switchboard, timed in the browser itself: from the click on a flag to the other verdict,
and to the doors it opened.
"""

from __future__ import annotations

import statistics

from in_browser import opened

Row = dict[str, object]

CELLS = ("from casnb.teach.switchboard.panel import Switchboard\nboard = Switchboard()\nboard",)

#: Click a flag; milliseconds until the text of the verdict is another one, until it is painted, and
#: until the doors are counted anew.
CLICK = """async (name) => {
  const box = document.querySelector(`.t-switches input[id$="-${name}"]`);
  const verdict = document.querySelector('.t-verdict');
  const doors = document.querySelector('.t-tally');
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const changed = (node) => {
    const before = node.textContent;
    return new Promise((done) => {
      const watch = new MutationObserver(() => {
        if (node.textContent === before || node.textContent === '') return;
        watch.disconnect();
        done(performance.now());
      });
      watch.observe(node, {childList: true, subtree: true, characterData: true});
    });
  };
  const both = [changed(verdict), changed(doors)];
  const began = performance.now();
  box.click();
  const said = await both[0];
  await frame();
  const painted = performance.now();
  const lit = await both[1];
  await frame();
  return [said - began, painted - began, lit - began];
}"""


def rows(runs: int) -> list[Row]:
    """Medians over `runs` clicks on -G; nothing where there is no Chromium or Playwright."""
    with opened("switchboard", CELLS) as page:
        if page is None:
            return []
        page.locator(".t-tally p, .t-tally strong").first.wait_for()
        times = [page.evaluate(CLICK, "accept-group-out-of-date") for _ in range(runs + 1)][1:]
    words = (
        ("switchboard: click on -G to verdict in the page", 0.1),
        ("switchboard: click on -G to verdict painted", 0.15),
        ("switchboard: click on -G to Mallory's doors", 0.2),
    )
    return [
        {
            "what": what,
            "median": statistics.median(found) / 1000,
            "worst": max(found) / 1000,
            "target_seconds": target,
        }
        for (what, target), found in zip(words, zip(*times, strict=True), strict=True)
    ]
