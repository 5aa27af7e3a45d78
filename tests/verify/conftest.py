"""A simulated world, made once."""

from __future__ import annotations

import pytest

from casnb.simulator.world import World


@pytest.fixture(scope="session")
def world() -> World:
    return World("verify", "production")
