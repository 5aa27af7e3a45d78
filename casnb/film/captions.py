"""Captions as a file: WebVTT, what is spoken and when.

Source: W3C, *WebVTT: The Web Video Text Tracks Format*, sections on cues and on cue text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from casnb.film.reel import Frame, starts
from casnb.film.speech import captions

#: Seconds of silence after what is spoken, before the next picture.
_SILENCE = 0.4
_LINE = 42

Cue = tuple[float, float, str]


def cues(frames: Sequence[Frame]) -> list[Cue]:
    """Return from when, until when, which words: each frame's speech in captions, each as long as
    its share of the words.
    """
    out: list[Cue] = []
    for start, frame in zip(starts(frames), frames, strict=True):
        out += spread(start, frame.seconds - _SILENCE, frame.speech)
    return out


def spread(start: float, seconds: float, speech: str) -> list[Cue]:
    """Return one speech in captions, over a stretch of time."""
    parts = captions(speech)
    total = sum(map(len, parts))
    out: list[Cue] = []
    for part in parts:
        end = start + seconds * len(part) / total
        out.append((round(start, 3), round(end, 3), part))
        start = end
    return out


def webvtt(title: str, rows: Iterable[Cue]) -> str:
    """Return the file. A caption has at most two lines where its words allow it."""
    blocks = ["WEBVTT", f"NOTE {' '.join(title.split())}".replace("-->", "->")]
    for number, (start, end, text) in enumerate(rows, 1):
        lines = _two_lines(escape(text, quote=False))
        blocks.append(f"{number}\n{_time(start)} --> {_time(end)}\n{lines}")
    return "\n\n".join(blocks) + "\n"


def _time(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _two_lines(text: str) -> str:
    if len(text) <= _LINE:
        return text
    places = [n for n, c in enumerate(text) if c == " "]
    if not places:
        return text
    at = min(places, key=lambda n: abs(n - len(text) / 2))
    return f"{text[:at]}\n{text[at + 1 :]}"
