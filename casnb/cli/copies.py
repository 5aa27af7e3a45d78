"""A reader's own copy of the notebooks: laid out, brought up to date, and never at the cost of
the reader's work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import casnb
from casnb.base.errors import SourceError, UsageError
from casnb.cli.base import write_atomically

#: What was laid out, by file name, as SHA-256: a file that still has this content was not changed
#: by the reader.
RECORD = ".casnb-laid-out.json"


@dataclass(frozen=True)
class Step:
    """What became of one file: `new`, `same`, `updated`, `kept` (the reader's), or `kept, new
    version beside`.
    """

    name: str
    what: str
    beside: str = ""


def shipped() -> Path:
    """Return the folder of notebooks that came with casnb: in the wheel, or in the checkout
    beside the package.
    """
    package = Path(casnb.__file__).resolve().parent
    for folder in (package / "_notebooks", package.parent / "notebooks"):
        if folder.is_dir() and any(folder.glob("*.ipynb")):
            return folder
    raise SourceError(
        "notebooks",
        got="none",
        wanted="casnb/_notebooks in the wheel, or notebooks/ in a checkout",
        do="Reinstall casnb.",
    )


def checkout() -> Path:
    """Return the checkout's own notebooks folder, for `--in-place`."""
    folder = Path(casnb.__file__).resolve().parent.parent / "notebooks"
    if not folder.is_dir():
        raise UsageError(
            "--in-place",
            got="casnb installed from a wheel",
            wanted="a checkout with a notebooks folder",
            do="Leave it out, and name a folder for your own copy: casnb lab DIR",
        )
    return folder


def chapter(number: str, source: Path | None = None) -> str:
    """Return the file name of a chapter: `03` is `03-attest-and-flags.ipynb`. Raises UsageError
    for a number that none has.
    """
    names = sorted(p.name for p in (source or shipped()).glob("[0-9][0-9]-*.ipynb"))
    for name in names:
        if number in (name[:2], name, name.removesuffix(".ipynb")):
            return name
    raise UsageError("chapter", got=number, wanted="one of " + ", ".join(n[:2] for n in names))


def lay_out(target: Path, source: Path | None = None, only: str = "") -> list[Step]:
    """Copy the notebooks into `target`, or with `only`, the name of a file, those of its chapter
    alone, and return what became of each.

    A file that the reader changed stays as it is; where a newer version than the one laid out
    exists, it is put beside as NAME.new.SUFFIX. Raises SourceError where something cannot be
    read or written; files already there are then untouched.
    """
    folder = source or shipped()
    try:
        target.mkdir(parents=True, exist_ok=True)
        record = _record(target)
        steps = [
            _place(folder / name, target / name, name.as_posix(), record)
            for name in _files(folder)
            if name.as_posix()[:2] == only[:2] or not only
        ]
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or type(exc).__name__
        raise SourceError(
            str(getattr(exc, "filename", None) or target),
            got=reason,
            wanted="a folder that can be written",
            do="Name another one: casnb lab DIR",
        ) from None
    write_atomically(target / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return steps


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, hidden ones and caches left out."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            yield name


def _record(target: Path) -> dict[str, str]:
    """Return what was laid out before; a damaged record counts as none, so that every file is
    taken for the reader's own.
    """
    try:
        found = json.loads((target / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _place(source: Path, target: Path, name: str, record: dict[str, str]) -> Step:
    text = source.read_text(encoding="utf-8")
    ours = hashlib.sha256(text.encode("utf-8")).hexdigest()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text)
        record[name] = ours
        return Step(name, "new")
    theirs = hashlib.sha256(target.read_bytes()).hexdigest()
    if theirs == ours:
        record[name] = ours
        return Step(name, "same")
    laid_out = record.get(name)
    if theirs == laid_out:
        write_atomically(target, text)
        record[name] = ours
        return Step(name, "updated")
    beside = target.with_name(f"{target.stem}.new{target.suffix}")
    if laid_out == ours:
        return Step(name, "kept")
    if beside.exists() and hashlib.sha256(beside.read_bytes()).hexdigest() not in (
        ours,
        record.get(beside.name),
    ):
        return Step(
            name, f"kept; {beside.name} was changed too, so the newest version is not laid out"
        )
    write_atomically(beside, text)
    record[beside.name] = ours
    return Step(name, "kept, new version beside", beside.name)
