"""What is remembered of an attestation: said again whenever it is used, and never silently
replaced by another key.
"""

from __future__ import annotations

import json

import pytest

from casnb.simulator.world import World
from casnb.verify.keyhash import key_hash

THREE = ["-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug"]
ALL = [*THREE, "--only_for_testing-trust-any"]


@pytest.fixture
def attest(scone, tmp_path, monkeypatch):
    """Attest `127.0.0.1` by a saved report of a world."""
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(tmp_path / "config.json"))

    def go(world: World, *words: str):
        (tmp_path / "roots.pem").write_bytes(world.roots_pem)
        (tmp_path / "report.json").write_bytes(world.attest(world.setup.evidence[0]))
        return scone(
            "cas",
            "attest",
            "127.0.0.1",
            "--offline-report",
            tmp_path / "report.json",
            "--simulated-roots",
            tmp_path / "roots.pem",
            "--verification-time",
            f"{world.now:%Y-%m}-02",
            *words,
        )

    return go


@pytest.mark.parametrize(
    "words", [["show-certificate"], ["show-identification", "-c"], ["list"]], ids=lambda w: w[0]
)
def test_said_again_whenever_it_is_loaded(attest, scone, words):
    """Standard error counts the waivers in one short line; `list` names them, time and evidence
    too. Standard output stays what scripts read.
    """
    assert attest(World("pin"), *ALL).exit_code == 0
    result = scone("cas", *words)
    assert result.exit_code == 0 and "waive" not in result.stdout
    short = "warning: simulated CAS 127.0.0.1: 4 waivers, no secrets, judged as of 2026-09-02"
    long = (
        "warning: Simulated CAS 127.0.0.1 was accepted at 20",
        "Z with waivers (tcb-status by -G",
        "Judged as of 2026-09-02T00:00:00Z. Not asked: freshness, ",
        "Evidence: IASReport under simulated roots, SHA-256 ",
        "must not hold secrets",
    )
    for part in long if words == ["list"] else (short,):
        assert part in result.stderr
    assert words == ["list"] or len(result.stderr) < 160


def test_without_waivers_it_is_a_note(attest, scone):
    """Of a CAS that needed no waiver the same is said as a note."""
    world = World("pin", "production")
    assert attest(world).exit_code == 0
    told = scone("cas", "show-certificate").stderr
    assert (
        told == "note: simulated CAS 127.0.0.1: nothing waived, judged as of 2026-09-02, freshness"
        " not asked (scone cas list tells more).\n"
    )


def test_a_changed_key_is_refused_with_the_way_forward(attest, tmp_path):
    """Another root key under the same name: exit code 1, the old pin stays, and naming the new
    hash with -c replaces it aloud.
    """
    old, new = World("pin"), World("pin, set up again")
    assert attest(old, *ALL).exit_code == 0
    before = (tmp_path / "config.json").read_bytes()
    refused = attest(new, *ALL)
    old_hash, new_hash = key_hash(old.cas_root.cert), key_hash(new.cas_root.cert)
    assert refused.exit_code == 1 and "trustworthy" not in refused.stdout
    assert old_hash in refused.stderr and new_hash in refused.stderr and "-c HASH" in refused.stderr
    assert (tmp_path / "config.json").read_bytes() == before
    wrong = attest(new, *ALL, "-c", old_hash)
    assert wrong.exit_code == 1 and (tmp_path / "config.json").read_bytes() == before
    named = attest(new, *ALL, "-c", new_hash)
    assert named.exit_code == 0 and f"has changed from {old_hash} to {new_hash}" in named.stderr
    chain = json.loads((tmp_path / "config.json").read_text())["cas_db"]["127.0.0.1"]["chain"]
    assert chain.encode() == new.cas_chain_pem


def test_attesting_the_same_cas_again_is_quiet(attest):
    """The same keys again: nothing is said of a change."""
    attest(World("pin"), *ALL)
    again = attest(World("pin"), *ALL)
    assert again.exit_code == 0 and "changed" not in again.stderr and "updated" not in again.stderr
