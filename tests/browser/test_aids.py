"""The aids on a notebook's page: what words mean, by pointer, focus and tap, and copying."""

from __future__ import annotations

import nbformat
from browser.test_switchboard import expect

from casnb.teach.course.glossary import GLOSSARY, word

TEXT = """## A lesson

Its *nonce* is new. The TCB of a host counts, and the TCB again; `TCB` is code, quotes are not,
and no part of /v1/session=x or lab.verdict is one.

| a | table |
| --- | --- |
| with | MRSIGNER in it |
"""


def test_words_are_explained_where_they_are_read_and_hashes_are_copied(
    jupyterlab, open_notebook, screenshots, axe
):
    """Each word of the glossary once in a section, or in the notebook if it is one of the first
    chapter; not in code, paths, headings or where it is introduced. Escape takes the meaning away.
    A hash and a solution have a button. Without a script the words stand in a fold.
    """
    cells = [
        nbformat.v4.new_markdown_cell(TEXT),
        nbformat.v4.new_code_cell("from casnb.teach import start\nlab = start('03')\nlab"),
        nbformat.v4.new_markdown_cell("## Next\n\nThe TCB once more, but not the host."),
        nbformat.v4.new_code_cell(
            "from IPython.display import display\nfrom casnb import AttestationPolicy\n"
            "tried = lab.check('01.mrenclave', 'x')\ndisplay(lab.solution('01.mrenclave'),"
            " AttestationPolicy(mrenclaves=(lab.world.mrenclave,)))"
        ),
    ]
    meta = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=meta), jupyterlab.folder / "aids.ipynb"
    )
    book = open_notebook("aids.ipynb")
    book.run_all()
    text = book.panel.locator(".jp-MarkdownOutput").first
    marked = text.locator("button.casnb-term")
    expect(marked).to_have_text(["TCB", "host", "quotes", "MRSIGNER"])
    expect(book.panel.locator(".jp-MarkdownOutput").nth(1).locator("button")).to_have_text(["TCB"])
    book.run_all()  # the lab once more: nothing is marked twice
    expect(marked).to_have_text(["TCB", "host", "quotes", "MRSIGNER"])
    tip = book.page.locator(".casnb-tip")
    marked.first.focus()
    expect(tip).to_contain_text(word("TCB").meaning)
    expect(marked.first).to_have_accessible_description(word("TCB").sentence)
    book.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    marked.nth(2).hover()
    expect(tip).to_contain_text(word("quote").meaning)
    book.page.screenshot(path=screenshots / "aids-tip.png")
    tip.hover()
    expect(tip).to_be_visible()
    marked.nth(1).dispatch_event("click")  # what a tap comes to
    expect(tip).to_contain_text(word("host").meaning)
    solution = book.panel.locator(".solution").locator("button.casnb-copy")
    solution.click()
    expect(solution).to_have_text("Copied")
    hashes = book.panel.locator("code + button.casnb-copy")
    expect(hashes.first).to_be_visible()
    fold = book.panel.locator("details.words")
    fold.locator("summary").click()
    known = sum(w.cell[:2] <= "03" for w in GLOSSARY)
    expect(fold.locator("dt")).to_have_count(known)
    book.page.screenshot(path=screenshots / "aids.png")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        assert book.violations(axe) == []
        found = book.page.evaluate(
            "async () => (await axe.run('.jp-MarkdownOutput')).violations.map(v => v.id)"
        )
        assert found == []
    assert not book.errors and not book.foreign
