"""Values put where placeholders stand: in the configuration of a service, its files, and the parts
of a policy for which a variable stands.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from casnb.base.errors import CasnbError, EvidenceError
from casnb.session import material
from casnb.session.access import Access, Entry, Quorum, is_variable, leaves, read_entry
from casnb.session.placeholders import Placeholder, pieces, whole
from casnb.session.session import Session
from casnb.session.table import CARRIED, TABLE
from casnb.session.values import Lookup, Stored, chain_of, key_of, kind_of, nowhere, value

#: Characters and bytes of one service's configuration with all values filled in; a short text of
#: placeholders could ask for gigabytes.
FILLED = 1 << 20


def configuration(at: Stored, service: str, lookup: Lookup = nowhere) -> dict[str, Any]:
    """Return what a service of a session is given: `command`, `environment`, `pwd` and `files`,
    values of secrets filled in.

    `files` are those that its image injects: `path`, `permission` and `content` (bytes); a file
    that is read from the image itself has the content None. Raises EvidenceError for more than
    `FILLED` characters and bytes in all.
    """
    room = FILLED

    def text(written: str) -> str:
        nonlocal room
        made = fill(written, at, lookup, room)
        room -= len(made)
        return made

    def content(written: str) -> bytes:
        nonlocal room
        made = fill_bytes(written, at, lookup, room)
        room -= len(made)
        return made

    for found in at.session.services:
        if found.name == service:
            words = found.command
            return {
                "command": text(words) if isinstance(words, str) else [text(w) for w in words],
                "environment": {n: text(written) for n, written in found.environment.items()},
                "pwd": found.pwd,
                "files": [
                    {
                        "path": path,
                        "permission": permission,
                        "content": None if written is None else content(written),
                    }
                    for path, permission, written in injected(at.session, service)
                ],
            }
    raise EvidenceError(
        f"service {service}",
        got="no such service",
        wanted="one of " + (", ".join(s.name for s in at.session.services) or "none"),
    )


def injected(session: Session, service: str) -> list[tuple[str, str, str | None]]:
    """Return path, permission and text of each file that a service's image injects; text is None
    for one that is read from the image.
    """
    named = {s.name: s.data.get("image_name") for s in session.services}.get(service)
    found = []
    for image in session.others.get("images") or ():
        if image and str(image.get("name")) == str(named):
            for file in image.get("injection_files") or ():
                row = file if isinstance(file, Mapping) else {"path": file}
                text = row.get("content")
                found.append(
                    (
                        str(row.get("path")),
                        str(row.get("permission", "0o700")),
                        None if text is None else str(text),
                    )
                )
    return found


def fill(text: str, at: Stored, lookup: Lookup = nowhere, most: int = FILLED) -> str:
    """Replace each placeholder in a text; raise EvidenceError for one that has no value here, or
    whose value is bytes, and for more than `most` characters.
    """
    out = []
    for piece in pieces(text):
        made = piece if isinstance(piece, str) else _made(piece, at, lookup)
        if isinstance(made, bytes) or "\0" in made:
            raise EvidenceError(
                f"placeholder {piece if isinstance(piece, str) else piece.text}",
                got="bytes that are no text",
                wanted="a form that gives text: bytes go into files alone",
            )
        out.append(made)
        most = _left(most, made)
    return "".join(out)


def fill_bytes(text: str, at: Stored, lookup: Lookup = nowhere, most: int = FILLED) -> bytes:
    """Replace each placeholder in the content of a file, where bytes have a place as well; raise
    EvidenceError for more than `most` bytes.
    """
    out = []
    for piece in pieces(text):
        made = piece if isinstance(piece, str) else _made(piece, at, lookup)
        out.append(made if isinstance(made, bytes) else made.encode())
        most = _left(most, out[-1])
    return b"".join(out)


def _left(room: int, made: str | bytes) -> int:
    if len(made) > room:
        raise EvidenceError(
            "configuration with its secrets", got="more", wanted=f"at most {FILLED} bytes in all"
        )
    return room - len(made)


def _kinds(at: Stored) -> dict[str, str | None]:
    return {s.name: s.kind for s in at.session.secrets}


def _made(placeholder: Placeholder, at: Stored, lookup: Lookup) -> str | bytes:
    """What one placeholder becomes."""
    kinds = _kinds(at)
    name, _ = placeholder.form(kinds, at.session.minor)
    known = {**kinds, name: kind_of(at, name, lookup)}
    _, form = placeholder.form(known, at.session.minor)
    assert form is not None
    if form.makes not in _MAKERS:
        raise EvidenceError(
            f"placeholder {placeholder.text}",
            got=f"a secret of kind {known[name]}",
            wanted="one with a text of its own",
        )
    made = _MAKERS[form.makes](at, name, lookup)
    if placeholder.escape and isinstance(made, str):
        return json.dumps(made, ensure_ascii=False)[1:-1]
    return made


_Maker = Callable[[Stored, str, Lookup], "str | bytes"]


def _encoded(encode: Callable[[bytes], str]) -> _Maker:
    return lambda at, name, lookup: encode(bytes.fromhex(value(at, name, lookup)))


def _old_chain(at: Stored, name: str, lookup: Lookup) -> str:
    return "".join([*reversed(chain_of(at, name, lookup)), value(at, name, lookup)])


def _pkcs12(at: Stored, name: str, lookup: Lookup) -> bytes:
    chain = "".join(chain_of(at, name, lookup))
    return material.bundle_with_key(name, value(at, name, lookup), key_of(at, name, lookup), chain)


#: What each form of a placeholder makes, by its id.
_MAKERS: Mapping[str, _Maker] = {
    "text": value,
    "bytes": lambda at, name, lookup: bytes.fromhex(value(at, name, lookup)),
    "hex": value,
    "base64": _encoded(lambda data: base64.b64encode(data).decode()),
    "base64url": _encoded(lambda data: base64.urlsafe_b64encode(data).decode()),
    "base32": _encoded(lambda data: base64.b32encode(data).decode()),
    "base32nopad": _encoded(lambda data: base64.b32encode(data).decode().rstrip("=")),
    "key-der": lambda at, name, lookup: material.key_der(value(at, name, lookup)),
    "spki-der": lambda at, name, lookup: material.public_key_der(value(at, name, lookup)),
    "crt-der": lambda at, name, lookup: material.certificate_der(value(at, name, lookup)),
    "privatekey": key_of,
    "privatekey-der": lambda at, name, lookup: material.key_der(key_of(at, name, lookup)),
    "chain": lambda at, name, lookup: "".join(chain_of(at, name, lookup)),
    "old-chain": _old_chain,
    "pkcs12": _pkcs12,
}


# Parts of a policy


def with_access(at: Stored, lookup: Lookup = nowhere) -> Session:
    """Return the session with the variables of its access policy filled in.

    One that cannot be read, or whose value is not an entry, is passed over: it admits nobody.
    """
    session = at.session
    if session.policy:
        return replace(session, policy="", access=_whole_policy(at, lookup))
    if not any(is_variable(e) for rows in session.access.values() for e in leaves(rows)):
        return session
    access = {}
    for action, rows in session.access.items():
        filled = tuple(e for row in rows for e in _entries(row, action, at, lookup))
        access[action] = filled or ("NONE",)
    return replace(session, access=access)


def _whole_policy(at: Stored, lookup: Lookup) -> Access:
    nobody: Access = {"read": ("NONE",), "update": ("NONE",)}
    try:
        found = _plain(at.session.policy, at, lookup)
        return Session.from_plain(
            {"name": at.session.name, "version": at.session.version, "access_policy": found}
        ).access
    except CasnbError:
        return nobody


def _entries(entry: Entry, action: str, at: Stored, lookup: Lookup) -> tuple[Entry, ...]:
    if isinstance(entry, Quorum):
        inner = tuple(e for row in entry.entries for e in _entries(row, action, at, lookup))
        least = len(entry.entries) if entry.least is None else entry.least
        return (Quorum(inner, least),)
    if not is_variable(entry):
        return (entry,)
    try:
        return read_entry(_plain(str(entry), at, lookup), action, at.session.minor)
    except CasnbError:
        return ()


def with_policy(at: Stored, lookup: Lookup = nowhere) -> Session:
    """Return the session with the variables filled in that say whom its services are for: in
    `security`, `attestation`, `platforms`. Raises EvidenceError where one has no value, or one
    that does not belong there.
    """
    plain = at.session.normalised()
    filled = {
        k: _filled(v, k, at, lookup) for k, v in plain.items() if k in ("security", "services")
    }
    if all(filled[k] == plain[k] for k in filled):
        return at.session
    try:
        return Session.from_plain({**plain, **filled})
    except EvidenceError as exc:
        raise EvidenceError(
            f"session {at.session.name}: variables", got=str(exc), wanted="values that belong there"
        ) from None


def _filled(data: Any, path: str, at: Stored, lookup: Lookup) -> Any:
    """Plain data with whole variables replaced, by the table; lists that stand in lists become
    one.
    """
    row = TABLE.get(path)
    if row is not None and row.form == "any":
        return data
    if isinstance(data, dict):
        return {k: _filled(v, f"{path}.{k}", at, lookup) for k, v in data.items()}
    if isinstance(data, list):
        out: list[Any] = []
        for item in data:
            found = _filled(item, path, at, lookup)
            spliced = isinstance(found, list) and not isinstance(item, list)
            out += found if spliced else [found]
        return out
    if row is None or row.variable is None or row.built == CARRIED or whole(data) is None:
        return data
    return _plain(data, at, lookup)


def _plain(text: str, at: Stored, lookup: Lookup) -> Any:
    """What a variable for a whole part is: a fragment's data, or the text of another secret."""
    found = whole(text)
    assert found is not None
    name, _ = found.form(_kinds(at), at.session.minor)
    if kind_of(at, name, lookup) == "config-fragment":
        return json.loads(value(at, name, lookup))
    made = fill(text.strip(), at, lookup)
    return int(made) if made.isdecimal() and len(made) < 6 else made
