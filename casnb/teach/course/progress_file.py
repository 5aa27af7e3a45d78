"""The file in which progress is kept: bounded, read strictly, replaced as a whole. Delete it
at any time; nothing else depends on it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError
from casnb.base.files import replace_file
from casnb.teach.course.answer_json import world_id
from casnb.teach.course.exercises import catalogue
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG, Feedback
from casnb.teach.course.progress import Entry, Progress, Said, utc
from casnb.teach.facts import PRACTICE

#: The file never grows past this: known exercises only, small counters, one line of text each.
FILE_LIMIT = 1 << 20
COUNT_LIMIT = 9999
#: Worlds whose progress is kept; the one that was used longest ago goes first.
WORLD_LIMIT = 24
#: Bytes of one answer that is kept.
_ANSWER_LIMIT = 4000
FORMAT = "casnb progress 2"
#: What casnb 0.1.0 wrote: one world, neither solutions nor answers nor predictions.
_FIRST = "casnb progress 1"
#: Predictions and choices that are kept of one world.
SAID_LIMIT = 200
_LOCK_SECONDS = 2.0


def default_path() -> Path:
    """Return the reader's own progress file; `CASNB_PROGRESS` names another."""
    import platformdirs

    named = os.environ.get("CASNB_PROGRESS")
    return (
        Path(named)
        if named
        else Path(platformdirs.user_data_dir("casnb", appauthor=False)) / "progress.json"
    )


@dataclass
class Kept:
    """What is kept of one world."""

    entries: dict[str, Entry]
    said: dict[str, Said]
    used: str = ""


class ProgressFile:
    """Reads and writes the file: bounded, replaced as a whole, a damaged one moved aside and
    never overwritten.
    """

    def __init__(self, path: Path | None = None, world: str = "") -> None:
        self.path = path or default_path()
        self.world = world or world_id(PRACTICE, "public")

    def load(self) -> tuple[dict[str, Entry], str]:
        """Return the entries of known exercises in this world, and a sentence if a damaged file
        had to be moved aside.
        """
        worlds, note = self._worlds()
        found = worlds.get(self.world)
        return found.entries if found else {}, note

    def said(self) -> dict[str, Said]:
        """Return what was predicted and chosen in this world, in the order in which it was."""
        found = self._worlds()[0].get(self.world)
        return found.said if found else {}

    def _worlds(self) -> tuple[dict[str, Kept], str]:
        try:
            if self.path.stat().st_size > FILE_LIMIT:
                raise EvidenceError(
                    "progress",
                    got="a file too large to be ours",
                    wanted=f"at most {FILE_LIMIT} bytes",
                )
            data = strictjson.loads(self.path.read_bytes(), "progress", limit=FILE_LIMIT)
            return _read_worlds(data), ""
        except FileNotFoundError:
            return {}, ""
        except EvidenceError:
            return {}, self._move_aside()
        except OSError as exc:
            return (
                {},
                f"The progress file could not be read ({exc.strerror}); progress starts empty.",
            )

    def _move_aside(self) -> str:
        for n in range(1, 100):
            aside = self.path.with_name(f"{self.path.name}.damaged-{n}")
            if not aside.exists():
                with suppress(OSError):
                    self.path.replace(aside)
                    return (
                        f"The progress file was damaged; it was moved to {aside.name} beside it,"
                        " and progress starts empty."
                    )
                break
        return "The progress file is damaged and could not be moved aside; progress is not kept."

    def record(self, feedback: Feedback) -> str:
        """Count an answer; return a sentence if that could not be kept, else an empty text."""

        def step(e: Entry) -> Entry:
            right = feedback.status == RIGHT
            codes = (
                e.codes
                if not feedback.code or feedback.code in e.codes
                else (*e.codes, feedback.code)[:20]
            )
            sent = feedback.sent if right or e.status != RIGHT else e.answer
            fits = sent is not None and len(strictjson.compact(sent)) <= _ANSWER_LIMIT
            return replace(
                e,
                status=RIGHT if right or e.status == RIGHT else WRONG,
                tries=_more(e.tries),
                codes=codes,
                at=e.at or (utc() if right else ""),
                answer=sent if fits else None,
            )

        return "" if feedback.status == NOT_YET else self._change(feedback.exercise, step)

    def record_hint(self, id: str) -> str:
        """Count a hint taken; as `record`."""
        return self._change(id, lambda e: replace(e, hints=_more(e.hints)))

    def record_solution(self, id: str) -> str:
        """Count a solution that was looked at; as `record`."""
        return self._change(id, lambda e: replace(e, solutions=_more(e.solutions)))

    def record_said(self, id: str, said: str, was: str, question: str = "") -> str:
        """Keep a prediction or a choice; what was said first stays. As `record`."""

        def step(kept: Kept) -> None:
            before = kept.said.pop(id, None)
            first = before.first if before else said
            kept.said[id] = Said(first[:300], said[:300], was[:300], question[:300])
            while len(kept.said) > SAID_LIMIT:
                del kept.said[next(iter(kept.said))]

        return self._update(step)

    def _change(self, id: str, step: Callable[[Entry], Entry]) -> str:
        def update(kept: Kept) -> None:
            kept.entries[id] = step(kept.entries.get(id, Entry()))

        return self._update(update)

    def _update(self, step: Callable[[Kept], None]) -> str:
        try:
            with self._locked():
                worlds, note = self._worlds()
                kept = worlds.pop(self.world, None) or Kept({}, {})
                step(kept)
                kept.used = utc()
                worlds[self.world] = kept
                if not note.endswith("not kept."):
                    self._write(worlds)
                return note
        except OSError as exc:
            return (
                f"Progress is not kept: {self.path.name} cannot be written"
                f" ({exc.strerror or type(exc).__name__})."
            )

    def _write(self, worlds: Mapping[str, Kept]) -> None:
        newest = list(worlds.items())[-WORLD_LIMIT:]
        body = {
            "format": FORMAT,
            "worlds": {
                id: {
                    "used": kept.used,
                    "exercises": {n: e.to_json() for n, e in sorted(kept.entries.items())},
                    "said": {n: s.to_json() for n, s in kept.said.items()},
                }
                for id, kept in newest
            },
        }
        replace_file(self.path, json.dumps(body, indent=1), mode=0o600)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock file beside the progress file, so that two notebooks lose nothing; one
        left behind is broken up.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(self.path.name + ".lock")
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                if time.monotonic() > until:
                    with suppress(OSError):
                        lock.unlink()
                    until = time.monotonic() + _LOCK_SECONDS
                time.sleep(0.01)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()

    def delete(self) -> None:
        """Forget everything; raise SourceError if the file cannot be removed."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise SourceError(
                "progress",
                got=str(exc.strerror),
                wanted="to delete it",
                do=f"Delete {self.path.name} by hand.",
            ) from None

    def progress(self, chapter: str = "") -> Progress:
        """Return the progress in one chapter, or in all."""
        entries, note = self.load()
        ids = [e.id for e in catalogue().values() if not chapter or e.chapter == chapter[:2]]
        return Progress({id: entries.get(id, Entry()) for id in ids}, (note,) if note else ())


def _more(count: int) -> int:
    return min(count + 1, COUNT_LIMIT)


def _read_worlds(body: Any) -> dict[str, Kept]:
    format = strictjson.member(body, "format", str, "progress")
    if format == _FIRST:
        rows = strictjson.member(body, "exercises", dict, "progress")
        old = {id: {**row, "solutions": 0} for id, row in rows.items() if isinstance(row, dict)}
        kept = _read_kept({"exercises": old, "said": {}, "used": ""})
        return {world_id(PRACTICE, "public"): kept}
    if format != FORMAT:
        raise EvidenceError("progress.format", got=body["format"], wanted=FORMAT)
    worlds = strictjson.member(body, "worlds", dict, "progress")
    return {id: _read_kept(row) for id, row in list(worlds.items())[-WORLD_LIMIT:]}


def _read_kept(body: Any) -> Kept:
    rows = strictjson.member(body, "exercises", dict, "progress")
    said = strictjson.member(body, "said", dict, "progress")
    used = strictjson.member(body, "used", str, "progress")
    return Kept(
        {id: _entry(rows[id]) for id in catalogue() if id in rows},
        {id: _read_said(row) for id, row in list(said.items())[-SAID_LIMIT:]},
        used[:32],
    )


def _read_said(row: Any) -> Said:
    words = [
        strictjson.member(row, n, str, "progress") for n in ("first", "last", "was", "question")
    ]
    if any(len(w) > 300 for w in words):
        raise EvidenceError("progress", got="a prediction out of bounds")
    return Said(*words)


def _entry(row: Any) -> Entry:
    status = strictjson.member(row, "status", str, "progress")
    tries, hints, solutions = (
        strictjson.member(row, name, int, "progress") for name in ("tries", "hints", "solutions")
    )
    codes, at = (
        strictjson.member(row, "codes", list, "progress"),
        strictjson.member(row, "at", str, "progress"),
    )
    answer = row.get("answer")
    if (
        status not in {NOT_YET, RIGHT, WRONG}
        or not all(0 <= n <= COUNT_LIMIT for n in (tries, hints, solutions))
        or len(codes) > 20
        or len(at) > 32
        or not all(isinstance(c, str) and len(c) <= 60 for c in codes)
        or len(strictjson.compact(answer)) > _ANSWER_LIMIT
    ):
        raise EvidenceError("progress", got="an entry out of bounds")
    return Entry(status, tries, hints, tuple(codes), at, solutions, answer)
