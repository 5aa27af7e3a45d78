"""Who could read what of a session's history: its texts and its secrets, by identity, while
which version was the current one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.session.access import leaves, public_key
from casnb.session.history import MOST_ROWS, History
from casnb.session.secrets import Secret
from casnb.verify.keyhash import spki_hash

#: A client without any key.
ANYBODY = "anybody"


@dataclass(frozen=True)
class Readers(Shown):
    """Who could read the text and the secrets of each version, and while which versions were the
    current one.

    `people` has a name for each public key (SPKI, DER), None for a client without one. What
    counts is the policies, as casnb's CAS keeps them: a former version is shown to whom that
    version and the current one admit; a public value can be read by anyone, and in each text
    where it is written out. Whoever could read it once may have kept it: nothing is taken back.
    """

    history: History
    people: Mapping[str, bytes | None]

    def text(self, version: int, who: str) -> tuple[int, ...]:
        """Return while which versions somebody could read the text of one: numbers; the last one
        there is means now.
        """
        self.history.version(version)
        admitted = self._admitted[who]
        return tuple(n for n in admitted if n >= version) if version in admitted else ()

    def secret(self, version: int, name: str, who: str) -> tuple[int, ...]:
        """Return while which versions somebody could read the value that a secret has in one of
        them; none for no such secret.
        """
        self.history.version(version)
        return self._times[who].get((name, self._identities.get((version, name))), ())

    def identity(self, version: int, name: str) -> object:
        """Return what tells the value that a secret has in a version from others of its name."""
        self.history.version(version)
        return self._identities.get((version, name))

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Hashes of keys that a version names among its readers, and that nobody in `people`
        has.
        """
        known = {spki_hash(key) for key in self.people.values() if key is not None}
        named = (
            entry
            for v in self.history.versions
            for entry in leaves(v.session.entries("read"))
            if isinstance(entry, str)
        )
        hashes = (
            spki_hash(public_key(e)) if e.startswith("-----") else e
            for e in named
            if e not in ("CREATOR", "ANY", "NONE")
        )
        return tuple(h for h in dict.fromkeys(hashes) if h not in known)

    @cached_property
    def _admitted(self) -> dict[str, tuple[int, ...]]:
        """The versions whose policy lets a person read."""
        return {
            who: tuple(v.number for v in self.history.versions if v.session.admits("read", key))
            for who, key in self.people.items()
        }

    @cached_property
    def _identities(self) -> dict[tuple[int, str], object]:
        """What tells the value of a secret from others of its name: what was given, where it
        came from, or when it was made.
        """
        found: dict[tuple[int, str], object] = {}
        before: dict[str, Secret] = {}
        for v in self.history.versions:
            for s in v.session.secrets:
                kept = s.keeps(before.get(s.name))
                found[v.number, s.name] = (
                    found[v.number - 1, s.name]
                    if kept
                    else (
                        ("made", v.number)
                        if s.made
                        else ("given", s.value)
                        if s.value is not None
                        else ("imported", s.imported)
                    )
                )
            before = {s.name: s for s in v.session.secrets}
        return found

    @cached_property
    def _times(self) -> dict[str, dict[tuple[str, object], tuple[int, ...]]]:
        """For each person and value, while which versions it was public, or stood in a text that
        was shown.
        """
        public: dict[tuple[str, object], set[int]] = {}
        written: dict[tuple[str, object], list[int]] = {}
        for v in self.history.versions:
            for s in v.session.secrets:
                value = s.name, self._identities[v.number, s.name]
                public.setdefault(value, set()).update([v.number] if s.export_public else [])
                written.setdefault(value, []).extend([v.number] if s.value is not None else [])
        found: dict[str, dict[tuple[str, object], tuple[int, ...]]] = {}
        for who, admitted in self._admitted.items():
            known = set(admitted)
            found[who] = {}
            for value, open_to_all in public.items():
                first = next((n for n in written[value] if n in known), None)
                shown = [n for n in admitted if first is not None and n >= first]
                found[who][value] = tuple(sorted(open_to_all.union(shown)))
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """Return every text (`secret` is null) and every value, with the numbers of versions for
        each person.
        """
        return [
            {
                "version": v.number,
                "secret": name,
                "who": {
                    p: list(
                        self.text(v.number, p) if name is None else self.secret(v.number, name, p)
                    )
                    for p in self.people
                },
            }
            for v in self.history.versions
            for name in (None, *(s.name for s in v.session.secrets))
        ]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for the text and for each secret of each version, newest first: version,
        what, then one cell a person.
        """
        out: list[tuple[str, ...]] = []
        last = self.history.current.number
        for n, session in ((v.number, v.session) for v in reversed(self.history.versions)):
            out.append((str(n), "text", *(said(self.text(n, who), last) for who in self.people)))
            for name in (s.name for s in session.secrets):
                out.append(
                    (
                        str(n),
                        f"value of {name}",
                        *(said(self.secret(n, name, who), last) for who in self.people),
                    )
                )
            if len(out) > MOST_ROWS:
                break
        return out

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], str]:
        rows = self.rows()
        more = "" if len(rows) <= MOST_ROWS else "Older versions are not shown. "
        if self.others:
            cut = "" if len(self.others) <= 8 else f" and {len(self.others) - 8} more"
            more += (
                "Named as readers as well, and not in this table:"
                f" {', '.join(self.others[:8])}{cut}."
            )
        return (
            ("version", "what", *(neutral(who, 40) for who in self.people)),
            rows[:MOST_ROWS],
            more,
        )

    def __str__(self) -> str:
        header, rows, more = self._table()
        return "\n".join(filter(None, [text_table(header, rows), more]))

    def _html(self) -> str:
        header, rows, more = self._table()
        note = (
            "A number is a version: who asked while it was the current one could read this. What"
            " was never to be read is for the services of the session alone."
        )
        return (
            html_table(header, rows, f"Who could read what, and when: {self.history.name}")
            + f"<p>{note} {cell(more, 900)}</p>"
        )


def said(times: Sequence[int], last: int) -> str:
    """Return versions as text: `never`, `2`, `1, 3 to now`; the last version there is is called
    now.
    """
    runs: list[list[int]] = []
    for n in times:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    words = [
        f"{'now' if a == last else a}" if a == b else f"{a} to {'now' if b == last else b}"
        for a, b in runs
    ]
    return ", ".join(words[:6] + ["\N{HORIZONTAL ELLIPSIS}"] * (len(words) > 6)) or "never"


def readers(history: History, people: Mapping[str, bytes | None] | None = None) -> Readers:
    """Return who could read what; left out, `people` are anybody, and every creator of a
    version, by key hash.
    """
    if people is None:
        keys = dict.fromkeys(
            v.session.creator_key for v in history.versions if v.session.creator_key
        )
        people = {
            ANYBODY: None,
            **{f"creator {spki_hash(key)[:10]}": key for key in list(keys)[:6]},
        }
    return Readers(history, people)
