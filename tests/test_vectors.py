"""The conformance suite: complete, well formed, the same bytes each time, and agreed with by our
own verifier.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from casnb.base.errors import SourceError
from casnb.cli.main import casnb
from casnb.cli.many.manifest import run_manifest
from casnb.conformance.fault_table import FAULTS, HARMLESS
from casnb.conformance.suite import suite, write_suite
from casnb.policy.appraise import POLICY_IDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The suite, written by the command."""
    made = tmp_path_factory.mktemp("suite") / "vectors"
    run = CliRunner().invoke(casnb, ["vectors", str(made)])
    assert run.exit_code == 0 and "vectors in" in run.stderr, run.output
    return made


@pytest.fixture(scope="module")
def manifest(folder) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_the_manifest_is_as_its_schema_says(folder, manifest):
    """Schema, count, digests and sizes fit, no file lies about, and ids are unique."""
    schema = json.loads((folder / "manifest.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(manifest)
    assert (
        manifest["count"] == len(manifest["vectors"]) == len({v["id"] for v in manifest["vectors"]})
    )
    named = {}
    for vector in manifest["vectors"]:
        for row in vector["files"].values():
            data = (folder / row["file"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (row["bytes"], row["sha256"])
            named[row["file"]] = True
    assert {f"data/{p.name}" for p in (folder / "data").iterdir()} == set(named)


def test_our_own_verifier_agrees_with_every_vector(folder, manifest):
    """The manifest is one that `casnb verify --manifest` runs, and nothing differs."""
    results = run_manifest(folder / "manifest.json")
    assert [r for r in results if not r.agree] == []
    assert len(results) == manifest["count"]


def test_every_row_about_evidence_is_there(manifest):
    """Rows are left out only where a policy is what they are about, or where files cannot tell
    them; those are few and counted.
    """
    titles = {v["title"] for v in manifest["vectors"]}
    asked = {*POLICY_IDS, "avr-nonce"}
    wanted = {f.name for f in FAULTS if set(f.fails.split()) - asked} | {h.name for h in HARMLESS}
    assert titles <= wanted and len(wanted - titles) < 20
    verdicts = {c["expect"]["verdict"] for v in manifest["vectors"] for c in v["cases"]}
    assert verdicts == {"accept", "reject"} and manifest["count"] > 500


def test_the_same_bytes_each_time(folder, manifest):
    """A second run makes the same vectors and files."""
    again = [vector for vector, _ in suite()]
    assert again == manifest["vectors"]


def test_a_folder_that_holds_something_is_left_alone(folder, tmp_path):
    """Nothing is written over, and a file is no folder."""
    (tmp_path / "file").write_text("x")
    for path in (folder, tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(SourceError):
            write_suite(path)
    assert CliRunner().invoke(casnb, ["vectors", str(tmp_path)]).exit_code == 3


def test_the_worked_example_runs(folder):
    """The runner in the folder judges every DCAP vector and counts."""
    pytest.importorskip("dcap_qvl", reason="the independent verifier is not installed")
    run = subprocess.run(
        [sys.executable, folder / "run_dcap_qvl.py", folder], capture_output=True, text=True
    )
    told = re.search(r"^([0-9]+) agree, ([0-9]+) to look at\.$", run.stdout, re.MULTILINE)
    assert run.returncode == 0 and told and int(told[1]) > 300, run.stderr


def test_nothing_speaks_of_a_product(folder):
    """The suite says what is right, and nothing of who gets it wrong."""
    texts = (folder / "README.md").read_text() + (folder / "manifest.json").read_text()
    for word in ("vulnerab", "fails to", "buggy", "weakness", "qvl does", "accepts it wrongly"):
        assert word not in texts.lower()
