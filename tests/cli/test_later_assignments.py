"""Assignments 2 to 5 as the scripts in examples/assignments do them: once, twice, and killed in
the middle.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from casnb.cas.client_identity import ClientIdentity

pytestmark = pytest.mark.scripts

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "assignments"
SCRIPTS = ("2-namespace.sh", "3-hash.sh", "4-update.sh", "5-values.sh")
DONE = "public_value is 42; private_value is refused without and with the creator's key\n"
#: Where each script is killed, in the order of its runs: before the first command that begins so.
#: The one before has happened.
KILLED = {
    "2-namespace.sh": (
        "mv cas_cert.crt.new",
        "mv state.env.new",
        "NAMESPACE_SESSION_HASH=$(scone session create",
        'say "namespace',
    ),
    "3-hash.sh": ("mv session_read.yml.new", "mv state.env.new"),
    "4-update.sh": (
        "NAMESPACE_SESSION_HASH=$(scone session create",
        "mv state.env.new",
        "hash=$(version predecessor",
    ),
    "5-values.sh": ('say "session', "refused --cert"),
}


class Student:
    """A folder of one's own with the simulated CAS's variables, and a copy of the scripts."""

    def __init__(self, folder: Path, env_file: Path, env: dict[str, str]) -> None:
        self.folder, self.env_file, self.env = folder, env_file, env
        self.scripts = folder / "scripts"
        shutil.copytree(EXAMPLES, self.scripts)

    def bash(self, text: str) -> subprocess.CompletedProcess[str]:
        own = shlex.quote(self.env["SCONE_CLI_CONFIG"])
        text = f". {shlex.quote(str(self.env_file))}\nexport SCONE_CLI_CONFIG={own}\n{text}"
        return subprocess.run(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,
        )

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return self.bash(f"exec {shlex.quote(str(self.scripts / script))}")

    def kill(self, script: str, before: str) -> None:
        """Run a script until a command that begins with `before` is about to run, and kill it
        and all that it started.
        """
        trap = f"case $BASH_COMMAND in {shlex.quote(before)}*) kill -KILL 0;; esac"
        run = self.bash(
            f"set -T; trap {shlex.quote(trap)} DEBUG; . {shlex.quote(str(self.scripts / script))}"
        )
        assert run.returncode == -9, f"{script} never came to {before}: {run.stderr}"

    def done(self, script: str) -> str:
        run = self.run(script)
        assert run.returncode == 0, run.stderr
        return run.stdout

    @property
    def state(self) -> dict[str, str]:
        return dict(
            re.findall(r'(?m)^export (\w+)="(.*)"$', (self.folder / "state.env").read_text())
        )

    @property
    def sessions(self) -> list[str]:
        """What is listed to this student and is not everybody's, `NS` for the kept name."""
        listed = self.bash("scone session list").stdout.split()
        return [n.replace(self.state["NS"], "NS") for n in listed]


@pytest.fixture
def student(cas, tmp_path, shell_env) -> Student:
    """A student who has not begun."""
    return Student(tmp_path, cas.env_file, shell_env(tmp_path, USER="somebody"))


def test_once_and_twice(student):
    """Everything holds, and a second run changes nothing: same names, same hashes, nothing
    created again.
    """
    first = [student.done(s) for s in SCRIPTS]
    state = student.state
    name, before, history, values = first
    assert (
        name == state["NS"] + "\n" and name.startswith("my_assignment-somebody-") and values == DONE
    )
    new, old = (line.split() for line in history.splitlines())
    assert (new[0], old[0], old[1]) == ("0.3", "0.2", before.strip())
    assert state["NAMESPACE_SESSION_HASH"] == new[1] and state["COMPUTED_NAMESPACE_HASH"] == old[1]
    assert student.sessions == ["NS", "NS/private_public_values"]

    again = [student.done(s) for s in SCRIPTS]
    assert again == [name, new[1] + "\n", history, DONE]
    assert student.state == state | {"COMPUTED_NAMESPACE_HASH": new[1]}
    assert student.sessions == ["NS", "NS/private_public_values"]
    assert (student.folder / "client.pem").stat().st_mode & 0o77 == 0
    assert not list(student.folder.glob("*.new"))


@pytest.mark.soak
def test_killed_and_run_again(student):
    """Killed at every step that matters and run again, each script ends as if nothing had
    happened.
    """
    printed = {}
    for script in SCRIPTS:
        for point in KILLED.get(script, ()):
            student.kill(script, point)
        printed[script] = student.done(script)
    assert printed["5-values.sh"] == DONE
    assert [line.split()[0] for line in printed["4-update.sh"].splitlines()] == ["0.3", "0.2"]
    assert printed["4-update.sh"].split()[3] == printed["3-hash.sh"].strip()
    assert student.state["NAMESPACE_SESSION_HASH"] == printed["4-update.sh"].split()[1]
    assert student.sessions == ["NS", "NS/private_public_values"]


@pytest.mark.soak
def test_variants(student):
    """A stray empty item in a policy is taken; no namespace, a value that is public after all,
    another key: noticed.
    """
    policy, values = student.scripts / "namespace-0.3.yml", student.scripts / "values.yml"
    policy.write_text(policy.read_text() + "    -\n")
    student.done("2-namespace.sh")
    early = student.run("5-values.sh")
    assert early.returncode != 0 and "does not let this client create sessions" in early.stderr
    student.done("4-update.sh")
    values.write_text(
        values.read_text().replace('value: "007"', 'value: "007"\n    export_public: true')
    )
    shown = student.run("5-values.sh")
    assert (
        shown.returncode == 1
        and shown.stdout == ""
        and "asked for private_value, the CAS answered with 200" in shown.stderr
    )
    me = student.folder / "config.json"
    me.write_text(
        re.sub(
            r'("identity": ?)"[^"]*"',
            lambda m: m[1] + json.dumps(ClientIdentity.create().pem),
            me.read_text(),
        )
    )
    taken = student.run("2-namespace.sh")
    assert taken.returncode != 0 and taken.stdout == "" and "Session already exists" in taken.stderr


def test_without_a_cas(tmp_path, shell_env):
    """Without the simulator's variables a script says what to do, and leaves nothing behind."""
    run = subprocess.run(
        [str(EXAMPLES / "2-namespace.sh")],
        cwd=tmp_path,
        env=shell_env(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode != 0 and "casnb serve --background" in run.stderr
    assert list(tmp_path.iterdir()) == []
