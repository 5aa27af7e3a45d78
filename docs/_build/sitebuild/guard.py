"""What a site must not have: a link to nowhere, anything loaded from elsewhere, a page that axe
finds fault with.
"""

from __future__ import annotations

import importlib.resources
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

#: Tags and attributes by which a browser loads something by itself.
_LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
#: Milliseconds that a page may take on a busy machine.
_PATIENCE = 120_000
_CSS_URL = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])(https?:)?//""")


class _Page(HTMLParser):
    """What a page has: places that a link can name, links, what it loads, and its styles.

    The standard library's parser, since this goes through megabytes of pages and needs no tree.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.styles: list[str] = []
        self._in_style = False
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.ids.update(has[a] for a in (("id", "name") if tag == "a" else ("id",)) if a in has)
        if tag == "a" and "href" in has:
            self.links.append(has["href"])
        if _LOADS.get(tag) in has and has.get("rel") != "canonical":
            self.loads.append(has[_LOADS[tag]])
        if tag == "meta" and has.get("http-equiv", "").lower() == "refresh":
            self.links.append(has.get("content", "").partition("url=")[2])
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.styles.append(data)


def read(site: Path) -> dict[Path, _Page]:
    """Return every page of a site by its whole path."""
    return {p.resolve(): _Page(p) for p in sorted(site.rglob("*.html"))}


def places(site: Path, pages: Mapping[Path, _Page]) -> dict[str, set[str]]:
    """Return the places of each page by its path below the site, without ending."""
    root = site.resolve()
    return {p.relative_to(root).as_posix().removesuffix(".html"): q.ids for p, q in pages.items()}


def faults(site: Path, pages: Mapping[Path, _Page] | None = None) -> list[str]:
    """Return every link to nowhere and everything that would be loaded from elsewhere."""
    pages = read(site) if pages is None else pages
    out = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        out += [f"{name}: {fault}" for fault in _of_page(path, page, pages)]
    for sheet in sorted(site.rglob("*.css")):
        if _CSS_URL.search(sheet.read_text(encoding="utf-8")):
            out.append(f"{sheet.relative_to(site).as_posix()}: loads from elsewhere")
    return out


def _of_page(path: Path, page: _Page, pages: Mapping[Path, _Page]) -> Iterator[str]:
    for address in page.loads:
        if urlsplit(address).netloc:
            yield f"loads {address} from elsewhere"
    if _CSS_URL.search("".join(page.styles)):
        yield "a style loads from elsewhere"
    for link in dict.fromkeys(page.links):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if goal.is_dir():
            goal /= "index.html"
        if not goal.is_file():
            yield f"links to {link}, which is not there"
        elif parts.fragment and goal in pages and unquote(parts.fragment) not in pages[goal].ids:
            yield f"links to {link}, and there is no such place"


def chromium() -> str | None:
    """Return the browser that is there, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def _asked(out: list[str], name: str, request: Any) -> None:
    if not request.url.startswith(("file:", "data:", "blob:")):
        out.append(f"{name}: asks for {request.url}")


#: How a page is looked at: each theme and each width once, since colours do not follow from the
#: width.
LOOKS = (("light", 1440), ("dark", 360))
EVERY_LOOK = tuple((scheme, width) for width in (1440, 360) for scheme in ("light", "dark"))


def axe_faults(site: Path, pages: Sequence[str], pictures: Path | None = None) -> list[str]:
    """Return what axe finds on these pages, in light and wide and in dark and as narrow as a phone,
    and what they ask the network for; with `pictures`, in every look, and keep a picture of each.

    Each look has a browser of its own, two side by side.
    """
    with ThreadPoolExecutor(2) as pool:
        wanted = EVERY_LOOK if pictures else LOOKS
        looks = [pool.submit(_look, site, pages, *look, pictures) for look in wanted]
        return [fault for look in looks for fault in look.result()]


def _look(
    site: Path, pages: Sequence[str], scheme: str, width: int, pictures: Path | None
) -> list[str]:
    from playwright.sync_api import sync_playwright

    axe = (
        importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    )
    out: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 960},
            reduced_motion="reduce",
        )
        context.set_default_timeout(_PATIENCE)
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
        browser.close()
    return out
