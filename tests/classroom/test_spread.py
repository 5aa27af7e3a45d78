"""A class's hand-ins spread over workers: the same rows, and no more bytes under way than fit."""

from __future__ import annotations

import json

import pytest

import casnb.cli.class_command.spread as spread
from casnb.classroom.collected import Piece
from casnb.classroom.grade import Task
from casnb.classroom.roster import Student


def handed_in(klass) -> None:
    """Right answers, a neighbour's, a damaged file, nothing, and a file of nobody."""
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001"))
    klass.hand_in("u002/hw1.ipynb", klass.notebook("u002", klass.key("u001")))
    klass.hand_in("u003/hw1.ipynb", b"{")
    klass.hand_in("u999/hw1.ipynb", klass.notebook("u004"))


@pytest.mark.soak
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["csv", "json"])
def test_a_dask_cluster_gives_the_same_rows(klass, cluster, form):
    """Rows, remarks, exit code and report are those of one process; the files are read here and
    sent.
    """
    handed_in(klass)
    folder, address = klass.folder / "in", cluster.scheduler_address
    alone = klass.run("grade", "hw1", folder, "--jobs", 1, *form)
    report = klass.run("report", "hw1", "--json").stdout
    there = klass.run("grade", "hw1", folder, "--scheduler", address, *form)
    assert there.exit_code == alone.exit_code == 3
    assert (there.stdout, there.stderr) == (alone.stdout, alone.stderr)
    assert klass.run("report", "hw1", "--json").stdout == report
    assert json.loads(report)["elsewhere"]


def test_a_cluster_that_does_not_answer_could_not_be_asked(klass, monkeypatch):
    """Exit 3, one sentence, and the last results stay as they are."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("casnb.cli.many.cluster.PATIENCE", 1)
    handed_in(klass)
    assert klass.grade().code == 3
    before = klass.course.results("hw1").read_bytes()
    result = klass.run("grade", "hw1", klass.folder / "in", "--scheduler", "tcp://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "wanted a Dask scheduler that answers" in result.stderr
    assert klass.course.results("hw1").read_bytes() == before
    assert list(klass.course.results("hw1").parent.iterdir()) == [klass.course.results("hw1")]


def test_what_is_sent_along_is_bounded(klass, tmp_path, monkeypatch):
    """A student with many large files gets a remark, and a piece of work holds fewer of them."""
    monkeypatch.setattr(spread, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(spread, "STUDENT_BYTES", 2000)
    path = tmp_path / "x.ipynb"
    path.write_bytes(b" " * 900)
    piece = Piece("x.ipynb", ("x.ipynb",), str(path))
    tasks = [Task(Student(f"u{n}"), "s", klass.task, (piece,) * 3) for n in range(4)]
    chunks = list(spread._chunks(tasks, True))
    assert [len(c) for c in chunks] == [1, 1, 1, 1]
    assert [bool(p.problem) for p in chunks[0][0].pieces] == [False, False, True]
    assert [len(c) for c in spread._chunks(tasks, False)] == [4]
