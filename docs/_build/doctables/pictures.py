"""The README's two pictures as SVG files that stand alone: the world map under the assignment's
three flags, and a stretch of the byte explorer. Drawn from the data that the panels show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from casnb.base.svg import box, drawing, path, text
from casnb.mallory.gates import WAYS
from casnb.simulator.world import World
from casnb.teach.explorer.bytemap import ByteMap, byte_map
from casnb.teach.switchboard.model import SwitchboardModel
from casnb.teach.worldmap.standing import Standing

#: The flags of the course's own command.
THREE = ("accept-group-out-of-date", "only_for_testing-ignore-signer", "only_for_testing-debug")
_ROW = 22
#: Custom properties are the theme's of JupyterLab; a file that stands alone has their fallbacks.
_PROPERTY = re.compile(r"var\(--[a-z0-9-]+,([^()]+)\)")
#: Mallory's colour; an arrow and bold words say the same.
RED = "#a31515"
#: Fields of the stretch that the picture shows, in rows of sixteen bytes.
_FROM, _TO, _PER_ROW = "cpu_svn", "mr_enclave", 16


def world_map() -> str:
    """Return who gets in under the three flags, gate by gate."""
    standing = SwitchboardModel(flags=THREE).standing()
    body, at = [], 18
    for way, group in groupby(standing, lambda s: s.gate.way):
        body.append(text(12, at, WAYS[way][1], bold=True))
        at += _ROW
        for s in group:
            body += _gate(s, at)
            at += _ROW
        at += 6
    wall = path((390, 4), (390, at - 14), stroke=4)
    inside = [a for s in standing for a in s.inside]
    told = "; ".join(
        f"{a.name} gets in by {s.gate.name}: {a.gain}" for s in standing for a in s.inside
    )
    return _alone(
        drawing(
            1100,
            at,
            "You behind a wall of checks, and who gets in",
            [wall, *body],
            told=told,
            label=f"The world map: sixteen gates, {len(inside)} attacks come through. {told}",
        )
    )


def _gate(s: Standing, at: float) -> Iterator[str]:
    """Draw a row: what Mallory gains, the wall, the gate, its state, who comes."""
    name = f"{s.gate.name} {s.gate.part}".strip()
    yield text(440, at, name, mono=not s.gate.title)
    yield text(620, at, s.words, bold=s.open and bool(s.inside))
    if s.state == "no-gate":
        yield _red(path((430, at - 4), (360, at - 4), stroke=2, dash="4,4"))
        yield _red(text(350, at, "nothing tells", anchor="end", size=12))
        yield text(820, at, "an interposer on the memory bus", size=12)
    elif s.inside:
        gains = "; ".join(dict.fromkeys(a.gain for a in s.inside))
        yield _red(text(350, at, gains, anchor="end", size=12))
        yield _red(path((430, at - 4), (360, at - 4), stroke=3))
        yield _red(path((370, at - 10), (360, at - 4), (370, at + 2), stroke=3))
        yield _red(text(820, at, ", ".join(a.name for a in s.inside), bold=True))
    else:
        yield box(384, at - 10, 12, 12)
        yield text(820, at, ", ".join(a.name for a in s.outside), size=12)


def _red(part: str) -> str:
    return re.sub(r"(fill|stroke):var\(--jp-ui-font-color1,#1a1a1a\)", rf"\1:{RED}", part)


def byte_explorer() -> str:
    """Return a stretch of a quote's report body: bytes, the fields they are, their values."""
    found = byte_map(World("casnb", "production").quote(bytes(64)))
    first, last = found.spot(_FROM), found.spot(_TO)
    spots = [s for s in found.spots if first.offset <= s.offset <= last.offset and s.size]
    body, at = [], 40
    body += [
        text(12, 18, "offset", size=12),
        text(80, 18, "bytes", size=12),
        text(500, 18, "field and value", size=12),
        path((12, 25), (848, 25), stroke=1),
    ]
    for spot in spots:
        rows = list(_rows(found, spot.offset, spot.end))
        shown = (
            rows
            if len(rows) <= 2
            else [rows[0], ("", f"... {spot.size - 2 * _PER_ROW} bytes more"), rows[-1]]
        )
        body.append(text(500, at + 4, spot.id, bold=True, mono=True))
        value = spot.show(found.data)
        body.append(
            text(640, at + 4, value if len(value) < 30 else value[:24] + "...", mono=True, size=12)
        )
        for offset, cells in shown:
            body.append(text(12, at + 4, offset, mono=True, size=12))
            body.append(text(80, at + 4, cells, mono=True, size=12))
            at += _ROW
        body.append(path((12, at - 11), (848, at - 11), stroke=0.5))
        at += 6
    told = "; ".join(f"{s.id}: bytes {s.offset} to {s.end - 1}" for s in spots)
    return _alone(
        drawing(
            860,
            at,
            "Bytes of an attestation report, field by field",
            body,
            told=told,
            label=f"A stretch of the byte explorer. {told}",
        )
    )


def _rows(found: ByteMap, start: int, end: int) -> Iterator[tuple[str, str]]:
    for at in range(start, end, _PER_ROW):
        yield str(at), found.data[at : min(at + _PER_ROW, end)].hex(" ")


def _alone(svg: str) -> str:
    """Return a picture as a file: on paper of its own, without what only a notebook knows."""
    svg = _PROPERTY.sub(r"\1", svg).replace(
        "<title>", '<rect width="100%" height="100%" fill="#fff"/><title>', 1
    )
    width, height = re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0]
    return svg.replace("<svg ", f'<svg width="{width}" height="{height}" ', 1) + "\n"


PICTURES: Mapping[str, Callable[[], str]] = {
    "world-map.svg": world_map,
    "byte-explorer.svg": byte_explorer,
}
