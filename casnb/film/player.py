"""A recording to be played in a page: its text, a screen, and a few lines of script; nothing
comes from elsewhere.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files


def asset(name: str) -> str:
    """Return `player.css` or `player.js`."""
    return files(__package__).joinpath(name).read_text("utf-8")


def figure(cast: str, label: str, *, film: bool = False) -> str:
    """Return a recording as HTML. Without a script the page says so; `film` is the screen alone."""
    # "<" as JSON writes it: no text of a recording can end the element that holds it.
    inert = cast.replace("<", "\\u003c")
    kind = "cast cast-film" if film else "cast"
    return (
        f'<figure class="{kind}" role="group" aria-label="{escape(label)}">'
        f'<pre class="cast-screen" tabindex="0" role="region" aria-label="Screen">'
        "Playing this needs JavaScript; all of its text follows below.</pre>"
        f'<script type="application/x-asciicast">{inert}</script></figure>'
    )


def embedded(cast: str, label: str, *, film: bool = False) -> str:
    """Return the same with its style and script, for a page that has neither."""
    return (
        f"<style>{asset('player.css')}</style>{figure(cast, label, film=film)}"
        f"<script>{asset('player.js')}</script>"
    )
