"""What `casnb doctor` says of a machine: each finding that keeps casnb from working, and each
that is worth knowing.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from casnb.cli import examination as doctor


@pytest.mark.parametrize(
    "argv, status, saw",
    [
        pytest.param("python", "ok", sys.executable, id="no path: Jupyter's own Python"),
        pytest.param(sys.executable, "ok", sys.executable, id="this Python"),
        pytest.param("/nowhere/bin/python", "problem", "/nowhere/bin/python", id="another Python"),
    ],
)
def test_the_kernel_is_this_python_or_a_problem(casnb, monkeypatch, tmp_path, argv, status, saw):
    """A kernel spec that names another Python would run notebooks without casnb."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    words = {"argv": [argv, "-m", "ipykernel_launcher"], "display_name": "P", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(words))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    found = {f["id"]: f for f in json.loads(casnb("doctor", "--json").stdout)}
    assert (found["kernel"]["status"], found["kernel"]["saw"]) == (status, f"python3 runs {saw}")


@pytest.fixture
def found(casnb):
    """Run `casnb doctor --json`; return its findings by id, and its exit code."""

    def look() -> tuple[dict[str, dict[str, str]], int]:
        run = casnb("doctor", "--json")
        return {f["id"]: f for f in json.loads(run.stdout)}, run.exit_code

    return look


def test_a_machine_where_all_is_well(casnb, found, monkeypatch):
    """No problem, exit 0, and what to do next; in the terminal at most 80 columns."""
    for name in doctor.CAPTURING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    findings, code = found()
    assert code == 0 and not [f for f in findings.values() if f["status"] == "problem"]
    assert (
        findings["TLS variables"]["status"]
        == findings["casnb"]["status"]
        == findings["scone"]["status"]
        == "ok"
    )
    run = casnb("doctor")
    assert (
        run.exit_code == 0 and "no problems, " in run.stdout and "casnb walkthrough" in run.stdout
    )
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_a_package_that_is_missing(found, monkeypatch, casnb):
    """A problem with the line that installs it, and the summary says how many."""
    real = doctor.metadata.version

    def version(name):
        if name == "cheroot":
            raise doctor.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    run = casnb("doctor", "--json")
    problems = [f for f in json.loads(run.stdout) if f["status"] == "problem"]
    assert run.exit_code == 1 and [p["saw"] for p in problems] == ["cheroot is missing"]
    assert problems[0]["do"].startswith('Install it: python -m pip install "cheroot')
    assert "1 problem, " in casnb("doctor").stdout


@pytest.mark.parametrize(
    "line, missed",
    [
        pytest.param("not-there>=1; python_version<'3'", False, id="another Python"),
        pytest.param("not-there>=1; extra == 'test'", False, id="an extra"),
        pytest.param("not-there>=1; python_version>='3'", True, id="this Python"),
    ],
)
def test_only_what_this_machine_needs_is_missed(monkeypatch, line, missed):
    """A requirement of another Python or of an extra is none here."""
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["flask>=3", line])
    saw = [finding.saw for finding in doctor.examine() if finding.id == "packages"]
    assert ("not-there is missing" in saw) == missed and "not-there" not in saw[-1]


def test_a_package_that_is_too_old(found, monkeypatch):
    """Worth knowing, with the range that is wanted."""
    real = doctor.metadata.version
    monkeypatch.setattr(
        doctor.metadata, "version", lambda name: "0.0.1" if name == "flask" else real(name)
    )
    run = [f for f in doctor.examine() if f.id == "packages" and f.status == doctor.WORTH_KNOWING]
    assert (
        len(run) == 1
        and run[0].saw.startswith("flask 0.0.1, wanted flask")
        and ">=3." in run[0].saw
    )


def test_programs_that_are_not_there(found, monkeypatch, tmp_path):
    """Each says what it is used for; none of them keeps casnb from working."""
    monkeypatch.setenv("PATH", str(tmp_path))
    findings, code = found()
    for name in ("curl", "openssl", "jq", "chromium", "make"):
        assert findings[name]["status"] == "note" and "used for: " in findings[name]["saw"]
    assert (
        findings["scone"]["status"] == "note"
        and "export PATH=" in findings["scone"]["do"]
        and code == 0
    )


def test_a_scone_of_another_installation(found, monkeypatch, tmp_path):
    """Which program a shell would run is named: it may be the real one."""
    (tmp_path / "scone").write_text("#!/bin/sh\n")
    (tmp_path / "scone").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    finding = found()[0]["scone"]
    assert (
        finding["status"] == "note"
        and str(tmp_path / "scone") in finding["saw"]
        and "another installation" in finding["saw"]
    )


@pytest.mark.parametrize(
    "script, saw",
    [
        pytest.param("echo", "does not answer", id="says nothing"),
        pytest.param(
            "printf 'jq \\033[2J (long story)\\nmore'",
            "jq \N{REPLACEMENT CHARACTER}[2J",
            id="says something odd",
        ),
    ],
)
def test_a_program_that_answers_strangely(found, monkeypatch, tmp_path, script, saw):
    """One line of it is shown, harmless."""
    (tmp_path / "jq").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "jq").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert found()[0]["jq"]["saw"] == f"{saw} ({tmp_path / 'jq'})"


def test_a_clock_in_the_past(found, monkeypatch):
    """A problem: such a clock accepts what has expired."""

    class Past(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2001, 1, 1, tzinfo=timezone.utc)

    monkeypatch.setattr(doctor, "datetime", Past)
    findings, code = found()
    assert (findings["clock"]["status"], code) == ("problem", 1)


@pytest.mark.parametrize("refused, status", [("127.0.0.1", "problem"), ("127.20.30.40", "note")])
def test_loopback_that_cannot_be_used(found, monkeypatch, refused, status):
    """Without 127.0.0.1 nothing can be simulated; without the others ports are used instead."""

    class Socket(socket.socket):
        def bind(self, address):
            if address[0] == refused:
                raise OSError(99, "Cannot assign requested address")
            super().bind(address)

    monkeypatch.setattr(doctor.socket, "socket", Socket)
    findings, code = found()
    assert findings[f"loopback {refused}"]["status"] == status and code == (status == "problem")


def test_a_look_that_fails_is_a_finding(found, monkeypatch):
    """The others are still made."""
    monkeypatch.setattr(doctor, "_clock", lambda: 1 / 0)
    findings, _ = found()
    assert (
        any("could not be looked at: division" in f["saw"] for f in findings.values())
        and "config" in findings
    )


def test_a_simulator_that_answers(found, monkeypatch):
    """CAS_ADDR with a port of its own is reached there; roots that are gone are told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("CAS_ADDR", f"127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("CASNB_ROOTS", "/nowhere/roots.pem")
        findings, code = found()
    assert (
        findings["simulator"]["status"] == "ok"
        and findings["CASNB_ROOTS"]["status"] == "note"
        and code == 0
    )


def test_nothing_is_changed(casnb, monkeypatch, tmp_path):
    """No file is made, not even the one of attested CASes."""
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(tmp_path / "cas" / "config.json"))
    assert casnb("doctor").exit_code == 0 and list(tmp_path.iterdir()) == []
