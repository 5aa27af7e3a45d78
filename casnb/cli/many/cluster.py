"""Many files judged on a Dask cluster: the same work as in processes of this machine, with the
files' content sent along.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from casnb import __version__
from casnb.base.errors import CasnbError, SourceError, UsageError
from casnb.cli.many.batch import Item, Row, Work

#: Seconds to wait for a scheduler that does not answer.
PATIENCE = 10


class Cluster:
    """The workers behind a Dask scheduler, as `batch.run` takes them. Their verdicts are worth
    what the cluster is worth.

    `address` is a scheduler's, such as `tcp://host:8786` or, with Dask's own configuration for
    it, `tls://host:8786`. Raises UsageError where Dask is not installed, SourceError where the
    cluster does not answer, has no worker, or has another casnb.
    """

    sends_content = True

    def __init__(self, work: Work, address: str) -> None:
        distributed = _distributed()
        self.work = work
        self.broken: tuple[type[BaseException], ...] = (distributed.KilledWorker,)
        try:
            self._client = distributed.Client(
                address, timeout=PATIENCE, set_as_default=False, heartbeat_interval="5s"
            )
        except (OSError, ValueError, TypeError) as exc:
            raise SourceError(
                f"scheduler {address}",
                got=str(exc) or type(exc).__name__,
                wanted="a Dask scheduler that answers",
            ) from None
        try:
            self.size = self._checked(address)
        except BaseException:
            self.close()
            raise

    def _checked(self, address: str) -> int:
        """Return how many tasks run at once; refuse a cluster without workers, or with another
        casnb than ours.
        """
        threads = self._client.nthreads()
        if not threads:
            raise SourceError(
                f"scheduler {address}",
                got="no worker",
                wanted="at least one",
                do="Start one: dask worker ADDRESS",
            )
        try:
            versions = set(self._client.run(version, on_error="raise").values())
        except Exception as exc:  # whatever a worker raises where it lacks casnb
            raise SourceError(
                f"scheduler {address}",
                got=f"a worker that fails ({type(exc).__name__}: {exc})",
                wanted=f"workers with casnb {__version__}",
            ) from None
        if versions != {__version__}:
            raise SourceError(
                f"scheduler {address}",
                got="workers with casnb " + ", ".join(sorted(map(str, versions))),
                wanted=f"casnb {__version__} everywhere",
            )
        return sum(threads.values())

    def submit(self, items: Sequence[Item]) -> _Task:
        """Have a task done by whichever worker is free."""
        return _Task(self._client.submit(self.work, list(items), pure=False))

    def close(self) -> None:
        """Give up what is under way and leave the cluster as it was."""
        self._client.close(timeout=PATIENCE)


class _Task:
    """A task on the cluster; a cluster that fails is told apart from evidence that does."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def result(self) -> list[Row]:
        """Return the rows and forget them on the cluster; raise SourceError where the cluster
        failed.
        """
        from distributed import KilledWorker

        try:
            rows: list[Row] = self._future.result()
        except (KilledWorker, CasnbError):
            raise
        except Exception as exc:
            raise SourceError(
                "cluster",
                got=f"{type(exc).__name__}: {exc}",
                wanted="a cluster that goes on",
                do="What was printed before holds.",
            ) from None
        finally:
            self._future.release()
        return rows


def version() -> str:
    """Return the version of casnb where this runs."""
    return __version__


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "--scheduler",
            got="no Dask here",
            wanted="the extra `cluster`",
            do="Install it: pip install 'casnb[cluster]'",
        ) from None
    module: ModuleType = distributed
    return module
