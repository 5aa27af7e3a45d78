"""Frames as a film: ffmpeg, told to leave out whatever differs from one run to the next."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from casnb.base.errors import SourceError, neutral
from casnb.film.reel import Frame

#: Pictures a second, and seconds that a film may take to be written.
RATE, _PATIENCE = 4, 3600


def concat(frames: Sequence[Frame]) -> str:
    """Return what ffmpeg's concat demuxer reads. The last picture stands twice: it ignores how
    long the last one is to stand.
    """
    rows = [f"file '{f.file}'\nduration {f.seconds:g}" for f in frames]
    return "\n".join(["ffconcat version 1.0", *rows, f"file '{frames[-1].file}'"]) + "\n"


def encode(
    ffmpeg: str, frames: Sequence[Frame], folder: Path, captions: Path, target: Path
) -> None:
    """Write an mp4 (H.264, with the captions as a track that is off). Raises SourceError where
    ffmpeg fails.
    """
    listed = folder / "frames.ffconcat"
    listed.write_text(concat(frames), encoding="utf-8")
    words = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "concat", "-safe", "0", "-i", str(listed), "-i", str(captions)),
        *("-map", "0:v", "-map", "1:s", "-map_metadata", "-1"),
        *("-vf", f"fps={RATE},format=yuv420p", "-c:v", "libx264", "-preset", "veryfast"),
        *("-tune", "stillimage", "-crf", "26", "-g", str(RATE * 20), "-threads", "2"),
        *("-c:s", "mov_text", "-metadata:s:s:0", "language=eng", "-disposition:s:0", "0"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"),
        str(target),
    ]
    try:
        done = subprocess.run(  # noqa: S603
            words, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError("ffmpeg", got=f"no end after {_PATIENCE} seconds") from None
    finally:
        listed.unlink(missing_ok=True)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise SourceError("ffmpeg", got=neutral(said, 200), wanted="an mp4 that is written")
