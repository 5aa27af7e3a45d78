"""A film without a camera: the cells of a storyboard run headless, to see what they say."""

from __future__ import annotations

import subprocess
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat

from casnb.base.errors import SourceError, neutral
from casnb.film.storyboard import Storyboard
from casnb.film.studio import private


def rehearse(board: Storyboard) -> dict[str, list[dict[str, Any]]]:
    """Return the outputs of each cell that runs, in the world, and at the time, of the film. Raises
    SourceError where a cell raises or the kernel does not answer.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    book = nbformat.v4.new_notebook(metadata=board.book.metadata)  # type: ignore[no-untyped-call]
    book.cells = [
        nbformat.v4.new_code_cell(shot.source, id=shot.cell)  # type: ignore[no-untyped-call]
        for shot in board.shots
        if shot.runs
    ]
    said: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "notebooks").mkdir()
        client = NotebookClient(
            book,
            timeout=300,
            startup_timeout=180,
            iopub_timeout=60,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder / "notebooks")}},
        )
        # At once: a panel's saved form changes again with what later cells do to it.
        client.on_cell_executed = lambda cell, **_: said.update({cell.id: deepcopy(cell.outputs)})
        try:
            client.execute(env=private(folder, board.overlay), stderr=subprocess.DEVNULL)
        except CellExecutionError as exc:
            raise _failed(board, f"{exc.ename}: {exc.evalue}") from None
        except (CellTimeoutError, DeadKernelError, RuntimeError) as exc:
            raise _failed(board, str(exc).split("\n")[0]) from None
    return said


def _failed(board: Storyboard, got: str) -> SourceError:
    return SourceError(
        board.name,
        got=neutral(got, 300),
        wanted="cells that run",
        do="Run the notebook and mend it first.",
    )
