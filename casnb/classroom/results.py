"""What the last grading found, kept in the course's folder for its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.base.files import replacing
from casnb.classroom.course import Assignment, Course
from casnb.classroom.grade import Judged, Mark

FORMAT = "casnb results 1"
_LIMIT = 256 << 20


@contextmanager
def keeping(course: Course, task: Assignment) -> Iterator[Callable[[Mark], None]]:
    """Yield what takes marks one by one and holds none of them; at the end they stand in the file,
    readable for the owner alone. Raises SourceError.
    """
    path = course.results(task.name)
    head = json.dumps({"format": FORMAT, "assignment": task.name})
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with replacing(path, mode=0o600) as put:
            put(head[:-1].encode() + b', "marks": [')
            between = b""

            def keep(mark: Mark) -> None:
                nonlocal between
                put(between + json.dumps(asdict(mark), separators=(",", ":")).encode())
                between = b",\n"

            yield keep
            put(b"]}\n")
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to write") from None


def kept(course: Course, task: Assignment) -> list[Mark]:
    """Return the marks of the last grading; raise UsageError where there was none, SourceError for
    a file that is damaged.
    """
    path = course.results(task.name)
    try:
        if path.stat().st_size > _LIMIT:
            raise SourceError(str(path), got="too large a file", wanted=f"at most {_LIMIT} bytes")
        body = json.loads(path.read_bytes())
        if strictjson.member(body, "format", str, "results") != FORMAT:
            raise ValueError("another format")
        return [_mark(row) for row in body["marks"]]
    except FileNotFoundError:
        raise UsageError(
            f"report {task.name}",
            got="no grading yet",
            wanted="one to report on",
            do=f"First: casnb class grade {task.name} SUBMISSIONS",
        ) from None
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to read") from None
    except (ValueError, KeyError, TypeError, RecursionError, EvidenceError) as exc:
        raise SourceError(
            str(path), got=f"a damaged file ({exc})", wanted="as grade wrote it", do="Grade again."
        ) from None


def _mark(row: dict[str, Any]) -> Mark:
    rows = {id: Judged(**{**r, "prints": tuple(r["prints"])}) for id, r in row.pop("rows").items()}
    own = {id: tuple(p) for id, p in row.pop("own").items()}
    return Mark(**{**row, "rows": rows, "own": own, "notes": tuple(row["notes"])})
