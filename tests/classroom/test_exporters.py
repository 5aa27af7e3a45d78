"""Assignments for other grading systems: what is written, what those systems make of it, and marks
from what they collected.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml

from casnb.classroom.exporters import EXPORTERS, Exporter, File
from casnb.teach.course import exercises


@pytest.fixture
def released(klass, request):
    """An assignment written for a system: its folder, and what the command said."""
    out = klass.folder / request.param
    result = klass.run("release", "hw1", "--format", request.param, "--out", out)
    assert result.exit_code == 0, result.output
    return SimpleNamespace(folder=out, said=result.stderr, system=EXPORTERS[request.param])


@pytest.mark.parametrize("released", EXPORTERS, indirect=True)
def test_every_system_gets_one_notebook_and_the_teacher_the_tickets(released, klass):
    """The notebook is valid and holds no ticket; the tickets are private and not beside it; and the
    command says whom that system's own marks trust.
    """
    (path,) = released.folder.rglob("*.ipynb")
    nbformat.validate(nbformat.read(path, as_version=4))
    tickets = released.folder / "tickets.csv"
    rows = list(csv.DictReader(tickets.open(newline="")))
    assert [r["student"] for r in rows] == [s.id for s in klass.course.roster]
    assert path.parent != tickets.parent
    if os.name == "posix":
        assert tickets.stat().st_mode & 0o077 == 0
    for file in released.folder.rglob("*"):
        if file.is_file() and file != tickets:
            assert not any(r["ticket"] in file.read_text("utf-8") for r in rows)
            assert "course.key" not in file.read_text("utf-8")
    assert released.system.trusts in released.said and "casnb class grade hw1 " in released.said
    assert "solution" not in path.read_text("utf-8").replace('"solution": false', "")


def test_a_system_of_ones_own_is_offered_by_the_command(klass, monkeypatch):
    """One row more in the table, and `--format` writes it."""
    row = Exporter(
        "paper",
        "Paper",
        "print {name}",
        "desk/",
        "Trusts ink.",
        lambda c, t: [File("a.txt", t.name)],
    )
    monkeypatch.setitem(EXPORTERS, "paper", row)
    assert row.write(klass.course, klass.task, klass.folder / "p")[0].read_text() == "hw1"


@pytest.mark.parametrize("released", ["nbgrader"], indirect=True)
def test_nbgrader_gets_a_locked_check_for_each_exercise(released, klass):
    """With its points; the answers stay the student's to edit; a config of the teacher's own is
    left alone.
    """
    book = nbformat.read(released.folder / "source" / "hw1" / "hw1.ipynb", as_version=4)
    marked = {c.id: c.metadata.nbgrader for c in book.cells if "nbgrader" in c.metadata}
    assert list(marked) == [id.replace(".", "-") + "-check" for id in klass.task.exercises]
    assert all(m.grade and m.locked and not m.solution and m.points == 1 for m in marked.values())
    config = released.folder / "nbgrader_config.py"
    ast.parse(config.read_text())
    config.write_text("# mine")
    klass.run("release", "hw1", "--format", "nbgrader", "--out", released.folder)
    assert config.read_text() == "# mine"


@pytest.mark.parametrize("released", ["otter"], indirect=True)
def test_otter_gets_a_test_for_each_exercise(released, klass):
    """As a module in its exception form, with the exercise's points and variable."""
    found = {}
    for path in (released.folder / "hw1" / "tests").glob("*.py"):
        tree = ast.parse(path.read_text())
        values = {
            n.targets[0].id: ast.literal_eval(n.value)
            for n in tree.body
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        }
        assert values["OK_FORMAT"] is False and values["points"] == 1
        assert repr(exercises.exercise(values["name"]).name)[1:-1] in path.read_text()
        found[values["name"]] = path
    assert set(found) == set(klass.task.exercises)


@pytest.mark.parametrize("released", ["github"], indirect=True)
def test_github_gets_a_workflow_that_a_classroom_reads(released, klass):
    """Job, graders and reporter as GitHub Classroom wants them, the same commands and points in
    both files, and no tickets in what is pushed.
    """
    starter = released.folder / "hw1-starter"
    body = yaml.safe_load((starter / ".github/workflows/classroom.yml").read_text())
    steps = body["jobs"]["run-autograding-tests"]["steps"]
    graders = [s for s in steps if "autograding-command-grader" in s.get("uses", "")]
    assert [s["name"] for s in graders] == list(klass.task.exercises)
    assert all(re.fullmatch(r"[A-Za-z_][\w-]*", s["id"]) for s in graders)
    reporter = steps[-1]
    assert reporter["with"]["runners"].split(",") == [s["id"] for s in graders]
    assert set(reporter["env"]) == {s["id"].upper() + "_RESULTS" for s in graders}
    tests = json.loads((starter / ".github/classroom/autograding.json").read_text())["tests"]
    assert [(t["run"], t["points"]) for t in tests] == [
        (s["with"]["command"], s["with"]["max-score"]) for s in graders
    ]
    assert "tickets.csv" in (starter / ".gitignore").read_text().split()


def pasted(klass, student: str, answers=None):
    """The notebook for all, with a student's ticket pasted into its first cell, and answers."""
    book = klass.notebook(student, answers)
    ticket = book["metadata"]["casnb"].pop("ticket")
    cell = next(c for c in book["cells"] if c["id"] == "ticket")
    cell["source"] = (
        f'import os\n\nif ticket := "{ticket}":\n    os.environ["CASNB_TICKET"] = ticket'
    )
    return book


def zipped(*entries) -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data if isinstance(data, str) else json.dumps(data))
    return out.getvalue()


def test_what_nbgrader_collected(klass):
    """A folder for each student, one in it for each assignment: the others are left alone."""
    klass.run("assignment", "hw2", "--chapters", "01")
    klass.hand_in("u001/hw1/hw1.ipynb", pasted(klass, "u001"))
    klass.hand_in("u001/hw1/timestamp.txt", b"2026-11-30 22:55:08 UTC")
    klass.hand_in("u001/hw2/hw2.ipynb", pasted(klass, "u001", {"01.tls": "z"}))
    found = klass.grade()
    assert found.code == 0 and found.rows["u001"]["points"] == "14"
    assert found.rows["u001"]["notes"] == ""


def test_what_otter_collected(klass):
    """Notebooks, and zip files as `grader.export()` names them: theirs by the pasted ticket."""
    log = (".OTTER_LOG", "x")
    klass.hand_in("u001.ipynb", pasted(klass, "u001"))
    name = "hw1_2026_11_30T22_40_00_123456.zip"
    klass.hand_in(
        name, zipped(("hw1.ipynb", pasted(klass, "u002")), log, ("__zip_filename__", name))
    )
    found = klass.grade()
    assert found.code == 0, found.text
    assert [found.rows[s]["points"] for s in ("u001", "u002")] == ["14", "14"]
    assert "by its ticket alone" in found.rows["u002"]["notes"]


def clone(klass, name: str, **files) -> None:
    for path, book in files.items():
        klass.hand_in(f"hw1-submissions/{name}/{path.replace('__', '/')}.ipynb", book)
    git = klass.folder / "in" / "hw1-submissions" / name / ".git"
    git.mkdir(parents=True, exist_ok=True)
    (git / "config").write_text("[core]")
    klass.hand_in(f"hw1-submissions/{name}/.github/classroom/autograding.json", b'{"tests": []}')


def test_what_a_github_classroom_collected(klass):
    """A clone is whose its folder's name says, by account or id; what lies in it is the student's
    own, so a folder with a neighbour's name is not the neighbour's.
    """
    roster = klass.dir / "roster.csv"
    roster.write_text(
        "identifier,github_username,github_id,name\n"
        "u001,ada-l,1,Ada L\nu002,,,Bob M\nu003,Cy,3,Cy N\n"
    )
    clone(klass, "hw1-ada-l", hw1=pasted(klass, "u001"))
    clone(klass, "hw1-u002", notes__hw1=pasted(klass, "u002"))
    clone(klass, "hw1-mallory", u003__hw1=pasted(klass, "u003", {"01.tls": "z"}))
    found = klass.grade()
    assert found.code == 3
    assert [found.rows[s]["points"] for s in ("u001", "u002", "u003")] == ["14", "14", "0"]
    assert found.rows["u003"]["notes"] == "nothing handed in"
    assert "unknown student" in found.rows["hw1-submissions"]["notes"]
    alone = klass.grade(klass.folder / "in" / "hw1-submissions" / "hw1-ada-l")
    assert alone.rows["u001"]["points"] == "14"


#: What is in a notebook that is checked: (student's answers or None for right ones, words of the
#: command, exit code, what is said).
CHECKED = {
    "all right": (None, (), 0, "14 of 14 right"),
    "one is wrong": ({"01.tls": "z"}, (), 1, "0 of 14 right"),
    "one exercise of them": (None, ("--only", "01.tls"), 0, "1 of 1 right"),
    "one that is open": ({}, ("--only", "01.tls"), 1, "run the check cells"),
    "one that is not part of it": (None, ("--only", "02.parse"), 2, "wanted one of"),
}


@pytest.mark.parametrize("case", CHECKED)
def test_students_see_what_they_hand_in(klass, case):
    """Judged as data in the ticket's world; said to be for them alone; nothing is recorded."""
    from click.testing import CliRunner

    from casnb.cli.main import casnb

    answers, words, code, says = CHECKED[case]
    path = klass.hand_in("hw1.ipynb", pasted(klass, "u002", answers))
    result = CliRunner().invoke(casnb, ["class", "check", str(path), *words])
    assert (result.exit_code, says in result.output) == (code, True), result.output
    if code < 2:
        assert "marks come from your teacher" in result.stderr


def test_without_a_ticket_a_hand_in_cannot_be_checked(klass, monkeypatch):
    """Called wrongly, with what to do; a ticket in the environment will do."""
    from click.testing import CliRunner

    from casnb.cli.main import casnb

    book = klass.notebook("u002")
    ticket = book["metadata"]["casnb"].pop("ticket")
    book["cells"] = [c for c in book["cells"] if c["id"] != "ticket"]
    path = klass.hand_in("hw1.ipynb", book)
    monkeypatch.delenv("CASNB_TICKET", raising=False)
    found = CliRunner().invoke(casnb, ["class", "check", str(path)])
    assert found.exit_code == 2 and "CASNB_TICKET" in found.stderr
    found = CliRunner().invoke(casnb, ["class", "check", str(path)], env={"CASNB_TICKET": ticket})
    assert found.exit_code == 0


FILL = """
import json, re, sys
path, key, ticket, cheat = sys.argv[1:]
book, key = json.load(open(path)), json.loads(key)
for cell in book["cells"]:
    source = "".join(cell["source"])
    if 'ticket := ""' in source:
        source = source.replace('""', repr(ticket))
    if source.rstrip().endswith("= ...") and cell["cell_type"] == "code":
        id = cell["id"].removesuffix("-answer").replace("-", ".", 1)
        value = key[id] if not cheat else "x"
        value = set(value["set"]) if isinstance(value, dict) and set(value) == {"set"} else value
        source = source.replace("...", repr(value))
    if cheat and source.startswith("from casnb.teach import start"):
        source += "\\nfrom casnb.teach.course.feedback import Feedback"
        source += "\\nFeedback.right = property(lambda self: True)"
    cell["source"] = source
json.dump(book, open(path, "w"))
"""


def answered(klass, source: Path, target: Path, student: str, cheat: bool) -> None:
    """A student's copy: ticket pasted, and right answers, or wrong ones and a line that cheats."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    key = klass.run("show", "hw1", "--student", student, "--json").stdout
    ticket = next(
        r["ticket"]
        for r in csv.DictReader((klass.folder / "out" / "tickets.csv").open(newline=""))
        if r["student"] == student
    )
    words = [sys.executable, "-c", FILL, str(target), key, ticket, "cheat" if cheat else ""]
    subprocess.run(words, check=True)


def ran(words: list[str], folder: Path, home: Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CAS_", "CASNB_", "SCONE_"))}
    env |= {"HOME": str(home), "CASNB_PROGRESS": str(home / "progress.json")}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    run = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def executed(path: Path, home: Path) -> None:
    """The notebook as a student saves it, run once, errors or not."""
    words = ["--to", "notebook", "--execute", "--allow-errors", "--inplace", str(path)]
    ran([sys.executable, "-m", "nbconvert", *words], path.parent, home)


def small(klass, system: str) -> Path:
    """An assignment of two scenarios, released for a system."""
    made = klass.run("assignment", "hw1", "--exercises", "01.tls,07.floor")
    assert made.exit_code == 0, made.output
    result = klass.run("release", "hw1", "--format", system, "--out", klass.folder / "out")
    assert result.exit_code == 0, result.output
    return klass.folder / "out"


@pytest.mark.notebooks
@pytest.mark.soak
@pytest.mark.skipif(not importlib.util.find_spec("nbgrader"), reason="nbgrader (extra course)")
def test_nbgrader_really_grades_it_and_believes_a_cheat(klass, tmp_path):
    """Full marks for right answers, and for one line; `casnb class grade` over the same folder
    gives the cheat nothing.
    """
    out = small(klass, "nbgrader")
    nbgrader = [sys.executable, "-m", "nbgrader"]
    ran([*nbgrader, "generate_assignment", "hw1", "--create"], out, tmp_path)
    released = out / "release" / "hw1" / "hw1.ipynb"
    for student, cheat in (("u001", False), ("u002", True)):
        target = out / "submitted" / student / "hw1" / "hw1.ipynb"
        answered(klass, released, target, student, cheat)
        executed(target, tmp_path)
    ran([*nbgrader, "autograde", "hw1", "--create"], out, tmp_path)
    ran([*nbgrader, "export", "--to", "grades.csv"], out, tmp_path)
    rows = {r["student_id"]: r for r in csv.DictReader((out / "grades.csv").open(newline=""))}
    assert float(rows["u001"]["score"]) == float(rows["u001"]["max_score"]) == 2
    assert float(rows["u002"]["score"]) == 2
    ours = klass.grade(out / "submitted").rows
    assert (ours["u001"]["points"], ours["u002"]["points"]) == ("2", "0")


@pytest.mark.notebooks
@pytest.mark.soak
@pytest.mark.skipif(not importlib.util.find_spec("otter"), reason="otter-grader is not installed")
def test_otter_really_grades_it_and_believes_a_cheat(klass, tmp_path):
    """The same under `otter run`, over a folder of notebooks."""
    out = small(klass, "otter")
    otter = [sys.executable, "-m", "otter"]
    ran([*otter, "generate"], out / "hw1", tmp_path)
    for student, cheat in (("u001", False), ("u002", True)):
        target = out / "submissions" / f"{student}.ipynb"
        answered(klass, out / "hw1" / "hw1.ipynb", target, student, cheat)
        executed(target, tmp_path)
        words = ["run", "-a", str(out / "hw1" / "autograder.zip"), "-o", str(tmp_path), str(target)]
        ran([*otter, *words], out, tmp_path)
        found = json.loads((tmp_path / "results.json").read_text())
        assert sum(t.get("score", 0) for t in found["tests"]) == 2, found
    ours = klass.grade(out / "submissions").rows
    assert (ours["u001"]["points"], ours["u002"]["points"]) == ("2", "0")
