"""`casnb screencast`: what is missing is named, and --check notices a changed lesson."""

from __future__ import annotations

import json

import nbformat
import pytest

from casnb.film import equipment
from casnb.film.said import Line, write_record

NOW = """\
import datetime, secrets
now = datetime.datetime.now(datetime.timezone.utc)
f"{now:%Y-%m-%d %H:%M:%S}", secrets.token_hex(8)"""
LESSON = [
    ("markdown", "x-title", "# A small lesson\n\nOne and one."),
    ("code", "x-sum", NOW),
    ("markdown", "x-end", "That is all."),
]


@pytest.fixture
def lesson(tmp_path):
    """A notebook of three cells and its overlay."""
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    book = nbformat.v4.new_notebook(cells=[make[kind](text, id=id) for kind, id, text in LESSON])
    path = tmp_path / "lesson.ipynb"
    nbformat.write(book, path)
    (tmp_path / "lesson.yaml").write_text("film: 1\nclock: 2026-10-01\n")
    return path


def test_what_is_missing_is_named_at_once(casnb, lesson, monkeypatch):
    """No browser and no ffmpeg: one error with both, how to get each; nothing is written."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    run = casnb("screencast", lesson, "--overlay", lesson.with_suffix(".yaml"))
    assert run.exit_code == 3
    for word in ("no Chromium and no ffmpeg", "apt-get install chromium", "apt-get install ffmpeg"):
        assert word in run.stderr
    assert sorted(p.name for p in lesson.parent.iterdir()) == ["lesson.ipynb", "lesson.yaml"]


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    """What pip installs is one cure for all of it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"playwright, time-machine: pip install 'casnb\[screen"):
        equipment.find(equipment.PLAYWRIGHT, equipment.TIME_MACHINE)


MISUSED = {
    "no such chapter": (["77"], "got 77"),
    "--check without an overlay": (["lesson.ipynb", "--check"], "got no overlay"),
    "an overlay of another lesson": (["walkthrough", "--overlay", "x.yaml"], "chapter 'x-title'"),
}


@pytest.mark.parametrize("words, said", MISUSED.values(), ids=MISUSED)
def test_wrong_calls_are_exit_2(casnb, lesson, monkeypatch, words, said):
    """Called wrongly, with what would be right."""
    monkeypatch.chdir(lesson.parent)
    (lesson.parent / "x.yaml").write_text("film: 1\ncells:\n  x-title: {pause: 1}\n")
    run = casnb("screencast", *words)
    assert run.exit_code == 2 and said in run.stderr


def test_what_is_no_notebook_is_exit_3(casnb, tmp_path):
    """It could not be read."""
    (tmp_path / "a.ipynb").write_text("{}")
    run = casnb("screencast", tmp_path / "a.ipynb")
    assert run.exit_code == 3 and "a notebook" in run.stderr


@pytest.mark.notebooks
def test_check_notices_a_changed_cell(casnb, lesson):
    """Without a browser: 0 while the lesson says what its film said, 1 with the cell's name and got
    and wanted once it does not. Clock and nonces are those of the film.
    """
    overlay = lesson.with_suffix(".yaml")
    record = lesson.with_suffix(".said.json")
    lines = [
        Line("x-title", says="One and one."),
        Line("x-sum", code=LESSON[1][2], shows="('2026-10-01 00:00:00', 'f2e5eef4f8c4a5a2')"),
        Line("x-end", says="That is all."),
    ]
    record.write_text(write_record(lines))
    run = casnb("screencast", lesson, "--overlay", overlay, "--check")
    shown = run.stdout.partition("got ")[2]
    assert "2026-10-01 00:00:00" in shown or run.exit_code == 0, run.stderr
    # The nonce is whatever the film's seed gives: the same in each run.
    nonce = shown.partition("', '")[2][:16]
    again = casnb("screencast", lesson, "--overlay", overlay, "--check")
    assert again.stdout == run.stdout
    record.write_text(record.read_text().replace("f2e5eef4f8c4a5a2", nonce or "f2e5eef4f8c4a5a2"))
    same = casnb("screencast", lesson, "--overlay", overlay, "--check")
    assert (same.exit_code, same.stdout) == (0, "")
    assert "3 steps say what the last film said" in same.stderr
    book = json.loads(lesson.read_text())
    book["cells"][2]["source"] = "That was all."
    lesson.write_text(json.dumps(book))
    run = casnb("screencast", lesson, "--overlay", overlay, "--check")
    assert run.exit_code == 1
    assert run.stdout == "x-end: caption: got 'That was all.', wanted 'That is all.'.\n"


def test_check_of_the_story(casnb, tmp_path):
    """The walk-through is told again and compared, a chapter each; no file of a film is written."""
    from casnb.cli.walkthrough_story import tell
    from casnb.film.asciicast import Recording
    from casnb.film.still import held
    from casnb.film.terminal_film import lines_of
    from casnb.simulator.world import LESSON_TIME

    recording = Recording("May I trust this CAS with a secret?")
    with held(LESSON_TIME, "check"):
        tell("production", "check", recording=recording)
    overlay = tmp_path / "story.yaml"
    overlay.write_text("film: 1\nseed: check\nscenario: production\n")
    record = tmp_path / "story.said.json"
    record.write_text(write_record(lines_of(recording)))
    words = ("screencast", "walkthrough", "--overlay", overlay, "--out", tmp_path, "--check")
    same = casnb(*words)
    assert (same.exit_code, same.stdout) == (0, "")
    record.write_text(record.read_text().replace("So far these are claims", "These are facts"))
    run = casnb(*words)
    assert run.exit_code == 1 and run.stdout.startswith("2: output: line ")
    assert "These are facts" in run.stdout and len(run.stdout.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["story.said.json", "story.yaml"]
