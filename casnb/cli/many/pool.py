"""Many files judged by processes of this machine, each with a pipe of its own: one that dies
takes nobody else along.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock
from typing import Any

from casnb.cli.many.batch import Item, Row, Work


class WorkerDied(Exception):
    """A process ended in the middle of a task."""


class Pool:
    """Processes as `batch.run` takes them. They ignore Ctrl-C, which is for this process, and
    end with it.

    The pools of the standard library share one pipe for all results: a process killed while it
    writes there leaves the others waiting for ever. Here every process has its own, so the end
    of a process is the end of its pipe.
    """

    broken: tuple[type[BaseException], ...] = (WorkerDied,)
    sends_content = False

    def __init__(self, work: Work, jobs: int) -> None:
        self.size = jobs
        self._work = work
        # Never plain fork: this process has threads, and a lock that one of them holds would stay
        # held in the child for ever. A fork server has none, and loads casnb once for all workers,
        # which spawn does for each.
        self._context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        )
        self._context.set_forkserver_preload(["casnb.cli.many.pool"])
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all: set[_Worker] = set()
        self._lock, self._closed = Lock(), False
        for _ in range(jobs):
            self._hire()
        self._threads = ThreadPoolExecutor(jobs, "casnb-pool")

    def submit(self, items: Sequence[Item]) -> Future[list[Row]]:
        """Have a task done by the next process that is free."""
        return self._threads.submit(self._ask, items)

    def close(self) -> None:
        """Drop what is not begun, end what is."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.process.terminate()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.bury()

    def _hire(self) -> None:
        with self._lock:
            if not self._closed:
                worker = _Worker(self._context, self._work)
                self._all.add(worker)
                self._idle.put(worker)

    def _ask(self, items: Sequence[Item]) -> list[Row]:
        worker = self._idle.get()
        try:
            worker.pipe.send(items)
            rows: list[Row] = worker.pipe.recv()
        except (EOFError, OSError):
            with self._lock:
                self._all.discard(worker)
            worker.bury()
            self._hire()
            raise WorkerDied from None
        self._idle.put(worker)
        return rows


class _Worker:
    """A process and our end of its pipe."""

    def __init__(self, context: Any, work: Work) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(work, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def bury(self) -> None:
        """Wait for the process, which has ended or was told to, and close our end."""
        self.process.terminate()
        self.process.join()
        self.pipe.close()


def _serve(work: Work, pipe: Connection[Any, Any]) -> None:
    """Do tasks until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            pipe.send(work(pipe.recv()))
    except (EOFError, OSError):
        return
