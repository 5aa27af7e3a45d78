"""What a shell may offer for a value: names of the tables, attested CASes, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

#: Labels of values that are files or folders.
_FILES = frozenset(("FILE", "FILES", "DIR", "IMAGE", "PROGRAM", "PAGE", "LINE", "OUTPUT", "CONFIG"))


def one_of(
    names: Callable[[], Sequence[str]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return a completer for a value that is one of `names()`, which is only called when asked;
    what cannot be found out is not offered.
    """

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(n) for n in names() if n.startswith(incomplete)]
        except Exception:  # nothing may disturb a shell's command line
            return []

    return complete


def a_file(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what the shell knows of files."""
    return [CompletionItem(incomplete, type="file")]


def offer_files(parameters: Sequence[click.Parameter]) -> None:
    """Have a shell offer files for values that are named so and have no completer of their own."""
    for parameter in parameters:
        named = (parameter.metavar or parameter.name or "").upper().strip("[].")
        if named in _FILES and parameter._custom_shell_complete is None:
            parameter._custom_shell_complete = a_file


def scenarios() -> list[str]:
    """Return the scenarios of the simulator."""
    from casnb.simulator.scenario import SCENARIOS

    return list(SCENARIOS)


def attacks() -> list[str]:
    """Return the attacks."""
    from casnb.mallory.attacks import ATTACKS

    return list(ATTACKS)


def attested() -> list[str]:
    """Return the CASes that were attested."""
    from casnb.cas.trust import TrustStore

    return list(TrustStore().names())
