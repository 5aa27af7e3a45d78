"""Every panel of a lab in a real JupyterLab: in both themes, in forced colours and in a narrow
window. A new row of the lab's panels is looked at without an edit here.
"""

from __future__ import annotations

import pytest
from browser.test_adverse_settings import UNREADABLE
from browser.test_switchboard import expect, write

from casnb.teach.lab import Lab
from casnb.teach.opening import openings


@pytest.mark.soak
def test_every_panel_in_every_guise(jupyterlab, open_notebook, screenshots, axe):
    """axe finds nothing in either theme; in forced colours buttons have borders; at 320 pixels
    nothing is cut off; no script fails and nothing is fetched.
    """
    rows = openings(Lab)
    # In one cell: of cells that are far away JupyterLab takes the outputs off the page.
    code = "from casnb.teach import start\nlab = start('06')\n"
    code += "".join(f"display({row.line})\n" for row in rows)
    book = open_notebook(write(jupyterlab.folder, "every-panel.ipynb", code + "print('all shown')"))
    book.run_all()
    expect(book.panel.get_by_text("all shown", exact=True)).to_be_visible()
    assert book.panel.locator(".jp-OutputArea-output").count() > len(rows)
    book.collapse_left()
    outputs = book.panel.locator(".jp-OutputArea-child:visible")
    for theme in ("Light", "Dark"):
        book.theme(f"JupyterLab {theme}")
        assert book.violations(axe) == []
        for n in range(outputs.count()):
            outputs.nth(n).scroll_into_view_if_needed()
            book.page.screenshot(path=screenshots / f"panel-{n}-{theme.lower()}.png")
    book.page.emulate_media(forced_colors="active", color_scheme="dark")
    styles = book.panel.locator(".jp-OutputArea button:visible").evaluate_all(
        "all => all.map(e => getComputedStyle(e).borderTopStyle)"
    )
    assert len(styles) > 20 and set(styles) <= {"solid", "double"}
    book.page.emulate_media(forced_colors="none", color_scheme="light")
    book.page.set_viewport_size({"width": 320, "height": 900})
    book.page.wait_for_function(f"() => ({UNREADABLE})().length == 0")
    assert not book.errors and not book.foreign
