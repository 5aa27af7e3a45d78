"""`casnb screencast`: a film of a lesson or of the terminal story, and whether it still says what
the lesson says.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from casnb.base.errors import UsageError
from casnb.cli.base import ACCEPTED, REJECTED, Command, note, write_atomically
from casnb.cli.policy_options import option

if TYPE_CHECKING:
    from casnb.film.asciicast import Recording
    from casnb.film.overlay import Overlay
    from casnb.film.reel import Frame
    from casnb.film.said import Line
    from casnb.film.storyboard import Storyboard

STORY = "walkthrough"
TITLE = "May I trust this CAS with a secret?"


@click.command(
    cls=Command,
    example="""\
  casnb screencast 00              # films/00-start-here.mp4, .vtt, .md, .png
  casnb screencast walkthrough     # also films/walkthrough.cast
  casnb screencast 00 --check      # does the lesson still say so?
  casnb screencast mine.ipynb --overlay mine.yaml --out films
""",
    exits={
        0: "the film is made, or --check found nothing",
        1: "--check: the lesson says something else than the last film",
        2: "called wrongly, or the overlay is wrong",
        3: "Chromium or ffmpeg is missing, or a cell failed",
    },
)
@click.argument("lesson", metavar="NOTEBOOK|walkthrough")
@option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("films"),
    show_default=True,
    metavar="DIR",
    help="Where the film goes.",
)
@option(
    "--overlay",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Clicks, pauses, zoom and words, by cell.  [default: docs/films/NAME.yaml if it is there]",
)
@click.option(
    "--check",
    is_flag=True,
    help="Make no film: run the cells, without a browser, and compare with the last film.",
)
@click.option("--no-video", is_flag=True, help="Pictures, captions and transcript, but no mp4.")
def screencast(lesson: str, out: Path, overlay: Path | None, check: bool, no_video: bool) -> int:
    """How does this lesson look as a film?

    Plays a notebook in JupyterLab and Chromium, or the terminal story, and writes an mp4 with
    captions (WebVTT), a transcript in Markdown and a contact sheet. Prose becomes captions. World,
    clock and nonces are fixed: the same lesson gives the same frames. What the film says is kept
    beside the overlay, for --check.
    """
    from casnb.film.overlay import Overlay, read_overlay

    source = None if lesson == STORY else notebook_of(lesson)
    name = source.stem if source else STORY
    path = overlay or overlay_of(name, source)
    notes = read_overlay(path) if path else Overlay()
    if check and path is None:
        raise UsageError(
            f"--check of {name}",
            got="no overlay",
            wanted="the one beside which the last film kept what it said",
            do="Name it with --overlay.",
        )
    if source is None:
        return _story(notes, out, check, not no_video)
    from casnb.film.storyboard import read_storyboard

    return _lesson(read_storyboard(source, notes), out, check, not no_video)


def notebook_of(lesson: str) -> Path:
    """A file, or a chapter by its number or name."""
    from casnb.cli.copies import chapter, shipped

    if lesson.endswith(".ipynb") or "/" in lesson:
        return Path(lesson)
    return shipped() / chapter(lesson)


def overlay_of(name: str, source: Path | None) -> Path | None:
    """Return the overlay of a film in this checkout, if there is one."""
    import casnb

    folder = Path(casnb.__file__).resolve().parent.parent
    ours = source is None or source.resolve().parent == folder / "notebooks"
    path = folder / "docs" / "films" / f"{name}.yaml"
    return path if ours and path.is_file() else None


def _compare(name: str, lines: Sequence[Line], overlay: Overlay) -> int:
    from casnb.film.said import differences, read_record, record_path

    assert overlay.path
    found = differences(lines, read_record(record_path(overlay.path)))
    for one in found:
        click.echo(one)
    if found:
        note(f"{name}: {len(found)} differences. Look at the film again, then make it again.")
        return REJECTED
    clicks = sum(bool(s.click or s.press) for c in overlay.cells.values() for s in c.then)
    unseen = f" What {clicks} clicks show was not compared: it takes a browser." if clicks else ""
    note(f"{name}: {len(lines)} steps say what the last film said.{unseen}")
    return ACCEPTED


def _keep(lines: Sequence[Line], overlay: Overlay) -> None:
    from casnb.film.said import record_path, write_record

    if overlay.path:
        write_atomically(record_path(overlay.path), write_record(lines))


def _lesson(board: Storyboard, out: Path, check: bool, video: bool) -> int:
    from casnb.film import equipment, said

    if check:
        from casnb.film.rehearsal import rehearse

        equipment.find(equipment.TIME_MACHINE)
        return _compare(board.name, said.lines_of(board, rehearse(board)), board.overlay)
    wanted = [equipment.PLAYWRIGHT, equipment.TIME_MACHINE, equipment.CHROMIUM]
    found = equipment.find(*wanted, *([equipment.FFMPEG] if video else []))
    from casnb.film.camera import blank_page, chromium, film
    from casnb.film.captions import cues, webvtt
    from casnb.film.sheet import contact_sheet
    from casnb.film.studio import studio
    from casnb.film.transcript import transcript

    folder = _frames_folder(out, board.name)
    with (
        tempfile.TemporaryDirectory(prefix="casnb-film-", ignore_cleanup_errors=True) as base,
        studio(Path(base), board.overlay) as server,
        chromium(found[2]) as browser,
    ):
        take = film(board, server, browser, folder, lambda cell: note(f"filmed  {cell}"))
        page = blank_page(browser)
        contact_sheet(page, board.title, take.frames, folder, out / f"{board.name}.png")
    _write(out, board.name, ".md", transcript(board.title, take.frames))
    _write(out, board.name, ".vtt", webvtt(board.title, cues(take.frames)))
    _finish(out, board.name, take.frames, found[3] if video else "")
    _keep(said.lines_of(board, take.outputs), board.overlay)
    return ACCEPTED


def _story(overlay: Overlay, out: Path, check: bool, video: bool) -> int:
    from casnb.cli.walkthrough_story import tell
    from casnb.film import equipment, terminal_film
    from casnb.film.asciicast import Recording
    from casnb.film.captions import webvtt
    from casnb.film.pace import Pace
    from casnb.film.still import held
    from casnb.film.transcript import transcript

    recording = Recording(TITLE, notes=overlay.cells)
    pace = Pace(recording.wait, recording.heard, overlay.words)
    equipment.find(equipment.TIME_MACHINE)
    with held(overlay.clock, overlay.seed):
        told = tell(overlay.scenario or "public", overlay.seed, pace=pace, recording=recording)
    terminal_film.check_notes(overlay, recording)
    if not told.ok:
        note("The story went another way; it says where.")
        return REJECTED
    lines = terminal_film.lines_of(recording)
    if check:
        return _compare(STORY, lines, overlay)
    frames = terminal_film.frames_of(recording)
    _write(out, STORY, ".cast", recording.to_cast())
    _write(out, STORY, ".md", transcript(TITLE, frames, "sh"))
    _write(out, STORY, ".vtt", webvtt(TITLE, terminal_film.cues_of(recording)))
    if video:
        found = equipment.find(equipment.PLAYWRIGHT, equipment.CHROMIUM, equipment.FFMPEG)
        _film_story(recording, frames, out, found[1])
        _finish(out, STORY, frames, found[2])
    _keep(lines, overlay)
    return ACCEPTED


def _film_story(recording: Recording, frames: list[Frame], out: Path, browser: str) -> None:
    from casnb.film.camera import blank_page, chromium
    from casnb.film.sheet import contact_sheet
    from casnb.film.terminal_film import picture_all

    folder = _frames_folder(out, STORY)
    with chromium(browser) as started:
        picture_all(blank_page(started), recording, frames, folder)
        contact_sheet(blank_page(started), TITLE, frames, folder, out / f"{STORY}.png")


def _frames_folder(out: Path, name: str) -> Path:
    """Return the folder of a film's pictures, without those of the last film."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9][0-9][0-9].png"):
        old.unlink()
    return folder


def _write(out: Path, name: str, suffix: str, text: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / f"{name}{suffix}", text)


def _finish(out: Path, name: str, frames: Sequence[Frame], ffmpeg: str) -> None:
    """Write the list of frames and, with ffmpeg, the film; say what was made."""
    from casnb.film.encode import encode
    from casnb.film.reel import clock, length

    folder = out / name
    rows = [
        {
            "file": f.file,
            "seconds": f.seconds,
            "cell": f.cell,
            "what": f.what,
            "sha256": hashlib.sha256((folder / f.file).read_bytes()).hexdigest(),
        }
        for f in frames
    ]
    write_atomically(folder / "frames.json", json.dumps(rows, indent=1) + "\n")
    if ffmpeg:
        encode(ffmpeg, frames, folder, out / f"{name}.vtt", out / f"{name}.mp4")
    note(f"{out / name}: {len(frames)} frames, {clock(length(frames))} minutes.")
