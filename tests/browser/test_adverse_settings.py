"""The panels of the flags where colours are forced, where the window is narrow, and where the
text that they show is hostile.
"""

from __future__ import annotations

import pytest
from browser.test_switchboard import expect, write

#: What runs where it is taken for markup, colours a terminal, or turns round what follows it.
HOSTILE = (
    "<img src=x onerror=\"window.hacked='img'\"><script>window.hacked='script'</script>\x1b[31m"
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"
)
#: Fill and stroke of everything drawn in a picture.
DRAWN = (
    "all => all.flatMap(e => [...e.querySelectorAll('text, line, polyline, rect')]).map(e => {"
    " const s = getComputedStyle(e); return e.tagName == 'text' ? s.fill : s.stroke })"
)
#: What a narrow window cuts off, makes too small, or pushes out of its output.
UNREADABLE = """() => [...document.querySelectorAll('.jp-OutputArea')].flatMap(
    a => [...a.querySelectorAll('*')].filter(e =>
    (e.matches('label, button') && e.scrollWidth > e.clientWidth + 1)
    || (e.matches('svg[role=img]:has(text)') && e.getBoundingClientRect().width < 480)
    || (!e.closest('[role=group], [role=region]') && getComputedStyle(e).display != 'inline'
        && e.getBoundingClientRect().right > a.getBoundingClientRect().right + 2)
    ).map(e => e.outerHTML.slice(0, 120)))"""


@pytest.fixture
def panels(jupyterlab):
    """A notebook with the switchboard and an attack that ran, the scrape lab, a prediction, and
    the matrix as picture and table.
    """
    return write(
        jupyterlab.folder,
        "adverse.ipynb",
        "from casnb.teach.lab import start\nlab = start('03')\nboard ="
        " lab.panel(flags=('only_for_testing-debug',))\nboard",
        "lab.scrape_lab(lambda html: None)",
        "told = lab.mallory(attack='forged-quote',"
        " defence='-G')\ntold.predict('out')\ntold.run()\ntold",
        "lab.matrix().picture()",
        "lab.matrix()",
    )


def test_forced_colours_and_a_narrow_window(panels, open_notebook, screenshots):
    """Pictures are drawn in the forced colour, buttons have borders, the chosen one another; at
    320 pixels nothing is cut off.
    """
    book = open_notebook(panels)
    book.run_all()
    expect(book.panel.locator(".t-mallory-told [data-verdict=rejected]")).to_be_visible()
    book.collapse_left()
    book.page.emulate_media(forced_colors="active", color_scheme="dark")
    text = book.page.evaluate(
        "() => { const e = document.body.appendChild(document.createElement('p'));"
        " e.style.color = 'CanvasText'; return getComputedStyle(e).color }"
    )
    pictures = book.panel.locator("svg[role=img]")
    expect(pictures).to_have_count(1)
    assert set(pictures.evaluate_all(DRAWN)) == {text}
    for n in range(pictures.count()):
        pictures.nth(n).scroll_into_view_if_needed()
        book.page.screenshot(path=screenshots / f"forced-{n}.png")
    buttons = book.panel.locator("[class*=' t-'] button:visible")
    styles = buttons.evaluate_all(
        "all => all.map(e => [e.textContent, getComputedStyle(e).borderTopStyle])"
    )
    assert len(styles) > 6 and {said for said, style in styles if style == "double"} == {
        "Mallory is stopped"
    }
    assert all(style in ("solid", "double") for _, style in styles)
    book.page.emulate_media(forced_colors="none", color_scheme="light")
    book.page.set_viewport_size({"width": 320, "height": 900})
    book.page.wait_for_function(f"() => ({UNREADABLE})().length == 0")
    assert book.page.evaluate(f"({UNREADABLE})()") == []
    assert not book.errors and not book.foreign


def test_hostile_text_is_only_text(jupyterlab, open_notebook, vectors):
    """Markup, terminal codes and direction marks from a page, a file name, a message and a
    pasted line: shown, never run.
    """
    name = "<img src=x onerror=window.hacked=1>\N{RIGHT-TO-LEFT OVERRIDE}.json"
    report = (vectors / "cas-attest" / "v1-attest-iasreport-2019.json").read_bytes()
    (jupyterlab.folder / name).write_bytes(report)
    book = open_notebook(
        write(
            jupyterlab.folder,
            "hostile.ipynb",
            f"hostile = {HOSTILE!r}\nname = {name!r}\n"
            "from casnb.explain.line import explain\nfrom casnb.teach.lab import start\n"
            "lab = start('03')\nboard = lab.panel()\nboard.load(name)\nboard.load(hostile)\n"
            "board.choose_scenario(hostile)\nboard",
            "lab.scrape_lab(lambda html: hostile)",
            "def raises(html):\n    raise ValueError(hostile)\nlab.scrape_lab(raises)",
            "told = lab.mallory()\ntold.predict(hostile)\ntold",
            "lab.predict('forged-error', hostile)",
            "explain(['scone', 'cas', 'attest', '--mrenclave', hostile, '-G', hostile])",
        )
    )
    book.run_all()
    outputs = book.panel.locator(".jp-OutputArea")
    expect(outputs.nth(5)).to_contain_text("<img src=x onerror")
    for n, place in (
        (0, ".t-verdict"),
        (1, ".t-scrape-lab"),
        (2, ".t-scrape-lab"),
        (3, ".t-mallory-told"),
    ):
        expect(outputs.nth(n).locator(place)).to_contain_text("onerror")
    expect(outputs.nth(4)).to_contain_text("onerror")
    assert outputs.locator("img, script").count() == 0
    assert book.page.evaluate("() => window.hacked") is None
    shown = outputs.evaluate_all("all => all.map(e => e.innerText).join('')")
    assert not set(shown) & {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"}
    assert not book.errors and not book.foreign
