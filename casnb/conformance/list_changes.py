"""Ways to change one of Intel's lists, and sign it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from casnb.conformance.fault import Change, members, remade, rewritten

TCB, QE = "tcb-info-signature", "qe-identity-signature"
BOTH = f"{TCB} {QE}"


def put(old: str, new: str, name: str = "tcb_info") -> Change:
    """The first `old` of a signed text replaced, and signed again."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return rewritten(change, name)


def edition(value: str) -> Change:
    return put('"tcbEvaluationDataNumber":20', f'"tcbEvaluationDataNumber":{value}')


def rows(change: Callable[[list[Any]], list[Any]], name: str = "tcb_info") -> Change:
    """The levels of a list changed, and the list signed again."""
    return lambda e: remade(
        e, {name: {"tcbLevels": change(json.loads(getattr(e.lists, name))["tcbLevels"])}}
    )


def first(change: Callable[[dict[str, Any]], Any], name: str = "tcb_info") -> Change:
    """The first level changed in place."""

    def made(levels: list[Any]) -> list[Any]:
        change(levels[0])
        return levels

    return rows(made, name)


def components(change: Callable[[list[Any]], list[Any]]) -> Change:
    return first(lambda x: x["tcb"].update(sgxtcbcomponents=change(x["tcb"]["sgxtcbcomponents"])))


def svn(value: Any) -> Change:
    return components(lambda c: [{"svn": value}, *c[1:]])


def signature(change: Callable[[str], str], name: str = "tcb_info") -> Change:
    return members(**{f"{name}_signature": lambda e: change(getattr(e.lists, f"{name}_signature"))})
