"""Progress: one small local file that says which exercises are done. Delete it at any time;
nothing else depends on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError
from casnb.base.view import Shown, html_table, text_table
from casnb.teach.course.exercises import NOT_YET, RIGHT, WRONG, Feedback, catalogue

#: The file never grows past this: known exercises only, small counters, one line of text each.
FILE_LIMIT = 64 << 10
COUNT_LIMIT = 9999
FORMAT = "casnb progress 1"
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


@dataclass(frozen=True)
class Entry:
    """One exercise so far: best status, answers tried, hints taken, the misconceptions met, when
    it was first right.
    """

    status: str = NOT_YET
    tries: int = 0
    hints: int = 0
    codes: tuple[str, ...] = ()
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "tries": self.tries,
            "hints": self.hints,
            "codes": list(self.codes),
            "at": self.at,
        }


@dataclass(frozen=True)
class Progress(Shown):
    """How far a reader has come; `full` when every exercise listed is right."""

    entries: Mapping[str, Entry]
    notes: tuple[str, ...] = ()

    @property
    def marks(self) -> int:
        """Exercises answered right."""
        return sum(e.status == RIGHT for e in self.entries.values())

    @property
    def of(self) -> int:
        return len(self.entries)

    @property
    def full(self) -> bool:
        return self.marks == self.of > 0

    @property
    def sentence(self) -> str:
        return f"{self.marks} of {self.of} exercises are right." + (
            " That is all of them." if self.full else ""
        )

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        known = catalogue()
        return [
            (id, known[id].title, e.status, str(e.tries), str(e.hints))
            for id, e in self.entries.items()
        ]

    def __str__(self) -> str:
        lines = [
            text_table(("exercise", "title", "status", "answers", "hints"), self._rows()),
            "",
            self.sentence,
        ]
        return "\n".join(lines + [f"note: {n}" for n in self.notes])

    def _html(self) -> str:
        from casnb.base.view import cell

        head = (
            f'<div class="verdict" data-marks="{self.marks}"'
            f' data-of="{self.of}">{cell(self.sentence)}</div>'
        )
        table = html_table(
            ("exercise", "title", "status", "answers", "hints"), self._rows(), code=(0,)
        )
        return head + table + "".join(f"<p>note: {cell(n, 400)}</p>" for n in self.notes)


class ProgressFile:
    """Reads and writes the file: bounded, replaced as a whole, a damaged one moved aside and
    never overwritten.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def load(self) -> tuple[dict[str, Entry], str]:
        """Return the entries of known exercises, and a sentence if a damaged file had to be
        moved aside.
        """
        try:
            if self.path.stat().st_size > FILE_LIMIT:
                raise EvidenceError(
                    "progress",
                    got="a file too large to be ours",
                    wanted=f"at most {FILE_LIMIT} bytes",
                )
            return (
                _entries(strictjson.loads(self.path.read_bytes(), "progress", limit=FILE_LIMIT)),
                "",
            )
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
            return Entry(
                RIGHT if right or e.status == RIGHT else WRONG,
                _more(e.tries),
                e.hints,
                codes,
                e.at or (_utc() if right else ""),
            )

        return "" if feedback.status == NOT_YET else self._change(feedback.exercise, step)

    def record_hint(self, id: str) -> str:
        """Count a hint taken; as `record`."""
        return self._change(id, lambda e: Entry(e.status, e.tries, _more(e.hints), e.codes, e.at))

    def _change(self, id: str, step: Any) -> str:
        try:
            with self._locked():
                entries, note = self.load()
                entries[id] = step(entries.get(id, Entry()))
                if not note.endswith("not kept."):
                    self._write(entries)
                return note
        except OSError as exc:
            return (
                f"Progress is not kept: {self.path.name} cannot be written"
                f" ({exc.strerror or type(exc).__name__})."
            )

    def _write(self, entries: Mapping[str, Entry]) -> None:
        body = {
            "format": FORMAT,
            "exercises": {id: e.to_json() for id, e in sorted(entries.items())},
        }
        handle, name = tempfile.mkstemp(prefix=self.path.name + ".", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(json.dumps(body, indent=1).encode("utf-8"))
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

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


def receipt(progress: Progress, **about: str) -> dict[str, Any]:
    """Return what a reader may hand in: marks, entries, what it is about, time, and a SHA-256
    over all that as compact JSON.

    The digest shows accidental changes only. Not proven: who answered, and that nobody wrote the
    file by hand.
    """
    body: dict[str, Any] = {
        "format": "casnb receipt 1",
        **about,
        "made_at": _utc(),
        "marks": progress.marks,
        "of": progress.of,
        "exercises": {id: e.to_json() for id, e in progress.entries.items()},
    }
    return {**body, "sha256": hashlib.sha256(strictjson.compact(body)).hexdigest()}


def _utc() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _more(count: int) -> int:
    return min(count + 1, COUNT_LIMIT)


def _entries(body: Any) -> dict[str, Entry]:
    if strictjson.member(body, "format", str, "progress") != FORMAT:
        raise EvidenceError("progress.format", got=body["format"], wanted=FORMAT)
    rows = strictjson.member(body, "exercises", dict, "progress")
    return {id: _entry(rows[id]) for id in catalogue() if id in rows}


def _entry(row: Any) -> Entry:
    status = strictjson.member(row, "status", str, "progress")
    tries, hints = (strictjson.member(row, name, int, "progress") for name in ("tries", "hints"))
    codes, at = (
        strictjson.member(row, "codes", list, "progress"),
        strictjson.member(row, "at", str, "progress"),
    )
    if (
        status not in {NOT_YET, RIGHT, WRONG}
        or not 0 <= tries <= COUNT_LIMIT
        or not 0 <= hints <= COUNT_LIMIT
        or len(codes) > 20
        or len(at) > 32
        or not all(isinstance(c, str) and len(c) <= 60 for c in codes)
    ):
        raise EvidenceError("progress", got="an entry out of bounds")
    return Entry(status, tries, hints, tuple(codes), at)
