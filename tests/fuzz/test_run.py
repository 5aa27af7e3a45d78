"""The driver of long runs: it counts, goes on where it was stopped, and does not overlook a
forgery.
"""

from __future__ import annotations

import json

import pytest
from fuzz import run as driver
from fuzz.run import BAD, Run
from fuzz.targets import TARGETS, Forged, Target


def counts(run: Run) -> dict[str, dict[str, int]]:
    return run.found["counts"]


def test_a_run_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    """Stopped in the middle of a round and begun again, it counts what an uninterrupted run
    counts.
    """
    monkeypatch.setattr(driver, "ROUND", 2000)
    names = ["cbor", "key-hash", "report-body"]
    whole = Run("seed", None, tmp_path / "keep")
    whole.go(4000, names)
    state = tmp_path / "state.json"
    slice_ = Run.slice

    def stopped(self: Run, target: Target, number: int, part: float) -> None:
        if (number, target.name) == (1, "key-hash"):
            raise KeyboardInterrupt
        slice_(self, target, number, part)

    monkeypatch.setattr(Run, "slice", stopped)
    with pytest.raises(KeyboardInterrupt):
        Run("seed", state, tmp_path / "keep").go(4000, names)
    monkeypatch.setattr(Run, "slice", slice_)
    again = Run("seed", state, tmp_path / "keep")
    again.go(4000, names)
    assert counts(again) == counts(whole) == json.loads(state.read_text())["counts"]
    assert again.total() == 2 * sum(TARGETS[n].share * 2 for n in names) and again.bad() == 0
    with pytest.raises(SystemExit, match="belongs to the seed"):
        Run("another", state, tmp_path / "keep")


def test_what_must_not_be_is_counted_and_kept(tmp_path, monkeypatch):
    """A forged accept and an exception that is not casnb's own: each in the report, each as a
    file.
    """

    def forged(data: bytes) -> str:
        if len(data) % 2:
            raise Forged("accepted")
        return {}["nothing"]

    monkeypatch.setitem(TARGETS, "bad", Target("bad", TARGETS["cbor"].samples, forged, 10))
    found = Run("seed", None, tmp_path / "keep")
    found.go(2000, ["bad"])
    assert {word.split(":")[0] for word in counts(found)["bad"]} - {"the sample itself"} == set(
        BAD
    ) - {"BROKEN"}
    assert found.bad() > 0 and any((tmp_path / "keep").iterdir())
    assert "FORGED: accepted" in found.report() and "UNTYPED: KeyError" in found.report()
