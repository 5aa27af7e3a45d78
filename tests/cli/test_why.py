"""`casnb why`: a message as argument, as words or piped in; what it does not know it does not
guess at.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SEED_PAGE = "curl: (35) error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib"


@pytest.mark.parametrize("form", ["one argument", "several words", "piped", "dash"])
def test_a_message_in_each_form(casnb, form):
    """The cryptic error of the assignment is explained, however it is handed over."""
    words = {
        "one argument": [SEED_PAGE],
        "several words": SEED_PAGE.split(),
        "piped": [],
        "dash": ["-"],
    }[form]
    result = casnb(
        "why", *words, input="" if words and words != ["-"] else f"noise before\n{SEED_PAGE}\n"
    )
    told = " ".join(result.stdout.split())
    assert result.exit_code == 0 and result.stderr == ""
    for part in (
        SEED_PAGE,
        "another CAS's certificates were given",
        "Attest the one at this address again",
        "protects from talking to another CAS",
    ):
        assert part in told
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("Unexpected enclave measurement", "messages/mrenclave"),
        ("no tool prints this", "messages"),
    ],
)
def test_the_way_back(casnb, monkeypatch, message, where):
    """Whoever finds the explanation wrong, or none, is told which command writes that down; the
    path is that of the page wherever the site is.
    """
    monkeypatch.setenv("CASNB_DOCS", "https://docs.example/casnb")
    told = " ".join(casnb("why", message).stdout.split())
    assert f"wrong here? casnb doctor --report {where}" in told


def test_a_pasted_command(casnb):
    """A command that switches verification off works, and is called dangerous; its options are
    not taken for ours.
    """
    result = casnb("why", "curl", "-k", "-sS", "https://cas:8081/")
    assert result.exit_code == 0 and "the dangerous one" in result.stdout


def test_json(casnb):
    """One object with the names that the documentation gives; nothing but ASCII."""
    result = casnb("why", SEED_PAGE, "--json")
    found = json.loads(result.stdout)
    assert list(found) == [
        "known",
        "message",
        "diagnosis",
        "title",
        "cause",
        "cure",
        "protects_from",
        "tool",
        "details",
        "lets_in",
        "cells",
        "attacks",
        "also",
        "read_as",
        "source",
        "try",
    ]
    assert found["diagnosis"] == "wrong-key" and found["known"] is True and result.stdout.isascii()


def test_an_unknown_message(casnb):
    """It says so, says what to try, and returns 3; what came is neutralised."""
    result = casnb("why", "something \x1b[31mnew")
    assert (
        result.exit_code == 3 and "will not guess" in result.stdout and "--verbose" in result.stdout
    )
    assert "\x1b" not in result.stdout
    assert json.loads(casnb("why", "new", "--json").stdout)["known"] is False


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_message(casnb, text):
    """Nothing piped in is a misuse, and the usual reason is told: curl's errors stand on
    standard error.
    """
    result = casnb("why", input=text)
    assert result.exit_code == 2 and "2>&1" in result.stderr


@pytest.mark.scripts
def test_a_pipe_without_an_end():
    """Of an endless pipe only the beginning is read."""
    command = f"yes {SEED_PAGE!r} | {sys.executable} -m casnb.cli.main why"
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and "another CAS's certificates" in " ".join(run.stdout.split())


def test_a_whole_refusal_piped_in(casnb, scone, tmp_path):
    """What `scone` prints when it refuses is understood when it is piped in as a whole."""
    (tmp_path / "s.yml").write_text("name: $NS\nversion: '0.3'\n")
    refused = scone("session", "check", tmp_path / "s.yml")
    assert refused.exit_code == 2
    found = json.loads(casnb("why", "--json", input=refused.stderr).stdout)
    assert found["diagnosis"] == "variable" and found["details"] == {"variable": "NS", "line": "1"}


def test_whom_the_quick_cure_lets_in(casnb):
    """A refusal with a popular cure says whom that cure lets in, and which attack shows it."""
    told = " ".join(casnb("why", "GROUP_OUT_OF_DATE").stdout.split())
    assert "whoever runs such a machine" in told and "casnb attack forged-quote" in told
