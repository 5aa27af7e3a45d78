"""A film to be read: Markdown, with what is spoken, typed and shown, and when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from casnb.film.reel import Frame, clock, length, starts


def transcript(title: str, frames: Sequence[Frame], language: str = "python") -> str:
    """Return a film's transcript: a heading for each part, paragraphs that are spoken, code, and
    what came of it.
    """
    out = [f"# {title}", f"Transcript of a film of {clock(length(frames))} minutes."]
    timed = list(zip(starts(frames), frames, strict=True))
    for _, group in groupby(timed, key=lambda row: row[1].cell):
        rows = list(group)
        start, first = rows[0]
        if first.heading:
            out.append(f"## {first.heading} ({clock(start)})")
        shown = ""
        for _, frame in rows:
            if frame.speech:
                out.append(frame.speech)
            if frame.code:
                out.append(_block(frame.code, language))
            if frame.what.startswith(("click", "press")):
                out.append(f"*{frame.what[0].upper()}{frame.what[1:]}.*")
            if frame.shows and frame.shows != shown:
                shown = frame.shows
                out.append(_block(shown, "text"))
    return "\n\n".join(out) + "\n"


def _block(text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
