"""Recipes, and what goes wrong on the way to a CAS, as Markdown: documentation made of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casnb.explain.messages import PARTS
from casnb.explain.releases import RELEASES, SINCE
from casnb.tls.diagnoses import DIAGNOSES
from casnb.tls.recipes import RECIPES
from doctables.checks import markdown_table


def diagnoses() -> str:
    """Return one row a diagnosis: what it is, how one tool words it, cause, cure, what the
    refusal protects from.
    """
    return markdown_table(
        ("what it is", "one sees, for example", "cause", "cure", "protects from"),
        (
            (
                f"**{d.title}** (`{d.id}`)",
                "<br>".join(f"`{w.sample}` ({w.tool})" for w in d.wordings[:3]),
                d.cause,
                d.cure,
                d.protects,
            )
            for d in DIAGNOSES.values()
        ),
    )


def messages() -> str:
    """Return one section a part of the table of messages: wordings, cause, cure, whom the quick
    cure lets in, where to see it, which public page prints it.
    """
    return "\n".join(
        f"\n## {part}\n\n"
        + markdown_table(
            ("what it is", "one sees", "cause", "cure", "the quick cure lets in", "see it", "page"),
            (
                (
                    f"**{d.title}** (`{d.id}`)",
                    "<br>".join(f"`{w.sample.replace('`', '')}` ({w.tool})" for w in d.wordings),
                    d.cause,
                    d.cure,
                    d.lets_in or "-",
                    "<br>".join([*d.cells, *(f"`casnb attack {a}`" for a in d.attacks)]) or "-",
                    d.source or "-",
                )
                for d in rows
            ),
        )
        for part, rows in PARTS.items()
    )


def versions() -> str:
    """Return one section a release: each change, whether it breaks something, what to do, page."""
    return "\n".join(
        f"\n## {r.name}\n\nFirst seen {r.seen}; session language up to {r.language}.\n\n"
        + markdown_table(
            ("about", "what changed", "what to do", "page"),
            (
                (f"{c.about}{' (breaks)' if c.breaks else ''}", c.what, c.do, c.source)
                for c in r.changes
            ),
        )
        for r in RELEASES.values()
    )


def since() -> str:
    """Return one row an option of `scone cas attest`: since when it is there."""
    return markdown_table(
        ("option", "since"), ((f"`{name}`", text) for name, text in SINCE.items())
    )


def recipes() -> str:
    """Return one section a recipe: its text, and why each part of it is there."""
    return "\n".join(
        f"\n## {r.tool}\n\n```{r.language}\n{r.text()}```\n\n" + "\n".join(f"- {w}." for w in r.why)
        for r in RECIPES.values()
    )


TABLES: Mapping[str, Callable[[], str]] = {
    "diagnoses": diagnoses,
    "messages": messages,
    "versions": versions,
    "since": since,
    "recipes": recipes,
}
