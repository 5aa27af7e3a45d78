"""The versions of a session, fetched from the newest to the first along `predecessor`, and how
two of them differ.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.base.view import Shown, cell, html_table, short, text_table
from casnb.session.session import Session

if TYPE_CHECKING:
    from casnb.cas.client import CasClient

#: No more versions are fetched, and no more rows of one kind are shown.
MOST_VERSIONS, MOST_ROWS = 200, 60
#: Texts of more lines are compared field by field alone.
_MOST_LINES = 4000
_NOTHING = "\N{EN DASH}"
#: The part of a field's name that a list of changes shows: `access_policy.read`, `secrets[NAME]`.
_PLACE = re.compile(r"[^.\[]*(\[[^\]]*\]|\.[^.\[]+)?")


@dataclass(frozen=True)
class Version:
    """One version: its number (the first that was fetched is 1), the hash by which it was asked
    for, and its text.

    `computed` is whether the hash of the text is that hash. The text of each version names the hash
    of the one before, so a CAS that wanted to rewrite the past would have to change the current
    hash.
    """

    number: int
    hash: str
    text: str
    session: Session

    @property
    def computed(self) -> bool:
        return self.session.hash == self.hash


@dataclass(frozen=True)
class History(Shown):
    """The versions of one session, oldest first. `missing` says why there are none before the
    first that is here; else empty.
    """

    name: str
    versions: tuple[Version, ...]
    missing: str = ""

    HEADER = (
        "version",
        "hash",
        "language",
        "computed from the text",
        "changed against the one before",
    )

    @property
    def current(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    def version(self, number: int) -> Version:
        """Return a version by its number, or raise UsageError that says which there are."""
        found = next((v for v in self.versions if v.number == number), None)
        if found is None:
            raise UsageError(
                f"history of {self.name}: version", got=number, wanted=f"1 to {len(self.versions)}"
            )
        return found

    def difference(self, before: int, after: int) -> Difference:
        """Return how version `after` differs from version `before`."""
        return Difference(self.version(before), self.version(after))

    @cached_property
    def _changes(self) -> dict[int, str]:
        found = {}
        for a, b in pairwise(self.versions):
            places = (
                _PLACE.match(field)
                for field, _, _ in Difference(a, b).fields
                if field != "predecessor"
            )
            changed = list(dict.fromkeys(place[0] for place in places if place))
            more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
            found[b.number] = (", ".join(changed[:4]) + more) or "nothing"
        return found

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return the versions as rows, newest first."""
        first = self.missing or "the first"
        return [
            (
                str(v.number),
                v.hash,
                v.session.version,
                "the same" if v.computed else "another one",
                self._changes.get(v.number, first),
            )
            for v in reversed(self.versions)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the versions as plain data, oldest first, hashes whole."""
        return {
            "name": self.name,
            "missing": self.missing,
            "versions": [
                {
                    "number": v.number,
                    "hash": v.hash,
                    "predecessor": v.session.predecessor,
                    "language": v.session.version,
                    "computed": v.computed,
                }
                for v in self.versions
            ],
        }

    def _short(self) -> list[tuple[str, ...]]:
        return [(n, short(h, 10), *rest) for n, h, *rest in self.rows()[:MOST_ROWS]]

    def _remarks(self) -> Iterator[str]:
        if len(self.versions) > MOST_ROWS:
            yield f"{len(self.versions) - MOST_ROWS} older versions are not shown."
        if self.missing:
            yield f"What is before version 1 is not here: {self.missing}."
        if strange := [str(v.number) for v in self.versions if not v.computed]:
            yield (
                f"The text of version {', '.join(strange[:8])} has another hash than the one it was"
                " asked for by: it was changed, or this CAS computes the hash of such a session"
                " differently."
            )

    def __str__(self) -> str:
        return "\n".join(
            [text_table(self.HEADER, self._short()), *(f"note: {r}" for r in self._remarks())]
        )

    def _html(self) -> str:
        table = html_table(
            self.HEADER, self._short(), f"History of {self.name}, newest first", code=(1,)
        )
        return table + "".join(f"<p>note: {cell(r, 600)}</p>" for r in self._remarks())


@dataclass(frozen=True)
class Difference(Shown):
    """What changed between two versions, field by field, and line by line of their texts."""

    before: Version
    after: Version

    HEADER = ("field", "before", "after")

    @cached_property
    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """Field, its value before, its value after, of those that differ; an en dash where there
        is none.
        """
        old, new = (_fields(v.session) for v in (self.before, self.after))
        return tuple(
            (f, old.get(f, _NOTHING), new.get(f, _NOTHING))
            for f in dict.fromkeys([*old, *new])
            if old.get(f) != new.get(f)
        )

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The difference of the normalised texts as `diff -u` writes it; empty where they are
        too long to be compared so.
        """
        old, new = (v.session.to_yaml().splitlines() for v in (self.before, self.after))
        if max(len(old), len(new)) > _MOST_LINES:
            return ()
        return tuple(
            difflib.unified_diff(
                old,
                new,
                f"version {self.before.number}",
                f"version {self.after.number}",
                lineterm="",
            )
        )

    @property
    def title(self) -> str:
        """One sentence about how much changed."""
        number = len(self.fields)
        return f"From version {self.before.number} to version {self.after.number}: " + (
            f"{number} field{'s' if number > 1 else ''} changed." if number else "nothing changed."
        )

    def _more(self, rows: int) -> str:
        return f"{rows - MOST_ROWS} more are not shown." if rows > MOST_ROWS else ""

    def __str__(self) -> str:
        table = text_table(
            self.HEADER, [(f, short(a), short(b)) for f, a, b in self.fields[:MOST_ROWS]]
        )
        lines = [neutral(line, 200) for line in self.lines[:MOST_ROWS]]
        return "\n".join(
            filter(
                None,
                [
                    self.title,
                    table if self.fields else "",
                    self._more(len(self.fields)),
                    *lines,
                    self._more(len(self.lines)),
                ],
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return what changed as plain data; texts are as they came."""
        return {
            "before": self.before.number,
            "after": self.after.number,
            "lines": list(self.lines),
            "fields": [{"field": f, "before": a, "after": b} for f, a, b in self.fields],
        }

    def body(self) -> str:
        """Return both tables as HTML, without the sentence."""
        table = (
            html_table(self.HEADER, self.fields[:MOST_ROWS], code=(0, 1, 2)) if self.fields else ""
        )
        lines = "\n".join(cell(line, 200) for line in self.lines[:MOST_ROWS])
        shown = (
            f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{lines}</pre>'
            if lines
            else ""
        )
        more = [
            f"<p>{m}</p>" if m else ""
            for m in (self._more(len(self.fields)), self._more(len(self.lines)))
        ]
        return table + more[0] + shown + more[1]

    def _html(self) -> str:
        return f"<p><strong>{cell(self.title)}</strong></p>" + self.body()


def fetch_history(client: CasClient, name: str, *, most: int = MOST_VERSIONS) -> History:
    """Fetch a session and every version before it, at most `most`; the newest of them are kept
    where there are more.

    Needs the right to read the current version; where an older one may not be read, the history
    ends there and says so. Raises what `CasClient.read_session` raises for the current version,
    and EvidenceError for a text that is not the session asked for.
    """
    from casnb.cas.client import CasRefusal

    found: list[tuple[str, str, Session]] = []
    wanted: str | None = None
    missing = ""
    while True:
        try:
            digest, text = client.read_session(name, wanted)
        except CasRefusal:
            if wanted is None:
                raise
            missing = "the CAS does not show it to this client"
            break
        session = _session(text, name)
        found.append((digest, text, session))
        wanted = session.predecessor
        if wanted is None:
            break
        if len(found) >= most or any(wanted == known for known, _, _ in found):
            fetched = (
                "only the newest version was fetched"
                if most == 1
                else f"only {len(found)} versions were fetched"
            )
            missing = fetched if len(found) >= most else "the versions go round in a circle"
            break
    return History(
        name, tuple(Version(n, d, t, s) for n, (d, t, s) in enumerate(reversed(found), 1)), missing
    )


def _session(text: str, name: str) -> Session:
    try:
        session = Session.from_yaml(text)
    except CasnbError as exc:
        raise EvidenceError(
            f"session {neutral(name, 80)}: text from the CAS", got=exc, wanted="a session"
        ) from None
    if session.name != name:
        raise EvidenceError("session: name in the text from the CAS", got=session.name, wanted=name)
    return session


def _fields(session: Session) -> dict[str, str]:
    """A session as one level of fields: members by dots, items of lists by their name where they
    have one, else by number.
    """
    found: dict[str, str] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else str(key), inner)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for n, item in enumerate(value):
                named = item.get("name") if isinstance(item, Mapping) else None
                walk(f"{path}[{named if isinstance(named, str) else n}]", item)
        else:
            found[path] = (
                ", ".join(map(str, value))
                if isinstance(value, list)
                else "null"
                if value is None
                else str(value)
            )

    walk("", session.normalised())
    return found
