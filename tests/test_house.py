"""The house stays livable: imports run one way, modules stay small, nothing of this machine
leaks.
"""

from __future__ import annotations

import ast
import re
import subprocess
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest
from doctables.rooms import ROOMS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "casnb"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "_notebooks" not in p.parts)

#: Names that may stand in more than one room: what a panel's parts are called.
SHARED_NAMES = {"__init__", "model", "view", "panel", "explain"}


def room(dotted: str) -> int:
    return ROOMS.index(dotted.split(".")[1])


def test_every_folder_is_a_room():
    """The list above is the list of the folders, and nothing but `__init__.py` stands at the
    root of the package.
    """
    assert {
        p.name
        for p in PACKAGE.iterdir()
        if p.is_dir() and p.name not in {"__pycache__", "_notebooks"}
    } == set(ROOMS)
    assert {p.name for p in PACKAGE.iterdir() if p.is_file()} == {"__init__.py", "py.typed"}


def test_a_name_stands_in_one_room():
    """Whoever looks for a module by its name finds one."""
    where: dict[str, set[str]] = {}
    for path in MODULES:
        if path.stem not in SHARED_NAMES:
            where.setdefault(path.stem, set()).add(path.relative_to(PACKAGE).parts[0])
    assert {name: sorted(rooms) for name, rooms in where.items() if len(rooms) > 1} == {}
    assert "tables" not in where


def imports(path: Path) -> set[str]:
    """Modules of ours that this one loads, also inside functions; imports for type checkers
    alone do not count.
    """
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("casnb."):
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "casnb":
            found |= {
                f"casnb.{a.name}"
                for a in node.names
                if (PACKAGE / f"{a.name}.py").exists() or (PACKAGE / a.name).is_dir()
            }
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("casnb.")}
    return found


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p != PACKAGE / "__init__.py"],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_imports_run_one_way(path):
    """Evidence, verify, policy, cas, simulator, teach, cli: no module imports from above."""
    own = ROOMS.index(path.relative_to(PACKAGE).parts[0])
    above = {m for m in imports(path) if room(m) > own}
    assert not above


def drawn() -> dict[str, set[str]]:
    """Which module names which: at run time, inside functions and for types alike."""
    names = {dotted(p) for p in MODULES}
    out: dict[str, set[str]] = {}
    for path in MODULES:
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found.add(inner if inner in names else node.module)
            elif isinstance(node, ast.Import):
                found |= {a.name for a in node.names}
        out[dotted(path)] = (found & names) - {dotted(path), "casnb"}
    return out


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_two_modules_need_each_other():
    """No circle in a drawing of who names whom, be it for types or inside a function."""
    graph = drawn()
    circle = {m for m in graph if m in reach(m, graph)}
    assert sorted(circle) == []


def reach(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Every module that `start` needs, however far away."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for name in graph.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def test_no_product_module_loads_the_simulator():
    """Only what teaches (lab, classroom, film), the command line and the simulator itself know that
    there is one.
    """
    users = {
        p.relative_to(PACKAGE).parts[0]
        for p in MODULES
        if any(m.startswith("casnb.simulator") for m in imports(p))
    }
    assert users <= {"simulator", "mallory", "conformance", "teach", "classroom", "film", "cli"}


#: About 400 lines at 100 columns; a reader's limit. What may be longer, and why.
LINES = 420
LONGER = {
    "tls/diagnoses.py": "a table: one row for each way in which a connection fails",
    "simulator/world.py": "one class of short members: all that a simulated world owns",
    "teach/course/attest_and_flags.py": "a chapter: exercises as data",
    "teach/course/decode_the_report.py": "a chapter: exercises as data",
    "teach/course/production.py": "a chapter: exercises as data",
    "teach/course/quizzes.py": "a table: one row for each question",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path):
    """A module of many lines has two nouns, or is a table and stands in the list above."""
    longer, lines = str(path.relative_to(PACKAGE)) in LONGER, path.read_text().count("\n")
    assert lines <= (640 if longer else LINES)
    assert lines > LINES or not longer, "short enough: take it off the list"


FORBIDDEN_BELOW_CAS = {"socket", "ssl", "requests", "urllib.request", "http.client", "time"}


CORE = [
    p
    for p in MODULES
    if p.relative_to(PACKAGE).parts[0] in {"checks", "evidence", "verify", "policy"}
]


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_core_opens_no_socket_and_reads_no_clock(path):
    """Time, roots and bytes are arguments below `cas`."""
    tree = ast.parse(path.read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not names & FORBIDDEN_BELOW_CAS
    calls = {
        n.func.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    assert not calls & {"now", "utcnow", "today"}


def tracked() -> list[Path]:
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("not a git checkout: nothing says which files are the project's")
    return [ROOT / n for n in run.stdout.split("\0") if n and (ROOT / n).is_file()]


#: Filled while something is read, inside the function that reads it.
GROWING = {
    "casnb.evidence.piece.Piece",
    "casnb.verify.certificate.Certificate",
    "casnb.verify.endorsements._Crls",
}


def test_what_was_read_and_decided_stays_as_it_is():
    """Evidence, proofs, checks, policies and results cannot be changed after they were made: their
    dataclasses are frozen.
    """
    loose = set()
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] not in {"checks", "evidence", "verify", "policy"}:
            continue
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            made_here = isinstance(value, type) and value.__module__ == module.__name__
            if made_here and is_dataclass(value) and not value.__dataclass_params__.frozen:
                loose.add(f"{module.__name__}.{name}")
    assert loose == GROWING


def test_no_file_names_this_machine():
    """No path of the machine a file was written on, no host of a package index."""
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb" + "ian.org/"]
    marks = [str(ROOT.parent) + "/", "/ro" + "ot/", "/ho" + "me/", *hosts]
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for mark in marks:
            assert mark not in text, f"{path.relative_to(ROOT)} contains {mark}"


MAPS = ("docs/architecture.md", "tests/README.md", "CONTRIBUTING.md")


def named(text: str) -> set[str]:
    """Files and folders that a page names in backticks."""
    return {m for m in re.findall(r"`((?:casnb|tests|docs)/[\w./*-]+)`", text) if "NAME" not in m}


@pytest.mark.parametrize("page", MAPS)
def test_maps_name_what_is_there(page):
    """A maintainer who follows a path of these pages arrives."""
    for path in named((ROOT / page).read_text(encoding="utf-8")):
        assert list(ROOT.glob(path.rstrip("/"))), f"{page} names {path}"


def test_the_tests_map_is_whole():
    """Each test of a room or of the whole stands in tests/README.md: by its name, or by its
    folder.
    """
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`(?:\w+/)?(test_\w+)(?:\*?\.py)?`", text))
    folders = set(re.findall(r"`(\w+)/`", text))
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parts[0]
        assert folder in folders | {"cas"} or path.stem in known, path
    assert {p.parent.name for p in (ROOT / "tests").glob("*/*.py")} <= folders | {"cas"}
