"""The public CAS page in its four forms: what a careful scraper reads, what a careless one gets,
and the site that serves it.
"""

from __future__ import annotations

import html.parser
import io
import re
from itertools import pairwise
from wsgiref.util import setup_testing_defaults

import pytest

from casnb.base.errors import EvidenceError, UsageError
from casnb.cas.page import parse_page
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.server.site import LAYOUTS, create_site, not_found_page, render_page
from casnb.simulator.world import World

HOST = "127.5.6.7"


@pytest.fixture(scope="module")
def world() -> World:
    return World("site tests")


def reference_scrape(page: str) -> str:
    """What `grep "scone cas attest" | tail -1 | awk '{print $9}'` prints."""
    lines = [line for line in page.splitlines() if "scone cas attest" in line]
    words = lines[-1].split() if lines else []
    return words[8] if len(words) > 8 else ""


# The page


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_form_gives_the_worlds_values(world, layout):
    """Each release at its address, this world's CAS at its own, and nothing beside."""
    page = parse_page(render_page(world, layout, (HOST, "cas.example")).encode())
    wanted = {HOST: world.mrenclave, "cas.example": world.mrenclave}
    assert page.values == wanted | {
        r.address: r.mrenclave for r in world.release_history if r.mrenclave
    }
    assert (
        page.mrenclave("scone-cas.cf") == world.mrenclave
        and page.mrenclave(HOST) == world.mrenclave
    )
    assert [row.address for row in page.rows][:2] == [HOST, "cas.example"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_release_without_a_measurement_has_none(world, layout):
    """Asked for the edge release every form refuses: the newer ones have a row that says N/A,
    the oldest has no row.
    """
    page = parse_page(render_page(world, layout).encode())
    with pytest.raises(EvidenceError, match="no row for it" if layout == "2021-10" else "N/A"):
        page.mrenclave("edge.scone-cas.cf")


@pytest.mark.parametrize(
    "layout, got",
    [
        ("today", r"[a-z]+"),
        ("2024-10", r"--only_for_testing-[a-z-]+|-GCS"),
        ("2022-04", r"--only_for_testing-[a-z-]+|-GCS"),
        ("2021-10", r"[0-9a-f]{64}"),
    ],
)
def test_a_careless_scraper_gets_something_else(world, layout, got):
    """Cutting the example line into words gives prose, a flag, or an older release's value:
    never this CAS's own.
    """
    word = reference_scrape(render_page(world, layout, (HOST,)))
    assert re.fullmatch(got, word) and word != world.mrenclave
    if layout == "2021-10":
        assert word == next(
            r.mrenclave for r in world.release_history if r.address == "5-10-0.scone-cas.cf"
        )


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_the_stale_example_is_warned_of(world, layout):
    """Where the example can be read, it names the release before, and the scraper says so."""
    assert any(
        "stale" in w for w in parse_page(render_page(world, layout, (HOST,)).encode()).warnings
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_scenario_has_its_own_value_and_says_whether_it_is_a_debug_cas(layout, scenario):
    """The reader is told of debug mode exactly where it is so, and the flags stand in the
    example only there.
    """
    world = World("site tests", scenario)
    page = render_page(world, layout, (HOST,))
    assert parse_page(page.encode()).mrenclave(HOST) == world.mrenclave
    assert ("debug mode" in page) == ("only_for_testing-debug" in page) == world.setup.debug


@pytest.mark.parametrize(
    "seed", ['<script>alert("1")</script>', "</footer></html>&amp;", "\N{SNOWMAN}' onload='x"]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_comes_from_outside_is_escaped(layout, seed):
    """A seed and an address are shown as they were written, as text."""
    page = render_page(World(seed), layout, ("<b>host</b>",))

    class Tags(html.parser.HTMLParser):
        found: list[str] = []
        text = ""

        def handle_starttag(self, tag, attributes):
            self.found = [*self.found, tag]

        def handle_data(self, data):
            self.text += data

    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.found and "b" not in tags.found and tags.found.count("footer") == 1
    assert seed in tags.text and "<b>host</b>" in tags.text
    assert parse_page(page.encode()).mrenclave("<b>host</b>") == World(seed).mrenclave


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_page_loads_nothing_and_is_closed(world, layout):
    """No address of another server, no script, every tag closed, the language and every heading
    in order.
    """
    page = render_page(world, layout, (HOST,))
    assert (
        not re.search(r'(src|href)="(?!#)', page) and "<script" not in page and "url(" not in page
    )
    for tag in (
        "table",
        "tr",
        "td",
        "th",
        "code",
        "pre",
        "p",
        "div",
        "span",
        "main",
        "thead",
        "tbody",
        "ul",
        "li",
    ):
        assert len(re.findall(f"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag
    levels = [int(n) for n in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    assert '<html lang="en">' in page and len(page) < 40_000


def test_the_same_world_has_the_same_page(world):
    """Byte for byte, and another seed has other values."""
    assert render_page(world, "today", (HOST,)) == render_page(
        World("site tests"), "today", (HOST,)
    )
    assert world.mrenclave not in render_page(World("another"), "today", (HOST,))


def test_an_unknown_form(world):
    """The names of the forms are in the message."""
    with pytest.raises(UsageError, match="2022-04"):
        render_page(world, "2020-01")


def test_the_page_that_is_missing_has_nothing_to_scrape():
    """No table, no command, no 64 digits: an error page must not look like an answer."""
    with pytest.raises(EvidenceError, match="no table"):
        parse_page(not_found_page().encode())
    assert reference_scrape(not_found_page()) == "" and not re.search(
        "[0-9a-f]{32}", not_found_page()
    )


# The site


@pytest.fixture(scope="module")
def site(world):
    return create_site(world, (HOST,))


def ask(site, path, method="GET"):
    environ: dict = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    started = []
    body = b"".join(site(environ, lambda status, headers: started.append((status, dict(headers)))))
    ((status, headers),) = started
    return int(status.split()[0]), headers, body


@pytest.mark.parametrize(
    "path, layout",
    [
        ("/latest/public-CAS/", "today"),
        ("/2024-10/public-CAS/", "2024-10"),
        ("/2022-04/public-CAS/", "2022-04"),
        ("/2021-10/public-CAS/", "2021-10"),
    ],
)
def test_each_form_has_its_place(site, world, path, layout):
    """The page as rendered, with its length, as HTML that no browser keeps or runs anything in."""
    status, headers, body = ask(site, path)
    assert (status, body.decode()) == (200, render_page(world, layout, (HOST,)))
    assert headers["Content-Type"] == "text/html; charset=utf-8" and int(
        headers["Content-Length"]
    ) == len(body)
    assert (
        "default-src 'none'" in headers["Content-Security-Policy"]
        and headers["Cache-Control"] == "no-store"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/public-CAS/",
        "/public-CAS",
        "/today/public-CAS/",
        "/latest/public-cas/",
        "/latest/",
        "//",
        "/latest/public-CAS/x",
        "/../etc/passwd",
        "/latest/public-CAS//",
        "/\N{SNOWMAN}",
    ],
)
def test_what_is_not_there(site, path):
    """Status 404, also for the address where the page used to be, and the body repeats nothing
    of the path.
    """
    status, _, body = ask(site, path)
    assert (status, body.decode()) == (404, not_found_page())


def test_a_missing_slash_is_put_right(site):
    """As web servers do: 301 to the folder."""
    status, headers, body = ask(site, "/latest/public-CAS")
    assert (status, headers["Location"], body) == (301, "/latest/public-CAS/", b"")


def test_the_index_links_every_form(site):
    """Newest first, and every link leads somewhere."""
    links = re.findall(r'href="(/[^"]+)"', ask(site, "/")[2].decode())
    assert (
        len(links) == 5
        and links[0] == "/latest/public-CAS/"
        and all(ask(site, link)[0] == 200 for link in links)
    )


def test_methods(site):
    """HEAD is GET without the body; whatever would change something is not allowed."""
    _, full, _ = ask(site, "/latest/public-CAS/")
    status, headers, body = ask(site, "/latest/public-CAS/", "HEAD")
    assert (status, headers, body) == (200, full, b"")
    status, headers, body = ask(site, "/latest/public-CAS/", "POST")
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"")
