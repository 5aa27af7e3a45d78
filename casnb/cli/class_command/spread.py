"""A class's hand-ins judged by all cores, or by a Dask cluster: the same marks either way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from casnb.base.errors import CasnbError
from casnb.classroom.collected import content
from casnb.classroom.grade import Graded, Mark, Task, grade_all

#: Students in one piece of work, pieces under way for each worker, and how few students are not
#: worth a second process.
CHUNK, AHEAD, FEW = 8, 3, 24


def spread(tasks: Sequence[Task], jobs: int, scheduler: str = "") -> Iterator[Graded]:
    """Yield what was found for each student, in order. A hand-in that ends the process which reads
    it is one row, and the others are judged.
    """
    if not scheduler and (jobs == 1 or len(tasks) <= FEW):
        for task in tasks:
            yield from grade_all([task])
        return
    workers = _workers(jobs, scheduler)
    waiting: deque[tuple[Sequence[Task], Any]] = deque()
    try:
        for start in range(0, len(tasks), CHUNK):
            chunk = tasks[start : start + CHUNK]
            if workers.sends_content:
                chunk = [_loaded(t) for t in chunk]
            waiting.append((chunk, workers.submit(chunk)))
            if len(waiting) >= AHEAD * workers.size:
                yield from _oldest(waiting, workers)
        while waiting:
            yield from _oldest(waiting, workers)
    finally:
        workers.close()


def _workers(jobs: int, scheduler: str) -> Any:
    if scheduler:
        from casnb.cli.many.cluster import Cluster

        return Cluster(grade_all, scheduler)  # type: ignore[arg-type]
    from casnb.cli.many.pool import Pool

    return Pool(grade_all, jobs)  # type: ignore[arg-type]


def _loaded(task: Task) -> Task:
    """A task with its bytes, for workers that see no files of ours."""
    pieces = []
    for piece in task.pieces:
        try:
            pieces.append(replace(piece, data=content(piece)))
        except CasnbError as exc:
            pieces.append(replace(piece, problem=exc.got or str(exc)))
    return replace(task, pieces=tuple(pieces))


def _oldest(waiting: deque[tuple[Sequence[Task], Any]], workers: Any) -> Iterator[Graded]:
    chunk, future = waiting.popleft()
    try:
        found = future.result()
    except workers.broken:
        found = [g for task in chunk for g in _alone(task, workers)]
    yield from found


def _alone(task: Task, workers: Any) -> list[Graded]:
    try:
        found: list[Graded] = workers.submit([task]).result()
    except workers.broken:
        note = "not judged: the process that read it died"
        return [Graded(Mark(task.student.id, False, task.assignment.of, notes=(note,)))]
    return found
