"""The public surface: the names that notebooks, documents and examples may use, and nothing else
of the package. A reader's copy of a notebook survives whatever moves inside.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SURFACES = {
    "casnb": """AttestationPolicy AttestationResult AttestedCas CasClient CasnbError Check
        CheckStatus EvidenceError PolicyError Session SourceError UsageError Verdict
        VerificationError World appraise attempt attest decode explain_tls_error fetch_report
        scrape service_policy verify""",
    "casnb.base": "strictjson",
    "casnb.cas": """Attempt AttestedCas CasClient CasPage CasRefusal ClientIdentity TrustStore
        attempt fetch_endorsements fetch_report scrape""",
    "casnb.checks": "AttestationResult CATALOGUE Check CheckStatus Verdict",
    "casnb.evidence": "CasReport EpidQuote Ledger Quote ReportBody SigStruct SignedAvr",
    "casnb.explain": "explain explain_message explain_script",
    "casnb.mallory": """ATTACKS Attack AttackMatrix CrtSigner DEBUG_BUILD Defence EnclaveMemory
        FLAG_SETS HABITS HABIT_SETS Outcome PERSONAS REFUSALS attack exhibits factor foresee
        keys_of matrix run verifies""",
    "casnb.measure": "Measurement Statements find_statements measure read_image",
    "casnb.policy": """AttestationPolicy BY_NAME BY_OPTION FLAGS Flag NEWER crosswalk
        minimal_flags options to_flags to_session""",
    "casnb.session": "GUESSES Readers Session explained fetch_history public_key",
    "casnb.simulator": "SCENARIOS Seed World serve",
    "casnb.teach": "HistoryPanel SideBySide Table Way expect_error ladder start",
    "casnb.tls": "CasChain RECIPES explain_tls_error recipe",
    "casnb.verify": "verify verify_alone",
}
each = pytest.mark.parametrize("package", SURFACES)


def run(code: str) -> str:
    """Run lines in an interpreter that has loaded nothing yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@each
def test_the_list_is_the_surface(package):
    """`__all__` is the list above, and each name is there; a name too many is as wrong as one too
    few.
    """
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(SURFACES[package].split())
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = module.nothing_of_the_kind


@each
def test_what_a_type_checker_sees_is_what_is_there(package):
    """The imports for type checkers name the same names in the same modules as the loading does."""
    file = Path(importlib.import_module(package).__file__ or "")
    tree = ast.parse(file.read_text())
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    loaded = {
        ast.literal_eval(key): ast.literal_eval(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
    }
    assert seen == loaded


@each
def test_no_public_name_is_a_submodule(package):
    """Whichever was loaded last would win. The one exception is bound before anything can load the
    package behind it.
    """
    folder = Path(importlib.import_module(package).__file__ or "").parent
    modules = {p.stem for p in folder.glob("*.py")} | {p.name for p in folder.iterdir()}
    allowed = {"casnb": {"verify"}, "casnb.base": {"strictjson"}}.get(package, set())
    assert modules & set(SURFACES[package].split()) == allowed


def test_verify_is_a_function_whatever_was_imported_before():
    """In any order of imports `casnb.verify` is a plain function, and the package behind it can be
    imported; no module's class is replaced.
    """
    for first in ("", "import casnb.verify.dcap", "from casnb.verify import verify, dispatch"):
        said = run(
            f"{first}\nimport casnb\nfrom casnb import verify\nfrom casnb.verify import dcap, pki\n"
            "import importlib, sys\nimport casnb.verify.tcb\n"
            "print(type(verify).__name__, verify is casnb.verify, type(sys.modules['casnb.verify'])"
            ".__name__, type(importlib.import_module('casnb.verify')).__name__, dcap.__name__)"
        )
        assert said == "function True module module casnb.verify.dcap\n"


def test_importing_loads_next_to_nothing():
    """`import casnb`, and each package with a surface, loads none of the modules behind it."""
    said = run(
        "import sys\nimport " + ", ".join(p for p in SURFACES) + "\n"
        "print(sorted(m for m in sys.modules if m.startswith('casnb.')), "
        "{'cryptography', 'requests', 'ipywidgets', 'yaml'} & set(sys.modules))"
    )
    assert said == f"{sorted([*(set(SURFACES) - {'casnb'}), 'casnb.base.surface'])} set()\n"


def texts() -> dict[str, str]:
    """What a reader copies from: code of notebooks, documents, the README and the examples."""
    out = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        out[path.name] = "\n".join("".join(c["source"]) for c in cells)
    for path in [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        *(ROOT / "examples").rglob("*"),
    ]:
        if path.suffix in (".md", ".py", ".sh", ".ipynb"):
            out[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
    return out


#: One import, be it in brackets over several lines.
_IMPORT = re.compile(r"from (casnb[\w.]*) import (\([^)]*\)|[^\n;`]+)|import (casnb\.[\w.]+)")


def test_readers_are_given_the_surface_alone():
    """Notebooks, documents, README and examples import from the lists above."""
    outside, found = set(), 0
    for name, text in texts().items():
        for package, names, module in _IMPORT.findall(text):
            found += 1
            for word in re.findall(r"\w+", names):
                if word not in SURFACES.get(package, "").split():
                    outside.add(f"{name}: from {package} import {word}")
            if module:
                outside.add(f"{name}: import {module}")
    assert not outside and found > 25
