"""The programs that a film needs, found on this machine: a browser, Playwright to drive it, and
ffmpeg.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from casnb.base.errors import SourceError

#: Names of browsers that Playwright can drive, and the variable that names another one.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_VARIABLE = "CASNB_CHROMIUM"


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


def find(*tools: Tool) -> list[str]:
    """Return where each is. Raises SourceError that names all that are missing, and how to get
    each.
    """
    found = [(tool, tool.find()) for tool in tools]
    missing = [tool for tool, place in found if not place]
    if missing:
        cures = dict.fromkeys(f"{', '.join(_of(c, missing))}: {c}." for c in _cures(missing))
        raise SourceError(
            "screencast",
            got="no " + " and no ".join(tool.name for tool in missing),
            wanted="what a film is made with",
            do=" ".join(cures),
        )
    return [place for _, place in found]


def _cures(missing: list[Tool]) -> list[str]:
    return list(dict.fromkeys(tool.cure for tool in missing))


def _of(cure: str, missing: list[Tool]) -> list[str]:
    return [tool.name for tool in missing if tool.cure == cure]
