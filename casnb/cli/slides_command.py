"""`casnb slides`: a lesson as slides, in one page that needs no network."""

from __future__ import annotations

from pathlib import Path

import click

from casnb.cli.base import ACCEPTED, Command, note, write_atomically
from casnb.cli.policy_options import option
from casnb.cli.screencast_command import notebook_of, overlay_of


@click.command(
    cls=Command,
    example="""\
  casnb slides 03                  # slides/03-attest-and-flags.html
  casnb slides mine.ipynb --out lecture
""",
    exits={
        0: "the slides are made",
        2: "called wrongly, or the overlay is wrong",
        3: "reveal.js or another package is missing, or a cell failed",
    },
)
@click.argument("lesson", metavar="NOTEBOOK")
@option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("slides"),
    show_default=True,
    metavar="DIR",
    help="Where the page goes.",
)
@option(
    "--overlay",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What is shown and spoken, by cell.  [default: docs/films/NAME.yaml if it is there]",
)
def slides(lesson: str, out: Path, overlay: Path | None) -> int:
    """How do I show this lesson as slides?

    Runs a notebook and writes one page of slides: prose, code, verdicts, pictures and the saved
    form of each panel, in type for a large room, one cell a slide; what a reader does alone is left
    out. The page fetches nothing. Keys: arrows, S for speaker's notes, Esc for all slides, ? for
    more. To print it, open it with ?print-pdf after its name.
    """
    from casnb.film import equipment
    from casnb.film.overlay import Overlay, read_overlay
    from casnb.film.rehearsal import rehearse
    from casnb.film.slideshow import page, slides_of
    from casnb.film.storyboard import read_storyboard

    source = notebook_of(lesson)
    path = overlay or overlay_of(source.stem, source)
    board = read_storyboard(source, read_overlay(path) if path else Overlay())
    reveal, _ = equipment.find(equipment.REVEAL, equipment.TIME_MACHINE, of="slides")
    made = page(slides_of(board, rehearse(board)), Path(reveal))
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / f"{board.name}.html", made)
    note(f"{out / board.name}.html: {len(board.shown)} cells. Open it in a browser.")
    return ACCEPTED
