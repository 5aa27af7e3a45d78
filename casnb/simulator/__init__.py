"""A CAS world on loopback: real bytes under roots of its own, every key from a seed. Trust nothing
in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.simulator.keys import Seed as Seed
    from casnb.simulator.scenario import SCENARIOS as SCENARIOS
    from casnb.simulator.server.running import serve as serve
    from casnb.simulator.world import World as World

__all__, __getattr__ = surface(
    __name__,
    {
        "SCENARIOS": "casnb.simulator.scenario",
        "Seed": "casnb.simulator.keys",
        "World": "casnb.simulator.world",
        "serve": "casnb.simulator.server.running",
    },
)
