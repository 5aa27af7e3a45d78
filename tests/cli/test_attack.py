"""`casnb attack`: lists, stories, runs against the reader's own defence, and the matrix, with
exit codes that mean something.
"""

from __future__ import annotations

import json

import pytest

from casnb.mallory.attacks import ATTACKS
from casnb.mallory.defence import HABITS

DEBUG = ("--only_for_testing-debug", "--only_for_testing-ignore-signer")


def test_lists_every_attack(casnb):
    """Without a name each attack is listed, in text and in JSON."""
    shown = casnb("attack")
    assert shown.exit_code == 0 and all(f"\n{name} " in "\n" + shown.stdout for name in ATTACKS)
    assert [a["name"] for a in json.loads(casnb("attack", "--json").stdout)] == list(ATTACKS)


def test_lists_every_habit(casnb):
    """--habits says what each one is, and what goes on without it."""
    shown = casnb("attack", "--habits")
    assert shown.exit_code == 0 and all(f"\n{name} " in "\n" + shown.stdout for name in HABITS)
    assert [h["name"] for h in json.loads(casnb("attack", "--habits", "--json").stdout)] == list(
        HABITS
    )


def test_tells_a_story_in_order(casnb):
    """Predict, the attack that gets in, explain, the one that is stopped, defend: in this order,
    exit code 0.
    """
    shown = casnb("attack", "debug-memory")
    assert shown.exit_code == 0
    marks = [
        "Predict. ",
        "Against --only_for_testing-ignore-signer --only_for_testing-debug:",
        "example_value over TLS: 42",
        "example_value over TLS: 1337",
        "Mallory got in: ",
        "Explain. ",
        "Mallory was stopped by debug: ",
        "Defend. ",
        "Source: ",
        "Docs: attacks/debug-memory",
    ]
    words = " ".join(shown.stdout.split())
    places = [words.index(mark.strip()) for mark in marks]
    assert places == sorted(places)
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "words, code, said",
    [
        pytest.param(("forged-quote", "-G"), 1, "Mallory got in", id="in"),
        pytest.param(("forged-quote", "-C"), 0, "stopped by tcb-status", id="wrong-flag"),
        pytest.param(("forged-quote", "--strict"), 0, "stopped by tcb-status", id="strict"),
        pytest.param(("debug-memory", *DEBUG), 1, "1337", id="debug"),
        pytest.param(("debug-memory", *DEBUG[1:]), 0, "stopped by debug", id="one-flag-less"),
        pytest.param(("relay", "--without", "binding"), 1, "1337", id="without-habit"),
        pytest.param(
            ("rollback", "--with", "page-value", "--isvsvn", "5"),
            0,
            "stopped by isvsvn",
            id="floor",
        ),
        pytest.param(
            ("altered-page", DEBUG[1], "--mrenclave", "ab" * 32),
            0,
            "stopped by mrenclave",
            id="own-mrenclave",
        ),
        pytest.param(
            ("stale-lists", "--verification-time", "2026-07-23"), 1, "1337", id="frozen-time"
        ),
    ],
)
def test_runs_against_a_defence_of_ones_own(casnb, words, code, said):
    """0: the defence held; 1: Mallory got in. The value is there, and so is what stops her."""
    shown = casnb("attack", *words)
    assert shown.exit_code == code, shown.output
    assert said in " ".join(shown.stdout.split())
    assert ("What stops it: " in shown.stderr) is bool(code)


def test_json_of_a_run_holds_the_loot(casnb):
    """One object: the attack, and one run with defence, steps, loot and the appraisal."""
    shown = casnb("attack", "debug-memory", *DEBUG, "--json")
    body = json.loads(shown.stdout)
    assert (
        shown.exit_code == 1 and body["attack"]["name"] == "debug-memory" and len(body["runs"]) == 1
    )
    run = body["runs"][0]
    assert run["succeeded"] and run["stopped_by"] == "" and run["loot"]["served value"] == "1337"
    assert run["loot"]["TLS key of the CAS"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert run["result"]["verdict"] == "accepted-with-waivers" and {
        s["who"] for s in run["steps"]
    } == {"you", "mallory"}
    assert len(json.loads(casnb("attack", "relay", "--json").stdout)["runs"]) == 2


@pytest.mark.parametrize(
    "words, said",
    [
        pytest.param(("nothing",), "got nothing, wanted one of debug-memory", id="attack"),
        pytest.param(("relay", "--without", "sleep"), "habit: got sleep", id="habit"),
        pytest.param(
            ("relay", "--only_for_testing-debug"),
            "needs --only_for_testing-ignore-signer",
            id="contradiction",
        ),
        pytest.param(("-G",), "a defence and no attack", id="no-name"),
        pytest.param(("relay", "--strict", "-G"), "no flag is set", id="strict-and-flag"),
        pytest.param(("relay", "--matrix"), "take no NAME", id="matrix-of-one"),
        pytest.param(("relay", "--format", "csv"), "belongs to --matrix", id="format"),
        pytest.param(("relay", "--mrenclave", "xyz"), "64 lower-case hex digits", id="mrenclave"),
    ],
)
def test_wrong_use(casnb, words, said):
    """Exit code 2 and one sentence that says what to give."""
    shown = casnb("attack", *words)
    assert shown.exit_code == 2 and shown.stdout == ""
    assert said in " ".join(shown.stderr.split())


def test_a_matrix_comes_in_three_forms(casnb, monkeypatch):
    """Text, CSV and JSON; here of one attack and one defence: the whole is tested with the
    simulator.
    """
    from casnb.mallory import attacks as mallory

    small = mallory.matrix({"-G": mallory.Defence.of("-G")}, ["forged-quote"])
    monkeypatch.setattr(mallory, "matrix", lambda columns, seed: small)
    assert casnb("attack", "--matrix").stdout.splitlines()[1].split() == ["forged-quote", "IN"]
    assert casnb("attack", "--matrix", "--format", "csv").stdout == "attack,-G\nforged-quote,IN\n"
    assert json.loads(casnb("attack", "--matrix", "--json").stdout)["rows"][0]["stopped_by"] == {
        "-G": ""
    }
