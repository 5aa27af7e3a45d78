"""A page of its own around escaped HTML: no script, no request, light and dark."""

from __future__ import annotations

from html import escape
from pathlib import Path

from casnb.base.errors import neutral
from casnb.base.view import style


def page(title: str, body: str, *, head: str = "") -> str:
    """Return a whole document; `body` and `head` are HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src'
        " 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'\">"
        f"<title>{escape(neutral(title, 120))}</title>{style()}"
        f'{style("classroom", Path(__file__).parent)}{head}</head><body class="class-page">'
        f'<main class="casnb class-main">{body}</main></body></html>'
    )
