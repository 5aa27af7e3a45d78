"""A reader's own copy of the notebooks: laid out, brought up to date, and never at the cost of
the reader's work.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import casnb
from casnb.base.errors import SourceError, UsageError
from casnb.cli.base import write_atomically

#: What was laid out, by file name, as SHA-256: a file that still has this content was not changed
#: by the reader.
RECORD = ".casnb-laid-out.json"
#: Below the reader's folder: new versions of files that the reader changed, by version of casnb.
UPDATES = "updates"
_LINK = re.compile(r"(?<=\]\()[\w./-]+(?=[)#])")


@dataclass(frozen=True)
class Step:
    """What became of one file: `new`, `same`, `updated` or `kept` (the reader's); `beside` is where
    its new version was put just now, and `changed` says that the one put there was changed, too.
    """

    name: str
    what: str
    beside: str = ""
    changed: bool = False


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
    numbers = dict.fromkeys(name[:2] for name in names)  # a chapter may have two notebooks
    raise UsageError(
        "chapter",
        got=number,
        wanted=f"one of {', '.join(numbers)}, or a notebook's name",
    )


def lay_out(target: Path, source: Path | None = None, only: str = "") -> list[Step]:
    """Copy the notebooks into `target`, or with `only`, the name of a file, those of its chapter
    alone, and return what became of each.

    A file that the reader changed stays as it is; where a newer version than the one laid out
    exists, it is put below `updates`, in a folder named like this version of casnb, once: who
    removes it does not get it again. Raises SourceError where something cannot be
    read or written; files already there are then untouched.
    """
    folder = source or shipped()
    try:
        target.mkdir(parents=True, exist_ok=True)
        record = _record(target)
        names = [name.as_posix() for name in _files(folder)]
        steps = [
            _place((folder / name).read_text(encoding="utf-8"), target, name, names, record)
            for name in names
            if name[:2] == only[:2] or not only
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


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _place(text: str, target: Path, name: str, names: list[str], record: dict[str, str]) -> Step:
    """Put one of our files where it belongs."""
    path, ours = target / name, _hash(text.encode("utf-8"))
    new, laid_out = not path.exists(), record.get(name)
    below = f"{UPDATES}/{casnb.__version__}/{name}"
    update = moved(text, names, "../" * below.count("/"))
    theirs = "" if new else _hash(path.read_bytes())
    if theirs == ours:
        record[name] = ours
        return Step(name, "same")
    # A reader who put the new version in place of the old one has not changed it.
    if new or theirs in (laid_out, _hash(update.encode("utf-8"))):
        _write(path, text)
        record[name] = ours
        return Step(name, "new" if new else "updated")
    if laid_out == ours:
        return Step(name, "kept")
    return _beside(target / below, name, below, update, record)


def _beside(path: Path, name: str, below: str, update: str, record: dict[str, str]) -> Step:
    """Put the new version of a file that the reader changed into its folder, unless it was put
    there before.
    """
    ours, given = _hash(update.encode("utf-8")), record.get(below)
    if given == ours and not path.exists():
        return Step(name, "kept")
    theirs = _hash(path.read_bytes()) if path.exists() else given
    if theirs == ours:
        record[below] = ours
        return Step(name, "kept")
    if theirs != given:
        return Step(name, "kept", below, changed=True)
    _write(path, update)
    record[below] = ours
    return Step(name, "kept", below)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def moved(text: str, names: Collection[str], up: str) -> str:
    """Return a file as it reads in a folder below: its links to the files of these names lead to
    those of the reader.
    """
    return _LINK.sub(lambda found: (up if found[0] in names else "") + found[0], text)
