"""What a film says: the text of each step, kept beside the overlay, so that a changed lesson is
noticed before the lecture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from casnb.base.errors import EvidenceError, SourceError, neutral
from casnb.base.strictjson import loads
from casnb.film.speech import shown_text
from casnb.film.storyboard import Storyboard

VERSION = 1
_LIMIT = 4 * 1024 * 1024
_WIDGET = "application/vnd.jupyter.widget-view+json"
#: What differs between machines and says nothing about a lesson.
_STEADY = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b127(?:\.\d{1,3}){3}(?::\d{4,5})?"), "127.x.y.z"),
    (re.compile(r"(?<=localhost:)\d{4,5}"), "PORT"),
    (re.compile(r"(?<=cas:)\d{4,5}"), "PORT"),
    (re.compile(r"\(_ssl\.c:\d+\)"), "(_ssl.c)"),
    (re.compile(r"curl: \(\d+\) [^\n]*"), "curl: (refused)"),
    (re.compile(r"(?:/[\w.-]+)+/casnb-[\w-]+"), "FOLDER"),
    (re.compile(r"0x[0-9a-f]{8,16}\b"), "0x"),
)
_PARTS = {"says": "caption", "code": "code", "shows": "output"}


@dataclass(frozen=True)
class Line:
    """What one step says: spoken, as code, and as output; empty where it has none."""

    cell: str
    says: str = ""
    code: str = ""
    shows: str = ""


def lines_of(board: Storyboard, outputs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Line]:
    """Return what a film of a notebook says, given the outputs of its cells. What a panel shows
    once it was clicked is not in it: only a browser knows.
    """
    out = []
    for shot in board.shown:
        text = text_of(outputs.get(shot.cell, ()))
        if shot.code:
            out.append(Line(shot.cell, shot.notes.say, steady(shot.source), text))
        else:
            out.append(Line(shot.cell, shot.says))
        for number, step in enumerate(shot.notes.then, 1):
            if step.say:
                out.append(Line(f"{shot.cell}/{number}", step.say))
    return out


def steady(text: str) -> str:
    """Return a text without what differs from one machine to the next."""
    for form, instead in _STEADY:
        text = form.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def text_of(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return what the outputs of a cell show. Of a panel its saved form counts: what it shows
    alive, only a browser knows.
    """
    said: list[str] = []
    for output in outputs:
        data = output.get("data", {})
        if "text" in output:
            said.append(_joined(output["text"]))
        elif "ename" in output:
            said.append(f"{output['ename']}: {output.get('evalue', '')}")
        elif "text/html" in data:
            # A place where a long name may break is not a space.
            said.append(shown_text(_joined(data["text/html"]).replace("<wbr>", "")))
        elif _WIDGET not in data:
            said.append(_joined(data.get("text/plain", "")))
    return steady("\n".join(said))


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(map(str, text))


def record_path(overlay: Path) -> Path:
    """Return where what a film said is kept: beside its overlay."""
    return overlay.with_suffix(".said.json")


def write_record(lines: Sequence[Line]) -> str:
    """Return the record as text: JSON, one step after the other, without empty parts."""
    rows = [{k: v for k, v in asdict(line).items() if v} for line in lines]
    return json.dumps({"film": VERSION, "said": rows}, indent=1, ensure_ascii=False) + "\n"


def read_record(path: Path) -> list[Line]:
    """Return what the last film said. Raises SourceError where no record can be read,
    EvidenceError for one of another form.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise EvidenceError(path.name, got="too many bytes", wanted=f"at most {_LIMIT}")
        data = path.read_bytes()
    except OSError as exc:
        raise SourceError(
            str(path),
            got=exc.strerror or type(exc).__name__,
            wanted="what the last film said",
            do="Make the film once without --check.",
        ) from None
    found = loads(data, path.name)
    try:
        if found["film"] != VERSION:
            raise ValueError
        return [Line(**row) for row in found["said"]]
    except (KeyError, TypeError, ValueError):
        raise EvidenceError(
            path.name,
            got="another form",
            wanted=f"a record of version {VERSION}",
            do="Make the film once without --check.",
        ) from None


def differences(got: Sequence[Line], wanted: Sequence[Line]) -> list[str]:
    """Return one sentence for each cell that says something else than in the last film."""
    old = {line.cell: line for line in wanted}
    new = {line.cell: line for line in got}
    out = []
    for line in got:
        if line.cell not in old:
            out.append(f"{line.cell}: got a cell, wanted none: it is not in the last film.")
            continue
        for part, word in _PARTS.items():
            if (here := getattr(line, part)) != (there := getattr(old[line.cell], part)):
                out.append(f"{line.cell}: {word}: {_first_difference(here, there)}")
    out += [
        f"{cell}: got no such cell, wanted the one of the last film."
        for cell in old
        if cell not in new
    ]
    kept = [c for c in old if c in new]
    moved = next((c for c, d in zip(kept, [c for c in new if c in old], strict=True) if c != d), "")
    if moved:
        out.append(f"{moved}: got another place, wanted the order of the last film.")
    return out


def _first_difference(got: str, wanted: str) -> str:
    pairs = zip(got.split("\n") + [""] * 10_000, wanted.split("\n"), strict=False)
    at, (here, there) = next(
        ((n, p) for n, p in enumerate(pairs, 1) if p[0] != p[1]),
        (wanted.count("\n") + 2, (got[len(wanted) :].strip("\n").split("\n")[0], "")),
    )
    place = f"line {at}: " if "\n" in got + wanted else ""
    short = [_around(text, _same(here, there)) for text in (here, there)]
    return f"{place}got {short[0]}, wanted {short[1]}."


def _same(a: str, b: str) -> int:
    return next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _around(text: str, at: int) -> str:
    """Quote a text where it differs: some characters before the place, more behind."""
    start = max(0, at - 30)
    cut = text[start : at + 60]
    shown = ("..." if start else "") + cut + ("..." if at + 60 < len(text) else "")
    return repr(neutral(shown, 120)) if text else "nothing"
