"""Tasks handed out to workers, and their results in the order of the tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Somewhere to have tasks done: how many at once, and which exceptions mean that a worker
    died of a task. `sends_content`: the workers see no files of ours.
    """

    size: int
    broken: tuple[type[BaseException], ...]
    sends_content: bool

    def submit(self, items: Sequence[Any]) -> Any: ...

    def close(self) -> None: ...


def in_order(
    tasks: Iterable[Sequence[T]],
    workers: Workers,
    ahead: int,
    again: Callable[[Sequence[T]], Iterable[R]],
) -> Iterator[R]:
    """Yield what comes of each task, in order; `again` does one whose worker died.

    At most `ahead` tasks a worker are under way, so that memory does not grow with their number.
    Closes the workers.
    """
    waiting: deque[tuple[Sequence[T], Any]] = deque()

    def oldest() -> Iterator[R]:
        task, future = waiting.popleft()
        try:
            found: Iterable[R] = future.result()
        except workers.broken:
            found = again(task)
        yield from found

    try:
        for task in tasks:
            waiting.append((task, workers.submit(task)))
            if len(waiting) >= ahead * workers.size:
                yield from oldest()
        while waiting:
            yield from oldest()
    finally:
        workers.close()
