"""Aids on a notebook's page: meanings of the course's words where they are read, and buttons that
copy hashes and solutions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from casnb.base.snapshot import WIDGET
from casnb.teach.copying import PUT
from casnb.teach.course.glossary import GLOSSARY

_HERE = Path(__file__).parent


class Aids(anywidget.AnyWidget):
    """Marks the words of the glossary in the page's texts: pointer, focus or a tap shows what a
    word means. It draws nothing itself; where no page shows it, nothing happens.
    """

    _esm = PUT + (_HERE / "aids.js").read_text(encoding="utf-8")
    _css = (_HERE / "aids.css").read_text(encoding="utf-8")
    words: Any = traitlets.List().tag(sync=True)

    def __init__(self, **others: Any) -> None:
        words = [
            {
                "name": w.name,
                "term": w.term,
                "meaning": w.sentence,
                "spellings": list(w.spellings),
                "basic": w.cell.startswith("00"),
            }
            for w in GLOSSARY
        ]
        super().__init__(words=words, **others)
        self.add_class("t-aids")


def put_on_page(*unseen: anywidget.AnyWidget) -> None:
    """Display widgets that draw nothing, and the aids with them; no form of them stays behind."""
    from IPython.display import display

    for widget in (*unseen, Aids()):
        found: Any = widget._repr_mimebundle_()
        data = found[0] if isinstance(found, tuple) else found or {}
        if WIDGET in data:
            display({WIDGET: data[WIDGET], "text/html": "", "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]
