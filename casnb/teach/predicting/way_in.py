"""Where on the world map an attack was decided: the wall as it stood, and the one gate lit."""

from __future__ import annotations

from dataclasses import replace

from casnb.base.view import cell
from casnb.mallory.attacks import Outcome
from casnb.mallory.gates import GATES, Gate
from casnb.teach.worldmap.standing import Standing, standings
from casnb.teach.worldmap.view import STYLE, render_map


def decided_at(run: Outcome) -> Gate:
    """Return the gate that a run came through, or that stopped it."""
    by = run.stopped_by
    if not by or by in GATES[run.attack.gate].checks:
        return GATES[run.attack.gate]
    named = GATES.get(by) or next((g for g in GATES.values() if by in g.checks), None)
    return named or next((g for g in GATES.values() if g.habit == by), GATES[run.attack.gate])


def wall(run: Outcome) -> tuple[Standing, ...]:
    """Return how each gate stood in a run. She comes through an open gate alone: where no flag
    opened it, a habit was left out.
    """
    found = standings(
        run.result,
        run.defence.policy.flags(),
        {run.attack.name: run.stopped_by},
        run.defence.habits,
    )
    return tuple(replace(s, state="skipped") if s.inside and not s.open else s for s in found)


def way_in(run: Outcome) -> str:
    """Say where it was decided, in a sentence."""
    gate = decided_at(run)
    name = f"{gate.name} {gate.part}".strip()
    if run.succeeded:
        stands = next(s for s in wall(run) if s.gate.id == gate.id)
        return f"On the map: she comes through the gate {name} ({stands.words})."
    return f"On the map: she stands before the gate {name}, and it is closed."


def html_way_in(run: Outcome) -> str:
    """Return the same as a picture: the wall, and that gate lit."""
    picture = render_map(wall(run), compact=True, lit=decided_at(run).id)
    return f"<p>{cell(way_in(run))}</p>{STYLE}{picture}"
