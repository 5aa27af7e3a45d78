"""The views of the flags in a real JupyterLab: fewest flags, pasted line, matrix as picture and
table; read, and looked at.
"""

from __future__ import annotations

import nbformat

from casnb.policy.flag_matrix import TITLE

CAPTION = "Flags and reports"
CELLS = (
    (
        "from casnb.explain.line import explain\nfrom casnb.teach.lab import start\nlab ="
        " start('03')\nlab.facts.minimal"
    ),
    "explain('$ scone cas attest -GCS --only_for_testing-debug --mrenclave $MRENCLAVE $CAS_ADDR')",
    "lab.matrix().picture()",
    "lab.matrix()",
)


def test_views_in_both_themes(jupyterlab, open_notebook, screenshots, axe):
    """The picture accepts where the table does, nothing is cut off, and axe finds no violation in
    either theme.
    """
    cells = [nbformat.v4.new_markdown_cell("## A lesson"), *map(nbformat.v4.new_code_cell, CELLS)]
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        ),
        jupyterlab.folder / "flags.ipynb",
    )
    book = open_notebook("flags.ipynb")
    book.run_all()
    picture = book.panel.locator("svg[role=img]")
    picture.wait_for()
    table = book.panel.locator("table", has=book.page.locator("caption", has_text=CAPTION))
    table.wait_for()
    accepted = table.locator("td", has_text="W3").count()
    assert picture.locator("title").text_content() == TITLE
    assert picture.locator("text", has_text="3 waivers").count() == accepted > 0
    wide = book.panel.locator(".casnb table").evaluate_all(
        "all => all.filter(t => t.offsetWidth > t.parentElement.clientWidth).length"
    )
    assert wide == 0
    cut = picture.locator("text").evaluate_all(
        "(all) => { const edge = all[0].ownerSVGElement.viewBox.baseVal.width; return all.filter(t"
        " => t.getBBox().x + t.getBBox().width > edge || t.getBBox().x < 0).map(t =>"
        " t.textContent) }"
    )
    assert cut == []
    assert table.count() == 1
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for name, place in (
            ("fewest", "table"),
            ("matrix", "svg[role=img]"),
            ("table", "table caption"),
        ):
            book.panel.locator(place).first.scroll_into_view_if_needed()
            book.page.screenshot(
                path=screenshots / f"flags-{name}-{theme[-5:].strip().lower()}.png"
            )
        assert book.violations(axe) == []
    assert not book.errors and not book.foreign
