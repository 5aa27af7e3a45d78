"""Who could read what of a session's history: its texts and its secrets, by identity, then and now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from casnb.cas.history import MOST_ROWS, History, Version
from casnb.cas.secrets import Secret
from casnb.errors import neutral
from casnb.verify.keyhash import spki_hash
from casnb.view import Shown, cell, html_table, text_table

#: A client without any key.
ANYBODY = "anybody"
NEVER, THEN, NOW, BOTH = "never", "then", "now", "then and now"


@dataclass(frozen=True)
class Readers(Shown):
    """Who could read the texts and the secrets of each version while it was the current one (*then*), and who still can (*now*).

    `people` has a name for each public key (SPKI, DER), None for a client without one. What counts is the policies, as casnb's CAS
    keeps them: a former version is shown to whom that version and the current one admit; a value is read by whom it is public to,
    and in each text where it is written out. Whoever read it then may have kept it: *then* is never taken back.
    """

    history: History
    people: Mapping[str, bytes | None]

    def text(self, version: int, who: str) -> str:
        """Say when somebody could read the text of a version: `never`, `then`, `now`, or `then and now`."""
        v, key = self.history.version(version), self.people[who]
        return _when(_shown(v, v, key), _shown(v, self.history.current, key))

    def secret(self, version: int, name: str, who: str) -> str:
        """Say when somebody could read the value that a secret has in a version."""
        v, key = self.history.version(version), self.people[who]
        return _when(self._value(v, name, v, key), self._value(v, name, self.history.current, key))

    def _value(self, of: Version, name: str, at: Version, key: bytes | None) -> bool:
        """Whether the value that `name` has in version `of` can be read at the time of version `at`."""
        ids = self._identities
        same = [v for v in self.history.versions[: at.number] if ids.get((v.number, name)) == ids[of.number, name]]
        for v in same:
            secret = v.session.secret(name)
            assert secret is not None
            if (secret.export_public and v.number == at.number) or (secret.value is not None and _shown(v, at, key)):
                return True
        return False

    @cached_property
    def _identities(self) -> dict[tuple[int, str], object]:
        """What tells the value of a secret from others of its name: what was given, whence it came, or when it was made."""
        found: dict[tuple[int, str], object] = {}
        before: dict[str, Secret] = {}
        for v in self.history.versions:
            for s in v.session.secrets:
                kept = s.keeps(before.get(s.name))
                found[v.number, s.name] = (found[v.number - 1, s.name] if kept else ("made", v.number) if s.made
                                           else ("given", s.value) if s.value is not None else ("imported", s.imported))
            before = {s.name: s for s in v.session.secrets}
        return found

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for the text and for each secret of each version, newest first: version, what, then one cell a person."""
        out: list[tuple[str, ...]] = []
        for v in reversed(self.history.versions):
            out.append((str(v.number), "text", *(self.text(v.number, who) for who in self.people)))
            for name in (s.name for s in v.session.secrets):
                out.append((str(v.number), f"value of {name}", *(self.secret(v.number, name, who) for who in self.people)))
            if len(out) > MOST_ROWS:
                break
        return out

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], str]:
        rows = self.rows()
        more = "" if len(rows) <= MOST_ROWS else "Older versions are not shown."
        return ("version", "what", *(neutral(who, 40) for who in self.people)), rows[:MOST_ROWS], more

    def __str__(self) -> str:
        header, rows, more = self._table()
        return "\n".join(filter(None, [text_table(header, rows), more]))

    def _html(self) -> str:
        header, rows, more = self._table()
        note = ("then: while that version was the current one. now: as the policies stand today. What never could be read is for "
                "the session's own services alone.")
        return html_table(header, rows, f"Who could read what of {self.history.name}") + f"<p>{note} {cell(more)}</p>"


def readers(history: History, people: Mapping[str, bytes | None] | None = None) -> Readers:
    """Return who could read what; left out, `people` are anybody, and every creator of a version, by key hash."""
    if people is None:
        keys = dict.fromkeys(v.session.creator_key for v in history.versions if v.session.creator_key)
        people = {ANYBODY: None, **{f"creator {spki_hash(key)[:10]}": key for key in list(keys)[:6]}}
    return Readers(history, people)


def _shown(version: Version, at: Version, key: bytes | None) -> bool:
    """Whether a CAS shows the text of a version to this key while `at` is the current one."""
    return version.session.admits("read", key) and at.session.admits("read", key)


def _when(then: bool, now: bool) -> str:
    return BOTH if then and now else THEN if then else NOW if now else NEVER
