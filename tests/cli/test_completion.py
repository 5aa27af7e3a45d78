"""Shell completion: the real shells are asked what they would offer, for `casnb` and `scone`."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from casnb.cli.completion_command import SHELLS
from casnb.cli.main import ELSEWHERE
from casnb.cli.scone.unbuilt import UNBUILT

#: What is typed, and words that have to be offered, and some that must not be.
TYPED = [
    ("casnb ex", {"explain"}, {"verify"}),
    ("casnb ", {"explain", "why", "serve", "completion"}, set()),
    ("casnb serve --sc", {"--scenario"}, {"--seed"}),
    ("casnb serve --scenario p", {"public", "production"}, {"revoked"}),
    ("casnb attack forged-q", {"forged-quote"}, {"rollback"}),
    ("casnb completion ", {"bash", "zsh", "fish"}, set()),
    ("scone ", {"cas", "session", "self", "cert"}, set()),
    ("scone cas a", {"attest", "attest-audit-log"}, {"list"}),
    ("scone cas attest --only_for_testing-d", {"--only_for_testing-debug"}, set()),
    ("scone cas set-default my", {"my-cas:8081"}, set()),
    ("scone session ", {"create", "read", "verify"}, set()),
    ("scone cas attest --mrenclave -G @none ", set(), set()),
]

#: How each shell is asked: WORDS are those before the one that is completed, LAST that one.
ASK = {
    "bash": """
        source completion.bash
        COMP_WORDS=({words} {last}); COMP_CWORD={count}
        _{name}_completion {name}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        autoload -Uz compinit && compinit -u -d {folder}/dump
        source ./completion.zsh
        [[ -n $_comps[{name}] ]] || echo MISSING
        _describe() {{ for one in "${{(@P)3}}"; do print -r -- "${{one%%:*}}"; done }}
        compadd() {{ local last=${{@[-1]}}; print -rl -- "${{(@P)last}}"; }}
        _path_files() {{ : }}
        words=({words} {last}); CURRENT={at}
        _{name}_completion
    """,
    "fish": """
        source completion.fish
        complete -C "{typed}" | string replace -r '\\t.*' ''
    """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the scripts of every shell, and a file with one attested CAS."""
    return tmp_path_factory.mktemp("completion")


@pytest.mark.scripts
@pytest.mark.parametrize(("typed", "offered", "not_offered"), TYPED, ids=[t for t, _, _ in TYPED])
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_offers(casnb, shell_env, folder, shell, typed, offered, not_offered):
    """Subcommands, options, names of scenarios and attacks, attested CASes; nothing on standard
    error, whatever is typed.
    """
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    script = folder / f"completion.{shell}"
    if not script.exists():
        done = casnb("completion", shell)
        assert done.exit_code == 0
        script.write_text(done.stdout)
    (folder / "config.json").write_text('{"cas_db": {"my-cas:8081": {}}}')
    before, _, last = typed.rpartition(" ")
    text = ASK[shell].format(
        words=before,
        last=last or "''",
        count=len(before.split()),
        at=len(before.split()) + 1,
        name=typed.split()[0],
        typed=typed,
        folder=folder,
    )
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *plain, "-c", text],
        cwd=folder,
        env=shell_env(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = set(done.stdout.split("\n"))
    assert done.stderr == "" and "MISSING" not in found
    assert offered <= found and not not_offered & found, done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(casnb, shell, monkeypatch):
    """The script is for both commands, or for one; $SHELL says which shell where none is named."""
    both = casnb("completion", shell).stdout
    assert "_CASNB_COMPLETE" in both and "_SCONE_COMPLETE" in both
    assert "_SCONE_COMPLETE" not in casnb("completion", "--only", "casnb", shell).stdout
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert casnb("completion").stdout == both


def test_no_shell(casnb, monkeypatch):
    """A shell without completion is named, with those that have it."""
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    done = casnb("completion")
    assert done.exit_code == 2 and "got tcsh, wanted one of bash, zsh, fish" in done.stderr


@pytest.mark.parametrize(
    ("group", "name"), [(g, n) for g, rows in UNBUILT.items() for n in rows], ids=str
)
def test_what_scone_has_and_casnb_has_not(scone, group, name):
    """A command of SCONE's own CLI is told as not built, never as a slip for another one."""
    done = scone(*group.split()[1:], name)
    if done.exit_code == 0 or "Missing" in done.stderr:
        return  # built since, or a group that asks for more
    assert done.exit_code == 2 and "Did you mean" not in done.stderr
    assert f"{group} {name}" in done.stderr or "scone session" in done.stderr


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_of_the_other_command(casnb, name):
    """What belongs to `scone`, or to an option, is told as that."""
    done = casnb(name)
    assert done.exit_code == 2 and "Did you mean" not in done.stderr
    assert "scone " in done.stderr or "Write casnb" in done.stderr or "casnb " in done.stderr


@pytest.mark.parametrize(("typed", "meant"), [("explian", "explain"), ("verfy", "verify")])
def test_slips_are_still_guessed(casnb, typed, meant):
    """A slip of the finger is recognised; a far word is not a slip."""
    assert f"Did you mean {meant}?" in casnb(typed).stderr
    assert "Did you mean" not in casnb("frobnicate").stderr


def test_the_version_that_wrappers_compare(scone):
    """The last word is a bare version, of the release whose options are taken; `scone version`
    prints the same.
    """
    line = scone("--version").stdout
    parts = line.split()[-1].split(".")
    assert (
        len(parts) == 3
        and all(p.isdigit() for p in parts)
        and (6, 0)
        <= (
            int(parts[0]),
            int(parts[1]),
        )
        < (7, 0)
    )
    assert "not Scontain's" in line and line.count("\n") == 1
    assert scone("version").stdout == scone("-V").stdout == line
