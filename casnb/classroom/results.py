"""What the last grading found, kept in the course's folder for its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.base.files import replace_file
from casnb.classroom.course import Assignment, Course
from casnb.classroom.grade import Judged, Mark

FORMAT = "casnb results 1"
_LIMIT = 256 << 20


def keep(course: Course, task: Assignment, marks: Sequence[Mark]) -> None:
    """Write what was found, readable for the owner alone. Raises SourceError."""
    path = course.results(task.name)
    body = {"format": FORMAT, "assignment": task.name, "marks": [asdict(m) for m in marks]}
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(path, json.dumps(body, separators=(",", ":")), mode=0o600)
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
