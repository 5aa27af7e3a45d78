"""`casnb walkthrough`: a true story for every scenario, whose commands can be typed, and an exit
code that says how it went.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import World

IGNORE_DEBUG = ["--only_for_testing-ignore-signer", "--only_for_testing-debug"]
FLAGS = {
    "public": ["-G", *IGNORE_DEBUG],
    "dcap-debug": ["-G", *IGNORE_DEBUG],
    "production": [],
    "revoked": [],
    "hyperthreading": ["-C", *IGNORE_DEBUG],
    "hardening": ["-S", *IGNORE_DEBUG],
    "both": ["-C", "-S", *IGNORE_DEBUG],
    "current": ["-S", *IGNORE_DEBUG],
}
VERDICTS = {"production": "trustworthy", "revoked": None}


def test_every_scenario_has_its_row():
    """None is forgotten below."""
    assert set(FLAGS) == set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_ends_as_it_should(casnb, scenario):
    """Exactly the flags that it needs, each missing one refused, the value read; where no flag
    helps nothing is read, exit 1.
    """
    run = casnb("walkthrough", "--scenario", scenario, "--json")
    told = json.loads(run.stdout)
    refused = scenario == "revoked"
    assert (
        run.exit_code == refused
        and told["ok"] is True
        and all(step["ok"] for step in told["steps"])
    )
    assert told["flags"] == FLAGS[scenario] and told["value"] == ("" if refused else "42")
    verdict = told["result"] and told["result"]["verdict"]
    assert verdict == VERDICTS.get(scenario, "accepted-with-waivers")
    steps = [step["step"] for step in told["steps"]]
    assert sum(
        s.startswith("attest with -") or s.startswith("attest with --") for s in steps
    ) == max(0, len(FLAGS[scenario]) - 1)
    if not refused:
        assert {
            "one digit of MRENCLAVE changed",
            "the same report with Mallory's certificates",
            "the same CAS judged under Intel's real roots",
            "curl with another CAS's certificates",
        } <= set(steps)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_story_reads_well(casnb, scenario):
    """At most 80 columns, chapters in order, no line of a command ends in a space, and nothing
    on standard error.
    """
    run = casnb("walkthrough", "--scenario", scenario)
    lines = run.stdout.splitlines()
    assert max(map(len, lines)) <= 80 and run.stderr == ""
    chapters = [line.split(".")[0] for line in lines if line[:1].isdigit()]
    assert chapters == [str(n) for n in range(1, len(chapters) + 1)] and len(chapters) >= 4
    assert not [line for line in lines if line.rstrip().endswith("\\") and line != line.rstrip()]
    assert "UNEXPECTED" not in run.stdout
    assert ("must not hold secrets" in run.stdout) == (scenario not in VERDICTS)
    assert ("is rejected" in run.stdout) == (scenario != "production")
    assert ("may hold a secret" in run.stdout) == (scenario == "production")


def commands(story: str) -> list[str]:
    """The commands that a story shows, continued lines joined."""
    joined = story.replace("\\\n", "\\")
    return [
        line.strip().removeprefix("$ ") for line in joined.splitlines() if line.startswith("   $ ")
    ]


@pytest.mark.scripts
@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("curl"), reason="needs Linux and curl"
)
@pytest.mark.parametrize(
    "scenario", ["public", "production", pytest.param("dcap-debug", marks=pytest.mark.soak)]
)
def test_its_commands_can_be_typed(casnb, serving, shell_env, tmp_path, scenario):
    """Pasted into a shell beside `casnb serve` they do what the story says, with the address
    that serve gave.
    """
    address = json.loads(
        casnb("walkthrough", "--scenario", scenario, "--seed", "typed", "--json").stdout
    )["address"]
    typed = commands(casnb("walkthrough", "--scenario", scenario, "--seed", "typed").stdout)
    assert [t for t in typed if t.startswith("casnb serve")] == [
        "casnb serve --background"
        + (f" --scenario {scenario}" if scenario != "public" else "")
        + " --env-file cas.env"
    ]
    script = [
        t.replace("\\    ", "\\\n")
        for t in typed[: [t.startswith("casnb serve") for t in typed].index(True)]
    ]
    with serving(tmp_path, "--scenario", scenario, "--seed", "typed") as cas:
        text = f". {cas.env_file}\n" + "\n".join(
            f'{line}; echo " ended $?"' for line in script
        ).replace(address, cas.CAS_ADDR)
        run = subprocess.run(
            ["bash", "-c", text],
            cwd=tmp_path,
            env=shell_env(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
    ends = [line.split()[-1] for line in run.stdout.splitlines() if " ended " in line]
    refusals = 0 if scenario == "production" else 1
    assert ends == ["0", "0", "0", *["1"] * refusals, *["0"] * (len(script) - 3 - refusals)], (
        script,
        run.stdout,
        run.stderr,
    )
    assert World("typed").example_value in run.stdout and "is trustworthy" in run.stdout


def test_a_lie_is_not_told_as_a_success(casnb, monkeypatch):
    """Where the page gives another value than the enclave has, the story says so, reads nothing
    and exits 1.
    """
    from casnb.cas.page import CasPage

    monkeypatch.setattr(CasPage, "mrenclave", lambda self, address: "00" * 32)
    run = casnb("walkthrough")
    assert run.exit_code == 1 and "UNEXPECTED: scrape" in run.stdout and "= 42" not in run.stdout


def test_a_check_that_lets_everything_pass_is_noticed(casnb, monkeypatch):
    """Where a refusal does not come, the story is not as it should be: exit 1, although the
    value was read.
    """
    from casnb.cas import asking as attest

    real = attest.attempt

    def careless(address, policy, **more):
        return real(address, policy, **{k: v for k, v in more.items() if k != "report"})

    monkeypatch.setattr(attest, "attempt", careless)
    told = json.loads(casnb("walkthrough", "--json").stdout)
    assert [s["step"] for s in told["steps"] if not s["ok"]] == [
        "the same report with Mallory's certificates"
    ]
    assert told["ok"] is False and told["value"] == "42" and casnb("walkthrough").exit_code == 1


def test_without_curl(casnb, monkeypatch):
    """The value is read all the same, and the missing program is named."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    run = casnb("walkthrough")
    assert run.exit_code == 0 and "curl is not installed here" in run.stdout


def test_an_unknown_scenario(casnb):
    """Exit 2, with the names that there are."""
    run = casnb("walkthrough", "--scenario", "nope")
    assert (run.exit_code, run.stdout) == (2, "") and "dcap-debug" in run.stderr


def test_nothing_is_left_behind(casnb, tmp_path, monkeypatch):
    """No file, no remembered CAS."""
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(tmp_path / "config.json"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert casnb("walkthrough").exit_code == 0
    assert list(tmp_path.iterdir()) == []
