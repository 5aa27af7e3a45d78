"""What the byte explorer's widget is sent: one plain object a view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import short
from casnb.teach.explorer.bytemap import Spot, check_title
from casnb.teach.explorer.view import CODE, VALUE, View, announce, announce_check, explain


def payload(view: View) -> dict[str, Any]:
    """Return what the widget draws: fields and checks as plain data. It sets text only, so
    nothing here is escaped.
    """
    fields = [
        {
            "id": s.id,
            "name": s.name,
            "part": s.part,
            "offset": s.offset,
            "size": s.size,
            "reserved": s.reserved,
            "value": short(neutral(s.show(view.map.data), VALUE), 16),
            "say": announce(view, s),
            "rows": [[k, neutral(v, 500), k in CODE] for k, v in explain(view, s)],
            "checks": [*s.checks, *s.covered],
            "state": _state(view, s),
        }
        for s in view.map.spots
    ]
    checks = []
    for c in view.map.checks:
        result, (title, compares) = view.result(c), check_title(c)
        checks.append(
            {
                "id": c,
                "title": title,
                "compares": compares,
                "say": announce_check(view, c),
                "status": result.status.label if result is not None else "",
                "ranges": [list(r) for r in view.map.ranges(c)],
            }
        )
    return {"fields": fields, "checks": checks}


def _state(view: View, spot: Spot) -> str:
    """Return 'equal', 'differs' or nothing: by the expected value, else by the checks that
    compare this very field.
    """
    if wanted := view.wanted(spot):
        return "equal" if wanted.startswith("equals") else "differs"
    own = [
        found.status.value
        for c in spot.checks
        if (found := view.result(c)) is not None and not c.endswith("-format")
    ]
    return (
        "differs"
        if "failed" in own or "waived" in own
        else "equal"
        if own and set(own) == {"passed"}
        else ""
    )


def with_bytes(view: View, data: bytes) -> View:
    """Return the view on changed bytes of the same length, the first ones kept as `original`."""
    return replace(
        view,
        map=view.map.with_data(data),
        original=view.map.data if view.original is None else view.original,
    )
