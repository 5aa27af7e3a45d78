"""Hand-ins as a learning platform gives them: files, folders, and zip files, nested once. Nothing
is unpacked on disk, no link is followed, and no name is a place to write to.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from casnb.base.errors import CasnbError, EvidenceError, SourceError, neutral
from casnb.classroom.hand_in import LIMIT

SUFFIXES = (".ipynb", ".json")
#: What is said of a file of another kind.
OTHER = "no notebook, receipt or zip"
#: Folders that tools leave behind.
_SKIPPED = frozenset({"__macosx", ".ipynb_checkpoints", ".git", "__pycache__"})
ENTRIES = 50_000
DEPTH = 12
#: Files of one hand-in that comes as a zip.
INNER = 50
#: Files of a student's repository that are looked at.
CLONED = 2000
#: A zip inside a zip is read into memory.
_ZIP_LIMIT = 2 * LIMIT
#: Bytes that one archive may grow to as a whole, for each byte it has, and at least.
_RATIO, _FLOOR = 200, 64 << 20


@dataclass(frozen=True)
class Piece:
    """One file handed in: `parts` are its folders and name as the platform gave them, `label` how
    it is shown, `path` with `inside` (names in nested archives) where its bytes are; `data` where
    they were read already, `problem` why they cannot be.
    """

    label: str
    parts: tuple[str, ...]
    path: str
    inside: tuple[str, ...] = ()
    data: bytes | None = None
    problem: str = ""
    #: How many of the last parts the student chose.
    own: int = 1
    #: Whether it lies in a clone of a repository, whose folder the platform named.
    cloned: bool = False
    #: The file or folder that was named when hand-ins were asked for.
    root: str = ""

    @property
    def platform(self) -> tuple[str, ...]:
        """The folders that the student did not choose."""
        return self.parts[: -self.own] if self.own else self.parts


def pieces(paths: Iterable[str]) -> Iterator[Piece]:
    """Yield what lies in these files, folders and archives, in order of name; what cannot be taken
    is a piece with its problem. Files of other kinds are left out, unless they were named.
    """
    for path in paths:
        root = Path(path).name
        for piece in _of(Path(path), True):
            yield replace(piece, root=root)


def _of(path: Path, named: bool, parts: tuple[str, ...] | None = None) -> Iterator[Piece]:
    own = parts or _last(path)
    label = "/".join(own) if parts else path.name
    try:
        found = path.stat() if named else path.lstat()
        if stat.S_ISLNK(found.st_mode):
            yield _bad(label, own, path, "a link: it was not followed")
        elif stat.S_ISDIR(found.st_mode):
            yield from _folder(path, label, own, parts or ())
        elif stat.S_ISREG(found.st_mode):
            yield from _file(path, label, own, named, found.st_size)
        else:
            yield _bad(label, own, path, "a device, pipe or socket: it was not opened")
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or str(exc)
        yield _bad(label, own, path, f"cannot be read ({why})")


def _folder(
    path: Path, label: str, own: tuple[str, ...], parts: tuple[str, ...]
) -> Iterator[Piece]:
    """Yield what is in a folder; `parts` are empty for one that was named itself."""
    if len(own) > DEPTH:
        yield _bad(label, own, path, f"a folder more than {DEPTH} levels down")
        return
    names = sorted((p.name for p in path.iterdir()), key=_natural)
    kept = [n for n in names if not _skipped(n)]
    if ".git" in names:
        yield from _clone(path, [n for n in kept if not n.startswith(".")], parts)
        return
    for name in kept:
        yield from _of(path / name, False, (*parts, name))
    if parts and not kept:
        yield _bad(label, own, path, "an empty folder")


def _file(path: Path, label: str, own: tuple[str, ...], named: bool, size: int) -> Iterator[Piece]:
    """Yield a file or what is in an archive. One of another kind is left out without a word where
    it lies beside the students' and has no suffix.
    """
    suffix = path.suffix.lower()
    if suffix == ".zip":
        yield from _archive(path, label, () if named else own)
    elif suffix not in SUFFIXES and not named:
        if len(own) > 1 or suffix:
            yield _bad(label, own, path, OTHER)
    elif size > LIMIT:
        yield _bad(label, own, path, f"too large: {size} bytes, at most {LIMIT}")
    else:
        yield Piece(neutral(label, 200), own, str(path))


def _skipped(name: str) -> bool:
    """Whether a file or folder of this name is a system's or an editor's own."""
    return name.casefold() in _SKIPPED or name.startswith("._")


def _clone(path: Path, names: list[str], parts: tuple[str, ...]) -> Iterator[Piece]:
    """Yield what is in a clone of a repository: its folder is the platform's, and all below it the
    student's.
    """
    inside = (piece for n in names for piece in _of(path / n, False, (*parts, n)))
    for count, piece in enumerate(inside):
        if count == CLONED:
            why = f"a repository with more than {CLONED} files: the rest was not looked at"
            piece = _bad("/".join((*parts, path.name)), (*parts, path.name), path, why)
        yield replace(piece, own=len(piece.parts) - len(parts), cloned=True)
        if count == CLONED:
            return


def _last(path: Path) -> tuple[str, ...]:
    """The last folders of a file that was named itself: platforms put the student there."""
    return path.parts[-3:] if path.is_file() else (path.name,)


def _bad(label: str, parts: tuple[str, ...], path: Path, why: str, own: int = 1) -> Piece:
    return Piece(neutral(label, 200), parts, str(path), problem=why, own=own)


def _archive(path: Path, label: str, before: tuple[str, ...]) -> Iterator[Piece]:
    """Yield what is in a zip file: a whole class's, or one student's."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield from _members(archive, path, label, before, (), path.stat().st_size)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as exc:
        parts = before or (path.name,)
        yield _bad(label, parts, path, f"a damaged zip file ({neutral(exc, 80)})")


def _too_much(rows: Sequence[zipfile.ZipInfo], most: int, size: int) -> str:
    """Say why a zip file of so many bytes is not opened, or return an empty string."""
    if len(rows) > most:
        return f"a zip file with {len(rows)} entries, at most {most}"
    total = sum(r.file_size for r in rows)
    if total > max(_FLOOR, _RATIO * size):
        return f"a zip bomb: {size} bytes that unpack to {total}"
    return ""


def _members(
    archive: zipfile.ZipFile,
    path: Path,
    label: str,
    before: tuple[str, ...],
    inside: tuple[str, ...],
    size: int,
) -> Iterator[Piece]:
    rows = archive.infolist()
    if why := _too_much(rows, INNER if before else ENTRIES, size):
        yield _bad(label, before or (path.name,), path, why)
        return
    names = Counter(r.filename for r in rows)
    for row in sorted(rows, key=lambda r: _natural(r.filename)):
        shown = f"{label}/{row.filename}" if before else row.filename
        parts = tuple(p for p in row.filename.replace("\\", "/").split("/") if p)
        full = (*before, *parts)
        own = len(parts) if before else 1
        if row.is_dir() or any(map(_skipped, parts)):
            continue
        twice = "a name that the zip file has twice" if names[row.filename] > 1 else ""
        why = _refused(row, parts) or twice
        suffix = Path(row.filename).suffix.lower()
        if why:
            # Its name is not one to go by, unless the platform's own folder says whose it is.
            yield _bad(shown, before or parts, path, why, 0 if before else 1)
        elif suffix == ".zip" and not inside:
            yield from _nested(archive, row, path, shown, full)
        elif suffix in SUFFIXES:
            yield Piece(neutral(shown, 200), full, str(path), (*inside, row.filename), own=own)
        else:
            yield _bad(shown, full, path, OTHER, own)


def _refused(row: zipfile.ZipInfo, parts: tuple[str, ...]) -> str:
    mode = row.external_attr >> 16
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "a link or device in a zip file: it was not followed"
    raw = row.filename.replace("\\", "/")
    if ".." in parts or raw.startswith("/") or re.match("[A-Za-z]:", raw):
        return "a name that leads out of the zip file"
    if row.flag_bits & 1:
        return "an encrypted file"
    limit = _ZIP_LIMIT if raw.lower().endswith(".zip") else LIMIT
    if row.file_size > limit:
        return f"too large: {row.file_size} bytes, at most {limit}"
    if row.file_size > 1 << 20 and row.file_size > _RATIO * max(row.compress_size, 1):
        return f"a zip bomb: {row.compress_size} bytes that unpack to {row.file_size}"
    return ""


def _nested(
    archive: zipfile.ZipFile, row: zipfile.ZipInfo, path: Path, label: str, parts: tuple[str, ...]
) -> Iterator[Piece]:
    try:
        data = _take(archive, row, _ZIP_LIMIT)
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            yield from _members(inner, path, label, parts, (row.filename,), len(data))
    except (zipfile.BadZipFile, EvidenceError, ValueError, NotImplementedError, EOFError) as exc:
        yield _bad(label, parts, path, f"a damaged zip file ({neutral(exc, 80)})")


def _take(archive: zipfile.ZipFile, row: zipfile.ZipInfo, limit: int) -> bytes:
    """Read an entry, and never more than `limit` bytes of it, whatever its header says."""
    try:
        with archive.open(row) as file:
            data = file.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as exc:
        raise EvidenceError(
            row.filename, got=f"a damaged entry ({neutral(exc, 80)})", wanted="a file"
        ) from None
    if len(data) > limit:
        raise EvidenceError(row.filename, got=f"more than {limit} bytes", wanted="a hand-in")
    return data


def content(piece: Piece) -> bytes:
    """Return a piece's bytes. Raises EvidenceError for one that is damaged or too large,
    SourceError for a file that cannot be read.
    """
    if piece.problem:
        raise EvidenceError(piece.label, got=piece.problem, wanted="a notebook or a receipt")
    if piece.data is not None:
        return piece.data
    try:
        if piece.inside:
            return _inside(piece)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(piece.path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SourceError(piece.label, got="a device or pipe", wanted="a regular file")
            data = file.read(LIMIT + 1)
    except CasnbError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError) as exc:
        raise EvidenceError(
            piece.label, got=f"a damaged zip file ({neutral(exc, 80)})", wanted="a hand-in"
        ) from None
    except OSError as exc:
        raise SourceError(piece.label, got=exc.strerror, wanted="a file to read") from None
    if len(data) > LIMIT:
        raise EvidenceError(piece.label, got=f"more than {LIMIT} bytes", wanted="a hand-in")
    return data


def _inside(piece: Piece) -> bytes:
    found = Path(piece.path).stat()
    archive = _opened(piece.path, found.st_mtime_ns, found.st_size)
    if len(piece.inside) == 1:
        return _take(archive, archive.getinfo(piece.inside[0]), LIMIT)
    outer = _take(archive, archive.getinfo(piece.inside[0]), _ZIP_LIMIT)
    with zipfile.ZipFile(io.BytesIO(outer)) as inner:
        return _take(inner, inner.getinfo(piece.inside[1]), LIMIT)


@lru_cache(maxsize=2)
def _opened(path: str, changed: int, size: int) -> zipfile.ZipFile:
    """An archive, kept open: reading the list of 3,000 entries again for each takes longer than
    all the rest.
    """
    return zipfile.ZipFile(path)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Order `hw1-2` before `hw1-10`."""
    return [
        (0, int(p[:18]), "") if p.isascii() and p.isdigit() else (1, 0, p.casefold())
        for p in re.split(r"(\d+)", name)
        if p
    ]
