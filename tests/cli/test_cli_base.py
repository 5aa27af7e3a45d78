"""How a command ends: one shape of error, the right exit code, nothing but results on standard
output.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from casnb.base.errors import EvidenceError, PolicyError, SourceError, UsageError, VerificationError
from casnb.cli import base

ENDS = [
    pytest.param(EvidenceError("x", got="y"), 1, "Error: x: got y.\n", id="malformed"),
    pytest.param(VerificationError("x"), 1, "Error: x.\n", id="not-genuine"),
    pytest.param(PolicyError("x"), 1, "Error: x.\n", id="not-wanted"),
    pytest.param(UsageError("x"), 2, "Error: x.\n", id="called-wrongly"),
    pytest.param(SourceError("x"), 3, "Error: x.\n", id="could-not-check"),
    pytest.param(
        OSError(errno.ENOENT, "No such file", "/a/b"),
        3,
        "Error: /a/b: No such file\n",
        id="os-error",
    ),
    pytest.param(
        OSError(errno.ENOSPC, "No space left"),
        3,
        "Error: standard output: No space left\n",
        id="full-output",
    ),
    pytest.param(KeyboardInterrupt(), 130, "Interrupted.\n", id="ctrl-c"),
    pytest.param(click.Abort(), 130, "Interrupted.\n", id="abort"),
    pytest.param(BrokenPipeError(), 141, "", id="reader-left"),
    pytest.param(
        base.Failure("a", ["b", "c"], 3, ["d"]),
        3,
        "Error: a\nCaused by: b\nCaused by: c\nd\n",
        id="causes",
    ),
]


@pytest.mark.parametrize(("raised", "code", "stderr"), ENDS)
def test_each_end_has_its_message_and_exit_code(run, raised, code, stderr):
    """Foreseen errors are one clear message each, never a traceback."""

    @click.command(cls=base.Command)
    def go():
        raise raised

    result = run(go)
    assert (result.exit_code, result.stderr, result.stdout) == (code, stderr, "")


def test_a_cause_stands_on_a_line_of_its_own(run):
    """`raise ... from` becomes Caused by."""

    @click.command(cls=base.Command)
    def go():
        raise SourceError("page") from OSError(errno.ECONNREFUSED, "Connection refused")

    assert run(go).stderr == "Error: page.\nCaused by: Connection refused\n"


def test_a_defect_is_no_verdict(run):
    """An unforeseen exception shows its trace and exits 3: scripts must not read it as a
    rejection.
    """

    @click.command(cls=base.Command)
    def go():
        raise ZeroDivisionError

    result = run(go)
    assert result.exit_code == 3
    assert "Traceback" in result.stderr and "defect" in result.stderr


def test_an_error_cannot_steer_the_terminal(run):
    """Control characters from outside do not reach standard error."""

    @click.command(cls=base.Command)
    def go():
        raise base.Failure("\x1b[2J", ["a\nError: forged"])

    assert (
        run(go).stderr
        == "Error: \N{REPLACEMENT CHARACTER}[2J\nCaused by: a\N{SYMBOL FOR NEWLINE}Error: forged\n"
    )


def test_json_is_ascii(run):
    """A JSON result carries no raw control or non-ASCII character."""

    @click.command(cls=base.Command)
    def go():
        base.emit_json({"a": "\x1b\N{RIGHT-TO-LEFT OVERRIDE}"})

    out = run(go).stdout
    assert (
        out.isascii()
        and "\x1b" not in out
        and json.loads(out) == {"a": "\x1b\N{RIGHT-TO-LEFT OVERRIDE}"}
    )


COMMANDS = [
    "walkthrough",
    "lab",
    "serve",
    "stop",
    "scrape",
    "decode",
    "measure",
    "verify",
    "endorsements",
    "vectors",
    "explain",
    "flags",
    "attack",
    "why",
    "service",
    "history",
    "class",
    "screencast",
    "slides",
    "completion",
    "doctor",
]
#: Those that do something themselves.
GROUPS = {
    "service": ("measure", "run"),
    "endorsements": ("fetch", "build"),
    "class": ("init", "assignment", "release", "show", "grade", "report"),
}
TEACHING = [
    *(name for name in COMMANDS if name not in GROUPS),
    *(f"{group} {name}" for group, names in GROUPS.items() for name in names),
]


@pytest.mark.parametrize("name", TEACHING)
def test_every_command_teaches(casnb, name):
    """Each help asks one question, shows an example and names its exit codes, within 80 columns."""
    result = casnb(*name.split(), "--help")
    assert result.exit_code == 0
    assert "?" in result.stdout.split("Example:")[0]
    assert f"casnb {name}" in result.stdout.split("Example:")[1]
    assert "Exit codes:" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 82


def test_the_help_of_serve_names_every_scenario(casnb):
    """Each with the flags that it needs; ranges of numbers do not clutter the help."""
    from casnb.simulator.scenario import SCENARIOS

    shown = casnb("serve", "--help").stdout
    named = [
        line.split()[0] for line in shown.split("then needs:\n")[1].split("\n\n")[0].splitlines()
    ]
    assert named == list(SCENARIOS) and "<=x<=" not in shown


SCONE = [
    ["cas", "attest"],
    ["cas", "list"],
    ["cas", "set-default"],
    ["cas", "show-certificate"],
    ["cas", "show-identification"],
    ["self", "show"],
    ["self", "show-certificate"],
    ["self", "show-key-hash"],
    ["self", "show-certificate-hash"],
    ["self", "show-session-signing-key"],
    ["session", "create"],
    ["session", "update"],
    ["session", "read"],
    ["session", "check"],
    ["session", "verify"],
    ["session", "calculate-hash"],
    ["session", "list"],
    ["cert", "show-key-hash"],
]


@pytest.mark.parametrize("words", SCONE, ids=" ".join)
def test_every_scone_command_teaches(scone, words):
    """Each asks one question, shows an example and names its exit codes, within 80 columns."""
    result = scone(*words, "--help")
    asked, _, rest = result.stdout.partition("Example:")
    assert result.exit_code == 0 and "?" in asked and "scone " in rest and "Exit codes:" in rest
    assert max(map(len, result.stdout.splitlines())) <= 82 and "<=x<=" not in rest


@pytest.mark.scripts
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_remarks_are_folded_on_a_terminal_only():
    """There between words, with a margin; in a pipe a remark is one line, whatever its length."""
    import pty

    text = "  note: " + "word " * 60 + "0" * 64
    code = f"from casnb.cli.base import note; note({text!r})"
    piped = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=True
    ).stderr
    assert piped == text + "\n"
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        subprocess.run(
            [sys.executable, "-c", code],
            stderr=theirs,
            check=True,
            env={**os.environ, "COLUMNS": "80"},
        )
        lines = screen.read(4096).decode().replace("\r", "").splitlines()
        os.close(theirs)
    assert (
        len(lines) > 3
        and max(map(len, lines)) <= 80
        and " ".join(" ".join(lines).split()) == " ".join(text.split())
    )
    assert all(line.startswith("    ") for line in lines[1:])


def test_the_group_lists_all_commands_without_loading_them(casnb):
    """`casnb --help` names each command with one line."""
    shown = casnb("--help").stdout
    assert [
        line.split()[0]
        for line in shown.split("Commands:\n")[1].split("\n\n")[0].splitlines()
        if line[2] != " "
    ] == COMMANDS


MISUSES = [
    ["frob"],
    ["scrape"],
    ["scrape", "--address"],
    ["--frob"],
    ["verify"],
    ["decode", "--frob", "a"],
]


@pytest.mark.parametrize("words", MISUSES, ids=" ".join)
def test_wrong_use_exits_2_and_says_where_help_is(casnb, words):
    """click's own usage errors keep the exit code of wrong use."""
    result = casnb(*words)
    assert result.exit_code == 2
    assert result.stdout == "" and "Error: " in result.stderr


def test_a_command_that_is_none(casnb, scone):
    """A slip of the finger is answered with the command that was meant, anything else with those
    there are.
    """
    assert "no command 'verfy'. Did you mean verify?" in casnb("verfy", "x").stderr
    assert "Did you mean attest?" in scone("cas", "atest").stderr
    assert "There are cas, self, cert, session, version." in scone("frobnicate").stderr


@pytest.mark.scripts
def test_help_loads_nothing_heavy():
    """`casnb --help` needs no rich, requests or cryptography; `make bench` says how long it
    takes.
    """
    code = (
        "import sys; sys.argv = ['casnb', '--help']\nfrom casnb.cli.main import main\ntry:"
        " main()\nexcept SystemExit: pass\nprint(sorted({'rich', 'requests', 'cryptography',"
        " 'flask', 'bs4', 'pydantic', 'jupyter_client'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    ).stdout
    assert out.splitlines()[-1] == "[]"


class TestWritingFiles:
    """Files are replaced as a whole or not at all."""

    def test_new_and_old(self, tmp_path):
        """The content is there, an old file keeps its mode, nothing else is left behind."""
        path = tmp_path / "a"
        path.write_text("old")
        path.chmod(0o600)
        base.write_atomically(path, "new\n")
        assert path.read_text() == "new\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_a_device_is_written_to(self):
        """/dev/null stays a device."""
        base.write_atomically(Path("/dev/null"), "x")
        assert Path("/dev/null").is_char_device()

    def test_a_link_is_followed(self, tmp_path):
        """The link stays a link, its target gets the content."""
        (tmp_path / "target").write_text("old")
        (tmp_path / "link").symlink_to("target")
        base.write_atomically(tmp_path / "link", "new")
        assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"

    def test_full_disk_leaves_the_old_file(self, tmp_path, monkeypatch):
        """Where writing fails the old content stays, nothing is left behind, and the error says
        so.
        """
        path = tmp_path / "a"
        path.write_text("old")

        def write(handle, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", write)
            with pytest.raises(SourceError, match="No space left on device") as raised:
                base.write_atomically(path, "new")
        assert raised.value.exit_code == 3
        assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]

    def test_no_folder(self, tmp_path):
        """A missing folder is a sentence."""
        with pytest.raises(SourceError, match="No such file"):
            base.write_atomically(tmp_path / "no" / "a", "x")
