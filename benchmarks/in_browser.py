"""A real JupyterLab with a real kernel and Chromium, for what is timed in the page itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def opened(what: str, cells: Sequence[str]) -> Iterator[Any]:
    """Open a notebook of these cells, run it, and yield the page; None, and a line on standard
    error, where there is none.
    """
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    try:
        import conftest  # type: ignore[import-not-found]
        import nbformat
        from playwright.sync_api import sync_playwright
    except ImportError as exc:
        print(f"{what}: not measured, {exc}", file=sys.stderr)
        yield None
        return
    browser_path = next(
        (p for n in ("chromium", "chromium-browser") if (p := shutil.which(n))), None
    )
    if browser_path is None:
        print(f"{what}: not measured, no chromium", file=sys.stderr)
        yield None
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        conftest.serving(Path(folder)) as lab,
        sync_playwright() as play,
    ):
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(c) for c in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(book, lab.folder / "bench.ipynb")
        browser = play.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        desk = conftest.Desk(browser, lab)
        desk.context.set_default_timeout(60_000)
        notebook = conftest.Notebook(desk, "bench.ipynb")
        notebook.run_all()
        yield notebook.page
        desk.close()
        browser.close()
