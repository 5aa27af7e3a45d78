"""Where else an answer would be right: in another exercise, or in a world beside the reader's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from casnb.teach.course.choices import Choice
from casnb.teach.course.judges import Judge

if TYPE_CHECKING:
    from casnb.teach.facts import Facts

#: Scenarios of the same seed that a lesson shows beside its own.
_BESIDE = ("public", "production")


def right_there(judge: Judge, solution: Callable[[], Any], value: Any) -> bool:
    """Return whether a plain value is the right answer to another exercise. A letter is none to
    recognise, and for what has not the form of its answer the answer is not computed.
    """
    if isinstance(judge, Choice) or value in (None, "", [], frozenset()) or judge.problem(value):
        return False
    return judge.same(value, solution())


def worlds(facts: Facts) -> Iterator[tuple[Facts, str]]:
    """Yield the worlds beside this one, with a phrase for each: the practice seed's, the other
    scenarios of this seed, and the same build on another machine.
    """
    if not facts.practice:
        yield _practice(facts.world.scenario), "that of the practice seed"
    for name in _BESIDE:
        if name != facts.world.scenario:
            yield facts.of(name), f"that of scenario {name}"
    yield facts.elsewhere, "the same build on another machine"


@lru_cache(maxsize=8)
def _practice(scenario: str) -> Facts:
    from casnb.simulator.scenario import SCENARIOS
    from casnb.simulator.world import World
    from casnb.teach.facts import PRACTICE, Facts

    return Facts(World(PRACTICE, scenario if scenario in SCENARIOS else "public"))
