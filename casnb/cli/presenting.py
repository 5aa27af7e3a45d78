"""A chapter for a projector: a copy in which setup and exercises are folded and each idea is a
slide.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from casnb.base.errors import SourceError
from casnb.cli.base import write_atomically

#: Below a reader's folder: copies for the projector, made again each time.
FOLDER = "present"
#: Type that is read from the last row; casnb's panels and pictures are sized by the second.
SIZES = {"code-font-size": "22px", "content-font-size1": "24px", "ui-font-size1": "17px"}
_THEMES = Path("@jupyterlab") / "apputils-extension" / "themes.jupyterlab-settings"
_HEADING = re.compile(r"#{1,3} ")


def for_projector(source: Path) -> Path:
    """Write the copy of a notebook that is shown, in the folder `present` beside it, and return
    its path. The notebook itself is only read.
    """
    try:
        book = json.loads(source.read_text(encoding="utf-8"))
        cells = [shown(cell) for cell in book["cells"]]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SourceError(
            source.name,
            got=getattr(exc, "strerror", None) or type(exc).__name__,
            wanted="a notebook that can be read",
        ) from None
    target = source.parent / FOLDER / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, json.dumps({**book, "cells": cells}, indent=1) + "\n")
    return target


def large_type(folder: Path) -> Path:
    """Write settings of JupyterLab in large type below a reader's folder, and return where: they
    count instead of the reader's own, which are not touched.
    """
    settings = folder / FOLDER / ".settings"
    (settings / _THEMES).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(settings / _THEMES, json.dumps({"overrides": SIZES}, indent=2) + "\n")
    return settings


def shown(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell as a lecture needs it: a heading begins a slide, setup and exercises are
    folded and no slide.
    """
    meta = dict(cell.get("metadata", {}))
    tags, source = set(meta.get("tags", [])), "".join(cell.get("source", []))
    folded = bool(tags & {"setup", "exercise", "answer", "check"})
    markdown = cell.get("cell_type") == "markdown"
    if folded:
        meta["jupyter"] = {**meta.get("jupyter", {}), "source_hidden": not markdown}
        kind = "skip"
    elif markdown:
        kind = "slide" if _HEADING.match(source) else "subslide"
    else:
        kind = "-"
    if folded and markdown and _HEADING.match(source):
        meta["jp-MarkdownHeadingCollapsed"] = True
    return {**cell, "metadata": {**meta, "slideshow": {"slide_type": kind}}}
