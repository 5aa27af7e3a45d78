"""Renew every generated table of the documentation: `make docs`. With --check nothing is
written, and stale pages end with 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from doctables import (
    attacks,
    checks,
    commands,
    connections,
    evidence,
    language,
    panels,
    pictures,
    rooms,
    schema,
    teaching,
)

from casnb.mallory.attacks import FLAG_SETS, matrix

DOCS = Path(__file__).resolve().parent.parent
TABLES = {
    **checks.TABLES,
    **connections.TABLES,
    **language.TABLES,
    **attacks.TABLES,
    **commands.TABLES,
    **evidence.TABLES,
    **panels.TABLES,
    **rooms.TABLES,
    **teaching.TABLES,
    "matrix": lambda: f"```text\n{matrix(FLAG_SETS).text()}\n```",
}


def renewed(page: Path) -> str:
    """Return the text of a page with each of its generated tables made again from the data."""
    return checks.fill(page.read_text(encoding="utf-8"), TABLES)


def main(words: list[str]) -> int:
    """Write, or with `--check` name, every page whose tables are behind the data."""
    pages = sorted([*DOCS.glob("*.md"), *DOCS.glob("teach/*.md")])
    made = {p: renewed(p) for p in pages} | {schema.PATH: schema.renewed()}
    made |= {DOCS / name: draw() for name, draw in pictures.PICTURES.items()}
    stale = [
        p for p, text in made.items() if not p.exists() or text != p.read_text(encoding="utf-8")
    ]
    for page in stale:
        print(
            f"{page.relative_to(DOCS.parent)}: "
            + ("behind; run make docs" if "--check" in words else "renewed")
        )
        if "--check" not in words:
            page.write_text(made[page], encoding="utf-8")
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
