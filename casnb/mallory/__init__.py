"""Mallory: the attacks, where she stands, what she needs, and what stops her. Everything really
runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.mallory.attack_matrix import FLAG_SETS as FLAG_SETS
    from casnb.mallory.attack_matrix import HABIT_SETS as HABIT_SETS
    from casnb.mallory.attack_matrix import AttackMatrix as AttackMatrix
    from casnb.mallory.attacks import ATTACKS as ATTACKS
    from casnb.mallory.attacks import attack as attack
    from casnb.mallory.attacks import exhibits as exhibits
    from casnb.mallory.attacks import foresee as foresee
    from casnb.mallory.attacks import matrix as matrix
    from casnb.mallory.attacks import run as run
    from casnb.mallory.defence import HABITS as HABITS
    from casnb.mallory.defence import Defence as Defence
    from casnb.mallory.faults import CrtSigner as CrtSigner
    from casnb.mallory.faults import factor as factor
    from casnb.mallory.faults import verifies as verifies
    from casnb.mallory.hardware import DEBUG_BUILD as DEBUG_BUILD
    from casnb.mallory.hardware import keys_of as keys_of
    from casnb.mallory.memory import EnclaveMemory as EnclaveMemory
    from casnb.mallory.story import PERSONAS as PERSONAS
    from casnb.mallory.story import REFUSALS as REFUSALS
    from casnb.mallory.story import Attack as Attack
    from casnb.mallory.story import Outcome as Outcome

__all__, __getattr__ = surface(
    __name__,
    {
        "ATTACKS": "casnb.mallory.attacks",
        "Attack": "casnb.mallory.story",
        "AttackMatrix": "casnb.mallory.attack_matrix",
        "CrtSigner": "casnb.mallory.faults",
        "DEBUG_BUILD": "casnb.mallory.hardware",
        "Defence": "casnb.mallory.defence",
        "EnclaveMemory": "casnb.mallory.memory",
        "FLAG_SETS": "casnb.mallory.attack_matrix",
        "HABITS": "casnb.mallory.defence",
        "HABIT_SETS": "casnb.mallory.attack_matrix",
        "Outcome": "casnb.mallory.story",
        "PERSONAS": "casnb.mallory.story",
        "REFUSALS": "casnb.mallory.story",
        "attack": "casnb.mallory.attacks",
        "exhibits": "casnb.mallory.attacks",
        "factor": "casnb.mallory.faults",
        "foresee": "casnb.mallory.attacks",
        "keys_of": "casnb.mallory.hardware",
        "matrix": "casnb.mallory.attacks",
        "run": "casnb.mallory.attacks",
        "verifies": "casnb.mallory.faults",
    },
)
