"""How long a chapter takes."""

from __future__ import annotations

from nbformat import NotebookNode


def minutes(book: NotebookNode) -> int:
    """Return how long a chapter takes, in steps of five: 200 words or six lines of code a minute,
    20 seconds for an output, three minutes for an exercise, one for a decision or a prediction.

    A section whose heading begins with `Optional` does not count. An estimate, not a trial with
    readers.
    """
    spent, optional = 0.0, False
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            optional = cell.source.startswith("## Optional")
        if optional:
            continue
        if cell.cell_type == "markdown":
            spent += len(cell.source.split()) / 200
        elif "check" in tags:
            spent += 3
        elif "= ..." in cell.source or "lab.decide()" in cell.source:
            spent += 0 if "answer" in tags else 1
        elif "setup" not in tags:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            spent += len(lines) / 6 + 1 / 3
    return max(5, 5 * round(spent / 5))
