"""The session language as Markdown: members, kinds of secrets, forms of placeholders, guesses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from casnb.session.guesses import GUESSES
from casnb.session.placeholders import FORMS
from casnb.session.secret_kinds import KINDS
from casnb.session.table import BUILT, REFUSED, TABLE, Member
from doctables.checks import markdown_table


def _since(minor: int | None, old: bool) -> str:
    if minor is None:
        return "0.2 alone"
    return f"0.3.{minor}" if minor else "0.2" if old else "0.3"


def _rows(table: Iterable[Member]) -> Iterable[tuple[str, ...]]:
    for row in table:
        yield (
            f"`{row.path}`",
            row.values,
            row.default,
            _since(row.since, row.old),
            _done(row),
            row.hashed,
            f"#{row.page}" if row.page else "",
        )


def _done(row: Member) -> str:
    variable = "" if row.variable is None else f"; a variable since 0.3.{row.variable}"
    return (f"**{row.built}**" if row.built != BUILT else row.built) + variable


def members(table: Mapping[str, Member] = TABLE) -> str:
    """Return one row a member: what it says, default, since when, what casnb does with it."""
    return markdown_table(
        ("member", "values", "default", "since", "casnb", "in the hash", "page"),
        _rows(table.values()),
    )


def kinds() -> str:
    """Return one row a kind of secret."""
    return markdown_table(
        ("kind", "a CAS makes", "`value`", "members", "since", "casnb"),
        (
            (
                f"`{k.name}`",
                k.generated,
                k.given,
                ", ".join(f"`{m}`" for m in k.members),
                _since(k.since, k.old),
                BUILT if k.built else f"**{REFUSED}**",
            )
            for k in KINDS.values()
        ),
    )


def placeholders() -> str:
    """Return one row a form of a placeholder."""
    return markdown_table(
        ("kinds", "after the name", "becomes", "since"),
        (
            (
                ", ".join(f.kinds),
                ", ".join(f"`{s}`" if s else "nothing" for s in f.suffixes),
                f.yields,
                _since(f.since, f.old),
            )
            for f in FORMS
        ),
    )


def guesses() -> str:
    """Return one row a guess about sessions, by its id."""
    return markdown_table(
        ("guess", "what casnb does"), ((f"`{id}`", text) for id, text in GUESSES.items())
    )


TABLES: Mapping[str, Callable[[], str]] = {
    "members": members,
    "kinds": kinds,
    "placeholders": placeholders,
    "guesses": guesses,
}
