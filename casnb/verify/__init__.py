"""Say whether evidence is genuine: `casnb.verify(evidence, now=...)` returns a Proof, an ordered
list of checks.

The package itself can be called, so that `from casnb import verify` gives the function whatever
was imported before.

>>> from casnb import World, decode, verify
>>> world = World("lesson", "production")
>>> verify(decode(world.attest("DCAP")), roots=world.roots, now=world.now).genuine
True
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from casnb.verify.dispatch import verify

        return verify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
