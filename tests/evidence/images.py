"""Container images made by hand, honest ones and others."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
FOLDER = object()


def tar(*rows) -> bytes:
    """A tar archive; a row is a name with bytes, FOLDER, or a ready TarInfo with bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in rows:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if data is FOLDER:
                member.type, data = tarfile.DIRTYPE, b""
            elif member.isreg():
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image(*layers: bytes, change=None, outer=(), **parts) -> bytes:
    """An OCI archive of tar layers. `change` may alter names and blobs before they are packed;
    `outer` rows are added; `parts` replace members of config, manifest, index or descriptor.
    """
    zipped = [gzip.compress(layer, mtime=0) for layer in layers]
    blobs: dict[str, bytes] = {}

    def stored(data: bytes, kind: str) -> dict:
        blobs["blobs/sha256/" + digest(data)[7:]] = data
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    config = {
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "config": {},
    } | parts.get("config", {})
    manifest = {
        "config": stored(json.dumps(config).encode(), "c"),
        "layers": [stored(z, LAYER) | parts.get("layer", {}) for z in zipped],
    } | parts.get("manifest", {})
    index = {
        "manifests": [stored(json.dumps(manifest).encode(), MANIFEST) | parts.get("descriptor", {})]
    } | parts.get("index", {})
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index).encode(),
        **blobs,
    }
    if change:
        change(files, zipped)
    return tar(*files.items(), *outer)
