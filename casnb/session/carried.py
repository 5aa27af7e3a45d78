"""Images and volumes: what they name must be there. Which members they have is in the table; casnb
mounts nothing, and keeps and hashes them as they were written.
"""

from __future__ import annotations

from collections.abc import Iterator

from casnb.session.nodes import Node
from casnb.session.sharing import read_reference, read_word

_EXCLUDED = ("fspf_key", "fspf_tag", "export")


def check_carried(document: Node, minor: int) -> None:
    """Raise EvidenceError where images, volumes or services name what is not there."""
    images = _names(document, "images")
    volumes = _names(document, "volumes")
    secrets = _names(document, "secrets")
    for service in _rows(document, "services"):
        _declared(service.get("image_name"), images, "an image of this session", "images")
    for image in _rows(document, "images"):
        for volume in _rows(image, "volumes"):
            _declared(volume.get("name"), volumes, "a volume of this session", "volumes")
        for secret in _rows(image, "provide_secrets"):
            _declared(secret, secrets, "a secret of this session", "secrets")
    for volume in _rows(document, "volumes"):
        _volume(volume, minor)


def _volume(volume: Node, minor: int) -> None:
    imported = volume.get("import")
    if imported.there and minor >= 0:
        _imported_volume(imported, minor)
    for member in _EXCLUDED if imported.there else ():
        beside = volume.get(member)
        if beside.there or beside.hole:
            raise beside.refuse(
                "none",
                "An imported volume has its keys and its exports elsewhere.",
                got=f"{member} beside import",
            )
    if minor >= 0:
        rows = volume.get("export").one_or_rows("a mapping with session, or a list of them")
        for export in rows:
            _exported_volume(export, minor)
        return
    for node in (imported, *volume.get("export").one_or_rows("a session, or a list")):
        if node.there:
            read_word(node)


def _imported_volume(imported: Node, minor: int) -> None:
    found = read_reference(imported, ("session", "session_hash", "volume"), minor)
    for needed in ("session", "volume"):
        if needed not in found:
            raise imported.refuse("session and volume", got=f"no {needed}")


def _exported_volume(export: Node, minor: int) -> None:
    allowed: tuple[str, ...] = ("session", "session_hash")
    of = to = export.get("to")
    if to.there and any(export.get(m).there for m in allowed):
        raise export.refuse("either to or session", got="both")
    if not to.there:
        of = export
        if not isinstance(export.value, str):
            allowed = (*allowed, "update_policy", "volume_alias")
    if "session" not in read_reference(of, allowed, minor):
        raise of.refuse("a mapping with session", got="no session")


def _rows(node: Node, member: str) -> Iterator[Node]:
    rows = node.get(member).value
    yield from (row for row in rows if row.there) if isinstance(rows, list) else ()


def _names(document: Node, member: str) -> dict[str, Node]:
    return {str(row.get("name").value): row for row in _rows(document, member)}


def _declared(node: Node, known: dict[str, Node], wanted: str, where: str) -> None:
    if node.there and str(node.value) not in known:
        raise node.refuse(
            wanted + (f": {', '.join(known)}"[:200] if known else ""),
            f"Add it under `{where}`, or correct the name.",
        )
