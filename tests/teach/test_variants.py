"""Variants: what depends on the seed, counted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from casnb.simulator.world import World
from casnb.teach.course.answers import plain
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.exercises import catalogue
from casnb.teach.course.pairing import Pairing
from casnb.teach.facts import PRACTICE, Facts

SEEDS = [f"student {n}" for n in range(50)]
#: Exercises whose answer is the same in every world.
FIXED: set[str] = set()


@pytest.fixture(scope="module")
def worlds() -> list[Facts]:
    """Fifty worlds, each with its own seed, and without an address."""
    return [Facts(World(seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def answers(worlds) -> Mapping[str, list[str]]:
    """The right answer to each exercise in each of them."""
    return {
        task.id: [repr(_ordered(plain(task.reference(w)))) for w in worlds]
        for task in catalogue().values()
    }


def _ordered(value):
    return sorted(value) if isinstance(value, frozenset) else value


@pytest.mark.soak
def test_distinct_answers_over_fifty_seeds(answers):
    """A neighbour's answers are worth little: none is the same for everybody."""
    counts = {id: len(set(found)) for id, found in answers.items()}
    print("\n" + "\n".join(f"{id:24} {n:3} distinct answers" for id, n in counts.items()))
    assert {id for id, n in counts.items() if n == 1} == FIXED
    assert len(counts) - len(FIXED) >= 29


LETTERED = [t for t in catalogue().values() if isinstance(t.judge, (Choice, Pairing))]


@pytest.mark.soak
@pytest.mark.parametrize("task", LETTERED, ids=lambda t: t.id)
def test_options_never_stand_in_the_order_of_the_data(task: Exercise, worlds):
    """Letters follow the seed, in text and judge alike."""
    for world in [*worlds, Facts(World(PRACTICE))]:
        shown = [o.text for o in task.judge_in(world).options.values()]
        stored = [o.text for o in task.judge.options.values()]
        assert shown != stored and sorted(shown) == sorted(stored)


@pytest.mark.soak
@pytest.mark.parametrize(
    "task", [t for t in LETTERED if isinstance(t.judge, Choice)], ids=lambda t: t.id
)
def test_the_right_sentence_stands_everywhere(task: Exercise, worlds):
    """Over fifty seeds each place has the right one at least three times, and none most times."""
    places = [list(task.judge_in(w).options).index(task.reference(w)) for w in worlds]
    size = len(task.judge.options)
    counts = [places.count(n) for n in range(size)]
    print(task.id, counts)
    assert min(counts) >= 3 and max(counts) <= 50 * 0.62


def test_the_lessons_keep_the_world_that_their_prose_describes():
    """On the practice seed everything is as the notebooks tell it."""
    facts = Facts(World(PRACTICE))
    wanted = {
        "02.debug-byte": (48, 2),
        "02.select-byte": 306,
        "03.minimal-flags": ["-G", "--only_for_testing-debug", "--only_for_testing-ignore-signer"],
        "04.connect-to": "cas:8081:127.0.0.1:8081",
        "04.value": "42",
        "07.floor": 6,
        "01.trap": {"2021-10"},
        "07.survives": {"signer", "default"},
        "08.unmeasured": {"debug", "signer", "date"},
        "06.strict": {"old-edition", "other-instance"},
        "06.whom": {"forged-quote", "altered-page", "rollback", "owner-key"},
    }
    assert {id: catalogue()[id].reference(facts) for id in wanted} == wanted
