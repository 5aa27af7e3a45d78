"""The README as a package index shows it: beside no checkout, so that no link leads beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: Says at build time where the files of the checkout can be read, as an address.
BASE = "CASNB_README_BASE"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")


def published(text: str, base: str = "") -> str:
    """Return Markdown whose links to files lead below `base`; without one, a link is its words,
    and a picture its text alternative.
    """

    def made(match: re.Match[str]) -> str:
        picture, words, goal = match.groups()
        if re.match(r"[a-z][a-z0-9+.-]*:|#", goal):
            return match[0]
        if base:
            return f"{picture}[{words}]({base.rstrip('/')}/{goal})"
        return f"*{words}*" if picture else words

    return _LINK.sub(made, text)


class CustomMetadataHook(MetadataHookInterface):
    """Put the README into the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme` from the file beside this one."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": published(text, os.environ.get(BASE, "")),
        }
