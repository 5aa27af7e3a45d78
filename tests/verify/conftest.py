"""A real case and a simulated one, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from verify.cases import Case, real_case, world_case

from casnb.simulator.world import World


@pytest.fixture(scope="session")
def real(vectors: Path) -> Case:
    """A genuine quote of 2025 with the lists of its time."""
    return real_case(vectors)


@pytest.fixture(scope="session")
def world() -> World:
    return World("verify", "production")


@pytest.fixture(scope="session")
def ours(world: World) -> Case:
    """The same from the simulator, where anything can be signed again."""
    return world_case(world)
