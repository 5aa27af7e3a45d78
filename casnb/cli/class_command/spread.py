"""A class's hand-ins judged by all cores, or by a Dask cluster: the same marks either way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from casnb.base.errors import CasnbError, EvidenceError
from casnb.classroom.collected import Piece, content
from casnb.classroom.grade import FILES, Graded, Mark, Task, grade_all
from casnb.classroom.hand_in import LIMIT
from casnb.cli.many.tasks import Workers, in_order

#: Students in one piece of work, pieces under way for each worker, and how few students are not
#: worth a second process.
CHUNK, AHEAD, FEW = 8, 3, 24
#: Bytes in one piece of work where they are sent along, and of one student.
CHUNK_BYTES, STUDENT_BYTES = 4 << 20, 2 * LIMIT


def spread(tasks: Sequence[Task], jobs: int, scheduler: str = "") -> Iterator[Graded]:
    """Yield what was found for each student, in order. A hand-in that ends the process which reads
    it is one row, and the others are judged.
    """
    if not scheduler and (jobs == 1 or len(tasks) <= FEW):
        for task in tasks:
            yield from grade_all([task])
        return
    workers = _workers(jobs, scheduler)
    chunks = _chunks(tasks, workers.sends_content)
    yield from in_order(
        chunks, workers, AHEAD, lambda chunk: [g for task in chunk for g in _alone(task, workers)]
    )


def _workers(jobs: int, scheduler: str) -> Workers:
    if scheduler:
        from casnb.cli.many.cluster import Cluster

        return Cluster(grade_all, scheduler)  # type: ignore[arg-type]
    from casnb.cli.many.pool import Pool

    return Pool(grade_all, jobs)  # type: ignore[arg-type]


def _chunks(tasks: Sequence[Task], with_content: bool) -> Iterator[list[Task]]:
    """Yield students; with their files' bytes where the workers see no files of ours, and then
    fewer at once where these are many.
    """
    chunk: list[Task] = []
    size = 0
    for task in tasks:
        chunk.append(_loaded(task) if with_content else task)
        size += sum(len(p.data or b"") for p in chunk[-1].pieces)
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _loaded(task: Task) -> Task:
    pieces: list[Piece] = []
    left = STUDENT_BYTES
    for piece in task.pieces[:FILES]:
        try:
            data = content(piece)
            left -= len(data)
            if left < 0:
                raise EvidenceError(
                    piece.label,
                    got=f"more than {STUDENT_BYTES} bytes of one student",
                    wanted="a hand-in",
                )
            pieces.append(replace(piece, data=data))
        except CasnbError as exc:
            pieces.append(replace(piece, problem=exc.got or str(exc)))
    return replace(task, pieces=(*pieces, *task.pieces[FILES:]))


def _alone(task: Task, workers: Workers) -> list[Graded]:
    try:
        found: list[Graded] = workers.submit([task]).result()
    except workers.broken:
        note = "not judged: the process that read it died"
        return [Graded(Mark(task.student.id, False, task.assignment.of, notes=(note,)))]
    return found
