"""A session file as its author wrote it, in words: variables that have no value yet are shown as
they stand, because a template is not a mistake.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casnb.base.errors import CasnbError, UsageError
from casnb.session.explain import Row, explain, warnings
from casnb.session.nodes import Node
from casnb.session.session import Session
from casnb.session.yaml import VARIABLE, environment, read_document
from casnb.verify.keyhash import spki_hash

#: What a member holds decides what may stand for a variable in it.
_HASHES = frozenset(
    ("mrenclave", "mrenclaves", "mrsigner", "session_hash", "predecessor", "namespace_hash")
) | {"fspf_key", "platforms", "trusted_scone_qe_pubkeys"}
_VERSION = "0.3"
_HALVES = frozenset(("fspf_tag", "salt"))
_NUMBERS = frozenset(
    ("isvprodid", "isvsvn", "isvsvn_min", "isvsvn_max", "size", "min_rsa_signing_key_size")
)
_LISTS = frozenset(("read", "update", "create_sessions", "list_sessions", "access_policy"))
_KEY = re.compile(r"([A-Za-z_]\w*)[\"']?\s*:(?=\s|$)")
#: More rows than this are not listed of a template that cannot be read as a session.
_MOST = 400


@dataclass(frozen=True)
class Template:
    """What a session file says: rows as `casnb.session.explain` makes them, its warnings, its
    `security` as plain data.

    `open` are the variables without a value; one that stands for the version is read as 0.3.
    `unchecked` says why the template could not be read as a session as long as they are open; then
    the rows are its members as they stand.
    """

    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    security: Any
    open: tuple[str, ...] = ()
    unchecked: str = ""


def explain_template(text: str, pairs: Sequence[str] = (), use_env: bool = False) -> Template:
    """Explain a session file; `pairs` are NAME=VALUE as after `-e`, which win over the
    environment.

    Raises EvidenceError for text that is not a session, whatever its variables stand for, and
    UsageError for what is not a pair.

    >>> explain_template("name: $NS/web\\nversion: '0.3'").rows[1][:2]
    ('name', '$NS/web')
    """
    given = _given(pairs, use_env)
    names = dict.fromkeys(
        m[1] or m[2] for m in VARIABLE.finditer(text) if (m[1] or m[2]) is not None
    )
    missing = tuple(name for name in names if name not in given)
    if not missing:
        session = Session.from_yaml(text, variables=given if names else None)
        return Template(tuple(explain(session)), tuple(warnings(session)), session.security.data)
    fillers = {name: _filler(name, text) for name in missing}
    back = _shown_back(fillers)
    try:
        session = Session.from_yaml(text, variables={**fillers, **given})
    except CasnbError as exc:
        why = back(str(exc))
        if not any(f"${name}" in why for name in missing):
            raise  # no variable is to blame
        return _as_it_stands(text, given, missing, why)
    rows = tuple((back(w), back(x), back(m)) for w, x, m in explain(session))
    told = tuple(back(w) for w in warnings(session))
    return Template(rows, told, session.security.data, missing)


def _given(pairs: Sequence[str], use_env: bool) -> dict[str, str]:
    found = dict(os.environ) if use_env else {}
    for text in pairs:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("-e", got=text, wanted="VAR=VALUE")
        found[name] = value
    return found


def _filler(name: str, text: str) -> str:
    """Return a value of the form that the member wants in which the variable stands."""
    use = re.search(rf"\$\{{?{name}\b", text)
    before = text[: use.start()] if use else ""
    keys = _KEY.findall(before[-4000:])
    key = keys[-1] if keys else ""
    number = hashlib.sha256(f"variable {name}".encode()).hexdigest()
    if key in _HASHES:
        return number
    if key == "version":
        return _VERSION
    if key in _HALVES:
        return number[:32]
    if key in _NUMBERS:
        return str(50_000 + int(number[:3], 16))
    if key in _LISTS:
        return spki_hash(name.encode())
    return f"variable-{number[:12]}"


def _shown_back(fillers: Mapping[str, str]) -> Callable[[str], str]:
    """Return what puts the variables back where their fillers stand, shortened ones too."""
    pairs = []
    for name, filler in fillers.items():
        if filler == _VERSION:
            continue
        pairs.append((re.escape(filler), f"${name}"))
        if len(filler) >= 32:
            pairs.append((re.escape(filler[:8]) + r"[0-9a-zA-Z]*(?:\.\.\.|\u2026)?", f"${name}"))

    def back(text: str) -> str:
        for pattern, shown in pairs:
            text = re.sub(pattern, lambda _, shown=shown: shown, text)  # type: ignore[misc]
        return text

    return back


def _as_it_stands(
    text: str, given: Mapping[str, str], missing: tuple[str, ...], why: str
) -> Template:
    """Return the members as they stand; raises EvidenceError for what is no YAML of a session."""
    known = environment({**{name: f"${name}" for name in missing}, **given}, False)
    document = read_document(text, "session", known)
    if not isinstance(document.value, dict):
        raise document.refuse(
            "a mapping with name and version", "A session begins with `name: NAME`."
        )
    rows = []
    for path, value in _leaves(document, ""):
        rows.append((path, value, "as it stands in the template"))
        if len(rows) >= _MOST:
            break
    return Template(tuple(rows), (), _plain(document.value.get("security")), missing, why)


def _leaves(node: Node, path: str) -> Iterator[tuple[str, str]]:
    value = node.value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{n}]")
    else:
        yield path, "null" if value is None else str(value)


def _plain(node: Node | None) -> Any:
    """Return plain data of a node and what is below it."""
    value = node.value if isinstance(node, Node) else node
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
