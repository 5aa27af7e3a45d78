"""What a site must not have: a link to nowhere, anything loaded from elsewhere, a page that axe
finds fault with.
"""

from __future__ import annotations

import importlib.resources
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

#: Tags and attributes by which a browser loads something by itself.
_LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
_CSS_URL = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])(https?:)?//""")


def faults(site: Path) -> list[str]:
    """Return every link to nowhere and everything that would be loaded from elsewhere."""
    pages = {p: BeautifulSoup(p.read_bytes(), "html.parser") for p in sorted(site.rglob("*.html"))}
    ids = {p: _ids(soup) for p, soup in pages.items()}
    out = []
    for page, soup in pages.items():
        name = page.relative_to(site).as_posix()
        out += [f"{name}: {fault}" for fault in _of_page(page, soup, ids)]
    for sheet in sorted(site.rglob("*.css")):
        if _CSS_URL.search(sheet.read_text(encoding="utf-8")):
            out.append(f"{sheet.relative_to(site).as_posix()}: loads from elsewhere")
    return out


def _ids(soup: BeautifulSoup) -> set[str]:
    return {str(tag["id"]) for tag in soup.find_all(id=True)} | {
        str(tag["name"]) for tag in soup.find_all("a", attrs={"name": True})
    }


def _of_page(page: Path, soup: BeautifulSoup, ids: dict[Path, set[str]]) -> Iterator[str]:
    for tag, attribute in _LOADS.items():
        for found in soup.find_all(tag, attrs={attribute: True}):
            if urlsplit(str(found[attribute])).netloc:
                yield f"loads {found[attribute]} from elsewhere"
    for style in soup.find_all("style"):
        if _CSS_URL.search(style.get_text()):
            yield "a style loads from elsewhere"
    for link in soup.find_all("a", href=True):
        parts = urlsplit(str(link["href"]))
        if parts.scheme or parts.netloc:
            continue
        goal = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if goal.is_dir():
            goal /= "index.html"
        if not goal.is_file():
            yield f"links to {link['href']}, which is not there"
        elif parts.fragment and goal in ids and unquote(parts.fragment) not in ids[goal]:
            yield f"links to {link['href']}, and there is no such place"


def chromium() -> str | None:
    """Return the browser that is there, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def _asked(out: list[str], name: str, request: Any) -> None:
    if not request.url.startswith(("file:", "data:", "blob:")):
        out.append(f"{name}: asks for {request.url}")


def axe_faults(site: Path, pages: Iterable[str], pictures: Path | None = None) -> list[str]:
    """Return what axe finds on these pages, light and dark, wide and as narrow as a phone, and
    what they ask the network for; with `pictures`, keep a picture of each.
    """
    from playwright.sync_api import sync_playwright

    axe = (
        importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    )
    out = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme, width in (("light", 1440), ("dark", 1440), ("light", 360), ("dark", 360)):
            context = browser.new_context(
                color_scheme=scheme,  # type: ignore[arg-type]
                viewport={"width": width, "height": 960},
                reduced_motion="reduce",
            )
            for name in pages:
                page = context.new_page()
                page.on("request", partial(_asked, out, name))
                page.goto((site / name).as_uri())
                page.evaluate(axe)
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                where = f"{name} ({scheme}, {width} px)"
                out += [
                    f"{where}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}"
                    for v in found["violations"]
                ]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
                    out.append(f"{where}: wider than its window")
                if pictures:
                    pictures.mkdir(parents=True, exist_ok=True)
                    shot = f"{name.removesuffix('.html').replace('/', '-')}-{scheme}-{width}.png"
                    page.screenshot(path=pictures / shot)
                page.close()
            context.close()
        browser.close()
    return out
