"""The rooms of the house as Markdown: what each is for, in its own words, and its size."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path

import casnb
from doctables.checks import markdown_table

PACKAGE = Path(casnb.__file__).parent
#: From the ground up: a module imports from its own room or from a lower one.
ROOMS = (
    "base",
    "checks",
    "evidence",
    "verify",
    "policy",
    "tls",
    "measure",
    "explain",
    "cas",
    "session",
    "simulator",
    "mallory",
    "conformance",
    "teach",
    "classroom",
    "film",
    "cli",
)


def rooms() -> str:
    """Return one row a room, the lowest first, with the first sentence of its docstring."""
    return markdown_table(
        ("room", "what it is for"), ((f"`casnb/{name}`", _purpose(name)) for name in ROOMS)
    )


def _purpose(name: str) -> str:
    text = (PACKAGE / name / "__init__.py").read_text(encoding="utf-8")
    words = " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].split())
    return words.replace("|", "\\|")


TABLES: Mapping[str, Callable[[], str]] = {"rooms": rooms}
