"""The shape of a session: what stands where, compared with the table of the language before
anything is read.

Unknown members, members and forms of a later version, placeholders that mean nothing, text where
a list should be: refused here, in carried parts as in those that casnb builds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from casnb.base.errors import EvidenceError, UsageError
from casnb.session import placeholders
from casnb.session.nodes import Node
from casnb.session.placeholders import Form, Placeholder
from casnb.session.secret_kinds import ALWAYS, KINDS, kinds_of
from casnb.session.table import (
    FIRST_LANGUAGE,
    REFUSED,
    REFUSED_WORDS,
    TABLE,
    Member,
    below,
    index,
    minor,
)

#: Lists whose rows have a name of their own.
_NAMED = ("services", "images", "volumes")
_MOST = 1000
_PATH = re.compile(r"[^\x00]{1,4096}")


def check_shape(document: Node, version: str, table: Mapping[str, Member] = TABLE) -> None:
    """Compare a document with the table, and put a hole where a variable stands for a whole part.

    Raises EvidenceError for what this version of the language does not have, and UsageError, at
    the end, for what it has and casnb has not built.
    """
    refuse_first_language(document)
    _Shape(version, kinds_named(document), table).check(document)


def refuse_first_language(document: Node) -> None:
    """Raise EvidenceError for a text of language 0.1, known by its members."""
    top = document.value if isinstance(document.value, dict) else {}
    parts = [(document, FIRST_LANGUAGE[""])]
    for member, names in FIRST_LANGUAGE.items():
        rows = top[member].value if member and member in top else None
        parts += [(row, names) for row in rows] if isinstance(rows, list) else []
    for node, names in parts:
        for name in names:
            if isinstance(node.value, dict) and name in node.value:
                at = node.value[name]
                raise EvidenceError(
                    f"{at.what}: {at.path} at line {at.key_line}",
                    got=f"member {name!r}, of language 0.1, which CASes of today do not read",
                    wanted='version: "0.3"',
                    do=f"{_INSTEAD.get(name, '')}Write version: "
                    '"0.3", and `predecessor: HASH` for an update.',
                )


_INSTEAD = {
    "digest": "Take `digest` out. ",
    "exports": "Each secret and volume names its own `export` now. ",
    "import": "Secrets and volumes are imported where they are listed. ",
    "mrenclaves": "A service names its measurement, no image does. ",
    "board_members": "Certificates and rules stand in `access_policy` now. ",
    "board_policy": "Certificates and rules stand in `access_policy` now. ",
    "tags": "Tags are gone. ",
}


def kinds_named(document: Node) -> dict[str, str | None]:
    """The names of the secrets and their kinds, as far as they can be told before they are read."""
    rows = document.get("secrets").value
    found: dict[str, str | None] = {}
    for row in rows if isinstance(rows, list) else []:
        name, kind = row.get("name").value, row.get("kind").value
        if isinstance(name, (str, int)):
            found[str(name)] = kind if isinstance(kind, str) and kind in KINDS else None
    return found


class _Shape:
    def __init__(
        self, version: str, kinds: Mapping[str, str | None], table: Mapping[str, Member]
    ) -> None:
        self.version, self.minor = version, minor(version)
        self.kinds = kinds
        self.children = None if table is TABLE else index(table)
        self.unbuilt: UsageError | None = None

    def check(self, document: Node) -> None:
        self.mapping(document, "")
        if self.unbuilt:
            raise self.unbuilt

    def below(self, path: str) -> dict[str, Member]:
        return below(path) if self.children is None else self.children.get(path, {})

    def walk(self, node: Node, row: Member, item: bool = False) -> None:
        """Compare what stands for a member, or for one item of its list."""
        if row.form == "any":
            return
        if (found := self.variable(node, row)) is not None:
            self.usable(node, row, found)
            _punch(node)
        elif isinstance(node.value, list) and ("list" in row.form or row.form == "rows"):
            self.rows(node, row)
        elif isinstance(node.value, dict) and row.form == "names":
            self.texts(node.value.values(), row)
        elif isinstance(node.value, dict) and "mapping" in row.form:
            self.mapping(node, row.path)
        elif node.there:
            if row.form in ("list", "rows") and not item:
                node.rows(row.values)
            elif row.form in ("mapping", "names"):
                node.mapping(row.values)
            self.scalar(node, row)

    def mapping(self, node: Node, path: str) -> None:
        allowed = self.below(path)
        known = [n for n, r in allowed.items() if r.built != REFUSED]
        members = node.members(tuple(allowed), "a mapping with " + ", ".join(known)[:200])
        kind = node.get("kind") if path == "secrets" else None
        for name, member in members.items():
            if not member.there and not isinstance(member.value, (dict, list)):
                continue
            self.version_has(member, allowed[name])
            if allowed[name].built == REFUSED:
                self.refused(member, name)
            self.walk(member, allowed[name])
        if kind is not None and isinstance(kind.value, str) and kind.value in KINDS:
            self.kind(kind, KINDS[kind.value].name, members)
        for name, row in allowed.items():
            if row.needed and not node.get(name).there and members:
                raise node.get(name).refuse(row.values, f"Add `{name}`.")

    def kind(self, node: Node, name: str, members: Mapping[str, Node]) -> None:
        """A kind has a version of its own, and members of its own."""
        kind = KINDS[name]
        if name not in kinds_of(self.minor):
            since = f"It is there since 0.3.{kind.since}" if kind.since else "0.3 alone has it"
            raise node.refuse(
                "one of " + ", ".join(kinds_of(self.minor)),
                f'{since}: write version: "0.3".'
                if kind.since is not None
                else "Language 0.2 alone has it.",
                got=f"kind {name} in language {self.version}",
            )
        for member, found in members.items():
            if found.there and member not in (*ALWAYS, *kind.members):
                raise found.refuse(
                    "none",
                    "It belongs to kind "
                    + " or ".join(k.name for k in KINDS.values() if member in k.members)
                    + ".",
                    got=f"{member} in a secret of kind {name}",
                )
        if not kind.built:
            self.refused(node, f"kind {name}")

    def rows(self, node: Node, row: Member) -> None:
        if len(node.value) > _MOST:
            raise node.refuse(f"at most {_MOST}", got=f"{len(node.value)} items")
        seen: set[str] = set()
        for item in node.value:
            if row.form == "rows" and isinstance(item.value, str):
                item.matching(_PATH, "a path")
            elif row.form in ("list", "rows") and self.below(row.path) and item.there:
                self.mapping(item, row.path)
                name = item.get("name").value
                if row.path in _NAMED and str(name) in seen:
                    raise item.get("name").refuse(
                        "each name once", "Rename one of them.", got=f"{name!r} twice"
                    )
                seen.add(str(name))
            elif isinstance(item.value, list):
                raise item.refuse("one value", "Write each item after a dash of its own.")
            else:
                self.walk(item, row, item=True)

    def texts(self, nodes: Iterable[Node], row: Member) -> None:
        for node in nodes:
            self.scalar(node, row)

    def scalar(self, node: Node, row: Member) -> None:
        if row.check is not None:
            row.check(node)
        if str(node.value) in REFUSED_WORDS.get(row.path, ()):
            self.refused(node, str(node.value))
        if not isinstance(node.value, str) or placeholders.BEGINS not in node.value:
            return
        for one in self.parts(node):
            if not row.fills:
                raise node.refuse(
                    "the value itself",
                    f"No placeholder becomes a value in {row.name}.",
                    got=one.text[:60],
                )
            self.fits(node, one, row)

    def parts(self, node: Node) -> Sequence[Placeholder]:
        try:
            return placeholders.placeholders(node.value)
        except EvidenceError as exc:
            raise _at(node, exc) from None

    def form(self, node: Node, one: Placeholder) -> Form | None:
        try:
            return one.form(self.kinds, self.minor)[1]
        except EvidenceError as exc:
            raise _at(node, exc) from None

    def fits(self, node: Node, one: Placeholder, row: Member) -> None:
        form = self.form(node, one)
        if form is None:
            return
        if form.makes == "fragment":
            raise node.refuse(
                "a secret with a text",
                "A config-fragment stands for a whole part of a policy, not for a part of a text.",
                got=one.text[:60],
            )
        if form.makes == "pgp":
            return
        if not form.plain and row.fills != "bytes":
            raise node.refuse(
                "a form that is text: " + ", ".join(text_forms(form.kinds[0])),
                "Bytes go into files alone, not into arguments and variables.",
                got=one.text[:60],
            )

    def variable(self, node: Node, row: Member) -> Placeholder | None:
        if row.variable is None or not isinstance(node.value, str):
            return None
        try:
            return placeholders.whole(node.value)
        except EvidenceError as exc:
            raise _at(node, exc) from None

    def usable(self, node: Node, row: Member, one: Placeholder) -> None:
        """A variable for a whole part: possible in this version, and by a secret that has text."""
        assert row.variable is not None
        if row.variable > max(self.minor, 0) or self.minor < 0:
            raise node.refuse(
                "the value itself",
                f"A variable may stand here since 0.3.{row.variable}.",
                got=f"{one.text[:60]} in language {self.version}",
            )
        form = self.form(node, one)
        if form is None or row.name == "fspf_key":
            return
        if not form.plain:
            raise node.refuse(
                "a form that is text: " + ", ".join(text_forms(form.kinds[0])),
                "Bytes are no text of a policy.",
                got=one.text[:60],
            )

    def version_has(self, node: Node, row: Member) -> None:
        if self.minor < 0 and not row.old:
            raise EvidenceError(
                f"{node.what}: {node.path} at line {node.key_line}",
                got=f"{row.name} in language 0.2",
                wanted="a member that it has",
                do='Write version: "0.3"'
                + ("; only that makes a namespace." if row.name == "create_sessions" else "."),
            )
        if row.since > max(self.minor, 0):
            raise EvidenceError(
                f"{node.what}: {node.path} at line {node.key_line}",
                got=f"{row.name} in language {self.version}",
                wanted="a member that it has",
                do=f'It is there since 0.3.{row.since}: write version: "0.3.{row.since}" or later,'
                ' or "0.3".',
            )

    def refused(self, node: Node, what: str) -> None:
        self.unbuilt = self.unbuilt or node.unbuilt(what, "docs/sessions.md lists what is not.")


def text_forms(kind: str) -> list[str]:
    """Return the forms of a kind that give text, as they are written after its name."""
    return [
        s or "no suffix"
        for f in placeholders.FORMS
        if kind in f.kinds and f.plain
        for s in f.suffixes
    ]


def _punch(node: Node) -> None:
    """Put a hole where a variable stands."""
    hole = Node(
        None, node.key, node.up, node.line, node.column, node.what, node.key_line, str(node.value)
    )
    above = node.up.value if node.up else None
    if isinstance(above, dict):
        above[node.key] = hole
    elif isinstance(above, list):
        above[int(node.key[1:-1])] = hole


def _at(node: Node, exc: EvidenceError) -> EvidenceError:
    """Say of a placeholder where it stands."""
    return node.refuse(exc.wanted or "", exc.do, got=f"{exc.subject.partition(' ')[2]}: {exc.got}")
