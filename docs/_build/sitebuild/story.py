"""The story of the terminal as a page: a player for its recording, and all of its text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from casnb.film.player import embedded
from sitebuild.markdown import lines

ROOT = Path(__file__).resolve().parents[3]
LABEL = "Recording of casnb walkthrough"


def record(kept: Path, again: bool = True) -> tuple[str, str]:
    """Return the recording (an asciicast) and its transcript; unless `again`, one that was made
    before counts. A process of its own tells the story, for its clock stands still.
    """
    cast, text = kept / "walkthrough.cast", kept / "walkthrough.md"
    if again or not (cast.exists() and text.exists()):
        kept.mkdir(parents=True, exist_ok=True)
        # A copy: what the film says is noted beside its overlay.
        overlay = Path(shutil.copy(ROOT / "docs" / "films" / "walkthrough.yaml", kept))
        words = ["screencast", "walkthrough", "--no-video", "--overlay", overlay, "--out", kept]
        env = {
            k: v for k, v in os.environ.items() if not k.startswith(("CAS_", "CASNB_", "SCONE_"))
        }
        subprocess.run(
            [sys.executable, "-m", "casnb.cli.main", *map(str, words)],
            check=True,
            capture_output=True,
            env=env,
        )
    return cast.read_text("utf-8"), text.read_text("utf-8")


def page(cast: str, transcript: str) -> str:
    """Return the page: what it is, the player, the transcript."""
    title, length, *parts = transcript.rstrip("\n").split("\n\n")
    minutes = re.search(r"\d+:\d\d", length)
    fence = "`" * 8
    return lines(
        "# The story in the terminal",
        "",
        f"**{title.lstrip('# ')}** `casnb walkthrough` tells it, and all of it really happens on"
        f" your machine; here it is recorded, {minutes[0] if minutes else ''} minutes. On the"
        " screen, Space plays and pauses, the arrow keys go five seconds back and on. Who asked for"
        " less motion sees whole lines and no typing.",
        "",
        f"{fence}{{raw}} html",
        embedded(cast, LABEL),
        fence,
        "",
        "## Transcript",
        "",
        "\n\n".join(re.sub(r"^## ", "### ", part) for part in parts),
    )
