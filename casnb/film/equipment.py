"""What films and slides need, found on this machine: a browser, Playwright to drive it, ffmpeg,
reveal.js.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from casnb.base.errors import SourceError

#: Names of browsers that Playwright can drive, and the variable that names another one.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_VARIABLE = "CASNB_CHROMIUM"
#: The variable that names a folder of reveal.js 5, with `dist` and `plugin` in it.
REVEAL_VARIABLE = "CASNB_REVEAL"


@dataclass(frozen=True)
class Tool:
    """Something that is found or not: how it is called, how to look for it, how to get it."""

    name: str
    find: Callable[[], str]
    cure: str


def _browser() -> str:
    names = (os.environ.get(BROWSER_VARIABLE, ""), *BROWSERS)
    return next((found for name in names if name and (found := shutil.which(name))), "")


def _module(name: str) -> str:
    return name if importlib.util.find_spec(name) else ""


def _reveal() -> str:
    """The folder of reveal.js that the reader names, or the one that comes with sphinx-revealjs."""
    named = os.environ.get(REVEAL_VARIABLE, "")
    spec = importlib.util.find_spec("sphinx_revealjs")
    homes = (spec.submodule_search_locations if spec else None) or ()
    places = [Path(named)] if named else [Path(h) / "_static" / "revealjs" for h in homes]
    return next((str(p) for p in places if (p / "dist" / "reveal.js").is_file()), "")


_EXTRA = "pip install 'casnb[screencast]'"
CHROMIUM = Tool(
    "Chromium",
    _browser,
    f"apt-get install chromium, or {BROWSER_VARIABLE}=PATH for another place",
)
FFMPEG = Tool(
    "ffmpeg",
    lambda: shutil.which("ffmpeg") or "",
    "apt-get install ffmpeg, or --no-video, which leaves the mp4 out",
)
PLAYWRIGHT = Tool("playwright", lambda: _module("playwright"), _EXTRA)
TIME_MACHINE = Tool("time-machine", lambda: _module("time_machine"), _EXTRA)
REVEAL = Tool(
    "reveal.js",
    _reveal,
    f"pip install 'casnb[slides]', or {REVEAL_VARIABLE}=FOLDER for a copy of your own",
)


def find(*tools: Tool, of: str = "screencast") -> list[str]:
    """Return where each is. Raises SourceError that names all that are missing, and how to get
    each; `of` is what they are needed for.
    """
    found = [(tool, tool.find()) for tool in tools]
    missing = [tool for tool, place in found if not place]
    if missing:
        cures = dict.fromkeys(f"{', '.join(_of(c, missing))}: {c}." for c in _cures(missing))
        raise SourceError(
            of,
            got="no " + " and no ".join(tool.name for tool in missing),
            wanted="what it is made with",
            do=" ".join(cures),
        )
    return [place for _, place in found]


def _cures(missing: list[Tool]) -> list[str]:
    return list(dict.fromkeys(tool.cure for tool in missing))


def _of(cure: str, missing: list[Tool]) -> list[str]:
    return [tool.name for tool in missing if tool.cure == cure]
