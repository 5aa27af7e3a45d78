"""What would differ between two runs of a film, held still: the clock and the nonces of the
kernel and of every Python that it starts.

casnb itself has no switch for its clock, since whoever could set one could have old evidence
believed. So a film's processes get a `sitecustomize` module of their own, in a folder that only
they search, and it stops the clock before anything else is imported.
"""

from __future__ import annotations

import os
import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

#: Seconds since 1970 at which the clock stands, and the text that nonces are drawn from.
_CLOCK, _SEED = "CASNB_FILM_CLOCK", "CASNB_FILM_SEED"
_HOOK = "from casnb.film.still import hold\n\nhold()\n"


def environment(folder: Path, clock: datetime, seed: str) -> dict[str, str]:
    """Write the module that holds a process still into `folder`, and return the variables that
    make Python find it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    package = Path(__file__).resolve().parents[2]
    others = os.environ.get("PYTHONPATH", "")
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), str(package), others])),
        "PYTHONHASHSEED": "0",
        _CLOCK: str(int(clock.timestamp())),
        _SEED: seed,
    }


def hold() -> None:
    """Hold this process still, where the variables say so."""
    if _CLOCK not in os.environ:
        return
    import time_machine

    time_machine.travel(int(os.environ[_CLOCK]), tick=False).start()
    _draw_from(os.environ.get(_SEED, ""))


def _draw_from(seed: str) -> None:
    # Cells run in the main thread. What a server beside them draws, and when, is another matter.
    here, elsewhere = random.Random(seed), random.Random(f"{seed}, beside")  # noqa: S311
    lock = threading.Lock()

    def token_bytes(nbytes: int | None = None) -> bytes:
        with lock:
            drawn = here if threading.current_thread() is threading.main_thread() else elsewhere
            return drawn.randbytes(32 if nbytes is None else nbytes)

    def token_hex(nbytes: int | None = None) -> str:
        return token_bytes(nbytes).hex()

    secrets.token_bytes, secrets.token_hex = token_bytes, token_hex


@contextmanager
def held(clock: datetime, seed: str) -> Iterator[None]:
    """Hold this process still until the end of the block: for a story that is told to be
    recorded.
    """
    import time_machine

    before = secrets.token_bytes, secrets.token_hex
    _draw_from(seed)
    try:
        with time_machine.travel(clock, tick=False):
            yield
    finally:
        secrets.token_bytes, secrets.token_hex = before
