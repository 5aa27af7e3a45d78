"""The public CAS page through its history: ten states that it was in, each with what a scraper
should say of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from casnb.simulator.server.site import not_found_page, prose_page, render_page
from casnb.simulator.world import World

#: The host whose value is wanted on every page.
HOST = "scone-cas.cf"
_ROW = f"<td>{HOST}</td>"


@dataclass(frozen=True)
class PageState:
    """One state: `html` as served, and the MRENCLAVE of HOST on it; None where a scraper must
    refuse. `story`: what is special.
    """

    name: str
    story: str
    html: str
    expected: str | None


#: Names of the states, oldest first.
STATES = (
    "2020-08",
    "2021-06",
    "2021-10",
    "two-rows",
    "2022-02",
    "2022-04",
    "2024-10",
    "2025-08",
    "2026-03",
    "today",
)


def page_history(world: World) -> tuple[PageState, ...]:
    """Return the states for a world, oldest first. Source: stored renderings of the real page;
    the values are this world's own.

    `two-rows` is put together from two of them: the real page showed two values for one host one
    after the other.
    """
    right, fresh = world.mrenclave, render_page(world, "2021-10", stale=False)
    return (
        PageState("2020-08", "A list of hosts, and no measurement yet.", prose_page(world), None),
        PageState("2021-06", "The first table; the example names the newest host.", fresh, right),
        PageState(
            "2021-10",
            "The table moved on, the example line still names an older host.",
            render_page(world, "2021-10"),
            right,
        ),
        PageState(
            "two-rows",
            "Two rows for one host, with different values.",
            fresh.replace("<td>5-10-0.scone-cas.cf</td>", _ROW),
            None,
        ),
        PageState(
            "2022-02",
            "The row says N/A; other rows have values.",
            render_page(world, "2022-04").replace(f"<code>{right}</code>", "N/A", 1),
            None,
        ),
        PageState(
            "2022-04",
            "Another renderer: a flag stands in the ninth place.",
            render_page(world, "2022-04"),
            right,
        ),
        PageState(
            "2024-10",
            "Another again: the ninth word is a flag, and the example is stale as well.",
            render_page(world, "2024-10"),
            right,
        ),
        PageState(
            "2025-08",
            "A row without a domain: which host is that?",
            render_page(world, "2024-10").replace(_ROW, f"<td>{HOST.partition('.')[0]}</td>"),
            None,
        ),
        PageState(
            "2026-03",
            "The page has moved; what is served is a 404 page whose script leads browsers on.",
            _moved(),
            None,
        ),
        PageState(
            "today",
            "Each word of the command in a span of its own; a sentence about the edge host still"
            " matches.",
            render_page(world),
            right,
        ),
    )


def _moved() -> str:
    """The page for a missing address, as a site without a server of its own does it: a browser
    is sent on by a script.
    """
    return not_found_page().replace(
        "</body>", '<script>location.replace("/latest/public-CAS/");</script>\n</body>'
    )
