"""The notebooks as pages: run without answers, each panel in its saved form, each cell with its
anchor.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from sitebuild import glossary
from sitebuild.addresses import linked

ROOT = Path(__file__).resolve().parents[3]
_GUIDE = re.compile(r"`docs/([a-z-]+)\.md`")
_LESSON_LINK = re.compile(r'href="(\d\d-[a-z-]+)\.ipynb(?:#[^"]*)?"')
BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SLUGS = [p.stem for p in BOOKS]
#: The notebook of each cell, by the cell's id: a chapter may have more than one.
BOOK_OF = {c.id: p.stem for p in BOOKS for c in nbformat.read(p, 4).cells}
#: What a reader's own environment may not bring into a page, and what is given instead.
_OWN = ("CAS_", "CASNB_", "SCONE_", "JUPYTER_", "XDG_")
_FOLDERS = (
    "HOME",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)
_WIDGET = "application/vnd.jupyter.widget-view+json"


def run_all(kept: Path, again: bool = True, workers: int = 2) -> dict[str, NotebookNode]:
    """Run every notebook in a world and an environment of its own; raise what a cell raises.

    What ran is kept in a folder, and taken from there while neither the notebook nor anything of
    the package has changed; unless `again`, also where they have.
    """
    kept.mkdir(parents=True, exist_ok=True)
    package = hashlib.sha256()
    for path in sorted((ROOT / "casnb").rglob("*")):
        if path.suffix in (".py", ".css", ".js"):
            package.update(path.read_bytes())

    def one(path: Path) -> NotebookNode:
        state = package.copy()
        state.update(path.read_bytes())
        done = kept / f"{path.stem}-{state.hexdigest()[:16]}.ipynb"
        if not again and (old := next(kept.glob(f"{path.stem}-*.ipynb"), None)):
            return nbformat.read(old, 4)
        if not done.exists():
            book = _run(path)
            for old in kept.glob(f"{path.stem}-*.ipynb"):
                old.unlink()
            nbformat.write(book, done)
        return nbformat.read(done, 4)

    with ThreadPoolExecutor(workers) as pool:
        # The longest first, so that none of them runs alone at the end.
        longest = sorted(BOOKS, key=lambda path: path.stat().st_size, reverse=True)
        ran = {path.stem: pool.submit(one, path) for path in longest}
        return {slug: ran[slug].result() for slug in SLUGS}


def _run(path: Path) -> NotebookNode:
    book = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
        for variable in _FOLDERS:
            env[variable] = str(folder / variable.lower())
            Path(env[variable]).mkdir()
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
        (folder / "cwd").mkdir()
        NotebookClient(
            book,
            timeout=180,
            startup_timeout=120,
            iopub_timeout=60,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(folder / "cwd")}},
        ).execute(env=env)
    return book


def lesson(book: NotebookNode, slug: str) -> NotebookNode:
    """Return a notebook that ran, as a page: an anchor for each cell, no live widget, and a line
    that says how to play it.
    """
    cells: list[NotebookNode] = []
    for cell in book.cells:
        mark = f'<span id="{cell.id}"></span>'
        if cell.cell_type == "markdown":
            cell.source = _GUIDE.sub(r"[\g<0>](../reference/\1.md)", cell.source)
            first, _, rest = cell.source.partition("\n")
            heading = re.match(r"#{1,4} ", first)
            cell.source = f"{first}\n\n{mark}\n{rest}" if heading else f"{mark}\n\n{cell.source}"
        elif cell.cell_type == "code":
            if cells and cells[-1].cell_type == "markdown":
                cells[-1].source += f"\n\n{mark}"
            else:
                cells.append(nbformat.v4.new_markdown_cell(mark))
            if "setup" in cell.metadata.get("tags", []):
                cell.metadata["tags"] = ["setup", "hide-input"]
            for output in cell.outputs:
                data = output.get("data", {})
                if "text/html" in data:
                    data.pop(_WIDGET, None)
                    # A page's own headings stand above an output's: no level is left out.
                    shown = data["text/html"].replace("<h4", '<h4 aria-level="3"')
                    # JupyterLab finds a heading by its words, a page of the site by its name.
                    shown = _LESSON_LINK.sub(r'href="\1.html"', shown)
                    data["text/html"] = linked(shown)
        cells.append(cell)
    play = nbformat.v4.new_markdown_cell(
        f"*This page was run and saved, without answers. To play it yourself:* "
        f"`casnb lab --only {slug[:2]}`"
    )
    prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    words = nbformat.v4.new_markdown_cell(glossary.footer(glossary.used(prose)))
    book.cells = [cells[0], play, *cells[1:], words]
    book.metadata.pop("widgets", None)
    return book


def title(book: NotebookNode) -> str:
    """Return the heading of a notebook."""
    return str(book.cells[0].source.partition("\n")[0].lstrip("# "))


def question(book: NotebookNode) -> str:
    """Return the question that a notebook answers: the bold line of its first cell."""
    found = re.search(r"^\*\*(.+)\*\*$", book.cells[0].source, re.MULTILINE)
    return found[1] if found else ""
