"""Options that the commands of a course share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

COURSE = click.option(
    "--course",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The course's folder.  [default: this one]",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def split(words: Any) -> list[str]:
    """Return the words of an option that may be given twice, or hold several with commas."""
    return [w for text in words for w in str(text).replace(",", " ").split()]


def there(folder: Path) -> str:
    """Return what a next command says of where the course is."""
    return "" if folder == Path() else f" --course {folder}"
