"""The tables of `docs/attacks.md`, made from the data. To renew it: `make docs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casnb.mallory.attacks import ATTACKS, HABITS, PERSONAS
from doctables.checks import markdown_table


def attacks() -> str:
    """Return one row an attack: who, what, with what it gets in, what stops it."""
    return markdown_table(
        ("attack", "who", "what", "gets in with", "stopped by"),
        [
            (f"`{a.name}`", a.persona.title, a.title, a.needs, ", ".join(f"`{s}`" for s in a.stops))
            for a in ATTACKS.values()
        ],
    )


def lessons() -> str:
    """Return what each attack teaches, what to do, and where the facts come from."""
    return "\n\n".join(
        f"**`{a.name}`** {a.explain}\n*Do:* {a.defend}\n*Source:* {a.source} ({a.date})."
        for a in ATTACKS.values()
    )


def personas() -> str:
    """Return one row a persona."""
    return markdown_table(("who", "can"), [(p.title, p.can) for p in PERSONAS.values()])


def habits() -> str:
    """Return one row a habit."""
    return markdown_table(
        ("habit", "usual", "so one will", "without it one will"),
        [(f"`{h.name}`", "yes" if h.usual else "no", h.does, h.otherwise) for h in HABITS.values()],
    )


TABLES: Mapping[str, Callable[[], str]] = {
    "personas": personas,
    "attacks": attacks,
    "lessons": lessons,
    "habits": habits,
}
