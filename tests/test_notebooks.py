"""Notebooks: their sources are clean, and each runs from top to bottom, its exercises unanswered
and answered.
"""

from __future__ import annotations

import ast
import copy
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from doctables.chapters import minutes
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from casnb.mallory.attacks import ATTACKS
from casnb.simulator.world import World
from casnb.teach.course.exercises import book_of, exercise, of_chapter
from casnb.teach.course.slips import told
from casnb.teach.facts import PRACTICE, Facts

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SLUGS = [p.stem for p in PATHS]
NOTEBOOKS = {p.stem: nbformat.read(p, as_version=4) for p in PATHS}

each_notebook = pytest.mark.parametrize("slug", SLUGS)

#: Cells of these kinds hold lists and folded text, and may be longer than a paragraph.
LONG = {"title", "quiz", "exercise", "recap", "table"}
CHECK = re.compile(r'lab\.check\("([^"]+)", (\w+)\)')
FORETOLD = re.compile(r'lab\.predict\("[a-z-]+"(?:, line=[^\n]*)?\)')
ANSWER = re.compile(r"(?:#[^\n]*\n)*(\w+) = \.\.\.")
#: Several predictions in one cell: how many get in, how many are stopped.
TOGETHER = {"06-newer-predict": (2, 0), "06-certificates-run": (4, 1)}
#: Predicted attacks that the defence beside them stops; every other one gets in.
HELD = {"06-hardening-predict", "06-any-predict", "06-owner-predict"}
#: Lines of text from which an output is large, and what sends the eye to a part of it.
LARGE = 12
LOOK = re.compile(
    r"(?i)\b(?:look|read|find|compare|see|predict|mind|note|which|first|last|row|rows|line|lines"
    r"|column|table|light|select|click)\b"
)


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def code(slug: str, tag: str = "") -> list[NotebookNode]:
    return [
        c for c in NOTEBOOKS[slug].cells if c.cell_type == "code" and (not tag or tag in tags(c))
    ]


def exercises(slug: str) -> list[tuple[NotebookNode, NotebookNode]]:
    """Each answer cell with the check cell that follows it."""
    cells = code(slug)
    return [(a, b) for a, b in pairwise(cells) if "answer" in tags(a)]


# Sources


def test_all_chapters_are_there():
    """The notebooks that the readme lists, in this order."""
    assert SLUGS == [
        "00-start-here",
        "01-scrape-mrenclave",
        "02-decode-the-report",
        "03-attest-and-flags",
        "04-use-the-certificate",
        "05-policies-and-namespaces",
        "05-public-and-private",
        "06-meet-mallory",
        "07-production",
        "08-measure-an-enclave",
    ]
    assert (
        re.findall(r"(?m)^\| `(\d\d-[a-z-]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"))
        == SLUGS
    )


@each_notebook
def test_source_is_valid_and_carries_no_results(slug):
    """A committed notebook is valid, plain and free of outputs, so that a change shows as what it
    is.
    """
    book = NOTEBOOKS[slug]
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert book.metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert {"kernelspec", "language_info"} == set(book.metadata)
    assert book.metadata.language_info == {"name": "python"}
    assert all(c.outputs == [] and c.execution_count is None for c in code(slug))
    assert all(set(c.metadata) <= {"tags", "jupyter", "slideshow"} for c in book.cells)


@each_notebook
def test_cell_ids_are_unique_and_readable(slug):
    """A cell keeps its name: chapter, then words."""
    ids = [c.id for c in NOTEBOOKS[slug].cells]
    assert len(ids) == len(set(ids))
    assert [i for i in ids if not re.fullmatch(slug[:2] + r"-[a-z0-9]+(-[a-z0-9]+)*", i)] == []


@each_notebook
def test_one_idea_a_cell(slug):
    """Code of at most 15 lines within 110 columns; prose of one paragraph, under one heading at
    most. How long a paragraph may be is said nowhere: it ends with its idea.
    """
    long_code = {c.id: c.source.count("\n") + 1 for c in code(slug) if c.source.count("\n") >= 15}
    assert long_code == {}
    assert {
        c.id: line for c in code(slug) for line in c.source.splitlines() if len(line) > 110
    } == {}
    paragraphs = {
        c.id: [p for p in c.source.split("\n\n") if not p.startswith("#")]
        for c in NOTEBOOKS[slug].cells
        if c.cell_type == "markdown" and not tags(c) & LONG
    }
    assert [i for i, p in paragraphs.items() if len(p) != 1] == []


@each_notebook
def test_the_title_says_the_minutes(slug):
    """What the title promises is what words, code, outputs and exercises come to."""
    book = NOTEBOOKS[slug]
    found = re.search(r"Time: about (\d+) minutes\.", book.cells[0].source)
    assert found and int(found[1]) == minutes(book)


def test_minutes_follow_the_content():
    """More prose, more code and one more exercise take longer, each by its own measure."""
    book = copy.deepcopy(NOTEBOOKS[SLUGS[0]])
    before = minutes(book)
    book.cells.append(nbformat.v4.new_markdown_cell("word " * 2000))
    assert minutes(book) == before + 10
    book.cells += [nbformat.v4.new_code_cell("lab\n" * 58 + "lab"), nbformat.v4.new_code_cell("")]
    assert minutes(book) == before + 20
    check = nbformat.v4.new_code_cell("lab.check()", metadata={"tags": ["check"]})
    book.cells += [check] * 5
    assert minutes(book) == before + 35


@each_notebook
def test_setup_comes_first_and_is_hidden(slug):
    """The first code cell imports everything, the second opens the lab; else only what would tell a
    prediction is hidden.
    """
    first, *rest = code(slug)
    assert "setup" in tags(first) and first.metadata.jupyter.source_hidden
    assert rest[0].source.startswith(f'lab = start("{slug[:2]}")\n') and rest[0].source.endswith(
        "\nlab"
    )
    assert not any("setup" in tags(c) for c in rest)
    tells = [
        c.id
        for before, c in pairwise(rest)
        if "lab.predict(" in before.source and "claim" in tags(c)
    ]
    assert [c.id for c in rest if c.metadata.get("jupyter", {}).get("source_hidden")] == tells
    imports = [
        c.id
        for c in rest
        for n in ast.walk(ast.parse(c.source))
        if isinstance(n, (ast.Import, ast.ImportFrom))
    ]
    assert imports == []


@each_notebook
def test_names_no_place_and_no_address(slug):
    """No absolute path, no address of this machine, no marketing."""
    for cell in NOTEBOOKS[slug].cells:
        assert not re.search(
            r"(?<![\w.>)}\]])/(?:home|root|work|tmp|usr|Users|opt)\b|[A-Z]:\\|\b127\.\d",
            cell.source,
        ), cell.id
        if cell.cell_type == "markdown":
            assert "!" not in re.sub(r"`[^`]*`|!=", "", cell.source), cell.id


@each_notebook
def test_headings_are_in_order(slug):
    """One first-level heading, at the top; the others are of the second level or one deeper than
    before.
    """
    levels = [
        len(m)
        for c in NOTEBOOKS[slug].cells
        if c.cell_type == "markdown"
        for m in re.findall(r"(?m)^(#+) ", c.source)
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


@each_notebook
def test_claims_say_what_they_protect(slug):
    """A claim is a sentence in a comment and an assertion under it."""
    claims = code(slug, "claim")
    assert len(claims) >= 3
    assert [
        c.id for c in claims if not c.source.startswith("# Claim: ") or "\nassert " not in c.source
    ] == []


@each_notebook
def test_every_exercise_of_the_chapter_is_asked_once(slug):
    """An answer cell is one assignment of three dots, and the next cell checks that name under a
    known id.
    """
    pairs = exercises(slug)
    assert len(pairs) == len(code(slug, "answer")) == len(code(slug, "check")) >= 2
    asked = []
    for answer, check in pairs:
        given, checked = ANSWER.fullmatch(answer.source), CHECK.fullmatch(check.source)
        assert given and checked and "check" in tags(check), answer.id
        assert given[1] == checked[2]
        asked.append(checked[1])
    assert sorted(e.id for e in of_chapter(slug) if book_of(e.id) == slug) == sorted(asked)


@each_notebook
def test_every_exercise_says_how_to_go_on(slug):
    """The text of each exercise names its hints and its solution, and gives neither away."""
    texts = [c for c in NOTEBOOKS[slug].cells if "exercise" in tags(c)]
    assert len(texts) == len(code(slug, "check"))
    for cell, task in zip(
        texts, (CHECK.fullmatch(b.source)[1] for _, b in exercises(slug)), strict=True
    ):
        assert f'lab.hint("{task}")' in cell.source and f'lab.solution("{task}")' in cell.source
        assert "<details>" not in cell.source


def test_exercises_are_those_of_the_data():
    """Task, question, answer and check cells are rendered from the chapters' data; `make notebooks`
    renews them, and their ids, tags and metadata stay."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "_build" / "notebooks.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@each_notebook
def test_ends_with_a_recap(slug):
    """The last cell says what is proven, what is assumed, the words, what comes next, and the
    sources.
    """
    last = NOTEBOOKS[slug].cells[-1]
    assert "recap" in tags(last)
    for heading in ("Proven now", "Still assumed", "Words", "Next", "Sources"):
        assert f"**{heading}:**" in last.source


# Execution


@dataclass
class Ran:
    """A notebook that ran: its outputs by cell, and its error if it had one."""

    book: NotebookNode
    error: str = ""
    outputs: dict[str, list[NotebookNode]] = field(default_factory=dict)

    def text(self, cell_id: str) -> str:
        """What a cell printed and showed as plain text."""
        parts = [
            o.get("text", "") or o.get("data", {}).get("text/plain", "")
            for o in self.outputs.get(cell_id, [])
        ]
        return "\n".join(parts)

    @property
    def stderr(self) -> dict[str, str]:
        return {
            i: o.text for i, out in self.outputs.items() for o in out if o.get("name") == "stderr"
        }


def private_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which nothing of the reader's is seen, and nothing of theirs is written."""
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("CAS_", "CASNB_", "SCONE_", "JUPYTER_", "XDG_"))
    }
    for name in (
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
    ):
        env[name] = str(folder / name.lower())
        Path(env[name]).mkdir(parents=True, exist_ok=True)
    scripts = str(Path(sys.executable).parent)
    return {**env, "PATH": os.pathsep.join([scripts, env.get("PATH", "")]), **(extra or {})}


def execute(book: NotebookNode, folder: Path, extra: Mapping[str, str] | None = None) -> Ran:
    """Run a copy in a fresh kernel; once more if the plumbing failed, never if a cell did."""
    for attempt in (1, 2):
        ran = Ran(copy.deepcopy(book))
        place = folder / f"try-{attempt}"
        env = private_environment(place / "env", extra)
        (place / "cwd").mkdir()
        client = NotebookClient(
            ran.book,
            timeout=180,
            startup_timeout=120,
            iopub_timeout=60,
            kernel_name="python3",
            resources={"metadata": {"path": str(place / "cwd")}},
        )
        try:
            client.execute(env=env)
            ran.error = ""
        except CellExecutionError as exc:
            ran.error = f"{exc.ename}: {exc.evalue}\n{exc.traceback[-1500:]}"
        except Exception as exc:
            ran.error = f"{type(exc).__name__}: {exc}"
            if attempt == 1:
                continue
        ran.outputs = {c.id: c.outputs for c in ran.book.cells if c.cell_type == "code"}
        left = [p.name for p in (place / "cwd").iterdir()]
        if left and not ran.error:
            ran.error = f"files left beside the notebook: {left}"
        return ran
    raise AssertionError


def predictions(slug: str) -> list[str]:
    """The ids of the cells that run an attack once it is predicted."""
    return [c.id for c in code(slug) if FORETOLD.fullmatch(c.source)]


def solution(id: str) -> str:
    """The code that the solution of an exercise shows; nothing for a letter or a pairing."""
    return told(exercise(id).code, Facts(World(PRACTICE)))


def with_answers(slug: str, elsewhere: bool = False) -> NotebookNode:
    """A copy whose answer cells take the printed solutions, or the reference answers where those
    are in words, and whose
    predictions are all that Mallory gets in. `elsewhere`: for another seed than the lessons'."""
    book = copy.deepcopy(NOTEBOOKS[slug])
    ids = {a.id: CHECK.fullmatch(b.source)[1] for a, b in exercises(slug)}
    answers = {cell: ("" if elsewhere else solution(id), id) for cell, id in ids.items()}
    for cell in book.cells:
        if cell.id in answers:
            printed, id = answers[cell.id]
            cell.source = printed or cell.source.replace("= ...", f'= lab.reference("{id}")')
        elif cell.id in predictions(slug):
            cell.source = re.sub(r'predict\(("[a-z-]+")', r'predict(\1, "in"', cell.source)
        elif cell.id in TOGETHER:
            cell.source = cell.source.replace("predict(name", 'predict(name, "in"')
    return book


def with_marks(book: NotebookNode) -> NotebookNode:
    """A copy that prints, at its end, the marks reached and where its CAS was."""
    book = copy.deepcopy(book)
    last = nbformat.v4.new_code_cell(
        "p = lab.progress()\nprint(p.marks, p.of, lab.attached)", id="test-marks"
    )
    book.cells.append(last)
    return book


#: As on Windows: no bash, jq, curl or openssl.
NO_PROGRAMS = {"PATH": str(Path(sys.executable).parent)}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[tuple[str, str], Ran]]:
    """Every notebook, run answered and, without programs, as it is; a few kernels at a time.

    Without programs most chapters run as they are, and then that run is the unanswered one too; a
    chapter that names programs is run as it is once more, with them.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    jobs = {}
    for slug in SLUGS:
        book = with_marks(NOTEBOOKS[slug])
        jobs[slug, "answered"] = with_marks(with_answers(slug)), {}
        jobs[slug, "without programs"] = book, NO_PROGRAMS
        if needs(slug):
            jobs[slug, "unanswered"] = book, {}
    with (
        pytest.MonkeyPatch.context() as patch,
        ThreadPoolExecutor((os.cpu_count() or 2) + 1) as pool,
    ):
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        waiting = {
            key: pool.submit(execute, book, folder / "-".join(key), extra)
            for key, (book, extra) in jobs.items()
        }
        done = {key: job.result() for key, job in waiting.items()}
    yield {(slug, "unanswered"): done[slug, "without programs"] for slug in SLUGS} | done


def needs(slug: str) -> list[str]:
    """The ids of the cells that name the programs that a chapter runs."""
    return [c.id for c in code(slug) if "lab.needs(" in c.source]


@pytest.mark.notebooks
@each_notebook
@pytest.mark.parametrize("kind", ["unanswered", "answered"])
def test_runs_from_top_to_bottom(runs, slug, kind):
    """No cell raises, nothing is written to standard error, and no file is left beside the
    notebook.
    """
    ran = runs[slug, kind]
    assert ran.error == ""
    assert ran.stderr == {}


@pytest.mark.notebooks
@each_notebook
def test_unanswered_is_a_state_of_its_own(runs, slug):
    """Three dots are neither right nor wrong."""
    ran = runs[slug, "unanswered"]
    checks = {c.id: ran.text(c.id) for c in code(slug, "check")}
    assert {i: t for i, t in checks.items() if not t.startswith("NOT YET")} == {}
    assert ran.text("test-marks").strip() == f"0 {len(of_chapter(slug))} False"


@pytest.mark.notebooks
@each_notebook
def test_reference_answers_give_full_marks(runs, slug):
    """With the printed solutions and the reference answers each check is right, and the progress
    file says so.
    """
    ran = runs[slug, "answered"]
    checks = {c.id: ran.text(c.id) for c in code(slug, "check")}
    assert {i: t for i, t in checks.items() if not t.startswith("RIGHT")} == {}
    assert ran.text("test-marks").strip() == f"{len(checks)} {len(of_chapter(slug))} False"


@pytest.mark.notebooks
@each_notebook
def test_without_programs_a_chapter_goes_on_and_says_what_is_missing(runs, slug):
    """As on Windows: no bash, jq, curl or openssl. Every chapter runs from top to bottom; one that
    names programs says at its start which are missing, and what stands in for them.
    """
    ran = runs[slug, "without programs"]
    assert ran.stderr == {} and ran.error == ""
    for cell in needs(slug):
        assert "Missing here: " in ran.text(cell) and "runs all the same" in ran.text(cell)
    assert bool(needs(slug)) == (slug[:2] in ("04", "05"))


@pytest.mark.notebooks
def test_06_attacks_run_once_predicted(runs):
    """Nothing runs before its prediction; then each gets in, or is stopped, as `HELD` has it, and
    is turned round.
    """
    ids = predictions("06-meet-mallory")
    assert (
        len(ids)
        == sum("lab.predict(" in c.source for c in code("06-meet-mallory")) - len(TOGETHER)
        >= 15
        and set(ids) > HELD
    )
    unanswered, answered = (runs["06-meet-mallory", kind] for kind in ("unanswered", "answered"))
    assert [
        i
        for i in ids
        if "NOT YET  Predict first" not in unanswered.text(i) or "got in" in unanswered.text(i)
    ] == []
    for id in ids:
        wanted = (
            ("it was not so", "\nMallory was stopped by ")
            if id in HELD
            else ("so it was.", "\nMallory got in: ")
        )
        turned = "Mallory got in: " if id in HELD else "Mallory was stopped by "
        assert (
            all(w in answered.text(id) for w in wanted)
            and turned in answered.text(id).partition("\nThe other way round: ")[2]
        ), id


@pytest.mark.notebooks
@pytest.mark.parametrize("cell", TOGETHER)
def test_06_predictions_in_one_cell(runs, cell):
    """Each attack of such a cell waits for a prediction of its own; then all run, and come as the
    table above has it.
    """
    inside, stopped = TOGETHER[cell]
    unanswered, answered = (
        runs["06-meet-mallory", kind].text(cell) for kind in ("unanswered", "answered")
    )
    assert (
        unanswered.count("NOT YET  Predict first") == inside + stopped
        and "Mallory got in" not in unanswered
    )
    assert (answered.count("so it was."), answered.count("it was not so")) == (inside, stopped)
    assert (answered.count("\nMallory got in: "), answered.count("\nMallory was stopped by ")) == (
        inside,
        stopped,
    )


def test_06_runs_every_attack():
    """Whatever attack there is, the chapter has the reader predict it."""
    text = "\n".join(c.source for c in code("06-meet-mallory") if "lab.predict(" in c.source)
    assert [name for name in ATTACKS if f'"{name}"' not in text] == []


@pytest.mark.notebooks
@each_notebook
def test_a_large_output_has_a_sentence_that_says_where_to_look(runs, slug):
    """The prose before or after it sends the eye somewhere."""
    cells, ran = NOTEBOOKS[slug].cells, runs[slug, "unanswered"]
    found = []
    for n, shown in enumerate(cells):
        if shown.cell_type != "code" or len(ran.text(shown.id).splitlines()) <= LARGE:
            continue
        around = [*reversed(cells[:n]), None], [*cells[n + 1 :], None]
        beside = (
            next((c for c in side if c is None or c.cell_type != "code"), None) for side in around
        )
        if not any(c is not None and LOOK.search(c.source) for c in beside):
            found.append(shown.id)
    assert found == []


@pytest.mark.notebooks
@each_notebook
def test_outputs_are_short_and_quiet(runs, slug):
    """No output of a cell fills more than a few screens, and none shows a path of the machine it
    ran on.
    """
    outputs = {c.id: runs[slug, "unanswered"].text(c.id) for c in code(slug)}
    assert {i: len(t.splitlines()) for i, t in outputs.items() if len(t.splitlines()) > 60} == {}


def exported(path: Path) -> dict[str, str]:
    """The names that `casnb serve` wrote as export lines."""
    lines = re.findall(r"(?m)^export (\w+)=(.*)$", path.read_text())
    return {name: value.strip().strip("'\"") for name, value in lines}


@pytest.mark.notebooks
def test_attaches_to_a_running_simulator(tmp_path):
    """Where the environment names a simulator that answers, a notebook uses that one, and gets its
    value.
    """
    file = tmp_path / "cas.env"
    command = [
        sys.executable,
        "-m",
        "casnb.cli.main",
        "serve",
        "--seed",
        "test of attaching",
        "--state",
        str(tmp_path / "state"),
        "--env-file",
        str(file),
    ]
    with subprocess.Popen(
        command,
        env=private_environment(tmp_path / "server"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as server:
        try:
            until = time.monotonic() + 120
            while not (file.exists() and "CASNB_ROOTS" in file.read_text()):
                assert server.poll() is None, server.stderr.read()
                assert time.monotonic() < until, "the simulator did not become ready"
                time.sleep(0.05)
            ran = execute(
                with_marks(with_answers("04-use-the-certificate", elsewhere=True)),
                tmp_path / "run",
                exported(file),
            )
        finally:
            server.terminate()
    assert ran.error == ""
    assert ran.stderr == {}
    marks = len(code("04-use-the-certificate", "check"))
    assert ran.text("test-marks").strip() == f"{marks} {marks} True"
