"""Fixtures for the command lines."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner, Result

BIN = Path(sys.executable).parent
SEED = f"assignment {os.getpid()}"
FLAGS = "-G --only_for_testing-ignore-signer --only_for_testing-debug"
#: The assignment's first commands, unchanged but for the address.
ATTEST = """
MRENCLAVE=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")
scone cas attest -G --mrenclave $MRENCLAVE --only_for_testing-ignore-signer --only_for_testing-debug $CAS_ADDR
scone cas show-certificate > cas_cert.crt
"""  # noqa: E501


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in this process, 80 columns wide; standard output and error stay apart."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(command: click.Command, *words: str, **kwargs: object) -> Result:
        return CliRunner().invoke(command, [str(w) for w in words], **kwargs)

    return call


@pytest.fixture
def casnb(run):
    """Run `casnb WORDS`."""
    from casnb.cli.main import casnb as command

    return lambda *words, **kwargs: run(command, *words, prog_name="casnb", **kwargs)


@pytest.fixture
def scone(run):
    """Run `scone WORDS`."""
    from casnb.cli.scone.main import scone as command

    return lambda *words, **kwargs: run(command, *words, prog_name="scone", **kwargs)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return a shell's environment: our commands first on PATH, nothing of the reader's."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("CAS_", "CASNB_", "SCONE_", "CURL_", "SSL_"))
        and not k.lower().endswith("_proxy")
        and k != "REQUESTS_CA_BUNDLE"
    }
    path = os.pathsep.join([str(BIN), kept.get("PATH", "/usr/bin:/bin")])
    return {
        **kept,
        "PATH": path,
        "SCONE_CLI_CONFIG": str(folder / "config.json"),
        "LC_ALL": "C.UTF-8",
        **more,
    }


@contextmanager
def serve_process(folder: Path, *words: str) -> Iterator[SimpleNamespace]:
    """Run `casnb serve` as a process of its own until the end of the block; it must leave with
    exit code 0.
    """
    env_file, log = folder / "cas.env", folder / "serve.log"
    env_file.unlink(
        missing_ok=True
    )  # one that an earlier server left would be taken for this one's
    began = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(BIN / "casnb"), "serve", "--env-file", str(env_file), *words],
            env=environment(folder),
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        while not env_file.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() - began < 120, "casnb serve does not answer"
            time.sleep(0.01)
        rows = (
            line.removeprefix("export ").split("=", 1) for line in env_file.read_text().splitlines()
        )
        yield SimpleNamespace(
            env_file=env_file, **{name: shlex.split(value)[0] for name, value in rows}
        )
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0, log.read_text()


@pytest.fixture(scope="session")
def shell_env():
    """How the environment of a whole process is made."""
    return environment


@pytest.fixture(scope="session")
def serving():
    """`with serving(folder, *words)`: a simulator as a process of its own."""
    return serve_process


@pytest.fixture(scope="session")
def cas(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The simulated public CAS of the assignment, on port 8081 of an address of its own."""
    if sys.platform != "linux" or not all(map(shutil.which, ("bash", "curl", "openssl", "jq"))):
        pytest.skip("needs Linux with bash, curl, openssl and jq")
    with serve_process(tmp_path_factory.mktemp("serve"), "--seed", SEED) as found:
        if found.CAS_PORT != "8081":
            pytest.skip("port 8081 cannot be had on any loopback address")
        yield found


class Bash:
    """Runs scripts in an empty folder of its own, the simulated CAS's variables exported; attested
    CASes are kept in the folder.
    """

    ATTEST, FLAGS, SEED = ATTEST, FLAGS, SEED
    said: subprocess.CompletedProcess[str]

    def __init__(self, folder: Path, env_file: Path) -> None:
        self.folder, self.env_file = folder, env_file

    def __call__(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script; variables in `more` are exported as well."""
        env = environment(self.folder, **more)
        own = shlex.quote(env["SCONE_CLI_CONFIG"])
        text = f". {shlex.quote(str(self.env_file))}\nexport SCONE_CLI_CONFIG={own}\n" + script
        return subprocess.run(
            ["bash", "-uo", "pipefail", "-c", text],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def bash(cas, tmp_path) -> Bash:
    """Bash, with the simulated public CAS running."""
    return Bash(tmp_path, cas.env_file)


@pytest.fixture(scope="session")
def first_commands(cas, tmp_path_factory) -> Bash:
    """Where the assignment's first commands were typed, once: its `said` is what they wrote."""
    bash = Bash(tmp_path_factory.mktemp("attested"), cas.env_file)
    bash.said = bash("set -e" + ATTEST)
    assert bash.said.returncode == 0, bash.said.stderr
    return bash


@pytest.fixture
def attested(first_commands, bash) -> Bash:
    """Bash in a folder where the assignment's first commands were typed."""
    for name in ("config.json", "cas_cert.crt"):
        shutil.copy2(first_commands.folder / name, bash.folder)
    return bash
