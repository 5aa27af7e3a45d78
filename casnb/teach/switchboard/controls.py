"""The two controls of a switchboard that core widgets have no form for: switches that say what they
cost, and doors with what became of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from casnb.mallory.attacks import ATTACKS
from casnb.policy.flags import BY_NAME, Flag

_HERE = Path(__file__).parent


class Switches(anywidget.AnyWidget):
    """A checkbox for each insecure flag of the catalogue, under what it is about.

    `value` are the long names that are set. `groups` is the catalogue as the page needs it: title,
    and for each flag its name, its label and what it lets in.
    """

    _esm = _HERE / "switches.js"
    groups: Any = traitlets.List().tag(sync=True)
    value = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, flags: Mapping[str, Flag] = BY_NAME, **others: Any) -> None:
        groups: dict[str, list[dict[str, str]]] = {}
        for flag in flags.values():
            label = f"-{flag.short} --{flag.name}" if flag.short else f"--{flag.name}"
            groups.setdefault(flag.group, []).append(
                {"name": flag.name, "label": label, "says": f"lets in {flag.who}"}
            )
        listed = [{"title": title, "items": items} for title, items in groups.items()]
        super().__init__(groups=listed, **others)
        self.add_class("t-switches")


class Doors(anywidget.AnyWidget):
    """A button for each attack: those that get in, and folded those that are stopped.

    `attacks`: name, title and persona of each, fixed. `doors`: name to whether it is open and why.
    `head`, `note`: the lines above. `outcome`: the attack that was run last, and its HTML, which is
    escaped already. The page sends `{"attack": name}` when a button is pressed.
    """

    _esm = _HERE / "doors.js"
    attacks: Any = traitlets.List().tag(sync=True)
    doors = traitlets.Dict().tag(sync=True)
    head = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    outcome = traitlets.Dict({"name": "", "html": ""}).tag(sync=True)

    def __init__(self, names: tuple[str, ...], **others: Any) -> None:
        rows = [
            {"name": n, "title": ATTACKS[n].title, "who": ATTACKS[n].persona.title} for n in names
        ]
        super().__init__(attacks=rows, **others)
        self.add_class("t-doors")
