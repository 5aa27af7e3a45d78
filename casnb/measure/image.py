"""A container image as one file (an OCI archive): its layers laid over each other in memory, and
the files that matter found.

Strict, and nothing is written to disk: every blob must be what its digest says, every path must
stay inside, nothing may stand twice, sizes are bounded before anything is unpacked. Links are
noted, never followed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.measure.archive import (
    ARCHIVE_LIMIT,
    ENTRY_LIMIT,
    LAYER_LIMIT,
    UNPACKED_LIMIT,
    ImageFile,
    archive_files,
    inflate,
    lay_over,
)

#: Where a tar archive says that it is one.
_USTAR = slice(257, 262)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
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
    "Pack it again: skopeo copy --dest-compress-format gzip --dest-force-compress-format"
    " docker://NAME oci-archive:image.tar"
)
_DOCKER = (
    "An archive of `docker save` before Docker 25 has no digests of its layers. Convert it: skopeo"
    " copy docker-archive:FILE oci-archive:image.tar"
)
_SAVE = "Save it again, for example: skopeo copy docker://NAME oci-archive:image.tar"


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
    blobs = archive_files(data)
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
        content = inflate(blob, left, what) if _LAYERS[kind] else blob
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
        entries -= lay_over(tree, removed, content, n, want, entries)
    names = tuple(strictjson.member(d, "digest", str, "image: layer") for d in layers)
    return Image(digest, names, config, tree, tuple(removed), len(blobs))


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
