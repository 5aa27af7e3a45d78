"""A chapter for a projector: a copy in which what a reader does alone is folded and each idea is
a slide.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from casnb.base.errors import SourceError
from casnb.cli.base import write_atomically
from casnb.cli.copies import moved
from casnb.film.audience import ALONE, SIZES, parts, slide_types, source_of

#: Below a reader's folder: copies for the projector, made again each time.
FOLDER = "present"
_THEMES = Path("@jupyterlab") / "apputils-extension" / "themes.jupyterlab-settings"


def for_projector(source: Path) -> Path:
    """Write the copy of a notebook that is shown, in the folder `present` beside it, and return
    its path. The notebook itself is only read.
    """
    try:
        beside = {p.name for p in source.parent.glob("*.ipynb")}
        book = json.loads(moved(source.read_text(encoding="utf-8"), beside, "../"))
        cells = shown(book["cells"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
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
    large = {name: f"{size}px" for name, size in SIZES.items()}
    (settings / _THEMES).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(settings / _THEMES, json.dumps({"overrides": large}, indent=2) + "\n")
    return settings


def shown(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return cells as a lecture needs them: what a reader does alone is folded, and each has its
    type of slide.
    """
    out = []
    for cell, part, kind in zip(cells, parts(cells), slide_types(cells), strict=True):
        meta = {**cell.get("metadata", {}), "slideshow": {"slide_type": kind}}
        if part in ALONE:
            markdown = cell.get("cell_type") == "markdown"
            meta["jupyter"] = {**meta.get("jupyter", {}), "source_hidden": not markdown}
            if markdown and source_of(cell).startswith("#"):
                meta["jp-MarkdownHeadingCollapsed"] = True
        out.append({**cell, "metadata": meta})
    return out
