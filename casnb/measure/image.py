"""A container image as one file (an OCI archive): its layers laid over each other in memory, and
the files that matter found.

Strict, and nothing is written to disk: every blob must be what its digest says, every path must
stay inside, nothing may stand twice, sizes are bounded before anything is unpacked. Links are
noted, never followed.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, neutral

#: No archive of more bytes is read; no more bytes are unpacked from one, all layers together.
ARCHIVE_LIMIT = 64 << 20
UNPACKED_LIMIT = 128 << 20
#: Entries of all layers together, blobs of the archive, layers, and the length of a path.
ENTRY_LIMIT, BLOB_LIMIT, LAYER_LIMIT, PATH_LIMIT = 50_000, 500, 127, 1000
#: Where a tar archive says that it is one.
_USTAR = slice(257, 262)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
#: Docker's own kinds are laid out like those of OCI; `docker save` writes them when the image came
#: so from a registry.
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LAYERS = {
    "application/vnd.oci.image.layer.v1.tar": False,
    "application/vnd.oci.image.layer.v1.tar+gzip": True,
    "application/vnd.docker.image.rootfs.diff.tar": False,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": True,
}
_PACK = (
    "Pack it anew: skopeo copy --dest-compress-format gzip --dest-force-compress-format"
    " docker://NAME oci-archive:image.tar"
)
_DOCKER = (
    "An archive of `docker save` before Docker 25 has no digests of its layers. Convert it: skopeo"
    " copy docker-archive:FILE oci-archive:image.tar"
)
_SAVE = "Save it again, for example: skopeo copy docker://NAME oci-archive:image.tar"


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


@dataclass(frozen=True)
class Image:
    """An image as a container would see it: the files left when every layer lies over the ones
    before.

    `layers` are the digests of the layers from the ground up, `config` is the image's own
    description. `removed` are wanted files of a lower layer that a later one took away: their
    bytes are still in the archive, and no container sees them.
    """

    digest: str
    layers: tuple[str, ...]
    config: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, ImageFile] = field(repr=False)
    removed: tuple[ImageFile, ...] = ()
    blobs: int = 0

    @property
    def _run(self) -> Mapping[str, Any]:
        found = self.config.get("config")
        return found if isinstance(found, dict) else {}

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the image sets for its program."""
        rows = self._run.get("Env") or []
        return (
            dict(row.split("=", 1) for row in rows if isinstance(row, str) and "=" in row)
            if isinstance(rows, list)
            else {}
        )

    @property
    def command(self) -> tuple[str, ...]:
        """What a container of this image starts: entry point and command."""
        words = [w for name in ("Entrypoint", "Cmd") for w in self._run.get(name) or []]
        return tuple(w for w in words if isinstance(w, str))

    @property
    def labels(self) -> dict[str, str]:
        """What the image says of itself: a claim like any other."""
        found = self._run.get("Labels")
        return (
            {k: v for k, v in found.items() if isinstance(v, str)}
            if isinstance(found, dict)
            else {}
        )

    def wanted(self) -> tuple[ImageFile, ...]:
        """The files whose bytes were kept, by path."""
        return tuple(f for _, f in sorted(self.files.items()) if f.data is not None)


def is_tar(data: bytes) -> bool:
    """Whether these bytes look like a tar archive."""
    return data[_USTAR] == b"ustar"


def read_image(data: bytes, want: Callable[[bytes, int], bool]) -> Image:
    """Return the image in an OCI archive; `want` says by a file's first 64 bytes and size
    whether its bytes are kept.

    Raises EvidenceError for anything that is not exactly such an archive: a blob that its digest
    does not fit, a path that leads out, a name that stands twice, a link among the blobs, more
    bytes or entries than the limits.
    """
    if len(data) > ARCHIVE_LIMIT:
        raise EvidenceError(
            "image",
            got=f"{len(data)} bytes",
            wanted=f"at most {ARCHIVE_LIMIT}",
            do="Nothing was unpacked.",
        )
    blobs = _archive(data)
    if "oci-layout" not in blobs and "manifest.json" in blobs:
        raise EvidenceError(
            "image: oci-layout", got="nothing, and a manifest.json", wanted="this file", do=_DOCKER
        )
    layout = _json(blobs.get("oci-layout"), "image: oci-layout")
    if layout.get("imageLayoutVersion") != "1.0.0":
        raise EvidenceError(
            "image: imageLayoutVersion",
            got=layout.get("imageLayoutVersion"),
            wanted="1.0.0",
            do=_SAVE,
        )
    found = _json(blobs.get("index.json"), "image: index.json")
    digest, manifest = _manifest(found, blobs)
    config = _json(
        _blob(
            strictjson.member(manifest, "config", dict, "image: manifest"), blobs, "image: config"
        ),
        "image: config",
    )
    layers = strictjson.member(manifest, "layers", list, "image: manifest")
    if not 1 <= len(layers) <= LAYER_LIMIT:
        raise EvidenceError("image: layers", got=len(layers), wanted=f"1 to {LAYER_LIMIT}")
    rootfs = strictjson.member(config, "rootfs", dict, "image: config")
    plain = strictjson.member(rootfs, "diff_ids", list, "image: config.rootfs")
    if len(plain) != len(layers):
        raise EvidenceError(
            "image: config.rootfs.diff_ids", got=len(plain), wanted=f"{len(layers)}, one a layer"
        )
    tree, removed, left, entries = (
        dict[str, ImageFile](),
        list[ImageFile](),
        UNPACKED_LIMIT,
        ENTRY_LIMIT,
    )
    for n, (descriptor, diff) in enumerate(zip(layers, plain, strict=True), 1):
        what = f"image: layer {n}"
        kind = strictjson.member(descriptor, "mediaType", str, what)
        if kind not in _LAYERS:
            raise EvidenceError(what, got=kind, wanted="a tar layer, plain or gzip", do=_PACK)
        blob = _blob(descriptor, blobs, what)
        content = _inflate(blob, left, what) if _LAYERS[kind] else blob
        left -= len(content)
        if left < 0:
            raise EvidenceError(
                what,
                got="too many bytes",
                wanted=f"at most {UNPACKED_LIMIT} in all layers together",
            )
        if diff != f"sha256:{hashlib.sha256(content).hexdigest()}":
            raise EvidenceError(
                f"{what}: unpacked digest",
                got=hashlib.sha256(content).hexdigest(),
                wanted=str(diff)[:80],
            )
        entries -= _lay_over(tree, removed, content, n, want, entries)
    names = tuple(strictjson.member(d, "digest", str, "image: layer") for d in layers)
    return Image(digest, names, config, tree, tuple(removed), len(blobs))


def _entries(data: bytes, what: str, limit: int) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the members of a tar archive with their bytes (none for what is no file).

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
                    got=f"something that is no entry at byte {archive.offset}",
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


def _archive(data: bytes) -> dict[str, bytes]:
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


def _json(data: bytes | None, what: str) -> dict[str, Any]:
    if data is None:
        raise EvidenceError(
            what, got="nothing", wanted="this file", do=f"This is no OCI archive. {_SAVE}"
        )
    found = strictjson.loads(data, what)
    if not isinstance(found, dict):
        raise EvidenceError(what, got=type(found).__name__, wanted="an object")
    return found


def _blob(descriptor: Any, blobs: Mapping[str, bytes], what: str) -> bytes:
    """Return the blob that a descriptor names, once it has the size and the digest that it
    states.
    """
    digest = strictjson.member(descriptor, "digest", str, what)
    size = strictjson.member(descriptor, "size", int, what)
    name = _DIGEST.fullmatch(digest)
    if name is None:
        raise EvidenceError(f"{what}: digest", got=digest, wanted="sha256: and 64 hex digits")
    data = blobs.get(f"blobs/sha256/{name[1]}")
    if data is None:
        raise EvidenceError(f"{what}: blob {name[1]}", got="nothing", wanted="it in the archive")
    if len(data) != size:
        raise EvidenceError(f"{what}: size", got=len(data), wanted=size)
    if (made := hashlib.sha256(data).hexdigest()) != name[1]:
        raise EvidenceError(
            f"{what}: digest",
            got=made,
            wanted=name[1],
            do="The blob is not the one that was meant.",
        )
    return data


def _manifest(index: dict[str, Any], blobs: Mapping[str, bytes]) -> tuple[str, dict[str, Any]]:
    """Return digest and content of the only manifest; an index of several platforms has one for
    linux/amd64.
    """
    for depth in range(3):
        rows = strictjson.member(index, "manifests", list, "image: index")
        if len(rows) > 1:
            rows = [r for r in rows if isinstance(r, dict) and _platform(r) == ("linux", "amd64")]
        if len(rows) != 1:
            raise EvidenceError(
                "image: index",
                got=f"{len(rows)} images",
                wanted="one, or one for linux/amd64",
                do=_SAVE,
            )
        what = "image: manifest"
        kind = strictjson.member(rows[0], "mediaType", str, what)
        found = _json(_blob(rows[0], blobs, what), what)
        if kind in _MANIFESTS:
            return strictjson.member(rows[0], "digest", str, what), found
        if kind not in _INDEXES or depth == 2:
            raise EvidenceError(f"{what}: mediaType", got=kind, wanted=_MANIFESTS[0], do=_SAVE)
        index = found
    raise AssertionError


def _platform(row: dict[str, Any]) -> tuple[Any, Any]:
    found = row.get("platform")
    return (found.get("os"), found.get("architecture")) if isinstance(found, dict) else (None, None)


def _inflate(blob: bytes, limit: int, what: str) -> bytes:
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


def _lay_over(
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
            opaque = name == _OPAQUE
            target = (
                folder if opaque else "/".join(filter(None, (folder, name.removeprefix(_WHITEOUT))))
            )
            if (not opaque and name.removeprefix(_WHITEOUT) in ("", ".", "..")) or (
                target,
                opaque,
            ) in hidden:
                raise EvidenceError(
                    f"{what}: {path}",
                    got="a whiteout of nothing, or twice",
                    wanted="the name of a file, once",
                )
            hidden.append((target, opaque))
            continue
        if path in above and not (above[path].kind == "folder" and member.isdir()):
            raise EvidenceError(f"{what}: {path}", got="the path twice", wanted="each path once")
        if path:
            above[path] = _file(member, content, path, number, want)
    for target, opaque in hidden:
        _take_away(tree, removed, target, inside=opaque)
    for path, new in above.items():
        for parent in _parents(path):
            under = above.get(parent) or tree.get(parent)
            if under is not None and under.kind != "folder":
                raise EvidenceError(
                    f"{what}: {path}",
                    got=f"a path through {parent}, which is a {under.kind}",
                    wanted="folders on the way",
                    do="Where it leads depends on who unpacks it.",
                )
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
