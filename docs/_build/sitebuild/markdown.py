"""Text of casnb's data as Markdown, in which nothing but backticks means anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_ACTIVE = re.compile(r"([\\*_\[\]<>#|~$&])")
#: Markdown after an anchor of that name; it stays where it is whatever the heading says.
_TARGET = '<span id="{}"></span>'


def lines(*parts: str | list[str]) -> str:
    """Return a page put together of lines and of lists of lines."""
    out: list[str] = []
    for part in parts:
        out += [part] if isinstance(part, str) else part
    return "\n".join(out).rstrip() + "\n"


def md(text: str) -> str:
    """Return one line of prose with every active character made harmless; `code` stays code."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(p if p.startswith("`") else _ACTIVE.sub(r"\\\1", p) for p in parts)


def code(text: str) -> str:
    """Return text as code on one line, whatever backticks it has."""
    flat = " ".join(text.split())
    fence = "`" * (max((len(m) for m in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat[:1] == "`" or flat[-1:] == "`" else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def link(words: str, kind: str, name: str) -> str:
    """Return a link from one page of data to another; `words` are set as code."""
    return f"[{code(words)}](../{kind}/{name}.md)"


def anchor(words: str, address: str) -> str:
    """Return a link to a place that Sphinx does not know: the site's own check follows it."""
    return f'<a href="{escape(address)}">{escape(words)}</a>'


def target(name: str) -> str:
    """Return an anchor for a page's own place."""
    return _TARGET.format(escape(name))


def facts(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return label and text as a list; rows without text are left out."""
    return ["", *(f"- **{label}**: {text}" for label, text in rows if text), ""]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of Markdown that is already made."""
    lines = [list(header), ["---"] * len(header), *rows]
    return ["", *("| " + " | ".join(line) + " |" for line in lines), ""]


def fence(text: str, language: str = "text") -> list[str]:
    """Return a block of code."""
    return ["", f"````{language}", text.rstrip("\n"), "````", ""]


def contents(names: Iterable[str], *, hidden: bool = True, depth: int = 1) -> list[str]:
    """Return the table of contents that puts pages below this one: `page`, or `words <page>`
    where the side bar calls it something else.
    """
    options = [":hidden:"] if hidden else []
    return ["", "```{toctree}", *options, f":maxdepth: {depth}", "", *names, "```", ""]
