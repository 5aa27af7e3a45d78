"""Which accounts of a machine may read what a simulated CAS keeps: its secrets none but its own,
what is needed to attach every one.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from casnb.simulator.server.background import start_background, stop_background
from casnb.simulator.server.running import serve
from casnb.simulator.server.store import Store
from casnb.simulator.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder():
    """A folder that every account may enter, with a umask that lets everybody read."""
    before = os.umask(0o022)
    made = Path(tempfile.mkdtemp(prefix="casnb-accounts-"))
    made.chmod(0o755)
    yield made
    os.umask(before)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def world() -> World:
    return World(f"accounts {os.getpid()}")


def test_what_a_cas_keeps_is_for_its_own_account(world, folder):
    """Folder 0700, every file in it 0600; what others need stands elsewhere, 0755 and 0644, and
    is gone afterwards.
    """
    state = folder / "state"
    with serve(world, state_dir=state, audit_log="signed") as running:
        found = {p.name: mode(p) for p in state.iterdir()}
        assert mode(state) == 0o700 and {"cas.sqlite3", "audit.jsonl"} <= found.keys()
        assert set(found.values()) == {0o600}, found
        public = {running.page_ca, running.roots}
        assert {p.parent for p in public} == {running.roots.parent} and {
            mode(p) for p in public
        } == {0o644}
        assert mode(running.roots.parent) == 0o755 and state not in running.roots.parents
    assert not running.roots.parent.exists()


def test_files_of_an_earlier_casnb_are_closed(world, folder):
    """A database and a log that everybody could read, in a folder that was there before and stays
    as it is.
    """
    with serve(world, state_dir=folder, audit_log="signed"):
        pass
    for name in ("cas.sqlite3", "audit.jsonl"):
        (folder / name).chmod(0o644)
    with serve(world, state_dir=folder, audit_log="signed"):
        assert {mode(p) for p in folder.iterdir()} == {0o600}
    assert mode(folder) == 0o755


def test_a_store_alone_is_private(folder):
    """Also in the moment before anything is in it, and in a folder of its own making."""
    with Store(folder / "new" / "cas.sqlite3"):
        assert mode(folder / "new") == 0o700 and mode(folder / "new" / "cas.sqlite3") == 0o600


def test_in_the_background_as_well(folder, world):
    """`casnb serve --background --state` makes the folder before the server does."""
    state = folder / "state"
    words = ["--seed", world.seed, "--address", "127.0.0.1", "--port", "0", "--state", str(state)]
    lines = start_background(words, folder / "cas.env")
    try:
        assert mode(state) == 0o700 and mode(folder / "cas.env") == 0o644
        assert mode(state / "cas.sqlite3") == 0o600
        told = [line for line in lines.splitlines() if "SCONE_CLI_CONFIG" not in line]
        assert not [line for line in told if str(state) in line]
    finally:
        assert stop_background(state)


def able() -> bool:
    """Whether another account can be tried, and could run this interpreter."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("setpriv"):
        return False
    return as_nobody("import casnb", {}, Path("/")).returncode == 0


def as_nobody(code: str, names: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
    ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    keep = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    return subprocess.run(
        ["setpriv", *ids, sys.executable, "-c", code],
        env={**keep, **names},
        cwd="/",
        capture_output=True,
        text=True,
    )


ATTACH = """
import os, sys
from casnb.cli.scone.main import main
from casnb.teach import start
lab = start("00")
print(lab.station.attached, lab.station.note, flush=True)
sys.argv = ["scone", "cas", "attest", "-G", "--mrenclave", lab.world.mrenclave,
    "--only_for_testing-ignore-signer", "--only_for_testing-debug", os.environ["CAS_ADDR"]]
sys.exit(main())
"""


@pytest.mark.skipif("not able()", reason="needs root, setpriv, and a Python that others may run")
@pytest.mark.parametrize("readable", [True, False], ids=["public files", "private files"])
def test_another_account_attaches(world, folder, readable):
    """It works with the same CAS, and cannot read its database; where the public files cannot be
    read either, a note says so and the lab serves its own world.
    """
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    state = folder / "state"
    with serve(world, state_dir=state) as running:
        if not readable:
            running.roots.parent.chmod(0o700)
        found = as_nobody(ATTACH, running.environment(), home)
        assert found.returncode == 0, found.stderr
        attached, _, note = found.stdout.splitlines()[0].partition(" ")
        assert attached == str(readable)
        assert note == "" or "may not be read by this account; this lab serves its own" in note
        assert bool(note) is not readable
        for path in (state / "cas.sqlite3", state):
            refused = as_nobody(f"open({str(path)!r})", {}, home)
            assert "PermissionError" in refused.stderr
