"""Tar archives and layers of an image, read in memory: nothing is unpacked to disk."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from casnb.base.errors import EvidenceError, neutral

#: No archive of more bytes is read; no more bytes are unpacked from one, all layers together.
ARCHIVE_LIMIT = 64 << 20


UNPACKED_LIMIT = 128 << 20


#: Entries of all layers together, blobs of the archive, layers, and the length of a path.
ENTRY_LIMIT, BLOB_LIMIT, LAYER_LIMIT, PATH_LIMIT = 50_000, 500, 127, 1000


_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class ImageFile:
    """A file of the image: its path, its size, the number of the layer that it comes from, and
    its bytes where they were wanted.

    `kind` is `file`, `folder` or `link`.
    """

    path: str
    kind: str
    layer: int
    size: int = 0
    data: bytes | None = field(default=None, repr=False)


def _entries(data: bytes, what: str, limit: int) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the members of a tar archive with their bytes (none for what is not a file).

    Raises EvidenceError for a damaged one, for more members than `limit`, for anything behind
    its end. What the library would pass over in silence (a damaged header ends the archive for
    it) is refused: another reader may go on.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, member in enumerate(archive, 1):
                if count > limit:
                    raise EvidenceError(
                        what, got=f"more than {limit} entries", wanted=f"at most {limit}"
                    )
                if member.issparse():
                    raise EvidenceError(
                        f"{what}: {member.name[:80]}", got="a sparse file", wanted="a plain one"
                    )
                file = archive.extractfile(member) if member.isreg() else None
                content = file.read() if file is not None else b""
                if member.isreg() and len(content) != member.size:
                    raise EvidenceError(
                        f"{what}: {member.name[:80]}",
                        got=f"{len(content)} bytes",
                        wanted=str(member.size),
                    )
                yield member, content
            if any(data[archive.offset :]):
                raise EvidenceError(
                    what,
                    got=f"something that is not an entry at byte {archive.offset}",
                    wanted="zeros up to the end",
                )
    except (tarfile.TarError, ValueError, EOFError, OSError, OverflowError, RecursionError) as exc:
        raise EvidenceError(
            what, got=f"a damaged archive ({neutral(exc, 80) or type(exc).__name__})", wanted="tar"
        ) from None


def _path(name: str, what: str) -> str:
    """Return a member's path without `./` and slashes at its end; raise EvidenceError for one
    that leads out or says nothing.
    """
    parts = [p for p in name.rstrip("/").split("/") if p not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name or len(name) > PATH_LIMIT:
        raise EvidenceError(
            f"{what}: path", got=name[:120], wanted="a relative path that stays inside"
        )
    return "/".join(parts)


def archive_files(data: bytes) -> dict[str, bytes]:
    """Return the files of the outer archive by name."""
    found: dict[str, bytes] = {}
    folders: set[str] = set()
    for member, content in _entries(data, "image", BLOB_LIMIT):
        path = _path(member.name, "image")
        if path in found or (path in folders and not member.isdir()):
            raise EvidenceError(f"image: {path}", got="the name twice", wanted="each name once")
        if member.isdir():
            folders.add(path)
        elif member.isreg():
            found[path] = content
        else:
            raise EvidenceError(
                f"image: {path}",
                got="a link or device",
                wanted="a plain file",
                do="Nothing was unpacked.",
            )
    return found


def inflate(blob: bytes, limit: int, what: str) -> bytes:
    """Return what a gzip blob holds, member after member, at most `limit` bytes; nothing may
    follow.
    """
    out, rest, left = list[bytes](), blob, limit
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(rest, left + 1)
            left -= len(part)
            if left < 0:
                raise EvidenceError(
                    what,
                    got=f"more than {limit} bytes when unpacked",
                    wanted=f"at most {UNPACKED_LIMIT} in all",
                    do="It may be made to fill memory; nothing was unpacked.",
                )
            if not member.eof:
                raise EvidenceError(what, got="gzip that is cut short", wanted="a whole one")
            out.append(part)
            rest = member.unused_data
    except zlib.error as exc:
        raise EvidenceError(what, got=f"no gzip ({neutral(exc, 80)})", wanted="gzip") from None
    return b"".join(out)


def _whited_out(folder: str, name: str) -> tuple[str, bool] | None:
    """Return what a whiteout hides: the path, and whether all in that folder is meant; None where
    it names nothing.
    """
    if name == _OPAQUE:
        return folder, True
    hidden = name.removeprefix(_WHITEOUT)
    return None if hidden in ("", ".", "..") else (f"{folder}/{hidden}".lstrip("/"), False)


def _require_folders(
    path: str, above: dict[str, ImageFile], tree: dict[str, ImageFile], what: str
) -> None:
    """Raise EvidenceError where something else than folders lies on the way to a path."""
    for parent in _parents(path):
        under = above.get(parent) or tree.get(parent)
        if under is not None and under.kind != "folder":
            raise EvidenceError(
                f"{what}: {path}",
                got=f"a path through {parent}, which is a {under.kind}",
                wanted="folders on the way",
                do="Where it leads depends on who unpacks it.",
            )


def lay_over(
    tree: dict[str, ImageFile],
    removed: list[ImageFile],
    layer: bytes,
    number: int,
    want: Callable[[bytes, int], bool],
    limit: int,
) -> int:
    """Apply one layer to the files below it and return how many entries it has; whiteouts act on
    lower layers alone.
    """
    what = f"image: layer {number}"
    above: dict[str, ImageFile] = {}
    hidden: list[tuple[str, bool]] = []
    count = 0
    for member, content in _entries(layer, what, limit):
        count += 1
        path = _path(member.name, what)
        folder, _, name = path.rpartition("/")
        if name.startswith(_WHITEOUT):
            found = _whited_out(folder, name)
            if found is None or found in hidden:
                raise EvidenceError(
                    f"{what}: {path}",
                    got="a whiteout of nothing, or twice",
                    wanted="the name of a file, once",
                )
            hidden.append(found)
            continue
        if path in above and not (above[path].kind == "folder" and member.isdir()):
            raise EvidenceError(f"{what}: {path}", got="the path twice", wanted="each path once")
        if path:
            above[path] = _file(member, content, path, number, want)
    for target, opaque in hidden:
        _take_away(tree, removed, target, inside=opaque)
    for path, new in above.items():
        _require_folders(path, above, tree, what)
        if new.kind != "folder" or (path in tree and tree[path].kind != "folder"):
            _take_away(tree, removed, path)
        tree[path] = new
    return count


def _file(
    member: tarfile.TarInfo, data: bytes, path: str, number: int, want: Callable[[bytes, int], bool]
) -> ImageFile:
    if member.isdir():
        return ImageFile(path, "folder", number)
    if not member.isreg():
        return ImageFile(path, "link", number)
    return ImageFile(path, "file", number, len(data), data if want(data[:64], len(data)) else None)


def _parents(path: str) -> Iterator[str]:
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _take_away(
    tree: dict[str, ImageFile], removed: list[ImageFile], path: str, *, inside: bool = False
) -> None:
    """Remove a path and all below it, or (`inside`) only what is below."""
    below = f"{path}/" if path else ""
    gone = [n for n in tree if n != path and n.startswith(below)]
    for name in gone if inside or path not in tree else [*gone, path]:
        if (file := tree.pop(name)).data is not None:
            removed.append(file)
