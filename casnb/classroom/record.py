"""What the class server wrote down: one line of JSON for each thing that a student did, added at
the end and never changed.

A line is on disk before its student hears of it. So a last line that is not whole is an answer that
nobody was told about: it is cut off when the server starts again. Any other damage is an error.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.classroom.course import Assignment, Course
from casnb.teach.course.answer_json import tagged, untagged
from casnb.teach.course.feedback import RIGHT, WRONG

FORMAT = "casnb record 1"
#: What can happen: an exercise was opened, answered, a hint was taken; a student's world was reset.
OPENED, CHECKED, HINTED, RESET = EVENTS = ("opened", "checked", "hinted", "reset")
_LINE = 160 << 10
_SIZE = 1 << 30


@dataclass(frozen=True)
class Event:
    """One line: when (seconds since 1970), who, what, of which exercise; of an answer also the
    answer (plain), its status, the misconception's code, and what was said.
    """

    at: float
    student: str
    event: str
    exercise: str = ""
    answer: Any = None
    status: str = ""
    code: str = ""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"at": self.at, "student": self.student, "event": self.event}
        if self.exercise:
            body["exercise"] = self.exercise
        if self.event == CHECKED:
            body |= {
                "answer": tagged(self.answer),
                "status": self.status,
                "code": self.code,
                "message": self.message,
            }
        return body


def read_event(data: bytes) -> Event:
    """Read one line. Raises EvidenceError for another member, type, event or status."""
    body = strictjson.loads(data, "record", limit=_LINE)
    event = strictjson.member(body, "event", str, "record")
    names = {"at", "student", "event"} | ({"exercise"} if event != RESET else set())
    if event == CHECKED:
        names |= {"answer", "status", "code", "message"}
    if event not in EVENTS or set(body) != names:
        raise EvidenceError("record", got=f"{event}: {', '.join(body)}", wanted="a line of ours")
    at = body["at"]
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at < 1e11:
        raise EvidenceError("record.at", got=type(at).__name__, wanted="seconds since 1970")
    words = {
        n: strictjson.member(body, n, str, "record") for n in names - {"at", "event", "answer"}
    }
    if event == CHECKED:
        if words["status"] not in (RIGHT, WRONG):
            raise EvidenceError("record.status", got=words["status"], wanted="right or wrong")
        return Event(float(at), event=event, answer=untagged(body["answer"]), **words)
    return Event(float(at), event=event, **words)


def header(course: Course, task: Assignment) -> dict[str, str]:
    """Return the first line: whose record it is."""
    return {"format": FORMAT, "course": course.id, "assignment": task.name}


def events(course: Course, task: Assignment) -> Iterator[Event]:
    """Yield what was written down of an assignment; a last line that is not whole is left out.

    Raises UsageError where there is no record yet, SourceError for one that cannot be read, is
    another assignment's, or is damaged, with the line.
    """
    path = course.record(task.name)
    try:
        if path.stat().st_size > _SIZE:
            raise SourceError(str(path), got="too large a file", wanted=f"at most {_SIZE} bytes")
        with path.open("rb") as file:
            yield from _events(file, path, header(course, task))
    except FileNotFoundError:
        raise UsageError(
            f"record of {task.name}",
            got="none yet",
            wanted="one",
            do=f"Nobody has answered so far: casnb class serve {task.name}",
        ) from None
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to read") from None


def _events(file: Any, path: Path, head: dict[str, str]) -> Iterator[Event]:
    number = 0
    while line := file.readline(_LINE + 1):
        number += 1
        try:
            if not line.endswith(b"\n"):
                if len(line) > _LINE or file.read(1):
                    raise EvidenceError("record", got="too long a line", wanted=f"{_LINE} bytes")
                return
            if number > 1:
                yield read_event(line)
            elif strictjson.loads(line, "record", limit=_LINE) != head:
                raise EvidenceError("record", got="that of something else", wanted=head)
        except (EvidenceError, ValueError, TypeError) as exc:
            raise SourceError(
                f"{path}, line {number}",
                got=f"a damaged line ({exc})",
                wanted="as the class server wrote it",
                do="Restore it from a copy; do not edit it.",
            ) from None


class Record:
    """The record of one assignment, open for adding; one server at a time may have it.

    `past` are the events that were there. Raises SourceError where another process has it, where
    it is damaged, and where it cannot be written.
    """

    def __init__(self, course: Course, task: Assignment) -> None:
        self.path = course.record(task.name)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._handle = os.open(self.path, flags | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as exc:
            raise self._unusable(exc) from None
        try:
            self._alone()
            if os.fstat(self._handle).st_size == 0:
                self._write(strictjson.compact(header(course, task)) + b"\n")
            self.past = tuple(events(course, task))
            self._cut()
        except BaseException:
            os.close(self._handle)
            raise

    def _unusable(self, exc: OSError) -> SourceError:
        return SourceError(str(self.path), got=exc.strerror, wanted="a file to write")

    def _alone(self) -> None:
        try:
            import fcntl
        except ImportError:  # elsewhere the server's own port keeps a second one away
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SourceError(
                str(self.path),
                got="another class server that writes to it",
                wanted="one at a time",
                do="Stop the other one.",
            ) from None

    def _cut(self) -> None:
        """Take off a last line that is not whole, and stand at the end."""
        size = os.lseek(self._handle, 0, os.SEEK_END)
        start = max(0, size - _LINE - 1)
        os.lseek(self._handle, start, os.SEEK_SET)
        tail = os.read(self._handle, size - start)
        whole = start + tail.rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(self._handle, whole)
        os.lseek(self._handle, 0, os.SEEK_END)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]
        os.fsync(self._handle)

    def add(self, event: Event) -> Event:
        """Write one line, on disk when this returns; raise SourceError where that fails, and leave
        no half of it.
        """
        data = strictjson.compact(event.to_json()) + b"\n"
        # What cannot be read again must not be written.
        again = read_event(data[:-1])
        with self._lock:
            end = os.lseek(self._handle, 0, os.SEEK_END)
            try:
                self._write(data)
            except OSError as exc:
                with suppress(OSError):
                    os.ftruncate(self._handle, end)
                raise self._unusable(exc) from None
        return again

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def now() -> float:
    """Return the time as the record has it."""
    return round(datetime.now(timezone.utc).timestamp(), 3)
