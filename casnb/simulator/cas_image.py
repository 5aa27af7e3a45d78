"""The container image of a simulated CAS, as one file: an OCI archive with the enclave in it and
its signer's statement.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from casnb.simulator.platform import Enclave

#: Where the image has its enclave, and what is signed about it.
PROGRAM, STATEMENT = "opt/casnb/bin/cas.enclave", "opt/casnb/bin/cas.sig"
_FORMER = "opt/casnb/former"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_RELEASE = b'NAME="casnb base image"\nPRETTY_NAME="A simulation: nothing in it runs"\n'
_READ_ME = b"A simulated CAS. No code in it, every key public: trust nothing it says.\n"


def build_image(
    enclave: Enclave, former: Enclave, environment: Mapping[str, str] | None = None
) -> bytes:
    """Return the OCI archive of an enclave: same arguments, same layers; their compressed form
    is as this Python's zlib has it.

    Three layers: a base; the files of a `former` release; then the release itself, which takes
    the former one away (a whiteout). `environment` is what the image sets for its program, such
    as SCONE_HEAP.
    """
    layers = [
        _tar({"etc": None, "etc/os-release": _RELEASE, "opt": None, "opt/casnb": None}),
        _tar(
            {
                "opt/casnb/README": _READ_ME,
                _FORMER: None,
                f"{_FORMER}/cas.enclave": former.file.to_bytes(),
                f"{_FORMER}/cas.sig": former.sigstruct,
            }
        ),
        _tar(
            {
                "opt/casnb/.wh.former": b"",
                "opt/casnb/bin": None,
                PROGRAM: enclave.file.to_bytes(),
                STATEMENT: enclave.sigstruct,
            }
        ),
    ]
    blobs: dict[str, bytes] = {}

    def stored(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    labels = {
        "org.opencontainers.image.title": "simulated CAS",
        "org.opencontainers.image.version": enclave.version,
    }
    created = f"{enclave.date}T00:00:00Z"
    config = {
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": [f"/{PROGRAM}"],
            "Env": [f"{k}={v}" for k, v in (environment or {}).items()],
            "Labels": labels,
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers],
        },
        "history": [
            {"created": created, "created_by": f"casnb simulator, layer {n}"}
            for n in range(1, len(layers) + 1)
        ],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": stored(_json(config), _CONFIG),
        "layers": [stored(gzip.compress(layer, mtime=0), _LAYER) for layer in layers],
    }
    index = {"schemaVersion": 2, "manifests": [stored(_json(manifest), _MANIFEST)]}
    return _tar(
        {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": _json(index), **blobs}
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _tar(files: Mapping[str, bytes | None]) -> bytes:
    """Return a tar archive of files (None: a folder), owned by nobody and without times: the
    same bytes everywhere.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            if data is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                member.size, member.mode = len(data), 0o644
            archive.addfile(member, None if data is None else io.BytesIO(data))
    return out.getvalue()
